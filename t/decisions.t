# Copyright (C) the ngx_sendkit_auth_module authors
#
# The decision table of docs/decisions.md over HTTP/1.1, row by row: each row
# refuses one request and lets its neighbour through, on the same worker.
#
# Fails when sendkit_decision() loses a row, gives it another reason, or asks
# in another order; when sendkit_error_status() maps a reason to another
# status; when a denial reaches the backend, or what is forwarded does not
# carry exactly the identity that was looked up.

use SendkitAuth;
use SendkitAuth::Seed;

our $Config = "add_header X-Reason \$sendkit_auth_reason always;\n$Guarded";

our %Error = (
    400 => '{"error":"Bad Request",'
           . '"message":"The request is not valid","code":400}',
    401 => '{"error":"Unauthorized",'
           . '"message":"A valid API key is required","code":401}',
    403 => '{"error":"Forbidden",'
           . '"message":"You don\'t have permission to access this resource",'
           . '"code":403}',
    404 => '{"error":"Not Found",'
           . '"message":"The requested resource was not found","code":404}',
    405 => '{"error":"Method Not Allowed",'
           . '"message":"The method is not allowed for this resource",'
           . '"code":405}',
    503 => '{"error":"Service Unavailable",'
           . '"message":"The service is temporarily unavailable",'
           . '"code":503}',
);

# A section of this file: what happens to Redis when the first answer is in.

Test::Nginx::Socket::add_response_body_check(sub {
    my ($block, undef, $request) = @_;

    my $what = $block->redis_after_first // return;
    return if $request != 0;

    redis_server()->stop if $what eq 'stopped';
    redis_server()->kill9 if $what eq 'killed';
});

Test::Nginx::Socket::add_test_cleanup_handler(sub {
    my ($block) = @_;

    my $what = $block->redis_after_first // return;
    redis_server()->cont if $what eq 'stopped';
    redis_server()->start if $what eq 'killed';
});

run_tests();

__DATA__

=== TEST 1: row 1: a path that is not in its normal form is refused
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/%61ccount", "GET /v1/account", "GET /v1/%61ccount" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 400, 200, 400 ]
--- response_headers eval
[ "X-Reason: bad_path", "X-Reason: allowed", "X-Reason: bad_path" ]
--- response_body eval
[ $::Error{400}, qr{"uri":"/v1/account"}, $::Error{400} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: (?i)api-key



=== TEST 2: row 2: a preflight is forwarded without identity, what is none is not
--- config eval: "sendkit_auth_preflight on; $::Config"
--- redis eval: $::Seed
--- request eval
[ "OPTIONS /v1/leads", "OPTIONS /v1/leads", "OPTIONS /v1/leads" ]
--- more_headers eval
[ "Origin: https://app.test",
  "Origin: https://app.test\nAccess-Control-Request-Method: POST",
  "Access-Control-Request-Method: POST" ]
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: no_key", "X-Reason: preflight", "X-Reason: no_key" ]
--- response_body eval
[ $::Error{401}, qr/"method":"OPTIONS"/, $::Error{401} ]
--- upstream_requests: 1
--- upstream_identity: none
--- commandstats: none



=== TEST 3: row 2: a preflight is no exception where that is off
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "OPTIONS /v1/leads", "OPTIONS /v1/leads", "OPTIONS /v1/leads" ]
--- more_headers eval
[ map { "Origin: https://app.test\nAccess-Control-Request-Method: POST$_" }
      "", "\nX-Api-Key: $::Key{workspace}", "" ]
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: no_key", "X-Reason: allowed", "X-Reason: no_key" ]
--- response_body eval
[ $::Error{401}, qr/"method":"OPTIONS"/, $::Error{401} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 4: row 3: a path without a route is not found, with or without a key
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/workspaces/w!1", "GET /v1/workspaces/w1",
  "GET /v1/workspaces/w!1" ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}", "X-Api-Key: $::Key{owner}", "" ]
