# Copyright (C) the ngx_sendkit_auth_module authors
#
# "sendkit-authctl import" writes the keys and roles of a file as the gateway
# reads them, from CSV and NDJSON alike: whole records in place of older ones,
# roles beside those that are there.
#
# Fails when authctl_batch_append_key() does not delete first, when
# authctl_batch_append_named() leaves out what a workspace's key has besides its
# record, when authctl_batch_role_script does not look at the TTL, when
# authctl_parser_line() or authctl_import_guess() take the wrong format, or when
# a dry run writes.

use strict;
use warnings;

use Test::More 'no_plan';

use SendkitAuth::Authctl;
use SendkitAuth::Process qw( temp_dir );
use SendkitAuth::Redis;

my ($platform, $workspace, $own) = map { digest_of($_) } qw( p w o );
my $time = '2025-06-01T10:30:00.000Z';

my $ndjson = <<"END";
{"key":"$platform","type":"platform","user":"u1","expires":1790000000,"status":"active"}
{"key":"$workspace","type":"workspace","workspace":"w1"}
{"key":"$own","type":"workspace","workspace":"w2","created_at":"$time","created_by":"u1","masked":"sk_a1b2...e3f4"}
{"workspace":"w1","user":"u1","role":"owner"}
{"workspace":"w1","user":"u\@2","role":"member"}
{"workspace":"w2","user":"u1","role":"admin"}
END

my $csv = <<"END";
kind,digest,type,user,workspace,role,expires,status,created_at,created_by,masked
key,$platform,platform,u1,,,1790000000,active,,,
key,$workspace,workspace,,w1,,,,,,
key,$own,workspace,,w2,,,,$time,u1,sk_a1b2...e3f4
role,,,u1,w1,owner,,,,,
role,,,u\@2,w1,member,,,,,
role,,,u1,w2,admin,,,,,
END

my %expected = (
    "sendkit:key:$platform"     => { type => 'platform', user => 'u1',
                                     expires => 1790000000,
                                     status => 'active' },
    "sendkit:key:$workspace"    => { type => 'workspace',
                                     workspace => 'w1' },
    "sendkit:key:$own"          => { type => 'workspace',
                                     workspace => 'w2' },
    'sendkit:workspace-key:w2'  => { digest => $own, created_at => $time,
                                     created_by => 'u1',
                                     masked => 'sk_a1b2...e3f4' },
    'sendkit:roles:w1'          => { u1 => 'owner', 'u@2' => 'member' },
    'sendkit:roles:w2'          => { u1 => 'admin' },
);

my $summary = "3 keys, 3 roles, 0 bad lines: 6 written\n";


# All hashes in Redis.

sub held {
    return { map { $_ => { @{ redis('HGETALL', $_) } } }
             @{ redis('KEYS', '*') } };
}


sub named {
    my ($name, $bytes) = @_;
    my $file = temp_dir() . "/$name";
    rename file_of($bytes), $file or die "$file: $!";
    return $file;
}


# Each on an empty Redis.

sub is_imported {
    my ($name, $words, %more) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    redis('FLUSHALL');
    is_run(authctl([ 'import', @$words ], %more), 0, $summary,
           "$name is imported");
    is_deeply(held(), \%expected, "$name is in Redis as it says");
}


is_imported('a file of NDJSON', [ file_of($ndjson) ]);
is_imported('a file of CSV', [ file_of($csv) ]);
is_imported('NDJSON from a pipe', [ '-' ], stdin => $ndjson);
is_imported('CSV from a pipe', [ '-' ], stdin => $csv);
is_imported('CSV from a pipe, read once', [ '--skip-bad', '-' ],
            stdin => $csv);
is_imported('a file named .csv', [ named('a.csv', $csv) ]);
is_imported('a file named .ndjson', [ named('a.ndjson', "\n$ndjson") ]);
is_imported('a file of the format that is said',
            [ '--format', 'csv', named('b.ndjson', $csv) ]);
is_imported('a file with CR LF, without one at its end',
            [ file_of(join "\r\n", split /\n/, $csv) ]);
is_imported('a file with a byte order mark',
            [ file_of("\xef\xbb\xbf$ndjson") ]);


# A file that is at another place than its beginning.

