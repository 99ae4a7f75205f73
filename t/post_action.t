# Copyright (C) the ngx_sendkit_auth_module authors
#
# nginx runs post_action when a request has ended, as HTTP/0.9 and with no
# client that would wait.  A guarded location that it leads to decides by what
# is known of the request: an identity that was looked up counts, nothing is
# looked up any more.  Nothing can be said to the client, who may have sent the
# next request of the connection already.
#
# Fails if ngx_sendkit_auth_access_lookup() starts a lookup for a post_action,
# if ngx_sendkit_auth_response_send() sends a second answer, if HTTP/0.9 alone
# is the reason to refuse, or if ngx_sendkit_auth_ctx_find() finds no context.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::Seed;

our $Owner = "X-Api-Key: $Key{owner}";
our $Open = "location /open/ { post_action /v1/hook;\n"
            . " proxy_pass http://backend; }\n";

# nginx runs the post_action of where a post_action leads to, and so on: it has
# to be a location without.

our $Posting = $Guarded =~ s!proxy_pass!post_action /v1/hook; proxy_pass!r;

sub hook {
    return "location = /v1/hook { sendkit_auth on; proxy_pass http://backend;"
           . " sendkit_auth_route @_; }\n";
}

run_tests();

__DATA__

=== TEST 1: post_action of an open location into a guarded one is refused
--- config eval: $::Open . $::Guarded . ::hook('* /v1/hook')
--- redis eval: $::Seed
--- pipelined_requests eval: [ 'GET /open/a', 'GET /open/b', 'GET /v1/hook', 'GET /open/c' ]
--- more_headers eval: [ '', ($::Owner) x 3 ]
--- error_code eval: [ 200, 200, 200, 200 ]
--- response_body eval
[ map { qr/"uri":"$_"/ } '/open/a', '/open/b', '/v1/hook', '/open/c' ]
--- upstream_requests: 4
--- commandstats: hmget=1


=== TEST 2: post_action of a guarded location into a guarded one goes by what is known
--- config eval: $::Posting . ::hook('* /v1/hook')
--- redis eval: $::Seed
--- pipelined_requests eval: [ ('GET /v1/workspaces') x 2 ]
--- more_headers eval: "$::Owner\nX-Sendkit-Role: SPOOF"
--- error_code eval: [ 200, 200 ]
--- upstream_requests: 4
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: SPOOF|sk_user_
--- commandstats: hmget=2


