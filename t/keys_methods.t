# Copyright (C) the ngx_sendkit_auth_module authors
#
# The key service answers its two paths and their methods, and says which
# those are.  All else below is not found, and nothing of it is forwarded.
#
# Fails when a method is taken for another one, when a path is known by how it
# begins, when HEAD has a body, or when the list in Allow is not the one of the
# path.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::Keys;
use SendkitAuth::Seed;

our $Path = '/v1/workspaces/w1/api-key';
our $Owner = "X-Api-Key: $Key{owner}";

# Routes that leave methods and paths to the service.

our $Open = <<'END';
    location /v1/workspaces/ {
        sendkit_auth        on;
        sendkit_auth_route  *  "/v1/workspaces/{workspaceId}/**";
        sendkit_auth_route  *  "/v1/workspaces/{workspaceId}/api-key";
        sendkit_auth_route  *  "/v1/workspaces/{workspaceId}/api-key/rotate";
        sendkit_auth_route  *  "/v1/workspaces/{workspaceId}/api-key/";
        sendkit_keys;
    }
END

our $All = 'Allow: GET, HEAD, POST, DELETE';
our @Pointer = ([ 'HSET', 'sendkit:workspace-key:w1', digest => 'a' x 64,
                  created_at => '2025-06-01T10:30:00.000Z',
                  created_by => 'u_x' ]);

run_tests();

__DATA__

=== TEST 1: methods that are none of the key's
--- config eval: $::Open
--- redis eval: $::KeySeed
--- request eval
[ map { "$_ $::Path" } qw( PUT PATCH OPTIONS FOO PURGE PROPFIND GETX POST ) ]
--- more_headers eval: $::Owner
--- error_code eval: [ (405) x 7, 201 ]
--- response_body eval: [ (::denied(405)) x 7, qr/"apiKey":"$::AnyKey"/ ]
--- response_headers eval
[ ("$::All\nContent-Type: application/json\nCache-Control: no-store") x 7, '' ]
--- upstream: none



=== TEST 2: methods that are none of the rotation's
--- config eval: $::Open
--- redis eval: [ @$::KeySeed, @::Pointer ]
--- request eval
[ map { "$_ $::Path/rotate" } qw( GET PUT PATCH DELETE OPTIONS FOO POST ) ]
--- more_headers eval: $::Owner
--- error_code eval: [ (405) x 6, 200 ]
--- response_body eval: [ (::denied(405)) x 6, qr/"apiKey":"$::AnyKey"/ ]
--- response_headers eval
[ ("Allow: POST\nContent-Type: application/json\nCache-Control: no-store") x 6, '' ]
--- upstream: none



=== TEST 3: HEAD is as GET without a body
--- config eval: $::Open
--- redis eval: [ @$::KeySeed, @::Pointer ]
--- request eval
[ "HEAD $::Path", "HEAD /v1/workspaces/w2/api-key", "HEAD $::Path/rotate", "HEAD $::Path/x" ]
--- more_headers eval: [ $::Owner, "X-Api-Key: $::Key{stranger}", $::Owner, $::Owner ]
--- error_code eval: [ 200, 404, 405, 404 ]
--- response_headers eval
[ 'Content-Length: 103', 'Content-Length: 81', "Content-Length: 97\nAllow: POST",
  'Content-Length: 81' ]
--- response_body eval: [ '', '', '', '' ]
--- upstream: none



=== TEST 4: other paths are not found, whatever the method
--- config eval: $::Open
--- redis eval: [ @$::KeySeed, @::Pointer ]
--- request eval
[ (map { ("GET $_", "POST $_", "DELETE $_", "PUT $_") }
       map { "/v1/workspaces/w1/$_" }
           'api-key/', 'api-key/x', 'api-key/rotate/', 'api-key/rotate/x', 'api-keys',
           'api-ke', 'x/api-key', 'settings'),
  "GET $::Path" ]
--- more_headers eval: $::Owner
--- error_code eval: [ (404) x 32, 200 ]
--- response_body eval: [ (::denied(404)) x 32, qr/"maskedKey":"sk_\.\.\."/ ]
--- upstream: none



=== TEST 5: the shipped routes refuse other methods before the service does
--- config eval: $::KeyService
--- redis eval: $::KeySeed
--- request eval
[ "PUT $::Path", "OPTIONS $::Path", "GET $::Path/rotate", "POST $::Path" ]
--- more_headers eval: $::Owner
--- error_code eval: [ 405, 405, 405, 201 ]
--- response_body eval: [ (::denied(405)) x 3, qr/"apiKey":"$::AnyKey"/ ]
--- response_headers eval: [ $::All, $::All, 'Allow: POST', '' ]
--- upstream: none



=== TEST 6: other paths below are not found with the shipped routes, either
--- config eval: $::KeyService
--- redis eval: $::KeySeed
--- request eval
[ "POST $::Path/", "POST $::Path/x", "POST $::Path/rotate/x", "POST ${main::Path}s", "POST $::Path" ]
--- more_headers eval: $::Owner
--- error_code eval: [ (404) x 4, 201 ]
--- response_body eval: [ (::denied(404)) x 4, qr/"apiKey":"$::AnyKey"/ ]
--- upstream: none



