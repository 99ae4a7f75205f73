# Copyright (C) the ngx_sendkit_auth_module authors
#
# The gateway follows a failover in a cluster, with and without a cache: two
# seconds after all nodes know the new master it asks that one.  As long as a
# slot has no master it is 503, and never 401 or 403; what the old master still
# knows when it comes back is not believed.
#
# Fails when a node that does not answer is still asked for the map or for its
# keys (ngx_sendkit_auth_redis_finder_next(), sendkit_cluster_next_node()), when
# what was cached before is kept (ngx_sendkit_auth_flights_changed()), or when
# CLUSTERDOWN is taken for an answer.

use SendkitAuth;
use SendkitAuth::Cluster;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Seed;
use SendkitAuth::Watch;
use SendkitAuth::Zone;

my $roles = 'sendkit:roles:w1';
my $down = qr/^503 store_\w+ /;
my $cluster = SendkitAuth::Cluster->new->seed;

my %times = $Slow ? (timeout => '2s')
                  : (connect => '200ms', read => '200ms', timeout => '500ms');
my %gates = (
    plain => gate(redis => $cluster->address, %times),
    cached => zone_gate(redis => $cluster->address, %times, lease => '2s',
                        workers => 1),
);

my $watch = SendkitAuth::Watch->start(\%gates, qw( owner admin stranger
                                                   unknown workspace ));


# What holds at all times, wherever the keys are.

sub never_wrong {
    my ($name, $from) = @_;

    is_only($watch, qr/^200 |$down/, "$name - $_ is allowed, or 503",
            from => $from, who => $_) for 'owner', 'workspace';
    is_only($watch, qr/^403 role |$down/, "$name - the stranger is not",
            from => $from, who => 'stranger');
    is_only($watch, qr/^401 unknown_key |$down/, "$name - nor is who is not "
            . 'known', from => $from, who => 'unknown');
}


sub revoke {
    my ($name) = @_;

    my $from = $watch->mark;
    $cluster->command('HDEL', $roles, 'u_admin');
    my $since = is_soon($watch, qr/^403 role /, 2, "$name - a role is lost",
                        from => $from, who => 'admin');
    is_soon($watch, qr/^200 /, 2, "$name - $_ is allowed",
            from => $from, who => $_) for 'owner', 'workspace';
    return $since;
}


sub give_back {
    my ($since, $name) = @_;

    $watch->again;
    is_only($watch, qr/^403 role |$down/, "$name - and not given back",
            from => $since, who => 'admin');

    my $from = $watch->mark;
    $cluster->command('HSET', $roles, u_admin => 'admin');
    is_soon($watch, qr/^200 /, 2, "$name - a role is given", from => $from,
            who => 'admin');
    ok($watch->until(qr/^200 allowed hit/, from => $from, gate => 'cached',
                     who => 'admin'), "$name - the cache is used again");
    $watch->again;
    is_only($watch, qr/^200 |^403 role/, "$name - no outage any more",
            from => $from, who => 'admin');
}


ok($watch->until(qr/^200 allowed hit/, gate => 'cached'), 'the cache is used');

# Asked for: nobody notices.

{
    my $from = $watch->mark;
    my $old = $cluster->owner($roles);
    my $new = $cluster->failover($old);

    isnt($new->port, $old->port, 'asked for - another master');
    give_back(revoke('asked for'), 'asked for');
    never_wrong('asked for', $from);
    $cluster->agree;
}

# Killed, and started again as a replica.

{
    my $from = $watch->mark;
    my $old = $cluster->owner($roles);
    my $new = $cluster->replica($old);

    $old->kill9;
    ok($watch->until(qr/^503/, from => $from, gate => $_, who => 'owner'),
       "killed - 503, $_") for sort keys %gates;
    $cluster->elected($new);
    my $since = revoke('killed');

    $old->start;
    $cluster->agree;
    is($old->role, 'slave', 'killed - the old one is a replica');
    give_back($since, 'killed');
    never_wrong('killed', $from);
}

# Stopped, and not ended: it comes back with all that it knew.

{
    my $from = $watch->mark;
    my $old = $cluster->owner($roles);
    my $new = $cluster->replica($old);

    $old->stop;
    $cluster->elected($new);
    my $since = revoke('stopped');

    $old->cont;
    $cluster->agree;
    is($old->role, 'slave', 'stopped - the old one is a replica');
    give_back($since, 'stopped');
    never_wrong('stopped', $from);
}

# Two of three masters: those that are left may not elect anybody.

{
    my $from = $watch->mark;
    my $owner = $cluster->owner($roles);
    my ($other, $left) = grep { $_ != $owner } $cluster->masters;

    $cluster->save;
    $_->kill9 for $owner, $other;
    ok(wait_until(sub { $left->command('CLUSTER', 'INFO')
                        =~ /^cluster_state:fail\r$/m }, 20),
       'two masters - the cluster is down');
    my $since = $watch->mark;

    for my $gate (sort keys %gates) {
        ok($watch->until(qr/^503/, from => $since, gate => $gate,
                         who => $_), "two masters - 503, $gate, $_")
            for qw( owner admin stranger unknown workspace );
    }

    # A replica that was elected before the second one was missed would do.

    $_->start for $owner, $other;
    $cluster->agree;
    my $back = $watch->mark;
    is_soon($watch, qr/^200 /, 2, "two masters - they are back, $_",
            from => $back, who => $_) for 'owner', 'workspace';
    give_back(revoke('two masters'), 'two masters');
    never_wrong('two masters', $from);
}

$watch->stop;
ends_well($gates{$_}, $_) for sort keys %gates;
