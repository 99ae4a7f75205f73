# Copyright (C) the ngx_sendkit_auth_module authors
#
# A Redis that is slow: who waits is refused in time, and a reply that comes
# after all is that of the command that asked for it, or nobody's.  Matched to
# another command it would let one caller in as another.
#
# Fails when a command whose waiter has given up is taken out of the queue
# before its reply (ngx_sendkit_auth_lookup_cancel()), when a connection is
# kept whose command has timed out (ngx_sendkit_auth_redis_read_handler()),
# or when the codec keeps bytes of the connection before
# (ngx_sendkit_auth_redis_codec_reset()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

my $slow = $Slow ? 10 : 1;

sub ms { return $_[0] * $slow . 'ms' }

# Redis itself stops, and goes on.

redis('FLUSHALL');
redis(@$_) for @$Seed;

my $gate = gate(connect => ms(200), read => ms(100), timeout => ms(250));
recovers($gate, 'before');

for my $round (1 .. 3) {
    redis_server()->stop;
    $Upstream->mark;

    my %statuses;

    for my $who (('owner', 'stranger', 'unknown') x 3) {
        my $answer = ask($gate, $who, 'w1');

        $statuses{$answer->{status}}++;
        cmp_ok($answer->{time}, '<', 0.25 * $slow + 1,
               "stopped, round $round - $who is refused in time");
        is(ask($gate, $who, 'w1', [ 'GET', '/open' ])->{body}, "open\n",
           "stopped, round $round - others are answered");
    }

    is("@{[ keys %statuses ]}", '503', "stopped, round $round - 503");
    is_forwarded_never("stopped, round $round");

    redis_server()->cont;
    recovers($gate, "stopped, round $round");
    is_refused(ask($gate, 'stranger', 'w1'), 403, 'role',
               "stopped, round $round - the stranger is refused");
    is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key',
               "stopped, round $round - the unknown key is refused");
}

like($gate->error_log, qr/redis read timed out.*, redis: unix:/,
     'the log names what has timed out');
ends_well($gate, 'stopped');


# The waiter gives up, its command does not: the connection is good.

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
$gate = gate(redis => $fake->address, timeout => ms(300));

is_allowed(ask($gate, 'admin', 'w1'), 'admin', 'w1', 'before');
$fake->on(hmget => hold => 'late', right => 1);
is_refused(ask($gate, 'owner', 'w1'), 503, 'store_timeout',
           'who has waited long enough is refused');
$fake->on('hmget');

# Behind it, on the same connection.

my @clients = map { SendkitAuth::Wire->new($gate->port) } 1 .. 3;
my @who = qw( stranger other member );
$clients[$_]->send(request_of($who[$_], undef, [ 'GET',
                                                '/v1/workspaces/w2' ]))
    for 0 .. 2;
wait_until(sub { $fake->commands('hmget') == 5 }) or die "not sent";
$fake->release('late');

my @answers = map { $_->answer } @clients;
is_allowed($answers[0], 'stranger', 'w2',
           'a late reply is not the stranger\'s');
is_allowed($answers[1], 'other', 'w2',
           'a late reply is not the workspace key\'s');
is_refused($answers[2], 403, 'role', 'a late reply is not the member\'s');
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
           'who was refused is allowed');
is(scalar $fake->events('connect'), 1, 'it was one connection all the time');

# The same, for a role.

$fake->on(hget => hold => 'late role', right => 1);
is_refused(ask($gate, 'owner', 'w1'), 503, 'store_timeout',
           'who has waited for a role is refused');
$fake->on('hget');

my $client = SendkitAuth::Wire->new($gate->port);
my $before = $fake->commands('hget');
$client->send(request_of('stranger', 'w1'));
wait_until(sub { $fake->commands('hmget') == 8 }) or die "not sent";
$fake->release('late role');
is_refused($client->answer, 403, 'role',
           'the late role of an owner is not the stranger\'s');
is_allowed(ask($gate, 'admin', 'w1'), 'admin', 'w1',
           'nor does it raise the admin');
is(scalar $fake->events('connect'), 1, 'it is still the same connection');
ends_well($gate, 'late replies on the same connection');


