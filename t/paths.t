# Copyright (C) the ngx_sendkit_auth_module authors
#
# A path that the gateway and a backend could read in two ways is refused
# before its route is looked for: what the gateway has authorized is byte for
# byte what the backend gets.
#
# Fails when sendkit_path_is_canonical() takes one byte more or drops one of
# its rules, when ngx_sendkit_auth_access_is_canonical() compares something
# else than the raw path and r->uri, or when a literal of a route is matched
# without regard to case.

use SendkitAuth;
use SendkitAuth::Seed;

our $BadPath = '{"error":"Bad Request",'
               . '"message":"The request is not valid","code":400}';
our $NotFound = '{"error":"Not Found",'
                . '"message":"The requested resource was not found",'
                . '"code":404}';
our $Forbidden = '{"error":"Forbidden","message":"You don\'t have permission'
                 . ' to access this resource","code":403}';

run_tests();

__DATA__

=== TEST 1: an encoded slash is refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "POST $_" }
      '/v1%2fworkspaces/w1/api-key', '/v1/workspaces/w1%2fapi-key',
      '/v1/workspaces/w1%2Fapi-key', '/v1/workspaces/w1/api-key%2f',
      '/v1/workspaces/w1/api-key%2Frotate', '%2fv1/workspaces/w1/api-key',
      '/v1/workspaces/w1/api-key' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (400) x 6, 200 ]
--- response_body eval
[ ($::BadPath) x 5, qr/400 Bad Request/, qr{"uri":"/v1/workspaces/w1/api-key"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 2: encoded letters, digits and signs are refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "POST $_" }
      '/v1/workspaces/w1/%61pi-key', '/v1/workspaces/w1/api%2dkey',
      '/v1/workspaces/w%31/api-key', '/v1/%57orkspaces/w1/api-key',
      '/%761/workspaces/w1/api-key', '/v1/workspaces/w1/api-key%7e',
      '/v1/workspaces/w1/api-key' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (400) x 6, 200 ]
