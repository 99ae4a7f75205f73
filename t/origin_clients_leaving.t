# Copyright (C) the ngx_sendkit_auth_module authors
#
# The question is a subrequest of one client's request.  When that client
# leaves, those who wait for the same thing must have their answers, as they
# would have without it.
#
# Fails when the question ends with the request that asks and nobody asks
# again, when who has left is answered (freed memory), when a question that
# nobody waits for is never over, or when one is left behind that the next
# request joins for ever.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

use Socket qw( SOL_SOCKET SO_LINGER );

my $origin = origin();
my $gate = gate($origin->gate(timeout => '20s', read => '20s'));
my ($worker) = $gate->workers;

my %leave = (
    'closes' => sub { $_[0]->close },
    'resets the connection' => sub {
        setsockopt $_[0]{socket}, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0;
        $_[0]->close;
    },
    'closes its half' => sub { shutdown $_[0]{socket}, 1 },
    'sends one more request and closes' => sub {
        $_[0]->send(request_of('admin', 'w1'));
        $_[0]->close;
    },
);

my $owner = record($Key{owner}, type => 'platform', user => 'u_owner');


# The first one asks, the others join.

sub line_up {
    my ($n, $read, $who) = @_;

    $origin->stop;

    return map {
        my $client = SendkitAuth::Wire->new($gate->port);
        my $already = $_;

        $client->send(request_of($who, 'w1'));
        wait_until(sub { commandstats()->{$read}
                         && waiting($gate) == $already + 1 })
            or die "not sent";
        $client;
    } 0 .. $n - 1;
}


sub is_alive {
    my ($name) = @_;

    is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key',
               "$name - then an unknown key");
    is_allowed(ask($gate, 'admin', 'w1'), 'admin', 'w1',
               "$name - then the admin is allowed");
    is("@{[ $gate->workers ]}", $worker, "$name - by the same worker");
    ok(wait_until(sub { waiting($gate) == 0 }), "$name - nobody waits");
}


# Who asks leaves, another one, some, all but one.

for my $way (sort keys %leave) {
    for my $leave ([ 0 ], [ 1 ], [ 0, 1 ], [ 9 ], [ 0 .. 8 ]) {
        for ([ 'hmget' ], [ 'hget', $owner ]) {
            my ($read, @commands) = @$_;
            my $name = "@$leave of ten $way after $read";
            my %left = map { $_ => 1 } @$leave;

            fresh($origin, @commands);
            my @clients = line_up(10, $read, 'owner');
            $leave{$way}->($clients[$_]) for @$leave;
            $origin->cont;

            is_allowed($clients[$_]->answer, 'owner', 'w1', "$name - $_")
                for grep { !$left{$_} } 0 .. 9;
            is(scalar $Upstream->requests, 10 - @$leave,
               "$name - nobody else reached the backend");
            is_alive($name);
        }
    }
}

# One after the other, each while the origin has not answered the one before;
# the last one has it.

fresh($origin);
my @clients = line_up(10, 'hmget', 'owner');

for (0 .. 8) {
    my $left = 9 - $_;
    $clients[$_]->close;

    # nginx may keep a request until its subrequest is over.

    wait_until(sub { waiting($gate) <= $left }, 0.2);
}

$origin->cont;
is_allowed($clients[9]->answer, 'owner', 'w1', 'one after the other');
is_alive('one after the other');

# An unknown key, and errors, are passed on in the same way.

for ([ 'unknown', 401, 'unknown_key' ], [ 'stranger', 403, 'role' ]) {
    my ($who, $status, $reason) = @$_;

    fresh($origin);
    my @clients = line_up(5, 'hmget', $who);
    $clients[0]->close;
    $origin->cont;
    is_refused($clients[$_]->answer, $status, $reason, "$who - $_")
        for 1 .. 4;
    is_forwarded_never($who);
    is_alive($who);
}

# All leave.  Whether or not the answer is written, the next one is right.

for my $way (sort keys %leave) {
    for my $who ('owner', 'unknown') {
        my $name = "ten with the key $who, each $way";

        fresh($origin);
        my @clients = line_up(10, 'hmget', $who);
        $leave{$way}->($_) for @clients;
        $origin->cont;
        ok(wait_until(sub { waiting($gate) == 0 }), "$name - nobody waits");
        is_forwarded_never($name);

        my $answer = ask($gate, $who, 'w1');
        $who eq 'owner'
            ? is_allowed($answer, 'owner', 'w1', "$name - the next one")
            : is_refused($answer, 401, 'unknown_key', "$name - the next one");
        is_alive($name);
    }
}

# They leave, and others come before the origin answers.

fresh($origin);
@clients = line_up(5, 'hmget', 'owner');
$_->close for @clients;
@clients = map {
    SendkitAuth::Wire->new($gate->port)->send(request_of('owner', 'w1'))
} 1 .. 5;
wait_until(sub { waiting($gate) >= 5 }) or die "not sent";
$origin->cont;
is_allowed($_->answer, 'owner', 'w1', 'who came after all had left')
    for @clients;
is_alive('who came after');

# The worker does not keep what was needed for those who left.

sub memory {
    my $status = SendkitAuth::Process::slurp("/proc/$worker/status");
    return $status =~ /^VmRSS:\s+(\d+)/m ? $1 : 0;
}


sub open_files {
    return scalar @{[ glob "/proc/$worker/fd/*" ]};
}


sub come_and_go {
    for (1 .. $_[0]) {
        fresh($origin);
        my @clients = line_up(10, 'hmget', 'owner');
        $clients[$_]->close for 0 .. 7;
        $origin->cont;
        $_->answer && $_->close for @clients[8, 9];
    }

    wait_until(sub { waiting($gate) == 0 }) or die "somebody waits";
}

come_and_go(10);
wait_until(sub { open_files() < 20 });
my ($memory, $files) = (memory(), open_files());
come_and_go(20);

# Sanitizers keep freed memory for a while.

cmp_ok(memory(), '<', $memory + ($Slow ? 65536 : 1024),
       'two hundred more clients do not cost memory');
ok(wait_until(sub { open_files() <= $files }), 'nor sockets')
    or diag("$files before, now " . open_files());

ends_well($gate, 'clients that leave');
