# Copyright (C) the ngx_sendkit_auth_module authors
#
# Bodies of requests to the key service: it has no use for one.  A small one is
# read before the key is changed, and never taken for the next request of the
# connection; a large one is refused.
#
# Fails when a request that is not complete changes the key, when a body that is
# refused is asked for ("100 Continue"), when a part of it is left on the
# connection, or when the key is changed and the answer is 413.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Seed;
use SendkitAuth::Wire;
use Test::More;
use Time::HiRes ();

my $path = '/v1/workspaces/w1/api-key';
my @owner = "X-Api-Key: $Key{owner}";

# The life of a key: each of these can be done after the one before it.

my @life = (
    [ 'POST', $path, 201 ], [ 'POST', $path, 409 ],
    [ 'POST', "$path/rotate", 200 ], [ 'GET', $path, 200 ],
    [ 'DELETE', $path, 200 ], [ 'DELETE', $path, 404 ],
    [ 'PUT', $path, 405 ], [ 'POST', "$path/x", 404 ],
);

my $gate = keys_gate();

ignored_bodies();
large_bodies();
chunked_bodies();
late_bodies();
expect_continue();
pipelined();
short_bodies();
slow_bodies();

ends_well($gate, 'nginx');


sub seed {
    redis('FLUSHALL');
    redis(@$_) for @$KeySeed, @_;
    $Upstream->mark;
}


sub client { return SendkitAuth::Wire->new($gate->port) }

