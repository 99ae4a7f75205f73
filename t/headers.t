# Copyright (C) the ngx_sendkit_auth_module authors
#
# What the gateway takes from the headers of a request, and what it makes of
# them for the backend.  nginx keeps headers in a list of parts, 20 in each:
# a loop that looks at one part only, or a removal that spoils a part, shows
# with the 20th, 21st, 40th and 41st header.  The backend trusts the identity
# headers, so one copy of the client's that gets through is a wrong identity.
#
# Fails if ngx_sendkit_auth_headers_read() or _copy() does not go on to
# part->next, if _is_kept() keeps a name that _is_like() would not, if
# _forward() sets a header twice or loses or reorders one, if _add() sets a
# wrong "lowcase_key" or "hash", by which proxy_set_header finds it.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::Seed;

# Header lines so that there are so many, with the two that Test::Nginx sends
# first ("Host" and "Connection"), and these at these positions.

sub headers {
    my ($total, %at) = @_;
    return join "\n", map { $at{$_} // "X-Filler-$_: value $_" } 3 .. $total;
}

sub fillers { return join "\r\n", map { "X-Filler-$_: value $_" } @_ }

sub with_key { return "X-Api-Key: $::Key{owner}\n" . join "\n", @_ }

run_tests();

__DATA__

=== TEST 1: the key is found at any position among 45 headers
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 7 ]
--- more_headers eval
[
    (map { ::headers(45, $_ => "X-Api-Key: $::Key{owner}") } 3, 20, 21, 40, 41, 45),
    ::headers(45),
]
--- error_code eval: [ (200) x 6, 401 ]
--- upstream_requests: 6
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: (?i)sk_user_


=== TEST 2: a key that is alone in its part of the list is found and hidden
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 4 ]
--- more_headers eval
[
    ::headers(21, 21 => "X-Api-Key: $::Key{owner}"),
    ::headers(41, 41 => "X-Api-Key: $::Key{owner}"),
    ::headers(21, 21 => "X-Api-Key: $::Key{unknown}"),
    ::headers(61, 61 => "X-Api-Key: $::Key{owner}"),
]
--- error_code eval: [ 200, 200, 401, 200 ]
--- upstream_requests: 3
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: (?i)sk_user_


=== TEST 3: the key may be the first header of all
--- config eval: $::Guarded
--- redis eval: $::Seed
--- raw_request eval
"GET /v1/account HTTP/1.1\r\nX-Api-Key: $::Key{owner}\r\nHost: a\r\nConnection: close\r\n\r\n"
--- error_code: 200
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: (?i)sk_user_


=== TEST 4: two keys are refused, in one part of the list or in two
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 5 ]
--- more_headers eval
[
    ::headers(45, 3 => "X-Api-Key: $::Key{owner}", 4 => "X-Api-Key: $::Key{owner}"),
    ::headers(45, 20 => "X-Api-Key: $::Key{owner}", 21 => "x-api-key: $::Key{owner}"),
    ::headers(45, 3 => "X-Api-Key: $::Key{owner}", 45 => "X-API-KEY: $::Key{unknown}"),
    ::headers(45, 21 => "X-Api-Key: $::Key{owner}", 41 => "X-Api-Key:"),
    ::headers(45, 21 => "X-Api-Key: $::Key{owner}"),
]
--- error_code eval: [ (401) x 4, 200 ]
--- response_body eval: [ (::denied(401)) x 4, qr/"uri"/ ]
--- upstream_requests: 1
--- commandstats: hmget=1


=== TEST 5: all other headers arrive unchanged and in order
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval
::headers(65, 20 => "X-Api-Key: $::Key{owner}", 21 => 'X-Sendkit-Role: owner',
          41 => 'X-Sendkit-User-Id: u_admin')
--- upstream_like eval
"^Connection: close\\r\\n${\ ::fillers(3 .. 19, 22 .. 40, 42 .. 65) }\\r\\nX-Sendkit-Key-Type: "
--- upstream_identity eval: ::identity('owner')