# The command itself times out: its reply goes to a closed connection.

$fake = SendkitAuth::FakeRedis->new->load(@$Seed);
$gate = gate(redis => $fake->address, connect => ms(100), read => ms(100));

is_allowed(ask($gate, 'admin', 'w1'), 'admin', 'w1', 'before');

for my $round (1 .. 5) {
    my ($command, @reply) = $round % 2 ? 'hmget' : 'hget';
    my $right = $fake->right('HMGET', 'sendkit:key:' . digest($Key{owner}),
                             qw( type user workspace expires status ));
    $right = $fake->right('HGET', 'sendkit:roles:w1', 'u_owner')
        if $command eq 'hget';

    # In one piece, or the rest of it.

    my $n = $round < 3 ? 0 : $round * 2;

    $fake->mark->on($command => send => substr($right, 0, $n),
                    hold => "round $round", send => substr($right, $n));
    is_refused(ask($gate, 'owner', 'w1'), 503, 'store_timeout',
               "late, round $round - refused");

    # Also while the old connection is still open on the other side.

    $fake->on($command);
    my $answer = wait_until(sub {
        my $answer = ask($gate, 'stranger', 'w1');
        return $answer if $answer->{status} != 503;
    }, 2);
    is_refused($answer, 403, 'role',
               "late, round $round - not the stranger's");

    $fake->release("round $round");
    is_refused(ask($gate, 'stranger', 'w1'), 403, 'role',
               "late, round $round - nor after it has come");
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
               "late, round $round - allowed");
    is(scalar $fake->events('connect'), 2,
       "late, round $round - two new connections: it was asked twice");
}

ends_well($gate, 'late replies on a closed connection');


# Slow, but in time.

$fake = SendkitAuth::FakeRedis->new->load(@$Seed);
$gate = gate(redis => $fake->address);

$fake->on(hmget => pause => 0.3, right => 1)
     ->on(hget => pause => 0.3, right => 1);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'slow, but in time');
$fake->on('hmget')->on('hget');
ends_well($gate, 'slow, but in time');


# Everybody at once, at a Redis that is now fast, now slow, now too slow: who
# is allowed is who it should be.

$fake = SendkitAuth::FakeRedis->new->load(@$Seed);
$gate = gate(redis => $fake->address, connect => ms(60), read => ms(60),
             timeout => ms(40));

my %verdict = (owner => 200, admin => 200, member => 200, workspace => 200,
               stranger => 403, odd => 403, other => 403, expired => 401,
               inactive => 401, unknown => 401, broken => 503);
my %count;
my $wrong = 0;

srand 1;

for my $round (1 .. 60) {
    my $pause = (0, 0.001, 0.01, 0.03, 0.05, 0.1)[rand 6] * $slow;
    $fake->on(hmget => pause => $pause, right => 1)
         ->on(hget => pause => $pause / 2, right => 1);

    my %client = map { $_ => SendkitAuth::Wire->new($gate->port) }
                 keys %verdict;
    $client{$_}->send(request_of($_, 'w1')) for keys %client;

    for my $who (keys %client) {
        my $answer = $client{$who}->answer;
        my $expected = $verdict{$who};

        $count{$answer->{status} == 503 ? 'refused' : 'decided'}++;
        next if $answer->{status} == 503;

        $wrong++ if $answer->{status} != $expected;
        next if $answer->{status} != 200;

        my $user = $who eq 'workspace' ? qr/"Key-Type":\["workspace"\]/
                                       : qr/"X-Sendkit-User-Id":\["u_$who"\]/;
        $user = qr/"X-Sendkit-Key-Type":\["workspace"\]/
            if $who eq 'workspace';
        $wrong++ if $answer->{body} !~ $user;
    }
}

is($wrong, 0, 'nobody had another\'s reply');
cmp_ok($count{decided} // 0, '>', 10, 'some were decided');
cmp_ok($count{refused} // 0, '>', 10, 'some were refused');

$fake->on('hmget')->on('hget');
recovers($gate, 'fast again');
ends_well($gate, 'now fast, now slow');
