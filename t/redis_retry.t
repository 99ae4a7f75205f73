# Copyright (C) the ngx_sendkit_auth_module authors
#
# A read whose connection ends before its reply is asked once more, on another
# connection, and nobody notices; not twice, and not longer than the request may
# wait.  A script, which writes, is never sent again.
#
# Fails when a lost command is not sent again
# (ngx_sendkit_auth_redis_is_lost()), or not by a worker that exits, when that is
# done for a script ("reads" of a query), or when the first new connection has to wait for a pause
# (ngx_sendkit_auth_redis_client_lost()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::FaultProxy;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Redis;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Seed;
use SendkitAuth::Wire;

my %verdict = (owner => [ 200, 'allowed' ], stranger => [ 403, 'role' ],
               unknown => [ 401, 'unknown_key' ]);

redis('FLUSHALL');
redis(@$_) for @$KeySeed;

my $proxy = SendkitAuth::FaultProxy->new(redis_socket());
my $gate = gate(redis => $proxy->address, connect => $Slow ? '1s' : '200ms',
                read => $Slow ? '1s' : '200ms',
                timeout => $Slow ? '5s' : '2s');


sub commands {
    my $calls = commandstats();
    redis('CONFIG', 'RESETSTAT');
    return join ' ', map { "$_=$calls->{$_}" } grep { $calls->{$_} }
                     qw( hget hmget );
}


sub connected {
    my ($name) = @_;

    recovers($gate, "$name - before");
    $Upstream->mark;
    commands();
    return $proxy->connects;
}


# The connection that is open is good for nothing.

sub once {
    my ($name, $expected, $direction, @fault) = @_;

    for my $who (sort keys %verdict) {
        my $connects = connected("$name, $who");

        $proxy->only('old')->fault($direction, @fault);

        my $answer = ask($gate, $who, 'w1');
        my ($status, $reason) = @{ $verdict{$who} };

        is("$answer->{status} $answer->{headers}{'x-reason'}",
           "$status $reason", "$name - $who: $status");
        is($proxy->connects, $connects + 1, "$name - $who: a new connection");

        my $asked = $who eq 'unknown' ? $expected =~ s/hget=1 //r : $expected;
        is(commands(), $asked, "$name - $who: $asked");
        $proxy->heal;
    }
}


once('reset before the reply', 'hget=1 hmget=2', 'replies', cut => 0);
once('closed before the reply', 'hget=1 hmget=2', 'replies', truncate => 0);
once('reset in the reply', 'hget=1 hmget=2', 'replies', cut => 7);
once('closed in the reply', 'hget=1 hmget=2', 'replies', truncate => 7);
once('reset by the request', 'hget=1 hmget=1', 'requests', cut => 0);
once('no reply in the time for it', 'hget=1 hmget=1', 'both', 'drop');

# Idle connections end: no reason to ask twice.

for my $how (qw( end reset )) {
    my $connects = connected($how);

    $proxy->$how;
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', "idle, $how");
    is($proxy->connects, $connects + 1, "idle, $how - a new connection");
}

# The second one ends as well.

for my $how (qw( cut truncate )) {
    connected($how);
    $proxy->fault(replies => $how => 7);

    my $connects = $proxy->connects;

    is_refused(ask($gate, 'owner', 'w1'), 503, 'store_down',
               "not twice, $how");
    is(commands(), 'hmget=2', "not twice, $how - asked two times");
    is($proxy->connects, $connects + 1,
       "not twice, $how - one more connection");
    is_forwarded_never("not twice, $how");
    $proxy->heal;
}

# The second one never answers: the request ends in its time.

connected('never');
$proxy->fault(both => 'drop');
my $answer = ask($gate, 'owner', 'w1');
is_refused($answer, 503, 'store_timeout', 'no reply at all');
cmp_ok($answer->{time}, '<', $Slow ? 8 : 3, 'no reply at all - in time');
$proxy->heal;
recovers($gate, 'no reply at all');

# Many at once, who all lose their connection.

connected('many');
$proxy->only('old')->fault(replies => cut => 7);

my @who = (sort keys %verdict) x 10;
my @clients = map { SendkitAuth::Wire->new($gate->port) } @who;
my %wrong;

$clients[$_]->send(request_of($who[$_], 'w1')) for 0 .. $#who;

for my $i (0 .. $#who) {
    my $status = $clients[$i]->answer->{status};
    $wrong{"$who[$i]: $status"}++ if $status != $verdict{ $who[$i] }[0];
}

is("@{[ sort keys %wrong ]}", '', 'thirty at once - each has its verdict');
$proxy->heal;
ends_well($gate, 'reads');


# A script is sent once: it may have been run.

my $fake = SendkitAuth::FakeRedis->new->load(@$KeySeed);
my $keys = keys_gate(redis => $fake->address);

for my $bytes ('', '+O') {
    my $name = 'a script, ' . ($bytes ? 'half a reply' : 'no reply');

    recovers($keys, "$name - before");
    $fake->mark->on(evalsha => send => $bytes, close => 1);
    is_error(manage($keys, 'owner', 'POST'), 503, $name);

    my @sent = map { lc $_->[0] } $fake->commands;
    is(scalar(grep { /^eval/ } @sent), 1, "$name - sent once");
    $fake->on('evalsha');
}

recovers($keys, 'scripts');
ends_well($keys, 'scripts');

# Also by a worker that exits, and has requests that wait.

my $held = SendkitAuth::FakeRedis->new;
my $scripted = gate(redis => $held->address);

$held->load(@$Seed);

for my $reload (0, 1) {
    my $name = $reload ? 'lost after a reload' : 'lost before one';
    my $client = SendkitAuth::Wire->new($scripted->port);

    is_allowed(ask($scripted, 'owner', 'w1'), 'owner', 'w1', "$name - before");

    $held->mark->on(hmget => hold => $name, close => 1);
    $client->send(request_of('owner', 'w1'));
    ok(wait_until(sub { scalar $held->commands('hmget') }),
       "$name - under way");

    $scripted->reload if $reload;
    ok($scripted->wait_for_log(qr/gracefully shutting down/),
       "$name - the worker exits") if $reload;
    $held->on('hmget');
    $held->release($name);
    is_allowed($client->answer, 'owner', 'w1', "$name - asked once more");
}

ends_well($scripted, 'lost at a reload');
