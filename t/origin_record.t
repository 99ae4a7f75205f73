# Copyright (C) the ngx_sendkit_auth_module authors
#
# A key that Redis does not have is asked for once.  What the origin says
# decides, and stands in Redis from then on, for as long as
# sendkit_auth_origin_ttl says.
#
# Fails when an answer is used but not written, or written in another form
# than docs/redis-schema.md has it, or without a TTL; when its record is
# decided otherwise than one that was there; when a request that needs no
# role has one asked for.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

# Not in the seed: whose answers have their time.

my %timed = map { $_ => "sk_user_timed_$_-0123456789abcdef" }
                qw( past now future zero );
my %expires = (past => time - 10, future => time + 1000, zero => 0);

my $origin = origin(
    (map { [ $timed{$_}, undef, 200, 'X-Sendkit-Key-Type: platform',
             "X-Sendkit-User-Id: u_$_", "X-Sendkit-Key-Expires: $expires{$_}",
             'X-Sendkit-Role: member' ] } sort keys %expires),
    [ 'sk_user_really-a-workspace-key', undef, about('workspace') ],
    [ 'sk_really-a-platform-key', undef, about('owner', 'w1') ]);

my $gate = gate($origin->gate(more => 'sendkit_auth_origin_ttl 100s;'));
my $account = [ 'GET', '/v1/account' ];


# A platform key, with its role; the second time nothing is asked.

fresh($origin);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'an owner');
is_asked($origin, 'owner:w1', 'an owner');
is_stored('an owner', 'key:owner type=platform user=u_owner, expires',
          'roles:w1 u_owner=owner, expires');

for my $name ('key:owner', 'roles:w1') {
    my $life = life($name);
    ok($life > 50_000 && $life <= 100_000, "an owner - life of $name")
        or diag($life);
}

redis('PEXPIRE', 'sendkit:key:' . digest($Key{owner}), 40_000);
$origin->mark;
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'an owner again')
    for 1 .. 3;
is_asked($origin, '', 'an owner again');
cmp_ok(life('key:owner'), '<=', 40_000,
       'an owner again - a record is not kept by being used');

# Over, and asked for anew.

lapse('key:owner');
lapse('roles:w1');
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'an owner, later');
is_asked($origin, 'owner:w1', 'an owner, later');
cmp_ok(life('key:owner'), '>', 50_000, 'an owner, later - a new life');

# Only the record is over: its role is still there.

lapse('key:owner');
$origin->mark;
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'an owner, a role');
is_asked($origin, 'owner:w1', 'an owner, a role');
is_stored('an owner, a role', 'key:owner type=platform user=u_owner, expires',
          'roles:w1 u_owner=owner, expires');


# A route that needs no workspace: none is named, and no role is known.

fresh($origin);
is_allowed(ask($gate, 'owner', undef, $account), 'owner', undef, 'no role');
is_asked($origin, 'owner', 'no role');
is_stored('no role', 'key:owner type=platform user=u_owner, expires');
is_allowed(ask($gate, 'owner', undef, $account), 'owner', undef,
           'no role again');
is_asked($origin, 'owner', 'no role again');


# A workspace key, with a workspace in the path, the header, and without: it
# is the same question, for its workspace is what is asked for.

for ([ 'in the header', 'w1', undef ],
     [ 'in the path', 'w1', [ 'GET', '/v1/workspaces/w1' ] ],
     [ 'not named', 'w1', [ 'GET', '/v1/campaigns' ] ])
{
    my ($name, $workspace, $request) = @$_;

    fresh($origin);
    is_allowed(ask($gate, 'workspace', $workspace, $request), 'workspace',
               'w1', "a workspace key, $name");
    is_asked($origin, 'workspace', "a workspace key, $name");
    is_stored("a workspace key, $name",
              'key:workspace type=workspace workspace=w1, expires');
    is_allowed(ask($gate, 'workspace', $workspace, $request), 'workspace',
               'w1', "a workspace key, $name, again");
    is_asked($origin, 'workspace', "a workspace key, $name, again");
}

fresh($origin);
is_refused(ask($gate, 'other', 'w1'), 403, 'other_workspace',
           'a key of another workspace');
is_stored('a key of another workspace',
          'key:other type=workspace workspace=w2, expires');
is_refused(ask($gate, 'other', 'w1'), 403, 'other_workspace',
           'a key of another workspace, again');
is_asked($origin, 'other', 'a key of another workspace');
is_allowed(ask($gate, 'other', 'w2'), 'other', 'w2', 'its own workspace');
is_asked($origin, 'other', 'its own workspace');


# What the origin knows may still be refused, and is not asked for again.

fresh($origin);
is_refused(ask($gate, 'expired', 'w1'), 401, 'expired_key', 'an expired key');
like("@{[ stored() ]}",
     qr/^key:expired expires=1 type=platform user=u_owner, expires/,
     'an expired key - is in Redis as such');
is_refused(ask($gate, 'expired', 'w1'), 401, 'expired_key',
           'an expired key, again');
is_asked($origin, 'expired:w1', 'an expired key');

for (sort keys %expires) {
    fresh($origin);

    for my $again ('', ', again') {
        my $answer = ask($gate, $timed{$_}, 'w1');
        my $name = "a key whose time is $_$again";

        $_ eq 'future' ? is($answer->{status}, 200, $name)
                       : is_refused($answer, 401, 'expired_key', $name);
    }

    is(scalar $origin->questions, 1, "a key whose time is $_ - one question");
    is(redis('HGET', 'sendkit:key:' . digest($timed{$_}), 'expires'),
       $expires{$_}, "a key whose time is $_ - is in Redis with it")
        if $expires{$_};
}

for ('sk_user_really-a-workspace-key', 'sk_really-a-platform-key') {
    fresh($origin);
    is_refused(ask($gate, $_, 'w1'), 503, 'store_error', $_) for ($_) x 2;
    is(scalar $origin->questions, 2, "$_ - is asked for each time");
    is("@{[ stored() ]}", '', "$_ - no record is kept");
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', "$_ - then another");
}


# The time that holds when it is not set.

ends_well($gate, 'a record');
$gate = gate($origin->gate);
fresh($origin);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'the default');
for my $name ('key:owner', 'roles:w1') {
    my $life = life($name);
    ok($life > 30_000 && $life <= 60_000, "the default - life of $name")
        or diag($life);
}
ends_well($gate, 'the default');


# Nothing is asked where no origin is set.

$gate = gate();
fresh($origin);
is_refused(ask($gate, 'owner', 'w1'), 401, 'unknown_key', 'no origin');
is_stored('no origin');
ends_well($gate, 'no origin');
