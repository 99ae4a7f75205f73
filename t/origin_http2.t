# Copyright (C) the ngx_sendkit_auth_module authors
#
# The same over HTTP/2, where requests of one connection wait beside each
# other, and a client takes back one and keeps the connection.
#
# Fails when the request that waits for the origin is not woken with its
# stream, when the answer of the origin is taken for the response of the
# stream, when a stream that is reset takes the question away from others.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Http2;
use SendkitAuth::Nginx;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

my $path = '/v1/workspaces/w1';
my $port = free_port();
my $origin = origin();
my $gate = SendkitAuth::Nginx->start(
    http => gate_conf($origin->gate(timeout => '10s'))
            =~ s/(listen .*)/$1\nlisten 127.0.0.1:$port http2;/r);


sub client { return SendkitAuth::Http2->new($port) }


sub send_get {
    my ($client, $who) = @_;
    return $client->open('GET', $path, [ 'x-api-key: ' . ($Key{$who}) ],
                         end => 1);
}


# Status only: the headers of an answer are not read by this client.

sub is_denied {
    my ($answer, $status, $name) = @_;
    is("$answer->{status} $answer->{body}",
       "$status " . SendkitAuth::Denials::denied($status), $name);
}


sub is_healthy {
    my ($name) = @_;

    my $client = client();
    is_allowed($client->request('GET', $path, [ "x-api-key: $Key{owner}" ]),
               'owner', 'w1', "$name - then the owner");
    is_denied($client->request('GET', $path, [ "x-api-key: $Key{unknown}" ]),
              401, "$name - then an unknown key");
    $client->close;
    ok(wait_until(sub { waiting($gate) == 0 }), "$name - nobody waits");
}


# One request, as curl sends it.

fresh($origin);
my $answer = h2(port => $port, path => $path,
                headers => [ "X-Api-Key: $Key{owner}" ]);
is_allowed($answer, 'owner', 'w1', 'curl');
is_asked($origin, 'owner:w1', 'curl');
$answer = h2(port => $port, path => $path,
             headers => [ "X-Api-Key: $Key{unknown}" ]);
is_refused($answer, 401, 'unknown_key', 'curl, unknown');
$answer = h2(port => $port, path => '/v1/campaigns', method => 'POST',
             body => 'x' x 100_000,
             headers => [ "X-Api-Key: $Key{member}", 'X-Workspace-Id: w1' ]);
is_allowed($answer, 'member', 'w1', 'curl, with a body');
like($answer->{body}, qr/"body_bytes":100000/, 'curl - the body is there');
is_asked($origin, 'owner:w1 unknown:w1 member:w1', 'curl');
$answer = h2(port => $port, path => $path, method => 'HEAD',
             headers => [ "X-Api-Key: $Key{admin}" ]);
is("$answer->{status}$answer->{body}", '200', 'curl, HEAD');


# Many streams of one connection.

fresh($origin);
$origin->stop;
my $client = client();
my @who = (qw( owner admin member stranger unknown workspace )) x 5;
my @ids = map { send_get($client, $_) } @who;
$client->ping;
ok(!(grep { $client->has_answer($_) } @ids), 'streams - all of them wait');
is_denied($client->request('GET', '/v1/workspaces/w1'), 401,
          'streams - one without a key does not');
wait_until(sub { commandstats()->{hmget} }) or die "not read";
$origin->cont;

for my $i (0 .. $#who) {
    my $answer = $client->answer($ids[$i]);

    $who[$i] eq 'stranger' ? is_denied($answer, 403, "streams - $who[$i]")
    : $who[$i] eq 'unknown' ? is_denied($answer, 401, "streams - $who[$i]")
    : is_allowed($answer, $who[$i], 'w1', "streams - $who[$i]");
}

is(scalar $origin->questions, 6, 'streams - six questions');
$client->close;
is_healthy('streams');


# Streams that are reset while they wait: who asks, who joined, all.

for my $leave ([ 0 ], [ 1 ], [ 0 .. 3 ], [ 0 .. 4 ]) {
    my $name = "@$leave of five reset";
    my %left = map { $_ => 1 } @$leave;

    fresh($origin);
    $origin->stop;

    my $client = client();
    my $other = client();
    my @ids = map {
        my $id = send_get($client, 'owner');
        wait_until(sub { commandstats()->{hmget} }) or die "not read";
        $id;
    } 0 .. 4;
    my $others = send_get($other, 'owner');

    $client->ping;
    $other->ping;
    $client->reset($ids[$_]) for @$leave;
    $client->ping;
    $origin->cont;

    is_allowed($client->answer($ids[$_]), 'owner', 'w1', "$name - $_")
        for grep { !$left{$_} } 0 .. 4;
    is_allowed($other->answer($others), 'owner', 'w1',
               "$name - another connection");
    is(scalar $Upstream->requests, 6 - @$leave,
       "$name - nobody else reached the backend");
    is_allowed($client->request('GET', $path, [ "x-api-key: $Key{owner}" ]),
               'owner', 'w1', "$name - the connection goes on");
    $_->close for $client, $other;
    is_healthy($name);
}

# A connection that goes with all its streams, in several ways.

my %leave = (
    'closes' => sub { $_[0]->close },
    'says GOAWAY and closes' => sub { $_[0]->goaway; $_[0]->close },
    'breaks the protocol' => sub {
        $_[0]->frame(9, 4, 1001, '');       # CONTINUATION of nothing
        $_[0]->is_closed;
    },
);

for my $way (sort keys %leave) {
    fresh($origin);
    $origin->stop;

    my $client = client();
    send_get($client, $_) for (qw( owner owner unknown )) x 3;
    $client->ping;
    wait_until(sub { commandstats()->{hmget} }) or die "not read";

    my $other = client();
    my $id = send_get($other, 'owner');
    $other->ping;

    $leave{$way}->($client);
    $origin->cont;
    is_allowed($other->answer($id), 'owner', 'w1',
               "a connection $way - another one is answered");
    $other->close;
    is_healthy("a connection $way");
}

ends_well($gate, 'HTTP/2');


# Too late.

my $time = $Slow ? '2s' : '300ms';
$gate = SendkitAuth::Nginx->start(
    http => gate_conf($origin->gate(timeout => $time))
            =~ s/(listen .*)/$1\nlisten 127.0.0.1:$port http2;/r);

fresh($origin);
$origin->stop;
$client = client();
@ids = map { send_get($client, $_) } 'owner', 'unknown', 'owner';
is_denied($client->answer($_), 503, 'too late') for @ids;
$origin->cont;
ok(wait_until(sub { redis('DBSIZE') == 3 }), 'too late - is written');
is_allowed($client->request('GET', $path, [ "x-api-key: $Key{owner}" ]),
           'owner', 'w1', 'too late - on the same connection');
is(scalar $origin->questions, 2, 'too late - two questions');
$client->close;
is_healthy('too late');
ends_well($gate, 'too late');
