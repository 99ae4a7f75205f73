# Copyright (C) the ngx_sendkit_auth_module authors
#
# A server that takes a connection, says that it is full and closes it again
# shall not be asked for one more by each request.  Nor shall one whose replies
# are of another shape, so that the connection has to be closed.
#
# Fails when such a reply counts as the sign of a server that is well, so that
# there is no pause before the next connection (redis->failures in
# ngx_sendkit_auth_redis.c).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate = gate(redis => $fake->address);

my $requests = 200;

# What the first command of a connection gets.

my %reply = (
    'a full server' => [ send => "-ERR max number of clients reached\r\n",
                         close => 1 ],
    'a server of another kind' => [ send => "+OK\r\n" ],
);

for my $name (sort keys %reply) {

    recovers($gate, "before $name");
    $fake->on(hmget => close => 1);
    is_refused(ask($gate, 'owner', 'w1'), 503, 'store_down',
               "$name: the connection ends");

    $fake->on(hmget => @{ $reply{$name} });
    $fake->mark;
    $Upstream->mark;

    # Pauses of 25 ms at least, twice as long each time.

    my %reasons;

    for (1 .. $requests) {
        my $answer = ask($gate, 'owner', 'w1');
        $reasons{"$answer->{status} $answer->{headers}{'x-reason'}"}++;
    }

    is(join(' ', grep { !/^503 store_/ } keys %reasons), '',
       "$name is an outage");
    is_forwarded_never($name);

    my @connects = $fake->events('connect');
    cmp_ok(scalar @connects, '<', $requests / 4,
           "$name: most requests did not make another connection");

    $fake->on('hmget');
    recovers($gate, "after $name");
}

ends_well($gate, 'nginx');
