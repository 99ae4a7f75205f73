# Copyright (C) the ngx_sendkit_auth_module authors
#
# Requests that wait for the same thing at the same time share one command;
# those that wait for something else never do.
#
# Fails when ngx_sendkit_auth_lookup_start() does not find the flight that is
# under way, when the name of a flight does not tell workspace from user,
# or key from role, when a waiter that leaves takes the flight with it
# (ngx_sendkit_auth_lookup_cancel()), or when a flight is kept after its
# reply.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed,
    record('sk_user_first-0123456789abcdef', type => 'platform',
           user => 'c'),
    record('sk_user_second-0123456789abcdef', type => 'platform',
           user => 'bc'),
    record('sk_user_third-0123456789abcdef', type => 'platform',
           user => 'b:c'),
    record('sk_user_twin-0123456789abcdef', type => 'platform',
           user => 'u_owner'),
    [ 'HSET', 'sendkit:roles:ab', c => 'owner' ],
    [ 'HSET', 'sendkit:roles:a', 'b:c' => 'admin' ]);

my $gate = gate(redis => $fake->address);
my $holds = 0;
my %stranger = (
    first => 'sk_user_first-0123456789abcdef',
    second => 'sk_user_second-0123456789abcdef',
    third => 'sk_user_third-0123456789abcdef',
    twin => 'sk_user_twin-0123456789abcdef',
);


# Sends a request for each pair of key and workspace, all of them before the
# command is answered; returns the answers.  For all to wait for a role, none
# may have had its record earlier.

