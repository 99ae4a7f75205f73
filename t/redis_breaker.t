# Copyright (C) the ngx_sendkit_auth_module authors
#
# While Redis is down it is asked for at most one connection a pause, however
# many requests there are; and when it takes one again, one command at a time
# finds out whether it is well.  Others are refused at once meanwhile.
#
# Fails when a connection is made before the pause has ended
# (ngx_sendkit_auth_redis_client_open()), or when a server that has failed
# several times gets all commands at once
# (ngx_sendkit_auth_redis_client_send()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

my @who = qw( owner admin member stranger odd unknown workspace other );

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate = gate(redis => $fake->address, read => '10s', timeout => '10s');


# All of them at once; returns those who have not been answered yet.

sub crowd {
    my %clients = map { $_ => SendkitAuth::Wire->new($gate->port) } @who;
    my @open = map { SendkitAuth::Wire->new($gate->port) } 1 .. 2;

    $clients{$_}->send(request_of($_, 'w1')) for @who;

    # Answered after what has come before.

    for my $client (@open) {
        $client->request('GET', '/open')->{status} == 200 or die 'not open';
        $client->close;
    }

    return \%clients;
}


sub answered {
    my ($clients) = @_;

    my %seen;

    for my $who (keys %$clients) {
        next if $clients->{$who}->is_silent;

        my $answer = delete($clients->{$who})->answer;
        $seen{"$answer->{status} $answer->{headers}{'x-reason'}"}++;
    }

    return join ', ', map { "$seen{$_} x $_" } sort keys %seen;
}


# It takes connections only to close them.

sub is_down {
    my ($name, $seconds) = @_;
    my %seen;

    $fake->on(connect => close => 1)->on(hmget => close => 1);
    ask($gate, 'owner', 'w1') for 1 .. 2;
    $fake->mark;

    my $end = Time::HiRes::time() + $seconds;
    my $asked = 0;

    wait_until(sub {
        my $clients = crowd();

        $asked += keys %$clients;
        $seen{ $clients->{$_}->answer->{status} }++ for keys %$clients;
        return Time::HiRes::time() > $end;
    }, 30);

    is("@{[ keys %seen ]}", '503', "$name - 503 for all of $asked");

    my @at = map { $_->{time} } $fake->events('connect');
    my @gaps = map { $at[$_] - $at[$_ - 1] } 1 .. $#at;
    my ($shortest) = sort { $a <=> $b } @gaps;

    cmp_ok(scalar @at, '>', 1, "$name - it is tried again");

    # The pauses are 25 ms at least, and then longer and longer.

    cmp_ok(scalar @at, '<', 4 + 5 * $seconds, "$name - but not often");
    cmp_ok($shortest, '>', 0.015, "$name - nor twice in a pause");
}


recovers($gate, 'before');
is_down('down', 2.5);

# It takes connections again, but does not answer.

$fake->on('connect')->on(hmget => hold => 'probe', right => 1)->mark;

my $clients;

wait_until(sub {
    $clients = crowd();
    wait_until(sub {
        return $fake->commands('hmget')
               || !grep { $_->is_silent } values %$clients;
    });
    return $fake->commands('hmget');
}) or die 'Redis is not asked';

like(answered($clients), qr/^7 x 503 store_down$/,
     'half open - all but one are refused at once');
is(keys %$clients, 1, 'half open - one waits');

for (1 .. 3) {
    my $others = crowd();

    is(answered($others), '7 x 503 store_down',
       'half open - nobody else is let through');
    is("@{[ keys %$others ]}", "@{[ keys %$clients ]}",
       'half open - but for who asks the same');
}

is(scalar $fake->commands('hmget'), 1, 'half open - one command was sent');
is(scalar $fake->events('connect'), 1, 'half open - on one connection');

$fake->on('hmget')->release('probe');

my ($who) = keys %$clients;
isnt($clients->{$who}->answer->{status}, 503, "half open - $who is answered");

# From here on all are let through again.

$fake->mark->on(hmget => hold => 'all', right => 1);
$clients = crowd();
is(answered($clients), '', 'closed again - nobody is refused');
ok(wait_until(sub { $fake->commands('hmget') == @who }),
   'closed again - each has sent a command');
$fake->release('all')->on('hmget');

my %status = map { $_ => $clients->{$_}->answer->{status} } @who;
is(join(' ', map { $status{$_} } @who), '200 200 200 403 403 401 200 403',
   'closed again - each has its verdict');

# The one that tries finds that it is not well: a pause again, for everybody.

is_down('down again', 2.5);
$fake->on('connect')->on(hmget => close => 1);
is_down('closes each time', 2.5);
$fake->on('connect')->on('hmget');
recovers($gate, 'well again');
ends_well($gate, 'breaker');
