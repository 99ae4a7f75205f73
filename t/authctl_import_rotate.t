# Copyright (C) the ngx_sendkit_auth_module authors
#
# When a file names another key as the workspace's own, the one so far dies in
# the same step, so that "sendkit-authctl check" finds nothing afterwards.
#
# Fails when authctl_batch_named_script does not delete KEYS[2], when it deletes
# a record that is not of this workspace, when it does not compare the old
# digest, when it deletes before it is sure that it may write, or when
# authctl_batch_confirm() goes on behind an entry that was not written.

use strict;
use warnings;

use Test::More 'no_plan';

use SendkitAuth::Authctl;
use SendkitAuth::FakeRedis;
use SendkitAuth::Redis;

my @digests = map { digest_of($_) } 0 .. 9;


# The line of a key that is a workspace's own.

sub own {
    my ($n, $workspace, %more) = @_;
    my $more = join '', map { qq(,"$_":"$more{$_}") } sort keys %more;

    return qq({"key":"$digests[$n]","type":"workspace","workspace":)
           . qq("$workspace","created_at":"2025-06-01T10:30:00.000Z",)
           . qq("created_by":"u1"$more}\n);
}


sub is_imported {
    my ($lines, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $n = () = $lines =~ /\n/g;
    is_run(authctl([ 'import', '-' ], stdin => $lines), 0,
           "$n keys, 0 roles, 0 bad lines: $n written\n", $name);
}


# Which records there are, and which of them the workspaces name.

sub is_held {
    my ($records, $named, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my %number = map { $digests[$_] => $_ } 0 .. $#digests;
    is_deeply([ sort map { $number{s/.*://r} }
                         @{ redis('KEYS', 'sendkit:key:*') } ],
              $records, $name);
    is_deeply({ map { s/.*://r => $number{redis('HGET', $_, 'digest')} }
                    @{ redis('KEYS', 'sendkit:workspace-key:*') } },
              $named, 'and so the workspaces say');
    is_run(authctl([ 'check' ]), 0, qr/^no problem/, 'there is no mistake');
}


is_imported(own(0, 'w1') . own(1, 'w2'), 'two workspaces get a key');
is_held([ 0, 1 ], { w1 => 0, w2 => 1 }, 'both are there');

is_imported(own(2, 'w1'), 'one of them gets another');
is_held([ 1, 2 ], { w1 => 2, w2 => 1 }, 'the older one is dead');

is_imported(own(2, 'w1', status => 'locked', masked => 'sk_a1b2...e3f4'),
            'it gets the same once more');
is_held([ 1, 2 ], { w1 => 2, w2 => 1 }, 'that one lives');
is_deeply({ @{ redis('HGETALL', "sendkit:key:$digests[2]") } },
          { type => 'workspace', workspace => 'w1', status => 'locked' },
          'with what is new');

is_imported(own(2, 'w1'), 'without that');
is_deeply({ @{ redis('HGETALL', "sendkit:key:$digests[2]") } },
          { type => 'workspace', workspace => 'w1' }, 'it is as before');
is(redis('HEXISTS', 'sendkit:workspace-key:w1', 'masked'), 0,
   'with no field of an older line');


# Within one file, the last line counts.

is_imported(join('', map { own($_, 'w1') } 3, 4, 3, 5, 6, 5),
            'a file has one workspace many times');
is_held([ 1, 5 ], { w1 => 5, w2 => 1 }, 'only its last key lives');

is_imported(own(6, 'w1')
            . own(5, 'w1')
            . qq({"key":"$digests[5]","type":"workspace","workspace":"w1",)
            . qq("status":"locked"}\n), 'a file has one key twice');
is(redis('HGET', "sendkit:key:$digests[5]", 'status'), 'locked',
   'its last line counts');
is_held([ 1, 5 ], { w1 => 5, w2 => 1 }, 'the older one is dead');


# What a workspace names is not always its own, or a digest.

redis('HSET', 'sendkit:workspace-key:w1', 'digest', $digests[1]);
is_imported(own(0, 'w1'), 'a workspace named the key of another');
is(redis('EXISTS', "sendkit:key:$digests[1]"), 1, 'which lives');

for my $value ('', 'x', "\0" x 1000) {
    redis('HSET', 'sendkit:workspace-key:w1', 'digest', $value);
    is_imported(own(0, 'w1'), 'a workspace named what is no digest, of '
                              . length($value) . ' bytes');
    is(redis('HGET', 'sendkit:workspace-key:w1', 'digest'), $digests[0],
       'it has a key now');
}

redis('DEL', "sendkit:key:$digests[5]");
is_held([ 0, 1 ], { w1 => 0, w2 => 1 }, 'nothing else has changed');


# It stops where a name holds something else, and nothing is written in part.

redis('DEL', 'sendkit:workspace-key:w1');
redis('SET', 'sendkit:workspace-key:w1', 'x');

my $run = authctl([ 'import', '-' ], stdin => own(3, 'w2') . own(4, 'w1'));
is_run($run, 3, qr/: 1 written$/, 'a name that is no hash ends the import');
like($run->{stderr}, qr/WRONGTYPE.*stopped at line 2 /s, 'at its line');

redis('DEL', 'sendkit:workspace-key:w1');
redis('DEL', "sendkit:key:$digests[0]");
is_held([ 3 ], { w2 => 3 }, 'what is before that line was written');


# A user that may not delete, or not write, a hash.

for my $right ('del', 'hset') {
    redis('ACL', 'SETUSER', 'import', 'on', '>secret', '+@all', '~*',
          "-$right");

    for my $line (own(4, 'w2'), own(3, 'w2', status => 'locked')) {
        is_run(authctl([ '--user', 'import', 'import', '-' ], stdin => $line,
                       env => { REDISCLI_AUTH => 'secret' }), 3,
               qr/: 0 written$/, "a user without $right imports nothing");
        is_held([ 3 ], { w2 => 3 }, 'the key is as before');
        is(redis('HLEN', "sendkit:key:$digests[3]"), 2, 'with its fields');
    }
}


# Somebody else changes it all the time.

my $fake = SendkitAuth::FakeRedis->new;
$fake->on(hget => send => "\$-1\r\n");
$fake->on(eval => send => "+CHANGED\r\n");

$run = authctl([ 'import', '-' ], stdin => own(4, 'w2'), redis => $fake);
is_run($run, 3, qr/: 0 written$/, 'an import ends that never finds the key');
like($run->{stderr}, qr/changed by others.*stopped at line 1 /s,
     'which it says');
