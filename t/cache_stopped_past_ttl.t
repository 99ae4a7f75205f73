# Copyright (C) the ngx_sendkit_auth_module authors
#
# A worker is stopped for longer than what it knows may be used, and Redis tells
# nobody of what changes meanwhile: when it goes on, its first request is decided
# by what is true by then, whatever nginx takes for the time.
#
# Fails when time is taken from nginx, which reads its clock once for a turn of
# the event loop, or by a timer (ngx_sendkit_auth_clock()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my $yes = '200 allowed';


# All workers are stopped with a hit in reach; a request is sent to each before
# it goes on, so that it is the first thing that it sees.  The change is one of
# which Redis tells nobody.

sub is_denied {
    my ($name, $gate, $change, $verdict) = @_;
    my @workers = $gate->workers;

    fresh_zone($gate, [ 'SELECT', 9 ], @$Seed, $change);
    my @clients = map { SendkitAuth::Zone::client_of($gate, $_) } @workers;

    seen($gate, 'owner', 'w1');
    is(seen($gate, 'owner', 'w1'), join(', ', ("$yes hit") x @workers),
       "$name - a hit");

    stop_worker($_) for @workers;
    redis('SWAPDB', 0, 9);
    $_->send(request_of('owner', 'w1')) for @clients;
    select undef, undef, undef, 2.2;
    kill 'CONT', @workers;

    for my $i (0 .. $#clients) {
        my $answer = $clients[$i]->answer;
        is("$answer->{status} $answer->{headers}{'x-reason'}", $verdict,
           "$name - denied by worker $i");
    }
}


my $remove = [ [ 'HDEL', 'sendkit:roles:w1', 'u_owner' ], '403 role' ];
my $revoke = [ [ 'DEL', key('owner') ], '401 unknown_key' ];

my $gate = zone_gate(ttl => '2s');
is_denied("stopped, $_->[1]", $gate, @$_) for $remove, $revoke;
ends_well($gate, 'stopped');

# For nginx no time passes, until it is told of the next four seconds.

$gate = zone_gate(ttl => '2s', main => 'timer_resolution 4s;');
is_denied('timer_resolution', $gate, @$remove);
ends_well($gate, 'timer_resolution');
