# Copyright (C) the ngx_sendkit_auth_module authors
#
# Over HTTP/2 a client takes back one request and keeps the connection, or
# takes the connection with all its requests away, at any time: also while a
# request waits for Redis.  It must not be woken after that, it must leave
# nothing behind, the reply that comes for it must not be another one's, and
# who waits for the same key must not suffer.
#
# Fails if ngx_sendkit_auth_ctx_create() adds no clean-up to the
# request, if ngx_sendkit_auth_lookup_cancel() does not take the waiter out of
# its queue or leaves its timer, if ngx_sendkit_auth_access_park() does not
# notice the end of the stream, if a flight ends with its first waiter.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Http2;
use SendkitAuth::Nginx;
use SendkitAuth::Seed;
use Test::More;

my $path = '/v1/workspaces/w1';
my $step = 0;
my $port;

# How a client leaves, and whether the connection goes on.

my @leaves = (
    [ 'resets the stream', 1, sub {
          my ($client, $id) = @_;
          $client->reset($id);
          $client->ping;
      } ],
    [ 'resets the stream as refused', 1, sub {
          my ($client, $id) = @_;
          $client->reset($id, 7);
          $client->ping;
      } ],
    [ 'sends GOAWAY and closes', 0, sub {
          my ($client) = @_;
          $client->goaway;
          $client->close;
      } ],
    [ 'closes the connection', 0, sub { $_[0]->close } ],
    [ 'breaks the protocol', 0, sub {
          my ($client) = @_;
          $client->frame(9, 4, 1001, '');     # CONTINUATION of nothing
          $client->is_closed;
      } ],
);

one_request();
with_a_body();
of_one_key();
many();
goaway_alone();
when_redis_never_answers();


# HTTP/2 on a port of its own; the other one is for SendkitAuth::Gate.

sub start {
    my (%args) = @_;

    $port = free_port();

    my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
    my $gate = SendkitAuth::Nginx->start(
        http => gate_conf(redis => $fake->address, %args)
                =~ s/(listen .*)/$1\nlisten 127.0.0.1:$port http2;/r);

    return ($fake, $gate);
}


sub client { return SendkitAuth::Http2->new($port) }


# From now on Redis answers the command, or both, only after ->release($name).

sub hold {
    my ($fake, @commands) = @_;

    my $name = 'step' . ++$step;
    $fake->mark;
    $fake->on($_ => hold => $name, right => 1) for @commands;
    $Upstream->mark;

    return $name;
}


