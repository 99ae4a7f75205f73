# Copyright (C) the ngx_sendkit_auth_module authors
#
# The identity headers are real request headers, so that not only proxy_pass
# sends them.  FastCGI, SCGI and uwsgi make variables of them, in which "-"
# and "_", and for some backends all that is no letter or digit, are the same:
# the variable must be there once, and no copy of the client's.  What such a
# backend is sent is read here from the wire.
#
# Fails if ngx_sendkit_auth_headers_is_kept() keeps a twin, or if headers are
# set for one protocol only.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::Process qw( start_process );
use SendkitAuth::Seed;

use IO::Socket::UNIX ();

my %reader = (fastcgi => \&read_fastcgi, scgi => \&read_scgi,
              uwsgi => \&read_uwsgi);

our %Location = map { $_ => location($_) } keys %reader;

run_tests();


sub location {
    my ($protocol) = @_;

    return <<"END";
    underscores_in_headers on;
    ignore_invalid_headers off;

    location /v1/ {
        sendkit_auth      on;
        include           $::Top/conf/sendkit_v1_routes.conf;
        ${protocol}_pass  unix:@{[ backend($protocol) ]};
    }
END
}


# Answers each connection with the variables that it was sent and that come
# from headers named X-..., sorted, one a line.

sub backend {
    my ($protocol) = @_;

    my $path = temp_dir() . "/$protocol.sock";
    my $listen = IO::Socket::UNIX->new(Local => $path, Listen => 16)
        or die "cannot listen on $path: $!";
    chmod 0777, $path;

    start_process(sub {
        while (my $socket = $listen->accept) {
            my %pairs = (seen => []);
            $reader{$protocol}->($socket, $pairs{seen});

            my $text = join '', sort map { "$_->[0]=$_->[1]\n" }
                                     grep { $_->[0] =~ /^HTTP_X/i }
                                     @{ $pairs{seen} };
            my $head = $protocol eq 'uwsgi' ? 'HTTP/1.0 200' : 'Status: 200';

            answer($protocol, $socket, "$head OK\r\n"
                   . "Content-Type: text/plain\r\n\r\n$text");
            close $socket;
        }
    }, temp_dir() . "/$protocol.log");

    return $path;
}


sub answer {
    my ($protocol, $socket, $text) = @_;

    # FastCGI: STDOUT with the text, its end, END_REQUEST.

    $text = pack('CCnnCx', 1, 6, 1, length $text, 0) . $text
            . pack('CCnnCx', 1, 6, 1, 0, 0)
            . pack('CCnnCxNx4', 1, 3, 1, 8, 0, 0)
        if $protocol eq 'fastcgi';

    syswrite $socket, $text;
}


sub take {
    my ($socket, $length) = @_;

    read($socket, my $bytes, $length) == $length or die "short read\n"
        if $length;
    return $bytes // '';
}


# A netstring of NAME NUL VALUE NUL.

