# Copyright (C) the ngx_sendkit_auth_module authors
#
# A channel that dies without a word: what is in the cache is used for no
# longer than the lease after the last PING that was answered. Then the
# server is subscribed to again, and all is forgotten.
#
# Fails when the lease counts from the pong instead of from the PING
# (ngx_sendkit_auth_pong()), when it does not end, when a PING that is not
# answered does not end the channel (ngx_sendkit_auth_channel_ping()), or when
# there is no flush before the cache is used again.

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


# A late pong vouches for the time when its PING was sent.

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed)
    ->on(ping => hold => 'first', right => 1);
my $gate = zone_gate($fake, lease => '30s', channel => 'down');
wait_until(sub { $fake->commands('ping') }) or die 'no PING';
my ($ping) = grep { $_->{commands}[0][0] eq 'PING' } $fake->events('read');
wait_until(sub { Time::HiRes::time() > $ping->{time} + 2 }) or die 'time';
$fake->release('first')->on('ping');
my $zone = waits_for($gate, channel => 'up');
cmp_ok($zone->{lease_left}, '<=', 28_100, 'late - counted from the PING');
ask($gate, 'owner', 'w1');
is(shown($gate, 'owner', 'w1'), '200 hit', 'late - a hit');
ends_well($gate, 'late');

# Never.  The key is deleted, and nobody is told.

my $lease = 1;
$fake = SendkitAuth::FakeRedis->new->load(@$Seed);
$gate = zone_gate($fake, lease => "${lease}s");

for my $round (1 .. 2) {
    my $name = "never, round $round";

    ok(answered($gate, qr/^200 hit/), "$name - a hit");
    my $flushes = zone($gate)->{flushes};

    my ($silent) = reverse $fake->events('subscribe');

    # One more PING is answered, and the next ones are not.

    $fake->mark;
    wait_until(sub { $fake->commands('ping') }) or die 'no PING';
    $fake->on(ping => hold => $name, right => 1);

    my $started = Time::HiRes::time();
    $fake->load([ 'DEL', $record->[1] ]);
    my ($last, $first);

    wait_until(sub {
        my $asked = Time::HiRes::time();
        my $shown = shown($gate, 'owner', 'w1');
        $last = $asked if $shown =~ /^200/;
        $first = $shown;
        return $shown !~ /^200/;
    });

    is($first, '401 unknown_key bypass', "$name - Redis is asked");
    cmp_ok(($last // $started) - $started, '<=', $lease,
           "$name - no hit after the lease");

    ok(wait_until(sub {
        grep { $_->{connection} == $silent->{connection} }
             $fake->events('close')
    }), "$name - the channel is closed");
    ok(wait_until(sub { $fake->events('subscribe') }),
       "$name - and opened again");
    is(zone($gate)->{channel}, 'down', "$name - it is not trusted yet");

    $fake->on('ping')->release($name);
    $zone = waits_for($gate, channel => 'up');
    cmp_ok($zone->{flushes}, '>', $flushes, "$name - all is forgotten");
    ok(answered($gate, qr/^401 unknown_key negative/), "$name - a no");

    $fake->change($record);
    ok(answered($gate, qr/^200 hit/), "$name - a hit again");
}

like($gate->error_log, qr/\[error\].* redis read timed out/, 'the log says it');
ends_well($gate, 'never');
run_tests();

__DATA__
