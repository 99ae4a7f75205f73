# Copyright (C) the ngx_sendkit_auth_module authors
#
# One connection carries the commands of all requests: what one turn of the
# event loop asks leaves in one write, and each reply finds the request that
# asked for it, however many there are.
#
# Fails when ngx_sendkit_auth_redis_conn_write() writes at once instead of
# posting the flush, when ngx_sendkit_auth_redis_reply() takes another command
# than the oldest, when a write that was cut short goes on at the wrong byte
# (ngx_sendkit_auth_redis_conn_flush()), or when the buffer loses bytes as it
# grows.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

# Many keys, each of another user with another role.

my $n = 200;
my @roles = qw( owner admin member superuser );
my (%key, @many);

for my $i (0 .. $n - 1) {
    $key{$i} = sprintf 'sk_user_%05d-0123456789abcdef', $i;
    push @many, record($key{$i}, type => 'platform', user => "u_$i"),
                [ 'HSET', 'sendkit:roles:w1', "u_$i", $roles[$i % 4] ];
}


# What the answer says about who asked: user, role and key, or the status.

sub told {
    my ($answer) = @_;

    return $answer->{status} if $answer->{status} != 200;
    return join ' ', map { $answer->{body} =~ /"X-Sendkit-$_":\["(.*?)"\]/ }
                         qw( User-Id Role Key-Id );
}


sub expected {
    my ($i) = @_;
    return 403 if $i % 4 == 3;
    return "u_$i $roles[$i % 4] " . key_id($key{$i});
}


# nginx sleeps while the requests arrive, and finds them all at once.

sub all_at_once {
    my ($gate, $clients, @requests) = @_;
    my ($worker) = $gate->workers;

    kill 'STOP', $worker;
    wait_until(sub { SendkitAuth::Process::slurp("/proc/$worker/stat")
                     =~ /\) T / }) or die "not stopped";
    $clients->[$_]->send($requests[$_]) for 0 .. $#requests;
    kill 'CONT', $worker;

    return map { $clients->[$_]->answer } 0 .. $#requests;
}


sub clients_of {
    my ($gate, $n) = @_;

    # Accepted, so that they need no turn of their own.

    my @clients = map { SendkitAuth::Wire->new($gate->port) } 1 .. $n;
    $_->request('GET', '/open') for @clients;
    return \@clients;
}


# How many writes brought the commands of these reads.

sub writes {
    my ($before, @reads) = @_;
    return $reads[-1]{segments} - $before;
}


sub words {
    return map { $_->[0] } map { @{ $_->{commands} } } @_;
}


my $fake = SendkitAuth::FakeRedis->new(tcp => 1)->load(@many);
my $gate = gate(redis => $fake->address);

is(ask($gate, $key{0}, 'w1')->{status}, 200, 'the connection is open');

for my $requests (2, 10, 60) {
    my $clients = clients_of($gate, $requests);
    my $before = ($fake->events('read'))[-1]{segments};

    $fake->mark;
    my @answers = all_at_once($gate, $clients,
                              map { request_of($key{$_}, 'w1') }
                                  0 .. $requests - 1);
    my @reads = $fake->events('read');

    is("@{[ words(@reads) ]}",
       join(' ', ('HMGET') x $requests, ('HGET') x $requests),
       "$requests requests: all HMGETs, then all HGETs");
    is(writes($before, @reads), 2, "$requests requests: each in one write");
    is(join("\n", map { told($_) } @answers),
       join("\n", map { expected($_) } 0 .. $requests - 1),
       "$requests requests: each has its own answer");
}

# The handshake goes with the first commands.

my $password_file = temp_dir() . '/password';
open my $out, '>', $password_file or die "$password_file: $!";
print $out "secret-of-the-store\n";
close $out;

my $shy = SendkitAuth::FakeRedis->new(tcp => 1)->load(@many);
my $knocking = gate(redis => $shy->address . '/2', more =>
                    "sendkit_auth_redis_password_file $password_file;");
my @answers = all_at_once($knocking, clients_of($knocking, 5),
                          map { request_of($key{$_}, 'w1') } 0 .. 4);

my @reads = $shy->events('read');

is("@{[ words(@reads) ]}", join(' ', 'AUTH', 'SELECT', ('HMGET') x 5,
                                ('HGET') x 5), 'AUTH and SELECT come first');
is(writes(0, @reads), 2, 'in the same write as the first commands');
is("@{[ map { told($_) } @answers ]}", "@{[ map { expected($_) } 0 .. 4 ]}",
   'and nobody waits for their replies');
is(scalar $shy->events('connect'), 1, 'on one connection');
ends_well($knocking, 'the handshake');

# Replies in the order of commands, though they come in heaps or in pieces.

my @steps = ([ right => 1 ], [ pause => 0.001, right => 1 ],
             [ hold => 'heap', right => 1 ]);
my $clients = clients_of($gate, 100);

for my $steps (@steps) {
    $fake->on(hmget => @$steps)->on(hget => @$steps);
    my $name = "@$steps";

    $clients->[$_]->send(request_of($key{$_}, 'w1')) for 0 .. 99;
    wait_until(sub { waiting($gate) == 100 }) if $name =~ /heap/;
    $fake->release('heap');

    is(join("\n", map { told($_->answer) } @$clients),
       join("\n", map { expected($_) } 0 .. 99),
       "replies by \"$name\" find their requests");
}

$fake->on('hmget')->on('hget');
ends_well($gate, 'one connection');

# More than the socket takes at once: the rest of a write follows.

redis('FLUSHALL');
redis(@$_) for @many;
my $real = gate();

is(ask($real, $key{0}, 'w1')->{status}, 200, 'Redis - the connection is open');
redis_server()->stop;
my $crowd = clients_of($real, $n);
@answers = ();
$crowd->[$_]->send(request_of($key{$_}, 'w1')) for 0 .. $n - 1;
wait_until(sub { waiting($real) == $n }) or die "not sent";
redis_server()->cont;

is(join("\n", map { told($_->answer) } @$crowd),
   join("\n", map { expected($_) } 0 .. $n - 1),
   "Redis - $n requests that waited");
like(redis('INFO', 'clients'), qr/^connected_clients:2\r/m,
     'Redis - on one connection');

# Under load: each of them again and again, in no order.

srand 1;
my $wrong = 0;

for my $round (1 .. 10) {
    my @order = sort { $a->[1] <=> $b->[1] } map { [ $_, rand ] } 0 .. $n - 1;
    my @asked = map { $_->[0] } @order;

    $crowd->[$_]->send(request_of($key{$asked[$_]}, 'w1')) for 0 .. $n - 1;

    for (0 .. $n - 1) {
        $wrong++ if told($crowd->[$_]->answer) ne expected($asked[$_]);
    }
}

is($wrong, 0, "Redis - ten times $n requests, each its own answer");
ends_well($real, 'Redis');
