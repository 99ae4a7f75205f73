# Copyright (C) the ngx_sendkit_auth_module authors
#
# Roles are given, changed, taken away and listed, one field of one hash at a
# time.
#
# Fails when authctl_role.c writes to another name or field, when it takes a
# role that was not there for one that was taken away, when
# authctl_batch_role_script does not look at the TTL, or when a large workspace
# is not listed whole.

use strict;
use warnings;

use Test::More 'no_plan';

use SendkitAuth::Authctl;
use SendkitAuth::Redis;


sub roles {
    return { @{ redis('HGETALL', "sendkit:roles:$_[0]") } };
}

my $line = sub { sprintf "%-24s  %-24s  %s\n", @_ };

is_run(authctl([ qw( role set w1 u1 owner ) ]), 0, $line->(qw( w1 u1 owner )),
       'a role is given');
is_run(authctl([ qw( --json role set w1 a.b:c@d-e member ) ]), 0,
       qq({"workspace":"w1","user":"a.b:c\@d-e","role":"member"}\n),
       'another one, told as JSON');
is_run(authctl([ qw( role set w2 u1 admin ) ]), 0, qr/admin/,
       'and one in another workspace');
is_deeply(roles('w1'), { u1 => 'owner', 'a.b:c@d-e' => 'member' },
          'the first two are in one hash');
is_deeply(roles('w2'), { u1 => 'admin' }, 'the third in another');

is_run(authctl([ qw( role set w1 u1 admin ) ]), 0, qr/admin/,
       'a role is changed');
is(roles('w1')->{u1}, 'admin', 'in its place');
is_run(authctl([ qw( role list w1 ) ]), 0,
       $line->(qw( w1 a.b:c@d-e member )) . $line->(qw( w1 u1 admin )),
       'the roles of a workspace are listed, by user');

is_run(authctl([ qw( role unset w1 u1 ) ]), 0, $line->(qw( w1 u1 - )),
       'a role is taken away');
is_deeply(roles('w1'), { 'a.b:c@d-e' => 'member' }, 'and no other');
is_run(authctl([ qw( role unset w1 u1 ) ]), 1, '',
       'it cannot be taken away twice');
is_run(authctl([ qw( --json role unset w1 a.b:c@d-e ) ]), 0,
       qq({"workspace":"w1","user":"a.b:c\@d-e","role":null}\n),
       'the last one of a workspace is taken away');
is_run(authctl([ qw( role list w1 ) ]), 1, '',
       'a workspace where nobody has a role is a clear no');
is_deeply([ @{ redis('KEYS', '*') } ], [ 'sendkit:roles:w2' ],
          'nothing is left of it');

# A dash is a letter of ids.

is_run(authctl([ qw( role set -- -w -u owner ) ]), 0, qr/^-w +-u +owner/,
       'ids may begin with a dash');


# Roles that came from an origin expire together.  They do not become one's own
# by a role that is.

redis('PEXPIRE', 'sendkit:roles:w2', 100_000);

is_run(authctl([ qw( role set w2 u2 owner ) ]), 0, qr/^w2 +u2 +owner$/,
       'a role is given where roles expire');
is_deeply(roles('w2'), { u2 => 'owner' }, 'without those of the origin');
is(redis('PTTL', 'sendkit:roles:w2'), -1, 'and does not expire');

is_run(authctl([ qw( role set w2 u1 member ) ]), 0, qr/member/,
       'another one is given');
is_deeply(roles('w2'), { u1 => 'member', u2 => 'owner' }, 'beside it');


# Large, and with what others have written.

redis('HSET', 'sendkit:roles:big', map { ($_ => 'member') } 1 .. 3000);
my @big = json_of(authctl([ qw( --json role list big ) ]));
is_deeply([ map { $_->{user} } @big ], [ sort 1 .. 3000 ],
          'a large workspace is listed whole, each user once');

redis('HSET', 'sendkit:roles:odd', "a\e[31m\n\\", "x\xff\0");
is_run(authctl([ qw( role list odd ) ]), 0,
       $line->('odd', 'a\x1b[31m\x0a\\\\', 'x\xff\x00'),
       'what is no printable ASCII is escaped');
is_deeply([ json_of(authctl([ qw( --json role list odd ) ])) ],
          [ { workspace => 'odd', user => 'a\x1b[31m\x0a\\\\',
              role => 'x\xff\x00' } ], 'in JSON, too');
