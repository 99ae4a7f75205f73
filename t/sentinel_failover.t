# Copyright (C) the ngx_sendkit_auth_module authors
#
# The gateway follows a failover, with and without a cache: two seconds after
# the new master was elected it asks that one, nothing else than 503 is seen of
# it before, and what the old master still has is not believed again, not even
# by worker processes that start later.
#
# Fails when the Sentinels are not asked again while the connection to the old
# master is good (NGX_SENDKIT_AUTH_REDIS_POLL), when what was cached before is
# kept (ngx_sendkit_auth_flights_changed()), when the channel to the old master
# still counts (ngx_sendkit_auth_channels_changed()), or when a lost connection
# is no reason to ask at once.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Sentinel;
use SendkitAuth::Watch;
use SendkitAuth::Zone;

my $roles = 'sendkit:roles:w1';
my $down = qr/^503 store_\w+ /;

my $set = SendkitAuth::Sentinel->new->seed;
my ($a, $b) = $set->nodes;

my %times = $Slow ? (timeout => '2s')
                  : (connect => '200ms', read => '200ms', timeout => '500ms');
my %gates = (
    plain => gate(redis => $set->address, %times),
    cached => zone_gate(redis => $set->address, %times, lease => '2s',
                        workers => 1),
);

my $watch = SendkitAuth::Watch->start(\%gates, qw( owner admin stranger
                                                   unknown ));


# What holds at all times, whoever is the master.

sub never_wrong {
    my ($name, $from) = @_;

    is_only($watch, qr/^200 |$down/, "$name - the owner is allowed, or 503",
            from => $from, who => 'owner');
    is_only($watch, qr/^403 role |$down/, "$name - the stranger is not",
            from => $from, who => 'stranger');
    is_only($watch, qr/^401 unknown_key |$down/, "$name - nor is who is not "
            . 'known', from => $from, who => 'unknown');
}


# The new master knows better than the old one: the admin is none any more.

sub revoke {
    my ($master, $name) = @_;

    my $from = $watch->mark;
    $master->command('HDEL', $roles, 'u_admin');
    my $since = is_soon($watch, qr/^403 role /, 2, "$name - a role is lost",
                        from => $from, who => 'admin');
    is_soon($watch, qr/^200 /, 2, "$name - others are allowed",
            from => $from, who => 'owner');
    return $since;
}


sub give_back {
    my ($master, $since, $name) = @_;

    $watch->again;
    is_only($watch, qr/^403 role |$down/, "$name - and not given back",
            from => $since, who => 'admin');

    my $from = $watch->mark;
    $master->command('HSET', $roles, u_admin => 'admin');
    is_soon($watch, qr/^200 /, 2, "$name - a role is given", from => $from,
            who => 'admin');
    ok($watch->until(qr/^200 allowed hit/, from => $from, gate => 'cached',
                     who => 'admin'), "$name - the cache is used again");
    $watch->again;
    is_only($watch, qr/^200 |^403 role/, "$name - no outage any more",
            from => $from, who => 'admin');
}


# The Sentinels tell a master slowly that it is none any more.

sub demote_after {
    my ($ms) = @_;
    $_->command('SENTINEL', 'DEBUG', 'PUBLISH-PERIOD', $ms / 4)
        for $set->sentinels;
}


ok($watch->until(qr/^200 allowed hit/, gate => 'cached'), 'the cache is used');

# Asked for.  The old master goes on for a while as if nothing had happened.

{
    my $from = $watch->mark;

    demote_after(4000);
    $set->failover;
    my $since = revoke($b, 'asked for');
    is($a->role, 'master', 'asked for - the old one believes that it is one');

    demote_after(1000);
    $set->demoted($a);
    give_back($b, $since, 'asked for');
    never_wrong('asked for', $from);
}

# Killed.  When it is started again it is an empty master for a while.

{
    my $from = $watch->mark;

    $b->kill9;
    $set->elected($a);

    my $since = revoke($a, 'killed');
    demote_after(2000);
    $b->start;
    ok($watch->until(qr/^200 /, from => $watch->mark, gate => $_,
                     who => 'owner'), "killed - and is back, $_")
        for sort keys %gates;
    is($b->role, 'master', 'killed - the old one believes that it is one');
    is($b->command('DBSIZE'), 0, 'killed - and is empty');

    demote_after(1000);
    $set->demoted($b);
    give_back($a, $since, 'killed');
    never_wrong('killed', $from);
}

# Stopped, and not ended: it comes back with all that it knew.

{
    my $from = $watch->mark;

    $a->stop;
    $set->elected($b);

    my $since = revoke($b, 'stopped');
    demote_after(3000);
    $a->cont;
    is($a->role, 'master', 'stopped - the old one believes that it is one');
    is($a->command('HGET', $roles, 'u_admin'), 'admin', 'stopped - and what '
       . 'it knew');

    # Workers that start only now ask for themselves.

    $_->reload for values %gates;
    ok($watch->until(qr/^200 /, from => $watch->mark, gate => $_,
                     who => 'owner'), "stopped - new workers, $_")
        for sort keys %gates;
    is($a->role, 'master', 'stopped - meanwhile');

    demote_after(1000);
    $set->demoted($a);
    give_back($b, $since, 'stopped');
    never_wrong('stopped', $from);
}

# A write that the replica did not get is lost, and not believed any more.

{
    $a->stop;
    $b->command('CLIENT', 'KILL', 'TYPE', 'replica');
    $b->command('HSET', $roles, u_stranger => 'member');

    my $from = $watch->mark;
    is_soon($watch, qr/^200 /, 2, 'a write - is known', from => $from,
            who => 'stranger');
    ok($watch->until(qr/^200 allowed hit/, from => $from, gate => 'cached',
                     who => 'stranger'), 'a write - is cached');

    $b->kill9;
    $a->cont;
    $set->elected($a);

    $from = $watch->mark;
    my $since = is_soon($watch, qr/^403 role /, 2, 'a write - is lost',
                        from => $from, who => 'stranger');
    is_soon($watch, qr/^200 /, 2, 'a write - others are allowed',
            from => $from, who => 'owner');
    ok($watch->until(qr/^200 allowed hit/, from => $since, gate => 'cached',
                     who => 'owner'), 'a write - the cache is used again');
    $watch->again;
    is_only($watch, qr/^403 role |$down/, 'a write - stays lost',
            from => $since, who => 'stranger');
}

$watch->stop;
ends_well($gates{$_}, $_) for sort keys %gates;
