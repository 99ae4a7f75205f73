# Copyright (C) the ngx_sendkit_auth_module authors
#
# Which bytes are a key, and that there is one: "sk_user_" or "sk_" and 16 to
# 128 letters, digits, "_" and "-", on exactly one line.  Everything here that
# is refused has a good record in Redis under just these bytes, so that only
# the form of the key can be what stops it.
#
# Fails when sendkit_key_kind() takes a byte, a length or a prefix more, when
# ngx_sendkit_auth_headers_read() overlooks a line, or when a key is taken from
# anywhere else.

use SendkitAuth;
use SendkitAuth::Seed;

our $Unauthorized = '{"error":"Unauthorized",'
                    . '"message":"A valid API key is required","code":401}';
our $Forbidden = '{"error":"Forbidden","message":"You don\'t have permission'
                 . ' to access this resource","code":403}';

our $Config = "add_header X-Reason \$sendkit_auth_reason always;\n$Guarded";

# Records that make an owner in w1, or the workspace key of w1, of each.

sub owners {
    return [ [ 'HSET', 'sendkit:roles:w1', u_owner => 'owner' ],
             map { record($_, type => 'platform', user => 'u_owner') }
                 $Key{owner}, @_ ];
}

sub workspace_keys {
    return [ map { record($_, type => 'workspace', workspace => 'w1') }
                 $Key{workspace}, @_ ];
}

sub sent { return [ map { "X-Api-Key: $_" } @_ ] }

our @Lookalikes = qw(
    sk_user0123456789abcdef sk_userx_0123456789abcdef sk_users_0123456789abcdef
    sk_user-0123456789abcdef SK_USER_0123456789abcdef SK_0123456789abcdef
    Sk_0123456789abcdef sk-user_0123456789abcdef sk-0123456789abcdef
    _sk_user_0123456789abcdef xsk_user_0123456789abcdef user_0123456789abcdef
    sk__user 0123456789abcdef0123456789abcdef );

our @Signs = grep { !/\w|-/ } map { chr } 0x21 .. 0x7e;
our @Bytes = map { chr } 0x01, 0x08, 0x0b, 0x1f, 0x20, 0x7f, 0x80, 0xc3, 0xff;

run_tests();

__DATA__

=== TEST 1: a key on two lines is refused, be they equal or not
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 4 ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}\nX-Api-Key: $::Key{owner}",
  "X-Api-Key: $::Key{owner}",
  "X-Api-Key: $::Key{owner}\nX-Api-Key: $::Key{admin}",
  "X-Api-Key: $::Key{unknown}\nX-Other: x\nx-api-key: $::Key{owner}" ]
--- error_code eval: [ 401, 200, 401, 401 ]
--- response_headers eval
[ "X-Reason: duplicate_key", "X-Reason: allowed",
  "X-Reason: duplicate_key", "X-Reason: duplicate_key" ]
--- response_body eval
[ $::Unauthorized, qr/"method":"GET"/, $::Unauthorized, $::Unauthorized ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')
--- commandstats: hmget=1



=== TEST 2: an empty line beside a key counts as a second one
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 3 ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}\nX-Api-Key:", "X-Api-Key: $::Key{owner}",
  "X-Api-Key:\nX-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: duplicate_key", "X-Reason: allowed",
  "X-Reason: duplicate_key" ]
