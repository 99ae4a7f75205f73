# Copyright (C) the ngx_sendkit_auth_module authors
#
# How long a request waits: no longer than sendkit_auth_timeout for all that
# it asks, whatever the server does; sendkit_auth_redis_connect_timeout and
# _read_timeout give up the connection.
#
# Fails when ngx_sendkit_auth_access_start() takes the time anew for each
# lookup, when a waiter's timer is not set (ngx_sendkit_auth_flight_join()),
# when the deadline of a command is not that of the oldest one
# (ngx_sendkit_auth_redis_rearm()), or when a timer is called something else
# in the log.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use Socket qw( SOCK_STREAM );

# What a busy machine adds.

my $more = $Slow ? 10 : 1;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);


sub takes {
    my ($answer, $from, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok($answer->{time} > $from - 0.02 && $answer->{time} < $from + $more,
       "$name - after $from s") or diag("$answer->{time} s");
}


# sendkit_auth_timeout: the request ends, the connection stays.

my $gate = gate(redis => $fake->address, timeout => '300ms');

is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'before');

for my $command ('hmget', 'hget') {
    $fake->on($command => hold => $command, right => 1);
    $Upstream->mark;

    my $answer = ask($gate, 'owner', 'w1');
    is_refused($answer, 503, 'store_timeout', "no reply to $command");
    takes($answer, 0.3, "no reply to $command");
    is_forwarded_never("no reply to $command");

    $fake->release($command)->on($command);
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
               "a reply to $command");
}

is(scalar $fake->events('connect'), 1,
   'sendkit_auth_timeout does not cost the connection');

# It is one time for both commands.

$fake->on(hmget => pause => 0.2, right => 1)
     ->on(hget => hold => 'both', right => 1);
my $answer = ask($gate, 'owner', 'w1');
is_refused($answer, 503, 'store_timeout', 'half of the time for the record');
takes($answer, 0.3, 'half of the time for the record');
cmp_ok($answer->{time}, '<', 0.48 * $more,
       'half of the time for the record - the role has the rest');
$fake->release('both')->on('hmget')->on('hget');
ends_well($gate, 'sendkit_auth_timeout');

# And for both peppers.

my @pepper_files;

for my $name ('new', 'old') {
    push @pepper_files, temp_dir() . "/pepper-$name";
    open my $out, '>', $pepper_files[-1] or die "$pepper_files[-1]: $!";
    print $out "the-$name-pepper-of-the-tests\n";
    close $out;
}

$gate = gate(redis => $fake->address, timeout => '300ms',
             more => "sendkit_auth_pepper_file @pepper_files;");
$fake->on(hmget => pause => 0.2, right => 1);
$answer = ask($gate, 'owner', 'w1');
is_refused($answer, 503, 'store_timeout', 'half of the time for a pepper');
cmp_ok($answer->{time}, '<', 0.38 * $more,
       'half of the time for a pepper - the old one has the rest');
$fake->on('hmget');
ends_well($gate, 'two peppers');

# Who joins a command later waits as long as the others do.

$gate = gate(redis => $fake->address, timeout => '400ms');
$fake->mark->on(hmget => hold => 'joined', right => 1);

my $first = SendkitAuth::Wire->new($gate->port);
my $started = Time::HiRes::time();
$first->send(request_of('owner', 'w1'));
wait_until(sub { $fake->commands('hmget') && Time::HiRes::time()
                                             > $started + 0.2 });
$answer = ask($gate, 'owner', 'w1');
takes($answer, 0.4, 'who joins later has its own time');
is_refused($first->answer, 503, 'store_timeout', 'who began');
is_refused($answer, 503, 'store_timeout', 'who joined');
is(scalar $fake->commands('hmget'), 1, 'they shared a command');
$fake->release('joined')->on('hmget');
recovers($gate, 'who joined');
ends_well($gate, 'who joins later');


# sendkit_auth_redis_read_timeout: the connection is given up.

$gate = gate(redis => $fake->address, read => '300ms');

is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'before');
$fake->mark->on(hmget => hold => 'read', right => 1);
$answer = ask($gate, 'owner', 'w1');
is_refused($answer, 503, 'store_timeout', 'no reply in the time for it');
takes($answer, 0.6, 'no reply in the time for it, and again');
ok($gate->wait_for_log(qr/redis read timed out \(110: .*redis: unix:/),
   'no reply in the time for it - said in the log');

$fake->release('read')->on('hmget');
recovers($gate, 'no reply in the time for it');
is(scalar $fake->events('connect'), 2,
   'no reply in the time for it - a new connection, twice');

# Each command has its own: one that is answered does not lend it to others,
# and an idle connection has none.  What came too late is sent again, once.

$fake->on(hmget => pause => 0.2, right => 1);
my @clients = map { SendkitAuth::Wire->new($gate->port) } 1 .. 3;
$started = Time::HiRes::time();
$clients[$_]->send(request_of((qw( unknown admin member ))[$_], 'w1'))
    for 0 .. 2;
my @statuses = map { $_->answer->{status} } @clients;
is("@statuses", '401 200 503',
   'three replies, 0.2 s each: the second is too late for the third, too');
cmp_ok(Time::HiRes::time() - $started, '<', 0.8 * $more,
       'the third does not get the time of the second');
$fake->on('hmget');
recovers($gate, 'too late');

$fake->mark;
my $end = Time::HiRes::time() + 0.7;
wait_until(sub { Time::HiRes::time() > $end });
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
           'an idle connection is not given up');
