# Copyright (C) the ngx_sendkit_auth_module authors
#
# More requests wait for Redis than may, or more commands are under way: those
# that come then are refused at once, with 503 and the reason "overload".
# Nothing else is: neither those who wait, nor who is in the cache, nor what
# needs no Redis, nor what is not guarded.
#
# Fails when a waiter is not counted, or still is when it has left
# (ngx_sendkit_auth_flight_join(), _leave()), when a command is not given back
# (ngx_sendkit_auth_redis_free()), or when the reason is one of the store's.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;

my %status = (owner => 200, admin => 200, member => 200, stranger => 403,
              odd => 403, unknown => 401);

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $rounds = 0;


# They wait, when this returns.

sub who_wait {
    my ($gate, @who) = @_;

    my @clients = map { SendkitAuth::Wire->new($gate->port) } @who;
    $clients[$_]->send(request_of($who[$_], 'w1')) for 0 .. $#who;

    wait_until(sub { waiting($gate) == @who }) or die "not waiting";
    return @clients;
}


# @who may wait; then there is room for nobody else.

sub is_full {
    my ($gate, $name, $others, @who) = @_;
    my $hold = 'round ' . ++$rounds;

    recovers($gate, "$name - before");
    $fake->on(hmget => hold => $hold, right => 1);

    my @clients = who_wait($gate, @who);
    $Upstream->mark;

    for my $other (@$others) {
        my $answer = ask($gate, $other, 'w1');

        is_refused($answer, 503, 'overload', "$name - $other is one too many");
        cmp_ok($answer->{time}, '<', $Slow ? 3 : 1, "$name - told at once");
    }

    is_forwarded_never($name);
    is(ask($gate, 'owner', 'w1', [ 'GET', '/open' ])->{body}, "open\n",
       "$name - what is not guarded is answered");
    is_refused(ask($gate, 'sk_x', 'w1'), 401, 'bad_key',
               "$name - and what needs no Redis");

    # One of them leaves.

    my $place = pop @clients;
    my $left = pop @who;

    $place->close;
    wait_until(sub { waiting($gate) == @who }) or die 'still there';
    push @clients, who_comes($gate, $left, scalar @who);
    push @who, $left;

    $fake->on('hmget')->release($hold);
    is($clients[$_]->answer->{status}, $status{ $who[$_] },
       "$name - $who[$_], who waits, has her verdict") for 0 .. $#who;

    is(ask($gate, $_, 'w1')->{status}, $status{$_}, "$name - $_, later")
        for @$others;
}


sub who_comes {
    my ($gate, $who, $others) = @_;

    my $client = SendkitAuth::Wire->new($gate->port);
    $client->send(request_of($who, 'w1'));
    wait_until(sub { waiting($gate) == $others + 1 }, 5)
        or die "no room for $who";
    return $client;
}


# Those who wait, with a command of their own or the same one.

my $gate = gate(redis => $fake->address,
                more => 'sendkit_auth_max_waiting 3;');
is_full($gate, 'three wait', [ 'stranger', 'unknown' ],
        qw( owner admin member ));
is_full($gate, 'three wait for one', [ 'owner', 'stranger' ],
        qw( owner owner owner ));
ends_well($gate, 'three wait');

# Commands: whoever asks what is asked already needs none.

$gate = gate(redis => $fake->address,
             more => 'sendkit_auth_redis_max_commands 2;');
is_full($gate, 'two commands', [ 'stranger', 'unknown' ], qw( owner admin ));
is_full($gate, 'two commands, four wait', [ 'stranger', 'unknown' ],
        qw( owner admin owner admin ));
ends_well($gate, 'two commands');

# Who is in the cache does not notice.

$gate = zone_gate($fake, more => 'sendkit_auth_max_waiting 2;');
is(shown($gate, 'owner', 'w1'), '200 miss', 'a cache - asked once');
$fake->on(hmget => hold => 'cache', right => 1);

my @clients = who_wait($gate, qw( admin unknown ));

is(shown($gate, 'stranger', 'w1'), '503 overload miss',
   'a cache - who has to ask is refused');
is(shown($gate, 'owner', 'w1'), '200 hit', 'a cache - who is in it is not');
$fake->on('hmget')->release('cache');
is_deeply([ map { $_->answer->{status} } @clients ], [ 200, 401 ],
          'a cache - who waits has her verdict');
is(shown($gate, 'stranger', 'w1'), '403 role miss', 'a cache - later');
ends_well($gate, 'a cache');

# A crowd: each is answered, rightly or by "overload".

$gate = gate(redis => $fake->address, more => 'sendkit_auth_max_waiting 5;');
recovers($gate, 'a crowd - before');
$fake->on(hmget => pause => 0.01, right => 1);

my (%wrong, %seen);

for (1 .. 20) {
    my @who = (sort keys %status) x 3;
    my @crowd = map { SendkitAuth::Wire->new($gate->port) } @who;

    $crowd[$_]->send(request_of($who[$_], 'w1')) for 0 .. $#who;

    for my $i (0 .. $#who) {
        my $answer = $crowd[$i]->answer;
        my $overload = ($answer->{headers}{'x-reason'} // '') eq 'overload';

        $seen{ $overload ? 'overload' : 'decided' }++;
        $wrong{"$who[$i]: $answer->{status}"}++
            if $answer->{status} != ($overload ? 503 : $status{ $who[$i] });
    }
}

is("@{[ sort keys %wrong ]}", '', 'a crowd - nobody got another\'s answer');
cmp_ok($seen{$_} // 0, '>', 10, "a crowd - some: $_")
    for qw( decided overload );
$fake->on('hmget');
recovers($gate, 'a crowd');
ends_well($gate, 'a crowd');
