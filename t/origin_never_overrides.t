# Copyright (C) the ngx_sendkit_auth_module authors
#
# The origin is asked for what Redis does not have.  What Redis has is obeyed,
# in any form, also what appeared while the question was under way, and is
# never written over.
#
# Fails when a record that is malformed, revoked or of another kind counts as
# none; when the answer is written without looking whether there is a record
# by now; when the answer decides although there is one.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

# It would allow all of these.

my $origin = origin();
my $gate = gate($origin->gate);

my $answer;
my $key = 'sendkit:key:' . digest($Key{owner});
my @good = (type => 'platform', user => 'u_owner');
my @role = ('HSET', 'sendkit:roles:w1', u_owner => 'owner');
my $create = [ 'POST', '/v1/workspaces/w1/api-key' ];


sub dump_of { return redis('DUMP', $_[0]) }


# Records that are there.

for ([ 'revoked', 401, 'inactive_key', @good, status => 'revoked' ],
     [ 'of an empty status', 401, 'inactive_key', @good, status => '' ],
     [ 'expired', 401, 'expired_key', @good, expires => 1 ],
     [ 'of another kind', 401, 'unknown_key', type => 'workspace',
       workspace => 'w1' ],
     [ 'without a type', 503, 'store_error', user => 'u_owner' ],
     [ 'without a user', 503, 'store_error', type => 'platform' ],
     [ 'with an empty type', 503, 'store_error', type => '' ],
     [ 'with a bad user', 503, 'store_error', type => 'platform',
       user => "u\r\n" ],
     [ 'with a bad time', 503, 'store_error', @good, expires => 'never' ],
     [ 'with a status only', 503, 'store_error', status => 'active' ],
     [ 'with a time only', 503, 'store_error', expires => 1 ])
{
    my ($name, $status, $reason, @fields) = @$_;

    fresh($origin, [ 'HSET', $key, @fields ]);
    my $before = dump_of($key);

    is_refused(ask($gate, 'owner', 'w1'), $status, $reason,
               "a record $name - is obeyed") for 1 .. 2;
    is_asked($origin, '', "a record $name");
    is(dump_of($key), $before, "a record $name - is not touched");
    is_forwarded_never("a record $name");
}

for ([ 'SET', 'x' ], [ 'RPUSH', 'type' ], [ 'SADD', 'type' ]) {
    my ($command, @args) = @$_;

    fresh($origin, [ $command, $key, @args ]);
    is_refused(ask($gate, 'owner', 'w1'), 503, 'store_error',
               "a record by $command - is an error");
    is_asked($origin, '', "a record by $command");
    is(redis('TYPE', $key), { SET => 'string', RPUSH => 'list',
                              SADD => 'set' }->{$command},
       "a record by $command - is not touched");
}

# None of its fields is ours: there is no record.

fresh($origin, [ 'HSET', $key, note => 'kept' ]);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
           'a hash without our fields - is no record');
is(redis('HGET', $key, 'note'), 'kept',
   'a hash without our fields - keeps what it has');
is_asked($origin, 'owner:w1', 'a hash without our fields');

fresh($origin);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'then no record');


# The record is another user's, with a role: so be it.

fresh($origin, [ 'HSET', $key, type => 'platform', user => 'u_else' ],
      [ 'HSET', 'sendkit:roles:w1', u_else => 'member' ]);
like(ask($gate, 'owner', 'w1')->{body},
     qr/"X-Sendkit-Role":\["member"\],"X-Sendkit-User-Id":\["u_else"\]/,
     'the user of the record counts');
is_asked($origin, '', 'the user of the record');

# A role is there before the record is.

fresh($origin, [ 'HSET', 'sendkit:roles:w1', u_owner => 'member' ]);
is_refused(ask($gate, 'owner', 'w1', $create), 403, 'role',
           'a role that was there counts, with a key that was not');
is_asked($origin, 'owner:w1', 'a role that was there');
is_stored('a role that was there',
          'key:owner type=platform user=u_owner, expires',
          'roles:w1 u_owner=member, stays');

fresh($origin, [ 'HSET', 'sendkit:roles:w1', u_owner => 'member' ],
      [ 'PEXPIRE', 'sendkit:roles:w1', 50_000 ]);
is_refused(ask($gate, 'owner', 'w1', $create), 403, 'role',
           'a role that was there, and expires, counts');
is(redis('HGET', 'sendkit:roles:w1', 'u_owner'), 'member',
   'a role that was there, and expires - is not touched');

