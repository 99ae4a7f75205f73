# Copyright (C) the ngx_sendkit_auth_module authors
#
# The life of a key in the hands of an operator: it is added, shown, locked
# and revoked, by the key itself, by its digest or by its workspace.  What is
# in Redis afterwards is what docs/redis-schema.md says, field by field.
#
# Fails when authctl_key_add.c writes another field or overwrites a record,
# when authctl_key.c leaves a record or what a workspace names behind, when
# "status" makes a record out of nothing, or when sendkit_script.c changes
# more than its contract says.

use strict;
use warnings;

use Test::More 'no_plan';

use SendkitAuth::Authctl;
use SendkitAuth::Redis;

my $user_key = 'sk_user_0123456789abcdef0123456789abcdef';
my $own_key = 'sk_a1b2456789abcdef0123456789abcdef0123456789abe3f4';
my ($user_digest, $own_digest) = map { digest_of($_) } $user_key, $own_key;


sub record_of {
    return { @{ redis('HGETALL', "sendkit:$_[0]") } };
}


sub names {
    return [ sort @{ redis('KEYS', '*') } ];
}


# A platform key.

is_run(authctl([ qw( key add --user u1 ) ], stdin => "$user_key\n"), 0,
       "digest      $user_digest\n", 'a platform key is added');
is_deeply(record_of("key:$user_digest"), { type => 'platform', user => 'u1' },
          'its record has its type and its user, and nothing else');
is(redis('PTTL', "sendkit:key:$user_digest"), -1, 'the record does not expire');

my $again = authctl([ qw( key add --user u2 ) ], stdin => $user_key);
is_run($again, 1, '', 'a key that is there is not added again');
my $id = substr $user_digest, 0, 12;
like($again->{stderr}, qr/this key is there already, its id is "$id"/,
     'and the message has its id');
is(record_of("key:$user_digest")->{user}, 'u1', 'nor does it change its user');

is_run(authctl([ qw( key show ) ], stdin => "$user_key\r\n"), 0,
       "digest      $user_digest\nstate       active\n"
       . "type        platform\nuser        u1\n",
       'a key from a file with CR LF is shown');
is_deeply([ json_of(authctl([ '--json', qw( key show --digest ),
                              $user_digest ])) ],
          [ { digest => $user_digest, state => 'active', type => 'platform',
              user => 'u1' } ], 'a key is shown as JSON by its digest');

is_run(authctl([ qw( key status locked ) ], stdin => $user_key), 0,
       qr/^status      locked$/m, 'a key is locked');
is(record_of("key:$user_digest")->{status}, 'locked', 'in its record');
is((json_of(authctl([ '--json', qw( key show ) ], stdin => $user_key)))
   [0]{state}, 'inactive', 'and is shown as inactive');
is_run(authctl([ qw( key status active ) ], stdin => $user_key), 0,
       qr/^status      active$/m, 'a key is unlocked');
is((json_of(authctl([ '--json', qw( key show ) ], stdin => $user_key)))
   [0]{state}, 'active', 'and is shown as active');

is_run(authctl([ qw( key revoke ) ], stdin => $user_key), 0,
       qr/^status      revoked$/m, 'a key is revoked');
is_deeply(names(), [], 'nothing of it is left');
is_run(authctl([ qw( key revoke ) ], stdin => $user_key), 1, '',
       'a key that is not there cannot be revoked');
is_run(authctl([ qw( key show ) ], stdin => $user_key), 1, '',
       'nor be shown');
is_run(authctl([ qw( key status active ) ], stdin => $user_key), 1, '',
       'nor be unlocked');
is_deeply(names(), [], 'which makes no record');


# All fields.

my $end = time + 1000;
is_run(authctl([ qw( key add --user u1 --status locked --expires ), $end ],
               stdin => $user_key), 0, qr/^digest/,
       'a key is added with a status and an end');
is_deeply(record_of("key:$user_digest"),
          { type => 'platform', user => 'u1', status => 'locked',
            expires => $end }, 'both are in its record');

redis('HSET', "sendkit:key:$user_digest", 'expires', 1000);
is((json_of(authctl([ '--json', qw( key show ) ], stdin => $user_key)))
   [0]{state}, 'expired', 'a key whose end has passed is shown as expired');
redis('HDEL', "sendkit:key:$user_digest", 'type');
is((json_of(authctl([ '--json', qw( key show ) ], stdin => $user_key)))
   [0]{state}, 'malformed', 'a record without type is shown as malformed');
is_run(authctl([ qw( key revoke --digest ), $user_digest ]), 0,
       qr/revoked/, 'and can be revoked by its digest');


# The key of a workspace.

my $before = time;
is_run(authctl([ qw( key add --workspace w1 --user u1 ) ],
               stdin => $own_key), 0, "digest      $own_digest\n",
       'a key of a workspace is added');
is_deeply(record_of("key:$own_digest"),
          { type => 'workspace', workspace => 'w1' },
          'its record has its type and its workspace, and no user');

my $named = record_of('workspace-key:w1');
my $created_at = delete $named->{created_at};
is_deeply($named, { digest => $own_digest, created_by => 'u1',
                    masked => 'sk_a1b2...e3f4' },
          'the workspace names it as its own, and who has made it');
