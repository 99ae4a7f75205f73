# Copyright (C) the ngx_sendkit_auth_module authors
#
# What costs a command of Redis, and how many: rows 1 to 6 of the decision
# table cost none, so nobody without a well-formed key can load the store; a
# platform key costs two reads, a workspace key one.
#
# Fails when sendkit_decision() asks for the record before it has to, when
# the role is read although the answer is known, or when a lookup is made
# twice.

use SendkitAuth;
use SendkitAuth::Seed;

run_tests();

__DATA__

=== TEST 1: a path that is not in its normal form costs no command
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "GET /v1/%61ccount", "GET /v1//account", "GET /v1/x/%2e%2e/account" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 400, 400, 400 ]
--- commandstats: none
--- upstream: none



=== TEST 2: a preflight costs no command, not even with a key
--- config eval: "sendkit_auth_preflight on; $::Guarded"
--- redis eval: $::Seed
--- request: OPTIONS /v1/workspaces/w1/api-key
--- more_headers eval
"Origin: https://app.test
Access-Control-Request-Method: POST
X-Api-Key: $::Key{owner}"
--- commandstats: none
--- upstream_identity: none



=== TEST 3: a path without a route costs no command
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ "GET /v1/workspaces/w!1", "GET /v1/Account" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 404, 404 ]
--- commandstats: none
--- upstream: none



=== TEST 4: a method that is not listed costs no command
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ "PUT /v1/account", "PUT /v1/workspaces/w1/api-key" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 405, 405 ]
--- commandstats: none
--- upstream: none



=== TEST 5: no key, two keys and malformed keys cost no command
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "GET /v1/account", "GET /v1/account", "GET /v1/account",
  "GET /v1/account" ]
--- more_headers eval
[ "", "X-Api-Key: $::Key{owner}\nX-Api-Key: $::Key{owner}",
  "X-Api-Key: $::Key{owner}!", "X-Api-Key: sk_user_short" ]
--- error_code eval: [ 401, 401, 401, 401 ]
--- commandstats: none
--- upstream: none



=== TEST 6: sources of a key that disagree cost no command
--- config eval: "sendkit_auth_bearer on; $::Guarded"
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval
"X-Api-Key: $::Key{owner}\nAuthorization: Bearer $::Key{admin}"
--- error_code: 401
--- commandstats: none
--- upstream: none



=== TEST 7: a kind of key that the route does not take costs no command
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "POST /v1/workspaces/w1/api-key", "GET /v1/account",
  "DELETE /v1/workspaces/w1" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 403, 403, 403 ]
--- commandstats: none
--- upstream: none



=== TEST 8: a platform key costs one read of the key and one of the role
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request: POST /v1/workspaces/w1/api-key
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- commandstats: hmget=1 hget=1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 9: a platform key costs two reads where the header names the workspace
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request: GET /v1/leads
--- more_headers eval: "X-Api-Key: $::Key{owner}\nX-Workspace-Id: w1"
--- commandstats: hmget=1 hget=1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 10: a platform key costs one read where no role is asked for
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- commandstats: hmget=1
--- upstream_identity eval: ::identity('owner')



=== TEST 11: a workspace key costs one read
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request: GET /v1/workspaces/w1
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- commandstats: hmget=1
--- upstream_identity eval: ::identity('workspace')



=== TEST 12: a workspace key of another workspace costs one read
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request: GET /v1/workspaces/w2
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code: 403
--- commandstats: hmget=1
--- upstream: none



=== TEST 13: keys that are refused by their record cost one read each
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval
[ "X-Api-Key: $::Key{unknown}", "X-Api-Key: $::Key{expired}",
  "X-Api-Key: $::Key{inactive}" ]
--- error_code eval: [ 401, 401, 401 ]
--- commandstats: hmget=3
--- upstream: none



=== TEST 14: a platform key that names no workspace costs one read
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request: GET /v1/leads
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code: 400
--- commandstats: hmget=1
--- upstream: none



=== TEST 15: a role that is not enough costs two reads
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request: POST /v1/workspaces/w1/api-key
--- more_headers eval: "X-Api-Key: $::Key{member}"
--- error_code: 403
--- commandstats: hmget=1 hget=1
--- upstream: none



=== TEST 16: without a cache each request asks anew
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "POST /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 200, 200, 200 ]
--- commandstats: hmget=3 hget=3
--- upstream_requests: 3
--- upstream_identity eval: ::identity('owner', 'w1')