--- error_code eval: [ 404, 200, 404 ]
--- response_headers eval
[ "X-Reason: no_route", "X-Reason: allowed", "X-Reason: no_route" ]
--- response_body eval
[ $::Error{404}, qr{"uri":"/v1/workspaces/w1"}, $::Error{404} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 5: row 4: a method that the route does not list is refused
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "PUT /v1/account", "PATCH /v1/account", "PUT /v1/account" ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}", "X-Api-Key: $::Key{owner}", "" ]
--- error_code eval: [ 405, 200, 405 ]
--- response_headers eval
[ "X-Reason: method\nAllow: GET, HEAD, PATCH", "X-Reason: allowed",
  "X-Reason: method\nAllow: GET, HEAD, PATCH" ]
--- response_body eval
[ $::Error{405}, qr/"method":"PATCH"/, $::Error{405} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 6: row 5: a request without a key is refused
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/account", "GET /v1/account", "GET /v1/account" ]
--- more_headers eval
[ "", "X-Api-Key: $::Key{owner}", "" ]
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: no_key", "X-Reason: allowed", "X-Reason: no_key" ]
--- response_body eval
[ $::Error{401}, qr/"method":"GET"/, $::Error{401} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 7: row 5: two keys are refused, even two good ones
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/account", "GET /v1/account", "GET /v1/account" ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}\nX-Api-Key: $::Key{admin}",
  "X-Api-Key: $::Key{owner}",
  "X-Api-Key: $::Key{owner}\nX-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: duplicate_key", "X-Reason: allowed",
  "X-Reason: duplicate_key" ]
--- response_body eval
[ $::Error{401}, qr/"method":"GET"/, $::Error{401} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 8: row 5: sources of a key that disagree are refused
--- config eval: "sendkit_auth_bearer on; $::Config"
--- redis eval: $::Seed
--- request eval
[ "GET /v1/account", "GET /v1/account", "GET /v1/account" ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}\nAuthorization: Bearer $::Key{admin}",
  "X-Api-Key: $::Key{owner}\nAuthorization: Bearer $::Key{owner}",
  "X-Api-Key: $::Key{admin}\nAuthorization: Bearer $::Key{owner}" ]
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: duplicate_key", "X-Reason: allowed",
  "X-Reason: duplicate_key" ]
