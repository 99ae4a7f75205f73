# Copyright (C) the ngx_sendkit_auth_module authors
#
# sendkit_auth_bearer: a key may come as "Authorization: Bearer", if that is
# wanted; beside X-Api-Key it must be the same one.
#
# Fails when ngx_sendkit_auth_headers_is_bearer() takes another form, when
# "bearer" is not looked at for the location, when sources that disagree are
# forwarded, or when an Authorization that held the key goes upstream, or one
# that did not is lost.

use SendkitAuth;
use SendkitAuth::Seed;

our $Unauthorized = '{"error":"Unauthorized",'
                    . '"message":"A valid API key is required","code":401}';
our $Forbidden = '{"error":"Forbidden","message":"You don\'t have permission'
                 . ' to access this resource","code":403}';

our $Off = "add_header X-Reason \$sendkit_auth_reason always;\n$Guarded";
our $On = "sendkit_auth_bearer on;\n$Off";

sub bearers { return [ map { "Authorization: $_" } @_ ] }

run_tests();

__DATA__

=== TEST 1: by default a bearer token is no key
--- config eval: $::Off
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 2 ]
--- more_headers eval
[ "Authorization: Bearer $::Key{owner}", "X-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 401, 200 ]
--- response_headers eval: [ "X-Reason: no_key", "X-Reason: allowed" ]
--- response_body eval: [ $::Unauthorized, qr/"u_owner"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 2: by default a bearer token goes upstream beside the key's identity
--- config eval: $::Off
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval
"X-Api-Key: $::Key{owner}\nAuthorization: Bearer $::Key{admin}"
--- upstream_identity eval: ::identity('owner')
--- upstream_like eval: "^Authorization: Bearer $::Key{admin}\\r?\$"
--- upstream_unlike: (?i)api-key



=== TEST 3: a bearer token is a key where that is on, and does not go upstream
--- config eval: $::On
--- redis eval: $::Seed
--- request eval: [ ("POST /v1/workspaces/w1/api-key") x 3 ]
--- more_headers eval
::bearers("Bearer $::Key{member}", "Bearer $::Key{owner}",
          "Bearer $::Key{workspace}")
--- error_code eval: [ 403, 200, 403 ]
--- response_headers eval
[ "X-Reason: role", "X-Reason: allowed", "X-Reason: key_kind" ]
--- response_body eval: [ $::Forbidden, qr/"u_owner"/, $::Forbidden ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_unlike: (?i)authorization|sk_user



=== TEST 4: a workspace key may be a bearer token
--- config eval: $::On
--- redis eval: $::Seed
--- request: GET /v1/leads
--- more_headers eval: "Authorization: Bearer $::Key{workspace}"
--- upstream_identity eval: ::identity('workspace')
--- upstream_unlike: (?i)authorization
--- commandstats: hmget=1



=== TEST 5: with bearer tokens on, X-Api-Key is as good as ever
--- config eval: $::On
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: (?i)api-key



=== TEST 6: the scheme may be in letters of any case, and spaces may follow
--- config eval: $::On
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 4 ]
--- more_headers eval
::bearers("bearer $::Key{owner}", "BEARER $::Key{owner}",
          "bEaReR $::Key{owner}", "Bearer    $::Key{owner}")
--- error_code eval: [ (200) x 4 ]
--- upstream_requests: 4
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: (?i)authorization



=== TEST 7: another scheme is no key, and a tab is no space
--- config eval: $::On
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 8 ]
--- more_headers eval
::bearers("Basic $::Key{owner}", "Token $::Key{owner}", $::Key{owner},
          "Bearer$::Key{owner}", "Bearer:$::Key{owner}",
          "Bearer\t$::Key{owner}", "Bearers $::Key{owner}",
          "Bearer $::Key{owner}")
--- error_code eval: [ (401) x 7, 200 ]
--- response_headers eval
[ (map { "X-Reason: $_" } ("no_key") x 5, "bad_key", "no_key"),
  "X-Reason: allowed" ]
--- response_body eval: [ ($::Unauthorized) x 7, qr/"u_owner"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 8: another scheme beside a key goes upstream
--- config eval: $::On
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval
"X-Api-Key: $::Key{owner}\nAuthorization: Basic dTpw"
--- upstream_identity eval: ::identity('owner')
--- upstream_like: ^Authorization: Basic dTpw\r?$
--- upstream_unlike: (?i)api-key



=== TEST 9: a token that is no key is a bad one
--- config eval: $::On
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 7 ]
--- more_headers eval
::bearers('Bearer', 'Bearer  ', 'Bearer x', "Bearer $::Key{owner} x",
          "Bearer $::Key{owner}, Bearer $::Key{owner}",
          "Bearer Bearer $::Key{owner}", "Bearer $::Key{owner}")
--- error_code eval: [ (401) x 6, 200 ]
--- response_headers eval: [ ("X-Reason: bad_key") x 6, "X-Reason: allowed" ]
--- response_body eval: [ ($::Unauthorized) x 6, qr/"u_owner"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 10: both headers with the same key are one key
--- config eval: $::On
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval
"X-Api-Key: $::Key{owner}\nAuthorization: Bearer $::Key{owner}"
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: (?i)api-key|authorization
--- commandstats: hmget=1



=== TEST 11: headers that disagree are refused, whichever is good
--- config eval: $::On
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 6 ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}\nAuthorization: Bearer $::Key{admin}",
  "X-Api-Key: $::Key{unknown}\nAuthorization: Bearer $::Key{owner}",
  "X-Api-Key: $::Key{owner}\nAuthorization: Bearer",
  "X-Api-Key:\nAuthorization: Bearer $::Key{owner}",
  "X-Api-Key: $::Key{owner}\nAuthorization: Bearer $::Key{owner}x",
  "X-Api-Key: $::Key{owner}\nAuthorization: Bearer $::Key{owner}" ]
