# Copyright (C) the ngx_sendkit_auth_module authors
#
# Redis may fail between what is read and what is written.  An answer that
# cannot be written is not used: the next request would ask again, and a
# record that appeared meanwhile would not be seen.
#
# Fails when a request is allowed whose record was not written, when an error
# of a write becomes 401 or 403, when the origin is asked although Redis did
# not say that it has nothing, when a script that Redis has forgotten is not
# sent again.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

my $origin = origin();
my $gate = gate($origin->gate);
my ($worker) = $gate->workers;

my $owner = record($Key{owner}, type => 'platform', user => 'u_owner');


sub is_well {
    my ($name) = @_;

    fresh($origin);
    recovers($gate, $name);
    is_stored($name, 'key:owner type=platform user=u_owner, expires',
              'roles:w1 u_owner=owner, expires');
    is("@{[ $gate->workers ]}", $worker, "$name - the same worker");
}


# Asks, does something to Redis when that has been read and before the origin
# answers, and returns the answer.

sub meanwhile {
    my ($who, $read, $code) = @_;

    $origin->stop;
    my $client = SendkitAuth::Wire->new($gate->port);
    $client->send(request_of($who, 'w1'));
    wait_until(sub { commandstats()->{$read} }) or die "not read";
    $code->();
    $origin->cont;

    my $answer = $client->answer;
    $client->close;
    return $answer;
}


is_well('before');

# Scripts that Redis does not know (any more).

for ([ 'owner' ], [ 'owner', $owner ]) {
    my ($who, @commands) = @$_;

    fresh($origin, @commands, [ 'SCRIPT', 'FLUSH' ]);
    is_allowed(ask($gate, $who, 'w1'), $who, 'w1', 'without its scripts');
    is(redis('HGET', 'sendkit:roles:w1', 'u_owner'), 'owner',
       'without its scripts - all is written');
    redis('SCRIPT', 'FLUSH');
    is_allowed(ask($gate, 'admin', 'w1'), 'admin', 'w1',
               'without its scripts, again');
}

# Redis is killed, and runs again without anything.

for (1 .. 2) {
    fresh($origin);
    my $answer = meanwhile('owner', 'hmget', sub { redis_server()->restart });

    $answer->{status} == 503
        ? is_refused($answer, 503, 'store_down', 'a new Redis')
        : is_allowed($answer, 'owner', 'w1', 'a new Redis');
    is_well('a new Redis');
}


# It does not answer, is not there, or does not write.

for my $who ('owner', 'unknown', 'stranger') {

    # What this takes from Redis' memory is not much; what it needs is.

    for ([ 'killed', 'store_down', sub { redis_server()->kill9 },
           sub { redis_server()->start } ],
         [ 'full', 'store_error',
           sub { redis('CONFIG', 'SET', 'maxmemory', 1) },
           sub { redis('CONFIG', 'SET', 'maxmemory', 0) } ],
         [ 'a replica', 'store_error',
           sub { redis('REPLICAOF', '127.0.0.1', 1) },
           sub { redis('REPLICAOF', 'NO', 'ONE') } ],
         [ 'read only', 'store_error',
           sub { redis('ACL', 'SETUSER', 'default', '-set', '-evalsha',
                       '-eval', '-hset', '-pexpire') },
           sub { redis('ACL', 'SETUSER', 'default', '+@all') } ])
    {
        my ($how, $reason, $break, $mend) = @$_;
        my $name = "$who, Redis is $how";

        fresh($origin);
        is_refused(meanwhile($who, 'hmget', $break), 503, $reason, $name);
        is_forwarded_never($name);
        $mend->();
        is(redis('EXISTS', 'sendkit:key:' . digest($Key{$who})), 0,
           "$name - nothing is written");
        is_well($name);
    }
}

# The same for a role.

for ([ 'full', sub { redis('CONFIG', 'SET', 'maxmemory', 1) },
       sub { redis('CONFIG', 'SET', 'maxmemory', 0) } ],
     [ 'a replica', sub { redis('REPLICAOF', '127.0.0.1', 1) },
       sub { redis('REPLICAOF', 'NO', 'ONE') } ])
{
    my ($how, $break, $mend) = @$_;
    my $name = "a role, Redis is $how";

    fresh($origin, $owner);
    is_refused(meanwhile('owner', 'hget', $break), 503, 'store_error', $name);
    is_forwarded_never($name);
    $mend->();
    is_well($name);
}

# What Redis has already needs no write.

fresh($origin, $owner, [ 'HSET', 'sendkit:roles:w1', u_owner => 'owner' ]);
redis('CONFIG', 'SET', 'maxmemory', 1);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'full, but it is there');
redis('CONFIG', 'SET', 'maxmemory', 0);

# Nor does a role that is not to be written, for somebody else keeps them.

fresh($origin, $owner, [ 'HSET', 'sendkit:roles:w1', u_admin => 'admin' ]);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'roles that stay');

# Roles that are no hash: an error before and while it is asked.

fresh($origin, $owner, [ 'SET', 'sendkit:roles:w1', 'x' ]);
is_refused(ask($gate, 'owner', 'w1'), 503, 'store_error', 'roles: a string');
is_asked($origin, '', 'roles: a string');
fresh($origin, $owner);
is_refused(meanwhile('owner', 'hget',
                     sub { redis('SET', 'sendkit:roles:w1', 'x') }),
           503, 'store_error', 'roles: a string meanwhile');
is(redis('GET', 'sendkit:roles:w1'), 'x',
   'roles: a string meanwhile - is not touched');
is_well('roles: a string');


# Redis was never asked: so is not the origin.

fresh($origin);
redis_server()->kill9;
is_refused(ask($gate, 'owner', 'w1'), 503, 'store_down', 'no Redis');
redis_server()->start;
is_asked($origin, '', 'no Redis');
is_well('no Redis');
ends_well($gate, 'faults');


# Redis stops while the origin is asked; the time of the request is over, and
# what was to be written is lost with the connection.

$gate = gate($origin->gate(timeout => $Slow ? '4s' : '500ms',
                           read => $Slow ? '2s' : '250ms'));
($worker) = $gate->workers;
is_well('before it stops');
fresh($origin);
is_refused(meanwhile('owner', 'hmget', sub { redis_server()->stop }), 503,
           'store_timeout', 'Redis stops');
redis_server()->cont;
is_well('Redis goes on');

fresh($origin);
redis_server()->stop;
is_refused(ask($gate, 'owner', 'w1'), 503, 'store_timeout', 'Redis is slow');
redis_server()->cont;
is_asked($origin, '', 'Redis is slow');
is_well('Redis is fast again');
ends_well($gate, 'a slow Redis');
