# Copyright (C) the ngx_sendkit_auth_module authors
#
# The method on the request line is the one that is decided, and no header
# can change it for the backend.
#
# Fails when sendkit_route_method() reads a method without regard to case or
# by its beginning, when HEAD is not GET, when an unlisted method is let
# through a route that lists methods, or when a method-override header goes
# upstream.

use SendkitAuth;
use SendkitAuth::Seed;

our $Forbidden = '{"error":"Forbidden","message":"You don\'t have permission'
                 . ' to access this resource","code":403}';
our $NotAllowed = '{"error":"Method Not Allowed",'
                  . '"message":"The method is not allowed for this resource",'
                  . '"code":405}';
our $Unauthorized = '{"error":"Unauthorized",'
                    . '"message":"A valid API key is required","code":401}';

our @Overrides = qw( X-HTTP-Method X-HTTP-Method-Override X-Method-Override
                     X-Original-URL X-Rewrite-URL );

run_tests();

__DATA__

=== TEST 1: an unknown method is refused where the route lists methods
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "$_ /v1/account" } qw( FOO GETX GE PATCHES PROPFIND PURGE A-B GET ) ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (405) x 7, 200 ]
--- response_headers eval: [ ("Allow: GET, HEAD, PATCH") x 7, "" ]
--- response_body eval: [ ($::NotAllowed) x 7, qr/"method":"GET"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 2: an unknown method is forwarded where the route takes all
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ "PURGE /v1/leads", "PURGE /v1/leads" ]
--- more_headers eval: [ "", "X-Api-Key: $::Key{workspace}" ]
--- error_code eval: [ 401, 200 ]
--- response_body eval: [ $::Unauthorized, qr/"method":"PURGE"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 3: a method in lower case is refused by nginx
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "$_ /v1/leads" } qw( get Get gET post options GET ) ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ (400) x 5, 200 ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 4: HEAD is decided as GET, and forwarded as HEAD
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "HEAD /v1/workspaces/w1/api-key/rotate", "HEAD /v1/workspaces/w2",
  "HEAD /v1/workspaces/w1" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 405, 403, 200 ]
--- response_body eval: [ "", "", "" ]
--- upstream_requests: 1
--- upstream_like: ^HEAD /v1/workspaces/w1 HTTP/
--- upstream_identity eval: ::identity('workspace')



=== TEST 5: OPTIONS that is no preflight is a method as any other
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "OPTIONS /v1/account", "OPTIONS /v1/leads", "OPTIONS /v1/leads" ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}", "", "X-Api-Key: $::Key{workspace}" ]
--- error_code eval: [ 405, 401, 200 ]
--- response_body eval
[ $::NotAllowed, $::Unauthorized, qr/"method":"OPTIONS"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 6: each listed method goes to its own route
--- config
    location /v1/ {
        sendkit_auth        on;
        sendkit_auth_route  GET    /v1/x keys=any;
        sendkit_auth_route  POST   /v1/x keys=platform;
        sendkit_auth_route  PUT    /v1/x keys=workspace;
        sendkit_auth_route  PATCH  /v1/x keys=platform;
        sendkit_auth_route  DELETE /v1/x keys=workspace;
        proxy_pass          http://backend;
    }
--- redis eval: $::Seed
--- request eval
[ map { "$_ /v1/x" } qw( GET HEAD POST PUT PATCH DELETE OPTIONS ) ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 200, 200, 403, 200, 403, 200, 405 ]
--- response_headers eval
[ ("") x 6, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE" ]
--- response_body eval
[ qr/"GET"/, "", $::Forbidden, qr/"PUT"/, $::Forbidden, qr/"DELETE"/,
  $::NotAllowed ]
--- upstream_requests: 4
--- upstream_identity eval: ::identity('workspace')



=== TEST 7: a wildcard opens no method that the specific route does not list
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "PATCH /v1/workspaces/w1/api-key", "PUT /v1/workspaces/w1/api-key",
  "DELETE /v1/workspaces/w1/api-key" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 405, 405, 200 ]
--- response_headers eval: [ ("Allow: GET, HEAD, POST, DELETE") x 2, "" ]
--- response_body eval
[ $::NotAllowed, $::NotAllowed, qr/"method":"DELETE"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 8: TRACE and CONNECT do not reach the backend
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "TRACE /v1/leads", "CONNECT /v1/leads", "CONNECT localhost:80",
  "GET /v1/leads" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code_like eval: [ '^405$', '^40[05]$', '^40[05]$', '^200$' ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 9: a method in a header or in the query is not the one that is decided
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "DELETE /v1/workspaces/w1?_method=GET", "GET /v1/workspaces/w1" ]
--- more_headers eval
[ "X-Api-Key: $::Key{admin}\n" . CORE::join("\n", map { "$_: GET" } @::Overrides),
  "X-Api-Key: $::Key{admin}\n"
  . CORE::join("\n", map { "$_: DELETE" } @::Overrides) ]
--- error_code eval: [ 403, 200 ]
--- response_body eval: [ $::Forbidden, qr/"method":"GET"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('admin', 'w1')
--- upstream_unlike: (?i)override|x-http-method|original-url|rewrite-url|DELETE



=== TEST 10: headers that override the method or the path do not go upstream
--- config eval: "underscores_in_headers on; $::Guarded"
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval
CORE::join "\n", "X-Api-Key: $::Key{owner}",
     map { my $n = $_; my $u = $n =~ tr/-/_/r;
           ("$n: canary", lc($n) . ': canary', uc($n) . ': canary',
            "$u: canary", lc($u) . ': canary') } @::Overrides
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: canary



=== TEST 11: the body goes upstream whole, whatever the method
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "$_ /v1/leads\n" . 'x' x 5000 } qw( POST PUT PATCH DELETE GET FOO ) ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ (200) x 6 ]
--- response_body eval: [ (qr/"body_bytes":5000,/) x 6 ]
--- upstream_requests: 6
--- upstream_identity eval: ::identity('workspace')