--- response_body eval
[ $::Error{401}, qr/"method":"GET"/, $::Error{401} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 9: row 5: a malformed key is refused
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/account", "GET /v1/account", "GET /v1/account" ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}!", "X-Api-Key: $::Key{owner}",
  "X-Api-Key: secret" ]
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: bad_key", "X-Reason: allowed", "X-Reason: bad_key" ]
--- response_body eval
[ $::Error{401}, qr/"method":"GET"/, $::Error{401} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 10: row 6: a workspace key is forbidden on a management route
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval
[ "X-Api-Key: $::Key{workspace}", "X-Api-Key: $::Key{owner}",
  "X-Api-Key: $::Key{workspace}" ]
--- error_code eval: [ 403, 200, 403 ]
--- response_headers eval
[ "X-Reason: key_kind", "X-Reason: allowed", "X-Reason: key_kind" ]
--- response_body eval
[ $::Error{403}, qr/"method":"POST"/, $::Error{403} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 11: row 6: a platform key is forbidden on a route for workspace keys
--- config
    add_header X-Reason $sendkit_auth_reason always;

    location /v1/ {
        sendkit_auth        on;
        sendkit_auth_route  GET /v1/own keys=workspace;
        proxy_pass          http://backend;
    }
--- redis eval: $::Seed
--- request eval
[ "GET /v1/own", "GET /v1/own", "GET /v1/own" ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}", "X-Api-Key: $::Key{workspace}",
  "X-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 403, 200, 403 ]
--- response_headers eval
[ "X-Reason: key_kind", "X-Reason: allowed", "X-Reason: key_kind" ]
--- response_body eval
[ $::Error{403}, qr/"method":"GET"/, $::Error{403} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 12: row 7: an unknown key is refused
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval
[ "X-Api-Key: $::Key{unknown}", "X-Api-Key: $::Key{owner}",
  "X-Api-Key: $::Key{unknown}" ]
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: unknown_key", "X-Reason: allowed", "X-Reason: unknown_key" ]
--- response_body eval
[ $::Error{401}, qr/"method":"POST"/, $::Error{401} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 13: row 7: an expired key is refused
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval
[ "X-Api-Key: $::Key{expired}", "X-Api-Key: $::Key{owner}",
  "X-Api-Key: $::Key{expired}" ]
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: expired_key", "X-Reason: allowed", "X-Reason: expired_key" ]
--- response_body eval
[ $::Error{401}, qr/"method":"POST"/, $::Error{401} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 14: row 7: a key that expires only later is good
--- config eval: $::Config
--- redis eval
[ ::record($::Key{owner}, type => 'platform', user => 'u_owner',
           expires => time + 3600),
  ::record($::Key{admin}, type => 'platform', user => 'u_admin',
           expires => time - 1),
  [ 'HSET', 'sendkit:roles:w1', u_owner => 'owner', u_admin => 'admin' ] ]
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}", "X-Api-Key: $::Key{admin}" ]
--- error_code eval: [ 200, 401 ]
--- response_headers eval
[ "X-Reason: allowed", "X-Reason: expired_key" ]
--- response_body eval: [ qr/"method":"POST"/, $::Error{401} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 15: row 7: a key that is not active is refused
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval
[ "X-Api-Key: $::Key{inactive}", "X-Api-Key: $::Key{owner}",
  "X-Api-Key: $::Key{inactive}" ]
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: inactive_key", "X-Reason: allowed", "X-Reason: inactive_key" ]
--- response_body eval
[ $::Error{401}, qr/"method":"POST"/, $::Error{401} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 16: row 7: "active" is the one status that is good, letter by letter
--- config eval: $::Config
--- redis eval
[ (map { ::record($::Key{$_->[0]}, type => 'platform', user => "u_$_->[0]",
                  status => $_->[1]) }
       [ owner => 'active' ], [ admin => 'Active' ], [ member => '' ]),
  [ 'HSET', 'sendkit:roles:w1', u_owner => 'owner', u_admin => 'admin',
    u_member => 'owner' ] ]
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval
[ "X-Api-Key: $::Key{admin}", "X-Api-Key: $::Key{owner}",
  "X-Api-Key: $::Key{member}" ]
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: inactive_key", "X-Reason: allowed", "X-Reason: inactive_key" ]
--- response_body eval
[ $::Error{401}, qr/"method":"POST"/, $::Error{401} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 17: row 7: a record of another kind than the key's prefix is no record
--- config eval: $::Config
--- redis eval
[ @$::Seed,
  ::record($::Key{unknown}, type => 'workspace', workspace => 'w1',
           user => 'u_owner'),
  ::record($::Key{other}, type => 'platform', user => 'u_owner',
           workspace => 'w1') ]
--- request eval
[ "GET /v1/workspaces/w1", "GET /v1/workspaces/w1", "GET /v1/workspaces/w1" ]
--- more_headers eval
[ "X-Api-Key: $::Key{unknown}", "X-Api-Key: $::Key{workspace}",
  "X-Api-Key: $::Key{other}" ]
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: unknown_key", "X-Reason: allowed", "X-Reason: unknown_key" ]
--- response_body eval
[ $::Error{401}, qr/"method":"GET"/, $::Error{401} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 18: row 8: a platform key must name one workspace in the header
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/leads", "GET /v1/leads", "GET /v1/leads", "GET /v1/leads" ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}",
  "X-Api-Key: $::Key{owner}\nX-Workspace-Id: w1",
  "X-Api-Key: $::Key{owner}\nX-Workspace-Id: w/1",
  "X-Api-Key: $::Key{owner}\nX-Workspace-Id: w1\nX-Workspace-Id: w1" ]
--- error_code eval: [ 400, 200, 400, 400 ]
--- response_headers eval
[ "X-Reason: no_workspace", "X-Reason: allowed", "X-Reason: no_workspace",
  "X-Reason: no_workspace" ]
--- response_body eval
[ $::Error{400}, qr/"method":"GET"/, $::Error{400}, $::Error{400} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 19: row 8 comes after row 7: a bad key is told so first
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/leads", "GET /v1/leads" ]
--- more_headers eval
[ "X-Api-Key: $::Key{expired}", "X-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 401, 400 ]
--- response_headers eval
[ "X-Reason: expired_key", "X-Reason: no_workspace" ]
--- response_body eval: [ $::Error{401}, $::Error{400} ]
--- upstream: none



=== TEST 20: row 9: a workspace key is forbidden in the path of another workspace
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/workspaces/w2", "GET /v1/workspaces/w1", "GET /v1/workspaces/w2" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 403, 200, 403 ]
--- response_headers eval
[ "X-Reason: other_workspace", "X-Reason: allowed",
  "X-Reason: other_workspace" ]
--- response_body eval
[ $::Error{403}, qr{"uri":"/v1/workspaces/w1"}, $::Error{403} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 21: row 9: a workspace key is forbidden to ask for another workspace
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/leads", "GET /v1/leads", "GET /v1/leads" ]
--- more_headers eval
[ "X-Api-Key: $::Key{workspace}\nX-Workspace-Id: w2",
  "X-Api-Key: $::Key{workspace}\nX-Workspace-Id: w1",
  "X-Api-Key: $::Key{workspace}\nX-Workspace-Id: W1" ]
--- error_code eval: [ 403, 200, 403 ]
--- response_headers eval
[ "X-Reason: other_workspace", "X-Reason: allowed",
  "X-Reason: other_workspace" ]
--- response_body eval
[ $::Error{403}, qr/"method":"GET"/, $::Error{403} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 22: row 10: a member is forbidden what owners and admins may
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval
[ "X-Api-Key: $::Key{member}", "X-Api-Key: $::Key{admin}",
  "X-Api-Key: $::Key{member}" ]
--- error_code eval: [ 403, 200, 403 ]
--- response_headers eval
[ "X-Reason: role", "X-Reason: allowed", "X-Reason: role" ]
--- response_body eval
[ $::Error{403}, qr/"method":"POST"/, $::Error{403} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('admin', 'w1')



=== TEST 23: row 10: a user without a role is forbidden
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/workspaces/w1", "GET /v1/workspaces/w2", "GET /v1/workspaces/w1" ]
--- more_headers eval: "X-Api-Key: $::Key{stranger}"
--- error_code eval: [ 403, 200, 403 ]
--- response_headers eval
[ "X-Reason: role", "X-Reason: allowed", "X-Reason: role" ]
--- response_body eval
[ $::Error{403}, qr{"uri":"/v1/workspaces/w2"}, $::Error{403} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('stranger', 'w2')



=== TEST 24: row 10: a word that is no role is none, where any role will do
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/workspaces/w1", "GET /v1/workspaces/w1", "GET /v1/workspaces/w1" ]
--- more_headers eval
[ "X-Api-Key: $::Key{odd}", "X-Api-Key: $::Key{member}",
  "X-Api-Key: $::Key{odd}" ]
--- error_code eval: [ 403, 200, 403 ]
--- response_headers eval
[ "X-Reason: role", "X-Reason: allowed", "X-Reason: role" ]
--- response_body eval
[ $::Error{403}, qr/"method":"GET"/, $::Error{403} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('member', 'w1')



=== TEST 25: row 10: a workspace that does not exist is answered as no role
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/workspaces/nowhere", "GET /v1/workspaces/w1",
  "GET /v1/workspaces/nowhere" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 403, 200, 403 ]
--- response_headers eval
[ "X-Reason: role", "X-Reason: allowed", "X-Reason: role" ]
--- response_body eval
[ $::Error{403}, qr{"uri":"/v1/workspaces/w1"}, $::Error{403} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 26: row 10: a role in the workspace of the header counts
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/leads", "GET /v1/leads", "GET /v1/leads" ]
--- more_headers eval
[ "X-Api-Key: $::Key{stranger}\nX-Workspace-Id: w1",
  "X-Api-Key: $::Key{stranger}\nX-Workspace-Id: w2",
  "X-Api-Key: $::Key{stranger}\nX-Workspace-Id: w1" ]
--- error_code eval: [ 403, 200, 403 ]
--- response_headers eval
[ "X-Reason: role", "X-Reason: allowed", "X-Reason: role" ]
--- response_body eval
[ $::Error{403}, qr/"method":"GET"/, $::Error{403} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('stranger', 'w2')



=== TEST 27: row 11: a record that makes no sense is an error of the store
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval
[ "X-Api-Key: $::Key{broken}", "X-Api-Key: $::Key{owner}",
  "X-Api-Key: $::Key{broken}" ]
--- error_code eval: [ 503, 200, 503 ]
--- response_headers eval
[ "X-Reason: store_error\nRetry-After: 1", "X-Reason: allowed",
  "X-Reason: store_error\nRetry-After: 1" ]
--- response_body eval
[ $::Error{503}, qr/"method":"POST"/, $::Error{503} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 28: row 11: an error for the key's record is one of the store
--- config eval: $::Config
--- redis eval
[ @$::Seed, [ 'SET', 'sendkit:key:' . ::digest($::Key{unknown}), 'x' ] ]
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval
[ "X-Api-Key: $::Key{unknown}", "X-Api-Key: $::Key{owner}",
  "X-Api-Key: $::Key{unknown}" ]
--- error_code eval: [ 503, 200, 503 ]
--- response_headers eval
[ "X-Reason: store_error\nRetry-After: 1", "X-Reason: allowed",
  "X-Reason: store_error\nRetry-After: 1" ]
--- response_body eval
[ $::Error{503}, qr/"method":"POST"/, $::Error{503} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 29: row 11: an error for the roles is one of the store, and no 403
--- config eval: $::Config
--- redis eval
[ @$::Seed, [ 'SET', 'sendkit:roles:w3', 'owner' ] ]
--- request eval
[ "POST /v1/workspaces/w3/api-key", "POST /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w3/api-key" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 503, 200, 503 ]
--- response_headers eval
[ "X-Reason: store_error\nRetry-After: 1", "X-Reason: allowed",
  "X-Reason: store_error\nRetry-After: 1" ]
--- response_body eval
[ $::Error{503}, qr{"uri":"/v1/workspaces/w1/api-key"}, $::Error{503} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 30: row 11: a store that has gone is not the key's fault
--- config eval: $::Config
--- redis eval: $::Seed
--- redis_after_first: killed
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 200, 503 ]
--- response_headers eval
[ "X-Reason: allowed", "X-Reason: store_down\nRetry-After: 1" ]
--- response_body eval: [ qr/"method":"POST"/, $::Error{503} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 31: row 11: a store that does not answer in time is not the key's fault
--- http_config eval: $::HttpConfig =~ s/(sendkit_auth_timeout) .*/$1 500ms;/r
--- config eval: $::Config
--- redis eval: $::Seed
--- redis_after_first: stopped
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 200, 503 ]
--- response_headers eval
[ "X-Reason: allowed", "X-Reason: store_timeout\nRetry-After: 1" ]
--- response_body eval: [ qr/"method":"POST"/, $::Error{503} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 32: row 11: with the store gone, what needs no store is answered as ever
--- config eval: $::Config
--- redis_server: killed
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval
[ "X-Api-Key: $::Key{workspace}", "X-Api-Key: $::Key{owner}", "" ]
--- error_code eval: [ 403, 503, 401 ]
--- response_headers eval
[ "X-Reason: key_kind", "X-Reason: store_down", "X-Reason: no_key" ]
--- response_body eval
[ $::Error{403}, $::Error{503}, $::Error{401} ]
--- upstream: none



=== TEST 33: row 12: a route that takes any key and no role forwards both kinds
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/workspaces", "GET /v1/workspaces", "POST /v1/workspaces" ]
--- more_headers eval
[ "X-Api-Key: $::Key{stranger}", "X-Api-Key: $::Key{workspace}",
  "X-Api-Key: $::Key{workspace}" ]
--- error_code eval: [ 200, 200, 403 ]
--- response_headers eval
[ "X-Reason: allowed", "X-Reason: allowed", "X-Reason: key_kind" ]
--- response_body eval
[ qr/"X-Sendkit-User-Id":\["u_stranger"\]/,
  qr/"X-Sendkit-Workspace-Id":\["w1"\]/, $::Error{403} ]
--- upstream_requests: 2
