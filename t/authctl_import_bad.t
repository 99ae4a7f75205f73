# Copyright (C) the ngx_sendkit_auth_module authors
#
# A line that is bad is told with its number and the reason, and keeps
# "sendkit-authctl import" from writing any other; with --skip-bad the others
# are written.  What may be a key is not repeated.
#
# Fails when authctl_import_both() writes after a check that has found a bad
# line, when lines are counted without those that are empty or too long, when
# a reader goes on with the rest of a bad line, when more than 100 lines are
# told, or when a message shows a value that begins like a key.

use strict;
use warnings;

use Test::More 'no_plan';

use SendkitAuth::Authctl;
use SendkitAuth::Redis;

my $digest = digest_of('p');
my $long = 'x' x 70000;

my $ndjson = <<"END";
{"workspace":"w1","user":"u1","role":"owner"}

{"workspace":"w1","user":"u 2","role":"owner"}
{"workspace":"$long"}
{"workspace":"w1","user":"u2","role":"Admin"}
{"workspace":"w1","user":"u\0","role":"admin"}
{"key":"sk_user_0123456789abcdef","type":"platform","user":"u1"}
{"key":sk_user_0123456789abcdef}
{"sk_user_0123456789abcdef":"u1"}
{"workspace":"w1","user":"u3","role":"member"}
{"key":"$digest","type":"platform","user":"u1","workspace":"w1"}
END

my @ndjson = (
    [ 3, 'user "u 2" is not 1 to 64 of A-Z a-z 0-9 . _ : @ -' ],
    [ 4, 'is longer than 65536 bytes' ],
    [ 5, 'role "Admin" is not "owner", "admin" or "member"' ],
    [ 6, 'has a NUL byte' ],
    [ 7, 'digest "sk_..." is not 64 lower-case hexadecimal digits' ],
    [ 8, 'is not valid JSON near byte 9' ],
    [ 9, 'member "sk_..." is unknown' ],
    [ 11, 'a platform key has no "workspace"' ],
);

my $csv = <<"END";
user,workspace,kind,role,digest
u1,w1,role,owner,

u 2,w1,role,owner,
$long
u2,w1,role,Admin,
u\0,w1,role,admin,
,,key,,sk_user_0123456789abcdef
"u2,w1,role,owner,
u3,w1,role,member,
u4,w1,role,member
END

my @csv = (
    [ 4, 'user "u 2" is not 1 to 64 of A-Z a-z 0-9 . _ : @ -' ],
    [ 5, 'is longer than 65536 bytes' ],
    [ 6, 'role "Admin" is not "owner", "admin" or "member"' ],
    [ 7, 'has a NUL byte' ],
    [ 8, 'digest "sk_..." is not 64 lower-case hexadecimal digits' ],
    [ 9, 'has a quote out of place, in or after value 1' ],
    [ 11, 'has fewer values than the header has columns' ],
);


# What is said on stderr of these lines.

sub told {
    my ($file, @bad) = @_;
    return join '', map { "sendkit-authctl: $file:$_->[0]: $_->[1]\n" } @bad;
}


sub is_refused {
    my ($name, $bytes, @bad) = @_;

    my $n = @bad;
    my $file = file_of($bytes);
    my %input = ($file => '', 'stdin' => $bytes);

    for my $from (sort keys %input) {
        my $words = $from eq 'stdin' ? '-' : $from;

        redis('FLUSHALL');

        for my $option ('', '--dry-run') {
            my $run = authctl([ 'import', $option || (), $words ],
                              stdin => $input{$from});

            is_run($run, 1, "0 keys, 2 roles, $n bad lines: 0 written\n",
                   "$name from $from is refused $option");
            is($run->{stderr}, told($from, @bad),
               "each bad line is told with its reason $option");
            is_deeply(redis('KEYS', '*'), [], "nothing was written $option");
        }

        my $run = authctl([ 'import', '--skip-bad', $words ],
                          stdin => $input{$from});

        is_run($run, 1, "0 keys, 2 roles, $n bad lines: 2 written\n",
               "$name from $from is imported where it is good");
        is($run->{stderr}, told($from, @bad),
           'each bad line is told with its reason as well');
        is_deeply({ @{ redis('HGETALL', 'sendkit:roles:w1') } },
                  { u1 => 'owner', u3 => 'member' },
                  'what is good was written');
    }
}


is_refused('NDJSON', $ndjson, @ndjson);
is_refused('CSV', $csv, @csv);


# Without a header that is good no line of CSV can be read.

redis('FLUSHALL');

for (
    [ "\nkind,name\nrole,u1\n", 2, 'column "name" is unknown' ],
    [ "kind,user,user\n\n", 1, 'column "user" is there twice' ],
    [ "user,workspace,role\nu1,w1,owner\n", 1,
      'header has no column "kind"' ],
    [ "sk_user_0123456789abcdef\n", 1, 'column "sk_..." is unknown' ],
    [ "\n", 1, 'header is missing' ],
) {
    my ($bytes, $line, $reason) = @$_;

    for my $option (qw( --dry-run --skip-bad )) {
        my $run = authctl([ 'import', $option, '--format', 'csv', '-' ],
                          stdin => $bytes);
        is_run($run, 1, "0 keys, 0 roles, 1 bad lines: 0 written\n",
               "$option: the end: $reason");
        is($run->{stderr}, told('stdin', [ $line, $reason ]),
           "$option: it is told: $reason");
    }
}

is_deeply(redis('KEYS', '*'), [], 'nothing was written without a header');


# Many.

my $run = authctl([ '--json', 'import', '--skip-bad', '-' ],
                  stdin => "{}\n" x 250
                           . qq({"workspace":"w","user":"u","role":"owner"}\n)
                           . "{}\n");

is($run->{status}, 1, 'a file of bad lines is read to its end');
is(($run->{stderr} =~ tr/\n//), 101, 'no more than 100 of them are told');
like($run->{stderr}, qr/\A.*stdin:1: .*stdin:100: .*
                        sendkit-authctl:\ 151\ bad\ lines\ more\ in\ "stdin"
                        \n\z/xs,
     'and how many there are more');

my ($json) = json_of($run);
is(@{ delete $json->{errors} }, 100, 'a program gets 100 of them');
is_deeply($json, { keys => 0, roles => 1, bad => 251, written => 1,
                   stopped => undef }, 'and the numbers');

($json) = json_of(authctl([ '--json', 'import', '-' ], stdin => $csv));
is_deeply($json->{errors},
          [ map { { line => $_->[0], reason => $_->[1] } } @csv ],
          'a program gets lines and reasons');


# What is wrong before the first line.

for (
    [ 'a file that is not there', [ '/nonexistent/file' ],
      qr{cannot open "/nonexistent/file": No such file} ],
    [ 'a directory', [ '/' ], qr{cannot read "/": Is a directory} ],
    [ 'no file', [], qr/needs 1 argument more/ ],
    [ 'two files', [ 'a', 'b' ], qr/takes 1 argument, not 2/ ],
    [ 'an unknown format', [ '--format', 'xml', '-' ],
      qr/format "xml" is not "csv" or "ndjson"/ ],
    [ 'an unknown option', [ '--strict', '-' ],
      qr/option "--strict" is unknown/ ],
) {
    my ($name, $words, $message) = @$_;

    $run = authctl([ 'import', @$words ]);
    is_run($run, 2, '', "$name is bad usage");
    like($run->{stderr}, $message, "$name is told");
}
