# Copyright (C) the ngx_sendkit_auth_module authors
#
# sendkit_auth_preflight: a browser asks for leave with an OPTIONS that cannot
# carry a key; if that is wanted it is let through to the backend, which
# answers it, without identity.
#
# Fails when a request passes for a preflight that is none, when it passes
# where that is off (the default), or when it brings an identity or a
# credential to the backend.

use SendkitAuth;
use SendkitAuth::Seed;

our $BadPath = '{"error":"Bad Request",'
               . '"message":"The request is not valid","code":400}';
our $NotAllowed = '{"error":"Method Not Allowed",'
                  . '"message":"The method is not allowed for this resource",'
                  . '"code":405}';
our $Unauthorized = '{"error":"Unauthorized",'
                    . '"message":"A valid API key is required","code":401}';

our $Off = "add_header X-Reason \$sendkit_auth_reason always;\n$Guarded";
our $On = "sendkit_auth_preflight on;\n$Off";

our $Cors = "Origin: https://app.test\nAccess-Control-Request-Method: POST";

run_tests();

__DATA__

=== TEST 1: by default a preflight is a request as any other
--- config eval: $::Off
--- redis eval: $::Seed
--- request eval
[ "OPTIONS /v1/leads", "OPTIONS /v1/account", "OPTIONS /v1/leads" ]
--- more_headers eval
[ $::Cors, $::Cors, "$::Cors\nX-Api-Key: $::Key{workspace}" ]
--- error_code eval: [ 401, 405, 200 ]
--- response_headers eval
[ "X-Reason: no_key", "X-Reason: method", "X-Reason: allowed" ]
--- response_body eval
[ $::Unauthorized, $::NotAllowed, qr/"method":"OPTIONS"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 2: a preflight is forwarded where that is on, also without a route
--- config eval: $::On
--- redis eval: $::Seed
--- request eval
[ "OPTIONS /v1/leads", "OPTIONS /v1/workspaces/w1/api-key",
  "OPTIONS /v1/account?x=1", "OPTIONS /v1/account/", "GET /v1/account" ]
--- more_headers eval: $::Cors
--- error_code eval: [ (200) x 4, 401 ]
--- response_headers eval
[ ("X-Reason: preflight") x 4, "X-Reason: no_key" ]
--- response_body eval
[ qr{"uri":"/v1/leads"}, qr{"uri":"/v1/workspaces/w1/api-key"},
  qr{"uri":"/v1/account\?x=1"}, qr{"uri":"/v1/account/"}, $::Unauthorized ]
--- upstream_requests: 4
--- upstream_identity: none
--- upstream_like: ^Access-Control-Request-Method: POST\r?$
--- commandstats: none



=== TEST 3: an OPTIONS that lacks one of the headers is no preflight
--- config eval: $::On
--- redis eval: $::Seed
--- request eval: [ ("OPTIONS /v1/leads") x 4 ]
--- more_headers eval
[ "Origin: https://app.test", "Access-Control-Request-Method: POST",
  "", $::Cors ]
--- error_code eval: [ 401, 401, 401, 200 ]
--- response_headers eval
[ ("X-Reason: no_key") x 3, "X-Reason: preflight" ]
--- response_body eval
[ ($::Unauthorized) x 3, qr/"method":"OPTIONS"/ ]
--- upstream_requests: 1
--- upstream_identity: none



=== TEST 4: no other method makes a preflight
--- config eval: $::On
--- redis eval: $::Seed
--- request eval
[ map { "$_ /v1/leads" } qw( GET HEAD POST PUT DELETE OPTION OPTIONS ) ]
--- more_headers eval
[ ("$::Cors\nX-HTTP-Method-Override: OPTIONS") x 7 ]
--- error_code eval: [ (401) x 6, 200 ]
--- response_headers eval
[ ("X-Reason: no_key") x 6, "X-Reason: preflight" ]
--- upstream_requests: 1
--- upstream_identity: none



=== TEST 5: a preflight brings no identity and no credential upstream
--- config eval
"underscores_in_headers on; sendkit_auth_bearer on; $::On"
--- redis eval: $::Seed
--- request: OPTIONS /v1/leads
--- more_headers eval
"$::Cors
X-Api-Key: $::Key{owner}
Authorization: Bearer $::Key{owner}
X-Workspace-Id: w1
X_Workspace_Id: w1
X-Sendkit-User-Id: u_owner
x-sendkit-role: owner
X_Sendkit_Role: owner
X-Sendkit_Key-Type: platform
X-Sendkit-Workspace-Id: w1
X-Sendkit-Else: x"
--- upstream_identity: none
--- upstream_unlike: (?i)api-key|authorization|workspace-id|workspace_id|sendkit
--- commandstats: none



=== TEST 6: a preflight with a bad path is refused
--- config eval: $::On
--- redis eval: $::Seed
--- request eval
[ "OPTIONS /v1/%6ceads", "OPTIONS /v1//leads", "OPTIONS /v1/leads" ]
--- more_headers eval: $::Cors
--- error_code eval: [ 400, 400, 200 ]
--- response_headers eval
[ "X-Reason: bad_path", "X-Reason: bad_path", "X-Reason: preflight" ]
--- response_body eval
[ $::BadPath, $::BadPath, qr/"method":"OPTIONS"/ ]
--- upstream_requests: 1
--- upstream_identity: none



=== TEST 7: a preflight is forwarded while the store is down
--- config eval: $::On
--- redis_server: killed
--- request eval: [ "OPTIONS /v1/leads", "OPTIONS /v1/leads" ]
--- more_headers eval: [ $::Cors, "X-Api-Key: $::Key{workspace}" ]
--- error_code eval: [ 200, 503 ]
--- response_headers eval: [ "X-Reason: preflight", "X-Reason: store_down" ]
--- upstream_requests: 1
--- upstream_identity: none



=== TEST 8: a location may turn off what its server turned on
--- config eval
"location /v1/leads {
    sendkit_auth            on;
    sendkit_auth_preflight  off;
    include                 $::Top/conf/sendkit_v1_routes.conf;
    proxy_pass              http://backend;
}
$::On"
--- redis eval: $::Seed
--- request eval: [ "OPTIONS /v1/leads", "OPTIONS /v1/campaigns" ]
--- more_headers eval: $::Cors
--- error_code eval: [ 401, 200 ]
--- response_headers eval: [ "X-Reason: no_key", "X-Reason: preflight" ]
--- response_body eval: [ $::Unauthorized, qr/"method":"OPTIONS"/ ]
--- upstream_requests: 1
--- upstream_identity: none
