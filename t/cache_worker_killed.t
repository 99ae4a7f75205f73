# Copyright (C) the ngx_sendkit_auth_module authors
#
# The worker that is told of changes is killed: the others use the cache until
# the lease ends at the latest; its successor subscribes, and forgets what may
# have changed meanwhile.
#
# Fails when the successor vouches for what it finds, though nobody was told
# between the two (ngx_sendkit_auth_subscriber_trust()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Zone;

my ($yes, $no) = ('200 allowed', '403 role');
my $gate = zone_gate(lease => '1s');
my $victim = first_worker($gate);
my %change = ($no => [ 'HDEL', 'sendkit:roles:w1', 'u_owner' ],
              $yes => [ 'HSET', 'sendkit:roles:w1', u_owner => 'member' ]);


for my $round (1 .. 3) {
    for my $verdict ($no, $yes) {
        my $name = "round $round, $verdict";
        my $before = $verdict eq $no ? $yes : $no;
        my ($other) = grep { $_ != $victim } $gate->workers;
        my %seen;

        seen($gate, 'owner', 'w1') for 1 .. 2;

        my $flushes = counters($gate)->{flushes};
        my ($old) = subscribers();

        kill 'KILL', $victim;
        wait_until(sub { !grep { $_ == $old } subscribers() })
            or die 'still subscribed';
        redis(@{ $change{$verdict} });

        my $forgotten = sub {
            $seen{ seen_by($gate, $other, 'owner', 'w1') }++;
            return counters($gate)->{flushes} > $flushes;
        };

        ok(wait_until($forgotten), "$name - all is forgotten");
        is(join(', ', grep { !/^(?:$yes|$no) / } sort keys %seen), '',
           "$name - a decision each time");
        channel_is($gate, 'up', $name);
        like(seen($gate, 'owner', 'w1'), qr/^$verdict \w+, $verdict \w+$/,
             "$name - the change counts");
        like(seen($gate, 'owner', 'w1'),
             qr/^$verdict (hit|negative), $verdict \1$/,
             "$name - the cache is used");

        ($victim) = grep { $_ != $other } $gate->workers;
        ok($victim, "$name - there is a successor");
    }
}

ends_well($gate, 'killed', qr/exited on signal 9/);
