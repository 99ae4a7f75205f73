# Copyright (C) the ngx_sendkit_auth_module authors
#
# What a refused client gets, byte for byte: the status line, all headers and
# the body, in both formats.  Clients of the API parse these.
#
# Fails when a body of sendkit_error_body() changes, when a header of
# ngx_sendkit_auth_response_headers() is missing, has another value or comes
# with another status, or when anything of the request is repeated.

use SendkitAuth;
use SendkitAuth::Seed;

# The whole head of an answer: these lines after those that nginx begins with.

sub head {
    my ($status, $length, @lines) = @_;

    return "\\AHTTP/1\\.1 $status\r\nServer: nginx[^\r]*\r\n"
           . "Date: [^\r]+\r\nContent-Type: application/json\r\n"
           . "Content-Length: $length\r\nConnection: close\r\n"
           . join('', map { "\Q$_\E\r\n" }
                                'Cache-Control: no-store', @lines)
           . '\z';
}

our @Requests = ('GET /v1/leads', 'GET /v1/leads', 'GET /v1/workspaces/w2',
                 'GET /v1/Account', 'DELETE /v1/account', 'GET /v1/account');

our @Headers = map { $_ ? "X-Api-Key: $Key{$_}" : '' }
                   qw( owner unknown workspace owner owner broken );

our $Challenge = 'WWW-Authenticate: ApiKey realm="sendkit"';

run_tests();

__DATA__

=== TEST 1: flat bodies
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ @::Requests ]
--- more_headers eval: [ @::Headers ]
--- error_code eval: [ 400, 401, 403, 404, 405, 503 ]
--- response_body eval
[ '{"error":"Bad Request",'
  . '"message":"The request is not valid","code":400}',
  '{"error":"Unauthorized",'
  . '"message":"A valid API key is required","code":401}',
  '{"error":"Forbidden","message":"You don\'t have permission to access '
  . 'this resource","code":403}',
  '{"error":"Not Found","message":"The requested resource was not found",'
  . '"code":404}',
  '{"error":"Method Not Allowed","message":"The method is not allowed for '
  . 'this resource","code":405}',
  '{"error":"Service Unavailable","message":"The service is temporarily '
  . 'unavailable","code":503}' ]
--- raw_response_headers_like eval
[ ::head('400 Bad Request', 71),
  ::head('401 Unauthorized', 75, $::Challenge),
  ::head('403 Forbidden', 94), ::head('404 Not Found', 81),
  ::head('405 Not Allowed', 97, 'Allow: GET, HEAD, PATCH'),
  ::head('503 Service Temporarily Unavailable', 93, 'Retry-After: 1') ]
--- upstream: none



=== TEST 2: bodies in an envelope
--- config eval: "sendkit_auth_error_format envelope; $::Guarded"
--- redis eval: $::Seed
--- request eval: [ @::Requests ]
--- more_headers eval: [ @::Headers ]
--- error_code eval: [ 400, 401, 403, 404, 405, 503 ]
--- response_body eval
[ '{"success":false,"error":{"code":"BAD_REQUEST",'
  . '"message":"The request is not valid"}}',
  '{"success":false,"error":{"code":"UNAUTHORIZED",'
  . '"message":"A valid API key is required"}}',
  '{"success":false,"error":{"code":"FORBIDDEN",'
  . '"message":"You don\'t have permission to access this resource"}}',
  '{"success":false,"error":{"code":"NOT_FOUND",'
  . '"message":"The requested resource was not found"}}',
  '{"success":false,"error":{"code":"METHOD_NOT_ALLOWED",'
  . '"message":"The method is not allowed for this resource"}}',
  '{"success":false,"error":{"code":"SERVICE_UNAVAILABLE",'
  . '"message":"The service is temporarily unavailable"}}' ]
--- raw_response_headers_like eval
[ ::head('400 Bad Request', 85),
  ::head('401 Unauthorized', 89, $::Challenge),
  ::head('403 Forbidden', 108), ::head('404 Not Found', 95),
  ::head('405 Not Allowed', 111, 'Allow: GET, HEAD, PATCH'),
  ::head('503 Service Temporarily Unavailable', 107, 'Retry-After: 1') ]
--- upstream: none



=== TEST 3: HEAD gets the head that GET gets, and no body
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { s/^GET/HEAD/r } grep { !/^DELETE/ } @::Requests,
      'GET /v1/workspaces/w1/api-key/rotate' ]
