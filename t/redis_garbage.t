# Copyright (C) the ngx_sendkit_auth_module authors
#
# Whatever comes from the Redis socket, only a reply that is well-formed and
# of the type that the command has allows a request.  All else is 503, never
# 401 or 403, nothing of it reaches the backend, and right replies are
# believed again within two seconds.
#
# Fails when sendkit_resp_accept() lets a header pass that announces too
# much, when ngx_sendkit_auth_redis_codec_flatten() takes another type for a
# string or an array, when ngx_sendkit_auth_result_record() or _role() do not
# look at the type and number of values, when the handshake goes on after a
# reply that is not "+OK", or when a reply that nobody asked for stays in the
# connection.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

my $read_timeout = $Slow ? '2s' : '200ms';

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate = gate(redis => $fake->address, read => $read_timeout);

my @fields = qw( type user workspace expires status );
my $record = $fake->right('HMGET', 'sendkit:key:' . digest($Key{owner}),
                          @fields);
my $role = $fake->right('HGET', 'sendkit:roles:w1', 'u_owner');


# Steps instead of the reply to a command; the reason is one of the store's.

sub is_garbage {
    my ($name, $command, @steps) = @_;

    $Upstream->mark;
    $fake->on($command, @steps);

    my $answer = ask($gate, 'owner', 'w1');
    my $reason = $answer->{headers}{'x-reason'} // '';
    $reason = 'store_error' if $reason !~ /^store_(?:error|down|timeout)$/;

    is_refused($answer, 503, $reason, $name);
    is_forwarded_never($name);

    $fake->on($command);
    recovers($gate, "$name - then");
}


# Quick, which is to say without waiting for more of it.

sub is_refused_at_once {
    my ($name, $command, $bytes) = @_;

    $fake->on($command, send => $bytes);

    my $answer = ask($gate, 'owner', 'w1');
    is_refused($answer, 503, 'store_error', "$name - not waited for");

    $fake->on($command);
    recovers($gate, "$name - then");
}


# The next request begins with a new connection.

sub drop {
    my ($fake) = @_;
    $fake->tell("x\r\n");
    wait_until(sub { $fake->is_closed }) or die "nginx did not close\n";
}


sub shown {
    my ($bytes) = @_;
    my $text = $bytes =~ s/\r\n/ /gr =~ s/([^ -~])/sprintf '\x%02x', ord $1/ger;
    return length $text > 50 ? substr($text, 0, 50) . '...' : $text;
}


recovers($gate, 'right replies');


# Replies of a wrong type; complete, so nothing is to be waited for.

my @nil = ("\$-1\r\n") x 5;
my @wrong = (
    "+OK\r\n", "+\r\n", ":1\r\n", ":0\r\n", ":-1\r\n", ":\r\n", ":x\r\n",
    "*0\r\n", "*-1\r\n", "*1\r\n+OK\r\n", "*1\r\n:1\r\n",
    "*1\r\n-ERR x\r\n", "*1\r\n*0\r\n", "*2\r\n*1\r\n+a\r\n+b\r\n",
    ('*1' . "\r\n") x 9 . "+OK\r\n",
    '*5' . "\r\n" . "*1\r\n\$8\r\nplatform\r\n" x 5,
    "_\r\n", "#t\r\n", ",1.5\r\n", "(1234567890\r\n",
    "!5\r\nERR x\r\n", "=9\r\ntxt:owner\r\n", "%1\r\n+a\r\n+b\r\n",
    "~1\r\n+a\r\n", ">2\r\n+a\r\n+b\r\n", "|1\r\n+a\r\n+b\r\n", ".\r\n",
    "PONG\r\n", "owner\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "\r\n",
    "\n", "\0", "\0" x 5000, "\xff\xfe\r\n", ' ' x 100 . "\r\n",
);

my @errors = map { "-$_\r\n" } (
    '', 'ERR x', 'LOADING Redis is loading the dataset in memory',
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
    "NOPERM this user has no permissions to run the 'hmget' command",
    "OOM command not allowed when used memory > 'maxmemory'.",
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL',
    'READONLY You can\'t write against a read only replica.',
    'MASTERDOWN Link with MASTER is down', 'MOVED 3999 127.0.0.1:6381',
    'ASK 3999 127.0.0.1:6381', 'CLUSTERDOWN The cluster is down',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'ERR max number of clients reached', 'x' x 510, 'x' x 600, "a\0b%s%n",
);

for my $bytes (@wrong, @errors) {
    is_garbage("instead of a record: " . shown($bytes), 'hmget',
               send => $bytes);
}

for my $bytes (@wrong, @errors, $record) {
    is_garbage("instead of a role: " . shown($bytes), 'hget',
               send => $bytes);
}

