# Copyright (C) the ngx_sendkit_auth_module authors
#
# nginx reloads its configuration and quits while requests wait for Redis.
# Those are answered rightly by the worker that has them, which then ends and
# leaves no socket open; the next ones are under the new configuration.
#
# Fails when the connection to Redis is closed although replies are waited
# for, or kept although the worker must end, with the time it has to read
# (ngx_sendkit_auth_redis_read_handler()), or left open at the exit
# (ngx_sendkit_auth_exit_process()); or when something of the old configuration
# is kept in a new worker.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

use Digest::SHA qw( hmac_sha256_hex );

redis('FLUSHALL');
redis(@$_) for @$Seed;

my %reason = (stranger => [ 403, 'role' ], unknown => [ 401, 'unknown_key' ]);
my @who = (qw( owner admin member workspace stranger unknown )) x 2;


# Twelve requests that wait, with Redis stopped.

sub park {
    my ($gate) = @_;

    redis_server()->stop;
    my @clients = map {
        SendkitAuth::Wire->new($gate->port)->send(request_of($_, 'w1'))
    } @who;
    wait_until(sub { waiting($gate) == @who }) or die "not sent";

    return @clients;
}


sub are_right {
    my ($name, @clients) = @_;

    for my $i (0 .. $#who) {
        my $answer = $clients[$i]->answer;
        my $refused = $reason{$who[$i]};

        $refused ? is_refused($answer, @$refused, "$name - $who[$i]")
                 : is_allowed($answer, $who[$i], 'w1', "$name - $who[$i]");
    }
}


sub is_replaced {
    my ($gate, $name, @old) = @_;
    my %old = map { $_ => 1 } @old;

    ok(wait_until(sub { !grep { $old{$_} } $gate->workers }),
       "$name - the old workers have ended");
}


# A reload, with one worker and with more.

for my $workers (1, 3) {
    my $name = "reload, workers: $workers";
    my $gate = gate(workers => $workers);

    recovers($gate, $name);

    for my $round (1 .. 3) {
        my @old = $gate->workers;
        my @clients = park($gate);

        $gate->reload;
        redis_server()->cont;
        are_right("$name, round $round", @clients);

        # Their connections end with the worker.

        $_->close for @clients;
        is_replaced($gate, "$name, round $round", @old);
        recovers($gate, "$name, round $round");
    }

    ends_well($gate, $name);
}

# With nothing but an idle connection; with none; with a Redis that is down.

for my $state ('idle', 'not connected', 'down') {
    my $name = "reload, $state";
    my $gate = gate();

    recovers($gate, $name) if $state ne 'not connected';
    redis_server()->kill9 if $state eq 'down';
    is(ask($gate, 'owner', 'w1')->{status}, 503, "$name - 503")
        if $state eq 'down';

    my @old = $gate->workers;
    $gate->reload;
    is_replaced($gate, $name, @old);

    if ($state eq 'down') {
        redis_server()->start;
        redis(@$_) for @$Seed;
    }

    recovers($gate, $name);
    ends_well($gate, $name);
}

# SIGQUIT.

for my $workers (1, 3) {
    my $name = "quit, workers: $workers";
    my $gate = gate(workers => $workers);

    recovers($gate, $name);
    my @clients = park($gate);

    $gate->signal('QUIT');
    ok($gate->wait_for_log(qr/gracefully shutting down/), "$name - begins");
    redis_server()->cont;
    are_right($name, @clients);
    ends_well($gate, $name);
}

# While the very first connection is being made: nothing was sent yet.

{
    my $gate = gate();
    my @clients = park($gate);

    $gate->signal('QUIT');
    ok($gate->wait_for_log(qr/gracefully shutting down/), 'first - begins');
    redis_server()->cont;
    are_right('quit, first connection', @clients);
    ends_well($gate, 'quit, first connection');
}

# Redis does not answer before the worker wants to end: a late 503, no more.

{
    my $gate = gate(read => '300ms', timeout => '300ms');

    recovers($gate, 'quit, no reply');
    my @clients = park($gate);
    $gate->signal('QUIT');

    my %statuses = map { $_->answer->{status} => 1 } @clients;
    is("@{[ keys %statuses ]}", '503', 'quit, no reply - 503 for all');
    redis_server()->cont;
    ends_well($gate, 'quit, no reply');
}

# SIGTERM: nobody is waited for, and nobody is let through.

{
    my $gate = gate();

    recovers($gate, 'terminate');
    my @clients = park($gate);

    $Upstream->mark;
    ok($gate->stop, 'terminate - nginx ended at once');
    redis_server()->cont;
    is($_->answer->{status}, 0, 'terminate - no answer') for @clients;
    is_forwarded_never('terminate');
    unlike($gate->error_log, qr/\[(?:alert|crit|emerg)\]/,
           'terminate - no alert in the log');
}

# worker_shutdown_timeout: shorter than a reply may take.

