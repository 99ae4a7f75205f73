# Copyright (C) the ngx_sendkit_auth_module authors
#
# An origin that is slow costs a request no more than sendkit_auth_timeout.
# What it says later is still written: the next request finds it.
#
# Fails when the origin is waited for longer, or by a time of its own; when the
# client is not told to use another connection; when the late answer is lost, or
# given to a request that is over.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

my $time = $Slow ? '2s' : '300ms';
my $origin = origin();
my $gate = gate($origin->gate(timeout => $time));
my ($worker) = $gate->workers;

my $owner = record($Key{owner}, type => 'platform', user => 'u_owner');
my @known = ('key:owner type=platform user=u_owner, expires',
             'roles:w1 u_owner=owner, expires');


sub is_written {
    my ($name) = @_;
    ok(wait_until(sub { redis('DBSIZE') }), "$name - is written");
}


# For a key; then what was said too late is found.

fresh($origin);
$origin->stop;
is_refused(ask($gate, 'owner', 'w1'), 503, 'store_timeout', 'a key');
is_stored('a key');
is_forwarded_never('a key');
$origin->cont;
ok(wait_until(sub { redis('DBSIZE') == 2 }), 'a key - is written later');
is_stored('a key, later', @known);
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'a key, later');
is_asked($origin, 'owner:w1', 'a key, later');

# For a role.

fresh($origin, $owner);
$origin->stop;
is_refused(ask($gate, 'owner', 'w1'), 503, 'store_timeout', 'a role');
is_forwarded_never('a role');
$origin->cont;
ok(wait_until(sub { redis('DBSIZE') == 2 }), 'a role - is written later');
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'a role, later');
is_asked($origin, 'owner:w1:u_owner', 'a role, later');

# That there is no such key, and no role.

fresh($origin);
$origin->stop;
is_refused(ask($gate, 'unknown', 'w1'), 503, 'store_timeout', 'unknown');
$origin->cont;
is_written('unknown');
is_stored('unknown, later', 'no-key:unknown 1, expires');
is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key',
           'unknown, later');
is_asked($origin, 'unknown:w1', 'unknown, later');


# Many at once; a request in between needs no origin.

fresh($origin, $owner, [ 'HSET', 'sendkit:roles:w1', u_owner => 'owner' ],
       [ 'PEXPIRE', 'sendkit:roles:w1', 60_000 ]);
$origin->stop;
my @who = qw( admin member stranger workspace unknown );
my @clients = map {
    SendkitAuth::Wire->new($gate->port)->send(request_of($_, 'w1'))
} (@who) x 4;
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
           'what is in Redis does not wait for the origin');
is_refused($_->answer, 503, 'store_timeout', 'one of twenty') for @clients;
$origin->cont;
ok(wait_until(sub { redis('EXISTS', map { 'sendkit:' . $_ }
       'no-role:w1:u_stranger', 'no-key:' . digest($Key{unknown}),
       map { 'key:' . digest($Key{$_}) } @who[0 .. 3]) == 6 }),
   'twenty - all is written later');
is_allowed(ask($gate, $_, 'w1'), $_, 'w1', "twenty, later - $_")
    for qw( admin member workspace );
is(scalar $origin->questions, 5, 'twenty - five questions');


# The connection is given up, for what follows on it would have to wait for the
# origin, too: what was sent on it already is not answered, and not lost either.

for my $pipelined (0, 1) {
    my $name = $pipelined ? 'pipelined' : 'kept alive';

    fresh($origin);
    $origin->stop;

    my $client = SendkitAuth::Wire->new($gate->port);
    $client->send(request_of('owner', 'w1'),
                  $pipelined ? request_of('admin', 'w1') : '');
    my $answer = $client->answer;
    is_refused($answer, 503, 'store_timeout', "$name - the first");
    is($answer->{headers}{connection}, 'close', "$name - is given up");
    $origin->cont;

    ok(wait_until(sub { redis('HLEN', 'sendkit:roles:w1') == 1 }),
       "$name - the answer is written");
    is($client->answer->{status}, 0, "$name - nothing follows");
    $client->close;

    $client = SendkitAuth::Wire->new($gate->port);
    is_allowed($client->send(request_of($_, 'w1'))->answer, $_, 'w1',
               "$name - on another one the $_") for 'owner', 'admin';
    is_refused($client->send(request_of('unknown', 'w1'))->answer, 401,
               'unknown_key', "$name - and the unknown");
    $client->close;
}

# One that does not ask itself keeps its connection.

fresh($origin);
$origin->stop;
my @joined = map { SendkitAuth::Wire->new($gate->port) } 0, 1;
$_->send(request_of('owner', 'w1')) for @joined;
my @kept = grep { $_->{headers}{connection} eq 'keep-alive' }
           map { $_->answer } @joined;
is(scalar @kept, 1, 'one of two asks');
$origin->cont;
ok(wait_until(sub { redis('DBSIZE') == 2 }), 'one of two - is written');
$_->close for @joined;

# With a body that is still to come.

fresh($origin);
$origin->stop;
my $client = SendkitAuth::Wire->new($gate->port);
$client->send(SendkitAuth::Wire::head('POST', '/v1/campaigns', [
    "X-Api-Key: $Key{owner}", 'X-Workspace-Id: w1', 'Content-Length: 10' ]),
    '01234');
is_refused($client->answer, 503, 'store_timeout', 'half a body');
$client->send('56789', request_of('owner', 'w1'));
$origin->cont;
is($client->answer->{status}, 0, 'half a body - and no more');
$client->close;
ok(wait_until(sub { redis('DBSIZE') == 2 }), 'half a body - is written');


# The origin's location has a shorter time of its own.

ends_well($gate, 'timeouts');
$gate = gate($origin->gate(
    origin => 'proxy_read_timeout ' . ($Slow ? '2s' : '200ms') . ';'));
fresh($origin);
$origin->stop;
is_refused(ask($gate, 'owner', 'w1'), 503, 'store_timeout',
           'a shorter time of the location');
is_stored('a shorter time of the location');
$origin->cont;
$origin->mark;
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
           'a shorter time of the location - then');
ends_well($gate, 'a shorter time of the location');


# It sends the beginning of an answer, and no more.  What is not to come to an
# end is nginx's, which waits for it when it quits.

my %raw = (
    owner => [ 'HTTP/1.1 200 OK' ],
    admin => [ join "\r\n", 'HTTP/1.1 200 OK', 'Content-Length: 10',
                    (about('admin', 'w1'))[1 .. 3], '' ],
);

my $raw = raw_origin(%raw, member => [ join "\r\n", 'HTTP/1.1 200 OK',
                                       'Content-Length: 10',
                                       (about('member', 'w1'))[1 .. 3], '',
                                       'half' ]);
$gate = gate($raw->gate(timeout => $time, origin => 'proxy_read_timeout '
                        . ($Slow ? '4s;' : '600ms;')));
redis('FLUSHALL');

for (sort keys %raw) {
    is_refused(ask($gate, $_, 'w1'), 503, 'store_timeout',
               "the beginning of an answer - $_");
    is_stored("the beginning of an answer - $_");
}

is_allowed(ask($gate, 'member', 'w1'), 'member', 'w1',
           'a body that does not come is not waited for');
ends_well($gate, 'the beginning of an answer');
