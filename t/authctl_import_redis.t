# Copyright (C) the ngx_sendkit_auth_module authors
#
# Where Redis fails, "sendkit-authctl import" ends with status 3 and names the
# first line that was not confirmed; no record is written in part, and the
# import can be repeated.  Many commands go out at once.
#
# Fails when authctl_batch_check() does not look into the reply to EXEC or
# takes an error for success, when a record is written without MULTI, when
# replies are counted for the wrong line, or when each command waits for its
# reply.

use strict;
use warnings;

use Test::More 'no_plan';

use SendkitAuth::Authctl;
use SendkitAuth::FakeRedis;
use SendkitAuth::Redis;

my ($first, $second) = map { digest_of($_) } 1, 2;

my $file = <<"END";
{"workspace":"w1","user":"u1","role":"owner"}
{"key":"$first","type":"platform","user":"u1"}
{"workspace":"w2","user":"u1","role":"admin"}
{"key":"$second","type":"workspace","workspace":"w2","created_at":"2025-06-01T10:30:00.000Z","created_by":"u1"}
{"workspace":"w3","user":"u1","role":"member"}
END

my $whole = "2 keys, 3 roles, 0 bad lines: 5 written\n";


sub is_stopped {
    my ($run, $line, $written, $why, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_run($run, 3, "2 keys, 3 roles, 0 bad lines: $written written\n",
           "$name ends the import");
    like($run->{stderr}, $why, "$name is told");
    like($run->{stderr}, qr/stopped at line $line of "stdin"/,
         "$name is told with its line");
}


# A name that holds something else.

redis('FLUSHALL');
redis('SET', 'sendkit:roles:w2', 'x');

is_stopped(authctl([ 'import', '-' ], stdin => $file), 3, 2, qr/WRONGTYPE/,
           'an error for a role');

my ($json) = json_of(authctl([ '--json', 'import', '-' ], stdin => $file));
is($json->{stopped}, 3, 'a program gets the line');
is($json->{written}, 2, 'a program gets how many lines were written');

redis('DEL', 'sendkit:roles:w2');
is_run(authctl([ 'import', '-' ], stdin => $file), 0, $whole,
       'without that name it is imported');


# A user that may write roles and records, but not what belongs to them: the
# record of the same line is not written without it.

redis('FLUSHALL');
redis('ACL', 'SETUSER', 'import', 'on', '>secret', '+@all',
      '~sendkit:key:*', '~sendkit:roles:*');

is_stopped(authctl([ '--user', 'import', 'import', '-' ], stdin => $file,
                   env => { REDISCLI_AUTH => 'secret' }),
           4, 3, qr/NOPERM/, 'an error for a part of a line');
is(redis('EXISTS', "sendkit:key:$second"), 0,
   'the other part was not written');
is(redis('HGET', "sendkit:key:$first", 'user'), 'u1',
   'what is before that line was written');

redis('ACL', 'SETUSER', 'import', '~sendkit:*');
is_run(authctl([ '--user', 'import', 'import', '-' ], stdin => $file,
               env => { REDISCLI_AUTH => 'secret' }), 0, $whole,
       'with that right it is imported');


# No memory for a new record: the older one stays.

redis('FLUSHALL');
redis('HSET', "sendkit:key:$first", 'type', 'platform', 'user', 'old');
redis('CONFIG', 'SET', 'maxmemory', 1);

is_stopped(authctl([ 'import', '-' ], stdin => $file), 1, 0, qr/OOM/,
           'no memory in Redis');
is_deeply(redis('HGETALL', "sendkit:key:$first"),
          [ 'type', 'platform', 'user', 'old' ], 'the older record is whole');

redis('CONFIG', 'SET', 'maxmemory', 0);


# Redis goes away at some line, fails within one, or is not there.

my $fake = SendkitAuth::FakeRedis->new;
$fake->on(eval => send => "+OK\r\n");
$fake->on(hset => send => ":1\r\n");
$fake->on(hget => send => "\$-1\r\n");
$fake->on(multi => close => 1);

is_stopped(authctl([ 'import', '-' ], stdin => $file, redis => $fake), 2, 1,
           qr/clos/, 'a connection that ends');

$fake->on($_ => send => "+OK\r\n") for qw( multi del );
$fake->on(exec => send => "*2\r\n:0\r\n-ERR no\r\n");

is_stopped(authctl([ 'import', '-' ], stdin => $file, redis => $fake), 2, 1,
           qr/ERR no/, 'an error within a transaction');

redis_server()->kill9;
is_stopped(authctl([ 'import', '-' ], stdin => $file), 1, 0, qr/connect/,
           'no server');

redis_server()->start;
is_run(authctl([ 'import', '-' ], stdin => $file), 0, $whole,
       'with a server it is imported');


# 5000 roles, in a few batches.

$fake->mark;

my $roles = join '', map { qq({"workspace":"w","user":"u$_","role":"owner"}\n) }
                     1 .. 5000;

is_run(authctl([ 'import', '-' ], stdin => $roles, redis => $fake), 0,
       "0 keys, 5000 roles, 0 bad lines: 5000 written\n",
       'many roles are imported');
is(scalar $fake->commands('eval'), 5000, 'each once');
cmp_ok(scalar $fake->events('read'), '<', 100, 'many at a time');
