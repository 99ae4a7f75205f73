# Copyright (C) the ngx_sendkit_auth_module authors
#
# After a reload with the same configuration the new workers go on with what is
# cached, and none of what changes in Redis meanwhile is missed.
#
# Fails when the zone is made anew (ngx_sendkit_auth_zone_name()), when the
# new subscriber forgets everything though the old one was there until it was
# (ngx_sendkit_auth_subscriber_trust()), or when the old one ends before
# (ngx_sendkit_auth_exiting()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Zone;

use Time::HiRes ();

my ($yes, $no) = ('200 allowed', '403 role');
my $gate = zone_gate();
my %change = ($no => [ 'HDEL', 'sendkit:roles:w1', 'u_owner' ],
              $yes => [ 'HSET', 'sendkit:roles:w1', u_owner => 'member' ]);


sub reload {
    my %old = map { $_ => 1 } $gate->workers;

    $gate->reload;
    return sub { wait_until(sub { !grep { $old{$_} } $gate->workers }, 30)
                     or die "the old workers do not end\n" };
}


# What is known is known at once, to new workers and then without the old ones.

seen($gate, 'owner', 'w1');
is(seen($gate, 'owner', 'w1'), "$yes hit, $yes hit", 'before');

my $flushes = counters($gate)->{flushes};

my $lease = end_of_lease();

asked();

for my $round (1 .. 20) {
    my $is_over = reload();

    my @new = ($gate->workers)[-2, -1];
    is(join(', ', map { seen_by($gate, $_, 'owner', 'w1') } @new),
       "$yes hit, $yes hit", "reload $round - known at once");
    $is_over->();
    is(seen($gate, 'owner', 'w1'), "$yes hit, $yes hit",
       "reload $round - known when it is over");
}

is(asked(), '', 'reloads - Redis was not asked');
is(counters($gate)->{flushes}, $flushes, 'reloads - nothing was forgotten');
ok(wait_until(sub { end_of_lease() > $lease + 1000 }, 30),
   'reloads - the lease was renewed');
is(scalar subscribers(), 1, 'reloads - one connection is told');


# A change while workers old and new are there, and one after that; each of
# them is told, and nothing is flushed.

for my $round (1 .. 5) {
    my $is_over;

    seen($gate, 'owner', 'w1') for 1 .. 2;
    told_of($no, sub { $is_over = reload() });
    $is_over->();
    is(seen($gate, 'owner', 'w1'), "$no miss, $no negative",
       "a change before the old ones end, $round");

    told_of($yes);
    is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit",
       "a change after they have ended, $round");
}

is(counters($gate)->{flushes}, $flushes, 'changes - nothing was flushed');
ends_well($gate, 'reloads');


# In ms; it stays where it is until the new subscriber takes over.

sub end_of_lease {
    return 1000 * Time::HiRes::time() + counters($gate)->{lease_left};
}


sub told_of {
    my ($verdict, $before) = @_;

    my $invalidations = counters($gate)->{invalidations};

    $before->() if $before;
    redis(@{ $change{$verdict} });
    ok(wait_until(sub {
        return counters($gate)->{invalidations} > $invalidations;
    }), "$verdict - is told");
}
