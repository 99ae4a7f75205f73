# Copyright (C) the ngx_sendkit_auth_module authors
#
# A role that Redis does not have is asked for, too: with the key, or by
# itself where the record of the key is there.  The roles of a workspace
# expire together; those that never expire are somebody else's, and no role
# is added to them.
#
# Fails when a role is taken for another user's or another workspace's, when
# a word that is no role passes, when "no role" is not remembered or is
# remembered for the whole key, when roles that do not expire are written to.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

my %word = map { $_ => "sk_user_word_$_-0123456789abcdef" }
               qw( Owner owners root none );

my $origin = origin(
    map { [ $word{$_}, undef, 200, 'X-Sendkit-Key-Type: platform',
            "X-Sendkit-User-Id: u_$_", "X-Sendkit-Role: $_" ] } keys %word);

# A marker must not lapse by itself in the middle of this.

my $gate = gate($origin->gate(more => 'sendkit_auth_negative_ttl 100s;'));
my $account = [ 'GET', '/v1/account' ];

my $owner = record($Key{owner}, type => 'platform', user => 'u_owner');
my $stranger = record($Key{stranger}, type => 'platform',
                      user => 'u_stranger');


# The record is there, by hand: the question is for the role.

fresh($origin, $owner);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'a role');
is_asked($origin, 'owner:w1:u_owner', 'a role');
is_stored('a role', 'key:owner type=platform user=u_owner, stays',
          'roles:w1 u_owner=owner, expires');
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'a role again');
is_asked($origin, 'owner:w1:u_owner', 'a role again');

# In another workspace it is another one.

is_allowed(ask($gate, 'owner', 'w2'), 'owner', 'w2', 'another workspace');
is_asked($origin, 'owner:w1:u_owner owner:w2:u_owner', 'another workspace');
is_stored('another workspace', 'key:owner type=platform user=u_owner, stays',
          'roles:w1 u_owner=owner, expires',
          'roles:w2 u_owner=member, expires');
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'the first workspace');

# The record came from the origin, without a workspace.

fresh($origin);
is_allowed(ask($gate, 'owner', undef, $account), 'owner', undef, 'no scope');
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'then a scope');
is_asked($origin, 'owner owner:w1:u_owner', 'then a scope');
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'the scope again');
is_asked($origin, 'owner owner:w1:u_owner', 'the scope again');

# The role came with the record, and decides.

fresh($origin);
my $create = [ 'POST', '/v1/workspaces/w1/api-key' ];
is_refused(ask($gate, 'member', 'w1', $create), 403, 'role',
           'a member that manages');
is_allowed(ask($gate, 'member', 'w1'), 'member', 'w1', 'a member');
is_allowed(ask($gate, 'admin', 'w1', $create), 'admin', 'w1', 'an admin');
is_asked($origin, 'member:w1 admin:w1', 'one question each');

# Over, and asked for anew.

lapse('roles:w1');
$origin->mark;
is_allowed(ask($gate, 'admin', 'w1'), 'admin', 'w1', 'an admin, later');
is_asked($origin, 'admin:w1:u_admin', 'an admin, later');


# No role: the key is known, so the answer is 403, and so it is again.

for ([ 'with the record', 'stranger:w1' ],
     [ 'by itself', 'stranger:w1:u_stranger', $stranger ])
{
    my ($how, $asked, @commands) = @$_;

    fresh($origin, @commands);
    is_refused(ask($gate, 'stranger', 'w1'), 403, 'role', "no role, $how")
        for 1 .. 3;
    is_asked($origin, $asked, "no role, $how");
    is_stored("no role, $how", 'key:stranger type=platform user=u_stranger, '
                               . (@commands ? 'stays' : 'expires'),
              'no-role:w1:u_stranger 1, expires');

    is_allowed(ask($gate, 'stranger', 'w2'), 'stranger', 'w2',
               "no role, $how - but another workspace");
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
               "no role, $how - but another user");
}

is_allowed(ask($gate, 'stranger', undef, $account), 'stranger', undef,
           'no role - but a route that needs none');

# A role that is there beats the marker at once; and without the marker it is
# asked for.

redis('HSET', 'sendkit:roles:w1', u_stranger => 'admin');
$origin->mark;
is(ask($gate, 'stranger', 'w1')->{status}, 200,
   'no role - until one is written');
is_asked($origin, '', 'no role - until one is written');
redis('HDEL', 'sendkit:roles:w1', 'u_stranger');
is_refused(ask($gate, 'stranger', 'w1'), 403, 'role', 'no role once more');
lapse('no-role:w1:u_stranger');
is_refused(ask($gate, 'stranger', 'w1'), 403, 'role', 'no role, later');
is_asked($origin, 'stranger:w1:u_stranger', 'no role, later');

# The origin does not know the key of a question for a role.

fresh($origin, record($Key{unknown}, type => 'platform',
                      user => 'u_unknown'));
is_refused(ask($gate, 'unknown', 'w1'), 403, 'role', '404 for a role')
    for 1 .. 2;
is_asked($origin, 'unknown:w1:u_unknown', '404 for a role');
is_stored('404 for a role', 'key:unknown type=platform user=u_unknown, stays',
          'no-role:w1:u_unknown 1, expires');
is_allowed(ask($gate, 'unknown', undef, $account), 'unknown', undef,
           '404 for a role - the key is still good');


# Words that are no role.

for (sort keys %word) {
    fresh($origin);
    is_refused(ask($gate, $word{$_}, 'w1'), 403, 'role', "role $_")
        for ($_) x 2;
    is(scalar $origin->questions, 1, "role $_ - one question");
    ok(!redis('EXISTS', 'sendkit:roles:w1'), "role $_ - is not written");
    is(redis('GET', "sendkit:no-role:w1:u_$_"), 1, "role $_ - is no role");
}


# Roles that do not expire are kept by somebody else.

my @kept = ([ 'HSET', 'sendkit:roles:w1', u_admin => 'admin' ], $owner);

fresh($origin, @kept);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'roles that stay')
    for 1 .. 2;
is_stored('roles that stay', 'key:owner type=platform user=u_owner, stays',
          'roles:w1 u_admin=admin, stays');
is_asked($origin, 'owner:w1:u_owner owner:w1:u_owner', 'roles that stay');
is_allowed(ask($gate, 'admin', 'w1'), 'admin', 'w1', 'who is among them');

# Those that expire take one more, and keep their time.

fresh($origin, @kept, [ 'PEXPIRE', 'sendkit:roles:w1', 30_000 ]);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'roles that expire')
    for 1 .. 2;
is_stored('roles that expire', 'key:owner type=platform user=u_owner, stays',
          'roles:w1 u_admin=admin u_owner=owner, expires');
is_asked($origin, 'owner:w1:u_owner', 'roles that expire');
cmp_ok(life('roles:w1'), '<=', 30_000, 'roles that expire - as they did');

# A word that is no role, by hand, is an answer, and not "unknown".

fresh($origin, $owner, [ 'HSET', 'sendkit:roles:w1', u_owner => 'root' ]);
is_refused(ask($gate, 'owner', 'w1'), 403, 'role', 'a bad word by hand');
is_asked($origin, '', 'a bad word by hand');
is_stored('a bad word by hand', 'key:owner type=platform user=u_owner, stays',
          'roles:w1 u_owner=root, stays');

ends_well($gate, 'roles');
