# Copyright (C) the ngx_sendkit_auth_module authors
#
# A question that is never answered, or that nobody comes to ask, does not keep
# a key from being asked for.
#
# Fails when the flight waits for its answer without end (the timer of
# ngx_sendkit_auth_flight_ask()), or when one is to ask who does not wait any
# more (ngx_sendkit_auth_preaccess_handler()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Process qw( connections_to );
use SendkitAuth::Seed;

use IO::Socket::INET ();

# A backend for a post_action, which never answers.

my $never = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1')
    or die "cannot listen: $!";

my $origin = origin();
my %locations = (location => <<"END");
        location /leaves/ {
            sendkit_auth        on;
            sendkit_auth_route  * "/**" keys=any roles=any workspace=header;
            proxy_pass          http://backend;
            post_action         \@slow;
        }

        location \@slow {
            proxy_pass          http://127.0.0.1:@{[ $never->sockport ]};
            proxy_read_timeout  30s;
        }
END
my $gate = gate($origin->gate(%locations,
                              timeout => $Slow ? '1s' : '200ms'));



# It has a connection, which nobody reads from.

fresh($origin);
$origin->stop;
is_refused(ask($gate, 'owner', 'w1'), 503, 'store_timeout', 'the first');

my %seen;
ok(wait_until(sub {
    $seen{ask($gate, 'owner', 'w1')->{status}}++;
    return connections_to($origin->port) >= 2;
}, 30), 'it is asked for once more');
is("@{[ keys %seen ]}", '503', 'until then it is an outage');

$origin->cont;
recovers($gate, 'the origin answers again');

# The request that asks leaves, and so does the next one, for a post_action.

ends_well($gate, 'a question that is given up');
$gate = gate($origin->gate(%locations, timeout => $Slow ? '10s' : '3s'));
fresh($origin);
$origin->stop;

my @clients = map { SendkitAuth::Wire->new($gate->port) } 0 .. 2;
my @paths = ('/v1/a', '/leaves/a', '/v1/a');

for my $i (0 .. 2) {
    $clients[$i]->send(request_of('admin', undef,
        [ 'GET', $paths[$i], 'X-Workspace-Id: w1' ]));
    ok(wait_until(sub { waiting($gate) >= $i + 1 }), "client $i waits");
}

$clients[1]->close;
ok(wait_until(sub { connections_to($never->sockport) == 1 }),
   'one has left for its post_action');
$clients[0]->close;
ok(wait_until(sub { waiting($gate) <= 2 }), 'the one that asks has left');
$origin->cont;
is_allowed($clients[2]->answer, 'admin', 'w1', 'the third asks');
$never->close;

ends_well($gate, 'requests that leave');
run_tests();

__DATA__
