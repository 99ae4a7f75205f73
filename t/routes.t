# Copyright (C) the ngx_sendkit_auth_module authors
#
# Which route is found for a request, and what it asks for: own templates,
# their order of precedence, defaults, and the workspace of the header.
#
# Fails when sendkit_route_find() prefers a template that is less specific or
# stands earlier, when the method takes part in the choice of the template,
# when a default changes, or when X-Workspace-Id goes upstream unchecked.

use SendkitAuth;
use SendkitAuth::Seed;

our $BadRequest = '{"error":"Bad Request",'
                  . '"message":"The request is not valid","code":400}';
our $Forbidden = '{"error":"Forbidden","message":"You don\'t have permission'
                 . ' to access this resource","code":403}';
our $NotFound = '{"error":"Not Found",'
                . '"message":"The requested resource was not found",'
                . '"code":404}';
our $NotAllowed = '{"error":"Method Not Allowed",'
                  . '"message":"The method is not allowed for this resource",'
                  . '"code":405}';

# A guarded location with these routes, that shows which one was found.

sub routes {
    return join "\n", 'location / {',
        'add_header X-Reason $sendkit_auth_reason always;',
        'add_header X-Route $sendkit_auth_route always;',
        'sendkit_auth on;', (map { "sendkit_auth_route $_;" } @_),
        'proxy_pass http://backend;', '}';
}

no_root_location();
run_tests();

__DATA__

=== TEST 1: a literal beats a name, and a name beats "**"
--- config eval
::routes('* "/v1/**"', '* "/v1/{a}"', '* /v1/x', '* "/v1/{a}/y"')
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/x', '/v1/z', '/v1/x/z', '/v1/z/z', '/v1/x/y', '/v2/x' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (200) x 5, 404 ]
--- response_headers eval
[ map { "X-Route: $_" }
      '/v1/x', '/v1/{a}', '/v1/**', '/v1/**', '/v1/{a}/y', '' ]
--- upstream_requests: 5



=== TEST 2: the order in which routes are written does not count
--- config eval
::routes('* "/v1/{a}/y"', '* /v1/x', '* "/v1/{a}"', '* "/v1/**"')
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/x', '/v1/z', '/v1/x/z', '/v1/z/z', '/v1/x/y', '/v2/x' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (200) x 5, 404 ]
--- response_headers eval
[ map { "X-Route: $_" }
      '/v1/x', '/v1/{a}', '/v1/**', '/v1/**', '/v1/{a}/y', '' ]
--- upstream_requests: 5



=== TEST 3: segments count from the left
--- config eval
::routes('* "/{a}/b/c"', '* "/a/{b}/{c}"', '* "/a/b/**"', '* "/a/{b}/c"',
         '* "/**"')
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/a/b/c', '/a/x/c', '/a/x/y', '/x/b/c', '/x/b/x', '/a/b/x/y', '/a' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (200) x 7 ]
--- response_headers eval
[ map { "X-Route: $_" }
      '/a/b/**', '/a/{b}/c', '/a/{b}/{c}', '/{a}/b/c', '/**', '/a/b/**',
      '/**' ]
--- upstream_requests: 7



