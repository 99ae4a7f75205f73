# Copyright (C) the ngx_sendkit_auth_module authors
#
# The decision table of docs/decisions.md over HTTP/2, row by row: a request
# is refused, its neighbour forwarded, and the first one refused again, all on
# one worker.
#
# Fails when a decision reads what only HTTP/1.x has (the request line, the
# version, a header's spelling), when a denial over HTTP/2 loses its body or
# its headers, or when a request with a body is not ended properly.

use SendkitAuth;
use SendkitAuth::Nginx;
use SendkitAuth::Seed;
use Test::More;

my %error = (
    400 => '{"error":"Bad Request",'
           . '"message":"The request is not valid","code":400}',
    401 => '{"error":"Unauthorized",'
           . '"message":"A valid API key is required","code":401}',
    403 => '{"error":"Forbidden",'
           . '"message":"You don\'t have permission to access this resource",'
           . '"code":403}',
    404 => '{"error":"Not Found",'
           . '"message":"The requested resource was not found","code":404}',
    405 => '{"error":"Method Not Allowed",'
           . '"message":"The method is not allowed for this resource",'
           . '"code":405}',
    503 => '{"error":"Service Unavailable",'
           . '"message":"The service is temporarily unavailable",'
           . '"code":503}',
);

my $management = '/v1/workspaces/w1/api-key';
my @cors = ('Origin: https://app.test', 'Access-Control-Request-Method: POST');

# Name, the request that is refused, its status and reason; the request that
# is forwarded, and the identity that goes with it.

my @rows = (
    [ 'row 1: a path that is not in its normal form',
      [ GET => '/v1/%61ccount', 'owner' ], 400, 'bad_path',
      [ GET => '/v1/account', 'owner' ], identity('owner') ],

    [ 'row 1: a path with dot segments',
      [ GET => '/v1/x/../account', 'owner' ], 400, 'bad_path',
      [ GET => '/v1/account', 'owner' ], identity('owner') ],

    [ 'row 2: half a preflight',
      [ OPTIONS => '/v1/open/leads', undef, $cors[0] ], 401, 'no_key',
      [ OPTIONS => '/v1/open/leads', undef, @cors ], '', 'preflight' ],

    [ 'row 2: a preflight where none is let through',
      [ OPTIONS => '/v1/leads', undef, @cors ], 401, 'no_key',
      [ OPTIONS => '/v1/leads', 'workspace', @cors ],
      identity('workspace') ],

    [ 'row 3: a path without a route',
      [ GET => '/v1/workspaces/w!1', 'owner' ], 404, 'no_route',
      [ GET => '/v1/workspaces/w1', 'owner' ], identity('owner', 'w1') ],

    [ 'row 4: a method that is not listed',
      [ PUT => '/v1/account', 'owner' ], 405, 'method',
      [ PATCH => '/v1/account', 'owner' ], identity('owner') ],

    [ 'row 5: no key',
      [ GET => '/v1/account' ], 401, 'no_key',
      [ GET => '/v1/account', 'owner' ], identity('owner') ],

    [ 'row 5: two keys',
      [ GET => '/v1/account', 'owner', "X-Api-Key: $Key{owner}" ],
      401, 'duplicate_key',
      [ GET => '/v1/account', 'owner' ], identity('owner') ],

    [ 'row 5: sources that disagree',
      [ GET => '/v1/account', 'owner', "Authorization: Bearer $Key{admin}" ],
      401, 'duplicate_key',
      [ GET => '/v1/account', 'owner', "Authorization: Bearer $Key{owner}" ],
      identity('owner') ],

    [ 'row 5: a malformed key',
      [ GET => '/v1/account', undef, "X-Api-Key: $Key{owner}!" ],
      401, 'bad_key',
      [ GET => '/v1/account', 'owner' ], identity('owner') ],

    [ 'row 6: a workspace key on a management route',
      [ POST => $management, 'workspace' ], 403, 'key_kind',
      [ POST => $management, 'owner' ], identity('owner', 'w1') ],

    [ 'row 7: an unknown key',
      [ POST => $management, 'unknown' ], 401, 'unknown_key',
      [ POST => $management, 'owner' ], identity('owner', 'w1') ],

    [ 'row 7: an expired key',
      [ POST => $management, 'expired' ], 401, 'expired_key',
      [ POST => $management, 'owner' ], identity('owner', 'w1') ],

    [ 'row 7: an inactive key',
      [ POST => $management, 'inactive' ], 401, 'inactive_key',
      [ POST => $management, 'owner' ], identity('owner', 'w1') ],

    [ 'row 7: a record of another kind',
      [ GET => '/v1/workspaces/w1', undef,
        'X-Api-Key: sk_user_kind-0123456789abcdef' ], 401, 'unknown_key',
      [ GET => '/v1/workspaces/w1', 'workspace' ], identity('workspace') ],

    [ 'row 8: no workspace in the header',
      [ GET => '/v1/leads', 'owner' ], 400, 'no_workspace',
      [ GET => '/v1/leads', 'owner', 'X-Workspace-Id: w1' ],
      identity('owner', 'w1') ],

    [ 'row 8: a malformed workspace in the header',
      [ GET => '/v1/leads', 'owner', 'X-Workspace-Id: w/1' ],
      400, 'no_workspace',
      [ GET => '/v1/leads', 'owner', 'X-Workspace-Id: w1' ],
      identity('owner', 'w1') ],

    [ 'row 8: two workspaces in headers',
      [ GET => '/v1/leads', 'owner', 'X-Workspace-Id: w1',
        'X-Workspace-Id: w1' ], 400, 'no_workspace',
      [ GET => '/v1/leads', 'owner', 'X-Workspace-Id: w1' ],
      identity('owner', 'w1') ],

    [ 'row 9: another workspace in the path',
      [ GET => '/v1/workspaces/w2', 'workspace' ], 403, 'other_workspace',
      [ GET => '/v1/workspaces/w1', 'workspace' ], identity('workspace') ],

    [ 'row 9: another workspace in the header',
      [ GET => '/v1/leads', 'workspace', 'X-Workspace-Id: w2' ],
      403, 'other_workspace',
      [ GET => '/v1/leads', 'workspace', 'X-Workspace-Id: w1' ],
      identity('workspace') ],

    [ 'row 10: another role',
      [ POST => $management, 'member' ], 403, 'role',
      [ POST => $management, 'admin' ], identity('admin', 'w1') ],

    [ 'row 10: no role',
      [ GET => '/v1/workspaces/w1', 'stranger' ], 403, 'role',
      [ GET => '/v1/workspaces/w2', 'stranger' ],
      identity('stranger', 'w2') ],

    [ 'row 10: a word that is no role',
      [ GET => '/v1/workspaces/w1', 'odd' ], 403, 'role',
      [ GET => '/v1/workspaces/w1', 'member' ], identity('member', 'w1') ],

    [ 'row 11: a record that makes no sense',
      [ POST => $management, 'broken' ], 503, 'store_error',
      [ POST => $management, 'owner' ], identity('owner', 'w1') ],

    [ 'row 11: an error for the roles',
      [ POST => '/v1/workspaces/w3/api-key', 'owner' ], 503, 'store_error',
      [ POST => $management, 'owner' ], identity('owner', 'w1') ],
);