is_garbage('instead of a record: a role', 'hmget', send => $role);


# The right values in a wrong form.

my @values = ("\$8\r\nplatform\r\n", "\$7\r\nu_owner\r\n", @nil[0 .. 2]);

for ([ 'one value too few', 4, @values[0 .. 3] ],
     [ 'one value too many', 6, @values, $nil[0] ],
     [ 'eight values', 8, @values, @nil[0 .. 2] ],
     [ 'nine values', 9, @values, @nil[0 .. 3] ],
     [ '64 values', 64, @values, ($nil[0]) x 59 ],
     [ 'a status for the type', 5, "+platform\r\n", @values[1 .. 4] ],
     [ 'a status for the user', 5, $values[0], "+u_owner\r\n",
       @values[2 .. 4] ],
     [ 'an integer for the time', 5, @values[0 .. 2], ":9999999999\r\n",
       $nil[0] ],
     [ 'an error for the status', 5, @values[0 .. 3], "-ERR x\r\n" ],
     [ 'a nil array for the status', 5, @values[0 .. 3], "*-1\r\n" ],
     [ 'an empty array for the status', 5, @values[0 .. 3], "*0\r\n" ])
{
    my ($name, $n, @bulks) = @$_;
    is_garbage("a record of $name", 'hmget',
               send => join '', "*$n\r\n", @bulks);
}

for ("+owner\r\n", ":1\r\n", "*1\r\n\$5\r\nowner\r\n", "\$05\r\nowner\r\n",
     "\$+5\r\nowner\r\n", "\$ 5\r\nowner\r\n", "\$5 \r\nowner\r\n",
     "\$5\nowner\n", "\$5\r\nowner\n\n", "\$5\r\nowner  ", "\$5\r\nowners\r\n",
     "\$4\r\nowner\r\n", "\$\r\nowner\r\n", "\$5x\r\nowner\r\n",
     "\$0x5\r\nowner\r\n", "\$-5\r\nowner\r\n", "\$-0\r\n\r\n",
     "\$-2\r\n", "\$-11\r\n", "\$?\r\n;5\r\nowner\r\n;0\r\n")
{
    is_garbage('a role as ' . shown($_), 'hget', send => $_);
}


# What is announced is not believed, and not waited for.

for my $length (65, 1000, 9999, 10000, 1_000_000_000, 2147483647,
                4294967295, 4294967301, 9223372036854775807,
                '18446744073709551621', '9' x 40, '-2', '-1000000000',
                '-' . '9' x 40)
{
    is_refused_at_once("an array of $length", 'hmget', "*$length\r\n");
    is_refused_at_once("a role of an array of $length", 'hget',
                       "*$length\r\n");
}

for my $length (65537, 99999, 100000, 999_999_999, 2147483647, 4294967301,
                536870913, '18446744073709551621', '9' x 40, '-2',
                '-' . '9' x 40)
{
    is_refused_at_once("a value of $length bytes", 'hmget',
                       "*5\r\n\$$length\r\n");
    is_refused_at_once("a role of $length bytes", 'hget', "\$$length\r\n");
}

is_refused_at_once('a status without an end', 'hmget', '+' . 'x' x 5000);
is_refused_at_once('an error without an end', 'hget', '-' . 'x' x 5000);
is_refused_at_once('digits without an end', 'hmget', '*' . '0' x 5000);


# Cut off at each byte, and then closed.

for my $n (0 .. length($record) - 1) {
    is_garbage("a record that ends after $n bytes", 'hmget',
               send => substr($record, 0, $n), close => 1);
}

for my $n (0 .. length($role) - 1) {
    is_garbage("a role that ends after $n bytes", 'hget',
               send => substr($role, 0, $n), close => 1);
}

for my $n (0, 1, 5, length($record) - 1) {
    is_garbage("a record that stops after $n bytes", 'hmget',
               send => substr($record, 0, $n));
}


# Each byte of it lost, or there twice.  The last LF twice is a right reply
# and something more.

for my $n (0 .. length($record) - 1) {
    my ($less, $more) = ($record, $record);

    substr $less, $n, 1, '';
    substr $more, $n, 0, substr $record, $n, 1;

    is_garbage("a record without byte $n", 'hmget', send => $less,
               close => 1);
    is_garbage("a record with byte $n twice", 'hmget', send => $more,
               close => 1) if $n != length($record) - 1;
}


# Cut into pieces it is a right reply.

for my $n (1 .. length($record) - 1) {
    $fake->on(hmget => send => substr($record, 0, $n), pause => 0.002,
                       send => substr($record, $n));
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
               "a record in two pieces, of $n bytes and the rest");
}