like($created_at, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
     'and when, in UTC with milliseconds');

my @now = gmtime $before;
is(substr($created_at, 0, 10), sprintf('%04d-%02d-%02d', $now[5] + 1900,
                                       $now[4] + 1, $now[3]), 'today')
    if (gmtime)[3] == $now[3];

is_deeply([ json_of(authctl([ '--json', qw( key show --workspace w1 ) ])) ],
          [ { digest => $own_digest, state => 'active', type => 'workspace',
              workspace => 'w1', created_at => $created_at,
              created_by => 'u1', masked => 'sk_a1b2...e3f4' } ],
          'it is shown by its workspace');

my $second = authctl([ qw( key add --workspace w1 --user u1 --generate ) ]);
is_run($second, 1, '', 'a workspace has one key only');
like($second->{stderr}, qr/workspace "w1" has a key already/,
     'and the message has the workspace');
my $elsewhere = authctl([ qw( key add --workspace w2 --user u1 ) ],
                        stdin => $own_key);
is_run($elsewhere, 1, '', 'a key is of one workspace only');
like($elsewhere->{stderr}, qr/this key is there already/,
     'and the message says so');
is_deeply(names(), [ "sendkit:key:$own_digest", 'sendkit:workspace-key:w1' ],
          'neither has written anything');

is_run(authctl([ qw( key status locked --workspace w1 ) ]), 0,
       qr/^status      locked$/m, 'the key of a workspace is locked');
is(record_of("key:$own_digest")->{status}, 'locked', 'in its record');
is_run(authctl([ qw( key revoke --workspace w1 ) ]), 0, qr/revoked/,
       'the key of a workspace is revoked');
is_deeply(names(), [], 'both of its hashes are gone');
is_run(authctl([ qw( key revoke --workspace w1 ) ]), 1, '',
       'a workspace without a key has none to be revoked');


# By the key itself; and where another key has been named since.

authctl([ qw( key add --workspace w1 --user u1 ) ], stdin => $own_key);
is_run(authctl([ qw( key revoke ) ], stdin => $own_key), 0, qr/revoked/,
       'the key of a workspace is revoked by the key itself');
is_deeply(names(), [], 'both of its hashes are gone then, too');

authctl([ qw( key add --workspace w1 --user u1 --digest ), 'f' x 64 ]);
is(record_of('workspace-key:w1')->{digest}, 'f' x 64,
   'a key that is not at hand is added by its digest');
is(record_of('workspace-key:w1')->{masked}, 'sk_...',
   'and nothing of it can be shown');

redis('HSET', "sendkit:key:$own_digest", 'type', 'workspace', 'workspace',
      'w1');
is_run(authctl([ qw( key revoke ) ], stdin => $own_key), 0, qr/revoked/,
       'a key is revoked that its workspace does not name');
is_deeply(names(), [ 'sendkit:key:' . 'f' x 64, 'sendkit:workspace-key:w1' ],
          'the one that it names is left alone');

redis('DEL', 'sendkit:key:' . 'f' x 64);
is_run(authctl([ qw( key revoke --workspace w1 ) ]), 0, qr/revoked/,
       'a workspace is freed of a key whose record has gone');
is_deeply(names(), [], 'and can have another');


# Made by the tool.

my @made = map { (json_of(authctl([ '--json', qw( key add --generate --user
                                                   u1 ), @$_ ])))[0] }
           [], [], [ qw( --workspace w1 ) ];

like($made[0]{api_key}, qr/^sk_user_[0-9a-f]{48}$/, 'a platform key is made');
like($made[2]{api_key}, qr/^sk_[0-9a-f]{48}$/, 'a workspace key is made');
isnt($made[0]{api_key}, $made[1]{api_key}, 'no two are the same');
is($_->{digest}, digest_of($_->{api_key}), 'the digest is that of the key')
    for @made;
is(record_of('workspace-key:w1')->{masked},
   $made[2]{api_key} =~ s/^(sk_....).*(....)$/$1...$2/r,
   'what may be shown of it is kept');
is_run(authctl([ qw( key show ) ], stdin => $_->{api_key}), 0, qr/active/,
       'and the key is there') for @made;


# All of them, sorted.

redis('HSET', 'sendkit:key:' . '0' x 64, 'user', 'u9');

my $list = authctl([ '--json', qw( key list ) ]);
is_deeply([ map { $_->{digest} } json_of($list) ],
          [ sort '0' x 64, map { $_->{digest} } @made ],
          'all keys are listed, by their digest');
is_deeply([ map { $_->{state} } json_of($list) ],
          [ 'malformed', ('active') x 3 ], 'each with its state');

my $plain = authctl([ qw( key list ) ]);
is_run($plain, 0, qr/^0{64}  -          malformed  u9 +  -$/m,
       'one line each');
is(scalar(() = $plain->{stdout} =~ /\n/g), 4, 'and no more');
unlike($plain->{stdout} . $list->{stdout},
       qr/@{[ join '|', map { $_->{api_key} } @made ]}/,
       'no list has a key');
