# Copyright (C) the ngx_sendkit_auth_module authors
#
# The channel on which Redis tells what changes has a fault, and nothing else:
# who is asked for is answered all the time, and who has lost a role is refused
# when the lease has ended, at the latest.
#
# Fails when the lease does not end (ngx_sendkit_auth_cache_channel()), and nor
# does the channel when a PING is not answered
# (ngx_sendkit_auth_channel_ping()), or its loss is not told
# (ngx_sendkit_auth_cache_lose()).

use SendkitAuth;
use SendkitAuth::FaultBench;
use SendkitAuth::Redis;
use SendkitAuth::Zone;

# A subscriber that gets no answer tries again when the time to read is over.

my $bench = SendkitAuth::FaultBench->new(connect => '600ms', read => '600ms',
                                         timeout => '5s');
my $proxy = $bench->proxy;


sub fault {
    my ($name, @what) = @_;

    $bench->fault($name, sub {
        $proxy->only('channel')->fault(replies => @what);
    }, cold => '200', revoke => 1);
}


fault('the channel is dead', 'drop');
fault('the channel is 300 ms late', delay => 0.3);
fault('the channel is too late', delay => 3);
fault('the channel has jitter', delay => 0, 0.2);
fault('the channel, a byte at a time', split => 0.001);
fault('messages in another order', 'reorder');
fault('the channel ends, again and again', truncate => 3);

# Redis sends away who does not read.

redis('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 100kb 0 0');

$bench->fault('a slow subscriber', sub {
    $proxy->only('channel')->fault(replies => 'stop');
    pipeline(map { [ 'HSET', 'sendkit:key:' . $_ x 2000, type => 'platform' ] }
                 1000 .. 1500);
}, cold => '200', revoke => 1);
like(redis_server()->log, qr/overcoming of output buffer limits/,
     'a slow subscriber - Redis has closed its connection');

$bench->ends_well;
