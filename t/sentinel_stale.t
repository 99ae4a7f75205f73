# Copyright (C) the ngx_sendkit_auth_module authors
#
# A Sentinel that is cut off from the others has not heard of a failover, and
# names the old master, which still has a role that was taken away meanwhile.
# Who knows the new master is not led back by it; who was told the old one asks
# another Sentinel before long; and what most of them say counts, also if it has
# a lower epoch, as after they were set up anew.
#
# Fails when epochs are not compared (ngx_sendkit_auth_redis_masters_set()),
# when the same Sentinel is asked for as long as it answers
# (ngx_sendkit_auth_redis_finder_turn()), or when a lower epoch is never taken
# (ngx_sendkit_auth_redis_masters_asked()), or is taken of a few.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Seed;

my ($old, $new, @sentinels) = map { SendkitAuth::FakeRedis->new(tcp => 1) }
                                  1 .. 5;
my ($there, $here, @addresses) = map { $_->address =~ m{//(.*)} }
                                     $old, $new, @sentinels;
my $info = "# Replication\r\nrole:master\r\nconnected_slaves:0\r\n";

$_->load(@$Seed) for $old, $new;
$_->on(info => send => '$' . length($info) . "\r\n$info\r\n") for $old, $new;
$old->load([ 'HSET', 'sendkit:roles:w1', u_stranger => 'owner' ]);

my $address = 'sentinel://' . join(',', @addresses) . '/mymaster';


# The first one is asked first.

sub named {
    my (@names) = @_;
    $sentinels[$_]->names(@{ $names[$_] }) for 0 .. 2;
}


sub stranger { return ask($_[0], 'stranger', 'w1')->{status} }

sub is_new {
    my ($gate, $name) = @_;
    ok(wait_until(sub { stranger($gate) == 403 }, $Slow ? 60 : 30), $name);
}


# Each time that a connection to the master is lost, another one is asked.

sub stays_new {
    my ($gate, $name) = @_;
    my (%asked, %seen);

    for (1 .. 6) {
        $_->mark for @sentinels;
        $new->on(hget => close => 1);
        ask($gate, 'owner', 'w1');
        $new->on('hget');

        wait_until(sub { grep { $_->commands('sentinel') }
                              @sentinels });
        wait_until(sub { my $status = stranger($gate);
                         $seen{$status} = 1;
                         return $status != 503 });
        $asked{$_}++ for grep { $sentinels[$_]->commands('sentinel') }
                              0 .. 2;
    }

    delete $seen{503};
    is(join(' ', sort keys %asked), '0 1 2', "$name - all were asked");
    is(join(' ', keys %seen), '403', "$name - and it stays so");
    recovers($gate, $name);
}


for my $zone ('', 'sendkit_auth_zone gate:1m;') {
    my $kind = $zone ? 'with a zone' : 'without';

    named(([ $there, 1 ]) x 3);
    my $gate = gate(redis => $address, more => $zone, workers => 1);
    is(stranger($gate), 200, "$kind - before the failover");

    # The first one, which is asked, has not heard of it.

    named([ $there, 1 ], ([ $here, 2 ]) x 2);
    is_new($gate, "$kind - the new master is found");
    stays_new($gate, $kind);
    # Nor has another one, and the third one is away: that is no majority.

    $sentinels[2]->on(connect => close => 1);
    $_->mark for @sentinels;
    $sentinels[1]->on('sentinel master' => close => 1);
    my %seen;
    wait_until(sub { $seen{ stranger($gate) } = 1;
                     $sentinels[0]->commands('sentinel') >= 8 }, 20);
    delete $seen{503};
    is(join(' ', keys %seen), '403', "$kind - one of three is no majority");
    $sentinels[2]->on('connect');

    # All of them were set up anew.

    named(([ $here, 0 ]) x 3);
    stays_new($gate, "$kind - epochs begin again");
    named(([ $there, 1 ]) x 3);
    ok(wait_until(sub { stranger($gate) == 200 }, 20),
       "$kind - and are believed");
    ends_well($gate, $kind);
}

# A worker that starts asks all of them soon.

named([ $there, 1 ], ([ $here, 2 ]) x 2);
my $gate = gate(redis => $address, workers => 1);
is_new($gate, 'a worker that starts');
ends_well($gate, 'a worker that starts');