=== TEST 7: a method in a header is none
--- config eval: $::KeyService
--- redis eval: [ @$::KeySeed, @::Pointer ]
--- request eval: [ "GET $::Path", "GET $::Path?_method=DELETE", "GET $::Path" ]
--- more_headers eval
[ ("$::Owner\nX-HTTP-Method-Override: DELETE\nX-HTTP-Method: DELETE") x 2, $::Owner ]
--- error_code eval: [ 200, 200, 200 ]
--- response_body eval: [ (qr/"maskedKey"/) x 3 ]
--- upstream: none



=== TEST 8: a query is no matter
--- config eval: $::KeyService
--- redis eval: $::KeySeed
--- request eval: [ "POST $::Path?workspaceId=w2&x=/rotate", "GET $::Path?" ]
--- more_headers eval: $::Owner
--- error_code eval: [ 201, 200 ]
--- response_body eval: [ qr/"apiKey":"$::AnyKey"/, qr/"maskedKey":"sk_/ ]
--- upstream: none



=== TEST 9: a preflight, for which no route is looked up, finds nothing
--- config eval: "sendkit_auth_preflight on; $::KeyService"
--- redis eval: $::KeySeed
--- request eval: [ "OPTIONS $::Path", "OPTIONS $::Path/rotate", "OPTIONS $::Path", "POST $::Path" ]
--- more_headers eval
[ ("Origin: https://app.example.com\nAccess-Control-Request-Method: POST") x 2,
  "$::Owner\nOrigin: https://app.example.com\nAccess-Control-Request-Method: POST", $::Owner ]
--- error_code eval: [ (404) x 3, 201 ]
--- response_body eval: [ (::denied(404)) x 3, qr/"apiKey":"$::AnyKey"/ ]
--- response_headers eval: [ ('Cache-Control: no-store') x 3, '' ]
--- upstream: none



=== TEST 10: OPTIONS with a key and no question of CORS is a wrong method
--- config eval: "sendkit_auth_preflight on; $::KeyService"
--- redis eval: $::KeySeed
--- request eval: [ "OPTIONS $::Path", "GET $::Path" ]
--- more_headers eval: [ "$::Owner\nOrigin: https://app.example.com", $::Owner ]
--- error_code eval: [ 405, 404 ]
--- response_body eval: [ ::denied(405), ::denied(404) ]
--- response_headers eval: [ $::All, '' ]
--- upstream: none



=== TEST 11: errors have the other form where it is asked for
--- config eval: "sendkit_auth_error_format envelope; $::Open"
--- redis eval: [ @$::KeySeed, @::Pointer ]
--- request eval
[ "POST $::Path", "PUT $::Path", "GET $::Path/x", "DELETE /v1/workspaces/w2/api-key",
  "POST $::Path\n" . 'x' x 8193, "POST /v1/workspaces/w2/api-key" ]
--- more_headers eval
[ ($::Owner) x 3, "X-Api-Key: $::Key{stranger}", $::Owner, $::Owner ]
--- error_code eval: [ 409, 405, 404, 404, 413, 403 ]
--- response_body eval
[ '{"success":false,"error":{"code":"CONFLICT","message":"The request conflicts with the '
  . 'current state of the resource","details":"Resource already exists"}}',
  '{"success":false,"error":{"code":"METHOD_NOT_ALLOWED","message":"The method is not '
  . 'allowed for this resource"}}',
  ('{"success":false,"error":{"code":"NOT_FOUND","message":"The requested resource was not '
   . 'found"}}') x 2,
  '{"success":false,"error":{"code":"CONTENT_TOO_LARGE","message":"The request body is too '
  . 'large"}}',
  '{"success":false,"error":{"code":"FORBIDDEN","message":"You don\'t have permission to '
  . 'access this resource"}}' ]
--- upstream: none



=== TEST 12: what the service answers is not for error_page
--- config eval
"error_page 403 404 405 409 413 503 =200 /open/error;\nrecursive_error_pages on;\n"
. "location /open/ { return 200 open; }\n$::Open"
--- redis eval: [ @$::KeySeed, @::Pointer ]
--- request eval
[ "POST $::Path", "PUT $::Path", "GET $::Path/x", "DELETE /v1/workspaces/w2/api-key",
  "POST $::Path\n" . 'x' x 8193, "GET $::Path" ]
--- more_headers eval
[ ($::Owner) x 3, "X-Api-Key: $::Key{stranger}", $::Owner, $::Owner ]
--- error_code eval: [ 409, 405, 404, 404, 413, 200 ]
--- response_body eval
[ ::denied(409), ::denied(405), ::denied(404), ::denied(404), ::denied(413), qr/"maskedKey"/ ]
--- upstream: none



=== TEST 13: "if" and limit_except in its location do not take the service away
--- config eval
$::Open =~ s/sendkit_keys;/sendkit_keys;
        if (\$arg_x) { set \$y 1; }
        limit_except GET POST { deny all; }/r
--- redis eval: $::KeySeed
--- request eval: [ "POST $::Path?x=1", "POST $::Path", "DELETE $::Path", "DELETE $::Path?x=1", "GET $::Path?x=1" ]
--- more_headers eval: $::Owner
--- error_code eval: [ 201, 409, 403, 403, 200 ]
--- response_body eval
[ qr/"apiKey":"$::AnyKey"/, ::denied(409), qr/403 Forbidden/, qr/403 Forbidden/, qr/"maskedKey":"sk_/ ]
--- upstream: none
