# Copyright (C) the ngx_sendkit_auth_module authors
#
# The worker that is told of a change is not the one that waits for what Redis
# said before it: that is kept for neither of them.
#
# Fails when an entry is stored with the generation of the time when it is
# stored (ngx_sendkit_auth_cache_watch()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate = zone_gate($fake, workers => 2);

my $told = subscriber($fake);
my ($other) = grep { $_ != $told } $gate->workers;
my %client = (told => client_of($gate, $told),
              other => client_of($gate, $other));

my $role = [ 'HSET', 'sendkit:roles:w1' ];
my $record = record($Key{owner}, type => 'platform', user => 'u_owner');


sub request {
    my ($worker) = @_;

    my $answer = $client{$worker}->send(request_of('owner', 'w1'))->answer;
    my $pid = $worker eq 'told' ? $told : $other;
    die 'another worker' if $answer->{headers}{'x-worker'} != $pid;
    return shown_of($answer);
}


# The command is held on the connection of the worker that asks; the change
# is made meanwhile.

sub races {
    my ($worker, $command, $change, $then, $name) = @_;

    $fake->mark->on($command, hold => $name, right => 1);
    $client{$worker}->send(request_of('owner', 'w1'));
    wait_until(sub { $fake->commands($command) }) or die 'nothing asked';

    change($gate, $fake, $change);
    $fake->on($command)->release($name);

    is(shown_of($client{$worker}->answer), '200 miss',
       "$name - who waits gets the old reply");
    is(request('other'), "$then miss", "$name - not the others");
    is(request('told'), $then eq 200 ? '200 hit' : "$then negative",
       "$name - whichever worker they are on");
}


races('other', 'hmget', [ 'DEL', $record->[1] ], '401 unknown_key',
      'record, other worker');
change($gate, $fake, $record);
is(request('told'), '200 miss', 'the key is there again');
is(request('other'), '200 hit', 'for both workers');

change($gate, $fake, [ 'DEL', 'sendkit:roles:w1' ],
       [ @$role, u_owner => 'owner' ]);
races('other', 'hget', [ 'DEL', 'sendkit:roles:w1' ], '403 role',
      'role, other worker');
change($gate, $fake, [ @$role, u_owner => 'owner' ]);
is(request('other'), '200 miss', 'the role is there again');
is(request('told'), '200 hit', 'for both workers');

change($gate, $fake, $record);
races('told', 'hmget', [ 'DEL', $record->[1] ], '401 unknown_key',
      'record, same worker');
change($gate, $fake, $record);
is(request('told'), '200 miss', 'the key is there once more');

$_->close for values %client;
ends_well($gate, 'two workers');
run_tests();

__DATA__
