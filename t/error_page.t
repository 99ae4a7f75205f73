# Copyright (C) the ngx_sendkit_auth_module authors
#
# "error_page" sends a request with an error on to another place, even to a
# backend.  A denial is an error of that kind if it is handed to nginx as a
# status; the module sends it itself instead.  Each block asks for a denial of
# each status, and then for a forward.
#
# Fails if ngx_sendkit_auth_access_finish() returns a status rather than
# NGX_DONE, or if ngx_sendkit_auth_response_send() leaves in r what an error
# page has set ("err_status").

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::Seed;

# All paths that begin with "/v" are guarded, so that there is a 404, too.

our $All = $Guarded =~ s!location /v1/!location /v!r;
our $Open = "location /open/ { proxy_pass http://backend; }\n";
our $Statuses = '400 401 403 404 405 500 502 503 504';

our $Requests = [ 'POST /v1//account', 'GET /v1/account',
                  'POST /v1/workspaces/w1/api-key', 'GET /v2/account',
                  'PUT /v1/account', 'PATCH /v1/account', 'GET /v1/account' ];
our $Headers = [ map { defined ? "X-Api-Key: $Key{$_}" : '' }
                     qw( owner unknown member owner owner broken owner ) ];
our $Codes = [ 400, 401, 403, 404, 405, 503, 200 ];
our $Bodies = [ (map { denied($_) } @$Codes[0 .. 5]), qr/"uri"/ ];

run_tests();

__DATA__

=== TEST 1: an error page at a URI does not replace a denial
--- config eval: "error_page $::Statuses /open/error;\n$::Open$::All"
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')


=== TEST 2: an error page with another status does not replace a denial
--- config eval: "error_page $::Statuses =200 /open/error;\n$::Open$::All"
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')


=== TEST 3: an error page with the status of its target does not replace a denial
--- config eval: "error_page $::Statuses = /open/error;\n$::Open$::All"
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')


=== TEST 4: a named location with the backend does not replace a denial
--- config eval
"error_page $::Statuses = \@backend;\nlocation \@backend { proxy_pass http://backend; }\n$::All"
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')


=== TEST 5: a redirect to another server does not replace a denial
--- config eval: "error_page $::Statuses http://error.test/;\n$::All"
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- raw_response_headers_unlike eval: [ ('Location:') x 7 ]
--- upstream_requests: 1


=== TEST 6: a redirect with a status of its own does not replace a denial
--- config eval: "error_page $::Statuses =301 http://error.test/;\n$::All"
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1


=== TEST 7: an error page with variables does not replace a denial
--- config eval: "error_page $::Statuses = /open\$uri?\$args;\n$::Open$::All"
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1


=== TEST 8: an error page of the guarded location does not replace a denial
--- config eval
$::Open . $::All =~ s!proxy_pass!error_page $::Statuses = /open/error; proxy_pass!r
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1


=== TEST 9: an error page that is guarded itself does not replace a denial
--- config eval: "error_page $::Statuses = /v1/account;\n$::All"
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1


=== TEST 10: error pages of error pages do not replace a denial
--- config eval
"recursive_error_pages on;\nerror_page $::Statuses = \@one;\n"
. "location \@one { error_page $::Statuses = \@backend; return 404; }\n"
. "location \@backend { proxy_pass http://backend; }\n$::All"
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1


=== TEST 11: an error page that is a file does not replace a denial
--- config eval: "error_page $::Statuses =200 /error.html;\n$::All"
--- user_files
>>> error.html
error page
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1


=== TEST 12: intercepted errors of the backend do not open a way for denials
--- config eval
"error_page $::Statuses = \@backend;\nlocation \@backend { proxy_pass http://backend; }\n"
. $::All =~ s!proxy_pass!proxy_intercept_errors on; proxy_pass!r
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1


=== TEST 13: an error page does not replace a denial over HTTP/2
--- http2
--- config eval: "error_page $::Statuses =200 /open/error;\n$::Open$::All"
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- response_body eval: $::Bodies
--- upstream_requests: 1


=== TEST 14: an error of the backend still has its error page
--- config eval
"error_page 404 =418 /open/error;\n$::Open"
. $::All =~ s!proxy_pass!proxy_intercept_errors on; proxy_pass!r
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/account?upstream_status=404', 'GET /v2/account', 'GET /v1/account' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 418, 404, 200 ]
--- response_body eval: [ qr!"uri":"/open/error"!, ::denied(404), qr!"uri":"/v1/account"! ]
--- upstream_requests: 3
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: sk_user_


=== TEST 15: an error of the module beside the gate still has its error page
--- config eval
"error_page 403 =418 /open/error;\n$::Open" . $::All =~ s!proxy_pass!deny all; proxy_pass!r
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/account', 'POST /v1/workspaces/w1/api-key' ]
--- more_headers eval: [ map { "X-Api-Key: $::Key{$_}" } 'owner', 'member' ]
--- error_code eval: [ 418, 403 ]
--- response_body eval: [ qr!"uri":"/open/error"!, ::denied(403) ]
--- upstream_requests: 1


=== TEST 16: a denial in an error page keeps its own status
--- config eval
"location /a/ { error_page 404 /v1/account; return 404; }\n"
. "location /b/ { error_page 404 =200 /v1/account; return 404; }\n"
. "location /c/ { error_page 404 = /v1/account; return 404; }\n$::All"
--- redis eval: $::Seed
--- request eval: [ 'GET /c/', 'GET /a/', 'GET /b/', 'GET /b/' ]
--- more_headers eval: [ ('') x 3, "X-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 401, 401, 401, 200 ]
--- response_body eval: [ (::denied(401)) x 3, qr!"uri":"/v1/account"! ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')
