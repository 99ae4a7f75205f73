# Copyright (C) the ngx_sendkit_auth_module authors
#
# When a client leaves while its request waits for Redis, nginx makes the
# internal redirect of a post_action all the same.  What was to be decided
# about the location before is then void: the new one is decided by its own
# routes.
#
# Fails when ngx_sendkit_auth_ctx_revive() does not end the old decision: the
# backend gets the hook by the routes of the location that the client asked
# for, and with the identity of a key that the hook does not take.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);

for my $post_action ('/hook/admin', '@hook') {

    my $hook = 'sendkit_auth on; proxy_pass http://backend; '
               . 'sendkit_auth_route * /hook/admin keys=workspace; '
               . 'sendkit_auth_route * /me keys=workspace;';

    my $gate = gate(redis => $fake->address, location => <<"END");
        location = /me {
            sendkit_auth        on;
            sendkit_auth_route  GET /me keys=any;
            post_action         $post_action;
            proxy_pass          http://backend;
        }
        location /hook/ { $hook }
        location \@hook { $hook }
END

    for my $leaves ('leaves', 'stays') {

        $Upstream->mark;
        $fake->on(hmget => hold => "$post_action $leaves", right => 1);

        my $client = SendkitAuth::Wire->new($gate->port);
        $client->send(request_of('owner', undef, [ 'GET', '/me' ]));
        wait_until(sub { waiting($gate) == 1 }) or die 'it does not wait';

        if ($leaves eq 'leaves') {
            $client->close;
            $gate->wait_for_log(qr/client prematurely closed connection/)
                or die 'nginx did not see the client leave';
        }

        $fake->release("$post_action $leaves");
        $fake->on('hmget');

        is($client->answer->{status}, 200, "who $leaves has an answer")
            if $leaves eq 'stays';

        wait_until(sub { waiting($gate) == 0 }) or die 'it still waits';

        is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
                   "$post_action: the next request is allowed");

        my @expected = $leaves eq 'stays' ? ('/me', '/v1/campaigns')
                                          : '/v1/campaigns';
        is_deeply([ map { $_->{uri} } $Upstream->requests ], \@expected,
                  "$post_action takes no platform key when the client "
                  . $leaves);
    }

    my $allowed = ask($gate, 'workspace', undef, [ 'GET', '/hook/admin' ]);
    is($allowed->{status}, 200, 'the hook takes workspace keys');

    ends_well($gate, "$post_action: nginx");
}
