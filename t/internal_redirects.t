# Copyright (C) the ngx_sendkit_auth_module authors
#
# A request that nginx sends on to another location is decided again there,
# for it is another request by then: another route, another workspace.  Who
# asks does not change, so Redis is asked about the key once.  nginx clears
# the contexts of modules on the way.
#
# Fails if ngx_sendkit_auth_ctx_find() does not find the context again, if
# ngx_sendkit_auth_access_start() keeps the decision or a role that was read
# for another workspace, if the headers are read once more from what
# ngx_sendkit_auth_headers_forward() has left.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::Seed;

our $Open = "location /open/ { proxy_pass http://backend; }\n";

# A location that is not guarded, and one that is, whose backend sends on to
# the place that the argument says.

our $Accel = $Guarded . <<'END';
    location /accel/ {
        proxy_pass http://backend/?upstream_header=X-Accel-Redirect:$arg_to;
    }

    location /v1/leads {
        sendkit_auth  on;
        sendkit_auth_route * /v1/leads keys=any roles=any workspace=header;
        proxy_pass http://backend/?upstream_header=X-Accel-Redirect:$arg_to;
    }
END

our @Accel = map { "GET /accel/?to=$_" }
                 '/v1/workspaces/w1', '/v1/account',
                 '/v1/workspaces/w2/api-key/rotate';

run_tests();

__DATA__

