# Copyright (C) the ngx_sendkit_auth_module authors
#
# A slot is given to another master that is known already, just before nginx is
# reloaded: the old workers have not heard of it, and the new ones know nothing
# else.  What was cached of that slot is forgotten, for the new owner has not
# told of it, and what is new there counts when the lease has ended at the
# latest.
#
# Fails when the number of the masters that is noted with the lease is that of
# their addresses only (ngx_sendkit_auth_redis_masters_id()).

use SendkitAuth;
use SendkitAuth::Cluster;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Zone;

my $cluster = SendkitAuth::Cluster->new->seed;
my $slot = $cluster->slot(key('owner'));
my $from = $cluster->owner($slot);
my ($to) = grep { $_ != $from } $cluster->masters;

my $gate = zone_gate(redis => $cluster->address, workers => 1, lease => '3s');

sub owner { return ask($gate, 'owner', 'w1') }

ok(wait_until(sub { owner()->{headers}{'x-cache'} eq 'hit' }), 'cached');

# The key is not moved with it: the new owner does not have it.

$to->command('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $from->{id});
$to->command('CLUSTER', 'SETSLOT', $slot, 'NODE', $to->{id});

ok(wait_until(sub {
    return !grep { $_->command('CLUSTER', 'NODES')
                   !~ /^$to->{id} .* connected .*\b$slot(?: |$)/m }
                 $cluster->masters;
}), 'all masters know the new owner');

my %old = map { $_ => 1 } $gate->workers;
$gate->reload;
ok(wait_until(sub { !grep { $old{$_} } $gate->workers }), 'the old one is gone');

ok(wait_until(sub { owner()->{status} == 401 }, $Slow ? 30 : 8),
   'what is not there any more is refused');

for my $round (1, 2) {
    is_refused(owner(), 401, 'unknown_key', "the owner, $round");
    is_allowed(ask($gate, 'admin', 'w1'), 'admin', 'w1', "another, $round")
        if $cluster->slot(key('admin')) != $slot;
}

ok(wait_until(sub { ask($gate, 'workspace', 'w1')->{headers}{'x-cache'}
                    eq 'hit' }), 'the cache is used again');
ends_well($gate, 'a slot before a reload');
