# Copyright (C) the ngx_sendkit_auth_module authors
#
# nginx decides nothing about subrequests.  A location that reports forwards
# them, and without the identity that a client made up.
#
# Fails when ngx_sendkit_auth_preaccess_handler() lets a subrequest into a
# location that reports as it is.

use SendkitAuth;
use SendkitAuth::Seed;

our $Config = <<"END";
    location /open/ {
        mirror      /v1/mirror;
        proxy_pass  http://backend;
    }

    location /v1/ {
        sendkit_auth  report;
        include       $Top/conf/sendkit_v1_routes.conf;
        proxy_pass    http://backend;
    }
END

run_tests();

__DATA__

=== TEST 1: a subrequest into a location that reports has no identity
--- config eval: $::Config
--- redis eval: $::Seed
--- request: GET /open/a
--- more_headers eval
"X-Api-Key: $::Key{owner}\nX-Sendkit-User-Id: root\nx_sendkit_role: owner"
--- upstream_requests: 2
--- upstream_like: ^GET /(open/a|v1/mirror) HTTP/1.[01]
--- upstream_unlike: \AGET /v1/mirror(?s:.*)(root|sendkit_role)
--- commandstats: none



=== TEST 2: a request into it has its own
--- config eval: $::Config
--- redis eval: $::Seed
--- request: GET /v1/workspaces/w1
--- more_headers eval
"X-Api-Key: $::Key{owner}\nX-Sendkit-User-Id: root\nx_sendkit_role: owner"
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')