# A role word that is none, by hand, is the role, too.

fresh($origin, [ 'HSET', 'sendkit:roles:w1', u_owner => 'locked' ]);
is_refused(ask($gate, 'owner', 'w1'), 403, 'role', 'a word that is no role')
    for 1 .. 2;
is(redis('HGET', 'sendkit:roles:w1', 'u_owner'), 'locked',
   'a word that is no role - is not touched');


# Asks, writes to Redis when that has been read and before the origin
# answers, and returns the answer.

sub meanwhile {
    my ($before, $read, $request, @commands) = @_;

    fresh($origin, @$before);
    $origin->stop;

    my $client = SendkitAuth::Wire->new($gate->port);
    $client->send(request_of('owner', 'w1', $request));
    wait_until(sub { commandstats()->{$read} }) or die "not read";

    redis(@$_) for @commands;
    $origin->cont;

    my $answer = $client->answer;
    $client->close;
    return $answer;
}

for ([ 'revoked', 401, 'inactive_key', @good, status => 'revoked' ],
     [ 'expired', 401, 'expired_key', @good, expires => 1 ],
     [ 'of another kind', 401, 'unknown_key', type => 'workspace',
       workspace => 'w1' ],
     [ 'malformed', 503, 'store_error', user => 'u_owner' ])
{
    my ($name, $status, $reason, @fields) = @$_;

    is_refused(meanwhile([], 'hmget', undef, [ 'HSET', $key, @fields ]),
               $status, $reason, "$name meanwhile - is obeyed");
    is(redis('HLEN', $key), @fields / 2, "$name meanwhile - is not touched");
    is(redis('PTTL', $key), -1, "$name meanwhile - has no TTL");
    is_forwarded_never("$name meanwhile");
    is_refused(ask($gate, 'owner', 'w1'), $status, $reason,
               "$name meanwhile - and the next time");
    is_asked($origin, 'owner:w1', "$name meanwhile");
}

$answer = meanwhile([], 'hmget', undef,
                    [ 'HSET', $key, type => 'platform', user => 'u_else' ],
                    [ 'HSET', 'sendkit:roles:w1', u_else => 'member' ]);
like($answer->{body},
     qr/"X-Sendkit-Role":\["member"\],"X-Sendkit-User-Id":\["u_else"\]/,
     'another user meanwhile - is who it is');
is(redis('HGET', $key, 'user'), 'u_else', 'another user meanwhile - stays');
ok(!redis('HEXISTS', 'sendkit:roles:w1', 'u_owner'),
   'another user meanwhile - has not got the role of the first');

is_refused(meanwhile([], 'hmget', undef, [ 'SET', $key, 'x' ]), 503,
           'store_error', 'a string meanwhile - is an error');
is(redis('GET', $key), 'x', 'a string meanwhile - is not touched');


# A role that appears, with its record and after it.

for ([ [], 'hmget' ], [ [ [ 'HSET', $key, @good ] ], 'hget' ]) {
    my ($before, $read) = @$_;

    for my $word ('member', 'locked') {
        my $name = "role $word after $read";

        is_refused(meanwhile($before, $read, $create,
                             [ 'HSET', 'sendkit:roles:w1', u_owner => $word ]),
                   403, 'role', "$name - is obeyed");
        is(redis('HGET', 'sendkit:roles:w1', 'u_owner'), $word,
           "$name - is not touched");
        is_forwarded_never($name);
    }

    is_allowed(meanwhile($before, $read, $create, [ @role ]), 'owner', 'w1',
               "the same role after $read");
    is(redis('PTTL', 'sendkit:roles:w1'), -1,
       "the same role after $read - is not touched");
}


# A record that appears while the origin says that there is no such key.

fresh($origin);
$origin->stop;
my $client = SendkitAuth::Wire->new($gate->port);
$client->send(request_of('unknown', 'w1'));
wait_until(sub { commandstats()->{hmget} }) or die "not read";
redis('HSET', 'sendkit:key:' . digest($Key{unknown}), type => 'platform',
      user => 'u_owner');
redis(@role);
$origin->cont;
like($client->answer->{status}, qr/^(?:200|401)$/, '404 meanwhile');
is(ask($gate, 'unknown', 'w1')->{status}, 200,
   '404 meanwhile - the next request is by the record');

fresh($origin);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'at the end');
ends_well($gate, 'never overrides');
