# Copyright (C) the ngx_sendkit_auth_module authors
#
# Where the gate stands: nginx finds a request's location by prefix, regular
# expression and "if", nests locations, and runs other modules in the same
# phase.  Wherever sendkit_auth is on, on its own level or above, a request has
# to pass it; where it is off, or where nginx has answered before, it is not
# asked.
#
# Fails if ngx_sendkit_auth_merge_loc_conf() does not inherit the mode or the
# routes, if the handler is not in the access phase or returns NGX_OK where
# other modules have their say, if _conf_check() lets "satisfy any" pass.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::Seed;

our $Routes = "sendkit_auth on;\ninclude $Top/conf/sendkit_v1_routes.conf;\n";
our $Proxy = 'proxy_pass http://backend;';

# With a file of passwords in $Html.

our $Html = Test::Nginx::Util::html_dir();

# A refusal, a forward, a refusal of a route that the key is not for.

our $Requests = [ ('GET /v1/account') x 3 ];
our $Headers = [ map { defined ? "X-Api-Key: $_" : '' }
                 undef, @Key{qw( owner workspace )} ];
our $Codes = [ 401, 200, 403 ];
our $Bodies = [ denied(401), qr/"uri"/, denied(403) ];

run_tests();

__DATA__

=== TEST 1: the gate of a server stands before all its locations
--- config eval
"$::Routes location /v1/ { $::Proxy } location = /v1/leads { $::Proxy }
 location ~ ^/v1/camp { $::Proxy }"
--- redis eval: $::Seed
--- request eval: [ map { ("GET /v1/$_") x 2 } 'account', 'leads', 'campaigns' ]
--- more_headers eval: [ ('', "X-Api-Key: $::Key{owner}\nX-Workspace-Id: w1") x 3 ]
--- error_code eval: [ (401, 200) x 3 ]
--- response_body eval: [ (::denied(401), qr/"uri"/) x 3 ]
--- upstream_requests: 3


=== TEST 2: a location with sendkit_auth off is open in a server with it on
--- config eval
"$::Routes location /v1/ { $::Proxy } location = /health { sendkit_auth off; $::Proxy }
 location /v1/public/ { sendkit_auth off; $::Proxy }"
--- redis eval: $::Seed
--- request eval: [ 'GET /health', 'GET /v1/public/a', 'GET /v1/account', 'GET /health/a' ]
--- error_code eval: [ 200, 200, 401, 404 ]
--- response_body eval: [ qr/"uri"/, qr/"uri"/, ::denied(401), ::denied(404) ]
--- upstream_requests: 2
--- commandstats: none


=== TEST 3: the gate of the http level stands before all its servers
--- more_http_config eval: $::Routes
--- config eval: "location /v1/ { $::Proxy } location /open/ { sendkit_auth off; $::Proxy }"
--- redis eval: $::Seed
--- request eval: [ @$::Requests, 'GET /open/a' ]
--- more_headers eval: [ @$::Headers, '' ]
--- error_code eval: [ @$::Codes, 200 ]
--- response_body eval: [ @$::Bodies, qr/"uri"/ ]
--- upstream_requests: 2


=== TEST 4: a regular expression as location is guarded by its own setting
--- config eval
"location ~ ^/v1/acc { $::Routes $::Proxy } location ~ ^/v1/o { $::Proxy }"
--- redis eval: $::Seed
--- request eval: [ @$::Requests, 'GET /v1/open' ]
--- more_headers eval: [ @$::Headers, '' ]
--- error_code eval: [ @$::Codes, 200 ]
--- response_body eval: [ @$::Bodies, qr/"uri"/ ]
--- upstream_requests: 2


=== TEST 5: an exact location is guarded by its own setting
--- config eval
"location = /v1/account { $::Routes $::Proxy } location /v1/ { $::Proxy }"
--- redis eval: $::Seed
--- request eval: [ @$::Requests, 'GET /v1/account/a' ]
--- more_headers eval: [ @$::Headers, '' ]
--- error_code eval: [ @$::Codes, 200 ]
--- response_body eval: [ @$::Bodies, qr/"uri"/ ]
--- upstream_requests: 2


