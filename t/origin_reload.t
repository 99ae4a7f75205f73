# Copyright (C) the ngx_sendkit_auth_module authors
#
# nginx reloads its configuration and quits while the origin is asked.  Who
# waits is answered by the worker that has the request, by its configuration,
# and the answer is written; then that worker ends.
#
# Fails when a question is forgotten by a worker that is to end, when it keeps
# the worker, or when a new worker asks where nobody is to be asked any more.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

my $origin = origin();
my %refused = (stranger => [ 403, 'role' ], unknown => [ 401, 'unknown_key' ]);
my @who = qw( owner admin member workspace stranger unknown owner owner );


sub park {
    my ($gate) = @_;

    fresh($origin);
    $origin->stop;
    my @clients = map {
        SendkitAuth::Wire->new($gate->port)->send(request_of($_, 'w1'))
    } @who;
    wait_until(sub { waiting($gate) == @who }) or die "not sent";
    wait_until(sub { (commandstats()->{get} // 0) >= 6 }) or die "not asked";

    return @clients;
}


sub are_right {
    my ($name, @clients) = @_;

    for my $i (0 .. $#who) {
        my $answer = $clients[$i]->answer;
        my $refused = $refused{$who[$i]};

        $refused ? is_refused($answer, @$refused, "$name - $who[$i]")
                 : is_allowed($answer, $who[$i], 'w1', "$name - $who[$i]");
    }

    is(redis('DBSIZE'), 8, "$name - all is written");
}


# To the same configuration, and to one without an origin.

my $gate = gate($origin->gate);

for my $round (1 .. 3) {
    my @old = $gate->workers;
    my @clients = park($gate);

    $gate->reload;
    $origin->cont;
    are_right("reload $round", @clients);
    is(scalar $origin->questions, 6, "reload $round - six questions");
    $_->close for @clients;
    ok(wait_until(sub { !grep { $_ == $old[0] } $gate->workers }),
       "reload $round - the old worker has ended");
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
               "reload $round - the new worker");
}

my @clients = park($gate);
my %args = $origin->gate;
$args{more} =~ s/sendkit_auth_origin .*;//;
$gate->reload(http => gate_conf(%args));
$origin->cont;
are_right('without an origin', @clients);
$_->close for @clients;
ok(wait_until(sub { $gate->workers == 1 }),
   'without an origin - the old worker has ended');
fresh($origin);
is_refused(ask($gate, 'owner', 'w1'), 401, 'unknown_key',
           'without an origin - the new worker does not ask');
is_asked($origin, '', 'without an origin');
ends_well($gate, 'reload');

# Quit.

$gate = gate($origin->gate);
@clients = park($gate);
$gate->signal('QUIT');
$gate->wait_for_log(qr/gracefully shutting down/) or die "does not quit";
$origin->cont;
are_right('quit', @clients);
ends_well($gate, 'quit');

# Killed: nobody is answered, and the next worker asks anew.

$gate = gate($origin->gate);
@clients = park($gate);
my @old = $gate->workers;
kill 'KILL', @old;
is($_->answer->{status}, 0, 'killed - no answer') for @clients;
$origin->cont;
ok(wait_until(sub { my @new = $gate->workers; @new && $new[0] != $old[0] }),
   'killed - a new worker');
recovers($gate, 'killed');
ends_well($gate, 'killed', qr/exited on signal 9/);