=== TEST 6: empty, long and repeated headers of others arrive unchanged
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval
::with_key('X-Empty:', 'Accept: a/b', 'X-Long: ' . 'x' x 6000, 'Accept: c/d',
           'X-Api-Key-Id: 1', 'X-Api: 2', 'XX-Api-Key: 3', 'X-Sendkit: 4', 'X-Sendkits-Role: 5')
--- upstream_like eval
'^X-Empty: \r\nAccept: a/b\r\nX-Long: x{6000}\r\nAccept: c/d\r\nX-Api-Key-Id: 1\r\nX-Api: 2\r\n'
. 'XX-Api-Key: 3\r\nX-Sendkit: 4\r\nX-Sendkits-Role: 5\r\n'


=== TEST 7: identity headers of the client are replaced at any position
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/workspaces/w1') x 7 ]
--- more_headers eval
[
    map { ::headers(45, 5 => "X-Api-Key: $::Key{member}", $_ => 'X-Sendkit-Role: owner',
                    $_ + 1 => 'X-Sendkit-User-Id: u_owner') } 3, 19, 20, 21, 39, 40, 44
]
--- error_code eval: [ (200) x 7 ]
--- upstream_requests: 7
--- upstream_identity eval: ::identity('member', 'w1')
--- upstream_unlike: owner


=== TEST 8: identity headers that fill whole parts of the list are replaced
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request: GET /v1/workspaces/w1
--- more_headers eval
::headers(65, 3 => "X-Api-Key: $::Key{member}", map { $_ => 'X-Sendkit-Role: owner' } 21 .. 60)
--- upstream_identity eval: ::identity('member', 'w1')
--- upstream_like eval: ::fillers(4 .. 20, 61 .. 65)
--- upstream_unlike: owner


=== TEST 9: identity headers of the client are replaced in each case of letters
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request: GET /v1/workspaces/w1
--- more_headers eval
::with_key('x-sendkit-role: SPOOF', 'X-SENDKIT-USER-ID: SPOOF', 'X-Sendkit-Key-Id: SPOOF',
           'x-SendKit-Workspace-ID: SPOOF', 'X-sEnDkIt-KeY-tYpE: SPOOF', 'X-Sendkit-Role:')
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_unlike: SPOOF


=== TEST 10: a header that is not set here but has the prefix is removed, too
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/account', 'GET /v1/workspaces' ]
--- more_headers eval
[
    ::with_key('X-Sendkit-Foo: SPOOF', 'X-Sendkit-Role: SPOOF', 'X-Sendkit-Workspace-Id: SPOOF'),
    ::with_key('x-sendkit-x: SPOOF', 'X-Sendkit-Reason: SPOOF', 'X-Sendkit-Role: SPOOF'),
]
--- error_code eval: [ 200, 200 ]
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: SPOOF


=== TEST 11: with underscores in headers no spelling with them gets through
--- config eval: "underscores_in_headers on;\n$::Guarded"
--- redis eval: $::Seed
--- request: GET /v1/workspaces/w1
--- more_headers eval
::with_key('X_Sendkit_Role: SPOOF', 'x_sendkit-role: SPOOF', 'X-SENDKIT_ROLE: SPOOF',
           'X_Sendkit-User_Id: SPOOF', 'X-Sendkit_Foo: SPOOF', 'X_SENDKIT_KEY_ID: SPOOF',
           'X_Other_Header: kept')
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_like: ^X_Other_Header: kept\r$
--- upstream_unlike: SPOOF