for my $n (1 .. length($role) - 1) {
    $fake->on('hmget')->on(hget => send => substr($role, 0, $n),
                                   pause => 0.002,
                                   send => substr($role, $n));
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
               "a role in two pieces, of $n bytes and the rest");
}

$fake->on(hmget => split => $record)->on(hget => split => $role);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
           'replies byte by byte');
$fake->on('hmget')->on('hget');


# Closed after a right reply: the reply counts, unless the next command was
# already on its way.

$fake->on(hget => right => 1, close => 1);

for (1 .. 5) {
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
               'a connection closed after the last reply');
    wait_until(sub { $fake->is_closed });
}

$fake->on('hget')->on(hmget => right => 1, close => 1);

for (1 .. 5) {
    my $answer = ask($gate, 'owner', 'w1');

    $answer->{status} == 503
        ? is_refused($answer, 503, 'store_down', 'between the replies: 503')
        : is_allowed($answer, 'owner', 'w1', 'between the replies: allowed');
}

$fake->on('hmget');
recovers($gate, 'closed between the replies');


# What nobody has asked for.

for my $bytes ($record, $role, "+OK\r\n", "-ERR x\r\n", "\$-1\r\n",
               ">2\r\n+invalidate\r\n*1\r\n+x\r\n", "*", "garbage\r\n")
{
    my $name = 'unasked, ' . shown($bytes);

    recovers($gate, "$name - before");
    $fake->tell($bytes);

    if ($bytes eq '*') {

        # Not to be told from the beginning of the next reply.

        is_refused(ask($gate, 'stranger', 'w1'), 503, 'store_error', $name);
        recovers($gate, $name);
        next;
    }

    Test::More::ok(wait_until(sub { $fake->is_closed }),
                   "$name - connection is closed");

    is_refused(ask($gate, 'stranger', 'w1'), 403, 'role',
               "$name - not the next command's reply");
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', "$name - allowed");
}

Test::More::like($gate->error_log, qr/redis sent unacceptable reply/,
                 'the log says so');

# A second reply, together with the first.

$fake->on(hmget => right => 1, send => $record);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
           'the first of two replies is taken');
$fake->on('hmget');
is_refused(ask($gate, 'stranger', 'w1'), 403, 'role',
           'the second is nobody\'s');
ends_well($gate, 'garbage');


# The server says no as soon as one connects.

my $full = SendkitAuth::FakeRedis->new->load(@$Seed);
my $waiter = gate(redis => $full->address);

for my $bytes ("-ERR max number of clients reached\r\n",
               "-DENIED Redis is running in protected mode.\r\n", '')
{
    my $name = 'told when connecting: ' . shown($bytes);

    $Upstream->mark;
    $full->on(connect => send => $bytes, close => 1);

    my $answer = ask($waiter, 'owner', 'w1');
    my $reason = $answer->{headers}{'x-reason'} // '';
    $reason = 'store_error' if $reason ne 'store_down';

    is_refused($answer, 503, $reason, $name);
    is_forwarded_never($name);

    $full->on('connect');
    recovers($waiter, "$name - then");
    drop($full);
}

ends_well($waiter, 'connections refused');


# The handshake: the replies behind it are right, and are not to be believed.

my $password_file = temp_dir() . '/password';
open my $out, '>', $password_file or die "$password_file: $!";
print $out "secret-of-the-store\n";
close $out;

for my $command ('auth', 'select') {
    my $shy = SendkitAuth::FakeRedis->new->load(@$Seed);
    my $knocking = gate(redis => $shy->address . ':/3',
        more => "sendkit_auth_redis_password_file $password_file;");

    for my $bytes ("-WRONGPASS invalid username-password pair\r\n",
                   "-ERR DB index is out of range\r\n", "+PONG\r\n",
                   "+ok\r\n", "+OKAY\r\n", "+OK \r\n", "+O\r\n", "+\r\n",
                   ":1\r\n", "\$2\r\nOK\r\n", "\$-1\r\n", "*-1\r\n",
                   "*1\r\n+OK\r\n", $record, "OK\r\n")
    {
        my $name = "$command is answered with " . shown($bytes);

        $Upstream->mark;
        $shy->on($command, send => $bytes);

        is_refused(ask($knocking, 'owner', 'w1'), 503, 'store_error', $name);
        is_forwarded_never($name);

        $shy->on($command);
        recovers($knocking, "$name - then");
        drop($shy);
    }

    recovers($knocking, "$command is right");
    Test::More::is("@{ ($shy->commands('select'))[-1] }", 'SELECT 3',
                   "$command - database 3 was selected");
    ends_well($knocking, "handshake: $command");
}
