# Copyright (C) the ngx_sendkit_auth_module authors
#
# "sendkit-authctl explain" says what the gateway does: of thousands of
# requests, made up from a fixed seed, both give the same status and reason,
# and the same Allow and body where they refuse.
#
# Fails when authctl_explain_request(), or a function that it calls, gathers a
# fact otherwise than ngx_sendkit_auth_access_start() and
# ngx_sendkit_auth_headers_read() do, when authctl_explain_record() forgets the
# old pepper, when authctl_explain_values() takes what the gateway does not,
# or when authctl_routes_parse() reads other routes than nginx.
#
# What nginx refuses before any module sees it has no reason to compare.  The
# tool then says the same status: of methods that are not of A-Z, "_" and "-",
# of TRACE and of CONNECT it knows that, and names no reason; of a path that
# nginx cannot read it says "bad_path", as of one that the gateway refuses.
# Left out are TRACE and CONNECT with such a path, where nginx says 400 first.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

use Digest::SHA qw( hmac_sha256_hex );
use JSON::PP ();
use List::Util ();

my $tool = $ENV{SENDKIT_AUTHCTL} // "$Top/build/sendkit-authctl";
my $json = JSON::PP->new->latin1;
my $portion = $Slow ? 0.2 : 1;
my %files;

# Routes that are hard to tell apart, and hard to read.

my $routes = file_of(<<'END');
# ; " ' {
sendkit_auth_route GET /a; sendkit_auth_route GET,POST /A/b keys=platform;
sendkit_auth_route * '/a/**' keys=workspace;
sendkit_auth_route PUT "/a/{x}";
sendkit_auth_route GET "/a/{x}/c" workspace=header # who asks?
                   roles=none;
sendkit_auth_route DELETE	/a/b/c
    keys=any	workspace=header
    'roles=owner'
    ;
sendkit_auth_route "*" /a/b/ keys=any;
sendkit_auth_route OPTIONS,PATCH /a/b;

sendkit_auth_route PATCH "/w/{workspaceId}" keys=any roles=none;
sendkit_auth_route * "/w/{workspaceId}" keys=workspace;
sendkit_auth_route GET "/w/{workspaceId}/x" keys=any roles=member,admin;
sendkit_auth_route * "/w/{workspaceId}/**" keys=any workspace=header
                   roles=any;
sendkit_auth_route POST "/w/{workspaceId}/none" workspace=none roles=none
                   keys=any;
sendkit_auth_route GET,PUT /w/w1/x/y keys=platform;
sendkit_auth_route GET '/q\'$(1)!';
END

