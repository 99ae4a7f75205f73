# Copyright (C) the ngx_sendkit_auth_module authors
#
# Bodies of requests over HTTP/2, where they are frames of a stream and share
# a window with those of other streams: a body that is refused and not given
# back to the window stops the whole connection, and one that comes in while
# the request waits for Redis must be there when it is forwarded.
#
# Fails if ngx_sendkit_auth_access_park() reads what the client sends, or if a
# denial ends the connection instead of its stream.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Http2;
use SendkitAuth::Nginx;
use SendkitAuth::Seed;
use Test::More;

# 200 kB in which each byte has its place.

my $body = join '', map { sprintf '%07d,', $_ } 1 .. 25600;
my $path = '/v1/workspaces/w1/api-key?upstream_echo=1';
my @owner = "x-api-key: $Key{owner}";
my @member = "x-api-key: $Key{member}";

refused_bodies();
allowed_bodies();
waiting_for_redis();


sub http2_gate {
    my (%args) = @_;

    return SendkitAuth::Nginx->start(
        http => gate_conf(%args) =~ s/(listen .*%PORT%)/$1 http2/r);
}


sub seed {
    redis('FLUSHALL');
    redis(@$_) for @$Seed;
    $Upstream->mark;
}


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


sub refused_bodies {
    seed();
    my $gate = http2_gate();

    my $name = 'a body of 200 kB that is refused';
    my $client = SendkitAuth::Http2->new($gate->port);

    # More than the window of a connection at its beginning.

    for my $n (1 .. 20) {
        my @key = $n % 2 ? @member : ();

        $Upstream->mark;
        is_denied($client->request('POST', $path, \@key, $body),
                  $n % 2 ? 403 : 401, "$name - denied");
        is_forwarded_never($name);
    }

    is_in_step($client, $name);

    $name = 'a body that comes after the denial is thrown away';

    for my $n (1 .. 20) {
        $Upstream->mark;

        my $id = $client->open('POST', $path, \@member);
        $client->data($id, substr $body, 0, 10);
        is_denied($client->answer($id), 403, "$name - denied");
        $client->data($id, substr $body, 10, 16000);
        ok($client->ping, "$name - the connection lives");
        is_forwarded_never($name);
    }

    is_in_step($client, $name);

    $name = 'a refused body that is announced and never comes';

    my $id = $client->open('POST', $path,
                           [ @member, 'content-length: 100' ]);
    is_denied($client->answer($id), 403, "$name - denied");
    is_in_step($client, $name);

    $name = 'a body that is refused with "Expect"';

    $id = $client->open('POST', $path, [ @member, 'expect: 100-continue' ]);
    is_denied($client->answer($id), 403, "$name - denied");
    is_in_step($client, $name);

    $name = 'a body longer than announced';

    $Upstream->mark;
    $id = $client->open('POST', $path, [ @member, 'content-length: 3' ]);
    is_denied($client->answer($id), 403, "$name - denied");
    $client->data($id, 'abcdef');
    is_in_step($client, "$name and refused");

    $id = $client->open('POST', $path, [ @owner, 'content-length: 3' ]);
    $client->data($id, 'abcdef');
    $client->end($id);
    is($client->answer($id)->{status}, 400, "$name and allowed");
    is_in_step($client, "$name and allowed");
    is(scalar $Upstream->requests, 2, "$name - it was not forwarded");

    $client->close;
    ends_well($gate, 'refused bodies');
}


sub allowed_bodies {
    seed();
    my $gate = http2_gate();
    my $client = SendkitAuth::Http2->new($gate->port);

    for my $length (0, 1, 16384, 65535, 65536, length $body) {
        my $name = "an allowed body of $length bytes";
        my $sent = substr $body, 0, $length;
        my $answer = $client->request('POST', $path, \@owner, $sent);

        is($answer->{status}, 200, $name);
        ok($answer->{body} eq $sent, "$name - whole");
    }

    # Frames of three streams, one after the other.

    my $name = 'bodies of streams that run beside each other';
    my %stream = map { $_ => $client->open('POST', $path,
                                           [ "x-api-key: $Key{$_}" ]) }
                     'owner', 'member', 'admin';

    for my $n (1 .. 3) {
        $client->data($stream{$_}, "$_ $n,") for sort keys %stream;
    }

    $client->end($stream{$_}) for 'owner', 'admin';

    my %answer = map { $_ => $client->answer($stream{$_}) } keys %stream;

    is($answer{$_}{body}, "$_ 1,$_ 2,$_ 3,", "$name - of the $_")
        for 'owner', 'admin';
    is_denied($answer{member}, 403, "$name - of the member");
    is_in_step($client, $name);

    $client->close;
    ends_well($gate, 'allowed bodies');
}


# Redis does not answer until what is sent meanwhile was read.

sub waiting_for_redis {
    my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
    my $gate = http2_gate(redis => $fake->address);
    my $client = SendkitAuth::Http2->new($gate->port);
    my $n = 0;

    for my $who ('owner', 'member') {
        for my $first (0, 10, 20000) {
            my $name = "a body of which $first bytes come before Redis is "
                       . "asked, of the $who";
            my $step = ++$n;

            $fake->mark;
            $fake->on(hmget => hold => "record$step", right => 1);
            $fake->on(hget => hold => "role$step", right => 1);
            $Upstream->mark;

            my $id = $client->open('POST', $path, [ "x-api-key: $Key{$who}" ]);
            $client->data($id, substr $body, 0, $first);

            ok(wait_until(sub { $fake->commands('hmget') }),
               "$name - its record is asked for");
            $client->data($id, substr $body, $first, 7000);

            ok($client->ping, "$name - nginx has read it");
            ok(!$client->has_answer($id), "$name - not decided");
            $fake->release("record$step");

            ok(wait_until(sub { $fake->commands('hget') }),
               "$name - its role is asked for");
            $client->data($id, substr $body, $first + 7000, 7000);

            ok($client->ping, "$name - nginx has read that, too");
            ok(!$client->has_answer($id), "$name - not decided yet");
            is_forwarded_never($name);
            $fake->release("role$step");

            if ($who eq 'member') {
                is_denied($client->answer($id), 403, "$name - denied");
                is_forwarded_never($name);

            } else {
                $client->data($id, substr $body, $first + 14000);
                $client->end($id);
                my $answer = $client->answer($id);
                is($answer->{status}, 200, "$name - forwarded");
                ok($answer->{body} eq $body, "$name - whole");
            }

            $fake->on('hmget');
            $fake->on('hget');
            is_in_step($client, $name);
        }
    }

    $client->close;
    ends_well($gate, 'bodies that come while Redis is asked');
}
