# Copyright (C) the ngx_sendkit_auth_module authors
#
# The key service over HTTP/2: the same answers, bodies that are frames of a
# stream, and clients that take back a request while Redis is asked.
#
# Fails when a body that is thrown away is not given back to the window of the
# connection, when a request is woken that is gone, or when a change that was
# told to Redis leaves half of it.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::Gate;
use SendkitAuth::Http2;
use SendkitAuth::Keys;
use SendkitAuth::Nginx;
use SendkitAuth::Seed;
use Test::More;

my $path = '/v1/workspaces/w1/api-key';
my @owner = "x-api-key: $Key{owner}";
my @life = (
    [ 'POST', $path, 201 ], [ 'POST', $path, 409 ],
    [ 'POST', "$path/rotate", 200 ], [ 'GET', $path, 200 ],
    [ 'HEAD', $path, 200 ], [ 'DELETE', $path, 200 ],
    [ 'DELETE', $path, 404 ], [ 'PUT', $path, 405 ],
    [ 'POST', "$path/x", 404 ],
);

my $port = free_port();
my $gate = SendkitAuth::Nginx->start(
    http => gate_conf(location => "listen 127.0.0.1:$port http2;"
                                  . $KeyLocation));

whole_answers();
one_life();
bodies();
streams();
resets();

ends_well($gate, 'nginx');


sub seed {
    redis('FLUSHALL');
    redis(@$_) for @$KeySeed, @_;
    $Upstream->mark;
}


sub client { return SendkitAuth::Http2->new($port) }


# By a client that knows all headers.

sub whole_answers {
    my $send = sub {
        my ($who, $method, $uri) = @_;
        return h2(port => $port, method => $method, path => $uri,
                  headers => [ "X-Api-Key: $Key{$who}" ]);
    };

    seed();
    is_error($send->('member', 'POST', $path), 403, 'HTTP/2 - a member');
    is_error($send->('owner', 'DELETE', $path), 404, 'HTTP/2 - no key');
    my $key = is_key($send->('owner', 'POST', $path), 201, 'u_owner',
                     'HTTP/2 - a key is made');
    is_stored($key, 'w1', 'u_owner', 'HTTP/2 - it is in Redis');
    is_error($send->('owner', 'POST', $path), 409, 'HTTP/2 - there is one');
    is_shown($send->('owner', 'GET', $path), $key, 'u_owner',
             'HTTP/2 - it is shown');
    is_error($send->('owner', 'PUT', $path), 405, 'HTTP/2 - a wrong method',
             allow => 'GET, HEAD, POST, DELETE');
    is_error($send->('owner', 'GET', "$path/x"), 404,
             'HTTP/2 - a wrong path');
    my $next = is_key($send->('owner', 'POST', "$path/rotate"), 200, 'u_owner', 'HTTP/2 - it is rotated');
    is_stored($next, 'w1', 'u_owner', 'HTTP/2 - the next one is in Redis');
    is_deleted($send->('owner', 'DELETE', $path), 'HTTP/2 - it is deleted');
    is_stored(undef, 'w1', undef, 'HTTP/2 - it is gone');
    is_forwarded_never('HTTP/2');
}


sub one_life {
    my $name = 'one connection';
    my $client = client();

    seed();

    for my $body (undef, '', '{"a":1}', 'x' x 8192) {
        my $what = "$name, body of " . length($body // '');

        for (@life) {
            my ($method, $uri, $status) = @$_;
            my $answer = $client->request($method, $uri, \@owner, $body);

            is($answer->{status}, $status, "$what - $method $uri");
            is($answer->{body}, '', "$what - no body") if $method eq 'HEAD';
        }
    }

    is_forwarded_never($name);
}


# Many times the window of the connection.

sub bodies {
    my $client = client();

    for my $length (1000, 8192, 8193, 60_000, 200_000) {
        my $name = "bodies of $length bytes";
        my %seen;

        seed();

        for my $announced (0, 1) {
            for (1 .. 8) {
                my $id = $client->open('POST', $path, [
                    @owner, ("content-length: $length") x $announced ]);

                $client->data($id, 'x' x $length);
                $client->end($id) if !$client->{answers}{$id}{done};
                $seen{$client->answer($id)->{status}}++;
            }
        }

        is(join(' ', map { "$_: $seen{$_}" } sort keys %seen),
           $length > 8192 ? '413: 16' : '201: 1 409: 15', $name);
        is_forwarded_never($name);
    }

    is($client->request('GET', '/open', [])->{body}, "open\n",
       'bodies - the connection goes on');
}


# All at once on one connection.

sub streams {
    my $name = 'streams of one connection';
    my $client = client();
    my %seen;

    seed();
    redis_server()->stop;
    my @ids = map { $client->open('POST', $path, \@owner, end => 1) } 1 .. 50;
    $client->ping;
    redis_server()->cont;

    $seen{$client->answer($_)->{status}}++ for @ids;
    is(join(' ', map { "$_: $seen{$_}" } sort keys %seen), '201: 1 409: 49',
       "$name - one makes the key");
    is(whole('w1'), redis('HGET', 'sendkit:workspace-key:w1', 'digest'),
       "$name - there is one");
}


# While Redis has the question, for the record or with the script on the way.

sub resets {
    my %leave = (
        'resets the stream' => sub { $_[0]->reset($_[1]); $_[0]->ping },
        'closes the connection' => sub { $_[0]->close },
        'sends GOAWAY and closes' => sub { $_[0]->goaway; $_[0]->close },
    );
    my %start = (create => [ 'POST', $path ],
                 rotate => [ 'POST', "$path/rotate" ],
                 delete => [ 'DELETE', $path ], show => [ 'GET', $path ]);

    for my $leave (sort keys %leave) {
        for my $what (sort keys %start) {
            my $name = "a client that $leave during $what";

            seed();
            is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner', $name)
                if $what ne 'create';

            # From "at once" to "has been answered".

            for my $pings (0 .. 3) {
                my $client = client();
                redis_server()->stop if !$pings;
                my $id = $client->open(@{ $start{$what} }, \@owner, end => 1);

                $client->ping for 1 .. $pings;
                $leave{$leave}->($client, $id);
                redis_server()->cont;

                ok(wait_until(sub { waiting($gate) == 0 }),
                   "$name, $pings - nothing is left");
                unlike(whole('w1'), qr/ /, "$name, $pings - no half");
                $client->close;
            }

            my $next = client();
            is($next->request('GET', '/open', [])->{status}, 200,
               "$name - then another request");
            like($next->request('GET', $path, \@owner)->{status},
                 qr/^(?:200|404)$/, "$name - then the service");
        }
    }
}
