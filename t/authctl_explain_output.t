# Copyright (C) the ngx_sendkit_auth_module authors
#
# What "sendkit-authctl explain" prints, and how it ends: the steps up to the
# one that decides and no others, for people and as JSON; 0 for what is
# forwarded, 1 for what is refused, 2 for what was asked wrongly, 3 for Redis.
# A key is in none of it.
#
# Fails when authctl_explain_print() or _print_json() leaves out a step or
# shows one that the gateway does not come to, when authctl_explain_result()
# returns another status, or when an option is taken that makes no sense.

use Test::More 'no_plan';

use SendkitAuth::Authctl;
use SendkitAuth::Process qw( slurp );
use SendkitAuth::Redis;

use Cwd ();

my $routes = Cwd::cwd() . '/conf/sendkit_v1_routes.conf';
my $key = 'sk_user_0123456789abcdef';
my $own = 'sk_0123456789abcdef';
my ($digest, $id) = (digest_of($key), substr digest_of($key), 0, 12);

redis('HSET', "sendkit:key:$digest", 'type', 'platform', 'user', 'u1',
      'expires', '4102444800');
redis('HSET', 'sendkit:key:' . digest_of($own), 'type', 'workspace',
      'workspace', "w\x1b1");
redis('HSET', 'sendkit:roles:w1', 'u1', 'member');
redis('HSET', 'sendkit:roles:w2', 'u1', 'owner');

my %body = (
    401 => '{"error":"Unauthorized","message":"A valid API key is required",'
           . '"code":401}',
    403 => '{"error":"Forbidden","message":"You don\'t have permission to '
           . 'access this resource","code":403}',
    405 => '{"error":"Method Not Allowed","message":"The method is not '
           . 'allowed for this resource","code":405}',
    503 => '{"error":"Service Unavailable","message":"The service is '
           . 'temporarily unavailable","code":503}',
);
my @lines;

open my $in, '<', $routes or die "$routes: $!";
while (<$in>) {
    push @lines, $. if m{"/v1/workspaces/\{workspaceId\}/api-key"}
                       || m{"/v1/\*\*"};
}


