# Copyright (C) the ngx_sendkit_auth_module authors
#
# The worker that is told of changes stops, but stays connected: the others use
# the cache until the lease ends and then ask Redis; when it goes on, the cache
# is used again, with what has changed meanwhile.
#
# Fails when the lease is not looked at (ngx_sendkit_auth_cache_channel()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Zone;

my ($yes, $no) = ('200 allowed', '403 role');
my $gate = zone_gate(lease => '1s');
my ($first, $second) = $gate->workers;

my %change = ($no => [ 'HDEL', 'sendkit:roles:w1', 'u_owner' ],
              $yes => [ 'HSET', 'sendkit:roles:w1', u_owner => 'member' ]);


# Connections to both are made while both run.

seen($gate, 'owner', 'w1');

for my $round (1 .. 2) {
    for my $verdict ($no, $yes) {
        my $name = "round $round, $verdict";
        my $before = $verdict eq $no ? $yes : $no;
        my %seen;

        channel_is($gate, 'up', $name);
        seen_by($gate, $second, 'owner', 'w1') for 1 .. 2;
        stop_worker($first);
        redis(@{ $change{$verdict} });

        my $bypassed = sub {
            my $seen = seen_by($gate, $second, 'owner', 'w1');
            $seen{$seen}++;
            return $seen =~ /bypass/;
        };

        ok(wait_until($bypassed), "$name - the lease ends");
        is(join(', ', grep { !/ (?:hit|negative|miss)$/ } sort keys %seen),
           "$verdict bypass", "$name - then Redis is asked");
        is(join(', ', grep { !/^\Q$before\E / && !/bypass/ } sort keys %seen),
           '', "$name - until then what was so before");
        is(seen_by($gate, $second, 'owner', 'w1'), "$verdict bypass",
           "$name - Redis is asked each time");

        kill 'CONT', $first;
        channel_is($gate, 'up', "$name, goes on");
        is(seen_by($gate, $second, 'owner', 'w1'), "$verdict miss",
           "$name, goes on - what was before is gone");
        like(seen($gate, 'owner', 'w1'),
             qr/^$verdict (hit|negative), $verdict \1$/,
             "$name, goes on - the cache is used");
    }
}

is("@{[ $gate->workers ]}", "$first $second", 'nobody died');
ends_well($gate, 'stopped');
