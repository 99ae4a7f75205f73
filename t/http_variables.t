# Copyright (C) the ngx_sendkit_auth_module authors
#
# A variable $http_NAME that was needed before the decision, as by limit_req,
# "if" or map, has the header of the client.  nginx keeps its value; after the
# decision it shall be that of the header which goes to the backend.
#
# Fails when ngx_sendkit_auth_headers_forget() is not called.

use SendkitAuth;
use SendkitAuth::Seed;

our $Zone = 'limit_req_zone $http_x_workspace_id$http_x_api_key'
            . ' zone=ids:1m rate=1000r/s;';

our $Config = <<"END";
    location /v1/ {
        sendkit_auth      on;
        include           $Top/conf/sendkit_v1_routes.conf;
        limit_req         zone=ids burst=1000 nodelay;

        if (\$http_x_sendkit_role = nobody) {
            return 204;
        }

        proxy_set_header  X-Copy-Role \$http_x_sendkit_role;
        proxy_set_header  X-Copy-Workspace "\$http_x_workspace_id.";
        proxy_set_header  X-Copy-Key "\$http_x_api_key.";
        proxy_pass        http://backend;
    }
END

run_tests();

__DATA__

=== TEST 1: what was evaluated before is not what the client said
--- config eval: $::Config
--- more_http_config eval: $::Zone
--- redis eval: $::Seed
--- request: GET /v1/workspaces/w1
--- more_headers eval
"X-Api-Key: $::Key{member}\nX-Sendkit-Role: owner\nX-Workspace-Id: w2"
--- upstream_requests: 1
--- upstream_identity eval: ::identity('member', 'w1')
--- upstream_like eval
"^X-Copy-Role: member\r\nX-Copy-Workspace: \\.\r\nX-Copy-Key: \\.\r\n"



=== TEST 2: and it was evaluated before
--- config eval: $::Config
--- more_http_config eval: $::Zone
--- request: GET /v1/workspaces/w1
--- more_headers: X-Sendkit-Role: nobody
--- error_code: 204
--- upstream: none