sub explain {
    my ($words, %args) = @_;

    my $key = delete $args{key};
    my @options = @{ delete $args{options} // [] };

    return authctl([ @options, 'explain', '--routes', $routes, @$words,
                     defined $key ? ('--key', '-') : () ],
                   stdin => defined $key ? "$key\n" : '', %args);
}


sub is_explained {
    my ($run, $status, $stdout, $stderr, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is("$run->{status}\n$run->{stdout}$run->{stderr}",
       "$status\n$stdout$stderr", $name);
}


my @post = ('POST', '/v1/workspaces/w1/api-key?x=1');
my $steps = <<"END";
request     POST /v1/workspaces/w1/api-key
route       GET, HEAD, POST, DELETE /v1/workspaces/{workspaceId}/api-key keys=platform roles=owner,admin workspace=path
            line $lines[0] of $routes
END
my $known = $steps . <<"END";
key         platform, key id $id
record      sendkit:key:$digest
            type platform, user u1, expires 4102444800
END

is_explained(explain(\@post, key => $key), 1, $known . <<"END", '',
role        sendkit:roles:w1, user u1
            member
decision    403, role: the route does not take the role that the user has in the workspace
body        $body{403}
END
             'a refusal by the role is explained down to the role');

is_explained(explain([ 'POST', '/v1/workspaces/w2/api-key' ], key => $key),
             0, $known =~ s/w1/w2/r . <<'END', '',
role        sendkit:roles:w2, user u1
            owner
decision    forward, allowed: all that the route asks for is there
END
             'what is allowed says so');

is_explained(explain([ 'POST', '/v1/workspaces/w3/api-key' ], key => $key),
             1, $known =~ s/w1/w3/r . <<"END", '',
role        sendkit:roles:w3, user u1
            none
decision    403, role: the route does not take the role that the user has in the workspace
body        $body{403}
END
             'no role is shown as none');

is_explained(explain(\@post, key => $own), 1, $steps . <<"END", '',
key         workspace
decision    403, key_kind: the route does not take this kind of key
body        $body{403}
END
             'a key of the wrong kind is not looked up');

is_explained(explain(\@post), 1, $steps . <<"END", '',
key         none
decision    401, no_key: there is no X-Api-Key
body        $body{401}
END
             'without a key no Redis is needed');

is_explained(explain([ 'PUT', '/v1/account' ], redis => 0), 1, <<"END", '',
request     PUT /v1/account
route       none for this method, but /v1/account
decision    405, method: the template that matches does not list the method
allow       GET, HEAD, PATCH
body        $body{405}
END
             'for another method the template is shown');

is_explained(explain([ 'OPTIONS', '/v1/x', '--preflight' ]), 0, <<'END', '',
request     OPTIONS /v1/x
decision    forward, preflight: a CORS preflight needs no key
END
             'a preflight has no route');

is_explained(explain([ 'get', "/v1/\x1b[1m" ]), 1, <<'END', '',
request     get /v1/\x1b[1m
decision    400, by nginx: the gateway does not see such a method
END
             'what nginx refuses is said to be refused by nginx');

is_explained(explain([ 'GET', '/v1/leads' ], key => $own), 3, <<"END",
request     GET /v1/leads
route       * /v1/** keys=any roles=any workspace=header
            line $lines[1] of $routes
key         workspace, key id @{[ substr digest_of($own), 0, 12 ]}
record      sendkit:key:@{[ digest_of($own) ]}
            type workspace, workspace w\\x1b1
decision    503, store_error: Redis sent an error, or has a record that is malformed
body        $body{503}
END
             "sendkit-authctl: what Redis has sent is of no use to the gateway\n",
             'a malformed record is shown, and no terminal obeys it');

my $run = authctl([ '-s', '/nonexistent', 'explain', '--routes', $routes,
                    @post, '--key', '-' ], redis => 0, stdin => $key);
is("$run->{status}\n$run->{stdout}", "3\n$steps" . <<"END",
key         platform, key id $id
record      sendkit:key:$digest
            not known
decision    503, store_down: Redis did not answer
body        $body{503}
END
   'where Redis is not reached, it is said how far it came');
like($run->{stderr}, qr/^sendkit-authctl: cannot connect: .*\n\z/,
     'and why, once');


# As JSON, with the same steps.

($run) = json_of(explain(\@post, key => $key, options => [ '--json' ]));
is_deeply($run, {
    method => 'POST', path => '/v1/workspaces/w1/api-key',
    canonical => JSON::PP::true, preflight => JSON::PP::false,
    route => { methods => 'GET, HEAD, POST, DELETE',
               template => '/v1/workspaces/{workspaceId}/api-key',
               keys => 'platform', roles => 'owner,admin',
               workspace => 'path', file => $routes, line => $lines[0] },
    key => { type => 'platform', key_id => $id, digest => $digest },
    lookups => [
        { name => "sendkit:key:$digest", known => JSON::PP::true,
          record => { type => 'platform', user => 'u1',
                      expires => '4102444800' } },
        { name => 'sendkit:roles:w1', known => JSON::PP::true, user => 'u1',
          role => 'member' } ],
    decision => { forward => JSON::PP::false, status => 403, reason => 'role',
                  allow => undef, body => $body{403} },
}, 'all steps are one JSON object');

($run) = json_of(explain([ 'TRACE', '/' ], options => [ '--json' ]));
is_deeply($run, {
    method => 'TRACE', path => '/', canonical => JSON::PP::false,
    preflight => JSON::PP::false, route => undef, key => undef,
    lookups => [], decision => { forward => JSON::PP::false, status => 405,
                                 reason => undef, allow => undef,
                                 body => undef },
}, 'steps that were not taken are null');

($run) = json_of(explain([ 'GET', '/v2', '--error-format', 'envelope' ],
                         options => [ '--json' ]));
is($run->{decision}{body},
   '{"success":false,"error":{"code":"NOT_FOUND","message":"The requested '
   . 'resource was not found"}}', 'the body has the form that is asked for');


# A name need not be UTF-8.

my $odd = file_of(slurp($routes));
rename $odd, "$odd\xff" or die "$odd: $!";
($run) = json_of(authctl([ '--json', 'explain', '--routes', "$odd\xff", 'GET',
                           '/v1/account' ]));
is($run->{route}{file}, "$odd\\xff", 'of a file any name can be shown');


# What was asked wrongly.

my $bad = file_of("sendkit_auth_route GET /a;\n\nlocation / { }\n");

for ([ [ 'explain', '--routes', $bad, 'GET', '/' ],
       qr/\Q$bad:3: "location" is not "sendkit_auth_route"\E.*/,
       'a file with something else than routes is refused' ],
     [ [ 'explain', '--routes', "$bad.", 'GET', '/' ],
       qr/cannot open "\Q$bad.": No such file or directory\E/,
       'a file that there is not is refused' ],
     [ [ 'explain', '--routes', $routes, 'GET', '/', '--key', $key ],
       qr/a key is read from stdin only: "--key -"/,
       'a key as an argument is refused and not repeated' ],
     [ [ 'explain', '--routes', $routes, 'GET', '/', '--key', '-' ],
       qr/no key on stdin/, 'an empty stdin is refused' ],
     [ [ 'explain', '--routes', $routes, 'GET' ],
       qr/.*argument.*/, 'a path must be given' ],
     [ [ 'explain', '--routes', $routes, 'GET', '/', '/' ],
       qr/.*argument.*/, 'only one path can be given' ],
     [ [ 'explain', '--routes', $routes, 'GET', '/', '--error-format',
         'x' ],
       qr/"--error-format" takes "flat" or "envelope"/,
       'an unknown form of errors is refused' ],
     [ [ 'explain', '--routes', $routes, 'GET', '/', '--keys' ],
       qr/.*--keys.*/, 'an unknown option is refused' ])
{
    my ($words, $why, $name) = @$_;
    my $run = authctl($words);

    is_run($run, 2, '', $name);
    like($run->{stderr}, qr/^sendkit-authctl: $why\n\z/,
         "$name, and it says why");
}


# The canary.

for my $options ([], [ '--json' ]) {
    for my $words (\@post, [ 'GET', '/v1/leads', '--key', '-' ],
                   [ 'GET', '/v1/leads' ])
    {
        my $run = explain($words, key => "$key-canary",
                          options => $options);

        unlike($run->{stdout} . $run->{stderr}, qr/canary/,
               "the key is nowhere in what \"@$options explain @$words\" says");
    }
}
