# Copyright (C) the ngx_sendkit_auth_module authors
#
# The origin is asked by the digest.  The key is sent there only if it is to
# have it, and it is nowhere else then, either.
#
# Fails when a key is in a question that is not to have it, in Redis, in a log
# of the gateway, or in an answer, whatever the origin has said.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

use IO::Select ();
use IO::Socket::UNIX ();

my $canary = 'CanaryThatMustNotSing';
my $dir = temp_dir();

my %key = map { $_ => "sk_user_${canary}_$_" }
              qw( good stranger unknown expired broken bad twice closed
                  stopped refused );
$key{workspace} = "sk_${canary}_workspace";

my @type = ('X-Sendkit-Key-Type: platform', 'X-Sendkit-User-Id: u_owner');

my $origin = origin(
    [ $key{good}, undef, 200, @type, 'X-Sendkit-Role: owner' ],
    [ $key{stranger}, undef, 200, @type ],
    [ $key{expired}, undef, 200, @type, 'X-Sendkit-Key-Expires: 1' ],
    [ $key{broken}, undef, 500 ],
    [ $key{bad}, undef, 200, 'X-Sendkit-Key-Type: any' ],
    [ $key{twice}, undef, 200, @type, @type ],
    [ $key{closed}, undef, 444 ],
    [ $key{workspace}, undef, about('workspace') ]);

my $gate = gate($origin->gate(
    timeout => $Slow ? '3s' : '300ms',
    location => <<"END"));
        log_subrequest on;

        location /key/ {
            sendkit_auth                  on;
            sendkit_auth_origin_send_key  on;
            sendkit_auth_bearer           on;
            sendkit_auth_route  *  "/**" keys=any roles=any workspace=header;
            proxy_pass          http://backend;
        }
END


sub has_no_canary {
    my ($name, $text) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    unlike($text, qr/$canary/, "$name - no canary");
}


sub send_one {
    my ($who, $status, $path, $header) = @_;

    my $client = SendkitAuth::Wire->new($gate->port);
    my $answer = $client->request('GET', $path, [
        ($header // 'X-Api-Key:') . " $key{$who}", 'X-Workspace-Id: w1' ]);
    $client->close;

    is($answer->{status}, $status, "$path, $who");
    has_no_canary("$path, $who - the answer",
                  join "\n", %{ $answer->{headers} }, $answer->{body});
    has_no_canary("$path, $who - the backend", $_->{head})
        for $Upstream->requests;
}


# Redis tells what it is told.

fresh($origin);
my $monitor = IO::Socket::UNIX->new(Peer => redis_socket())
    or die "cannot connect: $!";
syswrite $monitor, "MONITOR\r\n";
sysread $monitor, my $seen, 100;

my @who = ([ 'good', 200 ], [ 'workspace', 200 ], [ 'stranger', 403 ],
           [ 'unknown', 401 ], [ 'expired', 401 ], [ 'broken', 503 ],
           [ 'bad', 503 ], [ 'twice', 503 ], [ 'closed', 503 ]);

for my $path ('/v1/campaigns', '/key/a') {
    redis('FLUSHALL');
    $origin->mark;
    $Upstream->mark;
    send_one(@$_, $path) for @who;

    my $sent = $path eq '/key/a';

    for my $question ($origin->questions) {
        my ($who) = grep { digest($key{$_}) eq $question->{digest} }
                         keys %key;
        my $expected = $sent ? $key{$who} : '';

        is(delete $question->{api_key}, $expected,
           "$path, $who - the origin gets "
           . ($sent ? 'the key' : 'no key'));
        has_no_canary("$path, $who - the rest of the question",
                      join "\n", %$question);
    }

    is(scalar $origin->questions, scalar @who, "$path - all were asked");
    like($_, qr/^\S+$/, "$path - all has a digest")
        for map { $_->{digest} } $origin->questions;

    # The origin is slow, and is not there.

    $origin->stop;
    send_one('stopped', 503, $path);
    $origin->cont;
    $origin->end;
    send_one('refused', 503, $path);
    $origin->begin;

    for my $name (@{ redis('KEYS', '*') }) {
        has_no_canary("$path - a name in Redis", $name);
        my $value = redis('TYPE', $name) eq 'hash' ? redis('HGETALL', $name)
                                                   : [ redis('GET', $name) ];
        has_no_canary("$path - $name in Redis", "@$value");
    }
}

redis('FLUSHALL');
send_one('good', 200, '/key/a', 'Authorization: Bearer');
is(($origin->questions)[-1]{api_key}, $key{good},
   'a bearer - the origin gets the key');


redis('ECHO', 'the end');
my $told = '';

while ($told !~ /"ECHO" "the end"/i) {
    IO::Select->new($monitor)->can_read(10) or die "MONITOR is silent";
    sysread $monitor, $told, 65536, length $told or die "MONITOR ended";
}

like($told, qr/@{[ digest($key{good}) ]}/, 'Redis was told of the digest');
has_no_canary('commands that Redis got', $told);

ends_well($gate, 'secrets');
has_no_canary('the error log', $gate->error_log);
has_no_canary('the access log', $gate->access_log);
like($gate->error_log, qr/$_/, "the error log - $_ is there")
    for qw( unknown_key store_error store_down store_timeout );
