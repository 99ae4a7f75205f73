# Copyright (C) the ngx_sendkit_auth_module authors
#
# What is wrong on the command line is refused with status 2 and a message
# that names the option and the value, before Redis is asked.
#
# Fails when a command does not ask core whether an id, a role, a digest or a
# time is one, when getopt_long() is left to guess, or when a value that may
# be a key is repeated.

use strict;
use warnings;

use Test::More 'no_plan';

use SendkitAuth::Authctl;
use SendkitAuth::Process qw( temp_dir );

my $key = 'sk_user_0123456789abcdef0123456789abcdef';
my $own_key = 'sk_0123456789abcdef0123456789abcdef';
my $nowhere = temp_dir() . '/nowhere';
my $long = 'x' x 65;


sub refuses {
    my ($words, $message, $name, %more) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $run = authctl([ '-s', $nowhere, @$words ], redis => 0, stdin => $key,
                      %more);
    is_run($run, 2, '', "$name is refused");
    like($run->{stderr}, qr/^sendkit-authctl: [^\n]*$message[^\n]*\n\z/,
         'with a message that names it');
}


# Nothing there to be asked: the same with good words is status 3.

is_run(authctl([ '-s', $nowhere, qw( role set w1 u1 owner ) ], redis => 0),
       3, '', 'good words go to Redis');


# Commands and options.

refuses([], qr/no command/, 'no command');
refuses([ 'keys' ], qr/unknown command "keys"/, 'an unknown command');
refuses([ 'key' ], qr/no command after "key"/, 'half a command');
refuses([ qw( key remove ) ], qr/unknown command "key remove"/,
        'an unknown command of a group');
refuses([ @$_ ], qr/unknown command "[a-z ]*sk_\.\.\."/,
        'a key that is taken for a command is not shown')
    for [ $key ], [ 'key', $own_key ];
refuses([ '--jsno', 'check' ], qr/option "--jsno" is unknown/,
        'an unknown option');
refuses([ '-x', 'check' ], qr/option "-x" is unknown/, 'an unknown letter');
refuses([ qw( check --json ) ], qr/"--json" is unknown here.*before the comm/,
        'an option for all commands after the command');
refuses([ '--json=1', 'check' ], qr/"--json" takes no value/,
        'a value for an option that has none');
refuses([ qw( key add --generate=x ) ], qr/"--generate" takes no value/,
        'a value for an option of a command that has none');
refuses([ '--prefix' ], qr/"--prefix" needs a value/,
        'an option without its value');
refuses([ qw( key add --user ) ], qr/"--user" needs a value/,
        'an option of a command without its value');
refuses([ @$_, 'check' ], qr/password on the command line.*REDISCLI_AUTH/,
        "a password after $_->[0]")
    for [ '--pass=secret' ], [ '--pass', 'secret' ], [ '-a', 'secret' ];
refuses([ '-u', 'redis://u:secret@host', 'check' ], qr/"-u" takes no cred/,
        'a password in the address');
unlike(authctl([ $_, 'check' ], redis => 0)->{stderr}, qr/secret/,
       'and is not repeated')
    for '--pass=secret', '-asecret', '-uredis://u:secret@host', '--help=secret';

refuses([ '-p', $_, 'check' ], qr/"\Q$_\E" in "-p" is not a number from 1 to/,
        "the port \"$_\"") for '', 0, 65536, '1x', -1, ' 1', '9' x 30;
refuses([ '-n', $_, 'check' ], qr/"\Q$_\E" in "-n"/, "the database \"$_\"")
    for '', 'x', '-1', '0x1';
refuses([ '--timeout', $_, 'check' ], qr/"\Q$_\E" in "--timeout"/,
        "the time \"$_\"") for 0, '5s', 3601;
refuses([ '-u', $_, 'check' ], qr/"\Q$_\E" in "-u" is not/,
        "the address \"$_\"") for '', 'unix:', 'http://a', '127.0.0.1:6379';
refuses([ '-u', "redis://$_", 'check' ], qr/"-u"|"-n"/,
        "the address \"redis://$_\"") for '', ':1', 'a:b', 'a:0', 'a/b';
refuses([ '--prefix', $long, 'check' ], qr/"$long" in "--prefix" is longer/,
        'a long prefix');
refuses([ @$_, 'check' ], qr/"--cacert".* are for "--tls" only/,
        "$_->[0] without TLS")
    for [ qw( --cacert a ) ], [ qw( --cert a ) ], [ qw( --tls-key a ) ],
        [ qw( --sni a ) ], [ '--insecure' ];
refuses([ qw( --tls check ) ], qr/"--tls" is not for a UNIX-domain socket/,
        'TLS on a socket');
refuses([ @$_, 'check' ], qr/"--cert" and "--tls-key" must be/, "$_->[3] only",
        redis => 0) for [ '-u', 'rediss://a', '--tls', '--cert', 'a' ],
                        [ '-u', 'rediss://a', '--tls', '--tls-key', 'a' ];
refuses([ '--old-pepper-file', 'a', 'digest' ],
        qr/"--old-pepper-file" without "--pepper-file"/,
        'an old pepper without a new one');
refuses([ '--pepper-file', $nowhere, 'digest' ],
        qr/cannot open "\Q$nowhere\E": No such file/, 'a pepper of no file');
refuses([ '--pepper-file', file_of("123456789012345\n"), 'digest' ],
        qr/shorter than 16 bytes/, 'a short pepper');
refuses([ '--pepper-file', file_of('x' x 4098), 'digest' ],
        qr/has more than 4096 bytes/, 'a long pepper');
