# Copyright (C) the ngx_sendkit_auth_module authors
#
# Bodies of requests over HTTP/1.1.  The gateway decides before a body is read:
# one that is allowed has to arrive whole, also what came while the request
# waited for Redis, and one that is refused has to be read and thrown away,
# or what is left of it is taken for the next request of the connection: a
# request that the client of a proxy in front never sent.
#
# Fails if a denial is sent without ngx_http_send_response() discarding the
# body, if ngx_sendkit_auth_response_send() does not set "expect_tested" or
# "error_page", or if ngx_sendkit_auth_access_park() reads what the client sends.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Wire;
use Test::More;

# 200 kB in which each byte has its place.

our $Body = join '', map { sprintf '%07d,', $_ } 1 .. 25600;

# The same in chunks of many sizes.

our $Chunked = chunked($Body, 1, 4096, 15, 16384, 70000);

our $Unbuffered = $Guarded =~ s/proxy_pass/
        proxy_request_buffering  off;
        proxy_http_version       1.1;
        proxy_pass/r;

my $path = '/v1/workspaces/w1/api-key?upstream_echo=1';
my @owner = "X-Api-Key: $Key{owner}";
my @member = "X-Api-Key: $Key{member}";
my @length = 'Content-Length: ' . length $Body;

refused_bodies();
expect_continue();
waiting_for_redis();

run_tests();


sub chunked {
    my ($bytes, @sizes) = @_;
    my $text = '';

    while (length $bytes) {
        push @sizes, shift @sizes;
        my $chunk = substr $bytes, 0, $sizes[0], '';
        $text .= sprintf "%x\r\n%s\r\n", length $chunk, $chunk;
    }

    return "${text}0\r\n\r\n";
}


sub post { return SendkitAuth::Wire::head('POST', $path, [ @_ ]) }


# The same connection goes on with a request that is allowed.