sub read_scgi {
    my ($socket, $pairs) = @_;

    my $length = '';
    $length .= take($socket, 1) while $length !~ /:$/;

    my @words = split /\0/, take($socket, $length =~ s/://r), -1;
    push @$pairs, [ splice @words, 0, 2 ] while @words > 1;
}


# Length and all strings: little-endian, 16 bits.

sub read_uwsgi {
    my ($socket, $pairs) = @_;

    my (undef, $length) = unpack 'Cv', take($socket, 4);
    my @words = unpack '(v/a*)*', take($socket, $length);
    push @$pairs, [ splice @words, 0, 2 ] while @words > 1;
}


# Records until the parameters and the body have ended.

sub read_fastcgi {
    my ($socket, $pairs) = @_;
    my $params = '';

    for ( ;; ) {
        my ($type, $length, $padding) = unpack 'xCxxnCx', take($socket, 8);
        my $content = take($socket, $length);
        take($socket, $padding);

        $params .= $content if $type == 4;
        last if $type == 5 && $length == 0;
    }

    my $length = sub {
        my $n = unpack 'C', $params;
        return unpack 'C', substr $params, 0, 1, '' if $n < 128;
        return 0x7fffffff & unpack 'N', substr $params, 0, 4, '';
    };

    while (length $params) {
        my ($name, $value) = ($length->(), $length->());
        push @$pairs, [ substr($params, 0, $name, ''),
                        substr($params, 0, $value, '') ];
    }
}


# What the backend has to be sent for this key.

sub variables {
    my ($who, $workspace, @more) = @_;

    my @lines = split /\n/, ::identity($who, $workspace);
    s/^(\S+): /'HTTP_' . uc($1 =~ tr!-!_!r) . '='/e for @lines;

    return join '', map { "$_\n" } sort @lines, @more;
}

__DATA__

=== TEST 1: FastCGI is sent the identity of the key
--- config eval: $::Location{fastcgi}
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/workspaces/w1', 'GET /v1/account', 'GET /v1/account' ]
--- more_headers eval: [ map { "X-Api-Key: $::Key{$_}" } 'owner', 'unknown', 'admin' ]
--- error_code eval: [ 200, 401, 200 ]
--- response_body eval
[ ::variables('owner', 'w1'), ::denied(401), ::variables('admin') ]


=== TEST 2: FastCGI is sent no copy of the client's, in no spelling
--- config eval: $::Location{fastcgi}
--- redis eval: $::Seed
--- request: POST /v1/workspaces/w1/api-key
--- more_headers eval
"X_Sendkit_Role: SPOOF\nX-Sendkit-Role: SPOOF\nx-sendkit_user-id: SPOOF\n"
. "X.Sendkit.Key.Id: SPOOF\nX_SENDKIT_FOO: SPOOF\nX_Api_Key: SPOOF\nX-Api.Key: SPOOF\n"
. "X-Api-Key: $::Key{owner}\nX-Other: kept"
--- response_body eval: ::variables('owner', 'w1', 'HTTP_X_OTHER=kept')


=== TEST 3: SCGI is sent the identity of the key
--- config eval: $::Location{scgi}
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/workspaces/w1', 'GET /v1/account', 'GET /v1/account' ]
--- more_headers eval: [ map { "X-Api-Key: $::Key{$_}" } 'owner', 'unknown', 'admin' ]
--- error_code eval: [ 200, 401, 200 ]
--- response_body eval
[ ::variables('owner', 'w1'), ::denied(401), ::variables('admin') ]


=== TEST 4: SCGI is sent no copy of the client's, in no spelling
--- config eval: $::Location{scgi}
--- redis eval: $::Seed
--- request: POST /v1/workspaces/w1/api-key
--- more_headers eval
"X_Sendkit_Role: SPOOF\nX-Sendkit-Role: SPOOF\nx-sendkit_user-id: SPOOF\n"
. "X.Sendkit.Key.Id: SPOOF\nX_SENDKIT_FOO: SPOOF\nX_Api_Key: SPOOF\nX-Api.Key: SPOOF\n"
. "X-Api-Key: $::Key{owner}\nX-Other: kept"
--- response_body eval: ::variables('owner', 'w1', 'HTTP_X_OTHER=kept')


=== TEST 5: uwsgi is sent the identity of the key
--- config eval: $::Location{uwsgi}
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/workspaces/w1', 'GET /v1/account', 'GET /v1/account' ]
--- more_headers eval: [ map { "X-Api-Key: $::Key{$_}" } 'owner', 'unknown', 'admin' ]
--- error_code eval: [ 200, 401, 200 ]
--- response_body eval
[ ::variables('owner', 'w1'), ::denied(401), ::variables('admin') ]


=== TEST 6: uwsgi is sent no copy of the client's, in no spelling
--- config eval: $::Location{uwsgi}
--- redis eval: $::Seed
--- request: POST /v1/workspaces/w1/api-key
--- more_headers eval
"X_Sendkit_Role: SPOOF\nX-Sendkit-Role: SPOOF\nx-sendkit_user-id: SPOOF\n"
. "X.Sendkit.Key.Id: SPOOF\nX_SENDKIT_FOO: SPOOF\nX_Api_Key: SPOOF\nX-Api.Key: SPOOF\n"
. "X-Api-Key: $::Key{owner}\nX-Other: kept"
--- response_body eval: ::variables('owner', 'w1', 'HTTP_X_OTHER=kept')


=== TEST 7: gRPC is sent the identity once, and no copy of the client's
--- more_http_config eval
"server {
    listen  unix:${\ ::temp_dir() }/grpc.sock http2;
    underscores_in_headers on;
    ignore_invalid_headers off;
    location / { proxy_pass http://backend; }
}"
--- config eval
"underscores_in_headers on;\nignore_invalid_headers off;\n"
. $::Guarded =~ s/proxy_pass.*/grpc_pass grpc:\/\/unix:${\ ::temp_dir() }\/grpc.sock;/r
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/workspaces/w1', 'GET /v1/account' ]
--- more_headers eval
[
    "X_Sendkit_Role: SPOOF\nX-Sendkit-Role: SPOOF\nX.Sendkit.Key.Id: SPOOF\nX_Api_Key: SPOOF\n"
        . "X-Api-Key: $::Key{owner}\nX-Other: kept",
    "X-Sendkit-Role: SPOOF",
]
--- error_code eval: [ 200, 401 ]
--- response_body eval: [ qr/"uri"/, ::denied(401) ]
--- upstream_requests: 1
--- upstream_identity eval: lc(::identity('owner', 'w1'))
--- upstream_like: (?i)^x-other: kept\r$
--- upstream_unlike: SPOOF|sk_user_
