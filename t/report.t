# Copyright (C) the ngx_sendkit_auth_module authors
#
# "sendkit_auth report" decides and logs, but forwards: for a roll-out in
# front of a backend that still checks keys itself.
#
# Fails when something is refused, when the backend does not get the key it
# checks, when a spoofed identity gets through because nothing was decided,
# when the reason is not the one of "on", or when Redis out of order keeps
# requests away from the backend.

use SendkitAuth;
use SendkitAuth::Seed;

our $Config = "add_header X-Reason \$sendkit_auth_reason always;\n"
              . $Guarded =~ s/(sendkit_auth +)on;/$1report;/r;

our $Spoofed = "X-Sendkit-User-Id: spoofed\nx_sendkit_role: owner\n"
               . "X-Sendkit-Key-Type: platform\nX-Sendkit-Else: x";

run_tests();

__DATA__

=== TEST 1: what is allowed is forwarded with its identity and its key
--- config eval: $::Config
--- redis eval: $::Seed
--- request: POST /v1/workspaces/w1/api-key
--- more_headers eval: "X-Api-Key: $::Key{owner}\n$::Spoofed"
--- response_headers: X-Reason: allowed
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_like eval: "^X-Api-Key: $::Key{owner}\\r?\$"
--- no_error_log
sendkit auth would refuse
--- commandstats: hmget=1 hget=1



=== TEST 2: what would be refused is forwarded without identity, with its key
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "GET /v1/%61ccount", "GET /v1/account/", "PUT /v1/account",
  "GET /v1/account", "POST /v1/workspaces/w1/api-key", "GET /v1/leads",
  "GET /v1/workspaces/w2" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}\n$::Spoofed"
--- error_code eval: [ (200) x 7 ]
--- response_headers eval
[ map { "X-Reason: $_" }
      qw( bad_path no_route method key_kind key_kind allowed
          other_workspace ) ]
--- response_body eval
[ (map { qr{"X-Api-Key":\["$::Key{workspace}"\]\},"method":} } 1 .. 5),
  qr{"X-Sendkit-Workspace-Id":\["w1"\]\}},
  qr{"X-Api-Key":\["$::Key{workspace}"\]\},"method":} ]
--- upstream_requests: 7
--- upstream_unlike: spoofed|x_sendkit_role|X-Sendkit-Else



=== TEST 3: all that is wrong with a key is reported and forwarded
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval: [ ("POST /v1/workspaces/w1/api-key") x 8 ]
--- more_headers eval
[ $::Spoofed, "X-Api-Key: $::Key{owner}\nX-Api-Key: $::Key{owner}",
  map { "X-Api-Key: $_" } 'secret',
      @::Key{qw( unknown expired inactive broken member )} ]
--- error_code eval: [ (200) x 8 ]
--- response_headers eval
[ map { "X-Reason: $_" }
      qw( no_key duplicate_key bad_key unknown_key expired_key inactive_key
          store_error role ) ]
--- upstream_requests: 8
--- upstream_identity: none



=== TEST 4: what would be refused is logged with its reason, once
--- config eval: $::Config
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval: "X-Api-Key: $::Key{unknown}"
--- grep_error_log eval: qr/\[(?!debug)\w+\](?= .*sendkit auth )/
--- grep_error_log_out
[notice]
--- error_log
sendkit auth would refuse request: unknown_key, client:
--- no_error_log
sendkit auth refused
--- upstream_requests: 1



=== TEST 5: a preflight is forwarded as one
--- config eval: "sendkit_auth_preflight on; $::Config"
--- redis eval: $::Seed
--- request: OPTIONS /v1/leads
--- more_headers eval
"Origin: https://app.test\nAccess-Control-Request-Method: GET\n$::Spoofed"
--- response_headers: X-Reason: preflight
--- no_error_log
sendkit auth would refuse
--- upstream_requests: 1
--- upstream_identity: none
--- commandstats: none



=== TEST 6: bearer tokens, other schemes and X-Workspace-Id go upstream
--- config eval: "sendkit_auth_bearer on; $::Config"
--- redis eval: $::Seed
--- request: GET /v1/leads
--- more_headers eval
"Authorization: Bearer $::Key{owner}\nX-Workspace-Id: w1\nX-Method-Override: GET"
--- response_headers: X-Reason: allowed
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_like eval
"Authorization: Bearer $::Key{owner}\\r\\nX-Workspace-Id: w1\\r\\n"
. "X-Method-Override: GET\\r?\$"



=== TEST 7: with the store down requests go on to the backend
--- config eval: $::Config
--- redis_server: killed
--- request eval: [ ("GET /v1/account") x 2 ]
--- more_headers eval: "X-Api-Key: $::Key{owner}\n$::Spoofed"
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ ("X-Reason: store_down") x 2 ]
--- upstream_requests: 2
--- upstream_identity: none



=== TEST 8: with a store that does not answer requests go on in time
--- http_config eval: $::HttpConfig =~ s/(sendkit_auth_timeout) .*/$1 300ms;/r
--- config eval: $::Config
--- redis_server: stopped
--- request: GET /v1/account
--- more_headers eval: "X-Api-Key: $::Key{owner}\n$::Spoofed"
--- response_headers: X-Reason: store_timeout
--- upstream_requests: 1
--- upstream_identity: none



=== TEST 9: the variables tell what is known, also of what would be refused
--- config eval
"add_header X-Seen \"\$sendkit_auth_reason \$sendkit_auth_key_type"
. " \$sendkit_auth_key_id \$sendkit_auth_user \$sendkit_auth_workspace"
. " \$sendkit_auth_role \$sendkit_auth_route\" always; $::Config"
=~ s/^add_header X-Reason.*//mr
--- redis eval: $::Seed
--- request: DELETE /v1/workspaces/w1
--- more_headers eval: "X-Api-Key: $::Key{admin}"
--- response_headers eval
"X-Seen: role platform " . ::key_id($::Key{admin})
. " u_admin w1 admin /v1/workspaces/{workspaceId}"
--- upstream_requests: 1
--- upstream_identity: none



=== TEST 10: "report" and "on" stand side by side
--- config eval
"location /v1/account {
    sendkit_auth  on;
    include       $::Top/conf/sendkit_v1_routes.conf;
    proxy_pass    http://backend;
}
$::Config"
--- redis eval: $::Seed
--- request eval
[ "GET /v1/account", "GET /v1/workspaces", "GET /v1/account" ]
--- error_code eval: [ 401, 200, 401 ]
--- upstream_requests: 1
--- upstream_identity: none