=== TEST 4: "**" is one segment or more, and none of them empty
--- config eval: ::routes('* "/v1/**"')
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" } '/v1', '/v1/', '/v1/x', '/v1/x/', '/v1/x/y/z', '/v11/x' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 404, 404, 200, 404, 200, 404 ]
--- response_body eval
[ $::NotFound, $::NotFound, qr{"uri":"/v1/x"}, $::NotFound,
  qr{"uri":"/v1/x/y/z"}, $::NotFound ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner')



=== TEST 5: a name is one segment, and not an empty one
--- config eval: ::routes('* "/v1/{a}/x"')
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" } '/v1/x', '/v1/a/x', '/v1/a/b/x', '/v1/a/x/', '/v1/a.b/x' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 404, 200, 404, 404, 200 ]
--- response_body eval
[ $::NotFound, qr{"uri":"/v1/a/x"}, $::NotFound, $::NotFound,
  qr{"uri":"/v1/a\.b/x"} ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner')



=== TEST 6: a slash at the end of a template is one in the path
--- config eval: ::routes('* /', '* /v1/x/')
--- redis eval: $::Seed
--- request eval: [ map { "GET $_" } '/', '/v1/x', '/v1/x/', '/v1/x/y' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 200, 404, 200, 404 ]
--- response_headers eval
[ map { "X-Route: $_" } '/', '', '/v1/x/', '' ]
--- upstream_requests: 2



=== TEST 7: a segment of asterisks or braces in the path is no template
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/workspaces/**', '/v1/workspaces/**/x', '/v1/workspaces/w1/**',
      '/v1/workspaces/{workspaceId}', '/v1/workspaces/w1' ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 404, 404, 403, 400, 200 ]
--- response_body eval
[ $::NotFound, $::NotFound, $::Forbidden, $::BadRequest,
  qr{"uri":"/v1/workspaces/w1"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 8: a literal in letters of another case is not found, even below "**"
--- config eval: ::routes('GET /v1/x/y', '* "/v1/{a}/z"', '* "/**"')
--- redis eval: $::Seed
--- request eval
[ map { "GET $_" }
      '/v1/x/Y', '/V1/x/y', '/v1/X/y', '/V1/a/z', '/v1/a/Z', '/v1/x/y' ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ (404) x 5, 200 ]
--- response_body eval: [ ($::NotFound) x 5, qr{"uri":"/v1/x/y"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')



=== TEST 9: the method is looked at only in the template that won
--- config eval: ::routes('GET /v1/x', 'POST "/v1/{a}"', '* "/v1/**"')
--- redis eval: $::Seed
--- request eval
[ "POST /v1/x", "DELETE /v1/x", "GET /v1/z", "GET /v1/x", "DELETE /v1/x/y" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 405, 405, 405, 200, 200 ]
--- response_headers eval
[ "Allow: GET, HEAD", "Allow: GET, HEAD", "Allow: POST", "X-Route: /v1/x",
  "X-Route: /v1/**" ]
--- response_body eval
[ ($::NotAllowed) x 3, qr{"uri":"/v1/x"}, qr{"uri":"/v1/x/y"} ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner')



=== TEST 10: one template may have several routes, and Allow names all methods
--- config eval
::routes('PATCH,GET "/v1/{a}" keys=any', 'DELETE "/v1/{a}" keys=platform',
         'POST "/v1/{a}" keys=workspace')
--- redis eval: $::Seed
--- request eval
[ map { "$_ /v1/x" } qw( PUT DELETE POST GET PATCH OPTIONS ) ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 405, 403, 200, 200, 200, 405 ]
--- response_headers eval
[ "Allow: GET, HEAD, POST, PATCH, DELETE", "X-Reason: key_kind",
  "X-Route: /v1/{a}", "X-Route: /v1/{a}", "X-Route: /v1/{a}",
  "Allow: GET, HEAD, POST, PATCH, DELETE" ]
--- upstream_requests: 3
--- upstream_identity eval: ::identity('workspace')



=== TEST 11: of one template the route that names the method beats "*"
--- config eval
::routes('* "/v1/{a}" keys=any', 'POST,GET "/v1/{a}" keys=platform')
--- redis eval: $::Seed
--- request eval: [ map { "$_ /v1/x" } qw( POST HEAD DELETE FOO ) ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 403, 403, 200, 200 ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('workspace')



=== TEST 12: a route for HEAD is one for GET
--- config eval: ::routes('HEAD /v1/x')
--- redis eval: $::Seed
--- request eval: [ map { "$_ /v1/x" } qw( POST HEAD GET ) ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 405, 200, 200 ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner')



=== TEST 13: with a workspace in the path owners and admins are the default
--- config eval: ::routes('* "/v1/{workspaceId}"')
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/w1") x 4 ]
--- more_headers eval
[ map { "X-Api-Key: $::Key{$_}" } qw( workspace member stranger admin ) ]
--- error_code eval: [ 403, 403, 403, 200 ]
--- response_headers eval
[ map { "X-Reason: $_" } qw( key_kind role role allowed ) ]
--- response_body eval: [ ($::Forbidden) x 3, qr{"uri":"/v1/w1"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('admin', 'w1')



=== TEST 14: with no workspace in the path any key and no role is the default
--- config eval: ::routes('* "/v1/{id}"')
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/w2") x 3 ]
--- more_headers eval
[ "X-Api-Key: $::Key{workspace}", "X-Api-Key: $::Key{expired}",
  "X-Api-Key: $::Key{workspace}\nX-Workspace-Id: w2" ]
--- error_code eval: [ 200, 401, 200 ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('workspace')
--- upstream_unlike: X-Workspace-Id
--- commandstats: hmget=3



=== TEST 15: roles that are named are the only ones
--- config eval
::routes('GET "/v1/{workspaceId}" roles=member',
         'POST "/v1/{workspaceId}" roles=owner,member',
         'PUT "/v1/{workspaceId}" roles=any')
--- redis eval: $::Seed
--- request eval
[ "GET /v1/w1", "GET /v1/w1", "GET /v1/w1", "POST /v1/w1", "PUT /v1/w1",
  "PUT /v1/w1" ]
--- more_headers eval
[ map { "X-Api-Key: $::Key{$_}" }
      qw( owner admin member admin odd member ) ]
--- error_code eval: [ 403, 403, 200, 403, 403, 200 ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('member', 'w1')



=== TEST 16: roles do not bind workspace keys, their own workspace does
--- config eval: ::routes('* "/v1/{workspaceId}" keys=any roles=owner')
--- redis eval: $::Seed
--- request eval: [ "GET /v1/w2", "GET /v1/w1" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 403, 200 ]
--- response_body eval: [ $::Forbidden, qr{"uri":"/v1/w1"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')
--- commandstats: hmget=2



=== TEST 17: a workspace in the path binds workspace keys without roles, too
--- config eval: ::routes('* "/v1/{workspaceId}" keys=any roles=none')
--- redis eval: $::Seed
--- request eval: [ "GET /v1/w2", "GET /v1/w1" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 403, 200 ]
--- response_body eval: [ $::Forbidden, qr{"uri":"/v1/w1"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('workspace')



=== TEST 18: a workspace of the path in which no role was looked at is not told
--- config eval: ::routes('* "/v1/{workspaceId}" roles=none')
--- redis eval: $::Seed
--- request: GET /v1/w2
--- more_headers eval: "X-Api-Key: $::Key{admin}"
--- upstream_identity eval: ::identity('admin')
--- commandstats: hmget=1



=== TEST 19: with workspace=none the path names no workspace
--- config eval
::routes('* "/v1/{workspaceId}" keys=any roles=none workspace=none')
--- redis eval: $::Seed
--- request eval: [ "GET /v1/w2", "GET /v1/w1" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval: [ 200, 200 ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('workspace')



=== TEST 20: the workspace may stand in any segment, beside other names
--- config eval: ::routes('* "/{a}/{workspaceId}/{b}/**"')
--- redis eval: $::Seed
--- request eval: [ "GET /w1/w2/w1/w1", "GET /w2/w1/w2/w2" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 403, 200 ]
--- response_body eval: [ $::Forbidden, qr{"uri":"/w2/w1/w2/w2"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')



=== TEST 21: "{workspaceid}" and "{workspaceId2}" are names as any other
--- config eval: ::routes('* "/a/{workspaceid}"', '* "/b/{workspaceId2}"')
--- redis eval: $::Seed
--- request eval: [ "GET /a/w2", "GET /b/w!" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 200, 200 ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner')



=== TEST 22: a platform key needs one good X-Workspace-Id where the header counts
--- config eval: ::routes('* "/v1/**" roles=any workspace=header')
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/leads") x 10 ]
--- more_headers eval
[ map { "X-Api-Key: $::Key{owner}" . $_ }
      "", "\nX-Workspace-Id: w1", "\nX-Workspace-Id:",
      "\nX-Workspace-Id: w1\nX-Workspace-Id: w1",
      "\nX-Workspace-Id: w1\nX-Workspace-Id:", "\nX-Workspace-Id: w1, w1",
      "\nX-Workspace-Id: w.1", "\nX-Workspace-Id: w1\t",
      "\nX-Workspace-Id: " . "w" x 65, "\nx-workspace-id: w1" ]
--- error_code eval: [ 400, 200, (400) x 7, 200 ]
--- response_headers eval
[ "X-Reason: no_workspace", "X-Reason: allowed",
  ("X-Reason: no_workspace") x 7, "X-Reason: allowed" ]
--- response_body eval
[ $::BadRequest, qr/"uri"/, ($::BadRequest) x 7, qr/"uri"/ ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_like: (?i)^X-Workspace-Id: w1\r?$



=== TEST 23: a workspace key may leave X-Workspace-Id out, but not send another
--- config eval: ::routes('* "/v1/**" roles=any workspace=header')
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/leads") x 8 ]
--- more_headers eval
[ map { "X-Api-Key: $::Key{workspace}" . $_ }
      "", "\nX-Workspace-Id: w2", "\nX-Workspace-Id: w1", "\nX-Workspace-Id:",
      "\nX-Workspace-Id: w1\nX-Workspace-Id: w1", "\nX-Workspace-Id: w1, w1",
      "\nX-Workspace-Id: w1\nX-Workspace-Id: w2", "\nX-Workspace-Id: w/1" ]
--- error_code eval: [ 200, 403, 200, (403) x 5 ]
--- response_headers eval
[ "X-Reason: allowed", "X-Reason: other_workspace", "X-Reason: allowed",
  ("X-Reason: other_workspace") x 5 ]
--- response_body eval
[ qr/"uri"/, $::Forbidden, qr/"X-Workspace-Id":\["w1"\]/,
  ($::Forbidden) x 5 ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('workspace')
--- commandstats: hmget=8



=== TEST 24: X-Workspace-Id in another spelling is one line too many
--- config eval
"underscores_in_headers on;\n"
. ::routes('* "/v1/**" roles=any workspace=header')
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/leads") x 6 ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}\nX_Workspace_Id: w1",
  "X-Api-Key: $::Key{owner}\nX-Workspace-Id: w1\nX_Workspace_Id: w2",
  "X-Api-Key: $::Key{owner}\nX-Workspace-Id: w1\nX-Workspace_Id: w1",
  "X-Api-Key: $::Key{workspace}\nx_workspace_id: w2",
  "X-Api-Key: $::Key{workspace}\nX_WORKSPACE_ID: w1",
  "X-Api-Key: $::Key{owner}\nX-Workspace-Id: w1" ]
--- error_code eval: [ 400, 400, 400, 403, 403, 200 ]
--- response_body eval
[ ($::BadRequest) x 3, ($::Forbidden) x 2, qr/"X-Workspace-Id":\["w1"\]/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_unlike: (?i)x.workspace_id



=== TEST 25: X-Workspace-Id with underscores is not seen where nginx drops it
--- config eval: ::routes('* "/v1/**" roles=any workspace=header')
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/leads") x 2 ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}\nX_Workspace_Id: w1",
  "X-Api-Key: $::Key{owner}\nX-Workspace-Id: w1\nX_Workspace_Id: w2" ]
--- error_code eval: [ 400, 200 ]
--- response_body eval: [ $::BadRequest, qr/"X-Workspace-Id":\["w1"\]/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_unlike: w2



=== TEST 26: where the path names the workspace the header neither counts nor goes
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ "GET /v1/workspaces/w1/x", "GET /v1/workspaces/w1" ]
--- more_headers eval
[ "X-Api-Key: $::Key{stranger}\nX-Workspace-Id: w2",
  "X-Api-Key: $::Key{owner}\nX-Workspace-Id: w2\nX-Workspace-Id: !" ]
--- error_code eval: [ 403, 200 ]
--- response_body eval: [ $::Forbidden, qr{"uri":"/v1/workspaces/w1"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_unlike: (?i)workspace-id: w2



=== TEST 27: where nothing names a workspace the header does not go upstream
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ "GET /v1/account", "GET /v1/workspaces" ]
--- more_headers eval
"X-Api-Key: $::Key{owner}\nX-Workspace-Id: w1\nX-Workspace-Id: w2"
--- error_code eval: [ 200, 200 ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: (?i)workspace-id
--- commandstats: hmget=2



=== TEST 28: a workspace of the header in which no role was looked at does not go
--- config eval: ::routes('* "/v1/**" roles=none workspace=header')
--- redis eval: $::Seed
--- request eval: [ "GET /v1/leads", "GET /v1/leads" ]
--- more_headers eval
[ "X-Api-Key: $::Key{owner}", "X-Api-Key: $::Key{owner}\nX-Workspace-Id: w2" ]
--- error_code eval: [ 400, 200 ]
--- response_body eval: [ $::BadRequest, qr/"uri"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')
--- upstream_unlike: (?i)workspace-id
--- commandstats: hmget=2



=== TEST 29: the role is that of the workspace that was asked for
--- config eval: ::routes('* "/v1/**" roles=owner workspace=header')
--- redis eval: $::Seed
--- request eval: [ ("GET /v1/leads") x 3 ]
--- more_headers eval
[ map { "X-Api-Key: $::Key{owner}\nX-Workspace-Id: $_" } qw( w2 w1 w3 ) ]
--- error_code eval: [ 403, 200, 403 ]
--- response_body eval: [ $::Forbidden, qr/"uri"/, $::Forbidden ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')
--- commandstats: hmget=3 hget=3



=== TEST 30: a template with a workspace may take it from the header instead
--- config eval
::routes('* "/v1/{workspaceId}" roles=any workspace=header')
--- redis eval: $::Seed
--- request eval: [ "GET /v1/w1", "GET /v1/w2" ]
--- more_headers eval
[ map { "X-Api-Key: $::Key{admin}\nX-Workspace-Id: $_" } qw( w2 w1 ) ]
--- error_code eval: [ 403, 200 ]
--- response_body eval: [ $::Forbidden, qr{"uri":"/v1/w2"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('admin', 'w1')



=== TEST 31: routes are inherited by locations that have none of their own
--- config
    sendkit_auth        on;
    sendkit_auth_route  GET /a/x keys=platform;
    sendkit_auth_route  GET /b/x keys=platform;

    location /a/ {
        proxy_pass  http://backend;
    }

    location /b/ {
        sendkit_auth_route  GET /b/y keys=platform;
        proxy_pass          http://backend;
    }
--- redis eval: $::Seed
--- request eval
[ "GET /a/x", "GET /a/y", "GET /b/x", "GET /b/y" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 200, 404, 404, 200 ]
--- response_body eval
[ qr{"uri":"/a/x"}, $::NotFound, $::NotFound, qr{"uri":"/b/y"} ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner')



=== TEST 32: the shipped routes keep management for owners and admins
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "GET /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "DELETE /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key/rotate", "POST /v1/workspaces/w1/members",
  "DELETE /v1/workspaces/w1/members/u_x", "GET /v1/workspaces/w1",
  "PATCH /v1/workspaces/w1", "DELETE /v1/workspaces/w1",
  "GET /v1/workspaces/w1/api-key/x", "POST /v1/workspaces",
  "GET /v1/workspaces", "GET /v1/account", "PATCH /v1/account",
  "GET /v1/account/x" ]
--- more_headers eval: "X-Api-Key: $::Key{member}"
--- error_code eval
[ (403) x 4, 200, 403, 200, 403, 403, 403, (200) x 5 ]
--- upstream_requests: 7



=== TEST 33: the shipped routes keep management from workspace keys
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "GET /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "DELETE /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key/rotate", "POST /v1/workspaces/w1/members",
  "DELETE /v1/workspaces/w1/members/u_x", "GET /v1/workspaces/w1",
  "PATCH /v1/workspaces/w1", "DELETE /v1/workspaces/w1",
  "GET /v1/workspaces/w1/api-key/x", "POST /v1/workspaces",
  "GET /v1/workspaces", "GET /v1/account", "PATCH /v1/account",
  "GET /v1/account/x", "DELETE /v1/leads/1" ]
--- more_headers eval: "X-Api-Key: $::Key{workspace}"
--- error_code eval
[ (403) x 6, 200, 200, 403, 403, 403, 200, 403, 403, 403, 200 ]
--- upstream_requests: 4
--- upstream_identity eval: ::identity('workspace')



=== TEST 34: the shipped routes let an admin do all but delete the workspace
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "GET /v1/workspaces/w1/api-key", "POST /v1/workspaces/w1/api-key",
  "DELETE /v1/workspaces/w1/api-key",
  "POST /v1/workspaces/w1/api-key/rotate", "POST /v1/workspaces/w1/members",
  "DELETE /v1/workspaces/w1/members/u_x", "GET /v1/workspaces/w1",
  "PATCH /v1/workspaces/w1", "DELETE /v1/workspaces/w1",
  "GET /v1/workspaces/w1/api-key/x" ]
--- more_headers eval: "X-Api-Key: $::Key{admin}"
--- error_code eval: [ (200) x 8, 403, 200 ]
--- upstream_requests: 9
--- upstream_identity eval: ::identity('admin', 'w1')



=== TEST 35: the shipped routes let an owner delete the workspace
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: [ "DELETE /v1/workspaces/w2", "DELETE /v1/workspaces/w1" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 403, 200 ]
--- response_body eval: [ $::Forbidden, qr{"uri":"/v1/workspaces/w1"} ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner', 'w1')
