# Copyright (C) the ngx_sendkit_auth_module authors
#
# What is written about the tool is true: the examples of its page print what
# stands there, the manual and the completion know all options and commands,
# the version is that of CHANGES, and the user that the page makes in Redis may
# do what the tool does.
#
# Fails when an output changes and docs/sendkit-authctl.md does not, when an
# option is added without a line in docs/sendkit-authctl.1 and in the
# completion, when a version is made in one place only, or when a command of
# Redis is used that the page does not allow.

use strict;
use warnings;

use Test::More 'no_plan';

use Cwd ();

use SendkitAuth::Authctl;
use SendkitAuth::Process qw( temp_dir slurp );
use SendkitAuth::Redis;

my $top = Cwd::cwd();
my $tool = $SendkitAuth::Authctl::Program;
my $dir = temp_dir();
my $page = slurp('docs/sendkit-authctl.md');


# The examples, one after the other, in one shell.

mkdir "$dir/$_" or die "mkdir $dir/$_ failed: $!" for 'bin', 'run';
symlink "$top/conf", "$dir/run/conf" or die "symlink failed: $!";

for ([ 'sendkit-authctl', $tool ], [ 'redis-cli', '/usr/bin/redis-cli' ]) {
    my ($name, $program) = @$_;
    open my $out, '>', "$dir/bin/$name" or die "$dir/bin/$name: $!";
    print $out "#!/bin/sh\nexec $program -s ", redis_socket(), ' "$@"', "\n";
    close $out;
    chmod 0755, "$dir/bin/$name";
}

my @steps = map { [ /^\$ (.*)\n((?:(?!\$ ).*\n)*)/ ] }
            map { /^(\$ .*\n(?:(?!\$ ).*\n)*)/mg }
            $page =~ /^```console\n(.*?)^```$/msg;

open my $script, '>', "$dir/script" or die "$dir/script: $!";
print $script map { "$_->[0]\nstatus=\$?\necho '\x01'\n(exit \$status)\n" }
                  @steps;
close $script;

my $output = do {
    local $ENV{PATH} = "$dir/bin:$ENV{PATH}";
    `cd $dir/run && sh $dir/script 2>&1`;
};


# What differs from run to run: each made key and its digest, and times.

my %known = map { $_ => 1 }
            'c80165aaea799707797ea9e775eb09e9f9cdfebfa63b05e2fc0c16b5043f81f0';

sub normalize {
    my ($text) = @_;

    $text =~ s/\b([0-9a-f]{64})\b/$known{$1} ? $1 : 'DIGEST'/ge;
    $text =~ s/\b(sk_(?:user_)?)[0-9a-f]{48}\b/$1RANDOM/g;
    $text =~ s/sk_[0-9a-f]{4}\.\.\.[0-9a-f]{4}/MASKED/g;
    $text =~ s/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/TIME/g;
    return $text;
}

my @printed = split /\x01\n/, $output, -1;