my %header = (401 => [ 'www-authenticate', 'ApiKey realm="sendkit"' ],
              405 => [ 'allow', 'GET, HEAD, PATCH' ],
              503 => [ 'retry-after', '1' ]);

my $http = $HttpConfig . <<"END";
    sendkit_auth_bearer  on;
    add_header           X-Reason \$sendkit_auth_reason always;
    include              $Top/conf/sendkit_v1_routes.conf;

    server {
        listen  127.0.0.1:%PORT% http2;

        location /v1/ {
            sendkit_auth  on;
            proxy_pass    http://backend;
        }

        location /v1/open/ {
            sendkit_auth            on;
            sendkit_auth_preflight  on;
            proxy_pass              http://backend;
        }
    }
END

my $nginx = SendkitAuth::Nginx->start(http => $http);
seed();

for my $row (@rows) {
    my ($name, $no, $status, $reason, $yes, $identity, $why) = @$row;

    is_refused("$name is refused", $no, $status, $reason);
    is_forwarded("$name: its neighbour is forwarded", $yes, $identity, $why);
    is_refused("$name is refused again", $no, $status, $reason);
}

# curl takes it ill when nginx ends a stream whose body is not wanted.

{
    my $out = nghttp('member', $management);
    like($out, qr/:status: 403\n/, 'a request with a body is refused');
    ok(index($out, $error{403}) >= 0, 'and is told why');
    is(scalar $Upstream->requests, 0, 'and does not reach the backend');

    $out = nghttp('owner', $management);
    like($out, qr/:status: 200\n/, 'a request with a body is forwarded');
    is(join(' ', map { $_->{line} } $Upstream->requests),
       "POST $management HTTP/1.0", 'once');

    $out = nghttp('workspace', '/v1/leads', $management, '/v1/workspaces/w2',
                  '/v1/campaigns');
    is(join(' ', sort $out =~ /:status: (\d+)\n/g), '200 200 403 405',
       'streams of one connection are decided each for itself');
    is(join(' ', sort map { $_->{uri} } $Upstream->requests),
       '/v1/campaigns /v1/leads', 'and the right ones reach the backend');
}

