# Copyright (C) the ngx_sendkit_auth_module authors
#
# A role that changes in Redis counts for all workers as soon as nginx is told,
# also if it changes and changes back at once.
#
# Fails when an invalidation does not reach what is cached
# (ngx_sendkit_auth_cache_invalidate()), or the roles of a workspace are not
# among the names that are tracked (ngx_sendkit_auth_tracked).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Zone;

my $gate = zone_gate();
my $rename = [ 'PATCH', '/v1/workspaces/w1' ];

sub owner_is {
    my ($role) = @_;
    return [ 'HSET', 'sendkit:roles:w1', u_owner => $role ];
}

my $demote = owner_is('member');
my $promote = owner_is('admin');
my $remove = [ 'HDEL', 'sendkit:roles:w1', 'u_owner' ];

my ($yes, $no) = ('200 allowed', '403 role');


sub is_changed {
    my ($name, $verdict, $then, @commands) = @_;

    told($gate, @commands);
    is(seen($gate, 'owner', 'w1', $rename),
       "$verdict miss, $verdict $then", $name);
    is(seen($gate, 'owner', 'w1', $rename),
       "$verdict $then, $verdict $then", "$name - for good");
}


is(seen($gate, 'owner', 'w1', $rename), "$yes miss, $yes hit", 'an owner');

for my $round (1 .. 3) {
    is_changed("demoted, $round", $no, 'hit', $demote);
    is_changed("promoted, $round", $yes, 'hit', $promote);
    is_changed("removed, $round", $no, 'negative', $remove);
    is_changed("back again, $round", $yes, 'hit', owner_is('owner'));
    is_changed("demoted, promoted, demoted, $round", $no, 'hit',
               $demote, $promote, $demote);
    is_changed("promoted, demoted, promoted, $round", $yes, 'hit',
               $promote, $demote, $promote);
    is_changed("removed, promoted, removed, $round", $no, 'negative',
               $remove, $promote, $remove);
    is_changed("in a transaction, $round", $yes, 'hit', [ 'MULTI' ],
               $promote, $remove, owner_is('owner'), [ 'EXEC' ]);
    is_changed("by a script, $round", $no, 'hit',
               [ 'EVAL', "redis.call('HSET', KEYS[1], 'u_owner', 'owner')"
                         . "redis.call('HSET', KEYS[1], 'u_owner', 'member')",
                 1, 'sendkit:roles:w1' ]);
}


# The workspace is deleted, and comes back.

told($gate, owner_is('owner'));
is(seen($gate, 'owner', 'w1', $rename), "$yes miss, $yes hit",
   'before its workspace is deleted');
is_changed('workspace deleted', $no, 'negative',
           [ 'DEL', 'sendkit:roles:w1' ]);
is_changed('workspace created', $yes, 'hit', owner_is('owner'));


# Another one does not suffer.

is(seen($gate, 'owner', 'w2'), "$yes miss, $yes hit", 'another workspace');
told($gate, $demote);
is(seen($gate, 'owner', 'w2'), "$yes hit, $yes hit",
   'another workspace - still known');

ends_well($gate, 'roles');