sub head { return SendkitAuth::Wire::head($_[0], $_[1], [ @owner ],
                                          @_[2 .. $#_]) }


# The connection goes on with a request that is answered as it should be.

sub is_in_step {
    my ($client, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $answer = $client->request('GET', '/open');
    is("$answer->{status} $answer->{body}", "200 open\n",
       "$name - the next request of the connection is answered");
}


sub chunked {
    my ($bytes, $size) = @_;
    my $text = '';

    while (length $bytes) {
        my $chunk = substr $bytes, 0, $size, '';
        $text .= sprintf "%x\r\n%s\r\n", length $chunk, $chunk;
    }

    return "${text}0\r\n\r\n";
}


sub ignored_bodies {
    my %bodies = (
        'an empty body' => '',
        'JSON' => '{"workspaceId":"w2","apiKey":"sk_0123456789abcdef"}',
        'what is no JSON' => "\0\xff{\"",
        'a request' => head('DELETE', $path, 'Content-Length: 0'),
        'a body of 8192 bytes' => 'x' x 8192,
    );

    for my $name (sort keys %bodies) {
        seed();
        my $client = client();

        for (@life) {
            my ($method, $uri, $status) = @$_;

            is($client->request($method, $uri, \@owner,
                                $bodies{$name})->{status}, $status,
               "$name - $method $uri");
        }

        is_in_step($client, $name);
        is_forwarded_never($name);
        is_stored(undef, 'w1', undef, "$name - nothing is left");
    }
}


# By what is announced, before any of it is there.

sub large_bodies {
    for my $length (8193, 100_000, 1_000_000) {
        my $name = "a body of $length bytes";

        seed();
        is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
               "before $name");
        my $before = whole('w1');

        for my $request ([ 'POST', $path ], [ 'POST', "$path/rotate" ],
                         [ 'DELETE', $path ], [ 'GET', $path ])
        {
            my $client = client();
            $client->send(head(@$request, "Content-Length: $length"));
            my $answer = $client->answer;

            is_error($answer, 413, "$name - @$request");
            is(whole('w1'), $before, "$name - @$request has changed nothing");

            # It may be read to the end, or the connection closed.

            next if ($answer->{headers}{connection} // '') eq 'close';
            $client->send('x' x $length);
            is_in_step($client, "$name - @$request");
        }

        is_forwarded_never($name);
    }

    # Who may not change the key is not told about lengths.

    my $client = client();
    $client->send(SendkitAuth::Wire::head(
        'POST', $path, [ "X-Api-Key: $Key{member}" ],
        'Content-Length: 9000'));
    is_error($client->answer, 403, 'a large body of a member');
}


sub chunked_bodies {
    my $big = 'GET /open HTTP/1.1' x 12000;

    for my $case ([ 'no chunk', '', 1 ], [ 'a chunk', 'x' x 100, 100 ],
                  [ 'many chunks', 'x' x 5000, 7 ],
                  [ 'chunks of 200 kB', $big, 16384 ])
    {
        my ($name, $bytes, $size) = @$case;

        seed();
        my $client = client();

        for (@life) {
            my ($method, $uri, $status) = @$_;

            $status = 413 if length $bytes > 8192 && $status != 405
                             && $uri !~ m{/x$};
            $client->send(head($method, $uri, 'Transfer-Encoding: chunked'),
                          chunked($bytes, $size));
            is($client->answer->{status}, $status, "$name - $method $uri");
        }

        is_in_step($client, $name);
        is_forwarded_never($name);
    }

    # It cannot be told where this ends.

    my $name = 'what are no chunks';
    my $client = client();

    seed();
    $client->send(head('POST', $path, 'Transfer-Encoding: chunked'),
                  "no chunk\r\n\r\n", head('DELETE', $path));
    is($client->answer->{status}, 400, "$name - an answer");
    ok($client->is_closed, "$name - the connection is closed");
    is(whole('w1'), 'none', "$name - change nothing");
}


# Nothing is changed before the body has come, and all of it belongs to it.

sub late_bodies {
    my $inner = head('DELETE', $path, 'Content-Length: 0');

    for my $case ([ 'a late body', $inner, 'Content-Length: '
                                           . length $inner ],
                  [ 'late chunks', chunked($inner, 10),
                    'Transfer-Encoding: chunked' ])
    {
        my ($name, $body, $header) = @$case;

        for my $first (0, 1, 5) {
            seed();
            my $client = client();
            $client->send(head('POST', $path, $header),
                          substr $body, 0, $first);
            ok(wait_until(sub { waiting($gate) == 1 }),
               "$name - is waited for");
            is(whole('w1'), 'none', "$name - nothing is changed before");
            $client->send(substr $body, $first);
            my $key = is_key($client->answer, 201, 'u_owner', $name);
            is_in_step($client, $name);
            is_stored($key, 'w1', 'u_owner', "$name - is no request");
        }
    }
}


sub expect_continue {
    for my $header ('Content-Length: 5', 'Content-Length: 9000',
                    'Transfer-Encoding: chunked')
    {
        my $name = "Expect: 100-continue, $header";

        seed();
        my $client = client();
        $client->send(head('POST', $path, $header, 'Expect: 100-continue'));
        my $answer = $client->answer;

        if ($header =~ /9000/) {
            is_error($answer, 413, $name);
            next;
        }

        is($answer->{status}, 100, "$name - the client may go on");
        $client->send($header =~ /chunked/ ? chunked('abcde', 2) : 'abcde');
        is_key($client->answer, 201, 'u_owner', $name);
        is_in_step($client, $name);
    }
}


sub pipelined {
    my $name = 'requests that come together';

    seed();
    my $client = client();
    my @all = (@life) x 3;

    $client->send(join '', map {
        my ($method, $uri) = @$_;
        head($method, $uri, 'Content-Length: 3') . 'abc'
    } @all);

    is(join(' ', map { $client->answer->{status} } @all),
       join(' ', map { $_->[2] } @all), "$name - are done in order");
    is_in_step($client, $name);

    # Mixed with those of the backend.

    seed();
    $client->send(map { head(@$_) } [ 'POST', $path ], [ 'GET', '/v1/account' ],
                                    [ 'GET', $path ], [ 'GET', '/open' ],
                                    [ 'DELETE', $path ]);
    is(join(' ', map { $client->answer->{status} } 1 .. 5),
       '201 200 200 200 200', "$name - with those of the backend");
    is(scalar $Upstream->requests, 1, "$name - one was for the backend");
    is_stored(undef, 'w1', undef, "$name - the last one was done");
}


# Who was allowed when it began may not be any more when it ends.

sub slow_bodies {
    my $name = 'a body that is too slow';

    seed();
    my $client = client();
    $client->send(head('POST', $path, 'Content-Length: 2'), 'x');
    ok(wait_until(sub { waiting($gate) == 1 }), "$name - is waited for");

    my $started = Time::HiRes::time();
    wait_until(sub { Time::HiRes::time() - $started > 5.2 }, 10);
    $client->send('x');
    is_error($client->answer, 408, $name);
    is_stored(undef, 'w1', undef, "$name - no key was made");
    is_in_step(client(), $name);
}


sub short_bodies {
    my $name = 'a body that never ends';

    seed();
    my $client = client();
    $client->send(head('POST', $path, 'Content-Length: 100'), 'x' x 50);
    ok(wait_until(sub { waiting($gate) == 1 }), "$name - is waited for");
    $client->close;

    ok(wait_until(sub { waiting($gate) == 0 }), "$name - nothing is left");
    is_stored(undef, 'w1', undef, "$name - no key was made");
    is_in_step(client(), $name);

    # Nobody is there to be told: the key must not stay a secret for ever.

    $name = 'a client that leaves';
    seed();
    $client = client();
    $client->send(head('POST', $path))->close;
    ok(wait_until(sub { waiting($gate) == 0 }), "$name - nothing is left");
    like(whole('w1'), qr/^(?:none|[0-9a-f]{64})$/, "$name - no half");
    my $next = manage($gate, 'owner', 'POST',
                      whole('w1') eq 'none' ? '' : '/rotate');

    is_stored(($next->{body} =~ /($AnyKey)/)[0], 'w1', 'u_owner',
              "$name - the owner gets another one");
}