{
    my $answer = ask([ HEAD => '/v1/account' ]);
    is($answer->{status}, 401, 'HEAD without a key is refused');
    is($answer->{body}, '', 'and gets no body');
    is_forwarded('HEAD with a key is forwarded',
                 [ HEAD => '/v1/account', 'owner' ], identity('owner'));
}

# The store goes away, comes back and hangs.

redis_server()->kill9;
is_refused('row 11: a request is refused while the store is down',
           [ POST => $management, 'owner' ], 503, 'store_down');
is_refused('row 11: what needs no store is answered as ever',
           [ POST => $management, 'workspace' ], 403, 'key_kind');

redis_server()->start;
seed();
ok(wait_until(sub { ask([ POST => $management, 'owner' ])->{status} == 200 }),
   'row 11: a request is forwarded when the store is back');

redis_server()->stop;
$nginx->reload(http => $http =~ s/(sendkit_auth_timeout) .*/$1 500ms;/r);
wait_until(sub { $nginx->workers == 1 });
is_refused('row 11: a request is refused when the store does not answer',
           [ POST => $management, 'owner' ], 503, 'store_timeout');

redis_server()->cont;
ok(wait_until(sub { ask([ POST => $management, 'owner' ])->{status} == 200 }),
   'row 11: a request is forwarded when the store answers again');

ok($nginx->quit, 'nginx ends by itself');
unlike($nginx->error_log, qr/\[(?:alert|crit|emerg)\]|Sanitizer|runtime error/,
       'the error log has nothing that is worse than an error');


sub seed {
    redis('FLUSHALL');
    redis(@$_) for @$Seed,
        record('sk_user_kind-0123456789abcdef', type => 'workspace',
               workspace => 'w1', user => 'u_owner'),
        [ 'SET', 'sendkit:roles:w3', 'owner' ];
}


# Method, path, whose key if any, headers; at the end { body => ... }

sub ask {
    my ($request) = @_;
    my ($method, $path, $who, @headers) = @$request;

    my $more = ref $headers[-1] ? pop @headers : {};
    unshift @headers, "X-Api-Key: $Key{$who}" if defined $who;

    $Upstream->mark;
    return h2(port => $nginx->port, method => $method, path => $path,
              headers => \@headers, %$more);
}


# POST requests with a body, all on one connection; what nghttp shows

sub nghttp {
    my ($who, @paths) = @_;

    my $file = temp_dir() . '/body';
    open my $body, '>', $file or die "$file: $!";
    print $body 'x' x 200_000;
    close $body;

    $Upstream->mark;

    my @command = ('nghttp', '-v', '-t', '10', '-d', $file,
                   '-H', "x-api-key: $Key{$who}",
                   map { 'http://127.0.0.1:' . $nginx->port . $_ } @paths);
    open my $out, '-|', @command or die "nghttp: $!";

    return join '', <$out>;
}


sub is_refused {
    my ($name, $request, $status, $reason) = @_;

    my $answer = ask($request);
    my $headers = $answer->{headers};

    is($answer->{error}, '', $name);
    is($answer->{status}, $status, "$name - status");
    is($answer->{body}, $error{$status}, "$name - body");
    is($headers->{'x-reason'}, $reason, "$name - reason");
    is($headers->{'content-type'}, 'application/json', "$name - type");
    is($headers->{'cache-control'}, 'no-store', "$name - not to be stored");
    is($headers->{$_->[0]}, $_->[1], "$name - $_->[0]")
        for grep { defined } $header{$status};
    is(scalar $Upstream->requests, 0, "$name - the backend got nothing");
}


sub is_forwarded {
    my ($name, $request, $identity, $why) = @_;

    my $answer = ask($request);
    my @requests = $Upstream->requests;

    is($answer->{error}, '', $name);
    is($answer->{status}, 200, "$name - status");
    is($answer->{headers}{'x-reason'}, $why // 'allowed', "$name - reason");
    is(scalar @requests, 1, "$name - the backend got one request");
    is($requests[0]{line}, "$request->[0] $request->[1] HTTP/1.0",
       "$name - as it was sent");
    is(SendkitAuth::identity_lines($requests[0]),
       join('', sort { $a cmp $b } map { "$_\n" } split /\n/, $identity),
       "$name - identity");
    unlike($requests[0]{head}, qr/sk_/, "$name - without a key");
}