=== TEST 12: with invalid headers allowed no spelling with other characters gets through
--- config eval: "ignore_invalid_headers off;\nunderscores_in_headers on;\n$::Guarded"
--- redis eval: $::Seed
--- request: GET /v1/workspaces/w1
--- more_headers eval
::with_key('X.Sendkit.Role: SPOOF', 'X-Sendkit.Role: SPOOF', 'X!SENDKIT~USER-ID: SPOOF',
           'x.sendkit_role: SPOOF', 'X-Sendkit-Role.: SPOOF', 'X*Sendkit-Key#Type: SPOOF',
           'X.Api.Key: SPOOF', 'X.Workspace.Id: SPOOF', 'X.Other: kept')
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_like: ^X\.Other: kept\r$
--- upstream_unlike: SPOOF


=== TEST 13: other spellings of X-Api-Key neither count nor get through
--- config eval: "ignore_invalid_headers off;\nunderscores_in_headers on;\n$::Guarded"
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 6 ]
--- more_headers eval
[
    "X_Api_Key: $::Key{owner}",
    "X-Api_Key: $::Key{owner}",
    "X.Api.Key: $::Key{owner}",
    "X_API_KEY: $::Key{owner}\nX-Api-Key: $::Key{unknown}",
    "X_API_KEY: $::Key{unknown}\nX-Api-Key: $::Key{owner}\nX.Api.Key: $::Key{admin}",
    ::headers(45, 21 => "X-Api-Key: $::Key{owner}", 41 => "X_Api_Key: $::Key{admin}"),
]
--- error_code eval: [ 401, 401, 401, 401, 200, 200 ]
--- response_body eval: [ (::denied(401)) x 4, (qr/"uri"/) x 2 ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: sk_user_
--- commandstats: hmget=3


=== TEST 14: without underscores in headers a twin is ignored, as nginx does
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 2 ]
--- more_headers eval
[
    "X_Api_Key: $::Key{owner}",
    "X_Api_Key: $::Key{unknown}\nX-Api-Key: $::Key{owner}\nX_Sendkit_Role: SPOOF",
]
--- error_code eval: [ 401, 200 ]
--- response_body eval: [ ::denied(401), qr/"uri"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: SPOOF


=== TEST 15: the case of letters in the name of the header does not matter
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 4 ]
--- more_headers eval
[ map { "$_: $::Key{owner}" } 'x-api-key', 'X-API-KEY', 'x-ApI-kEy', 'X-API-Keys' ]
--- error_code eval: [ 200, 200, 200, 401 ]
--- upstream_requests: 3
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: sk_user_


