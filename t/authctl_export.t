# Copyright (C) the ngx_sendkit_auth_module authors
#
# What is exported can be imported: it gives the same Redis again, in both
# formats.  What cannot be imported is left out, said one by one, and makes
# the export a failure.  What will expire is a copy of what an origin knows, and
# would be for ever if it were imported: it is left out, and counted.
#
# Fails when a field is lost or added on the way, when an export stops at the
# first thing that is malformed, when it passes over one in silence, or when
# authctl_export_is_copy() or authctl_export_roles() do not look at the TTL.

use strict;
use warnings;

use Test::More 'no_plan';

use SendkitAuth::Authctl;
use SendkitAuth::Redis;

my ($platform, $own, $loose) = map { $_ x 64 } 'a', 'b', 'c';


# All that is there, as one structure.

sub content {
    return { map { my $name = $_;
                   $name => { @{ redis('HGETALL', $name) } } }
             @{ redis('KEYS', '*') } };
}


is_run(authctl([ 'export' ]), 0, '', 'nothing is exported from nothing');
is_run(authctl([ qw( export --csv ) ]), 0,
       "kind,digest,type,user,workspace,role,expires,status,created_at,"
       . "created_by,masked\n", 'but for the header of CSV');

redis(@$_) for
    [ 'HSET', "sendkit:key:$platform", 'type', 'platform', 'user',
      'a.b:c@d-e', 'expires', 4102444800, 'status', 'locked' ],
    [ 'HSET', 'sendkit:key:' . '1' x 64, 'type', 'platform', 'user', 'u1' ],
    [ 'HSET', "sendkit:key:$own", 'type', 'workspace', 'workspace', 'w1',
      'expires', 1 ],
    [ 'HSET', 'sendkit:workspace-key:w1', 'digest', $own, 'created_at',
      '2025-06-01T10:30:00.000Z', 'created_by', 'u1', 'masked',
      'sk_a1b2...e3f4' ],
    [ 'HSET', "sendkit:key:$loose", 'type', 'workspace', 'workspace', 'w2' ],
    [ 'HSET', 'sendkit:roles:w1', 'u1', 'owner', 'a.b:c@d-e', 'member' ],
    [ 'HSET', 'sendkit:roles:w2', 'u1', 'admin' ],
    [ 'HSET', 'sendkit:roles:big', map { ($_ => 'member') } 1 .. 3000 ];

my $before = content();
my %export = (ndjson => authctl([ 'export' ]),
              csv => authctl([ qw( export --csv ) ]));

is_deeply([ (json_of($export{ndjson}))[0 .. 3] ],
          [ { key => '1' x 64, type => 'platform', user => 'u1' },
            { key => $platform, type => 'platform', user => 'a.b:c@d-e',
              expires => 4102444800, status => 'locked' },
            { key => $own, type => 'workspace', workspace => 'w1',
              expires => 1, created_at => '2025-06-01T10:30:00.000Z',
              created_by => 'u1', masked => 'sk_a1b2...e3f4' },
            { key => $loose, type => 'workspace', workspace => 'w2' } ],
          'each key is an object, in the order of digests');
is_deeply([ (json_of($export{ndjson}))[-3 .. -1] ],
          [ { user => 'a.b:c@d-e', workspace => 'w1', role => 'member' },
            { user => 'u1', workspace => 'w1', role => 'owner' },
            { user => 'u1', workspace => 'w2', role => 'admin' } ],
          'then come the roles, by workspace and user');
like($export{csv}{stdout},
     qr/^key,$own,workspace,,w1,,1,,2025-06-01T10:30:00\.000Z,u1,sk_a1b2\.\.\.
        e3f4$/mx, 'in CSV each is a line');

for my $format (sort keys %export) {
    is_run($export{$format}, 0, qr/./, "an export as $format");
    redis('FLUSHALL');
    is_run(authctl([ qw( import --format ), $format, '-' ],
                   stdin => $export{$format}{stdout}), 0, qr/./,
           'can be imported');
    is_deeply(content(), $before, 'and gives the same');
}


# An id that the type does not call for is not read by the gateway either.

redis('HSET', "sendkit:key:$loose", 'user', 'u1', 'note', 'x');
is_run(authctl([ 'export' ]), 0, qr/"$loose","type":"workspace","workspace":
                                    "w2"\}$/mx,
       'what the gateway does not read is not exported');


# Not to be imported.

redis('FLUSHALL');
redis(@$_) for
    [ 'HSET', "sendkit:key:$platform", 'type', 'platform', 'user', 'u1' ],
    [ 'HSET', 'sendkit:key:ABC', 'type', 'platform', 'user', 'u1' ],
    [ 'HSET', 'sendkit:key:' . '2' x 64, 'type', 'platform' ],
    [ 'HSET', 'sendkit:key:' . '3' x 64, 'type', 'platform', 'user', 'u1',
      'status', "\xff\"," ],
    [ 'SET', 'sendkit:key:' . '4' x 64, 'x' ],
    [ 'HSET', 'sendkit:workspace-key:w1', 'digest', 'f' x 64, 'created_at',
      '2025-06-01T10:30:00.000Z', 'created_by', 'u1' ],
    [ 'HSET', 'sendkit:workspace-key:w2', 'digest', 'x' ],
    [ 'HSET', 'sendkit:roles:a b', 'u1', 'owner' ],
    [ 'HSET', 'sendkit:roles:w1', 'u1', 'owner', 'a b', 'owner', 'u2',
      'Owner' ];