is(scalar $fake->events('connect'), 0, 'nor opened again');
ends_well($gate, 'sendkit_auth_redis_read_timeout');


# A socket where nobody accepts: that the connection is there is no answer.

my $path = temp_dir() . '/silent.sock';
my $silent = IO::Socket::UNIX->new(Local => $path, Listen => 16)
    or die "cannot listen on $path: $!";
chmod 0777, $path;

$gate = gate(redis => "unix:$path", connect => '100ms', read => '200ms');
$answer = ask($gate, 'owner', 'w1');
is_refused($answer, 503, 'store_timeout', 'nobody accepts');
cmp_ok($answer->{time}, '<', 0.3 + $more, 'nobody accepts - in time');
like($gate->error_log, qr/redis read timed out/, 'nobody accepts - the log');
ends_well($gate, 'nobody accepts');

# Its queue is full.  Connecting to a unix socket does not wait.

my $full_path = temp_dir() . '/full.sock';
my $full = IO::Socket::UNIX->new(Local => $full_path, Listen => 1)
    or die "cannot listen on $full_path: $!";
chmod 0777, $full_path;
my @queue;

while (@queue < 100) {
    my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Blocking => 0);
    connect $socket, Socket::pack_sockaddr_un($full_path) or last;
    push @queue, $socket;
}

cmp_ok(scalar @queue, '<', 100, 'the queue is full');
$gate = gate(redis => "unix:$full_path");
$answer = ask($gate, 'owner', 'w1');
is_refused($answer, 503, 'store_down', 'the queue is full');
cmp_ok($answer->{time}, '<', $more, 'the queue is full - at once');
like($gate->error_log, qr/connect\(\) to unix:\S+ failed \(11: /,
     'the queue is full - the log');
ends_well($gate, 'the queue is full');


# sendkit_auth_redis_connect_timeout: a queue that is full, over TCP, where
# the kernel does not answer at all.

my $hole = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
    or die "cannot listen: $!";
my @stuck;

for (1 .. 20) {
    my $socket = IO::Socket::INET->new(Blocking => 0, Proto => 'tcp',
                                       PeerAddr => '127.0.0.1',
                                       PeerPort => $hole->sockport);
    push @stuck, $socket;
    last if !IO::Select->new($socket)->can_write(0.2);
}

$gate = gate(redis => 'redis://127.0.0.1:' . $hole->sockport,
             connect => '300ms');
$Upstream->mark;
$answer = ask($gate, 'owner', 'w1');
is_refused($answer, 503, 'store_timeout', 'a black hole');
takes($answer, 0.3, 'a black hole');
is_forwarded_never('a black hole');
like($gate->error_log,
     qr/redis connect timed out \(110: .*redis: 127\.0\.0\.1:/,
     'a black hole - the log');
is(ask($gate, 'owner', 'w1', [ 'GET', '/open' ])->{body}, "open\n",
   'a black hole - others are answered');
ends_well($gate, 'a black hole');

# sendkit_auth_timeout is shorter.

$gate = gate(redis => 'redis://127.0.0.1:' . $hole->sockport,
             connect => '1s', read => '1s', timeout => '200ms');
$answer = ask($gate, 'owner', 'w1');
is_refused($answer, 503, 'store_timeout', 'a black hole, a short time');
takes($answer, 0.2, 'a black hole, a short time');
ends_well($gate, 'a black hole, a short time');


# The times that hold when they are not set, one after the other.

$gate = gate(redis => $fake->address, read => '');
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'read - before');
$fake->on(hmget => hold => 'default', right => 1);
$answer = ask($gate, 'owner', 'w1');
is_refused($answer, 503, 'store_timeout', 'the default of the read timeout');
takes($answer, 0.2, 'the default of the read timeout, twice');
ends_well($gate, 'the default of the read timeout');

$gate = gate(redis => 'redis://127.0.0.1:' . $hole->sockport, connect => '');
$answer = ask($gate, 'owner', 'w1');
is_refused($answer, 503, 'store_timeout',
           'the default of the connect timeout');
takes($answer, 0.2, 'the default of the connect timeout');
ends_well($gate, 'the default of the connect timeout');

$gate = gate(redis => "unix:$path", connect => '1s', read => '1s',
             timeout => '');
$answer = ask($gate, 'owner', 'w1');
is_refused($answer, 503, 'store_timeout', 'the default of the whole');
takes($answer, 0.25, 'the default of the whole');
ends_well($gate, 'the default of the whole');
