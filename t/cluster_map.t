# Copyright (C) the ngx_sendkit_auth_module authors
#
# A node of a cluster that is cut off from most of the others may have a role
# that was taken away meanwhile.  What it says of the masters is not believed,
# though it comes first; another one is asked.  Nodes are scripted: both have
# all of the records, and the first one says "owner" of who is a stranger.
#
# Nor is one believed that has not heard of a failover which is known already.
#
# Fails when ngx_sendkit_auth_redis_masters_read() does not count those that
# fail, or not those that may ("fail?"), when it is content with half of them,
# when it takes a map without slots, or one whose epoch is lower.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

my ($old, $new) = map { SendkitAuth::FakeRedis->new(tcp => 1) } 1, 2;
my ($there, $here) = map { $_->address =~ m{//(.*)} } $old, $new;

$_->load(@$Seed) for $old, $new;
$old->load([ 'HSET', 'sendkit:roles:w1', u_stranger => 'owner' ]);


# All slots but the last ones are of the node itself, and each of the others,
# of which only the flags are given, has one.

sub nodes {
    my ($address, @others) = @_;

    my $last = 16383 - @others;
    my $nodes = 'a' x 40 . " $address\@1 myself,master - 0 0 1 connected "
                . "0-$last\n";

    for my $i (1 .. @others) {
        my $flags = $others[$i - 1];
        my $slot = $last + $i;
        $nodes .= $i x 40 . " 127.0.0.1:$i\@1 $flags - 0 0 1 connected $slot\n";
    }

    return (send => '$' . length($nodes) . "\r\n$nodes\r\n");
}


sub is_believed {
    my ($map, $believed, $name) = @_;

    $old->on(cluster => @$map);
    $_->mark for $old, $new;

    my $gate = gate(redis => "cluster://$there,$here");

    is(ask($gate, 'stranger', 'w1')->{status}, $believed ? 200 : 403, $name);
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', "$name - the owner");
    is(scalar $old->commands('hget') > 0, $believed, "$name - who was asked");
    ends_well($gate, $name);
}


$new->on(cluster => nodes($here, 'master', 'master'));

is_believed([ nodes($there, 'master', 'master') ], 1, 'all are well');
is_believed([ nodes($there, 'master,fail?', 'master,fail?') ], '',
            'two of three may fail');
is_believed([ nodes($there, 'master,fail', 'master') ], 1, 'one of three fails');
is_believed([ nodes($there, 'master,fail', 'master,fail') ], '',
            'two of three fail');
is_believed([ nodes($there, 'master,fail', 'master,fail?', 'master') ], '',
            'two of four');
is_believed([ nodes($there, 'master,fail', 'master,fail?', 'master',
                    'master') ], 1, 'two of five');

# One that has left, and one that was started anew.

my $alone = 'a' x 40 . " $there\@1 myself,master - 0 0 0 connected\n";

is_believed([ send => '$' . length($alone) . "\r\n$alone\r\n" ], '',
            'it knows nobody');
is_believed([ send => "\$0\r\n\r\n" ], '', 'it says nothing');

# It knows the cluster as it was before the failover that the other one knows.

sub epoch {
    my ($address, $other, $epoch) = @_;

    my $nodes = 'a' x 40 . " $address\@1 master - 0 0 $epoch connected 0-16383\n"
                . 'b' x 40 . " $other\@1 slave " . 'a' x 40
                . " 0 0 $epoch connected\n";
    return (send => '$' . length($nodes) . "\r\n$nodes\r\n");
}


{
    my $name = 'a lower epoch';

    $_->on(cluster => epoch($there, $here, 1)) for $old, $new;
    my $gate = gate(redis => "cluster://$here,$there", workers => 1);
    is(ask($gate, 'stranger', 'w1')->{status}, 200, "$name - before");

    $new->on(cluster => epoch($here, $there, 2));
    ok(wait_until(sub { ask($gate, 'stranger', 'w1')->{status} == 403 }, 20),
       "$name - the new master is found");

    my %seen;
    for (1 .. 4) {
        $old->mark;
        $new->on(hget => close => 1);
        ask($gate, 'owner', 'w1');
        $new->on('hget');

        my $asked = sub { $old->commands('cluster') };
        wait_until(sub { my $status = ask($gate, 'stranger', 'w1')->{status};
                         $seen{$status} = 1;
                         return $status != 503 && $asked->() }, 2);
        recovers($gate, "$name - $_");
    }

    delete $seen{503};
    is(join(' ', keys %seen), '403', "$name - is not gone back to");
    ends_well($gate, $name);
}

# Nobody else is there: what is not believed is an outage, until it is.

$old->on(cluster => nodes($there, 'master,fail', 'master,fail'));

my $gate = gate(redis => "cluster://$there");

is_refused(ask($gate, 'owner', 'w1'), 503, 'store_down', 'only that one');
$old->on(cluster => nodes($there, 'master,fail', 'master'));
recovers($gate, 'only that one');
ends_well($gate, 'only that one');
