# Copyright (C) the ngx_sendkit_auth_module authors
#
# Whatever happens to the record of a key in Redis counts for all workers as
# soon as nginx is told: written, deleted, renamed, copied, restored; and a key
# that was unknown is known as soon as it is there.
#
# Fails when an invalidation does not reach what is cached
# (ngx_sendkit_auth_cache_invalidate()), or only the first name of a message is
# looked at (ngx_sendkit_auth_channel_payload()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my $gate = zone_gate();
my ($owner, $unknown, $inactive) = map { key($_) } qw( owner unknown inactive );

my @record = (type => 'platform', user => 'u_owner');
my $yes = '200 allowed';
my $gone = '401 unknown_key';


# First the verdict before, then that after the commands.

sub is_changed {
    my ($name, $who, $before, $after, @commands) = @_;

    fresh_zone($gate);
    my @then = map { /unknown|role/ ? 'negative' : 'hit' } $before, $after;

    is(seen($gate, $who, 'w1'), "$before miss, $before $then[0]",
       "$name - before");
    told($gate, @commands);
    is(seen($gate, $who, 'w1'), "$after miss, $after $then[1]",
       "$name - after");
    is(seen($gate, $who, 'w1'), "$after $then[1], $after $then[1]",
       "$name - for good");
}


redis('HSET', 'sendkit:key:dump', @record, status => 'revoked');
my $dump = redis('DUMP', 'sendkit:key:dump');

is_changed('deleted', 'owner', $yes, $gone, [ 'DEL', $owner ]);
is_changed('unlinked', 'owner', $yes, $gone, [ 'UNLINK', $owner ]);
is_changed('revoked', 'owner', $yes, '401 inactive_key',
           [ 'HSET', $owner, status => 'revoked' ]);
is_changed('active again', 'inactive', '401 inactive_key', $yes,
           [ 'HSET', $inactive, status => 'active' ]);
is_changed('all fields deleted', 'owner', $yes, $gone,
           [ 'HDEL', $owner, qw( type user ) ]);
is_changed('expired by its own field', 'owner', $yes, '401 expired_key',
           [ 'HSET', $owner, expires => 1 ]);
is_changed('of another user', 'owner', $yes, '403 role',
           [ 'HSET', $owner, user => 'u_nobody' ]);
is_changed('of another kind', 'workspace', $yes, '403 other_workspace',
           [ 'HSET', key('workspace'), workspace => 'w2' ]);

is_changed('renamed', 'owner', $yes, $gone, [ 'RENAME', $owner, 'away' ]);
is_changed('renamed to', 'unknown', $gone, $yes,
           [ 'RENAME', $owner, $unknown ]);
is_changed('renamed over', 'owner', $yes, '401 inactive_key',
           [ 'RENAME', $inactive, $owner ]);
is_changed('copied over', 'owner', $yes, '401 inactive_key',
           [ 'COPY', $inactive, $owner, 'REPLACE' ]);
is_changed('restored over', 'owner', $yes, '401 inactive_key',
           [ 'RESTORE', $owner, 0, $dump, 'REPLACE' ]);
is_changed('moved to another database', 'owner', $yes, $gone,
           [ 'MOVE', $owner, 3 ]);

is_changed('created', 'unknown', $gone, $yes, [ 'HSET', $unknown, @record ]);
is_changed('restored', 'unknown', $gone, '401 inactive_key',
           [ 'RESTORE', $unknown, 0, $dump ]);
is_changed('deleted and created', 'owner', $yes, $yes, [ 'DEL', $owner ],
           [ 'HSET', $owner, @record ]);
is_changed('created and deleted', 'unknown', $gone, $gone,
           [ 'HSET', $unknown, @record ], [ 'DEL', $unknown ]);
is_changed('many at once', 'owner', $yes, $gone,
           [ 'DEL', (map { "sendkit:key:$_" } 1 .. 9), key('admin'),
             key('member'), $owner ]);


# A key and its role, of which there were none, one after the other.

fresh_zone($gate, [ 'HDEL', 'sendkit:roles:w1', 'u_owner' ],
           [ 'DEL', $owner ]);
is(seen($gate, 'owner', 'w1'), "$gone miss, $gone negative", 'no key');
told($gate, [ 'HSET', $owner, @record ]);
is(seen($gate, 'owner', 'w1'), '403 role miss, 403 role negative',
   'a key without a role');
told($gate, [ 'HSET', 'sendkit:roles:w1', u_owner => 'member' ]);
is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit", 'a key with a role');


# The same name in another database is taken for ours: one lookup too many.

told($gate, [ 'SELECT', 5 ], [ 'HSET', $owner, status => 'revoked' ]);
is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit",
   'written in another database - the verdict stays');

# And names that nobody reads cost nothing.

redis('HSET', 'sendkit:workspace-key:w1', digest => 'none');
redis('SET', 'other:key', 1);
told($gate, [ 'HSET', 'sendkit:roles:w3', u_owner => 'member' ]);
is(seen($gate, 'owner', 'w1'), "$yes hit, $yes hit",
   'written elsewhere - still known');

ends_well($gate, 'keys');