cmp_ok(scalar(@steps), '>', 20, 'the page has examples');
is(normalize($printed[$_] // 'nothing'), normalize($steps[$_][1]),
   "it is as written: $steps[$_][0]") for 0 .. $#steps;


# The manual.

my $manual = slurp('docs/sendkit-authctl.1');
is(`man -l --warnings -Tutf8 -Z docs/sendkit-authctl.1 2>&1 > /dev/null`, '',
   'the manual is well-formed') if `sh -c 'command -v man'`;

my ($version) = slurp('CHANGES') =~ /^Changes with (\S+ \S+)/m;
like($manual, qr/^\.Os "\Q$version\E"$/m, 'the manual is of this version');
is_run(authctl([ '--version' ], redis => 0), 0,
       $version =~ s/^\S+/sendkit-authctl/r . "\n", 'and so is the tool');

my $completion = slurp('tools/authctl/sendkit-authctl.bash');
my $help = authctl([ '--help' ], redis => 0)->{stdout};

for my $file (glob 'tools/authctl/authctl*.c') {
    for my $name (slurp($file) =~ /^    \{ "([\w-]+)", (?:no|required)_arg/mg) {
        next if $name eq 'pass';    # refused
        (my $escaped = $name) =~ s/-/(?:\\\\?-)/g;

        like($manual, qr/Fl \\-$escaped\b/, "the manual has --$name of $file");
        like($completion, qr/--$name\b/, 'and the completion');
        like($help, qr/--$name\b/, 'and the help')
            if $file =~ /authctl_options/;
    }

    for my $name (slurp($file) =~ /^    \{ "(\w+)", authctl_\w+ \},/mg) {
        like($manual, qr/^\.It Cm (?:key |role )?$name\b/m,
             "the manual has \"$name\"");
        like($completion, qr/\b$name\b/, 'and the completion');
        like($help, qr/^  (?:key |role )?$name /m, 'and the help');
    }
}


# Completion, as bash calls it.

sub completes {
    my ($line, @expected) = @_;

    my @words = split / /, $line, -1;
    my $n = $#words;
    my $words = join ' ', map { "'$_'" } @words;
    my $got = `bash -c '. tools/authctl/sendkit-authctl.bash
        COMP_WORDS=(@{[ join ' ', map { qq("$_") } @words ]}); COMP_CWORD=$n
        _sendkit_authctl; echo "\${COMPREPLY[*]}"'`;
    is_deeply([ sort split ' ', $got ], [ sort @expected ],
              "completion after \"$line\"");
}

SKIP: {
    skip 'no bash', 1 if !`sh -c 'command -v bash'`;

    completes('sendkit-authctl ex', qw( export explain ));
    completes('sendkit-authctl --js', '--json');
    completes('sendkit-authctl -s /x --json key ',
              qw( add show status revoke list ));
    completes('sendkit-authctl -h key ro', 'role');
    completes('sendkit-authctl key add --g', '--generate');
    completes('sendkit-authctl key revoke -', qw( --digest --workspace ));
    completes('sendkit-authctl role set w1 u1 ', qw( owner admin member ));
    completes('sendkit-authctl import --format ', qw( csv ndjson ));
    completes('sendkit-authctl export -', '--csv');
    completes('sendkit-authctl explain P', qw( POST PUT PATCH ));
    completes('sendkit-authctl key show --digest ');
    completes('sendkit-authctl --pepper-file tools/authctl/authctl.',
              qw( tools/authctl/authctl.c tools/authctl/authctl.h ));
}


# The user of the page may do all of it.

my ($rules) = $page =~ /ACL SETUSER operator on '>[^']*' (.*)/;
redis('ACL', 'SETUSER', 'operator', 'on', '>password', 'resetkeys',
      split ' ', $rules =~ tr/'//dr);
redis('FLUSHALL');

my $key = 'sk_user_0123456789abcdef0123456789abcdef';
my $lines = join '', map { "{$_}\n" }
            qq("key":"@{[ 'a' x 64 ]}","type":"platform","user":"u1"),
            qq("key":"@{[ 'b' x 64 ]}","type":"workspace","workspace":"w2",)
            . q("created_at":"2025-06-01T10:30:00.000Z","created_by":"u1"),
            q("workspace":"w2","user":"u1","role":"owner");
redis('HSET', 'sendkit:key:' . 'c' x 64, 'type', 'workspace', 'workspace',
      'w2');
redis('HSET', 'sendkit:workspace-key:w2', 'digest', 'c' x 64, 'created_at',
      '2025-06-01T10:30:00.000Z', 'created_by', 'u1');
redis('HSET', 'sendkit:roles:w2', 'u2', 'owner');
redis('PEXPIRE', 'sendkit:roles:w2', 100_000);

for ([ 0, qw( key add --user u1 ) ], [ 0, qw( key show ) ],
     [ 0, qw( key status locked ) ], [ 0, qw( key list ) ],
     [ 0, qw( key revoke ) ],
     [ 0, qw( key add --generate --workspace w1 --user u1 ) ],
     [ 0, qw( key show --workspace w1 ) ],
     [ 0, qw( key revoke --workspace w1 ) ],
     [ 0, qw( role set w1 u1 owner ) ], [ 0, qw( role list w1 ) ],
     [ 0, qw( check ) ], [ 0, qw( export ) ], [ 0, qw( role unset w1 u1 ) ],
     [ 0, qw( import - ) ],
     [ 1, qw( explain --key - GET /v1/account --routes ),
       'conf/sendkit_v1_routes.conf' ])
{
    my ($status, @words) = @$_;
    my $run = authctl([ '--user', 'operator', @words ],
                      stdin => $words[0] eq 'import' ? $lines : $key,
                      env => { REDISCLI_AUTH => 'password' });
    is($run->{status}, $status, "the user of the page may \"$words[0] "
                                . ($words[1] // '') . '"')
        or diag($run->{stderr});
}
