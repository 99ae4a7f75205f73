# Copyright (C) the ngx_sendkit_auth_module authors
#
# Where the tool looks for Redis, as whom, in which database and under which
# names; and what it says when there is none, or one that does not do as it
# should: status 3, in a bounded time, and no half of a change.
#
# Fails when authctl_options_set_uri() takes host, port, path or database from
# the wrong place, when authctl_redis_login() or _select() is left out, when
# authctl_conn_wait() waits without end, or when an error or nonsense passes
# for a reply.

use strict;
use warnings;

use Test::More 'no_plan';

use SendkitAuth::Authctl;
use SendkitAuth::FakeRedis;
use SendkitAuth::Process qw( temp_dir free_port );
use SendkitAuth::Redis;

my $key = 'sk_user_0123456789abcdef0123456789abcdef';
my @list = qw( role list w1 );


# Each place has other roles.

my $redis = SendkitAuth::Redis->new(tcp => 1);
my $socket = $redis->socket;
my $port = $redis->port;

for my $db (0, 3) {
    $redis->command('SELECT', $db);
    $redis->command('HSET', "${_}roles:w1", "db$db", 'owner')
        for 'sendkit:', 'other:', '', 'a*[b]?-\\:';
}

$redis->command('SELECT', 0);


sub finds {
    my ($options, $user, $name, %more) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_run(authctl([ @$options, @list ], redis => 0, %more), 0,
           qr/^w1 +\Q$user\E +owner\n\z/, $name);
}

finds([ '-p', $port ], 'db0', 'a port of this machine');
finds([ '-h', 'localhost', '-p', $port ], 'db0', 'a name');
finds([ '-h', '127.0.0.1', '-p', $port, '-n', 3 ], 'db3', 'a database');
finds([ '-s', $socket ], 'db0', 'a socket');
finds([ '-s', $socket, '-n', 3 ], 'db3', 'a database behind a socket');
finds([ '-u', "redis://127.0.0.1:$port" ], 'db0', 'an address');
finds([ '-u', "redis://127.0.0.1:$port/" ], 'db0', 'an address with a slash');
finds([ '-u', "redis://127.0.0.1:$port/3" ], 'db3', 'one with a database');
finds([ '-u', "unix:$socket" ], 'db0', 'an address of a socket');
finds([ '-u', "unix:$socket:/3" ], 'db3', 'one with a database');
finds([ '-s', '/nowhere', '-u', "redis://127.0.0.1:$port/3" ], 'db3',
      'the last place that is named');
finds([ '-p', $port, '--prefix', $_ ], 'db0', "the prefix \"$_\"")
    for 'other:', '', 'a*[b]?-\\:';

{
    my $six = eval { SendkitAuth::Redis->new(tcp => 1,
                                             args => [ '--bind', '::1' ]) };

    SKIP: {
        skip 'no IPv6 on this machine', 2 if !$six;
        $six->command(qw( HSET sendkit:roles:w1 six owner ));
        finds([ '-h', '::1', '-p', $six->port ], 'six', 'an IPv6 address');
        finds([ '-u', 'redis://[::1]:' . $six->port ], 'six',
              'one in brackets');
    }
}

# What is a wildcard in SCAN is none in a prefix.

$redis->command('HSET', 'axbz-\\:roles:w1', 'wrong', 'owner');
$redis->command('HSET', 'a*[b]?-\\:key:' . '0' x 64, 'type', 'platform',
                'user', 'u1');
$redis->command('HSET', 'axb!-\\:key:' . '1' x 64, 'type', 'platform',
                'user', 'u2');
is_run(authctl([ '-p', $port, '--prefix', 'a*[b]?-\\:', qw( key list ) ],
               redis => 0), 0, qr/^0{64}[^\n]+u1[^\n]+\n\z/,
       'nothing is listed that is under another prefix');
