# Copyright (C) the ngx_sendkit_auth_module authors
#
# A hundred requests that share one question get the reply to it, also when it
# is an old one, and it is kept for none of those that come after them.
#
# Fails when an entry is stored with the generation of the time when it is
# stored (ngx_sendkit_auth_cache_watch()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate = zone_gate($fake);

$fake->mark->on(hmget => hold => 'reply', right => 1);
my @clients = map {
    SendkitAuth::Wire->new($gate->port)->send(request_of('owner', 'w1'))
} 1 .. 100;

ok(wait_until(sub { waiting($gate) == 100 }), 'a hundred wait');
ok(wait_until(sub { $fake->commands('hmget') == 1 }), 'for one reply');

my $record = record($Key{owner}, type => 'platform', user => 'u_owner');
change($gate, $fake, [ 'DEL', $record->[1] ]);
$fake->on('hmget')->release('reply');

my %shown;
$shown{shown_of($_->answer)}++ for @clients;
is("@{[ %shown ]}", '200 miss 100', 'all of them get it');
$_->close for @clients;

is(shown($gate, 'owner', 'w1'), '401 unknown_key miss',
   'nobody after them does');
is(shown($gate, 'owner', 'w1'), '401 unknown_key negative',
   'and that is kept');

change($gate, $fake, $record);
like(shown($gate, 'owner', 'w1'), qr/^200 /, 'the key is there again');
is(shown($gate, 'owner', 'w1'), '200 hit', 'and is kept');

ends_well($gate, 'waiters');
run_tests();

__DATA__