=== TEST 16: a refused request leaves nothing behind for the next on its connection
--- config eval: $::Guarded
--- redis eval: $::Seed
--- pipelined_requests eval: [ ('GET /v1/account') x 4 ]
--- more_headers eval
[
    "X-Api-Key: $::Key{unknown}\nX-Sendkit-User-Id: SPOOF",
    "X-Api-Key: $::Key{owner}",
    'X-Sendkit-User-Id: u_owner',
    "X-Api-Key: $::Key{owner}\nX-Sendkit-User-Id: SPOOF",
]
--- error_code eval: [ 401, 200, 401, 200 ]
--- response_body eval: [ ::denied(401), qr/"uri"/, ::denied(401), qr/"uri"/ ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: SPOOF


=== TEST 17: "Connection" cannot name a header away, neither the key nor the identity
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 3 ]
--- more_headers eval
[
    ::with_key('Connection: close, X-Api-Key'),
    ::with_key('Connection: close, X-Sendkit-User-Id, X-Sendkit-Key-Type, X-Sendkit-Key-Id'),
    'Connection: close, X-Api-Key',
]
--- error_code eval: [ 200, 200, 401 ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner')
--- upstream_like: ^Connection: close\r$
--- upstream_unlike: sk_user_


=== TEST 18: a key that comes in two packets is one key
--- config eval: $::Guarded
--- redis eval: $::Seed
--- raw_request eval
[
    "GET /v1/account HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Api-Key: "
        . substr($::Key{owner}, 0, 12),
    substr($::Key{owner}, 12) . "\r\n\r\n"
]
--- raw_request_middle_delay: 0.05
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')


=== TEST 19: headers that come byte by byte are the same headers
--- config eval: $::Guarded
--- redis eval: $::Seed
--- raw_request eval
[
    split //, "GET /v1/account HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
              . "X-Sendkit-Role: SPOOF\r\nX-Api-Key: $::Key{owner}\r\n\r\n"
]
--- raw_request_middle_delay: 0.001
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: SPOOF


=== TEST 20: a key that nginx moves to a larger buffer half-read is one key
--- config eval: $::Guarded
--- redis eval: $::Seed
--- raw_request eval
my $fill = 'X-Fill: ' . 'x' x (1024 - 120) . "\r\n";
[
    "GET /v1/account HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fill}X-Api-Key: "
        . substr($::Key{owner}, 0, 12),
    substr($::Key{owner}, 12) . "\r\nX-Fill: " . ('y' x 2000) . "\r\n\r\n"
]
--- raw_request_middle_delay: 0.05
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: sk_user_


=== TEST 21: a key cut short by the end of a packet is not taken for a key
--- config eval: $::Guarded
--- redis eval
[ @$::Seed, ::record(substr($::Key{owner}, 0, -1), type => 'platform', user => 'u_admin') ]
--- raw_request eval
[
    "GET /v1/account HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Api-Key: "
        . substr($::Key{owner}, 0, -1),
    substr($::Key{owner}, -1) . "\r\n\r\n"
]
--- raw_request_middle_delay: 0.05
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')


=== TEST 22: cookies, forwarded addresses and body headers arrive as they came
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request
POST /v1/workspaces/w1/api-key
{"a": 1}
--- more_headers eval
::with_key('Cookie: a=1', 'X-Forwarded-For: 192.0.2.1', 'Cookie: b=2', 'Content-Type: text/x',
           'X-Forwarded-For: 192.0.2.2')
--- response_body_like: "body_bytes":8
--- upstream_like eval
'^Content-Length: 8\r\n(?:.*\r\n)*Cookie: a=1\r\nX-Forwarded-For: 192.0.2.1\r\nCookie: b=2\r\n'
. 'Content-Type: text/x\r\nX-Forwarded-For: 192.0.2.2\r\n'
--- upstream_identity eval: ::identity('owner', 'w1')


=== TEST 23: what nginx remembers of the headers still is good memory
--- config eval
my $guarded = $::Guarded =~ s/proxy_pass/
        proxy_set_header  Host             \$http_host;
        proxy_set_header  X-Forwarded-For  \$proxy_add_x_forwarded_for;
        proxy_set_header  X-Cookie         "\$http_cookie|\$cookie_b";
        proxy_set_header  X-Agent          \$http_user_agent;
        proxy_pass/r;
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval
::headers(50, 22 => "X-Api-Key: $::Key{owner}", 3 => 'X-Sendkit-Role: SPOOF', 4 => 'Cookie: a=1',
          5 => 'X-Forwarded-For: 192.0.2.1', 23 => 'Cookie: b=2', 43 => 'User-Agent: agent/1',
          44 => 'X-Forwarded-For: 192.0.2.2')
--- upstream_like eval
'^Host: localhost\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.2, 127.0.0.1\r\n'
. 'X-Cookie: a=1; b=2\|2\r\nX-Agent: agent/1\r\n'
--- upstream_identity eval: ::identity('owner')


=== TEST 24: nginx itself sees the new headers and not the credential
--- config eval
$::Guarded =~ s/proxy_pass/
        sendkit_auth_bearer on;
        proxy_set_header  X-Seen  "\$http_x_api_key|\$http_authorization|\$http_x_sendkit_user_id|";
        proxy_pass/r;
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval
::with_key("Authorization: Bearer $::Key{owner}", 'X-Sendkit-User-Id: SPOOF')
--- upstream_like: ^X-Seen: \|\|u_owner\|\r$
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: sk_user_


=== TEST 25: a key in "Authorization" is hidden, another scheme there is not
--- config eval: $::Guarded =~ s/proxy_pass/sendkit_auth_bearer on; proxy_pass/r
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 3 ]
--- more_headers eval
[
    "X-Other: Basic kept\nAuthorization: Bearer $::Key{owner}",
    ::headers(45, 41 => "authorization: bearer $::Key{owner}", 21 => 'X-Other: Basic kept'),
    ::with_key('Authorization: Basic kept'),
]
--- error_code eval: [ 200, 200, 200 ]
--- upstream_identity eval: ::identity('owner')
--- upstream_like: : Basic kept\r$
--- upstream_unlike: sk_user_


