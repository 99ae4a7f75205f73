# Copyright (C) the ngx_sendkit_auth_module authors
#
# An origin that fails, or says what it may not say, says nothing about a key:
# 503, and nothing is written.  The next question is a new one.
#
# Fails when an answer that is no clear yes and no 404 becomes 401, 403 or a
# record; when a header is taken that came twice; when an id, a time or a type
# passes that docs/redis-schema.md does not allow; when the answer about
# another user or workspace than was asked for is used.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

my $type = 'X-Sendkit-Key-Type: platform';
my $user = 'X-Sendkit-User-Id: u_owner';
my $role = 'X-Sendkit-Role: owner';
my @good = ($type, $user, $role);
my @workspace = ('X-Sendkit-Key-Type: workspace',
                 'X-Sendkit-Workspace-Id: w1');
my $id = 'X-Sendkit-User-Id:';
my $expires = 'X-Sendkit-Key-Expires:';
my $scope = 'X-Sendkit-Workspace-Id:';

# Name, reason, status, headers.  All have what would be enough with 200.

my @answers = (
    (map { [ "status $_", 'store_error', $_, @good ] }
         qw( 201 202 203 204 205 206 300 301 302 303 304 307 308 400 401 402
             403 405 406 407 409 410 413 418 421 422 423 428 429 431 451
             500 501 505 507 599 )),
    [ 'status 502', 'store_down', 502, @good ],
    [ 'status 503', 'store_down', 503, @good ],
    [ 'status 504', 'store_timeout', 504, @good ],
    [ 'no answer', 'store_down', 444 ],

    [ 'no headers', 'store_error', 200 ],
    [ 'no type', 'store_error', 200, $user, $role ],
    [ 'type by another name', 'store_error', 200, 'X-Sendkit-Type: platform',
      $user, $role ],
    [ 'type with underscores', 'store_error', 200,
      'X_Sendkit_Key_Type: platform', $user, $role ],
    (map { [ "type '$_'", 'store_error', 200, "X-Sendkit-Key-Type: $_",
             $user, $role, "$scope w1" ] }
         'Platform', 'PLATFORM', 'user', 'any', 'platforms', 'platfor',
         'platform,workspace', 'platform platform', '"platform"', '0'),
    [ 'type twice', 'store_error', 200, $type, @good ],
    [ 'type twice, in two cases', 'store_error', 200,
      'x-sendkit-key-type: platform', @good ],
    [ 'two types', 'store_error', 200, @good,
      'X-Sendkit-Key-Type: workspace' ],

    [ 'no user', 'store_error', 200, $type, $role ],
    (map { [ 'user ' . substr($_, 0, 20), 'store_error', 200, $type,
             "$id $_", $role ] }
         'u owner', 'u/owner', 'u,owner', '"u_owner"', 'u%41', "u\xc3\xbc",
         'u*', 'u' x 65, 'u' x 300, "u\towner", "u;owner", '{u}'),
    [ 'user twice', 'store_error', 200, @good, $user ],
    [ 'two users', 'store_error', 200, @good, "$id u_admin" ],

    (map { [ "time '" . substr($_, 0, 20) . "'", 'store_error', 200, @good,
             "$expires $_" ] }
         'never', '-1', '+1', '1.5', '1e9', '0x10', '1 1', '1,1', '9' x 16,
         '9' x 100, 'Mon, 23 Nov 2026 14:17:43 GMT'),
    [ 'time twice', 'store_error', 200, @good, ("$expires 9999999999") x 2 ],

    [ 'another workspace', 'store_error', 200, @good, "$scope w2" ],
    [ 'a bad workspace', 'store_error', 200, @good, "$scope w!1" ],
    [ 'workspace twice', 'store_error', 200, @good, ("$scope w1") x 2 ],
    [ 'role twice', 'store_error', 200, @good, $role ],
    [ 'two roles', 'store_error', 200, @good, 'X-Sendkit-Role: member' ],
);

