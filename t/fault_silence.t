# Copyright (C) the ngx_sendkit_auth_module authors
#
# Redis, or the way to it, goes silent and nobody says so.
#
# Fails when a command has no timer (ngx_sendkit_auth_redis_client_rearm()); when
# the lease does not end (ngx_sendkit_auth_cache_channel()), and nor does the
# channel when a PING is not answered (ngx_sendkit_auth_channel_ping()), or its
# loss is not told (ngx_sendkit_auth_cache_lose()).

use SendkitAuth;
use SendkitAuth::FaultBench;

my $bench = SendkitAuth::FaultBench->new;
my $proxy = $bench->proxy;

$bench->fault('taken and never looked at',
              sub { $proxy->door('silent')->reset }, revoke => 1);
$bench->fault('SYN is not answered', sub { $proxy->door('full')->reset },
              revoke => 1);
$bench->fault('a black hole', sub { $proxy->fault(both => 'drop') },
              revoke => 1);
$bench->fault('a server that does not read',
              sub { $proxy->fault(both => 'stop') }, revoke => 1);
$bench->fault('only requests pass', sub { $proxy->fault(replies => 'drop') },
              revoke => 1);

# A router has forgotten the connections; new ones are good.

$bench->fault('half-open', sub { $proxy->only('old')->fault(both => 'drop') },
              cold => '200 503', revoke => 1);

$bench->ends_well;