sub together {
    my ($command, @asked) = @_;
    my $name = 'hold ' . ++$holds;

    $Upstream->mark;
    $fake->mark->on(hmget => hold => "$name, hmget", right => 1)
               ->on($command => hold => "$name, $command", right => 1);

    my @clients = map {
        SendkitAuth::Wire->new($gate->port)->send(request_of(
            $stranger{$_->[0]} // $_->[0], $_->[1]))
    } @asked;

    wait_until(sub { waiting($gate) == @asked }) or die "not sent";
    $fake->release("$name, hmget");
    wait_until(sub { $fake->commands($command) }) or die "nothing held";
    $fake->release("$name, $command")->on('hmget')->on($command);

    return map { $_->answer } @clients;
}


sub sent {
    my %n = map { lc $_ => scalar $fake->commands($_) } qw( HMGET HGET );
    return "hmget=$n{hmget} hget=$n{hget}";
}


sub role_in {
    my ($answer) = @_;
    return $answer->{status} == 200
           ? ($answer->{body} =~ /"X-Sendkit-Role":\["(\w+)"\]/)[0] // 'none'
           : $answer->{status};
}


# The same key in the same workspace.

my @answers = together('hmget', ([ 'owner', 'w1' ]) x 20);
is_allowed($_, 'owner', 'w1', 'one of twenty that wait for a key')
    for @answers;
is(sent(), 'hmget=1 hget=1', 'twenty that wait for a key cost two commands');
is(scalar $Upstream->requests, 20, 'twenty reached the backend');

@answers = together('hget', ([ 'owner', 'w1' ]) x 20);
is_allowed($_, 'owner', 'w1', 'one of twenty that wait for a role')
    for @answers;
is(sent(), 'hmget=1 hget=1', 'twenty that wait for a role cost two, too');

@answers = together('hmget', ([ 'unknown', 'w1' ]) x 20);
is_refused($_, 401, 'unknown_key', 'one of twenty with an unknown key')
    for @answers;
is(sent(), 'hmget=1 hget=0', 'twenty with an unknown key cost one command');
is_forwarded_never('twenty with an unknown key');

# One after the other.

$fake->mark;
ask($gate, 'owner', 'w1') for 1 .. 3;
is(sent(), 'hmget=3 hget=3', 'three in turn cost six commands');

# Redis itself.

redis('FLUSHALL');
redis(@$_) for @$Seed;
my $real = gate();

is_allowed(ask($real, 'owner', 'w1'), 'owner', 'w1', 'Redis - before');
redis('CONFIG', 'RESETSTAT');
redis_server()->stop;

my @clients = map {
    SendkitAuth::Wire->new($real->port)->send(request_of('owner', 'w1'))
} 1 .. 20;
wait_until(sub { waiting($real) == 20 }) or die "not sent";
redis_server()->cont;

is_allowed($_->answer, 'owner', 'w1', 'Redis - one of twenty') for @clients;
is(commandstats()->{hmget}, 1, 'Redis - one HMGET');
is(commandstats()->{hget}, 1, 'Redis - one HGET');
ends_well($real, 'Redis');

# Different keys.

my @who = qw( owner admin member stranger workspace );
@answers = together('hmget', map { ([ $_, 'w1' ]) x 4 } @who);

for my $i (0 .. $#answers) {
    my $who = $who[$i / 4];
    $who eq 'stranger'
        ? is_refused($answers[$i], 403, 'role', "each its own - $who")
        : is_allowed($answers[$i], $who, 'w1', "each its own - $who");
}

is(sent(), 'hmget=5 hget=4', 'five keys cost five HMGET');

# Another key of the same user asks for the same role.

@answers = together('hget', [ 'owner', 'w1' ], [ 'twin', 'w1' ]);
is("@{[ map { role_in($_) } @answers ]}", 'owner owner',
   'two keys of one user');
is(sent(), 'hmget=2 hget=1', 'two keys of one user share the role');
like($answers[1]{body}, qr/"X-Sendkit-Key-Id":\["@{[ key_id($stranger{twin})
   ]}"\]/, 'two keys of one user are told apart');

# The same user in two workspaces.

@answers = together('hget', [ 'owner', 'w1' ], [ 'owner', 'w2' ],
                    [ 'stranger', 'w1' ], [ 'stranger', 'w2' ]);
is("@{[ map { role_in($_) } @answers ]}", 'owner member 403 owner',
   'a user has its own role in each workspace');
is(sent(), 'hmget=2 hget=4', 'a role of each workspace is asked for');

# Workspace and user that read alike when they are put together.

@answers = together('hget', [ 'first', 'ab' ], [ 'second', 'a' ],
                    [ 'third', 'a' ]);
is("@{[ map { role_in($_) } @answers ]}", 'owner 403 admin',
   '"ab" and "c", "a" and "bc", "a" and "b:c"');
is(sent(), 'hmget=3 hget=3', 'are three roles');

@answers = together('hget', [ 'second', 'a' ], [ 'third', 'a' ],
                    [ 'first', 'ab' ]);
is("@{[ map { role_in($_) } @answers ]}", '403 admin owner',
   '"a" and "bc", "a" and "b:c", "ab" and "c"');

# An error is everybody's who waits for it, and nobody's afterwards.

$fake->mark->on(hmget => hold => 'error', send => "-ERR x\r\n");
@clients = map {
    SendkitAuth::Wire->new($gate->port)->send(request_of('owner', 'w1'))
} 1 .. 10;
wait_until(sub { waiting($gate) == 10 }) or die "not sent";
wait_until(sub { $fake->commands('hmget') }) or die "nothing held";
$fake->release('error')->on('hmget');

is_refused($_->answer, 503, 'store_error', 'one of ten with an error')
    for @clients;
is(sent(), 'hmget=1 hget=0', 'ten with an error cost one command');
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
           'the error is not kept');

# Who began it leaves, or one of the others, or all.

for my $leave ([ 0 ], [ 1 ], [ 4 ], [ 0 .. 3 ], [ 0 .. 4 ]) {
    my $name = 'hold ' . ++$holds;
    my %left = map { $_ => 1 } @$leave;

    $Upstream->mark;
    $fake->mark->on(hmget => hold => $name, right => 1);

    my @clients = map {
        my $client = SendkitAuth::Wire->new($gate->port);
        $client->send(request_of('owner', 'w1'));
        wait_until(sub { $fake->commands('hmget') }) or die "nothing held";
        $client;
    } 0 .. 4;

    wait_until(sub { waiting($gate) == 5 }) or die "not sent";
    $clients[$_]->close for @$leave;
    wait_until(sub { waiting($gate) == 5 - @$leave }) or die "not left";
    $fake->release($name)->on('hmget');

    is_allowed($clients[$_]->answer, 'owner', 'w1', "@$leave left - $_")
        for grep { !$left{$_} } 0 .. 4;
    is(sent(), @$leave == 5 ? 'hmget=1 hget=0' : 'hmget=1 hget=1',
       "@$leave left - commands");
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
               "@$leave left - the next request");
}

ends_well($gate, 'flights');