refuses([ '--pepper-file', temp_dir(), 'digest' ],
        qr/cannot read .*Is a directory/, 'a directory of pepper');
refuses([ '--password-file', file_of("\n"), 'check' ],
        qr/shorter than 1 byte/, 'an empty password');
refuses([ '--user', 'u', 'check' ],
        qr/user "u" in "--user" but no password/, 'a user without password');


# Ids, roles, digests, times.

my @not_workspace = ('', $long, 'a b', 'a.b', 'a/b', "a\n", "\xc3\xa4");
my @not_user = ('', $long, 'a b', 'a/b', "a\e[31m");

for my $id (@not_workspace) {
    my $shown = length $id > 64 ? 'x{64}\.\.\.'
                                : quotemeta $id =~ s/([^ -~])/sprintf
                                                     '\x%02x', ord $1/ger;

    refuses([ qw( role set ), $id, 'u1', 'owner' ],
            qr/workspace "$shown" is not 1 to 64/, "the workspace \"$shown\"");
    refuses([ qw( role list ), $id ], qr/workspace "$shown"/, 'it');
    refuses([ qw( key show --workspace ), $id ],
            qr/"--workspace": "$shown" is not/, 'it');
    refuses([ qw( key add --user u --workspace ), $id ],
            qr/workspace "$shown" is not/, 'it', stdin => $own_key);
}

for my $id (@not_user) {
    my $shown = length $id > 64 ? 'x{64}\.\.\.'
                                : quotemeta $id =~ s/([^ -~])/sprintf
                                                     '\x%02x', ord $1/ger;

    refuses([ qw( role set w1 ), $id, 'owner' ],
            qr/user "$shown" is not 1 to 64/, "the user \"$shown\"");
    refuses([ qw( role unset w1 ), $id ], qr/user "$shown"/, 'it');
    refuses([ qw( key add --user ), $id ], qr/user "$shown" is not/, 'it');
    refuses([ qw( key add --workspace w1 --user ), $id ],
            qr/created_by "$shown" is not/, 'it', stdin => $own_key);
}

refuses([ qw( role set w1 u1 ), $_ ],
        qr/role "\Q$_\E" is not "owner", "admin" or "member"/,
        "the role \"$_\"") for '', 'Owner', 'owner ', 'viewer';
refuses([ qw( role set w1 u1 ) ], qr/"set" needs 1 argument more/,
        'a role that is missing');
refuses([ qw( role list ) ], qr/"list" needs 1 argument more/,
        'a workspace that is missing');
refuses([ qw( role unset w1 u1 owner ) ], qr/"unset" takes 2 arguments, not 3/,
        'a word too many');

refuses([ qw( key show --digest ), $_ ],
        qr/"--digest": "\Q$_\E" is not 64 lower-case hex/,
        "the digest \"$_\"") for '', 'a' x 63, 'A' x 64, 'g' x 64;
refuses([ qw( key add --user u --digest ), 'A' x 64 ],
        qr/digest "A{64}" is not 64/, 'a digest in upper case');
refuses([ qw( key show --digest ), $key ], qr/"--digest": "sk_\.\.\." is not/,
        'a key instead of its digest');
refuses([ qw( key show ), $key ], qr/"show" takes 0 arguments, not 1/,
        'a key on the command line');
unlike(authctl([ qw( key show ), @$_, $key ], redis => 0)->{stderr},
       qr/0123456789/, 'and is not repeated')
    for [], [ '--digest' ], [ '--workspace' ];
refuses([ qw( key show --workspace w1 --digest ), 'a' x 64 ],
        qr/more than one/, 'a digest besides a workspace');

refuses([ qw( key add --user u --expires ), $_ ],
        qr/expires "\Q$_\E" is not 1 to 15 digits/, "the end \"$_\"")
    for '', '1e9', '-1', '9' x 16, 'tomorrow', ' 1';
refuses([ qw( key add --user u --expires ), $_ ], qr/expires "\d+" has passed/,
        "the end \"$_\"") for 0, 1, time;
refuses([ qw( key add --user u --status ), $_ ],
        qr/status "\Q$_\E" is not 1 to 64/, "the status \"$_\"")
    for '', 'a b', 'a,b';
refuses([ qw( key status ), 'a b' ], qr/status "a b" is not 1 to 64/,
        'a status of two words');
refuses([ qw( key status ) ], qr/"status" needs 1 argument more/,
        'no status');


# A key and its kind.

refuses([ qw( key add ) ], qr/"key add" needs "--user"/, 'a key of nobody');
refuses([ qw( key add --workspace w1 ) ], qr/needs "--user"/,
        'a workspace key by nobody');
refuses([ qw( key add --user u1 --workspace w1 ) ],
        qr/this is a platform key/, 'a platform key for a workspace');
refuses([ qw( key add --user u1 ) ], qr/this is a workspace key/,
        'a workspace key for a user', stdin => $own_key);
refuses([ qw( key add --user u1 --generate --digest ), 'a' x 64 ],
        qr/"--generate" and "--digest" do not go together/,
        'a digest of a key to be made');


# These need no Redis, and are no mistakes.

is_run(authctl([ '--help' ], redis => 0), 0, qr/^Usage: /, 'there is help');
is_run(authctl([ '--version' ], redis => 0), 0,
       qr/^sendkit-authctl \d+\.\d+\.\d+\n\z/, 'and a version');
is_run(authctl([ '--', 'digest' ], redis => 0, stdin => $key), 0,
       digest_of($key) . "\n", 'and the end of options');
