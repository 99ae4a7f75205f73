# Copyright (C) the ngx_sendkit_auth_module authors
#
# No key that the tool reads, and no password or pepper, is seen anywhere: not
# by Redis, not on stdout or stderr, not in the list of processes, not in its
# environment.  The only key that it prints is one that it has made, once.
#
# Fails when a key is sent to Redis instead of its digest, when a message
# repeats what was read, or when a secret is handed to another program.

use strict;
use warnings;

use Test::More 'no_plan';

use IPC::Open3 ();

use SendkitAuth::Authctl;
use SendkitAuth::Process qw( start_process stop_process temp_dir wait_until
                             slurp );
use SendkitAuth::Redis;

my $canary = 'CanaryThatMustNotSing';
my $key = "sk_user_${canary}_1";
my $own = "sk_${canary}_2";
my $pepper = file_of("pepper-$canary\n");
my $password = "password-$canary";

my $redis = SendkitAuth::Redis->new(args => [ '--requirepass', $password ],
                                    auth => $password);

# All that Redis is told, by anybody; AUTH is not shown.

my $monitor = temp_dir() . '/monitor';
my $pid = start_process([ 'env', "REDISCLI_AUTH=$password", 'redis-cli', '-s',
                          $redis->socket, 'MONITOR' ], $monitor);
wait_until(sub { slurp($monitor) =~ /OK/ });


# Each command, when it does something and when it cannot.

my $said = '';
my @connection = ('-s', $redis->socket, '--password-file',
                  file_of($password));

for my $options ([], [ '--json' ], [ '--pepper-file', $pepper ]) {
    for ([ $key, qw( digest ) ],
         [ $key, qw( key add --user u1 ) ], [ $key, qw( key add --user u1 ) ],
         [ $own, qw( key add --user u1 --workspace w1 ) ],
         [ $own, qw( key add --user u1 --workspace w1 ) ],
         [ $own, qw( key add --user u1 ) ],
         [ $key, qw( key add --user u1 --workspace w1 ) ],
         (map { [ $_, qw( key show ) ] } $key, $own, "$key ", "x$key",
                                         "$key\n$own"),
         [ $own, qw( key show --workspace w1 ) ], [ '', qw( key list ) ],
         [ '', 'export' ], [ '', qw( export --csv ) ], [ '', 'check' ],
         [ $key, qw( key status locked ) ], [ $own, qw( key status x ) ],
         [ $key, qw( key revoke ) ], [ $own, qw( key revoke ) ],
         [ $own, qw( key revoke ) ])
    {
        my ($stdin, @words) = @$_;
        my $run = authctl([ @connection, @$options, @words ], redis => 0,
                          stdin => $stdin);
        $said .= "@words: $run->{status}\n$run->{stdout}$run->{stderr}";
    }
}

# Where it may be passed by mistake.

for ([ 'key', 'show', $key ], [ 'key', 'show', '--digest', $key ],
     [ 'key', 'show', '--workspace', "$key~" ],
     [ qw( key add --user ), "$key/" ],
     [ qw( role set ), "$key/", 'u1', 'owner' ],
     [ qw( role set w1 u1 ), $key ])
{
    $said .= authctl([ @connection, @$_ ], redis => 0)->{stderr};
}

my $made = (json_of(authctl([ @connection, qw( --json key add --generate
                                               --user u1 --workspace w3 ) ],
                            redis => 0)))[0]{api_key};
like($made, qr/^sk_[0-9a-f]{48}$/, 'a key that is made is printed');
$said .= authctl([ @connection, $_, qw( key show --workspace w3 ) ],
                 redis => 0)->{stdout} for '--json', '--prefix=sendkit:';

like($said, qr/^key add --user u1: 0\n.*^key add --user u1: 1$/ms,
     'the commands have done something');
unlike($said, qr/$canary/, 'nothing that was said has a secret');
unlike($said, qr/$made/, 'nor the key that was made');

$redis->command('ECHO', 'end');
wait_until(sub { slurp($monitor) =~ /"end"/ });
stop_process($pid, 'KILL');

my $told = slurp($monitor);
like($told, qr/"EVAL".*"sendkit:key:\Q@{[ digest_of($key) ]}\E"/,
     'Redis was told the digest');
unlike($told, qr/$canary|$made/, 'but no key');


# While it runs: waiting for Redis, the key read.

my $silent = SendkitAuth::Redis->new;
$silent->stop;

my $child = IPC::Open3::open3(my $in, my $out, undef,
                              $SendkitAuth::Authctl::Program, '-s',
                              $silent->socket, 'key', 'show');
print $in "$key\n";
close $in;
wait_until(sub { grep { (readlink // '') =~ /^socket:/ }
                      glob "/proc/$child/fd/*" });
like(slurp("/proc/$child/cmdline"), qr/\0key\0show\0/, 'it is under way');
unlike(slurp("/proc/$child/$_"), qr/$canary/, "no key in its $_")
    for qw( cmdline environ );

$silent->cont;
waitpid $child, 0;
is($? >> 8, 1, 'and it goes on');