=== TEST 3: post_action is refused where more had to be known
--- config eval
$::Posting . ::hook('GET /v1/hook keys=platform roles=any workspace=header')
--- redis eval: $::Seed
--- pipelined_requests eval: [ ('GET /v1/workspaces/w1') x 2 ]
--- more_headers eval: "X-Workspace-Id: w2\n$::Owner"
--- error_code eval: [ 200, 200 ]
--- response_body eval: [ (qr!"uri":"/v1/workspaces/w1"!) x 2 ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner', 'w1')
--- commandstats: hmget=2 hget=2


=== TEST 4: post_action into the same workspace needs nothing more
--- config eval
$::Posting . ::hook('GET /v1/hook keys=platform roles=owner workspace=header')
--- redis eval: $::Seed
--- pipelined_requests eval: [ ('GET /v1/leads') x 2 ]
--- more_headers eval: "X-Workspace-Id: w1\n$::Owner"
--- error_code eval: [ 200, 200 ]
--- upstream_requests: 4
--- upstream_identity eval: ::identity('owner', 'w1')
--- commandstats: hmget=2 hget=2


=== TEST 5: post_action keeps the route's own rules of keys, roles and methods
--- config eval
$::Posting . ::hook('GET /v1/hook keys=platform roles=owner workspace=header')
--- redis eval: $::Seed
--- pipelined_requests eval: [ ('GET /v1/leads') x 2, 'POST /v1/leads', 'GET /v1/leads' ]
--- more_headers eval
[ map { "X-Workspace-Id: w1\nX-Api-Key: $::Key{$_}" } 'admin', 'workspace', 'owner', 'owner' ]
--- error_code eval: [ 200, 200, 200, 200 ]
--- response_body eval: [ (qr!"uri":"/v1/leads"!) x 4 ]
--- upstream_requests: 5


=== TEST 6: post_action of a refused request into a guarded location is refused, too
--- config eval: $::Posting . ::hook('* /v1/hook')
--- redis eval: $::Seed
--- pipelined_requests eval
[ 'GET /v1/workspaces', 'PUT /v1/account', 'GET /v1/account', 'GET /v1/account', 'GET /v1/hook' ]
--- more_headers eval
[ '', map { "X-Api-Key: $::Key{$_}" } 'workspace', 'expired', 'unknown', 'owner' ]
--- error_code eval: [ 401, 405, 401, 401, 200 ]
--- response_body eval: [ (map { ::denied($_) } 401, 405, 401, 401), qr/"uri"/ ]
--- upstream_requests: 1


=== TEST 7: post_action of a guarded location into an open one has the identity, not the key
--- config eval
"location /off/ { internal; proxy_pass http://backend; }\n"
. $::Guarded =~ s!proxy_pass!post_action /off/hook; proxy_pass!r
--- redis eval: $::Seed
--- pipelined_requests eval: [ ('POST /v1/workspaces/w1/api-key') x 2 ]
--- more_headers eval: "$::Owner\nX-Sendkit-Foo: SPOOF"
--- error_code eval: [ 200, 200 ]
--- upstream_requests: 4
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_unlike: SPOOF|sk_user_


=== TEST 8: post_action into a named location goes by what is known
--- config eval
$::Guarded =~ s!proxy_pass!post_action \@hook; proxy_pass!r
. $::Guarded =~ s!location /v1/!location \@hook!r
. "location /open/ { post_action \@hook; proxy_pass http://backend; }"
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/account', 'GET /v1/account', 'GET /open/a' ]
--- more_headers eval: [ $::Owner, "X-Api-Key: $::Key{unknown}", $::Owner ]
--- error_code eval: [ 200, 401, 200 ]
--- response_body eval: [ qr!"uri":"/v1/account"!, ::denied(401), qr!"uri":"/open/a"! ]
--- upstream_requests: 3
--- commandstats: hmget=2


=== TEST 9: post_action while Redis is away is refused and harms nobody
--- config eval: $::Open . $::Guarded . ::hook('* /v1/hook')
--- redis_server: killed
--- pipelined_requests eval: [ 'GET /open/a', 'GET /v1/account', 'GET /open/a' ]
--- more_headers eval: $::Owner
--- error_code eval: [ 200, 503, 200 ]
--- response_body eval: [ qr/"uri"/, ::denied(503), qr/"uri"/ ]
--- upstream_requests: 2


=== TEST 10: post_action over HTTP/2 goes by what is known
--- http2
--- config eval: $::Open . $::Posting . ::hook('* /v1/hook')
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/workspaces', 'GET /open/a', 'GET /v1/workspaces' ]
--- more_headers eval: [ $::Owner, $::Owner, '' ]
--- error_code eval: [ 200, 200, 401 ]
--- response_body eval: [ qr/"uri"/, qr/"uri"/, ::denied(401) ]
--- upstream_requests: 3
--- commandstats: hmget=1


=== TEST 11: what is refused there does not change the status in the log
--- more_http_config: log_format status '<$uri $status>';
--- config eval
$::Open . ::hook('* /v1/hook') =~ s!proxy_pass!access_log logs/access.log status; proxy_pass!r
--- redis eval: $::Seed
--- pipelined_requests eval: [ 'GET /open/a', 'GET /open/a' ]
--- more_headers eval: $::Owner
--- error_code eval: [ 200, 200 ]
--- upstream_requests: 2
--- access_log: </v1/hook 200>
--- no_access_log eval: qr/<.* [45]\d\d>/