=== TEST 6: a nested location inherits the gate and its routes
--- config eval
"location /v1/ {
    $::Routes
    location /v1/account { location ~ account { $::Proxy } }
    location /v1/open/ { sendkit_auth off; $::Proxy }
}"
--- redis eval: $::Seed
--- request eval: [ @$::Requests, 'GET /v1/open/a' ]
--- more_headers eval: [ @$::Headers, '' ]
--- error_code eval: [ @$::Codes, 200 ]
--- response_body eval: [ @$::Bodies, qr/"uri"/ ]
--- upstream_requests: 2


=== TEST 7: routes of a nested location replace those of its parent
--- config eval
"location /v1/ {
    $::Routes
    $::Proxy
    location /v1/account { sendkit_auth_route GET /v1/account keys=workspace; $::Proxy }
}"
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 2, 'PATCH /v1/account', ('GET /v1/workspaces') x 2 ]
--- more_headers eval
[ map { $_ ? "X-Api-Key: $::Key{$_}" : '' } 'owner', 'workspace', 'workspace', '', 'owner' ]
--- error_code eval: [ 403, 200, 405, 401, 200 ]
--- response_body eval: [ ::denied(403), qr/"uri"/, ::denied(405), ::denied(401), qr/"uri"/ ]
--- upstream_requests: 2


