# Copyright (C) the ngx_sendkit_auth_module authors
#
# Redirections of a cluster by scripted nodes: those that lead nowhere, or in a
# circle, end in 503; one that can be followed is; and a node that is asked
# only because another one said ASK may be gone from the map at any moment.
#
# Fails when redirections have no end (NGX_SENDKIT_AUTH_REDIS_REDIRECTS), when
# their slot or address is not checked (sendkit_redirect_parse()), when ASKING
# is left out, when a command goes to a node that was forgotten meanwhile
# (ngx_sendkit_auth_redis_masters_forget()), or when nobody is told of a node
# that ASK has brought (ngx_sendkit_auth_redis_is_redirected()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Wire;
use SendkitAuth::Zone;

my $fake = SendkitAuth::FakeRedis->new(tcp => 1);
my $other = SendkitAuth::FakeRedis->new(tcp => 1);
my ($address, $there) = map { $_->address =~ m{//(.*)} } $fake, $other;

# One of them has all slots, the other one is not in the map.

my $nodes = 'f' x 40 . " $address\@1 myself,master - 0 0 1 connected "
            . "0-16383\n";
my @map = (send => '$' . length($nodes) . "\r\n$nodes\r\n");

$_->load(@$Seed) for $fake, $other;
$fake->on(cluster => @map);
$_->on(asking => send => "+OK\r\n") for $fake, $other;

my $gate = gate(redis => "cluster://$address");

is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'a scripted node');

# They lead nowhere.

my $nobody = '127.0.0.1:' . free_port();

for my $error ("MOVED 1 $address", "ASK 1 $address", 'TRYAGAIN later',
               "MOVED 1 $nobody", "ASK 1 $nobody", "MOVED 16384 $there",
               "MOVED -1 $there", 'MOVED 1 127.0.0.1:0', 'MOVED 1 :1x',
               'MOVED', 'ASK 1', 'ASK 1 a.name.invalid:6379',
               'CLUSTERDOWN Hash slot not served', 'CROSSSLOT x')
{
    $fake->on(hmget => send => "-$error\r\n");
    my $answer = ask($gate, 'owner', 'w1');
    like("$answer->{status} $answer->{headers}{'x-reason'}",
         qr/^503 store_/, "$error - 503");
    cmp_ok(scalar $fake->commands('hmget'), '<', 100, "$error - has an end");
    $fake->on('hmget');
    recovers($gate, $error);
    $fake->mark;
}

# They lead somewhere.  ASK is for one command; the key is of the same node.

$fake->on(hmget => send => "-ASK 1 $there\r\n");
$other->mark;
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'ASK - followed');
cmp_ok(scalar $other->commands('asking'), '>', 0, 'ASK - ASKING comes first');
$fake->on('hmget');
recovers($gate, 'ASK');

{
    $fake->on(hmget => send => "-TRYAGAIN x\r\n");
    $fake->mark;

    my $client = SendkitAuth::Wire->new($gate->port);
    $client->send(request_of('owner', 'w1'));
    wait_until(sub { $fake->commands('hmget') });
    $fake->on('hmget');
    is_allowed($client->answer, 'owner', 'w1', 'TRYAGAIN, and then not');
}

# A redirection to the other node, and then a map without that one, in one turn
# of the worker; and in the opposite order.

for my $round (1, 2) {
    for my $order ('hget cluster', 'cluster hget') {
        my $name = "ASK and a map, round $round, $order";
        my $pid = first_worker($gate);

        # Just after a map was sent, the next one is not asked for so soon.

        $fake->mark;
        wait_until(sub { $fake->commands('cluster') });
        $fake->mark;
        $fake->on(hget => hold => "hget $name", send => "-ASK 1 $there\r\n");
        $fake->on(cluster => hold => "cluster $name", @map);

        my $client = SendkitAuth::Wire->new($gate->port);
        $client->send(request_of('owner', 'w1'));
        ok(wait_until(sub { $fake->commands('hget')
                            && $fake->commands('cluster') }),
           "$name - both are asked for");

        stop_worker($pid);
        my $bytes = unread($gate);
        for my $word (split / /, $order) {
            $fake->release("$word $name");
            wait_until(sub { my $now = unread($gate);
                             my $more = $now > $bytes;
                             $bytes = $now;
                             return $more });
        }
        kill 'CONT', $pid;

        my $answer = $client->answer;
        is_allowed($answer, 'owner', 'w1', "$name - allowed")
            or diag($answer->{headers}{'x-reason'});
        is(first_worker($gate), $pid, "$name - the worker lives");

        $fake->on('hget');
        $fake->on(cluster => @map);
        recovers($gate, $name);
    }
}

# MOVED is for all that follow, until the map is read again.

my $slot = slot(key('owner'));

$fake->on(hmget => send => "-MOVED $slot $there\r\n");
$other->mark;
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'MOVED - followed');
is(scalar $other->commands('asking'), 0, 'MOVED - without ASKING');
$fake->on('hmget');
recovers($gate, 'MOVED');

ends_well($gate, 'a scripted node');

# With a cache, who has a key is listened to as soon as that is known, also if
# no map has named it yet; and what it said is not kept before.

{
    my $cached = zone_gate(redis => "cluster://$address", workers => 1);
    my ($name, $yes) = ('ASK to a new one', '200 allowed');

    is(seen($cached, 'owner', 'w1'), "$yes miss", "$name - not yet");
    is(seen($cached, 'owner', 'w1'), "$yes hit", "$name - cached before");
    is(scalar $other->events('subscribe'), 0, "$name - not listened to");

    $other->mark;
    $fake->on(hmget => send => "-ASK 1 $there\r\n");
    is(seen($cached, 'admin', 'w1'), "$yes bypass", "$name - followed");
    ok(wait_until(sub { $other->events('subscribe') }),
       "$name - listened to");
    $fake->on('hmget');
    recovers($cached, $name);
    ends_well($cached, $name);
}


# CRC-16/XMODEM.

sub slot {
    my ($key) = @_;

    my $crc = 0;
    for my $byte (unpack 'C*', $key) {
        $crc ^= $byte << 8;
        $crc = $crc & 0x8000 ? ($crc << 1 ^ 0x1021) & 0xffff : $crc << 1
            for 1 .. 8;
    }

    return $crc % 16384;
}


# Bytes that have come from the scripted nodes and were not read.

sub unread {
    my $port = sprintf '%04X', $address =~ /:(\d+)/;
    my $bytes = 0;

    for (split /\n/, SendkitAuth::Process::slurp('/proc/net/tcp')) {
        my ($queue) = /^\s*\d+: \S+ [^:]+:$port 01 [0-9A-F]+:([0-9A-F]+)/;
        $bytes += hex $queue if defined $queue;
    }

    return $bytes;
}