is_run(authctl([ '-p', $port, '--prefix', 'a*[b]?-\\:', 'export' ],
               redis => 0), 0, qr/^\{[^\n]*u1[^\n]*\n\{[^\n]*db0[^\n]*\n\z/,
       'nor exported');


# Passwords and users.

my $password = 'secret-of-the-store';
my $closed = SendkitAuth::Redis->new(args => [ '--requirepass', $password ],
                                     auth => $password);
my @closed = ('-s', $closed->socket);

$closed->command(qw( HSET sendkit:roles:w1 in owner ));
$closed->command('ACL', 'SETUSER', 'operator', 'on', ">$password-2",
                 '~sendkit:*', '+@all');
$closed->command('ACL', 'SETUSER', 'reader', 'on', ">$password-3",
                 '%R~sendkit:*', '-@all', '+hscan');

my $file = file_of("$password\n");

finds([ @closed, '--password-file', $file ], 'in', 'a password of a file');
finds(\@closed, 'in', 'a password of the environment',
      env => { REDISCLI_AUTH => $password });
finds([ @closed, '--password-file', $file ], 'in',
      'the password of the file before that of the environment',
      env => { REDISCLI_AUTH => 'word-that-is-wrong' });
finds([ @closed, qw( --user operator ) ], 'in', 'a user',
      env => { REDISCLI_AUTH => "$password-2" });


sub fails {
    my ($words, $message, $name, %more) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $run = authctl($words, redis => 0, %more);
    is_run($run, 3, '', "$name is an outage");
    like($run->{stderr}, qr/^sendkit-authctl: [^\n]*$message/,
         'with a message that says so');
    unlike($run->{stderr}, qr/secret|word-that-is-wrong/,
           'without a password');
}

fails([ @closed, @list ], qr/Redis sent the error "NOAUTH /, 'no password');
fails([ @closed, @list ], qr/Redis sent the error "WRONGPASS /,
      'a wrong password', env => { REDISCLI_AUTH => 'word-that-is-wrong' });
fails([ @closed, qw( --user nobody ), @list ],
      qr/Redis sent the error "WRONGPASS /, 'an unknown user',
      env => { REDISCLI_AUTH => $password });
fails([ @closed, qw( -n 99 ), @list ], qr/error "ERR DB index is out/,
      'a database that is not there', env => { REDISCLI_AUTH => $password });
fails([ @closed, qw( --user reader role set w1 u1 owner ) ],
      qr/Redis sent the error "NOPERM /, 'a user who may not write',
      env => { REDISCLI_AUTH => "$password-3" });
finds([ @closed, qw( --user reader ) ], 'in', 'but that one may read',
      env => { REDISCLI_AUTH => "$password-3" });


# No Redis.

fails([ '-p', free_port(), @list ], qr/127\.0\.0\.1:\d+: Connection refused/,
      'a port where nobody listens');
fails([ '-s', temp_dir() . '/nowhere', @list ],
      qr{unix:/\S+/nowhere: No such file}, 'a socket that is not there');
fails([ '-s', '/' . 'x' x 200, @list ], qr/File name too long/,
      'a socket with a long name');
fails([ '-h', 'no-such-host.invalid', @list ],
      qr/cannot find the address of Redis at no-such-host\.invalid:6379/,
      'a name that is not known');

my $wrong = SendkitAuth::Redis->new;
$wrong->command(qw( SET sendkit:roles:w1 text ));
fails([ '-s', $wrong->socket, @$_ ], qr/Redis sent the error "WRONGTYPE /,
      "$_->[0] $_->[1] on a key of another type")
    for [ @list ], [ qw( role set w1 u1 owner ) ], [ qw( role unset w1 u1 ) ];
fails([ '-s', $wrong->socket, 'export' ],
      qr/error "WRONGTYPE .*\n.*cannot read "sendkit:roles:w1"/,
      'an export of it');

$wrong->command(qw( FLUSHALL ));
$wrong->stop;
fails([ '-s', $wrong->socket, '--timeout', 1, @list ],
      qr/cannot read: Redis at unix:\S+: Connection timed out/,
      'a Redis that does not answer');
$wrong->cont;
is_run(authctl([ qw( role set w1 u1 owner ) ], redis => $wrong), 0, qr/owner/,
       'when it answers again it is asked');


# A Redis that has no room refuses a change as a whole.

$wrong->command(qw( FLUSHALL ));
$wrong->command(qw( CONFIG SET maxmemory 1 ));
fails([ '-s', $wrong->socket, @$_ ], qr/Redis sent the error "OOM /,
      "@$_[0, 1, 2] without room", stdin => $key)
    for [ qw( key add --user u1 ) ],
        [ qw( key add --generate --workspace w1 --user u1 ) ],
        [ qw( role set w1 u1 owner ) ];
is($wrong->command('DBSIZE'), 0, 'nothing of it was done');
$wrong->command(qw( CONFIG SET maxmemory 0 ));
is_run(authctl([ qw( key add --generate --workspace w1 --user u1 ) ],
               redis => $wrong), 0, qr/api_key/, 'with room it is done');


# A server that talks nonsense.

my $fake = SendkitAuth::FakeRedis->new;
my @fake = ('-s', $fake->socket, '--timeout', 1);

for ([ "+OK\r\n", 'a status' ], [ ":1\r\n", 'a number' ], [ "*0\r\n", 'none' ],
     [ "*2\r\n\$1\r\n0\r\n*1\r\n\$1\r\na\r\n", 'a user without a role' ],
     [ "*2\r\n\$1\r\n0\r\n*2\r\n\$1\r\na\r\n:1\r\n", 'a number for a role' ],
     [ "*2\r\n:0\r\n*0\r\n", 'a number for a cursor' ],
     [ "*2\r\n\$21\r\n" . '1' x 21 . "\r\n*0\r\n", 'a long cursor' ],
     [ "*2\r\n\$0\r\n\r\n*0\r\n", 'an empty cursor' ],
     [ "\$-1\r\n", 'a nil' ], [ "*-1\r\n", 'a nil array' ])
{
    $fake->on(hscan => send => $_->[0]);
    fails([ @fake, @list ], qr/a reply that is none to the command/,
          "$_->[1] for a list of roles");
}

# How deep a reply may be is for hiredis to say: 7 levels before 1.0.

for ([ "HTTP/1.1 400 Bad Request\r\n\r\n", 'another protocol' ],
     [ "*1\r\n" x 100, 'a deep reply' ], [ "\$-7\r\n", 'a negative length' ])
{
    $fake->on(hscan => send => $_->[0]);
    fails([ @fake, @list ], qr/Redis(?: at |: )/, $_->[1]);
}

$fake->on(hscan => send => "*2\r\n\$1\r\n0\r\n", close => 1);
fails([ @fake, @list ], qr/cannot read: .* the connection was closed/,
      'a reply that ends early');
$fake->on(hscan => send => "*2\r\n\$1\r\n");
fails([ @fake, @list ], qr/Connection timed out/, 'a reply that stops');
$fake->on(hscan => send => "-ERR \e[31mred\r\n");
fails([ @fake, @list ], qr/the error "ERR \\x1b\[31mred"/,
      'an error with an escape sequence');

$fake->on(eval => send => "+NOW\r\n");
fails([ @fake, qw( key add --user u1 ) ], qr/a reply that is none/,
      'an unknown answer of a script', stdin => $key);
$fake->on(eval => close => 1);
fails([ @fake, qw( key add --user u1 ) ], qr/the connection was closed/,
      'no answer of a script', stdin => $key);

$fake->on(hscan => split => "*2\r\n\$1\r\n0\r\n*2\r\n\$2\r\nu1\r\n\$5\r\n"
                            . "owner\r\n");
finds(\@fake, 'u1', 'a reply in pieces is read');