--- response_body eval
[ ($::BadPath) x 6, qr{"uri":"/v1/workspaces/w1/api-key"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 3: what is encoded twice is refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/leads%252fx', '/v1/leads/%252e%252e/x', '/v1/%2561ccount',
      '/v1/leads%25', '/v1/leads' ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ (400) x 4, 200 ]
--- response_body eval: [ ($::BadPath) x 4, qr{"uri":"/v1/leads"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 4: an escape that is none is refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/leads%', '/v1/leads%2', '/v1/leads%zz', '/v1/leads%u002f',
      '/v1/leads' ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ (400) x 4, 200 ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 5: dot segments are refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/./account', '/v1/x/../account', '/v1/account/.',
      '/v1/account/..', '/v1/account/./', '/v1/account/../account',
      '/v1/../v1/account', '/./v1/account', '/x/../v1/account',
      '/v1/leads/../../v1/account', '/v1/account' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (400) x 10, 200 ]
--- response_body eval: [ ($::BadPath) x 10, qr{"uri":"/v1/account"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 6: encoded dot segments are refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/%2e/account', '/v1/x/%2e%2e/account', '/v1/x/%2E%2E/account',
      '/v1/x/.%2e/account', '/v1/x/%2e./account', '/v1/x/..%2faccount',
      '/v1/x%2f../account', '/v1/x%2f..%2faccount', '/v1/account/%2e%2e',
      '/v1/account/%2e', '/v1/account' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (400) x 10, 200 ]
--- response_body eval: [ ($::BadPath) x 10, qr{"uri":"/v1/account"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 7: three dots, and dots beside letters, are a segment as any other
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/leads/...', '/v1/leads/..', '/v1/leads/.x', '/v1/leads/x..' ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 200, 400, 200, 200 ]
--- response_body eval
[ qr{"uri":"/v1/leads/\.\.\."}, $::BadPath, qr{"uri":"/v1/leads/\.x"},
  qr{"uri":"/v1/leads/x\.\."} ]
--- upstream_requests: 3
--- upstream_identity eval: ::identity('workspace')



=== TEST 8: empty segments are refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1//account', '//v1/account', '/v1///account', '/v1/account//',
      '/v1//', '/v1/account' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (400) x 5, 200 ]
--- response_body eval: [ ($::BadPath) x 5, qr{"uri":"/v1/account"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 9: empty segments are refused where nginx keeps them
--- config eval
"merge_slashes off;
location ~ ^/ {
    sendkit_auth  on;
    include       $::Top/conf/sendkit_v1_routes.conf;
    proxy_pass    http://backend;
}"
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1//account', '//v1/account', '/v1///account', '/v1/account//',
      '/v1//', '/v1/account' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (400) x 5, 200 ]
--- response_body eval: [ ($::BadPath) x 5, qr{"uri":"/v1/account"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 10: path parameters are refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "POST $_" }
      '/v1/workspaces/w1/api-key;x=1', '/v1/workspaces/w1;x/api-key',
      '/v1/workspaces/w1/;/api-key', '/v1/workspaces/w1/..;/api-key',
      '/v1/workspaces/w1/api-key%3bx', '/v1/workspaces/w1/api-key' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (400) x 5, 200 ]
--- response_body eval
[ ($::BadPath) x 5, qr{"uri":"/v1/workspaces/w1/api-key"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 11: a backslash is refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/leads\\x', '/v1/leads/..\\x', '/v1/x\\..\\account',
      '/v1/leads%5cx', '/v1/leads%5C..%5Cx', '/v1/leads' ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ (400) x 5, 200 ]
--- response_body eval: [ ($::BadPath) x 5, qr{"uri":"/v1/leads"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 12: a fragment is refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/account#', '/v1/account#x', '/v1/account#/../x', '/v1/#/account',
      '/v1/account#?x', '/v1/account%23x', '/v1/account' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (400) x 6, 200 ]
--- response_body eval: [ ($::BadPath) x 6, qr{"uri":"/v1/account"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 13: a raw control byte is refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ (map { "GET /v1/le" . chr($_) . "ads" } 0x00, 0x01, 0x08, 0x1b, 0x1f, 0x7f),
  "GET /v1/leads" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ (400) x 6, 200 ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 14: a raw tab is refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- raw_request eval
"GET /v1/le\tads HTTP/1.1\r\nHost: localhost\r\nConnection: close\r
X-Api-Key: $::Key{workspace}\r\n\r\n"
--- error_code: 400
--- upstream: none



=== TEST 15: a raw space is refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- raw_request eval
"GET /v1/le ads HTTP/1.1\r\nHost: localhost\r\nConnection: close\r
X-Api-Key: $::Key{workspace}\r\n\r\n"
--- error_code: 400
--- upstream: none



=== TEST 16: an encoded NUL is refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "GET /v1/leads%00", "GET /v1/leads%00/x", "GET /v1/leads" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 400, 400, 200 ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 17: encoded control bytes and spaces are refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/leads%01', '/v1/leads%09', '/v1/leads%0a', '/v1/leads%0d%0aX:%20y',
      '/v1/leads%20', '/v1/leads%7f', '/v1/leads' ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ (400) x 6, 200 ]
--- response_body eval: [ ($::BadPath) x 6, qr{"uri":"/v1/leads"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 18: bytes that are not ASCII are refused, raw and encoded
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "GET /v1/leads\x80", "GET /v1/leads\xff", "GET /v1/l\xc3\xa9ads",
  "GET /v1/leads/\xc0\xae\xc0\xae/x", "GET /v1/leads\xef\xbc\x8fx",
  "GET /v1/leads%80", "GET /v1/leads%c3%a9", "GET /v1/leads%c0%af",
  "GET /v1/leads" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ (400) x 8, 200 ]
--- response_body eval: [ ($::BadPath) x 8, qr{"uri":"/v1/leads"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 19: other signs that a URI may not hold are refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ (map { "GET /v1/leads$_" } split //, '"<>[]^`{|}'), "GET /v1/leads" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ (400) x 10, 200 ]
--- response_body eval: [ ($::BadPath) x 10, qr{"uri":"/v1/leads"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 20: signs that have one reading are forwarded as they are
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: 'GET /v1/leads/-._~!$&\'()*+,=:@/' . 'azAZ09'
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- response_body_like eval
quotemeta('"uri":"/v1/leads/-._~!$&\'()*+,=:@/azAZ09"')
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 21: a slash at the end makes it another path, that no route takes
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/account/', '/v1/workspaces/', '/v1/workspaces/w1/', '/v1/leads/',
      '/v1/', '/v1/account' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (404) x 5, 200 ]
--- response_body eval: [ ($::NotFound) x 5, qr{"uri":"/v1/account"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 22: a route in letters of another case is not found
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/Account', '/v1/ACCOUNT', '/v1/accounT', '/v1/Workspaces',
      '/v1/WORKSPACES/w1', '/v1/workspaces/w1/Api-Key', '/v1/account' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (404) x 6, 200 ]
--- response_body eval: [ ($::NotFound) x 6, qr{"uri":"/v1/account"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 23: letter case is no way around the routes where nginx ignores it
--- config eval
"location ~* ^/v1/ {
    sendkit_auth  on;
    include       $::Top/conf/sendkit_v1_routes.conf;
    proxy_pass    http://backend;
}"
--- redis eval: $::Seed
--- request eval
[ map { "POST $_" }
      '/V1/workspaces/w1/api-key', '/V1/leads',
      '/v1/workspaces/w1/API-KEY', '/v1/leads' ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 404, 404, 404, 200 ]
--- response_body eval: [ ($::NotFound) x 3, qr{"uri":"/v1/leads"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 24: the workspace of the path is another one in letters of another case
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ "GET /v1/workspaces/W1", "GET /v1/workspaces/w1" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 403, 200 ]
--- response_body eval
[ $::Forbidden, qr{"uri":"/v1/workspaces/w1"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 25: a target in absolute form is decided by its path
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "POST http://localhost/v1/workspaces/w2/api-key",
  "POST http://localhost/v1/workspaces/w1/api-key?x=1",
  "POST http://localhost/v1/workspaces/w1/api%2dkey",
  "POST http://other.test//v1/workspaces/w1/api-key" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 403, 200, 400, 400 ]
--- response_body eval
[ $::Forbidden, qr{"uri":"/v1/workspaces/w1/api-key\?x=1"}, $::BadPath,
  $::BadPath ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 26: a target in absolute form without a path is one for "/"
--- config eval
"location ~ ^/ {
    sendkit_auth        on;
    sendkit_auth_route  GET / keys=any;
    proxy_pass          http://backend;
}"
--- redis eval: $::Seed
--- request eval
[ "GET http://localhost", "GET http://localhost?x=1",
  "GET http://localhost/?x=1" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 200, 400, 200 ]
--- response_body eval
[ qr{"uri":"/"}, $::BadPath, qr{"uri":"/\?x=1"} ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner')



=== TEST 27: a target in asterisk form is refused
--- config eval: "sendkit_auth_preflight on; $::Guarded"
--- redis eval: $::Seed
--- request eval: [ "OPTIONS *", "GET *", "GET /v1/account" ]
--- more_headers eval
"Origin: https://app.test
Access-Control-Request-Method: POST
X-Api-Key: $::Key{owner}"
--- error_code eval: [ 400, 400, 200 ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 28: a target without a slash is refused
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ "GET v1/account", "GET ?x", "GET /v1/account" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 400, 400, 200 ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 29: HTTP/0.9 is refused
--- config eval: $::Guarded
--- raw_request eval: "GET /v1/account\r\n"
--- http09
--- response_body eval: $::BadPath
--- upstream: none
--- commandstats: none
--- error_log: sendkit auth refused request: bad_path,



=== TEST 30: HTTP/1.0 is decided as HTTP/1.1
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "GET /v1/workspaces/w2/x HTTP/1.0", "GET /v1/workspaces/w1 HTTP/1.0" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 403, 200 ]
--- response_body eval
[ $::Forbidden, qr{"uri":"/v1/workspaces/w1"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 31: the query is no part of the path, and forwarded untouched
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
'GET /v1/account?a=%2f..%2f&b=//../;x&c=%zz&d=%41?/v1/leads&e=%C3%A9\\'
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- upstream_like eval
'^GET ' . quotemeta('/v1/account?a=%2f..%2f&b=//../;x&c=%zz&d=%41?/v1/leads'
                    . '&e=%C3%A9\\') . ' HTTP/'
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 32: an empty query is forwarded as one
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request: GET /v1/account?
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- upstream_like: ^GET /v1/account\? HTTP/
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 33: a path in the query is not the path
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "GET /v1/workspaces/w2/x?/v1/workspaces/w1",
  "GET /v1/workspaces/w1?/v1/workspaces/w2/x" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 403, 200 ]
--- response_body eval
[ $::Forbidden, qr{"uri":"/v1/workspaces/w1\?/v1/workspaces/w2/x"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 34: after a rewrite the new path is decided, and it goes upstream
--- config eval
"rewrite ^/old/(.*)\$ /v1/workspaces/\$1 last; $::Guarded"
--- redis eval: $::Seed
--- request eval: [ "GET /old/w2/x", "GET /old/w1" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 403, 200 ]
--- response_body eval
[ $::Forbidden, qr{"uri":"/v1/workspaces/w1"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 35: a prefix that the location takes off is no part of the route
--- config eval
"location /api/ {
    rewrite       ^/api(/.*)\$ \$1 break;
    sendkit_auth  on;
    include       $::Top/conf/sendkit_v1_routes.conf;
    proxy_pass    http://backend;
}"
--- redis eval: $::Seed
--- request eval
[ "GET /api/v1/workspaces/w2/x", "GET /api/v1/workspaces/w1?x=%2f" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 403, 200 ]
--- response_body eval
[ $::Forbidden, qr{"uri":"/v1/workspaces/w1\?x=%2f"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 36: a rewrite does not excuse the path that was sent
--- config eval
"location /api/ {
    rewrite       ^/api(/.*)\$ \$1 break;
    sendkit_auth  on;
    include       $::Top/conf/sendkit_v1_routes.conf;
    proxy_pass    http://backend;
}"
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/api/v1/%6ceads', '/%61pi/v1/leads', '/api//v1/leads',
      '/api/x/../v1/leads', '/api/v1/leads#x', '/api/v1/leads%20',
      '/api/v1/leads%3bx', '/api/v1/leads%0d%0aX:y', '/api/v1/leads%252fx',
      '/api/v1/leads%5c..', '/api/v1/leads%3fx', '/api/v1/leads%c3%a9',
      '/api/v1/leads' ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ (400) x 12, 200 ]
--- response_body eval: [ ($::BadPath) x 12, qr{"uri":"/v1/leads"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 37: what a rewrite has made must have one reading, too
--- config eval
"rewrite ^/a\$ /v1//account last;
rewrite ^/b\$ /v1/x/../account last;
rewrite ^/c\$ /v1/./account last;
rewrite ^/d\$ \"/v1/acc ount\" last;
rewrite ^/e\$ /v1/acc%61unt last;
rewrite ^/f\$ /v1/account last;
$::Guarded"
--- redis eval: $::Seed
--- request eval: [ map { "GET /$_" } 'a' .. 'f' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (400) x 5, 200 ]
--- response_body eval: [ ($::BadPath) x 5, qr{"uri":"/v1/account"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 38: a rewrite that leaves the path alone does not excuse its encoding
--- config eval
"location /v1/ {
    if (\$http_user_agent) {
        set \$seen 1;
    }
    rewrite       ^/nowhere /else break;
    sendkit_auth  on;
    include       $::Top/conf/sendkit_v1_routes.conf;
    proxy_pass    http://backend;
}"
--- redis eval: $::Seed
--- request eval: [ "GET /v1/%61ccount", "GET /v1/account" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 400, 200 ]
--- response_body eval: [ $::BadPath, qr{"uri":"/v1/account"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 39: a path of 7000 bytes is forwarded whole
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: "GET /v1/" . "leads/" x 1166 . "x"
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- upstream_like eval: '^GET /v1/(?:leads/){1166}x HTTP/'
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 40: a path of 3000 segments is decided
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "GET /v1" . "/a" x 3000 . "/", "GET /v1" . "/a" x 3000 ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 404, 200 ]
--- response_body eval: [ $::NotFound, qr{"uri":"/v1(?:/a){3000}"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 41: a path that nginx finds too long is refused by it
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ "GET /v1/" . "a" x 9000, "GET /v1/leads" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 414, 200 ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 42: a workspace in the path is of 64 bytes at most
--- config eval: $::Guarded
--- redis eval
[ @$::Seed, [ 'HSET', 'sendkit:roles:' . 'w' x 64, u_owner => 'owner' ],
  [ 'HSET', 'sendkit:roles:' . 'w' x 65, u_owner => 'owner' ] ]
--- request eval
[ "GET /v1/workspaces/" . "w" x 65, "GET /v1/workspaces/" . "w" x 64 ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 404, 200 ]
--- response_body eval: [ $::NotFound, qr{"uri":"/v1/workspaces/w{64}"} ]
--- upstream_requests: 1
--- upstream_like: ^X-Sendkit-Workspace-Id: w{64}\r?$



=== TEST 43: a workspace in the path is of letters, digits, "_" and "-" only
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ (map { "GET /v1/workspaces/w1$_" } split //, '.~!$&\'()*+,=:@'),
  "GET /v1/workspaces/w1" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (404) x 14, 200 ]
--- response_body eval
[ ($::NotFound) x 14, qr{"uri":"/v1/workspaces/w1"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')
