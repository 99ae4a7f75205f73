# Copyright (C) the ngx_sendkit_auth_module authors
#
# A Redis that is gone is an outage and not a bad key: 503 with Retry-After
# at once, never 401 or 403; nothing else in nginx suffers, and two seconds
# after Redis is back the gateway works again.
#
# Fails when a lost connection leaves waiters behind, when its commands get
# another result than SENDKIT_STORE_DOWN, when sendkit_backoff_delay() grows
# beyond a second or not at all, or when a client that cannot connect blocks the worker.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

my $redis = SendkitAuth::Redis->new;
my $address = 'unix:' . $redis->socket;

# A server that was shut down leaves no socket.  That a path that is not there
# is critical is nginx's own choice, for all sockets.

my $no_socket = qr/connect\(\) to unix:\S+ failed \(2: /;

# A server that starts again has these from the file: between its start and a
# seed all keys would be unknown, rightly.

$redis->command(@$_) for @$Seed;
$redis->command('SAVE');


# All sorts of requests, for some time.

sub is_down {
    my ($gate, $name, $reason) = @_;

    $Upstream->mark;
    is_refused(ask($gate, 'owner', 'w1'), 503, $reason, $name);

    my (%statuses, $slowest);
    $slowest = 0;

    for my $who (('owner', 'stranger', 'unknown', 'workspace') x 10) {
        my $answer = ask($gate, $who, 'w1');

        $statuses{$answer->{status}}++;
        $slowest = $answer->{time} if $slowest < $answer->{time};

        $answer = ask($gate, $who, 'w1', [ 'GET', '/open' ]);
        $statuses{$answer->{body}}++ if $answer->{body} ne "open\n";
    }

    is("@{[ %statuses ]}", '503 40', "$name - 503 for every key");
    ok($slowest < ($Slow ? 10 : 1), "$name - at once")
        or diag("$slowest s");
    is_forwarded_never($name);

    # What needs no Redis is decided as always.

    is_refused(ask($gate, 'workspace', undef,
                   [ 'POST', '/v1/workspaces/w1/api-key' ]),
               403, 'key_kind', "$name - a workspace key may not manage");
    is_refused(ask($gate, 'sk_x', 'w1'), 401, 'bad_key',
               "$name - a malformed key");
}


sub is_up {
    my ($gate, $name) = @_;

    recovers($gate, $name);
    is_refused(ask($gate, 'stranger', 'w1'), 403, 'role',
               "$name - refused again");
    is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key',
               "$name - unknown again");
}


my $gate = gate(redis => $address);
is_up($gate, 'before');

# While nothing waits.

$redis->kill9;
is_down($gate, 'killed while idle', 'store_down');
$redis->start;
is_up($gate, 'started again');

# Before nginx.

$redis->kill9;
my $late = gate(redis => $address);
is_down($late, 'down at start', 'store_down');
$redis->start;
is_up($late, 'started after nginx');
is_up($gate, 'started after nginx, the other one');
ends_well($late, 'down at start');

# While requests wait.

$redis->stop;
my @clients = map { SendkitAuth::Wire->new($gate->port) } 1 .. 10;
my @who = (qw( owner stranger unknown workspace admin )) x 2;

$clients[$_]->send(request_of($who[$_], 'w1')) for 0 .. $#clients;
is(wait_until(sub { waiting($gate) == 10 }), 1, 'ten requests wait');
is(ask($gate, 'owner', 'w1', [ 'GET', '/open' ])->{status}, 200,
   'others do not');
$redis->kill9;
is_refused($clients[$_]->answer, 503, 'store_down',
           "killed while $who[$_] waits") for 0 .. $#clients;
is_down($gate, 'killed while requests wait', 'store_down');
$redis->start;
is_up($gate, 'started after requests waited');

# The connections of the clients are still good.

is_allowed($clients[0]->send(request_of('owner', 'w1'))->answer, 'owner',
           'w1', 'a client that was refused is allowed on its connection');

# Up and down.

for (1 .. 5) {
    $redis->kill9;
    is(ask($gate, 'owner', 'w1')->{status}, 503, "down $_");
    $redis->start;
    recovers($gate, "up $_");
}

# Ended in good order, with the connection closed by Redis.

eval { $redis->command('SHUTDOWN', 'NOSAVE') };
$redis->kill9;
is_down($gate, 'shut down', 'store_down');
$redis->start;
is_up($gate, 'started after it was shut down');

# Only this connection.

for (1 .. 3) {
    $redis->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    is_up($gate, "disconnected $_");
}

ends_well($gate, 'up and down', $no_socket);

# The pauses between attempts grow, but not so long that it would be noticed
# late that Redis is back; and they do grow.

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $patient = gate(redis => $fake->address);
my %seen;

recovers($patient, 'long outage');
$fake->on(connect => close => 1)->on(hmget => close => 1)->mark;

my $end = time + 6;
wait_until(sub {
    $seen{ask($patient, 'owner', 'w1')->{status}}++;
    return time >= $end;
});

my @attempts = map { $_->{time} } $fake->events('connect');
my $longest = 0;

for (0 .. $#attempts) {
    my $gap = ($attempts[$_ + 1] // $end) - $attempts[$_];
    $longest = $gap if $longest < $gap;
}

is("@{[ keys %seen ]}", '503', 'long outage - 503 all the time');
cmp_ok($longest, '<', $Slow ? 3 : 1.5, 'long outage - no long pause');
cmp_ok($longest, '>', 0.3, 'long outage - pauses grow');
cmp_ok(scalar @attempts, '<', 30, 'long outage - few attempts');

$fake->on('connect')->on('hmget');
is_up($patient, 'long outage');
ends_well($patient, 'long outage');

# Over TCP.

my $tcp = SendkitAuth::Redis->new(tcp => 1);
$tcp->command(@$_) for @$Seed;
$tcp->command('SAVE');

my $far = gate(redis => $tcp->address);
is_up($far, 'TCP');
$tcp->kill9;
is_down($far, 'TCP - killed', 'store_down');
$tcp->start;
is_up($far, 'TCP - started again');
ends_well($far, 'TCP');

# There is not even a socket.

$redis->kill9;
unlink $redis->socket;
my $lost = gate(redis => $address);
is_down($lost, 'no socket', 'store_down');
$redis->start;
is_up($lost, 'the socket is there');
ends_well($lost, 'no socket', $no_socket);