my $rest = authctl([ 'export' ]);
is_run($rest, 1, qq({"key":"$platform","type":"platform","user":"u1"}\n)
                 . qq({"user":"u1","workspace":"w1","role":"owner"}\n),
       'what can be imported is exported');
like($rest->{stderr}, qr/^sendkit-authctl: left out: "$_$/m,
     'and what cannot is said: ' . substr $_, 0, 30)
    for qr/sendkit:key:ABC": is malformed/,
        qr/sendkit:key:2{64}": is malformed/,
        qr/sendkit:key:3{64}": status "\\xff"," is not 1 to 64.*/,
        qr/sendkit:key:4{64}": is malformed/,
        qr/sendkit:workspace-key:w1": names a key that the workspace does.*/,
        qr/sendkit:workspace-key:w2": is malformed/,
        qr/sendkit:roles:a b": workspace "a b" is not 1 to 64.*/,
        qr/sendkit:roles:w1": user "a b" is not 1 to 64.*/,
        qr/sendkit:roles:w1": role "Owner" is not .*/;
like($rest->{stderr}, qr/^sendkit-authctl: 9 left out/m, 'and counted');


# Copies of what an origin knows, and what is one's own beside them; markers
# are of no use anywhere else.

redis('FLUSHALL');
my $end = time + 3600;

redis(@$_) for
    [ 'HSET', "sendkit:key:$platform", 'type', 'platform', 'user', 'u1' ],
    [ 'HSET', 'sendkit:roles:w1', 'u1', 'owner' ],
    [ 'SET', 'sendkit:no-key:' . '9' x 64, 1, 'PX', 100_000 ],
    [ 'SET', 'sendkit:no-role:w1:u9', 1, 'PX', 100_000 ];

is_run(authctl([ 'export' ]), 0, qr/^[^9]*$/, 'a marker is not exported');

redis(@$_) for
    [ 'HSET', 'sendkit:key:' . '1' x 64, 'type', 'platform', 'user', 'u2' ],
    [ 'PEXPIRE', 'sendkit:key:' . '1' x 64, 100_000 ],
    [ 'HSET', 'sendkit:key:' . '2' x 64, 'type', 'platform', 'user', 'u3',
      'expires', $end ],
    [ 'PEXPIRE', 'sendkit:key:' . '2' x 64, 100_000 ],
    [ 'HSET', 'sendkit:key:' . '3' x 64, 'type', 'platform', 'user', 'u4',
      'expires', $end ],
    [ 'EXPIREAT', 'sendkit:key:' . '3' x 64, $end + 86400 ],
    [ 'HSET', 'sendkit:key:' . '4' x 64, 'type', 'platform', 'user', 'u5',
      'expires', $end ],
    [ 'EXPIREAT', 'sendkit:key:' . '4' x 64, $end ],
    [ 'HSET', "sendkit:key:$own", 'type', 'workspace', 'workspace', 'w1' ],
    [ 'PEXPIRE', "sendkit:key:$own", 100_000 ],
    [ 'HSET', 'sendkit:workspace-key:w1', 'digest', $own, 'created_at',
      '2025-06-01T10:30:00.000Z', 'created_by', 'u1' ],
    [ 'HSET', 'sendkit:roles:w2', 'u1', 'admin' ],
    [ 'PEXPIRE', 'sendkit:roles:w2', 100_000 ];

for my $words ([ 'export' ], [ qw( export --csv ) ]) {
    my $run = authctl($words);

    is($run->{status}, 0, "copies do not make \"@$words\" a failure");
    is_deeply([ $run->{stdout} =~ /\bu(?=\d)(\d)/g ], [ 4, 5, 1, 1 ],
              'what expires after its own end, or not at all, is exported');
    is($run->{stderr}, 'sendkit-authctl: 4 left out, which will expire: '
                       . "copies of what an origin knows\n",
       'a record without an end, or with a later one, and roles are not');
}

is_run(authctl([ 'check' ]), 0, qr/^no problem/,
       'to expire is no mistake of what an origin knows');


# Nobody who reads it.

redis('FLUSHALL');
redis('HSET', 'sendkit:roles:big', map { ($_ => 'member') } 1 .. 3000);
my $socket = redis_socket();
my $status = system('/bin/sh', '-c', "$SendkitAuth::Authctl::Program -s "
                    . "$socket export > /dev/full 2> /dev/null");
is($status >> 8, 2, 'an export that cannot be written is a failure');