=== TEST 8: "if" changes nothing about the gate
--- config eval
$::Guarded =~ s!proxy_pass!
    if (\$arg_if) { add_header X-If yes; }
    if (\$arg_proxy) { proxy_pass http://backend; }
    if (\$request_method = POST) { set \$x 1; }
    proxy_pass!r
--- redis eval: $::Seed
--- request eval: [ map { ("GET /v1/account?$_") x 3 } 'if=1', 'proxy=1', 'none=1' ]
--- more_headers eval: [ (@$::Headers) x 3 ]
--- error_code eval: [ (@$::Codes) x 3 ]
--- response_body eval: [ (@$::Bodies) x 3 ]
--- upstream_requests: 3
--- upstream_identity eval: ::identity('owner')


=== TEST 9: limit_except can switch the gate on for the other methods
--- config eval
"location /v1/ {
    include $::Top/conf/sendkit_v1_routes.conf;
    limit_except GET { sendkit_auth on; }
    $::Proxy
}"
--- redis eval: $::Seed
--- request eval
[ 'POST /v1/workspaces', 'GET /v1/workspaces', 'HEAD /v1/workspaces', 'POST /v1/workspaces' ]
--- more_headers eval: [ '', '', '', "X-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 401, 200, 200, 200 ]
--- response_body eval: [ ::denied(401), qr/"uri"/, '', qr/"uri"/ ]
--- upstream_requests: 3


=== TEST 10: limit_except can switch the gate off for the other methods
--- config eval
"location /v1/ {
    $::Routes
    limit_except POST DELETE { sendkit_auth off; }
    $::Proxy
}"
--- redis eval: $::Seed
--- request eval: [ 'POST /v1/workspaces', 'GET /v1/workspaces', 'POST /v1/workspaces' ]
--- more_headers eval: [ '', '', "X-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 401, 200, 200 ]
--- response_body eval: [ ::denied(401), qr/"uri"/, qr/"uri"/ ]
--- upstream_requests: 2


=== TEST 11: limit_except with "deny" refuses what the gate allows
--- config eval: $::Guarded =~ s!proxy_pass!limit_except GET { deny all; } proxy_pass!r
--- redis eval: $::Seed
--- request eval: [ 'POST /v1/workspaces', 'POST /v1/workspaces', 'GET /v1/workspaces' ]
--- more_headers eval: [ '', ("X-Api-Key: $::Key{owner}") x 2 ]
--- error_code eval: [ 401, 403, 200 ]
--- response_body eval: [ ::denied(401), qr/<html>/, qr/"uri"/ ]
--- upstream_requests: 1


=== TEST 12: "return" answers before the gate, and no backend is asked
--- config eval
$::Guarded =~ s!proxy_pass!if (\$arg_return) { return 200 "returned"; } proxy_pass!r
. 'location = /v1/returned { sendkit_auth on; sendkit_auth_route GET /v1/a; return 204; }'
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/account?return=1', 'GET /v1/returned', 'GET /v1/account' ]
--- error_code eval: [ 200, 204, 401 ]
--- response_body eval: [ 'returned', '', ::denied(401) ]
--- upstream: none
--- commandstats: none


=== TEST 13: what "rewrite" makes of a path is what is decided about
--- config eval
"location /old/ { rewrite ^/old/(.*) /v1/\$1 last; }\n"
. $::Guarded =~ s!proxy_pass!rewrite ^/v1/me\$ /v1/account break; proxy_pass!r
--- redis eval: $::Seed
--- request eval
[
    'GET /old/workspaces/w1', 'GET /old/workspaces/w1', 'POST /old/workspaces/w1/api-key',
    'GET /v1/me', 'GET /v1/me', 'GET /old//account', 'GET /old/%61ccount'
]
--- more_headers eval
[ map { $_ ? "X-Api-Key: $::Key{$_}" : '' } '', 'owner', 'member', 'workspace', ('owner') x 3 ]
--- error_code eval: [ 401, 200, 403, 403, 200, 400, 400 ]
--- response_body eval
[
    ::denied(401), qr!"uri":"/v1/workspaces/w1"!, ::denied(403), ::denied(403),
    qr!"uri":"/v1/account"!, ::denied(400), ::denied(400)
]
--- upstream_requests: 2


=== TEST 14: a file is served only through the gate
--- config
location /files/ {
    root                html;
    sendkit_auth        on;
    sendkit_auth_route  GET /files/** keys=workspace;
}
--- user_files
>>> files/secret.txt
secret
--- redis eval: $::Seed
--- request eval
[ map { "GET /files/$_" } ('secret.txt') x 3, 'none.txt', 'none.txt', 'secret.txt/' ]
--- more_headers eval
[ map { $_ ? "X-Api-Key: $::Key{$_}" : '' } '', 'owner', 'workspace', '', 'workspace', 'workspace' ]
--- error_code eval: [ 401, 403, 200, 401, 404, 404 ]
--- response_body eval
[ ::denied(401), ::denied(403), "secret\n", ::denied(401), qr/<html>/, ::denied(404) ]


=== TEST 15: auth_basic in the same location is asked, too
--- config eval
$::Guarded =~ s!proxy_pass!
    auth_basic basic; auth_basic_user_file $::Html/passwords; proxy_pass!r
--- user_files
>>> passwords
u:{PLAIN}p
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 5 ]
--- more_headers eval
[
    "X-Api-Key: $::Key{owner}",
    'Authorization: Basic dTpw',
    "X-Api-Key: $::Key{unknown}\nAuthorization: Basic dTpw",
    "X-Api-Key: $::Key{owner}\nAuthorization: Basic dTpx",
    "X-Api-Key: $::Key{owner}\nAuthorization: Basic dTpw",
]
--- error_code eval: [ 401, 401, 401, 401, 200 ]
--- response_body eval: [ qr/<html>/, ::denied(401), ::denied(401), qr/<html>/, qr/"uri"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')


=== TEST 16: a bearer token that is a key does not pass auth_basic
--- config eval
$::Guarded =~ s!proxy_pass!sendkit_auth_bearer on;
    auth_basic basic; auth_basic_user_file $::Html/passwords; proxy_pass!r
--- user_files
>>> passwords
u:{PLAIN}p
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 2 ]
--- more_headers eval
[ "Authorization: Bearer $::Key{owner}", "X-Api-Key: $::Key{owner}\nAuthorization: Basic dTpw" ]
--- error_code eval: [ 401, 200 ]
--- response_body eval: [ qr/<html>/, qr/"uri"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')


=== TEST 17: "deny" in the same location refuses what the gate allows
--- config eval: $::Guarded =~ s!proxy_pass!deny all; proxy_pass!r
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: [ 401, 403, 403 ]
--- response_body eval: [ ::denied(401), qr/<html>/, ::denied(403) ]
--- upstream: none


=== TEST 18: "allow" in the same location does not overrule the gate
--- config eval: $::Guarded =~ s!proxy_pass!allow 127.0.0.1; deny all; proxy_pass!r
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')


=== TEST 19: auth_request in the same location is asked about what the gate allows
--- config eval
"location = /ask { internal; proxy_pass http://backend/ask?upstream_status=\$ask; }\n"
. $::Guarded =~ s!proxy_pass!set \$ask \$arg_ask; auth_request /ask; proxy_pass!r
--- redis eval: $::Seed
--- request eval: [ map { "GET /v1/account?ask=$_" } 200, 403, 401, 200, 200 ]
--- more_headers eval
[
    map { ($_ ? "X-Api-Key: $::Key{$_}\n" : '') . 'X-Sendkit-Role: SPOOF' }
        '', 'owner', 'owner', 'unknown', 'owner'
]
--- error_code eval: [ 401, 403, 401, 401, 200 ]
--- response_body eval
[ ::denied(401), qr/<html>/, qr/<html>/, ::denied(401), qr/"uri":".v1/ ]
--- upstream_requests: 4
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: sk_user_|SPOOF


=== TEST 20: "satisfy all" is what it is without
--- config eval: $::Guarded =~ s!proxy_pass!satisfy all; allow 127.0.0.1; deny all; proxy_pass!r
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1


=== TEST 21: "satisfy any" in a guarded location is refused by nginx -t
--- config eval: $::Guarded =~ s!proxy_pass!satisfy any; allow all; proxy_pass!r
--- must_die
--- error_log
[emerg]
"satisfy any" in "/v1/" would let others overrule "sendkit_auth"
--- suppress_stderr


=== TEST 22: "satisfy any" above a guarded location is refused by nginx -t
--- config eval: "satisfy any;\n$::Guarded"
--- must_die
--- error_log
[emerg]
"satisfy any" in "/v1/" would let others overrule "sendkit_auth"
--- suppress_stderr


=== TEST 23: "satisfy any" beside a guarded location is of no concern
--- config eval
"location /open/ { satisfy any; deny all; auth_basic basic;"
. " auth_basic_user_file $::Html/passwords; $::Proxy }\n$::Guarded"
--- user_files
>>> passwords
u:{PLAIN}p
--- redis eval: $::Seed
--- request eval: [ 'GET /open/a', 'GET /open/a', 'GET /v1/account', 'GET /v1/account' ]
--- more_headers eval
[ '', 'Authorization: Basic dTpw', 'Authorization: Basic dTpw', "X-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 401, 200, 401, 200 ]
--- response_body eval: [ qr/<html>/, qr/"uri"/, ::denied(401), qr/"uri"/ ]
--- upstream_requests: 2


=== TEST 24: "internal" hides a guarded location as it hides any other
--- config eval
$::Guarded =~ s!proxy_pass!internal; proxy_pass!r . 'location /a { try_files /none /v1/account; }'
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/account', 'GET /a', 'GET /a' ]
--- more_headers eval: [ "X-Api-Key: $::Key{owner}", '', "X-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 404, 401, 200 ]
--- response_body eval: [ qr/<html>/, ::denied(401), qr/"uri"/ ]
--- upstream_requests: 1


=== TEST 25: the redirect that adds a slash tells nobody more than the location's name
--- config eval
"location /v1/ { $::Routes $::Proxy }"
--- redis eval: $::Seed
--- request eval: [ 'GET /v1', 'GET /v1/' ]
--- error_code eval: [ 301, 404 ]
--- response_body eval: [ qr/301/, ::denied(404) ]
--- upstream: none
