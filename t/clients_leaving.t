# Copyright (C) the ngx_sendkit_auth_module authors
#
# A client may leave while Redis has not answered, in every way there is.  Its
# request is forgotten at once; the reply that comes later finds nobody and
# is nobody else's; the worker goes on.
#
# Fails when ngx_sendkit_auth_ctx_cleanup() does not cancel the lookup (the
# reply is then given to freed memory), when the access phase parks a request
# without ngx_http_test_reading(), so that it does not see the client leave,
# or when what is pipelined behind a request that waits is lost.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

use Socket qw( SOL_SOCKET SO_LINGER );

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate = gate(redis => $fake->address);
my ($worker) = $gate->workers;
my $holds = 0;

my %leave = (
    'closes' => sub { $_[0]->close },
    'resets the connection' => sub {
        setsockopt $_[0]{socket}, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0;
        $_[0]->close;
    },
    'closes its half' => sub { shutdown $_[0]{socket}, 1 },
    'sends half a request and closes' => sub {
        $_[0]->send("GET /v1/campaigns HTTP/1.1\r\nHost: a\r\nX-Api-");
        $_[0]->close;
    },
    'sends half a request and resets the connection' => sub {
        $_[0]->send("GET /v1/campaigns HTTP/1.1\r\nHost: a\r\nX-Api-");
        setsockopt $_[0]{socket}, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0;
        $_[0]->close;
    },
    'sends one more request and closes' => sub {
        $_[0]->send(request_of('admin', 'w1'));
        $_[0]->close;
    },
    'sends one more request and closes its half' => sub {
        $_[0]->send(request_of('admin', 'w1'));
        shutdown $_[0]{socket}, 1;
    },
);

# A request with a body that is not read, too.

my %request = (
    'GET' => request_of('owner', 'w1'),
    'POST with a body' => SendkitAuth::Wire::head(
        'POST', '/v1/campaigns', [ "X-Api-Key: $Key{owner}",
                                   'X-Workspace-Id: w1',
                                   'Content-Length: 10' ]) . '0123456789',
    'POST without its body' => SendkitAuth::Wire::head(
        'POST', '/v1/campaigns', [ "X-Api-Key: $Key{owner}",
                                   'X-Workspace-Id: w1',
                                   'Content-Length: 10' ]) . '01',
);


sub is_alive {
    my ($name) = @_;

    is_refused(ask($gate, 'stranger', 'w1'), 403, 'role',
               "$name - then the stranger is refused");
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
               "$name - then the owner is allowed");
    is("@{[ $gate->workers ]}", $worker, "$name - by the same worker");
    is(waiting($gate), 0, "$name - nobody waits");
}


recovers($gate, 'before');

for my $command ('hmget', 'hget') {
    for my $way (sort keys %leave) {
        for my $request (sort keys %request) {
            next if $command eq 'hget' && $request ne 'GET';

            my $name = "$request, $way before the reply to $command";
            my $hold = 'hold ' . ++$holds;

            $Upstream->mark;
            $fake->mark->on($command => hold => $hold, right => 1);

            # A first request, so that it is a connection that was kept.

            my $client = SendkitAuth::Wire->new($gate->port);
            $client->request('GET', '/open') if $holds % 2;

            # Another one waits beside it, for the same and for other things.

            my @others = map {
                SendkitAuth::Wire->new($gate->port)->send(request_of($_,
                                                                     'w1'))
            } 'owner', 'member';

            $client->send($request{$request});
            wait_until(sub { waiting($gate) == 3 }) or die "not sent";
            wait_until(sub { $fake->commands($command) }) or die "not held";

            $leave{$way}->($client);
            ok(wait_until(sub { waiting($gate) == 2 }),
               "$name - its request is over");

            $fake->release($hold)->on($command);
            is_allowed($others[0]->answer, 'owner', 'w1',
                       "$name - another owner has the reply");
            is_allowed($others[1]->answer, 'member', 'w1',
                       "$name - another member has its own");
            is(scalar $Upstream->requests, 2,
               "$name - nobody else reached the backend");
            is_alive($name);
        }
    }
}


# All leave, and the reply comes afterwards.

for my $way (sort keys %leave) {
    my $name = "twenty, each $way";
    my $hold = 'hold ' . ++$holds;

    $Upstream->mark;
    $fake->mark->on(hmget => hold => $hold, right => 1);

    my @who = qw( owner admin member stranger workspace unknown );
    my @clients = map {
        SendkitAuth::Wire->new($gate->port)->send(request_of($who[$_ % 6],
                                                             'w1'))
    } 1 .. 20;

    wait_until(sub { waiting($gate) == 20 }) or die "not sent";
    $leave{$way}->($_) for @clients;
    ok(wait_until(sub { waiting($gate) == 0 }), "$name - nobody waits");
    $fake->release($hold)->on('hmget');

    is_alive($name);
    is(scalar $fake->events('connect'), 0, "$name - the same connection");
    is(scalar $Upstream->requests, 1, "$name - nobody reached the backend");
}


# They leave and Redis never answers; then it does.

redis('FLUSHALL');
redis(@$_) for @$Seed;
my $real = gate(read => $Slow ? '3s' : '300ms');

recovers($real, 'Redis');
redis_server()->stop;

my @clients = map {
    SendkitAuth::Wire->new($real->port)->send(request_of('owner', 'w1'))
} 1 .. 10;

wait_until(sub { waiting($real) == 10 }) or die "not sent";
$_->close for @clients;
ok(wait_until(sub { waiting($real) == 0 }), 'Redis stopped - nobody waits');
ok($real->wait_for_log(qr/redis read timed out/),
   'Redis stopped - the command times out, waited for or not');
redis_server()->cont;
recovers($real, 'Redis goes on');
ends_well($real, 'Redis goes on');


# Who stays has the answers in the order of the requests, the second one sent
# while the first one waits.

for my $who ([ 'owner', 'stranger', 'owner' ], [ 'stranger', 'owner', 'admin' ],
             [ 'unknown', 'member', 'stranger' ])
{
    my $hold = 'hold ' . ++$holds;
    my $name = "pipelined: @$who";

    $fake->mark->on(hmget => hold => $hold, right => 1);

    my $client = SendkitAuth::Wire->new($gate->port);
    $client->send(request_of($who->[0], 'w1'));
    wait_until(sub { $fake->commands('hmget') }) or die "not held";
    $client->send(request_of($who->[1], 'w1'), request_of($who->[2], 'w1'));
    ok($client->is_silent, "$name - nothing is answered before");
    $fake->release($hold)->on('hmget');

    for (@$who) {
        my $answer = $client->answer;

        $_ eq 'unknown'
            ? is_refused($answer, 401, 'unknown_key', "$name - $_")
            : $_ eq 'stranger'
                ? is_refused($answer, 403, 'role', "$name - $_")
                : is_allowed($answer, $_, 'w1', "$name - $_");
    }
}

like($gate->access_log, qr/" 499 /, 'who left is in the access log');
ends_well($gate, 'clients that leave');
