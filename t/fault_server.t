# Copyright (C) the ngx_sendkit_auth_module authors
#
# A real Redis that is killed, stopped, busy, or full of clients.
#
# Fails when an error of Redis, or its absence, is taken for an answer about the
# key (sendkit_decision_store()), or when a lost connection leaves waiters behind
# (ngx_sendkit_auth_redis_client_fail()).

use SendkitAuth;
use SendkitAuth::FaultBench;
use SendkitAuth::Redis;

use IO::Socket::UNIX ();

my $bench = SendkitAuth::FaultBench->new;
my $redis = redis_server();

my $killed = sub { $redis->kill9 };
my $started = sub { $redis->start };

# It knows what it knew when it was killed.

$bench->fault('killed', $killed, heal => $started);
$bench->fault('down at start', sub { $redis->kill9; $bench->restart },
              heal => $started);
$bench->fault('killed and started', sub { $redis->restart }, for => 0.5,
              cold => '200 503');
$bench->fault('stopped', sub { $redis->stop }, heal => sub { $redis->cont });

# Those that are connected are sent away, too.

$bench->fault('max number of clients', sub {
    redis('CONFIG', 'SET', 'maxclients', 1);
    redis('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    redis('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes');
}, heal => sub { redis('CONFIG', 'SET', 'maxclients', 1000) });

# A script that does not end: silent at first, then BUSY.

redis('CONFIG', 'SET', 'busy-reply-threshold', 300);

my $other = IO::Socket::UNIX->new(Peer => $redis->socket)
    or die "cannot connect to Redis: $!";

$bench->fault('busy with a script', sub {
    $other->syswrite("EVAL \"while true do end\" 0\r\n");
}, heal => sub { redis('SCRIPT', 'KILL') });

# It may not be read, by whoever is connected.

$bench->fault('NOPERM', sub {
    redis('ACL', 'SETUSER', 'default', '-hmget', '-hget');
}, heal => sub { redis('ACL', 'SETUSER', 'default', '+@all') });

$bench->fault('WRONGTYPE', sub {
    redis('RENAME', 'sendkit:roles:w1', 'roles');
    redis('SET', 'sendkit:roles:w1', 'x');
}, heal => sub { redis('RENAME', 'roles', 'sendkit:roles:w1') });

$bench->fault('disconnected, twenty times', sub {
    for (1 .. 20) {
        redis('CLIENT', 'KILL', 'TYPE', $_, 'SKIPME', 'yes')
            for qw( normal pubsub );
    }
}, for => 0.5, cold => '200 503');

$bench->ends_well;