--- error_code eval: [ (401) x 5, 200 ]
--- response_headers eval
[ ("X-Reason: duplicate_key") x 5, "X-Reason: allowed" ]
--- response_body eval: [ ($::Unauthorized) x 5, qr/"u_owner"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 12: two lines of X-Api-Key are not healed by a bearer token
--- config eval: $::On
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 2 ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}\nX-Api-Key: $::Key{owner}
Authorization: Bearer $::Key{owner}",
  "Authorization: Bearer $::Key{owner}" ]
--- error_code eval: [ 401, 200 ]
--- response_headers eval: [ "X-Reason: duplicate_key", "X-Reason: allowed" ]
--- response_body eval: [ $::Unauthorized, qr/"u_owner"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 13: two lines of Authorization are refused
--- config eval: $::On
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 3 ]
--- more_headers eval
[ "Authorization: Bearer $::Key{owner}\nAuthorization: Bearer $::Key{owner}",
  "Authorization: Bearer $::Key{owner}",
  "Authorization: Basic dTpw\nAuthorization: Bearer $::Key{owner}" ]
--- error_code_like eval: [ '^40[01]$', '^200$', '^40[01]$' ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')
--- commandstats: hmget=1



=== TEST 14: a location may turn off what its server turned on
--- config eval
"sendkit_auth_bearer on;
location /v1/leads {
    sendkit_auth         on;
    sendkit_auth_bearer  off;
    include              $::Top/conf/sendkit_v1_routes.conf;
    proxy_pass           http://backend;
}
$::Guarded"
--- redis eval: $::Seed
--- request eval: [ "GET /v1/leads", "GET /v1/campaigns" ]
--- more_headers eval: "Authorization: Bearer $::Key{workspace}"
--- error_code eval: [ 401, 200 ]
--- response_body eval: [ $::Unauthorized, qr/"method":"GET"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 15: credentials go upstream where they are not to be hidden
--- config eval: "sendkit_auth_hide_credentials off; $::On"
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval
"X-Api-Key: $::Key{owner}\nAuthorization: Bearer $::Key{owner}"
--- upstream_identity eval: ::identity('owner')
--- upstream_like eval
"X-Api-Key: $::Key{owner}\\r\\nAuthorization: Bearer $::Key{owner}\\r?\$"