--- more_headers eval
[ @::Headers[ 0 .. 3, 5 ], "X-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 400, 401, 403, 404, 503, 405 ]
--- response_body eval: [ ("") x 6 ]
--- raw_response_headers_like eval
[ ::head('400 Bad Request', 71),
  ::head('401 Unauthorized', 75, $::Challenge),
  ::head('403 Forbidden', 94), ::head('404 Not Found', 81),
  ::head('503 Service Temporarily Unavailable', 93, 'Retry-After: 1'),
  ::head('405 Not Allowed', 97, 'Allow: POST') ]
--- upstream: none



=== TEST 4: HEAD gets no body in an envelope, either
--- config eval: "sendkit_auth_error_format envelope; $::Guarded"
--- redis eval: $::Seed
--- request: HEAD /v1/account
--- error_code: 401
--- response_body eval: ""
--- raw_response_headers_like eval
::head('401 Unauthorized', 89, $::Challenge)
--- upstream: none



=== TEST 5: a 401 names the realm of its location
--- config eval
"sendkit_auth_realm \"the API, v1\";
location /v1/leads {
    sendkit_auth        on;
    sendkit_auth_realm  leads;
    include             $::Top/conf/sendkit_v1_routes.conf;
    proxy_pass          http://backend;
}
$::Guarded"
--- redis eval: $::Seed
--- request eval
[ "GET /v1/account", "GET /v1/leads", "GET /v1/account" ]
--- more_headers eval: [ "", "", "X-Api-Key: $::Key{unknown}" ]
--- error_code eval: [ 401, 401, 401 ]
--- raw_response_headers_like eval
[ map { ::head('401 Unauthorized', 75,
               "WWW-Authenticate: ApiKey realm=\"$_\"") }
      'the API, v1', 'leads', 'the API, v1' ]
--- upstream: none



=== TEST 6: every 401 has the same body and the same headers
--- config eval: "sendkit_auth_bearer on; $::Guarded"
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 7 ]
--- more_headers eval
[ '', "X-Api-Key: $::Key{owner}\nX-Api-Key: $::Key{owner}",
  'X-Api-Key: secret', 'Authorization: Bearer secret',
  map { "X-Api-Key: $::Key{$_}" } qw( unknown expired inactive ) ]
--- error_code eval: [ (401) x 7 ]
--- response_body eval
[ ('{"error":"Unauthorized",'
   . '"message":"A valid API key is required","code":401}') x 7 ]
--- raw_response_headers_like eval
[ (::head('401 Unauthorized', 75, $::Challenge)) x 7 ]
--- upstream: none



=== TEST 7: every 403 has the same body and the same headers
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "POST /v1/workspaces", "GET /v1/workspaces/w2", "GET /v1/workspaces/w2",
  "GET /v1/workspaces/nowhere", "DELETE /v1/workspaces/w1" ]
--- more_headers eval
[ map { "X-Api-Key: $::Key{$_}" } qw( workspace workspace admin owner admin ) ]
--- error_code eval: [ (403) x 5 ]
--- response_body eval
[ ('{"error":"Forbidden","message":"You don\'t have permission to access '
   . 'this resource","code":403}') x 5 ]
--- raw_response_headers_like eval: [ (::head('403 Forbidden', 94)) x 5 ]
--- upstream: none



=== TEST 8: the format is that of the location
--- config eval
"location /v1/leads {
    sendkit_auth               on;
    sendkit_auth_error_format  flat;
    include                    $::Top/conf/sendkit_v1_routes.conf;
    proxy_pass                 http://backend;
}
sendkit_auth_error_format envelope;
$::Guarded"
--- redis eval: $::Seed
--- request eval: [ "GET /v1/leads", "GET /v1/account", "GET /v1/leads" ]
--- error_code eval: [ 401, 401, 401 ]
--- response_body eval
[ qr/\A\{"error":"Unauthorized",/, qr/\A\{"success":false,/,
  qr/\A\{"error":"Unauthorized",/ ]
--- upstream: none



=== TEST 9: nothing of the request is repeated
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "GET /v1/Workspaces/canary?canary", "CANARY /v1/account?canary",
  "GET /v1/canary?canary", "GET /v1/canary;canary?canary",
  "POST /v1/workspaces/canary/members?canary\ncanary" ]
--- more_headers eval
[ ("X-Api-Key: sk_canary-0123456789abcdef\nX-Workspace-Id: canary
Host: canary.test\nOrigin: https://canary.test\nX-Request-Id: canary
Cookie: canary=canary\nReferer: https://canary.test\nX-Sendkit-Role: canary
User-Agent: canary") x 5 ]
--- error_code eval: [ 404, 405, 401, 400, 403 ]
--- response_body eval: [ (qr/\A\{"error":(?!.*canary).*\}\z/s) x 5 ]
--- raw_response_headers_unlike eval: [ ('(?i)canary') x 5 ]
--- upstream: none



=== TEST 10: HTTP/1.0 gets the same answer
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request: GET /v1/account HTTP/1.0
--- error_code: 401
--- response_body eval
'{"error":"Unauthorized",'
. '"message":"A valid API key is required","code":401}'
--- raw_response_headers_like eval
::head('401 Unauthorized', 75, $::Challenge)
--- upstream: none



=== TEST 11: what filters of nginx may do to answers they do to these, too
--- config eval
"gzip on; gzip_min_length 1; gzip_types application/json;
add_header X-Frame-Options DENY always;
expires 1h;
$::Guarded"
--- redis eval: $::Seed
--- request: GET /v1/account
--- error_code: 401
--- response_body eval
'{"error":"Unauthorized",'
. '"message":"A valid API key is required","code":401}'
--- response_headers
X-Frame-Options: DENY
Cache-Control: no-store
! Expires
! Content-Encoding
--- upstream: none