sub is_asked {
    my ($fake, $command, $n, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok(wait_until(sub { $fake->commands($command) >= $n }), $name);
}


sub send_get {
    my ($client, $who) = @_;
    return $client->open('GET', $path, [ "x-api-key: $Key{$who}" ], end => 1);
}


sub is_right {
    my ($answer, $who, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_allowed($answer, $who, 'w1', $name);
}


# A connection of its own, and all that waits now is gone.

sub is_healthy {
    my ($gate, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $client = client();

    is_right($client->answer(send_get($client, 'owner')), 'owner',
             "$name - a new connection is served");
    is($client->answer(send_get($client, 'stranger'))->{status}, 403,
       "$name - and refused where it should be");
    $client->close;
}


sub leaves_nothing {
    my ($gate, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok(wait_until(sub { waiting($gate) == 0 }),
       "$name - nothing is left of it");
}


sub one_request {
    my ($fake, $gate) = start();

    for my $leave (@leaves) {
        for my $command ('hmget', 'hget') {
            my ($how, $stays, $code) = @$leave;
            my $name = "a client that $how while $command is under way";

            my $held = hold($fake, $command);
            my $client = client();
            my $id = send_get($client, 'owner');

            is_asked($fake, $command, 1, "$name - it is under way");
            $code->($client, $id);
            leaves_nothing($gate, $name);

            # The reply to this one comes next, on the same connection.

            my $other = client();
            my $others = send_get($other, 'member');
            $other->ping;

            $fake->release($held);
            $fake->on($command);

            is_right($other->answer($others), 'member',
                     "$name - another one has its own reply");
            is_right($client->answer(send_get($client, 'admin')), 'admin',
                     "$name - the connection goes on") if $stays;
            is_healthy($gate, $name);

            is(scalar(grep { $_->{head} =~ /u_owner/ } $Upstream->requests),
               1, "$name - it was not forwarded");

            $other->close;
            $client->close if $stays;
        }
    }

    is(scalar $fake->events('connect'), 0,
       'no connection to Redis was opened anew');
    ends_well($gate, 'one request');
}


# Reset in the middle of a body that still comes.

sub with_a_body {
    my ($fake, $gate) = start();

    for my $stays (1, 0) {
        my $name = 'a body that ends with '
                   . ($stays ? 'a reset' : 'the connection');

        my $held = hold($fake, 'hmget');
        my $client = client();
        my $id = $client->open('POST', "$path/api-key",
                               [ "x-api-key: $Key{owner}" ]);

        $client->data($id, 'x' x 10000);
        is_asked($fake, 'hmget', 1, "$name - its key is asked for");
        $client->data($id, 'x' x 10000);
        $stays ? $client->reset($id) : $client->close;
        $client->ping if $stays;

        leaves_nothing($gate, $name);
        $fake->release($held);
        $fake->on('hmget');
        is_forwarded_never($name);

        if ($stays) {
            $client->data($id, 'x' x 10000);
            is_right($client->answer(send_get($client, 'admin')), 'admin',
                     "$name - the connection goes on");
            $client->close;
        }

        is_healthy($gate, $name);
    }

    ends_well($gate, 'with a body');
}


# One lookup for all who wait for it: the first of them leaves, or the last.

sub of_one_key {
    my ($fake, $gate) = start();

    for my $who (0 .. 2) {
        my $name = "number $who of three who wait for one key leaves";

        my $held = hold($fake, 'hmget');
        my $client = client();
        my @ids = map { send_get($client, 'owner') } 0 .. 2;

        $client->ping;
        is_asked($fake, 'hmget', 1, "$name - it is asked for");
        $client->reset($ids[$who]);
        $client->ping;
        $fake->release($held);
        $fake->on('hmget');

        is_right($client->answer($ids[$_]), 'owner',
                 "$name - number $_ has its answer")
            for grep { $_ != $who } 0 .. 2;
        is(scalar $fake->commands('hmget'), 1, "$name - asked for once");
        is(scalar $Upstream->requests, 2, "$name - two were forwarded");

        $client->close;
    }

    my $name = 'one that comes after all have left';
    my $held = hold($fake, 'hmget');
    my $client = client();
    my $first = send_get($client, 'owner');

    is_asked($fake, 'hmget', 1, "$name - the lookup is under way");
    $client->reset($first);
    my $second = send_get($client, 'owner');
    $client->ping;
    $fake->release($held);
    $fake->on('hmget');
    is_right($client->answer($second), 'owner', "$name has its answer");
    $client->close;

    ends_well($gate, 'of one key');
}


# Streams that are opened and reset, over and over.

sub many {
    my ($fake, $gate) = start();
    my $name = 'a hundred streams that are reset at once';
    my $held = hold($fake, 'hmget', 'hget');

    for my $round (1 .. 5) {
        my $client = client();

        for (1 .. 20) {
            my $id = send_get($client, (qw( owner admin member stranger
                                            unknown ))[$_ % 5]);
            $client->reset($id);
        }

        ok($client->ping, "$name - round $round is read");
        $client->close;
    }

    leaves_nothing($gate, $name);
    cmp_ok(scalar $fake->commands('hmget'), '<=', 5,
           "$name - each key was asked for once at most");
    $fake->release($held);
    $fake->on('hmget');
    $fake->on('hget');
    is_forwarded_never($name);
    is_healthy($gate, $name);
    ends_well($gate, $name);
}


# A client that only says that it opens no more streams wants its answers.

sub goaway_alone {
    my ($fake, $gate) = start();
    my $name = 'a client that sends GOAWAY and stays';
    my $held = hold($fake, 'hmget');
    my $client = client();
    my %id = map { $_ => send_get($client, $_) } 'owner', 'stranger';

    is_asked($fake, 'hmget', 1, "$name - its requests are under way");
    $client->goaway;
    $client->ping;
    $fake->release($held);
    $fake->on('hmget');

    is_right($client->answer($id{owner}), 'owner', "$name has its answer");
    my $answer = $client->answer($id{stranger});
    is("$answer->{status} $answer->{body}", '403 ' . denied(403),
       "$name has its denial");
    $client->close;

    is_healthy($gate, $name);
    ends_well($gate, $name);
}


# The time that a request may wait ends after the request.

sub when_redis_never_answers {
    my ($fake, $gate) = start(timeout => '300ms', read => '500ms',
                              connect => '500ms');
    my $name = 'a client that leaves before the timeout';

    hold($fake, 'hmget');
    my $client = client();
    my @ids = map { send_get($client, 'owner') } 0 .. 2;

    is_asked($fake, 'hmget', 1, "$name - its requests are under way");
    $client->reset($ids[0]);
    $client->ping;

    for (1, 2) {
        my $answer = $client->answer($ids[$_]);
        is("$answer->{status} $answer->{body}", '503 ' . denied(503),
           "$name - the others are told");
    }

    $client->close;
    $fake->on('hmget');
    recovers($gate, $name);
    leaves_nothing($gate, $name);
    ends_well($gate, $name);
}