{
    my $gate = gate(main => 'worker_shutdown_timeout 200ms;', read => '60s',
                    timeout => '60s');

    recovers($gate, 'shutdown timeout');
    my @old = $gate->workers;
    my @clients = park($gate);

    $Upstream->mark;
    $gate->reload;
    is_replaced($gate, 'shutdown timeout', @old);
    redis_server()->cont;
    is($_->answer->{status}, 0, 'shutdown timeout - no answer')
        for @clients;
    is_forwarded_never('shutdown timeout');
    recovers($gate, 'shutdown timeout');

    # nginx itself tells which connections it has given up.

    ends_well($gate, 'shutdown timeout');
}

# A worker that is killed: its requests are lost, and another one takes over.

{
    my $gate = gate();

    recovers($gate, 'killed');
    my @old = $gate->workers;
    my @clients = park($gate);

    $Upstream->mark;
    kill 'KILL', @old;
    is($_->answer->{status}, 0, 'killed - no answer') for @clients;
    redis_server()->cont;
    is_forwarded_never('killed');
    recovers($gate, 'killed');
    is_replaced($gate, 'killed', @old);
    ends_well($gate, 'killed', qr/exited on signal 9/);
}


# What is changed holds for new workers: another server, prefix, password,
# database, pepper; and is gone when it is changed back.

my $other = SendkitAuth::Redis->new;
my $pepper = 'the-pepper-of-the-tests';
my $digest = hmac_sha256_hex($Key{owner}, $pepper);
my $pepper_file = temp_dir() . '/pepper';
my $password_file = temp_dir() . '/password';

for ([ $pepper_file, $pepper ], [ $password_file, 'secret-of-the-store' ]) {
    open my $out, '>', $_->[0] or die "$_->[0]: $!";
    print $out "$_->[1]\n";
    close $out;
}

sub seed_other {
    my ($prefix, $user, $key) = @_;

    my @user = (type => 'platform', user => $user);

    $other->command('HSET', "${prefix}key:$key", @user);
    $other->command('HSET', "${prefix}roles:w1", $user, 'admin');
}

seed_other('sendkit:', 'u_server', digest($Key{owner}));
seed_other('other:', 'u_prefix', digest($Key{owner}));
seed_other('sendkit:', 'u_pepper', $digest);
$other->command('SELECT', 2);
seed_other('sendkit:', 'u_database', digest($Key{owner}));
$other->command('SELECT', 0);
$other->command('ACL', 'SETUSER', 'gate', 'on', '>secret-of-the-store',
                '~*', '+@all');

my $address = 'unix:' . $other->socket;
my $gate = gate();

for (1 .. 2) {
    for ([ 'u_owner' ], [ 'u_server', redis => $address ],
         [ 'u_prefix', redis => $address,
           more => 'sendkit_auth_redis_prefix other:;' ],
         [ 'u_pepper', redis => $address,
           more => "sendkit_auth_pepper_file $pepper_file;" ],
         [ 'u_database', redis => "$address:/2" ],
         [ 'u_server', redis => $address,
           more => 'sendkit_auth_redis_user gate;'
                   . "sendkit_auth_redis_password_file $password_file;" ])
    {
        my ($user, %args) = @$_;
        my @old = $gate->workers;

        $gate->reload(http => gate_conf(%args));
        is_replaced($gate, "changed to $user", @old);

        my $answer = ask($gate, 'owner', 'w1');
        is($answer->{status}, 200, "changed to $user - allowed");
        like($answer->{body}, qr/"X-Sendkit-User-Id":\["$user"\]/,
             "changed to $user - is asked");
    }
}

# Not to what is wrong: the old workers go on.

open my $out, '>', $pepper_file or die "$pepper_file: $!";
print $out "short\n";
close $out;

my @old = $gate->workers;
eval {
    local $SIG{ALRM} = sub { die "no new worker\n" };
    $gate->{http} = gate_conf(more =>
                              "sendkit_auth_pepper_file $pepper_file;");
    $gate->write_conf;
    $gate->signal('HUP');
};
ok($gate->wait_for_log(qr/\[emerg\] .* is shorter than 16 bytes/),
   'a wrong configuration - is refused');
is("@{[ $gate->workers ]}", "@old", 'a wrong configuration - same workers');
like(ask($gate, 'owner', 'w1')->{body}, qr/"u_server"/,
     'a wrong configuration - same answers');
ends_well($gate, 'changes', qr/is shorter than 16 bytes/);


# Reloads under load: each request has its right answer.

$gate = gate(workers => 2);
my %count;

for my $round (1 .. 5) {
    my @old = $gate->workers;
    my @clients = map { SendkitAuth::Wire->new($gate->port) } @who;

    $gate->signal('HUP');

    for my $i (0 .. $#who) {
        $clients[$i]->send(request_of($who[$i], 'w1', [
            'GET', '/v1/campaigns', 'X-Workspace-Id: w1',
            'Connection: close' ]));
    }

    for my $i (0 .. $#who) {
        my $expected = $reason{$who[$i]} ? $reason{$who[$i]}[0] : 200;
        my $got = $clients[$i]->answer->{status};
        $count{$got == $expected ? 'right' : "wrong: $who[$i] $got"}++;
    }

    is_replaced($gate, "load, round $round", @old);
}

is("@{[ %count ]}", 'right 60', 'load - each answer is right');
ends_well($gate, 'load');
