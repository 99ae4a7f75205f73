# Copyright (C) the ngx_sendkit_auth_module authors
#
# A request that comes when nginx knows of a change does not wait for a reply
# to a question that was sent before: it asks again, and others join that.
#
# Fails when ngx_sendkit_auth_flight_share() joins whatever is under way.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate = zone_gate($fake);

my $record = record($Key{owner}, type => 'platform', user => 'u_owner');


# Sends a request, and waits until it waits as well.

sub begins {
    my ($n, $who) = @_;

    my $client = SendkitAuth::Wire->new($gate->port);
    $client->send(request_of($who, 'w1'));
    wait_until(sub { waiting($gate) == $n }) or die 'not sent';
    return $client;
}


# What is held is answered as it was when it was asked.

sub races {
    my ($command, $who, $changes, $late, $then, $name) = @_;

    $fake->mark->on($command, hold => $name, right => 1);

    my @before = map { begins($_, $who) } 1, 2;
    ok(wait_until(sub { $fake->commands($command) == 1 }),
       "$name - one question");

    change($gate, $fake, @$changes);
    my @after = map { begins($_, $who) } 3, 4;
    ok(wait_until(sub { $fake->commands($command) == 2 }),
       "$name - another one after the change");

    $fake->on($command)->release($name);
    is(shown_of($_->answer), $late, "$name - asked before") for @before;
    is(shown_of($_->answer), $then, "$name - asked after") for @after;
    is(scalar $fake->commands($command), 2, "$name - no more questions");

    my $kept = $then =~ s/miss/hit/r;
    $kept =~ s/hit/negative/ if $then !~ /^200/;
    is(shown($gate, $who, 'w1'), $kept, "$name - the newer one is kept");
    $_->close for @before, @after;
}


races('hmget', 'owner', [ [ 'DEL', $record->[1] ] ], '200 miss',
      '401 unknown_key miss', 'a record that is deleted');
races('hmget', 'unknown',
      [ record($Key{unknown}, type => 'platform', user => 'u_owner') ],
      '401 unknown_key miss', '200 miss', 'a key that is made');
races('hget', 'member', [ [ 'DEL', 'sendkit:roles:w1' ] ], '200 miss',
      '403 role miss', 'a role that is deleted');
races('hget', 'admin', [ [ 'HSET', 'sendkit:roles:w1', u_admin => 'admin' ] ],
      '403 role miss', '200 miss', 'a role that is given');

# Whatever the flush was for.

$fake->mark->on(hmget => hold => 'flush', right => 1);
my $before = begins(1, 'stranger');
wait_until(sub { $fake->commands('hmget') }) or die 'nothing asked';
my $flushes = zone($gate)->{flushes};
$fake->load([ 'DEL', record($Key{stranger})->[1] ])
     ->publish(send => message(undef));
waits_for($gate, flushes => $flushes + 1);
my $after = begins(2, 'stranger');
$fake->on('hmget')->release('flush');
is(shown_of($before->answer), '403 role miss', 'a flush - asked before');
is(shown_of($after->answer), '401 unknown_key miss', 'a flush - asked after');
$_->close for $before, $after;

ends_well($gate, 'joining');
run_tests();

__DATA__