my @workspace_answers = (
    [ 'a workspace key without one', 'store_error', 200, $workspace[0] ],
    (map { [ 'a workspace key of ' . substr($_, 0, 20), 'store_error', 200,
             $workspace[0], "$scope $_" ] }
         'w!1', 'w 1', 'w.1', 'w:1', 'w@1', 'w' x 65, 'w1,w2'),
    [ 'a workspace key of one twice', 'store_error', 200, @workspace,
      "$scope w1" ],
    [ 'a workspace key of two', 'store_error', 200, @workspace,
      "$scope w2" ],
    [ 'a workspace key with status 500', 'store_error', 500, @workspace ],
);

# Of a question for a role: the record is there, with user u_owner.

my @role_answers = (
    [ 'a role of another user', 'store_error', 200, $type, "$id u_admin",
      $role ],
    [ 'a role of no user', 'store_error', 200, $type, $role ],
    [ 'a role of a workspace key', 'store_error', 200, @workspace, $user,
      $role ],
    [ 'a role without a type', 'store_error', 200, $user, $role ],
    [ 'a role elsewhere', 'store_error', 200, @good, "$scope w2" ],
    [ 'a role twice', 'store_error', 200, @good, $role ],
    [ 'a role with status 500', 'store_error', 500, @good ],
    [ 'a role with status 403', 'store_error', 403, @good ],
    [ 'a role with status 503', 'store_down', 503, @good ],
    [ 'a role without an answer', 'store_down', 444 ],
);

# Each has a key of its own.

my %key;
my $n = 0;

$key{$_->[0]} = sprintf 'sk_user_failing-%016d', ++$n
    for @answers, @role_answers;
$key{$_->[0]} = sprintf 'sk_failing-%016d', ++$n for @workspace_answers;

my $origin = origin(
    map { my ($name, undef, @answer) = @$_;
          [ $key{$name}, undef, @answer ] }
        @answers, @role_answers, @workspace_answers);
my $gate = gate($origin->gate);
my ($worker) = $gate->workers;


for (@answers, @workspace_answers) {
    my ($name, $reason) = @$_;

    fresh($origin);
    is_refused(ask($gate, $key{$name}, 'w1'), 503, $reason, $name);
    is(scalar $origin->questions, 1, "$name - is one question");
    is_stored($name);
    is_forwarded_never($name);
}

for (@role_answers) {
    my ($name, $reason) = @$_;

    fresh($origin, record($key{$name}, @{[ type => 'platform',
                                           user => 'u_owner' ]}));
    is_refused(ask($gate, $key{$name}, 'w1'), 503, $reason, $name);
    is(scalar $origin->questions, 1, "$name - is one question");
    is(scalar @{[ stored() ]}, 1, "$name - nothing is written");
    is_forwarded_never($name);
}

# Each time it is asked anew: an error is not remembered.

fresh($origin);
is_refused(ask($gate, $key{'status 500'}, 'w1'), 503, 'store_error',
           'status 500, again and again') for 1 .. 3;
is(scalar $origin->questions, 3, 'status 500 - three questions');

# It tells better of itself, and is believed, by the same worker.

$origin->set(map { [ $key{$_->[0]}, undef, 200, @good ] } @answers);
fresh($origin);

for (@answers) {
    is(ask($gate, $key{$_->[0]}, 'w1')->{status}, 200, "after $_->[0]");
}

is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'after all');
is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key', 'after all');


# Nobody listens.

$origin->end;
redis('FLUSHALL');
$Upstream->mark;
is_refused(ask($gate, 'owner', 'w1'), 503, 'store_down', 'nobody listens')
    for 1 .. 3;
is_stored('nobody listens');
is_forwarded_never('nobody listens');
$origin->begin;
fresh($origin);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'somebody listens');
is_asked($origin, 'owner:w1', 'somebody listens');

# It dies while it is asked.

fresh($origin);
$origin->stop;
my $client = SendkitAuth::Wire->new($gate->port);
$client->send(request_of('admin', 'w1'));
wait_until(sub { commandstats()->{hmget} }) or die "not read";
$origin->kill9;
is_refused($client->answer, 503, 'store_down', 'it dies');
$origin->begin;
fresh($origin);
is_allowed(ask($gate, 'admin', 'w1'), 'admin', 'w1', 'it lives again');