--- response_body eval
[ $::Unauthorized, qr/"method":"GET"/, $::Unauthorized ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 3: keys joined by commas on one line are no key
--- config eval: $::Config
--- redis eval
::owners("$::Key{owner},$::Key{owner}", "$::Key{owner}, $::Key{owner}",
         "$::Key{owner},", ",$::Key{owner}", "$::Key{owner}, ")
--- request eval: [ ("GET /v1/account") x 5 ]
--- more_headers eval
::sent("$::Key{owner},$::Key{owner}", "$::Key{owner}, $::Key{owner}",
       "$::Key{owner},", ",$::Key{owner}", $::Key{owner})
--- error_code eval: [ (401) x 4, 200 ]
--- response_headers eval: [ ("X-Reason: bad_key") x 4, "X-Reason: allowed" ]
--- response_body eval: [ ($::Unauthorized) x 4, qr/"method":"GET"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 4: spaces around a key do not belong to it
--- config eval: $::Guarded
--- redis eval: $::Seed
--- raw_request eval
"GET /v1/account HTTP/1.1\r\nHost: localhost\r\nConnection: close\r
X-Api-Key:    $::Key{owner}   \r\n\r\n"
--- upstream_identity eval: ::identity('owner')



=== TEST 5: a key needs no space before it
--- config eval: $::Guarded
--- redis eval: $::Seed
--- raw_request eval
"GET /v1/account HTTP/1.1\r\nHost: localhost\r\nConnection: close\r
X-Api-Key:$::Key{owner}\r\n\r\n"
--- upstream_identity eval: ::identity('owner')



=== TEST 6: a tab before a key is no part of a good one
--- config eval: $::Config
--- redis eval: ::owners("\t$::Key{owner}")
--- raw_request eval
"GET /v1/account HTTP/1.1\r\nHost: localhost\r\nConnection: close\r
X-Api-Key:\t$::Key{owner}\r\n\r\n"
--- error_code: 401
--- response_headers: X-Reason: bad_key
--- response_body eval: $::Unauthorized
--- upstream: none
--- commandstats: none



=== TEST 7: tabs after and in a key are no part of a good one
--- config eval: $::Config
--- redis eval
::owners("$::Key{owner}\t", "sk_user_0123\t456789abcdef")
--- request eval: [ ("GET /v1/account") x 3 ]
--- more_headers eval
::sent("$::Key{owner}\t", "sk_user_0123\t456789abcdef", $::Key{owner})
--- error_code eval: [ 401, 401, 200 ]
--- response_headers eval
[ "X-Reason: bad_key", "X-Reason: bad_key", "X-Reason: allowed" ]
--- response_body eval
[ $::Unauthorized, $::Unauthorized, qr/"method":"GET"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 8: a key that is continued on the next line is refused
--- config eval: $::Guarded
--- redis eval: ::owners('sk_user_owner-', 'sk_user_owner- 0123456789abcdef')
--- raw_request eval
"GET /v1/account HTTP/1.1\r\nHost: localhost\r\nConnection: close\r
X-Api-Key: sk_user_owner-\r
 0123456789abcdef\r\n\r\n"
--- error_code_like: ^40[01]$
--- upstream: none
--- commandstats: none



=== TEST 9: an empty key is a bad one
--- config eval: $::Config
--- redis eval: ::owners('', ' ')
--- request eval: [ ("GET /v1/account") x 3 ]
--- more_headers eval: [ "X-Api-Key:", "X-Api-Key:    ", ::sent($::Key{owner})->[0] ]
--- error_code eval: [ 401, 401, 200 ]
--- response_headers eval
[ "X-Reason: bad_key", "X-Reason: bad_key", "X-Reason: allowed" ]
--- response_body eval
[ $::Unauthorized, $::Unauthorized, qr/"method":"GET"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 10: a key of 8 kB is a bad one, and costs no command
--- config eval: $::Config
--- redis eval: ::owners('sk_user_' . 'a' x 8000)
--- request eval: [ ("GET /v1/account") x 2 ]
--- more_headers eval: ::sent('sk_user_' . 'a' x 8000, $::Key{owner})
--- error_code eval: [ 401, 200 ]
--- response_headers eval: [ "X-Reason: bad_key", "X-Reason: allowed" ]
--- response_body eval: [ $::Unauthorized, qr/"method":"GET"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 11: a key that is more than nginx takes is refused by nginx
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 2 ]
--- more_headers eval: ::sent('sk_user_' . 'a' x 9000, $::Key{owner})
--- error_code eval: [ 400, 200 ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 12: what only looks like a prefix is none
--- config eval: $::Config
--- redis eval
[ @{ ::owners(@::Lookalikes) }, @{ ::workspace_keys(@::Lookalikes) } ]
--- request eval: [ ("GET /v1/workspaces/w1") x (@::Lookalikes + 1) ]
--- more_headers eval: ::sent(@::Lookalikes, $::Key{owner})
--- error_code eval: [ (401) x @::Lookalikes, 200 ]
--- response_headers eval
[ ("X-Reason: bad_key") x @::Lookalikes, "X-Reason: allowed" ]
--- response_body eval
[ ($::Unauthorized) x @::Lookalikes, qr/"method":"GET"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')
--- commandstats: hmget=1 hget=1



=== TEST 13: a prefix alone is no key
--- config eval: $::Config
--- redis eval: ::owners(qw( sk sk_ sk_user sk_user_ sk_user__ ))
--- request eval: [ ("GET /v1/account") x 6 ]
--- more_headers eval
::sent(qw( sk sk_ sk_user sk_user_ sk_user__ ), $::Key{owner})
--- error_code eval: [ (401) x 5, 200 ]
--- response_headers eval: [ ("X-Reason: bad_key") x 5, "X-Reason: allowed" ]
--- response_body eval: [ ($::Unauthorized) x 5, qr/"method":"GET"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 14: a prefix in letters of another case makes no platform key
--- config eval: $::Config
--- redis eval
::owners(qw( sk_User_0123456789abcdef sk_USER_0123456789abcdef ))
--- request eval: [ ("POST /v1/workspaces/w1/api-key") x 3 ]
--- more_headers eval
::sent(qw( sk_User_0123456789abcdef sk_USER_0123456789abcdef ), $::Key{owner})
--- error_code eval: [ 403, 403, 200 ]
--- response_headers eval
[ "X-Reason: key_kind", "X-Reason: key_kind", "X-Reason: allowed" ]
--- response_body eval
[ $::Forbidden, $::Forbidden, qr/"method":"POST"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1 hget=1



=== TEST 15: a key in letters of another case is another key
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 3 ]
--- more_headers eval
::sent('sk_user_OWNER-0123456789abcdef', $::Key{owner},
       'sk_user_owner-0123456789ABCDEF')
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: unknown_key", "X-Reason: allowed", "X-Reason: unknown_key" ]
--- response_body eval
[ $::Unauthorized, qr/"method":"GET"/, $::Unauthorized ]
--- upstream_requests: 1



=== TEST 16: a platform key has 16 to 128 bytes after its prefix
--- config eval: $::Config
--- redis eval: ::owners(map { 'sk_user_' . 'a' x $_ } 1, 15, 16, 128, 129)
--- request eval: [ ("GET /v1/account") x 5 ]
--- more_headers eval
::sent(map { 'sk_user_' . 'a' x $_ } 15, 16, 129, 128, 1)
--- error_code eval: [ 401, 200, 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: bad_key", "X-Reason: allowed", "X-Reason: bad_key",
  "X-Reason: allowed", "X-Reason: bad_key" ]
--- response_body eval
[ $::Unauthorized, qr/"u_owner"/, $::Unauthorized, qr/"u_owner"/,
  $::Unauthorized ]
--- upstream_requests: 2
--- commandstats: hmget=2



=== TEST 17: a workspace key has 16 to 128 bytes after its prefix
--- config eval: $::Config
--- redis eval: ::workspace_keys(map { 'sk_' . 'a' x $_ } 1, 15, 16, 128, 129)
--- request eval: [ ("GET /v1/workspaces/w1") x 5 ]
--- more_headers eval
::sent(map { 'sk_' . 'a' x $_ } 15, 16, 129, 128, 1)
--- error_code eval: [ 401, 200, 401, 200, 401 ]
--- response_headers eval
[ "X-Reason: bad_key", "X-Reason: allowed", "X-Reason: bad_key",
  "X-Reason: allowed", "X-Reason: bad_key" ]
--- response_body eval
[ $::Unauthorized, qr/"workspace"/, $::Unauthorized, qr/"workspace"/,
  $::Unauthorized ]
--- upstream_requests: 2
--- commandstats: hmget=2



=== TEST 18: all letters and digits, "_" and "-" make a key
--- config eval: $::Guarded
--- redis eval
::owners('sk_user_' . CORE::join '', 'a' .. 'z', 'A' .. 'Z', 0 .. 9, '_-')
--- request: GET /v1/account
--- more_headers eval
"X-Api-Key: sk_user_" . CORE::join '', 'a' .. 'z', 'A' .. 'Z', 0 .. 9, '_-'
--- response_body_like: "X-Sendkit-User-Id":\["u_owner"\]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 19: any other sign makes it a bad key
--- config eval: $::Config
--- redis eval: ::owners(map { "sk_user_0123456789ab$_" . 'cdef' } @::Signs)
--- request eval: [ ("GET /v1/account") x (@::Signs + 1) ]
--- more_headers eval
::sent((map { "sk_user_0123456789ab$_" . 'cdef' } @::Signs), $::Key{owner})
--- error_code eval: [ (401) x @::Signs, 200 ]
--- response_headers eval
[ ("X-Reason: bad_key") x @::Signs, "X-Reason: allowed" ]
--- response_body eval: [ ($::Unauthorized) x @::Signs, qr/"u_owner"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 20: bytes that are no ASCII signs make it a bad key
--- config eval: $::Config
--- redis eval: ::owners(map { "sk_user_0123456789ab$_" . 'cdef' } @::Bytes)
--- request eval: [ ("GET /v1/account") x (@::Bytes + 1) ]
--- more_headers eval
::sent((map { "sk_user_0123456789ab$_" . 'cdef' } @::Bytes), $::Key{owner})
--- error_code eval: [ (401) x @::Bytes, 200 ]
--- response_headers eval
[ ("X-Reason: bad_key") x @::Bytes, "X-Reason: allowed" ]
--- response_body eval: [ ($::Unauthorized) x @::Bytes, qr/"u_owner"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 21: a NUL in a key ends the request
--- config eval: $::Guarded
--- redis eval: ::owners("$::Key{owner}\0", "$::Key{owner}\0x")
--- request eval: [ ("GET /v1/account") x 3 ]
--- more_headers eval
::sent("$::Key{owner}\0", "$::Key{owner}\0x", $::Key{owner})
--- error_code eval: [ 400, 400, 200 ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 22: quotes, schemes and percent-encoding are not taken off a key
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 5 ]
--- more_headers eval
::sent("\"$::Key{owner}\"", "Bearer $::Key{owner}", "ApiKey $::Key{owner}",
       'sk%5fuser_owner-0123456789abcdef', $::Key{owner})
--- error_code eval: [ (401) x 4, 200 ]
--- response_headers eval: [ ("X-Reason: bad_key") x 4, "X-Reason: allowed" ]
--- response_body eval: [ ($::Unauthorized) x 4, qr/"u_owner"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 23: the name of the header may be in letters of any case
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 4 ]
--- more_headers eval
[ map { "$_: $::Key{owner}" } qw( x-api-key X-API-KEY x-Api-kEY X-Api-Key ) ]
--- error_code eval: [ (200) x 4 ]
--- upstream_requests: 4
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: sk_user



=== TEST 24: a header of another name holds no key
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 6 ]
--- more_headers eval
[ map { "$_: $::Key{owner}" }
      qw( Api-Key X-ApiKey X-Api-Keys X-Api-Key- XX-Api-Key X-Api-Key ) ]
--- error_code eval: [ (401) x 5, 200 ]
--- response_headers eval: [ ("X-Reason: no_key") x 5, "X-Reason: allowed" ]
--- response_body eval: [ ($::Unauthorized) x 5, qr/"u_owner"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 25: a name with underscores holds no key, where nginx takes those, too
--- config eval: "underscores_in_headers on; $::Config"
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/account") x 3 ]
--- more_headers eval
[ map { "$_: $::Key{owner}" } qw( X_Api_Key X-Api_Key X-Api-Key ) ]
--- error_code eval: [ 401, 401, 200 ]
--- response_headers eval
[ "X-Reason: no_key", "X-Reason: no_key", "X-Reason: allowed" ]
--- response_body eval
[ $::Unauthorized, $::Unauthorized, qr/"u_owner"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 26: a key in the query, a cookie or the body is none
--- config eval: $::Config
--- redis eval: $::Seed
--- request eval
[ "PATCH /v1/account?x-api-key=$::Key{owner}&api_key=$::Key{owner}",
  "PATCH /v1/account", "PATCH /v1/account\nX-Api-Key: $::Key{owner}",
  "PATCH /v1/account" ]
--- more_headers eval
[ "", "Cookie: X-Api-Key=$::Key{owner}; sk=$::Key{owner}", "",
  "X-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 401, 401, 401, 200 ]
--- response_headers eval: [ ("X-Reason: no_key") x 3, "X-Reason: allowed" ]
--- response_body eval: [ ($::Unauthorized) x 3, qr/"u_owner"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1



=== TEST 27: a good key beside one in the query leaves the query as it is
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: "GET /v1/account?api_key=$::Key{admin}"
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- upstream_like eval: "^GET /v1/account\\?api_key=$::Key{admin} HTTP/"
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')