=== TEST 1: try_files sends on to a named location that is guarded, too
--- config eval
$::Guarded =~ s!proxy_pass.*!try_files /none \@backend;!r
. $::Guarded =~ s!location /v1/!location \@backend!r
--- redis eval: $::Seed
--- request eval: [ ('POST /v1/workspaces/w1/api-key') x 4 ]
--- more_headers eval
[ map { "X-Api-Key: $::Key{$_}\nX-Sendkit-Role: SPOOF" } 'member', 'owner', 'workspace', 'owner' ]
--- error_code eval: [ 403, 200, 403, 200 ]
--- response_body eval: [ ::denied(403), qr/"uri"/, ::denied(403), qr/"uri"/ ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_unlike: SPOOF|sk_user_
--- commandstats: hmget=3 hget=3


=== TEST 2: what try_files sends on to a named location without the gate keeps its identity
--- config eval
$::Guarded =~ s!proxy_pass.*!try_files /none \@backend;!r
. "location \@backend { proxy_pass http://backend; }"
--- redis eval: $::Seed
--- request eval: [ ('POST /v1/workspaces/w1/api-key') x 3 ]
--- more_headers eval
[ map { "X-Api-Key: $::Key{$_}\nX-Sendkit-Role: SPOOF" } 'owner', 'member', 'owner' ]
--- error_code eval: [ 200, 403, 200 ]
--- response_body eval: [ qr/"uri"/, ::denied(403), qr/"uri"/ ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_unlike: SPOOF|sk_user_
--- commandstats: hmget=3 hget=3


=== TEST 3: try_files of an open location leads to a guarded one through the gate
--- config eval: "location /files/ { try_files /none /v1/workspaces/w1; }\n$::Guarded"
--- redis eval: $::Seed
--- request eval: [ ('GET /files/a') x 4 ]
--- more_headers eval
[ '', map { "X-Api-Key: $::Key{$_}\nX-Sendkit-Role: SPOOF" } 'stranger', 'owner', 'unknown' ]
--- error_code eval: [ 401, 403, 200, 401 ]
--- response_body eval: [ ::denied(401), ::denied(403), qr/"uri"/, ::denied(401) ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')
--- commandstats: hmget=3 hget=2


=== TEST 4: a named location that is guarded refuses what comes from an open one
--- config eval
"location /files/ { try_files /none \@backend; }\n"
. $::Guarded =~ s!location /v1/!location \@backend!r =~ s!include.*!sendkit_auth_route
    * /files/a keys=platform;!r
--- redis eval: $::Seed
--- request eval: [ 'GET /files/a', 'GET /files/a', 'GET /files/b', 'GET /files/a' ]
--- more_headers eval: [ '', map { "X-Api-Key: $::Key{$_}" } 'workspace', 'owner', 'owner' ]
--- error_code eval: [ 401, 403, 404, 200 ]
--- response_body eval: [ ::denied(401), ::denied(403), ::denied(404), qr/"uri"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')


=== TEST 5: X-Accel-Redirect leads from an open location into a guarded one through the gate
--- config eval: $::Accel
--- redis eval: $::Seed
--- request eval: [ (@::Accel) x 2 ]
--- more_headers eval
[ ('X-Sendkit-Role: SPOOF') x 3, ("X-Api-Key: $::Key{owner}\nX-Sendkit-Role: SPOOF") x 3 ]
--- response_body eval
[
    (::denied(401)) x 2, ::denied(405), qr/"X-Sendkit-Role":\["owner"\].*w1/,
    qr!"uri":"/v1/account"!, ::denied(405)
]
--- error_code eval: [ 401, 401, 405, 200, 200, 405 ]
--- upstream_requests: 8
--- commandstats: hmget=2 hget=1


=== TEST 6: X-Accel-Redirect to another workspace has the role looked up there
--- config eval: $::Accel
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/leads?to=/v1/workspaces/w2') x 3 ]
--- more_headers eval
[ map { "X-Workspace-Id: w1\nX-Api-Key: $::Key{$_}" } 'owner', 'admin', 'workspace' ]
--- error_code eval: [ 200, 403, 403 ]
--- response_body eval
[
    qr/"X-Sendkit-Role":\["member"\],"X-Sendkit-User-Id":\["u_owner"\],.*"w2"/,
    ::denied(403), ::denied(403)
]
--- upstream_requests: 4
--- upstream_unlike: sk_
--- commandstats: hmget=3 hget=4


=== TEST 7: X-Accel-Redirect to the same workspace has nothing looked up again
--- config eval: $::Accel
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/leads?to=/v1/workspaces/w1') x 3 ]
--- more_headers eval
[ map { "X-Workspace-Id: w1\nX-Api-Key: $::Key{$_}" } 'owner', 'workspace', 'owner' ]
--- error_code eval: [ 200, 200, 200 ]
--- response_body eval
[
    qr/"X-Sendkit-Role":\["owner"\],.*"X-Sendkit-Workspace-Id":\["w1"\]/,
    qr/"X-Sendkit-Key-Type":\["workspace"\],"X-Sendkit-Workspace-Id":\["w1"\]/,
    qr/"X-Sendkit-Role":\["owner"\],.*"X-Sendkit-Workspace-Id":\["w1"\]/
]
--- upstream_requests: 6
--- commandstats: hmget=3 hget=2


=== TEST 8: X-Accel-Redirect to a route without a workspace takes the role away
--- config eval: $::Accel
--- redis eval: $::Seed
--- request: GET /v1/leads?to=/v1/account
--- more_headers eval: "X-Workspace-Id: w1\nX-Api-Key: $::Key{owner}"
--- response_body_like eval: '"headers":\{(?!.*(?:Role|Workspace)).*u_owner.*"uri":"/v1/account"'
--- upstream_requests: 2
--- commandstats: hmget=1 hget=1


=== TEST 9: X-Accel-Redirect keeps the route's own rules of keys and methods
--- config eval: $::Accel
--- redis eval: $::Seed
--- request eval
[
    'GET /v1/leads?to=/v1/account',
    'GET /v1/leads?to=/v1/workspaces/w1/api-key/rotate',
    'GET /v1/leads?to=/v1/workspaces/w1'
]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 403, 405, 200 ]
--- response_body eval: [ ::denied(403), ::denied(405), qr/"uri"/ ]
--- upstream_requests: 4
--- commandstats: hmget=3


=== TEST 10: a path with two readings is refused also as the target of a redirect
--- config eval: $::Accel
--- redis eval: $::Seed
--- request eval
[
    map { "GET /accel/?to=$_" }
        '/v1//account', '/v1/./account', '/v1/account%253fa', '/v1/acc%20ount', '/v1/account'
]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 400, 400, 400, 400, 200 ]
--- response_body eval: [ (::denied(400)) x 4, qr!"uri":"/v1/account"! ]
--- upstream_requests: 6


=== TEST 11: X-Accel-Redirect out of a guarded location takes the identity along
--- config eval: "$::Open$::Accel"
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/leads?to=/open/a') x 2 ]
--- more_headers eval
[ map { "X-Workspace-Id: w1\nX-Sendkit-Foo: SPOOF\nX-Api-Key: $::Key{$_}" } 'owner', 'stranger' ]
--- error_code eval: [ 200, 403 ]
--- response_body eval: [ qr!"uri":"/open/a"!, ::denied(403) ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_unlike: SPOOF|sk_user_


=== TEST 12: X-Accel-Redirect to a named location that is guarded is decided there
--- config eval
"location \@guarded { sendkit_auth on; sendkit_auth_route GET /v1/leads keys=workspace;"
. " proxy_pass http://backend; }\n$::Accel"
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/leads?to=@guarded') x 2 ]
--- more_headers eval
[ map { "X-Workspace-Id: w1\nX-Api-Key: $::Key{$_}" } 'owner', 'workspace' ]
--- error_code eval: [ 403, 200 ]
--- response_body eval: [ ::denied(403), qr/"X-Sendkit-Key-Type":\["workspace"\]/ ]
--- upstream_requests: 3
--- commandstats: hmget=2 hget=1


=== TEST 13: an index file is decided by its own name
--- config
location /files/ {
    root                html;
    index               index.html;
    sendkit_auth        on;
    sendkit_auth_route  GET /files/ keys=any;
    sendkit_auth_route  GET /files/index.html keys=workspace;
}
location /open/ {
    alias  html/files/;
    index  /files/index.html;
}
--- user_files
>>> files/index.html
the index
--- redis eval: $::Seed
--- request eval: [ 'GET /files/', 'GET /files/', 'GET /files/', 'GET /open/', 'GET /open/' ]
--- more_headers eval
[ '', map { "X-Api-Key: $::Key{$_}" } 'owner', 'workspace', 'owner', 'workspace' ]
--- error_code eval: [ 401, 403, 200, 403, 200 ]
--- response_body eval
[ ::denied(401), ::denied(403), "the index\n", ::denied(403), "the index\n" ]
--- commandstats: hmget=3


=== TEST 14: an error page that leads into a guarded location goes through the gate
--- config eval
"location /missing/ { error_page 404 = /v1/workspaces/w1; root html; }\n$::Guarded"
--- redis eval: $::Seed
--- request eval: [ ('GET /missing/a') x 4 ]
--- more_headers eval
[ '', map { "X-Api-Key: $::Key{$_}\nX-Sendkit-Role: SPOOF" } 'stranger', 'owner', 'unknown' ]
--- error_code eval: [ 401, 403, 200, 401 ]
--- response_body eval: [ ::denied(401), ::denied(403), qr/"uri"/, ::denied(401) ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_unlike: SPOOF|sk_user_
--- commandstats: hmget=3 hget=2


=== TEST 15: an error page of a guarded location for an error of its backend is decided again
--- config eval
$::Guarded =~ s!proxy_pass!
    proxy_intercept_errors on; error_page 404 = /v1/workspaces/w2; proxy_pass!r
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/workspaces/w1?upstream_status=404') x 2 ]
--- more_headers eval: [ map { "X-Api-Key: $::Key{$_}" } 'owner', 'admin' ]
--- error_code eval: [ 200, 403 ]
--- response_body eval: [ qr/"X-Sendkit-Role":\["member"\].*\["w2"\]/, ::denied(403) ]
--- upstream_requests: 3
--- commandstats: hmget=2 hget=4


=== TEST 16: a header that is removed on the way is not read a second time
--- config eval: $::Accel
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/leads?to=/v1/campaigns') x 3 ]
--- more_headers eval
[
    "X-Workspace-Id: w1\nX-Api-Key: $::Key{owner}",
    "X-Workspace-Id: w1\nX-Workspace-Id: w2\nX-Api-Key: $::Key{owner}",
    "X-Workspace-Id: w2\nX-Api-Key: $::Key{owner}",
]
--- error_code eval: [ 200, 400, 200 ]
--- response_body eval
[
    qr/"X-Sendkit-Role":\["owner"\].*"X-Workspace-Id":\["w1"\]/, ::denied(400),
    qr/"X-Sendkit-Role":\["member"\].*"X-Workspace-Id":\["w2"\]/
]
--- upstream_requests: 4
--- commandstats: hmget=3 hget=2


=== TEST 17: the workspace that the client asked for holds after a route by path, too
--- config eval
$::Accel . "location /v1/workspaces/ { sendkit_auth on;"
. " include $::Top/conf/sendkit_v1_routes.conf;"
. ' proxy_pass http://backend/?upstream_header=X-Accel-Redirect:$arg_to; }'
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/workspaces/w1?to=/v1/campaigns') x 2 ]
--- more_headers eval
[
    "X-Workspace-Id: w2\nX-Api-Key: $::Key{owner}",
    "X-Api-Key: $::Key{owner}",
]
--- error_code eval: [ 200, 400 ]
--- response_body eval
[ qr/"X-Sendkit-Role":\["member"\].*"X-Sendkit-Workspace-Id":\["w2"\]/, ::denied(400) ]
--- upstream_requests: 3
--- commandstats: hmget=2 hget=3


=== TEST 18: a redirect into a guarded location keeps its own error format
--- config eval
"sendkit_auth_error_format envelope;\n"
. "location /files/ { sendkit_auth_error_format flat; try_files /none /v1/account; }\n$::Guarded"
--- redis eval: $::Seed
--- request eval: [ 'GET /files/a', 'GET /v1/account' ]
--- error_code eval: [ 401, 401 ]
--- response_body eval
[
    ('{"success":false,"error":{"code":"UNAUTHORIZED",'
     . '"message":"A valid API key is required"}}') x 2
]
--- upstream: none


=== TEST 19: with sendkit_auth off in between the identity is known and decided again
--- config eval
$::Accel . 'location /mid/ { proxy_pass http://backend/?upstream_header=X-Accel-Redirect:$arg_to; }'
--- redis eval: $::Seed
--- request eval
[ map { "GET /v1/leads?to=/mid/%3Fto%3D$_" } '/v1/workspaces/w2', '/v1/workspaces/w1' ]
--- more_headers eval: "X-Workspace-Id: w1\nX-Api-Key: $::Key{admin}"
--- error_code eval: [ 403, 200 ]
--- response_body eval: [ ::denied(403), qr/"X-Sendkit-Role":\["admin"\].*\["w1"\]/ ]
--- upstream_requests: 5
--- upstream_unlike: sk_user_
--- commandstats: hmget=2 hget=3


=== TEST 20: a denial has none of the headers of the answer that led to it
--- config eval
$::Guarded . 'location /accel/ { proxy_pass http://backend; }'
--- redis eval: $::Seed
--- request eval
[
    ('GET /accel/?upstream_header=X-Accel-Redirect:/v1/account&upstream_header=Set-Cookie:a'
     . '&upstream_header=Cache-Control:public&upstream_header=Content-Disposition:a'
     . '&upstream_header=Expires:0') x 2
]
--- more_headers eval: [ '', "X-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 401, 200 ]
--- response_body eval: [ ::denied(401), qr!"uri":"/v1/account"! ]
--- raw_response_headers_unlike eval: [ 'Set-Cookie|public|Disposition|Expires', '401' ]
--- raw_response_headers_like eval
[ 'Content-Type: application/json\r\n(?s).*Cache-Control: no-store\r\n', 'Set-Cookie: a' ]
--- upstream_requests: 3