=== TEST 26: without sendkit_auth_bearer "Authorization" is the backend's
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 2 ]
--- more_headers eval
[ "Authorization: Bearer $::Key{owner}", ::with_key('Authorization: Bearer another') ]
--- error_code eval: [ 401, 200 ]
--- response_body eval: [ ::denied(401), qr/"uri"/ ]
--- upstream_requests: 1
--- upstream_like: ^Authorization: Bearer another\r$


=== TEST 27: sendkit_auth_hide_credentials off keeps just the one that was checked
--- config eval
"ignore_invalid_headers off;\nunderscores_in_headers on;\n"
. $::Guarded =~ s/proxy_pass/sendkit_auth_hide_credentials off; proxy_pass/r
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 3 ]
--- more_headers eval
[
    ::with_key(),
    ::with_key("X_Api_Key: $::Key{admin}", "X.Api.Key: $::Key{admin}", 'X-Sendkit-Role: SPOOF'),
    ::headers(45, 21 => "X_API_KEY: $::Key{admin}", 41 => "X-Api-Key: $::Key{owner}",
              45 => "x-api_key: $::Key{admin}"),
]
--- error_code eval: [ 200, 200, 200 ]
--- upstream_identity eval: ::identity('owner')
--- upstream_like eval: "^X-Api-Key: $::Key{owner}\\r\$"
--- upstream_unlike eval: "$::Key{admin}|SPOOF"


=== TEST 28: headers that override method or target do not reach the backend
--- config eval: "underscores_in_headers on;\n$::Guarded"
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval
::with_key('X-Original-URL: OVERRIDE', 'X-Rewrite-URL: OVERRIDE', 'X-HTTP-Method: OVERRIDE',
           'X-HTTP-Method-Override: OVERRIDE', 'X-Method-Override: OVERRIDE',
           'x_original_url: OVERRIDE', 'X_Http_Method_Override: OVERRIDE', 'X-Original: kept')
--- upstream_identity eval: ::identity('owner')
--- upstream_like: ^X-Original: kept\r$
--- upstream_unlike: OVERRIDE


