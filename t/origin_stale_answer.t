# Copyright (C) the ngx_sendkit_auth_module authors
#
# An answer counts for the question that it was given to.  A request whose time
# is over goes on to another location where "report" is set, and asks something
# else there while its first question is still under way.
#
# Fails when an answer is given to whatever the request asks by then: when
# ngx_sendkit_auth_origin_handler() does not compare the question.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Process qw( connections_to );
use SendkitAuth::Seed;

my $origin = origin();
my $gate = gate($origin->gate(
    timeout => $Slow ? '3s' : '500ms',
    location => <<"END"));
        location /report/ {
            sendkit_auth        report;
            sendkit_auth_route  GET "/report/{workspaceId}" keys=any roles=any;
            proxy_pass          http://127.0.0.1:%PORT%/redirect/;
        }

        location /redirect/ {
            add_header  X-Accel-Redirect /v1/workspaces/w2;
            return      204;
        }
END



sub redirected {
    my ($who) = @_;

    fresh($origin);
    $origin->stop;

    my $client = SendkitAuth::Wire->new($gate->port);
    $client->send(SendkitAuth::Wire::head('GET', '/report/w1',
                                          [ "X-Api-Key: $Key{$who}" ]));

    ok(wait_until(sub { connections_to($origin->port) == 2 }),
       "$who - both questions are under way");
    $origin->cont;

    my $answer = $client->answer;
    $client->close;
    is(join(' ', $origin->asked), "$who:w1 $who:w2", "$who - both were asked");
    return $answer;
}


# Admin is admin in w1, and nothing in w2; owner is a member there.

my $answer = redirected('admin');
is_refused($answer, 403, 'role', 'a role in another workspace');
is_forwarded_never('a role in another workspace');

is(redirected('owner')->{status}, 200, 'a role in this one');

is_allowed(ask($gate, 'admin', 'w1'), 'admin', 'w1', 'admin in w1');
is_refused(ask($gate, 'admin', 'w2'), 403, 'role', 'admin in w2');

ends_well($gate, 'answers');
run_tests();

__DATA__