sub is_in_step {
    my ($client, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $answer = $client->request('POST', $path, \@owner, "in step: $name");

    is("$answer->{status} $answer->{body}", "200 in step: $name",
       "$name - the next request of the connection is answered");
}


sub is_denied {
    my ($answer, $status, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is("$answer->{status} $answer->{body}", "$status " . denied($status),
       $name);
}


# One byte after the other, so that nginx reads the body in many events: what
# is sent after the answer is there was surely not read before it.

sub refused_bodies {
    redis('FLUSHALL');
    redis(@$_) for @$Seed;

    my $gate = gate();
    my $name = 'a body that comes after the denial is thrown away';

    for my $case ([ 'in two halves', substr($Body, 0, 1000), @length ],
                  [ 'all of it', '', @length ],
                  [ 'in chunks', substr($Chunked, 0, 1000),
                    'Transfer-Encoding: chunked' ],
                  [ 'in chunks, all of it', '',
                    'Transfer-Encoding: chunked' ])
    {
        my ($how, $first, @headers) = @$case;
        my $rest = substr $headers[0] =~ /chunked/ ? $Chunked : $Body,
                          length $first;

        $Upstream->mark;

        for my $key (\@member, [], [ 'X-Api-Key: bad' ]) {
            my $client = SendkitAuth::Wire->new($gate->port);
            $client->send(post(@$key, @headers), $first);

            is_denied($client->answer, $key == \@member ? 403 : 401,
                      "$name, $how - denied before it is all there");
            ok($client->is_silent, "$name, $how - one answer");
            is_forwarded_never("$name, $how");

            $client->send($rest);
            is_in_step($client, "$name, $how");
            $Upstream->mark;
        }
    }

    $name = 'a refused body that looks like a request is none';

    for my $inner (post(@owner, 'Content-Length: 0')) {
        my $client = SendkitAuth::Wire->new($gate->port);

        $Upstream->mark;
        $client->send(post(@member, 'Content-Length: ' . length $inner));
        is_denied($client->answer, 403, "$name - denied");
        $client->send($inner);
        is_in_step($client, $name);
        is(scalar $Upstream->requests, 1, "$name - it was not forwarded");

        $client = SendkitAuth::Wire->new($gate->port);
        $Upstream->mark;
        $client->send(post(@member, 'Content-Length: ' . length $inner),
                      $inner);
        is_denied($client->answer, 403, "$name, with the head - denied");
        is_in_step($client, "$name, with the head");
        is(scalar $Upstream->requests, 1,
           "$name, with the head - it was not forwarded");
    }

    $name = 'a body shorter than announced';

    my $client = SendkitAuth::Wire->new($gate->port);
    $Upstream->mark;
    $client->send(post(@owner, 'Content-Length: 100'), 'x' x 50);
    ok($client->is_silent, "$name is waited for if it is allowed");
    $client->close;
    is_in_step(SendkitAuth::Wire->new($gate->port), $name);
    is(scalar $Upstream->requests, 1, "$name was not forwarded");

    $name = 'a body longer than announced';

    $client = SendkitAuth::Wire->new($gate->port);
    $Upstream->mark;
    $client->send(post(@member, 'Content-Length: 3'), 'abc', 'x',
                  post(@owner, 'Content-Length: 0'));
    is_denied($client->answer, 403, "$name - denied");
    is($client->answer->{status}, 400, "$name - its rest is no request");
    ok($client->is_closed, "$name - the connection is closed");
    is_forwarded_never($name);

    $name = 'a chunked body that becomes invalid after the denial';

    $client = SendkitAuth::Wire->new($gate->port);
    $Upstream->mark;
    $client->send(post(@member, 'Transfer-Encoding: chunked'), "5\r\nabcde");
    is_denied($client->answer, 403, "$name - denied");
    $client->send("no end of chunk\r\n", post(@owner, 'Content-Length: 0'));
    ok($client->is_closed, "$name - the connection is closed");
    is_forwarded_never($name);

    ends_well($gate, 'refused bodies');
}


sub expect_continue {
    redis('FLUSHALL');
    redis(@$_) for @$Seed;

    my $gate = gate();
    my @expect = ('Expect: 100-continue', 'Content-Length: 10');

    for my $case ([ 403, @member ], [ 401 ], [ 401, 'X-Api-Key: bad' ],
                  [ 401, "X-Api-Key: $Key{unknown}" ])
    {
        my ($status, @key) = @$case;
        my $name = "a body is not asked for before the denial @key";

        my $client = SendkitAuth::Wire->new($gate->port);
        $Upstream->mark;
        $client->send(post(@key, @expect));
        is_denied($client->answer, $status, "$name - at once");
        ok($client->is_silent, "$name - nothing else");
        is_forwarded_never($name);

        $client->send('0123456789');
        is_in_step($client, $name);
    }

    my $name = 'a body that is allowed is asked for';
    my $client = SendkitAuth::Wire->new($gate->port);

    $client->send(post(@owner, @expect));
    is($client->answer->{status}, 100, $name);
    ok($client->is_silent, "$name - and waited for");
    $client->send('0123456789');
    my $answer = $client->answer;
    is("$answer->{status} $answer->{body}", '200 0123456789',
       "$name - and arrives");
    is_in_step($client, $name);

    ends_well($gate, 'expected bodies');
}


# Redis does not answer until what is sent meanwhile is on its way.

sub waiting_for_redis {
    for my $case ([ 'length', $Body, @length ],
                  [ 'chunks', $Chunked, 'Transfer-Encoding: chunked' ])
    {
        my ($how, $bytes, @headers) = @$case;
        while_waiting($how, $bytes, @headers);
    }
}


sub while_waiting {
    my ($how, $bytes, @headers) = @_;

    my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
    my $gate = gate(redis => $fake->address);
    my $n = 0;

    for my $who ('owner', 'member') {
        for my $first (0, 10, 5000) {
            my $name = "a body with $how and $first bytes with the head, "
                       . "of the $who";
            my $step = ++$n;

            $fake->mark;
            $fake->on(hmget => hold => "record$step", right => 1);
            $fake->on(hget => hold => "role$step", right => 1);
            $Upstream->mark;

            my $client = SendkitAuth::Wire->new($gate->port);
            $client->send(post("X-Api-Key: $Key{$who}", @headers),
                          substr $bytes, 0, $first);

            ok(wait_until(sub { $fake->commands('hmget') }),
               "$name - its record is asked for");
            $client->send(substr $bytes, $first, 7000);

            ok($client->is_silent, "$name - not decided");
            $fake->release("record$step");

            ok(wait_until(sub { $fake->commands('hget') }),
               "$name - its role is asked for");
            $client->send(substr $bytes, $first + 7000, 7000);

            ok($client->is_silent, "$name - not decided yet");
            is_forwarded_never($name);
            $fake->release("role$step");

            if ($who eq 'member') {
                is_denied($client->answer, 403, "$name - denied");
                is_forwarded_never($name);
                $client->send(substr $bytes, $first + 14000);

            } else {
                $client->send(substr $bytes, $first + 14000);
                my $answer = $client->answer;
                is($answer->{status}, 200, "$name - forwarded");
                ok($answer->{body} eq $Body, "$name - whole");
            }

            $fake->on('hmget');
            $fake->on('hget');
            is_in_step($client, $name);
        }
    }

    ends_well($gate, "bodies with $how that come while Redis is asked");
}

__DATA__

=== TEST 1: a refused body of 200 kB leaves the connection in step
--- config eval: $::Guarded =~ s!location /v1/!location /v!r
--- redis eval: $::Seed
--- pipelined_requests eval
[
    "POST /v1/workspaces/w1/api-key\n$::Body",
    'GET /v1/account',
    "POST /v1/workspaces/w1\n$::Body",
    "POST /v2/unknown\n$::Body",
    "POST /v1/account\n$::Body",
    "POST /v1//account\n$::Body",
    'GET /v1/workspaces',
]
--- more_headers eval
[
    "X-Api-Key: $::Key{member}",
    "X-Api-Key: $::Key{owner}",
    '',
    "X-Api-Key: $::Key{owner}",
    "X-Api-Key: $::Key{workspace}",
    "X-Api-Key: $::Key{owner}",
    "X-Api-Key: $::Key{owner}",
]
--- error_code eval: [ 403, 200, 405, 404, 405, 400, 200 ]
--- response_body eval
[
    ::denied(403), qr/"uri"/, ::denied(405), ::denied(404), ::denied(405), ::denied(400), qr/"uri"/
]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner')


=== TEST 2: a refused body of 200 kB on a connection that closes gets its answer
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval
[ "POST /v1/workspaces/w1/api-key\n$::Body", "POST /v1/workspaces/w1/api-key\n" ]
--- more_headers eval: [ "X-Api-Key: $::Key{member}", "X-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 403, 200 ]
--- response_body eval: [ ::denied(403), qr/"body_bytes":0/ ]
--- upstream_requests: 1


=== TEST 3: an allowed body of 200 kB arrives whole
--- config eval: $::Guarded
--- redis eval: $::Seed
--- pipelined_requests eval
[
    "POST /v1/workspaces/w1/api-key?upstream_echo=1\n$::Body",
    "POST /v1/workspaces/w1/api-key?upstream_echo=1\nshort",
]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 200, 200 ]
--- response_body eval: [ $::Body, 'short' ]
--- upstream_identity eval: ::identity('owner', 'w1')


=== TEST 4: an allowed body arrives whole without buffers, too
--- config eval: $::Unbuffered
--- redis eval: $::Seed
--- pipelined_requests eval
[
    "POST /v1/workspaces/w1/api-key\n$::Body",
    "POST /v1/workspaces/w1/api-key?upstream_echo=1\n$::Body",
    "POST /v1/workspaces/w1/api-key?upstream_echo=1\nshort",
]
--- more_headers eval
[ "X-Api-Key: $::Key{member}", "X-Api-Key: $::Key{owner}", "X-Api-Key: $::Key{owner}" ]
--- error_code eval: [ 403, 200, 200 ]
--- response_body eval: [ ::denied(403), $::Body, 'short' ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner', 'w1')


=== TEST 5: chunked bodies are refused and forwarded on one connection
--- config eval: $::Guarded
--- redis eval: $::Seed
--- pipelined_requests eval
[ map { "POST /v1/workspaces/w1/api-key?upstream_echo=1\n$_" }
      $::Chunked, $::Chunked, "0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n" ]
--- more_headers eval
[
    "Transfer-Encoding: chunked\nX-Api-Key: $::Key{member}",
    "Transfer-Encoding: chunked\nX-Api-Key: $::Key{owner}",
    "Transfer-Encoding: chunked\nX-Api-Key: $::Key{unknown}",
    "Transfer-Encoding: chunked\nX-Api-Key: $::Key{owner}",
]
--- error_code eval: [ 403, 200, 401, 200 ]
--- response_body eval: [ ::denied(403), $::Body, ::denied(401), 'abc' ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner', 'w1')


=== TEST 6: chunked bodies arrive whole without buffers, too
--- config eval: $::Unbuffered
--- redis eval: $::Seed
--- pipelined_requests eval
[ map { "POST /v1/workspaces/w1/api-key?upstream_echo=1\n$_" } ($::Chunked) x 3 ]
--- more_headers eval
[ map { "Transfer-Encoding: chunked\nX-Api-Key: $::Key{$_}" } 'owner', 'member', 'owner' ]
--- error_code eval: [ 200, 403, 200 ]
--- response_body eval: [ $::Body, ::denied(403), $::Body ]
--- upstream_requests: 2


=== TEST 7: pipelined requests are decided one by one and answered in order
--- config eval: $::Guarded
--- redis eval: $::Seed
--- pipelined_requests eval
[
    "POST /v1/workspaces/w1/api-key?upstream_echo=1\nfirst",
    "POST /v1/workspaces/w1/api-key?upstream_echo=1\nsecond",
    "POST /v1/workspaces/w1/api-key?upstream_echo=1\nthird",
    "POST /v1/workspaces/w1/api-key?upstream_echo=1\nfourth",
    "POST /v1/workspaces/w1/api-key?upstream_echo=1\nfifth",
]
--- more_headers eval
[
    "X-Api-Key: $::Key{owner}",
    "X-Api-Key: $::Key{member}",
    "X-Api-Key: $::Key{owner}",
    'X-Sendkit-Role: owner',
    "X-Api-Key: $::Key{owner}",
]
--- error_code eval: [ 200, 403, 200, 401, 200 ]
--- response_body eval: [ 'first', ::denied(403), 'third', ::denied(401), 'fifth' ]
--- upstream_requests: 3
--- upstream_identity eval: ::identity('owner', 'w1')
--- commandstats: hmget=4 hget=4


=== TEST 8: an invalid chunked body does not turn a denial into an error page
--- config eval
"location /open/ { proxy_pass http://backend; }\nerror_page 400 401 403 =200 /open/error;\n"
. "recursive_error_pages on;\n$::Guarded"
--- redis eval: $::Seed
--- raw_request eval
"POST /v1/workspaces/w1/api-key HTTP/1.1\r\nHost: a\r\nX-Api-Key: $::Key{member}\r\n"
. "Transfer-Encoding: chunked\r\n\r\nno chunk\r\nGET /open/ HTTP/1.1\r\nHost: a\r\n\r\n"
--- error_code: 400
--- response_body_unlike: "uri"
--- upstream: none


=== TEST 9: an error page for what is wrong with a body is no way around the gate
--- config eval
"error_page 413 /v1/workspaces/w1/api-key/rotate;\n"
. $::Guarded =~ s!proxy_pass!client_max_body_size 10; proxy_pass!r
--- redis eval: $::Seed
--- request eval
[ "POST /v1/workspaces/w1/api-key\n$::Body", "POST /v1/workspaces/w1/api-key\nshort" ]
--- more_headers eval: "X-Api-Key: $::Key{owner}"
--- error_code eval: [ 405, 200 ]
--- response_body eval: [ ::denied(405), qr/"uri"/ ]
--- upstream_requests: 1


=== TEST 10: a body with two lengths is refused by nginx and never forwarded
--- config eval: $::Guarded
--- redis eval: $::Seed
--- raw_request eval
"POST /v1/workspaces/w1/api-key HTTP/1.1\r\nHost: a\r\nX-Api-Key: $::Key{owner}\r\n"
. "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
--- error_code: 400
--- upstream: none


=== TEST 11: a body with GET is forwarded, or thrown away with the denial
--- config eval: $::Guarded
--- redis eval: $::Seed
--- pipelined_requests eval
[ map { "GET /v1/account?upstream_echo=1\nbody of $_" } 'none', 'owner', 'unknown', 'owner' ]
--- more_headers eval
[ '', map { "X-Api-Key: $::Key{$_}" } 'owner', 'unknown', 'owner' ]
--- error_code eval: [ 401, 200, 401, 200 ]
--- response_body eval: [ ::denied(401), 'body of owner', ::denied(401), 'body of owner' ]
--- upstream_requests: 2