=== TEST 29: headers that override method or target do not change the decision
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ 'DELETE /v1/workspaces/w1', 'PUT /v1/account', 'GET /v1/account' ]
--- more_headers eval
[
    "X-Api-Key: $::Key{admin}\nX-HTTP-Method-Override: GET\nX-Original-URL: /v1/account",
    "X-Api-Key: $::Key{owner}\nX-HTTP-Method-Override: GET\nX-Method-Override: GET",
    "X-Api-Key: $::Key{owner}\nX-HTTP-Method: PUT\nX-Rewrite-URL: /v1/workspaces/w1",
]
--- error_code eval: [ 403, 405, 200 ]
--- response_body eval: [ ::denied(403), ::denied(405), qr/"method":"GET"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')


=== TEST 30: X-Workspace-Id arrives where the route goes by it, and nowhere else
--- config eval: "underscores_in_headers on;\n$::Guarded"
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/leads', 'GET /v1/workspaces/w1', 'GET /v1/account' ]
--- more_headers eval
[
    ::with_key('X-Workspace-Id: w1'),
    ::with_key('X-Workspace-Id: w2', 'X_Workspace_Id: w2'),
    ::with_key('X-Workspace-Id: w2'),
]
--- error_code eval: [ 200, 200, 200 ]
--- response_body eval
[ qr/"X-Workspace-Id":\["w1"\]/, qr/^(?!.*"X.Workspace)/, qr/^(?!.*"X.Workspace)/ ]
--- upstream_unlike: w2


=== TEST 31: a second X-Workspace-Id, in any spelling, is refused
--- config eval: "ignore_invalid_headers off;\nunderscores_in_headers on;\n$::Guarded"
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/leads') x 5 ]
--- more_headers eval
[
    ::with_key('X-Workspace-Id: w1', 'X-Workspace-Id: w1'),
    ::with_key('X-Workspace-Id: w1', 'X_Workspace_Id: w2'),
    ::headers(45, 20 => "X-Api-Key: $::Key{owner}", 21 => 'X-Workspace-Id: w1',
              41 => 'X.Workspace.Id: w2'),
    ::with_key('X_Workspace_Id: w1'),
    ::with_key('X-Workspace-Id: w1'),
]
--- error_code eval: [ 400, 400, 400, 400, 200 ]
--- response_body eval: [ (::denied(400)) x 4, qr/"uri"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')


=== TEST 32: a preflight is forwarded with neither identity nor credential
--- config eval
"underscores_in_headers on;\n" . $::Guarded =~ s/proxy_pass/sendkit_auth_preflight on; proxy_pass/r
--- redis eval: $::Seed
--- request: OPTIONS /v1/account
--- more_headers eval
::headers(45, 3 => 'Origin: http://a', 21 => 'Access-Control-Request-Method: GET',
          20 => 'X-Sendkit-Role: SPOOF', 22 => "X-Api-Key: $::Key{owner}",
          41 => 'x_sendkit_user_id: SPOOF', 45 => 'X-Workspace-Id: SPOOF')
--- upstream_requests: 1
--- upstream_identity: none
--- upstream_unlike: SPOOF|sk_user_
--- commandstats: none


=== TEST 33: with sendkit_auth report the client's identity headers are removed, too
--- config eval
"underscores_in_headers on;\n" . $::Guarded =~ s/sendkit_auth +on/sendkit_auth report/r
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 3 ]
--- more_headers eval
[
    ::headers(45, 21 => 'X-Sendkit-Role: SPOOF', 41 => 'X_Sendkit_User_Id: SPOOF'),
    "X-Api-Key: $::Key{unknown}\nX-Sendkit-User-Id: SPOOF",
    "X-Api-Key: $::Key{unknown}",
]
--- error_code eval: [ 200, 200, 200 ]
--- upstream_requests: 3
--- upstream_identity: none
--- upstream_unlike: SPOOF


=== TEST 34: a location that is not guarded gets what the client sent
--- config
underscores_in_headers on;
location /open/ {
    proxy_pass http://backend;
}
--- request: GET /open/a
--- more_headers eval: ::with_key('X-Sendkit-Role: client', 'X_Sendkit_Role: client')
--- upstream_identity
X-Sendkit-Role: client
X_Sendkit_Role: client
--- upstream_like: ^X-Api-Key: sk_user_owner-0123456789abcdef\r$


=== TEST 35: proxy_set_header can replace an identity header, and still it is sent once
--- config eval
$::Guarded =~ s!proxy_pass!
        proxy_set_header  X-Sendkit-Role     "";
        proxy_set_header  X-Sendkit-User-Id  "user \$http_x_sendkit_user_id";
        proxy_pass!r
--- redis eval: $::Seed
--- request: GET /v1/workspaces/w1
--- more_headers eval: ::with_key('X-Sendkit-Role: SPOOF', 'X-Sendkit-User-Id: SPOOF')
--- upstream_identity eval
::identity('owner', 'w1') =~ s/^X-Sendkit-Role.*\n//mr =~ s/u_owner/user u_owner/r
--- upstream_unlike: SPOOF
