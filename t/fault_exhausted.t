# Copyright (C) the ngx_sendkit_auth_module authors
#
# nginx has no connection or no file descriptor left for Redis, or no disk for
# its logs: who is in the cache does not notice, others get 503 at once, and
# when the crowd has left all is as before.
#
# Fails when a connection that could not be made becomes a verdict
# (sendkit_decision_store()).

use SendkitAuth;
use Time::HiRes qw( time );
use SendkitAuth::Gate;
use SendkitAuth::Redis;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my $exhausted = qr{\[alert\] .* worker_connections[ ]are[ ]not[ ]enough
                    | Too[ ]many[ ]open[ ]files}x;


# One worker; its clients have sent a part of a request, so that nginx keeps
# their connections, and wait.  It closes some of which it has not read yet.

sub fill {
    my ($gate) = @_;

    my @clients;

    for (1 .. 3000) {
        push @clients, SendkitAuth::Wire->new($gate->port);
        $clients[-1]->send("GET /v1/campaigns HTTP/1.1\r\n");
        last if $gate->error_log =~ $exhausted;
    }

    return \@clients;
}


# The rest of a request that has begun with its first line.

sub rest_of {
    my ($who) = @_;
    return request_of($who, 'w1') =~ s/^.*\r\n//r;
}


# Its connection to Redis, if it has one; what it had for that is free then.

sub disconnect {
    my ($gate) = @_;

    my $closed = sub { () = $gate->error_log =~ /redis closed connection/g };
    my $before = $closed->();

    redis('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    wait_until(sub { $closed->() > $before }) or die "not disconnected\n";
}


sub is_exhausted {
    my ($name, $main) = @_;

    my %args = (workers => 1, main => $main, timeout => '1s');
    my $hot = zone_gate(%args, location => $Crowded);
    my $cold = gate(%args, location => $Crowded);

    for my $gate ($hot, $cold) {
        my $kind = $gate == $hot ? 'hot' : 'cold';

        is(ask($gate, 'owner', 'w1')->{status}, 200, "$name - $kind - before");
        disconnect($gate);

        my $clients = fill($gate);
        like($gate->error_log, $exhausted, "$name - $kind - nothing is left");

        # The first ones have a connection.  When one is answered, nginx may
        # take its connection for Redis.

        my @seen = map {
            my $answer = $clients->[$_]->send(rest_of((qw( admin owner stranger
                                                           unknown ))[$_]))
                                       ->answer;
            "$answer->{status} $answer->{headers}{'x-reason'}";
        } 0 .. 3;

        my $outage = qr/503 store_\w+/;
        my $owner = $gate == $hot ? qr/200 allowed/
                                  : qr/200 allowed|$outage/;
        like(join(', ', @seen),
             qr/^$outage, (?:$owner), (?:403 role|$outage), (?:401 \w+|$outage)$/,
             "$name - $kind - 503 for who has to ask");

        $_->close for @$clients;
        recovers_here($gate, "$name - $kind");
    }

    channel_is($hot, 'up', $name);
    ends_well($_, $name, $exhausted) for $hot, $cold;
}


# With a location that answers itself there is no identity to look at.

sub recovers_here {
    my ($gate, $name) = @_;
    my $from = time;

    ok(wait_until(sub {
        return eval { ask($gate, 'admin', 'w1')->{status} == 200 }
    }, $Slow ? 10 : 2), "$name - allowed when the crowd has left");
    Test::More::note(sprintf '%s: after %.0f ms', $name, 1000 * (time - $from));
    is(ask($gate, 'stranger', 'w1')->{status}, 403, "$name - the stranger");
    is(ask($gate, 'unknown', 'w1')->{status}, 401, "$name - the unknown key");
}


is_exhausted('worker_connections', '');
is_exhausted('file descriptors', 'worker_rlimit_nofile 100;');


# Nothing can be written to the logs.

my $full = 'access_log /dev/full; error_log /dev/full info;';
my $hot = zone_gate(more => $full, main => 'error_log /dev/full info;');
my $cold = gate(more => $full, main => 'error_log /dev/full info;');

for my $round (1, 2) {
    is_allowed(ask($_, 'owner', 'w1'), 'owner', 'w1',
               "no disk for logs, $round - allowed") for $hot, $cold;
    is_refused(ask($_, 'stranger', 'w1'), 403, 'role',
               "no disk for logs, $round - refused") for $hot, $cold;

    redis_server()->stop if $round == 1;
    is(ask($_, 'admin', 'w1')->{status}, 503,
       "no disk for logs, $round - an outage") for $round == 1
                                                  ? ($hot, $cold) : ();
    redis_server()->cont;
    recovers($_, "no disk for logs, $round") for $hot, $cold;
}

my $log = qr/write\(\) to "\/dev\/full" failed/;
ends_well($_, 'no disk for logs', $log) for $hot, $cold;
