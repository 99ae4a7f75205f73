# Copyright (C) the ngx_sendkit_auth_module authors
#
# A server that takes a connection, says that it is full and closes it again
# shall not be asked for one more by each request.
#
# Fails when an error counts as the sign of a server that is well, so that
# there is no pause before the next connection (redis->failures in
# ngx_sendkit_auth_redis.c).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate = gate(redis => $fake->address);

is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'there is room');

$fake->on(hmget => close => 1);
is_refused(ask($gate, 'owner', 'w1'), 503, 'store_down', 'the connection ends');

$fake->on(hmget => send => "-ERR max number of clients reached\r\n",
          close => 1);
$fake->mark;
$Upstream->mark;

# Pauses of 25 ms at least, twice as long each time.

my $requests = 200;
my %reasons;

for (1 .. $requests) {
    my $answer = ask($gate, 'owner', 'w1');
    $reasons{"$answer->{status} $answer->{headers}{'x-reason'}"}++;
}

is(join(' ', grep { !/^503 store_/ } keys %reasons), '',
   'a full server is an outage');
is_forwarded_never('while it is full');
my @connects = $fake->events('connect');
cmp_ok(scalar @connects, '<', $requests / 4,
       'most requests did not make it count one client more');

$fake->on('hmget');
recovers($gate, 'there is room again');

ends_well($gate, 'nginx');