redis('FLUSHALL');
{
    my $file = file_of("something else\n$ndjson");
    my $output = `{ read x; '$SendkitAuth::Authctl::Program' \\
                    -s '@{[ redis_socket() ]}' import - 2>&1; } < '$file'`;
    is($output, $summary, 'what is left of a file is imported');
}
is_deeply(held(), \%expected, 'what is left of a file is in Redis');


# The format counts, not the first byte.

is_run(authctl([ 'import', named('c.csv', $ndjson) ]), 1,
       "0 keys, 0 roles, 1 bad lines: 0 written\n",
       'a file named .csv is no NDJSON');
is_run(authctl([ 'import', '--format', 'ndjson', '-' ], stdin => $csv), 1,
       "0 keys, 0 roles, 7 bad lines: 0 written\n",
       'CSV is not NDJSON because it is said to be');


# With another prefix, and into a database that is not empty.

redis('FLUSHALL');
redis('HSET', "sendkit:key:$platform", 'type', 'workspace', 'workspace', 'w9',
      'status', 'locked', 'note', 'x');
redis('PEXPIRE', "sendkit:key:$platform", 3600000);
redis('HSET', 'sendkit:workspace-key:w2', 'digest', $platform, 'note', 'x');
redis('HSET', 'sendkit:roles:w1', 'u1', 'member', 'u3', 'admin');

is_run(authctl([ 'import', file_of($ndjson) ]), 0, $summary,
       'a file is imported where something is');

{
    local $expected{'sendkit:roles:w1'}
        = { u1 => 'owner', 'u@2' => 'member', u3 => 'admin' };
    is_deeply(held(), \%expected,
              'no field of an older record stays, and other roles do');
    is(redis('PTTL', "sendkit:key:$platform"), -1,
       'a record does not expire like the older one');

    is_run(authctl([ 'import', file_of($csv) ]), 0, $summary,
           'it is imported once more');
    is_deeply(held(), \%expected, 'which changes nothing');
}

redis('FLUSHALL');
is_run(authctl([ '--prefix', 'a:', 'import', file_of($ndjson) ]), 0, $summary,
       'a file is imported under another prefix');
is_deeply(held(), { map { s/^sendkit:/a:/r => $expected{$_} }
                    keys %expected },
          'where nothing else is');


# A role where those of an origin are: it is one's own, and they are not.

redis('FLUSHALL');
redis('HSET', 'sendkit:roles:w1', 'u3', 'admin');
redis('PEXPIRE', 'sendkit:roles:w1', 100_000);

is_run(authctl([ 'import', file_of($ndjson) ]), 0, $summary,
       'a file is imported where roles expire');
is_deeply(held(), \%expected, 'those do not stay');
is(redis('PTTL', 'sendkit:roles:w1'), -1, 'and the others do not expire');


# Without any.

redis('FLUSHALL');
is_run(authctl([ 'import', '--dry-run', file_of($csv) ], redis => 0), 0,
       "3 keys, 3 roles, 0 bad lines: 0 written\n",
       'a dry run needs no Redis');
is_run(authctl([ 'import', '--dry-run', '-' ], stdin => $ndjson), 0,
       "3 keys, 3 roles, 0 bad lines: 0 written\n",
       'a dry run reads from a pipe');
is_deeply(held(), {}, 'a dry run writes nothing');


# Nothing to do, and something to be done for a program.

for my $empty ("\n", "kind,user\n", '') {
    is_run(authctl([ 'import', '-' ], stdin => $empty), 0,
           "0 keys, 0 roles, 0 bad lines: 0 written\n",
           length($empty) . ' bytes without an entry are imported');
}

my $run = authctl([ '--json', 'import', '-' ], stdin => $ndjson);
is($run->{status}, 0, 'a program imports a file');
is_deeply([ json_of($run) ],
          [ { keys => 3, roles => 3, bad => 0, written => 6,
              stopped => undef, errors => [] } ],
          'it reads how much that was');


# What is exported is imported as it was.

my $before = held();

for my $format ([], [ '--csv' ]) {
    my $exported = authctl([ 'export', @$format ]);
    is($exported->{status}, 0, "export @$format");

    redis('FLUSHALL');
    is_run(authctl([ 'import', '-' ], stdin => $exported->{stdout}), 0,
           $summary, "what \"export @$format\" has written is imported");
    is_deeply(held(), $before, "it is as before \"export @$format\"");
}
