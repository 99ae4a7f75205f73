# Copyright (C) the ngx_sendkit_auth_module authors
#
# Faults while many ask: each request has a whole answer, its own verdict or
# 503, and when the fault is over there is no 503 any more.
#
# Fails when a lost connection leaves waiters behind
# (ngx_sendkit_auth_redis_client_fail()), when the codec keeps bytes of the
# connection before (ngx_sendkit_auth_redis_codec_reset()), or when who has no
# role is allowed (sendkit_decision()).

use SendkitAuth;
use SendkitAuth::FaultProxy;
use SendkitAuth::Gate;
use SendkitAuth::Hammer qw( now );
use SendkitAuth::Redis;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my %verdict = (owner => 200, admin => 200, workspace => 200, stranger => 403,
               odd => 403, other => 403, unknown => 401, inactive => 401);
my @who = sort keys %verdict;

redis('FLUSHALL');
redis(@$_) for @$Seed;

my $proxy = SendkitAuth::FaultProxy->new(redis_socket());
my %gate = (redis => $proxy->address, read => '500ms', timeout => '1s',
            workers => 2, more => 'keepalive_requests 100000;');
my %start = (cold => sub { gate(%gate) },
             hot => sub { zone_gate(%gate, more => '', lease => '1s') });


# What is done again and again; how many had which status.

sub under_load {
    my ($gate, $name, $seconds, $each, $fault, %args) = @_;

    my $i = 0;
    my $hammer = SendkitAuth::Hammer->new($gate->port, 8, sub {
        my $who = $who[$i++ % @who];
        return (request_of($who, 'w1'), $who);
    });

    my (%seen, %wrong);
    my $end = now() + $seconds;
    my $next = now() + $each;

    while (now() < $end) {
        for my $answer ($hammer->turn) {
            my ($who, $status) = @$answer{qw( what status )};

            $seen{ $status == 503 ? 'refused' : 'decided' }++;
            $wrong{"$who: $status"}++
                if $status != 503 && $status != $verdict{$who};
        }

        if (now() > $next) {
            $fault->();
            $next = now() + $each;
        }
    }

    my ($failures, $again) = @{ $hammer->counters }{qw( failures retries )};

    Test::More::is("@{[ sort keys %wrong ]}", '',
                   "$name - nobody got another's verdict");
    Test::More::is("@$failures", '', "$name - each has a whole answer")
        if !$args{lossy};
    Test::More::cmp_ok($seen{decided} // 0, '>', 50,
                       "$name - some were decided");
    Test::More::note("$name: ", $seen{decided} // 0, ' decided, ',
                     $seen{refused} // 0, ' x 503, ', $again, ' sent again, ',
                     scalar @$failures, ' lost');
    $proxy->heal;
    recovers($gate, $name);

    return $seen{refused} // 0;
}


sub a_worker { return ($_[0]->workers)[rand 2] // 1 << 22 }


for my $kind (sort keys %start) {
    my $gate = $start{$kind}->();

    recovers($gate, "$kind - before");

    for my $how (qw( end reset )) {
        under_load($gate, "$kind, connections $how", 1, 0.1,
                   sub { $proxy->$how });
    }

    under_load($gate, "$kind, dead in a reply", 1, 0.2, sub {
        $proxy->only('old')->fault(replies => cut => rand 20);
    });

    under_load($gate, "$kind, reload each half second", 2, 0.5, sub {
        $gate->reload;
        $proxy->reset;
    });

    under_load($gate, "$kind, a worker is killed", 1, 0.3,
               sub { kill 'KILL', a_worker($gate) }, lossy => 1);

    under_load($gate, "$kind, Redis stops and goes on", 1, 0.3, sub {
        redis_server()->stop;
        Time::HiRes::sleep(0.05);
        redis_server()->cont;
    });

    is(under_load($gate, "$kind, no fault", 0.5, 10, sub { }), 0,
       "$kind, no fault - no 503");
    ends_well($gate, $kind, qr/exited on signal 9/);
}