my %server = (
    shipped => { file => "$Top/conf/sendkit_v1_routes.conf",
                 conf => '',
                 options => [],
                 paths => [ (map { "/v1/workspaces/%w$_" }
                             '', '', '/api-key', '/api-key', '/api-key/rotate',
                             '/members', '/members/u_owner', '/campaigns' ),
                            (map { "/v1/$_" }
                             qw( workspaces workspaces account account/x ),
                             ('campaigns', 'leads/1') x 6),
                            '/v1/', '/v1', '/' ] },
    tricky  => { file => $routes,
                 conf => 'sendkit_auth_preflight on;
                          sendkit_auth_error_format envelope;',
                 options => [ '--error-format', 'envelope' ],
                 paths => [ qw( /a /a/b /a/b /A/b /a/x /a/x/c /a/b/c /a/b/c
                                /a/b/ /a/b/c/d /w/%w /w/%w /w/%w /w/%w/x
                                /w/%w/x /w/%w/x/y /w/%w/none /w/%w/z
                                /q'$(1)! ) ] },
);

my @methods = (qw( GET GET GET POST POST HEAD PUT PATCH DELETE OPTIONS ) x 5,
               qw( PROPFIND COPY X_Y-Z GETS TRACE CONNECT get Get G+T ), '');

# What is done to a path, or takes its place.  HOST is the server's name.

my @odd = (
    (map { my $text = $_; sub { at_random($_[0], '/', $text) } }
         qw( // /./ /../ /.../ /;/ /*/ /**/ /w1/ /%2F %2f %2e%2e/ /%2e/ \\
             /% /%2 /%zz /%00 /%41 /%c3%a4 ),
         '/#', "/\xc3\xa4/", '/ /', "/\t", "/\x01", "/\x7f"),
    (map { my $text = $_; sub { $_[0] . $text } }
         qw( / // /. /.. /../.. ?x=/../ ?x=%zz ? %20 %3f ; * ),
         '#', '#x', '?a?b#c', '?a b', "?a\x7f", '?' . 'x' x 2000, '/' . 'x' x 2000),
    (map { my $text = $_; sub { $text } }
         '*', '', 'x', '/..', '/../..', 'http://HOST', 'http://HOST?x',
         'http:/HOST/v1/account', 'http://', 'http:///a', 'http://HOST#'),
    (map { my $text = $_; sub { $text . $_[0] } }
         qw( x http://HOST HTTP://HOST:80 h+t.t-p://HOST http://HOST:
             http:HOST http://u@HOST http://HOST:x 1http://HOST //HOST /.. )),
    sub { uc $_[0] },
    sub { $_[0] =~ s/([a-z])/uc $1/er },
    sub { $_[0] =~ s/([a-z1])/sprintf '%%%02x', ord $1/er },
    sub { $_[0] =~ s{/[^/]*$}{}r },
);

# Each is the lines of X-Api-Key.

my %more = (future => { type => 'platform', user => 'u_owner',
                        expires => time + 86400 },
            past => { type => 'workspace', workspace => 'w1', expires => 0 },
            unreal => { type => 'platform', user => 'u_owner',
                        expires => 'never' },
            turned => { type => 'workspace', workspace => 'w1' },
            active => { type => 'platform', user => 'u_owner', status => '' });
my @keys = ((map { [ $_ ] } values %Key), (map { [ key_of($_) ] } keys %more),
            ([ $Key{owner} ]) x 12, ([ $Key{workspace} ]) x 8,
            ([ $Key{member} ]) x 6, [], [], [], [ ($Key{owner}) x 2 ],
            [ @Key{qw( owner admin )} ], [ " $Key{owner}  " ], [ ' ' ],
            [ "$Key{owner}\t" ], [ uc $Key{owner} ], [ 'sk_user_short' ],
            [ 'sk_' . 'x' x 129 ], [ 'sk_' . 'x' x 15 . '%' ], [ 'Bearer x' ]);
@keys = sort { "@$a" cmp "@$b" } @keys;

# Each is the lines of X-Workspace-Id; all of these may also be in a path.

my @workspaces = (([]) x 4, (map { [ $_ ] } qw( w1 w1 w1 w2 w3 w4 w.1 W1 ), '',
                             ' w1 ', 'w 1', 'x' x 64, 'x' x 65),
                  [ 'w1', 'w1' ], [ 'w1', 'w2' ]);
my @in_paths = (('w1') x 8, qw( w2 w2 w3 w4 W1 w.1 ), 'x' x 64, 'x' x 65);

my $unreadable = qr{^[^/] | ^$ | %(?![0-9a-f]{2}) | %00 | [\x00-\x20\x7f]
                    | \.\. | (?:\.|%2e){2} }xi;


sub file_of {
    my ($bytes) = @_;

    my $file = $files{$bytes} //= temp_dir() . '/file' . keys %files;
    return $file if -e $file;

    open my $out, '>:raw', $file or die "$file: $!";
    print $out $bytes;
    close $out or die "$file: $!";
    return $file;
}


sub pick     { return $_[rand @_] }
sub key_of   { return "sk_user_$_[0]-0123456789abcdef" }

# Puts the text in the place of one of those that there are.

sub at_random {
    my ($path, $place, $text) = @_;

    my @parts = split /\Q$place\E/, $path, -1;
    my $i = 1 + int rand(@parts - 1);

    return join('/', @parts[0 .. $i - 1]) . $text
           . join '/', @parts[$i .. $#parts];
}


sub seed_redis {
    my ($digest) = @_;

    redis('FLUSHALL');
    redis(@$_) for @$Seed;
    redis('HSET', 'sendkit:key:' . $digest->(key_of($_)), %{ $more{$_} })
        for keys %more;
    redis('HSET', 'sendkit:roles:w3', 'u_admin', 'admin');
    redis('SET', 'sendkit:roles:w4', 'not a hash');

    $Key{string} = key_of('string');
    redis('SET', 'sendkit:key:' . $digest->($Key{string}), 'not a hash');
}


sub gate_for {
    my ($more) = @_;

    my $backend = temp_dir() . '/backend.sock';
    unlink $backend;

    my $servers = join '', map { <<"END" } sort keys %server;
    server {
        listen       127.0.0.1:%PORT%;
        server_name  $_;
        sendkit_auth on;
        include      $server{$_}{file};
        add_header   X-Reason \$sendkit_auth_reason always;
        $server{$_}{conf}

        location / {
            proxy_pass http://unix:$backend;
        }
    }
END

    return SendkitAuth::Nginx->start(http => <<"END");
    sendkit_auth_redis                  unix:@{[ redis_socket() ]};
    sendkit_auth_redis_connect_timeout  5s;
    sendkit_auth_redis_read_timeout     5s;
    sendkit_auth_timeout                5s;
    keepalive_requests                  100000;
    $more
$servers
    server {
        listen unix:$backend;
        return 200;
    }
END
}


sub make_case {
    my ($name) = @_;
    my $server = $server{$name};

    my $path = pick(@{ $server->{paths} }) =~ s/%w/pick(@in_paths)/er;
    my $method = pick(@methods);
    my $preflight = $name eq 'tricky' && rand() < 0.2;

    $method = 'OPTIONS' if $preflight && rand() < 0.5;
    $path = pick(@odd)->($path)
        if $method !~ /^(?:TRACE|CONNECT)$/ && rand() < 0.2;
    $path =~ s/HOST/$name/;

    return { server => $name, method => $method, target => $path,
             keys => pick(@keys), workspaces => pick(@workspaces),
             preflight => $preflight };
}


sub name_of {
    my ($case) = @_;

    return join ' ', map { defined ? ref ? "[@$_]" : "\"$_\"" : '-' }
                     @$case{qw( server method target keys workspaces
                                preflight )};
}


# nginx ends the connection after some errors.

my %client;

sub ask_gate {
    my ($gate, $case) = @_;

    my $client = $client{$gate->port} //= SendkitAuth::Wire->new($gate->port);
    my @preflight = $case->{preflight}
        ? ('Origin: http://a', 'Access-Control-Request-Method: PUT') : ();

    $client->send(join "\r\n", "$case->{method} $case->{target} HTTP/1.1",
                  "Host: $case->{server}",
                  (map { "X-Api-Key: $_" } @{ $case->{keys} }),
                  (map { "X-Workspace-Id: $_" } @{ $case->{workspaces} }),
                  @preflight, '', '');

    my $answer = $client->answer($case->{method});
    my $headers = $answer->{headers};

    delete $client{$gate->port}
        if ($headers->{connection} // 'close') eq 'close';

    return { status => $answer->{status}, reason => $headers->{'x-reason'},
             allow => $headers->{allow}, body => $answer->{body} };
}


# All at once, by a shell: to fork from here would take most of the time.

sub ask_tool {
    my ($cases, @options) = @_;

    my $script = join '', map { command_for($_, @options) } @$cases;
    open my $out, '-|', 'sh', file_of($script) or die "sh: $!";

    my @answers;

    while (@answers < @$cases) {
        my $text = <$out> // die "sendkit-authctl: only " . @answers
                                 . " answers\n";
        my $exit = $text =~ /^\{/ ? <$out> : $text;
        my ($decision) = $text =~ /"decision":(\{.*\})\}$/;

        $decision = defined $decision ? $json->decode($decision) : {};

        push @answers, { %$decision, exit => $exit + 0,
                         status => $decision->{forward}
                                   ? 200 : $decision->{status} };
    }

    return @answers;
}


sub command_for {
    my ($case, @options) = @_;

    my @command = ($tool, '-s', redis_socket(), @options, '--json', 'explain',
                   '--routes', $server{$case->{server}}{file},
                   @{ $server{$case->{server}}{options} },
                   (map { ('--key', '-') } @{ $case->{keys} }),
                   (map { ('--workspace-id', $_) } @{ $case->{workspaces} }),
                   $case->{preflight} ? '--preflight' : (),
                   '--', $case->{method}, $case->{target});
    my $key = @{ $case->{keys} } ? file_of("$case->{keys}[0]\n") : '/dev/null';

    return join(' ', map { q{'} . s/'/'\\''/gr . q{'} } @command)
           . " < $key 2> /dev/null; echo \$?\n";
}


# How the two differ, or nothing; and under which name the case counts.

sub compare {
    my ($case, $gate, $tool) = @_;

    my $exit = $gate->{status} == 200 ? 0 : $gate->{status} == 503 ? 3 : 1;
    my $name = $gate->{reason} // 'nginx';
    my @facets = ('status', 'reason');

    if (!defined $gate->{reason} && defined $tool->{reason}) {
        $name = 'bad_path, nginx';
        $gate->{reason} = 'bad_path'
            if $gate->{status} == 400 && $case->{target} =~ $unreadable;

    } elsif (defined $gate->{reason} && $gate->{status} != 200) {
        push @facets, 'allow', $case->{method} eq 'HEAD' ? () : 'body';
    }

    my @differ = grep { ($gate->{$_} // '-') ne ($tool->{$_} // '-') } @facets;
    push @differ, 'exit' if ($gate->{exit} = $exit) != $tool->{exit};

    return ($name,
            map { "$_: gateway " . ($gate->{$_} // '-') . ', tool '
                  . ($tool->{$_} // '-') . ';' } @differ);
}


my %count;

sub same_answers {
    my ($gate, $n, $name, @options) = @_;

    my (@cases, @differences, %seen);

    srand $n;

    while (@cases < $n) {
        my $case = make_case(@cases % 5 < 2 ? 'tricky' : 'shipped');
        push @cases, $case if !$seen{name_of($case)}++;
    }

    my @tool = ask_tool(\@cases, @options);

    for my $case (@cases) {
        my ($reason, @differ) = compare($case, ask_gate($gate, $case),
                                        shift @tool);
        $count{$reason}++;
        push @differences, map { name_of($case) . " $_" } @differ;
    }

    is(scalar @differences, 0, "$name: the same answers to $n requests")
        or diag(join "\n", List::Util::head(20, @differences));
}


seed_redis(\&digest);
push @keys, [ $Key{string} ];

my $gate = gate_for('');

same_answers($gate, int(2200 * $portion), 'without pepper');


# A record is found under either digest; under the new one it counts.

my %pepper = (new => 'the-new-pepper-of-the-tests',
              old => 'the-old-pepper-of-the-tests');
my %pepper_file = map { $_ => file_of("$pepper{$_}\n") } keys %pepper;
my $i = 0;

seed_redis(sub { hmac_sha256_hex($_[0], $pepper{new}) });

for my $key (sort values %Key) {
    my $record = redis('HGETALL', 'sendkit:key:' . digest($key));
    my $pepper = $i++ % 3 ? 'old' : 'new';

    redis('HSET', 'sendkit:key:' . hmac_sha256_hex($key, $pepper{$pepper}),
          @$record) if @$record;
}

redis('HSET', 'sendkit:key:' . hmac_sha256_hex($Key{unknown}, $pepper{$_}),
      type => 'platform', user => "u_$_", $_ eq 'new' ? (status => 'x') : ())
    for sort keys %pepper;

same_answers(gate_for("sendkit_auth_pepper_file @pepper_file{qw( new old )};"),
             int(300 * $portion), 'with peppers',
             '--pepper-file', $pepper_file{new},
             '--old-pepper-file', $pepper_file{old});


# A value that is too long; the gateway closes the connection then.

sub same_answer {
    my ($gate, $reason, $name) = @_;

    my $case = { server => 'shipped', method => 'GET', workspaces => [ 'w1' ],
                 target => '/v1/campaigns', keys => [ $Key{owner} ] };
    my ($got, @differ) = compare($case, ask_gate($gate, $case),
                                 ask_tool([ $case ]));

    $count{$got}++;
    is("$got @differ", "$reason ", $name);
}

seed_redis(\&digest);
redis('HSET', 'sendkit:roles:w1', 'u_owner', 'x' x 65537);
same_answer($gate, 'store_error', 'a role of 65537 bytes is an error');

redis_server()->kill9;
same_answer($gate, 'store_down', 'without Redis both say that it is down');
redis_server()->start;


my @reasons = qw( allowed preflight bad_path no_route method no_key
                  duplicate_key bad_key key_kind unknown_key expired_key
                  inactive_key no_workspace other_workspace role store_error
                  store_down );

ok($count{$_}, "among them was \"$_\"") for @reasons, 'nginx';
diag(join ', ', map { "$_ $count{$_}" } sort keys %count);
