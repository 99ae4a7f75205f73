# Copyright (C) the ngx_sendkit_auth_module authors
#
# While slots move from one master of a cluster to another, requests go on:
# none is refused that may pass, and none passes that may not.  A change is
# told wherever the key is at that moment, and what was lost with its slot is
# not in the cache any more.
#
# Fails when ASK is not followed, or taken for MOVED (core/sendkit_cluster.c,
# ngx_sendkit_auth_redis_is_redirected()), when ASKING is left out, when the
# cache is kept while the map changes (ngx_sendkit_auth_flights_changed()), or
# when what a node without slots says is cached.

use SendkitAuth;
use SendkitAuth::Cluster;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Watch;
use SendkitAuth::Zone;

my $roles = 'sendkit:roles:w1';
my @remove = ('HDEL', $roles, 'u_admin');
my @give = ('HSET', $roles, u_admin => 'admin');

my $cluster = SendkitAuth::Cluster->new->seed;
my $slot = $cluster->slot($roles);

my %gates = (
    plain => gate(redis => $cluster->address),
    cached => zone_gate(redis => $cluster->address, lease => '3s',
                        workers => 1),
);
my %pids = map { $_ => join ' ', $gates{$_}->workers } keys %gates;

my $watch = SendkitAuth::Watch->start(\%gates, qw( owner admin stranger
                                                   unknown workspace ));


# What holds at all times, wherever the keys are.

sub never_wrong {
    my ($name, $from) = @_;

    is_only($watch, qr/^200 /, "$name - $_ is allowed", from => $from,
            who => $_) for 'owner', 'workspace';
    is_only($watch, qr/^403 role /, "$name - the stranger is not",
            from => $from, who => 'stranger');
    is_only($watch, qr/^401 unknown_key /, "$name - nor is who is not known",
            from => $from, who => 'unknown');
}


# The node that has the keys now, and how it is told.

sub changes {
    my ($name, $change) = @_;

    my $from = $watch->mark;
    $change->(@remove);
    my $since = is_soon($watch, qr/^403 role /, 2, "$name - a role is lost",
                        from => $from, who => 'admin');

    $watch->again;
    is_only($watch, qr/^403 role /, "$name - and not given back",
            from => $since, who => 'admin');

    $from = $watch->mark;
    $change->(@give);
    is_soon($watch, qr/^200 /, 2, "$name - a role is given",
            from => $from, who => 'admin');
}


sub is_cached {
    my ($name) = @_;
    ok($watch->until(qr/^200 allowed hit/, from => $watch->mark,
                     gate => 'cached', who => 'admin'),
       "$name - the cache is used");
}


sub other_than {
    my ($node) = @_;
    return (grep { $_ != $node } $cluster->masters)[0];
}


is_cached('before');

# The roles move to another master, step by step.

{
    my $from = $watch->mark;
    my $source = $cluster->owner($slot);
    my $target = other_than($source);
    my $on_target = sub { $cluster->asking($target, @_) };

    $cluster->begin($slot, $target);
    changes('begun', sub { $source->command(@_) });
    is_cached('begun');

    $cluster->move_keys($slot, $target);
    changes('ASK', $on_target);
    is_cached('ASK');

    $cluster->finish($slot, $target);
    changes('MOVED', sub { $target->command(@_) });
    is_cached('MOVED');
    $cluster->agree;
    never_wrong('step by step', $from);
}

# A key that is none, as long as its slot is on its way, and after that.

{
    my $none = $cluster->slot(key('unknown'));
    my $source = $cluster->owner($none);
    my $target = other_than($source);
    my $from = $watch->mark;

    $cluster->begin($none, $target);
    ok($watch->until(qr/^401/, from => $watch->mark, gate => $_,
                     who => 'unknown'), "a key that is none, ASK, $_")
        for sort keys %gates;
    $cluster->finish($none, $target);
    $cluster->agree;
    never_wrong('a key that is none', $from);
}

# To a node that has no slot yet, as when a cluster grows.

my ($new) = $cluster->replicas;
my $its_master = (grep { $_->port == $new->command('ROLE')->[2] }
                  $cluster->masters)[0];

{
    $cluster->forget($new);
    $cluster->add($new);
    is_cached('a new node');

    my $from = $watch->mark;

    $cluster->begin($slot, $new);
    $cluster->move_keys($slot, $new);

    # For longer than it takes until the map is read again.

    for my $i (1 .. 3) {
        changes("a new node, ASK, $i", sub { $cluster->asking($new, @_) });
        wait_until(sub { $watch->mark > $from + $i }, 5);
    }

    $cluster->finish($slot, $new);
    changes('a new node, MOVED', sub { $new->command(@_) });
    is_cached('a new node, MOVED');
    $cluster->agree;
    never_wrong('a new node', $from);
}

# Many times, and at the same moment the role changes.

{
    my $from = $watch->mark;

    for my $round (1 .. 8) {
        my $change = $round % 2 ? \@remove : \@give;
        my $before = $watch->mark;

        $cluster->move($slot, other_than($cluster->owner($slot)));
        $cluster->command(@$change);
        is_soon($watch, $round % 2 ? qr/^403 role / : qr/^200 /, 2,
                "round $round", from => $watch->mark, who => 'admin');
    }

    $cluster->agree;
    is_cached('many times');
    never_wrong('many times', $from);
}

# The new owner takes the slot without its keys, and Redis 7.0 tells nobody.

{
    my $target = other_than($cluster->owner($slot));

    is_cached('seized');
    $cluster->seize($slot, $target);
    is($target->command('EXISTS', $roles), 0, 'seized - the roles are lost');

    my $from = $watch->mark;
    my $since = is_soon($watch, qr/^403 role /, 2, 'seized - nobody has one',
                        from => $from, who => 'owner');

    $target->command(@$_) for grep { $_->[1] eq $roles } @$Seed;
    is_soon($watch, qr/^200 /, 2, 'seized - and given again',
            from => $since, who => 'owner');
    is_cached('seized');
}

$watch->stop;
is(join(' ', $gates{$_}->workers), $pids{$_}, "$_ - the worker lives")
    for sort keys %gates;
ends_well($gates{$_}, $_) for sort keys %gates;
