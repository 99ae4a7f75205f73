# Copyright (C) the ngx_sendkit_auth_module authors
#
# What the first worker sends to be told of changes, in this order: who is
# asked to redirect to itself, is subscribed last, and is not trusted before it
# has answered a PING.
#
# Fails when a step of the handshake is left out, when a prefix is, when other
# workers subscribe as well (ngx_sendkit_auth_invalidation_init()), or when the
# cache is used before the first pong (ngx_sendkit_auth_subscribed()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( temp_dir wait_until );
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;

my $password = temp_dir() . '/password';
open my $file, '>', $password or die "$password: $!";
print $file "secret\n";
close $file;


# All that came on that connection.

sub sent {
    my ($fake, $connection) = @_;
    return map { "@$_" } map { @{ $_->{commands} } }
           grep { $_->{connection} == $connection } $fake->events('read');
}


for my $auth ('', 'AUTH gateway secret') {
    my $name = $auth ? 'with a password' : 'without one';
    my $more = $auth ? "sendkit_auth_redis_user gateway;
                        sendkit_auth_redis_password_file $password;" : '';

    my $fake = SendkitAuth::FakeRedis->new->load(@$Seed)
                                      ->on(ping => hold => 1, right => 1);
    my $gate = zone_gate($fake, workers => 2, channel => 'down',
                         more => $more);

    ok(wait_until(sub { $fake->commands('ping') }), "$name - subscribed");
    is(zone($gate)->{channel}, 'down', "$name - not trusted before the pong");
    is(shown($gate, 'owner', 'w1'), '200 bypass', "$name - nor is the cache");
    is(scalar $fake->commands('pttl'), 0, "$name - nothing is to be kept");

    my ($subscribe) = $fake->events('subscribe');
    my $n = $subscribe->{connection};
    my @expected = ($auth || (), 'CLIENT ID',
        "CLIENT TRACKING ON BCAST REDIRECT $n PREFIX sendkit:key: "
        . 'PREFIX sendkit:roles: PREFIX sendkit:no-key: '
        . 'PREFIX sendkit:no-role:',
        'SUBSCRIBE __redis__:invalidate', 'PING');

    is(join("\n", sent($fake, $n)), join("\n", @expected),
       "$name - what was sent, in this order");

    $fake->release(1)->on('ping');
    waits_for($gate, channel => 'up');

    for my $worker ($gate->workers) {
        my $client = client_of($gate, $worker);
        $client->send(request_of('owner', 'w1'))->answer;
        my $answer = $client->send(request_of('owner', 'w1'))->answer;
        is(shown_of($answer), '200 hit', "$name - a hit for a worker");
        $client->close;
    }

    is(scalar $fake->events('subscribe'), 1, "$name - one subscriber");
    ends_well($gate, $name);
}

run_tests();

__DATA__
