# Copyright (C) the ngx_sendkit_auth_module authors
#
# What the origin gets: a GET with what is asked, and nothing of the client,
# above all not its key.
#
# Fails when the subrequest has the client's headers, method, query or body,
# when a header of the client is taken for one of the question, when the key
# is sent without sendkit_auth_origin_send_key, or when the subrequest leaves
# its own variables behind in the client's request.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

# The backend of the tests shows all that it gets, so here it is the origin.

my $recorder = SendkitAuth::Upstream->new;

my %says = (
    platform => [ 'X-Sendkit-Key-Type:platform', 'X-Sendkit-User-Id:u_owner',
                  'X-Sendkit-Role:owner' ],
    workspace => [ 'X-Sendkit-Key-Type:workspace',
                   'X-Sendkit-Workspace-Id:w1' ],
);


sub location {
    my ($name, $type, $more) = @_;

    my $args = join '&', map { "upstream_header=$_" } @{ $says{$type} };

    return <<"END";
        location = $name {
            internal;
            proxy_pass http://recorder/asked?$args;
            $more
        }
END
}


# Of a client that wants all of it to be passed on.

my @nasty = (
    'Cookie: a=cookie', 'Authorization: Bearer sk_user_nasty-0123456789',
    'X-Sendkit-Key-Digest: ' . '0' x 64, 'X-Sendkit-Key-Type: nasty',
    'X-Sendkit-User-Id: nasty', 'X-Sendkit-Workspace-Id: nasty',
    'X-Sendkit-Role: nasty', 'X_Sendkit_User_Id: nasty',
    'x-sendkit-key-digest: nasty', 'X_Api_Key: nasty', 'X-Nasty: nasty',
    'X-HTTP-Method-Override: DELETE', 'X-Forwarded-For: 10.9.8.7',
    'Forwarded: for=10.9.8.7', 'User-Agent: nasty', 'Referer: http://nasty/',
    'Accept: text/nasty', 'Accept-Encoding: gzip', 'Range: bytes=0-1',
    'If-None-Match: "nasty"', 'If-Modified-Since: nasty', 'TE: trailers',
    'Upgrade: websocket', 'Origin: https://nasty.test', 'Via: 1.1 nasty',
    'Content-Type: text/nasty',
);

my $sent_on = 'http://backend/'
              . '?upstream_header=X-Accel-Redirect:/kept-alive/a';

my $gate = gate(
    more => <<"END",
        upstream recorder { server @{[ $recorder->address ]}; }
        underscores_in_headers on;
        ignore_invalid_headers off;
        sendkit_auth_origin /platform;
END
    location => join '', location('/platform', 'platform', ''),
                location('/workspace', 'workspace', ''),
                location('/variables', 'platform', 'proxy_set_header X-Seen '
                         . '"$http_user_agent|$http_x_api_key|$cookie_a'
                         . '|$content_length|$arg_x|$http_x_nasty'
                         . '|$uri|$args";'),
                location('/kept-alive', 'platform', 'proxy_http_version 1.1; '
                         . 'proxy_set_header Connection "";'),
                <<"END");
        location = /sent-on {
            proxy_pass  $sent_on;
        }

        location /kept-alive/ {
            sendkit_auth         on;
            sendkit_auth_origin  /kept-alive;
            sendkit_auth_route   *  "/**" keys=any roles=any workspace=header;
            proxy_pass           http://backend;
        }

        location /workspaces/ {
            sendkit_auth         on;
            sendkit_auth_origin  /workspace;
            sendkit_auth_route   *  "/**" keys=any roles=any workspace=header;
            proxy_pass           http://backend;
        }

        location /key/ {
            sendkit_auth                  on;
            sendkit_auth_bearer           on;
            sendkit_auth_origin_send_key  on;
            sendkit_auth_route  *  "/**" keys=any roles=any workspace=header;
            proxy_pass          http://backend;
        }

        location /variables/ {
            sendkit_auth         on;
            sendkit_auth_origin  /variables;
            sendkit_auth_route  *  "/**" keys=any roles=any workspace=header;
            proxy_pass          http://backend;
            proxy_set_header    X-Sendkit-Test
                "\$http_user_agent|\$cookie_a|\$content_length|\$arg_x|\$http_x_nasty|\$uri|\$args";
            add_header          X-After
                "\$http_user_agent|\$cookie_a|\$content_length|\$arg_x|\$http_x_nasty|\$uri|\$args";
        }
