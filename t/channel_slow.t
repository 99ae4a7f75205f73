# Copyright (C) the ngx_sendkit_auth_module authors
#
# A slow channel: messages that wait behind a PING are late, but for no longer
# than the lease; and they count when they come, as does what another worker
# has asked meanwhile.
#
# Fails when ngx_sendkit_auth_cache_channel() does not end with the lease, or
# when a pong vouches for more than what came before it
# (ngx_sendkit_auth_pong()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;
use Time::HiRes ();

my $record = record($Key{owner}, type => 'platform', user => 'u_owner');


sub answered {
    my ($gate, $regex) = @_;
    return wait_until(sub { shown($gate, 'owner', 'w1') =~ $regex });
}


# In time: until the message comes, what was kept is used; then it is not.
# With one PING in 20 seconds, the message does not wait for it.

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate = zone_gate($fake);

ok(answered($gate, qr/^200 hit/), 'in time - a hit');
$fake->publish(hold => 'channel', send => message([ $record->[1] ]));
$fake->load([ 'DEL', $record->[1] ]);
is(shown($gate, 'owner', 'w1'), '200 hit', 'in time - not told yet');

$fake->release('channel');
waits_for($gate, invalidations => 1);
is(shown($gate, 'owner', 'w1'), '401 unknown_key miss', 'in time - told');
is(shown($gate, 'owner', 'w1'), '401 unknown_key negative',
   'in time - and kept');

# Read when the new record was there, told of it later: nothing wrong is kept.

$fake->publish(hold => 'again', send => message([ $record->[1] ]));
$fake->load($record);
is(shown($gate, 'owner', 'w1'), '401 unknown_key negative', 'in time - late');
$fake->release('again');
waits_for($gate, invalidations => 2);
is(shown($gate, 'owner', 'w1'), '200 miss', 'in time - the new record');
is(shown($gate, 'owner', 'w1'), '200 hit', 'in time - and kept');
ends_well($gate, 'in time');

# For longer than the lease: message and pong are both held.

my $lease = 1;
$fake = SendkitAuth::FakeRedis->new->load(@$Seed);
$gate = zone_gate($fake, lease => "${lease}s");
ok(answered($gate, qr/^200 hit/), 'slow - a hit');

$fake->publish(hold => 'slow', send => message([ $record->[1] ]));
my $started = Time::HiRes::time();
$fake->load([ 'DEL', $record->[1] ])->mark;
my $last = $started;

ok(wait_until(sub {
    my $asked = Time::HiRes::time();
    my $shown = shown($gate, 'owner', 'w1');
    $last = $asked if $shown =~ /^200/;
    return $shown !~ /^200/;
}), 'slow - refused');

# The last PING before may have come just before the message.

cmp_ok($last - $started, '<=', $lease, 'slow - no hit after the lease');

ok(wait_until(sub { $fake->events('close') }), 'slow - the channel is closed');
$fake->release('slow');
waits_for($gate, channel => 'up');
ok(answered($gate, qr/^401 unknown_key negative/), 'slow - and works again');
$fake->change($record);
ok(answered($gate, qr/^200 hit/), 'slow - told of changes');

ends_well($gate, 'slow');
run_tests();

__DATA__