is("@{[ $gate->workers ]}", $worker, 'the worker is the same one');
ends_well($gate, 'failures');


# Bytes that nginx would not send.

my $head = "HTTP/1.1 200 OK\r\n";
my $fine = join "\r\n", @good;

my %raw = (
    'an empty answer' => '',
    'garbage' => "\x01\x02\x03\xff garbage\r\n\r\n",
    'garbage with headers' => "garbage\r\n$fine\r\n\r\n",
    'only headers' => "$fine\r\n\r\n",
    'HTTP/0.9' => '<html></html>',
    'half a status line' => 'HTTP/1.1 20',
    'half a header' => "$head$type\r\n$user\r\n$role",
    'no end of the headers' => "$head$fine\r\n",
    'an interim answer' => "HTTP/1.1 100 Continue\r\n$fine\r\n\r\n",
    'a timeout of its own' => "HTTP/1.1 408 Late\r\n$fine\r\n\r\n",
    'a client that left' => "HTTP/1.1 499 Left\r\n$fine\r\n\r\n",
    'an access that is denied' => "HTTP/1.1 444 No\r\n$fine\r\n\r\n",
    'early hints' => "HTTP/1.1 103 Hints\r\n$fine\r\n\r\n",
    'an empty type' => "${head}X-Sendkit-Key-Type:\r\n$user\r\n$role\r\n\r\n",
    'an empty user' => "$head$type\r\n$id\r\n$role\r\n\r\n",
    'an empty user and a good one' => "$head$id\r\n$fine\r\n\r\n",
    'an empty time' => "$head$fine\r\n$expires\r\n\r\n",
    'an empty workspace' => "$head$fine\r\n$scope\r\n\r\n",
    'a user with NUL' => "$head$type\r\n$id u_ow\0ner\r\n$role\r\n\r\n",
    'a user with CR' => "$head$type\r\n$id u_ow\rner\r\n$role\r\n\r\n",
    'a user with a control' => "$head$type\r\n$id u\x01\r\n$role\r\n\r\n",
    'a user with DEL' => "$head$type\r\n$id u\x7f\r\n$role\r\n\r\n",
    'a folded user' => "$head$type\r\n$id u_owner\r\n x\r\n$role\r\n\r\n",
    'a user that is very long' => "$head$type\r\n$id " . 'u' x 20000
                                  . "\r\n$role\r\n\r\n",
    'very many headers' => "$head$fine\r\n" . "X-A: b\r\n" x 5000 . "\r\n",
);

my $raw = raw_origin(
    (map { ("sk_user_raw-$_" =~ s/[ \/.]/-/gr . '-0123456789' => $raw{$_}) }
         keys %raw),
    owner => "$head$fine\r\n\r\n",
    admin => "$head$type\r\n$id u_admin\r\nX-Sendkit-Role: admin\r\n"
             . "Content-Length: 1000000\r\n\r\n" . 'x' x 1_000_000,
    member => join "\r\n", "${head}Transfer-Encoding: chunked", $type,
                   "$id u_member", 'X-Sendkit-Role: member', '', '3', 'abc',
                   '0', '', '');
$gate = gate($raw->gate);

for my $name (sort keys %raw) {
    my $key = "sk_user_raw-$name" =~ s/[ \/.]/-/gr . '-0123456789';

    redis('FLUSHALL');
    $Upstream->mark;
    my $answer = ask($gate, $key, 'w1');
    my $reason = $answer->{headers}{'x-reason'} // '';

    like($reason, qr/^store_(?:down|error)$/, "$name - its reason");
    is_refused($answer, 503, $reason, $name);
    is_stored($name);
    is_forwarded_never($name);
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', "$name - then owner");
}

# A body is no harm, and not what the client gets.

redis('FLUSHALL');
is_allowed(ask($gate, $_, 'w1'), $_, 'w1', "an answer with a body - $_")
    for 'admin', 'member', 'owner';
ends_well($gate, 'bytes');