END


# What was asked, as sorted lines, without what proxy_pass itself says.

sub asked_lines {
    my @requests = wait_until(sub { $recorder->requests })
                   ? $recorder->requests : ();

    return join "\n", map {
        my ($line, @lines) = split /\r?\n/, $_->{head};
        ($line =~ s/\?upstream_header\S*//r,
         sort grep { !/^Connection: close$/ } @lines)
    } @requests;
}


sub question {
    my ($who, @more) = @_;

    my $type = $Key{$who} =~ /^sk_user_/ ? 'platform' : 'workspace';

    return join "\n", 'GET /asked HTTP/1.0',
                sort 'Host: recorder', "X-Sendkit-Key-Type: $type",
                'X-Sendkit-Key-Digest: ' . digest($Key{$who}), @more;
}


sub fresh_recorder {
    redis('FLUSHALL');
    redis(@$_) for @_;
    $recorder->mark;
    $Upstream->mark;
}


my $scope = 'X-Sendkit-Workspace-Id: w1';

# Every method, with and without a body.

for (map({ [ $_ ] } qw( GET HEAD POST PUT PATCH DELETE OPTIONS )),
     map({ [ $_, 'a body', 'Content-Length: 6' ],
           [ $_, "6\r\na body\r\n0\r\n\r\n", 'Transfer-Encoding: chunked' ] }
         qw( GET POST PATCH DELETE )))
{
    my ($method, $body, @length) = @$_;
    my $name = join ' ', $method, @length;

    fresh_recorder();
    my $client = SendkitAuth::Wire->new($gate->port);
    $client->send(request_of('owner', 'w1', [
        $method, '/v1/campaigns?x=nasty', 'X-Workspace-Id: w1', @nasty,
        @length ]), $body // '');
    my $answer = $client->answer($method);

    is($answer->{status}, 200, "$name - is allowed");
    is(asked_lines(), question('owner', $scope), "$name - what is asked");

    my ($request) = $Upstream->requests;
    like($request->{line}, qr{^$method /v1/campaigns\?x=nasty HTTP},
         "$name - the request itself is as it was");
    like($request->{head}, qr/^X-Nasty: nasty\r?$/m,
         "$name - with its own headers");
    like($answer->{body}, qr/"body_bytes":6,/, "$name - with its body")
        if defined $body;
    unlike($request->{head}, qr/Key-Digest/,
           "$name - the backend does not get the digest");
    $client->close;
}


# A body that is large, and one that waits for "100 Continue".

fresh_recorder();
my $large = SendkitAuth::Wire->new($gate->port);
my $sent = $large->request('POST', '/v1/campaigns', [
    "X-Api-Key: $Key{owner}", 'X-Workspace-Id: w1' ], 'x' x 900_000);
like($sent->{body}, qr/"body_bytes":900000,/, 'a large body is not lost');
is(asked_lines(), question('owner', $scope), 'a large body is not sent along');

fresh_recorder();
$large->send(request_of('owner', 'w1', [
    'POST', '/v1/campaigns', 'X-Workspace-Id: w1', 'Content-Length: 10',
    'Expect: 100-continue' ]));
is($large->answer->{status}, 100, '100 Continue, when the key is known');
$sent = $large->send('0123456789')->answer;
like($sent->{body}, qr/"body_bytes":10,/, 'then the body is taken');
is(asked_lines(), question('owner', $scope), 'then the body is not sent along');
$large->close;


# A body that was read already, for the request has been somewhere before.

fresh_recorder();
my $before = SendkitAuth::Wire->new($gate->port);
$sent = $before->request('POST', '/sent-on', [
    "X-Api-Key: $Key{owner}", 'X-Workspace-Id: w1' ],
    "GET /smuggled HTTP/1.1\r\nHost: nasty\r\n\r\n");
is_allowed($sent, 'owner', 'w1', 'a body that was read');
is(asked_lines(), question('owner', $scope) =~ s{HTTP/1.0}{HTTP/1.1}r,
   'a body that was read is not sent along');
$before->close;


# The other questions.

fresh_recorder();
ask($gate, 'owner', undef, [ 'GET', '/v1/account', @nasty ]);
is(asked_lines(), question('owner'), 'without a workspace');

fresh_recorder(record($Key{owner}, type => 'platform', user => 'u_owner'));
ask($gate, 'owner', 'w1', [ 'GET', '/v1/campaigns', 'X-Workspace-Id: w1',
                            @nasty ]);
is(asked_lines(), question('owner', $scope, 'X-Sendkit-User-Id: u_owner'),
   'for a role');

# What is no workspace is none here.

for my $header ('X-Workspace-Id: w!1', 'X-Workspace-Id: ' . 'w' x 65,
                'X-Workspace-Id:', "X-Workspace-Id: w1\r\nX-Workspace-Id: w2")
{
    fresh_recorder();
    is_refused(ask($gate, 'owner', undef, [ 'GET', '/v1/campaigns',
                                            $header ]),
               400, 'no_workspace', $header =~ s/\r\n/, /r);
    is(asked_lines(), question('owner'), 'no workspace is not sent');
}

fresh_recorder();
is_allowed(ask($gate, 'workspace', 'w1',
               [ 'GET', '/workspaces/a', 'X-Workspace-Id: w1' ]),
           'workspace', 'w1', 'a workspace key');
is(asked_lines(), question('workspace'), 'a workspace key');

fresh_recorder();
is_allowed(ask($gate, 'workspace', 'w1', [
               'GET', '/workspaces/a', grep { !/^Authorization/ } @nasty ]),
           'workspace', 'w1', 'a workspace key alone');
is(asked_lines(), question('workspace'), 'a workspace key alone');


# The key itself, where the origin is to have it; wherever it came from.

for my $header ("X-Api-Key: $Key{owner}", "Authorization: Bearer $Key{owner}",
                "Authorization: bearer $Key{owner}")
{
    fresh_recorder();
    my $client = SendkitAuth::Wire->new($gate->port);
    my $answer = $client->request('GET', '/key/a', [
        $header, 'X-Workspace-Id: w1',
        grep { !/^Authorization/ } @nasty ]);

    is_allowed($answer, 'owner', 'w1', 'with its key');
    is(asked_lines(), question('owner', $scope, "X-Api-Key: $Key{owner}"),
       'with its key - what is asked');
}

fresh_recorder(record($Key{owner}, type => 'platform', user => 'u_owner'));
ask($gate, 'owner', 'w1', [ 'GET', '/key/a', 'X-Workspace-Id: w1' ]);
is(asked_lines(), question('owner', $scope, 'X-Sendkit-User-Id: u_owner',
                           "X-Api-Key: $Key{owner}"),
   'with its key - for a role');

fresh_recorder();
ask($gate, 'owner', 'w1', [ 'GET', '/v1/campaigns', 'X-Workspace-Id: w1' ]);
is(asked_lines(), question('owner', $scope),
   'without its key - in the location beside it');


# Variables of the two requests are apart.

fresh_recorder();
my $client = SendkitAuth::Wire->new($gate->port);
my $answer = $client->request('POST', '/variables/a?x=query', [
    "X-Api-Key: $Key{owner}", 'X-Workspace-Id: w1', 'User-Agent: agent',
    'Cookie: a=cookie', 'X-Nasty: nasty' ], '0123456789');
my $mine = 'agent|cookie|10|query|nasty|/variables/a|x=query';

is($answer->{status}, 200, 'variables - allowed');
is($answer->{headers}{'x-after'}, $mine, 'variables - after the question');
like(($Upstream->requests)[0]{head}, qr/^X-Sendkit-Test: \Q$mine\E\r?$/m,
     'variables - in what is forwarded');
like(($recorder->requests)[0]{head}, qr/^X-Seen: \|{6}\/variables\|\r?$/m,
     'variables - in the question');

ends_well($gate, 'headers');
