# Copyright (C) the ngx_sendkit_auth_module authors
#
# In a Redis Cluster each key is asked of the master that has it, and of no
# other node; changes on each of the masters are told to the cache.  It is
# enough to know one node that lives.
#
# Fails when the slot of a key is wrong (core/sendkit_cluster.c), when a
# replica is asked, when a redirection is needed for what the map says, when
# only the first node is asked for the map, or when the channel leads to one
# master only (ngx_sendkit_auth_channels_open()).

use SendkitAuth;
use SendkitAuth::Cluster;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my ($yes, $no, $gone) = ('200 allowed', '403 role', '401 unknown_key');

# A node that is asked in vain must not cost the time of the request.

my $time = $Slow ? '1s' : '300ms';
my @times = (connect => $time, read => $time);


sub works {
    my ($gate, $name) = @_;

    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', "$name - allowed");
    is_refused(ask($gate, 'stranger', 'w1'), 403, 'role', "$name - refused");
    is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key',
               "$name - unknown");
    is_allowed(ask($gate, 'workspace', 'w1'), 'workspace', 'w1',
               "$name - allowed again");
}


sub is_outage {
    my ($gate, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $Upstream->mark;
    my %seen;
    for my $who (qw( owner stranger unknown workspace ) x 2) {
        my $answer = ask($gate, $who, 'w1');
        my $reason = $answer->{headers}{'x-reason'} =~ s/_.*//r;
        $seen{"$answer->{status} $reason"} = 1;
    }

    is(join(', ', sort keys %seen), '503 store', "$name - 503");
    is_forwarded_never($name);
}


sub lookups {
    my ($node) = @_;

    my $stats = $node->commandstats;
    return ($stats->{hget} // 0) + ($stats->{hmget} // 0);
}


sub redirections {
    my ($node) = @_;
    return $node->command('INFO', 'errorstats') =~ /^errorstat_(?:MOVED|ASK)/m;
}


my $cluster = SendkitAuth::Cluster->new->seed;
my @nodes = $cluster->nodes;

# Users enough for all slots' masters: user N has the role of her workspace.

my %key = map { my $n = sprintf '%03d', $_;
                ($n => "sk_user_cluster-$n-0123456789") } 1 .. 100;

for my $n (keys %key) {
    my $role = $n % 3 ? $n % 3 == 1 ? 'admin' : 'member' : 'none';

    $cluster->command(@{ record($key{$n}, type => 'platform',
                                user => "u_$n") });
    $cluster->command('HSET', "sendkit:roles:ws$n", "u_$n" => $role,
                      u_other => 'owner');
}

$cluster->agree;
$_->command('CONFIG', 'RESETSTAT') for @nodes;

my $gate = gate(redis => $cluster->address);

works($gate, 'six nodes');

{
    my %wrong;

    for my $n (keys %key) {
        my $answer = ask($gate, $key{$n}, "ws$n");
        my $expected = $n % 3 ? 200 : 403;
        $wrong{"$n $answer->{status}"} = 1 if $answer->{status} != $expected;
    }

    is(join(', ', sort keys %wrong), '', 'a hundred users, each as she may');

    my @counts = map { lookups($_) } @nodes;
    is(scalar(grep { $_ > 20 } @counts[0 .. 2]), 3, 'all masters are asked')
        or diag("@counts");
    is("@counts[3 .. 5]", '0 0 0', 'no replica is');
    is(scalar(grep { redirections($_) } @nodes), 0, 'nobody knew it better');
}

# It is enough to know one node, of any kind, wherever it is in the list.

for my $i (0, 4) {
    my $one = gate(redis => $cluster->address($i));
    works($one, "node $i is known");
    ends_well($one, "node $i is known");
}

{
    my $nobody = free_port();
    my $address = $cluster->address(2) =~ s{//}{//127.0.0.1:$nobody,}r;
    my $late = gate(redis => $address, @times);

    works($late, 'the first one is not there');
    ends_well($late, 'the first one is not there');

    $nodes[3]->stop;
    $late = gate(redis => $cluster->address(3, 1), @times);
    works($late, 'the first one does not answer');
    ends_well($late, 'the first one does not answer');
    $nodes[3]->cont;
}

# No node at all, and no cluster.

{
    my $nobody = free_port();
    my $in_vain = gate(redis => "cluster://127.0.0.1:$nobody", @times);

    is_outage($in_vain, 'no node');
    my $node = SendkitAuth::Redis->new(tcp => 1, port => $nobody);
    is_outage($in_vain, 'a server that is no cluster');
    ends_well($in_vain, 'no node');
}

# With a cache: what changes on each of the masters is told.

$_->command('CONFIG', 'RESETSTAT') for @nodes;

{
    my $cached = zone_gate(redis => $cluster->address, lease => '60s');
    my %of;

    for my $n (sort keys %key) {
        push @{ $of{ $cluster->owner("sendkit:roles:ws$n")->port } }, $n
            if $n % 3;
    }

    is(scalar keys %of, 3, 'all masters have roles');

    for my $port (sort keys %of) {
        my ($n, $other) = @{ $of{$port} };
        my $name = "master $port";
        my ($roles, $her) = ("sendkit:roles:ws$n", "u_$n");

        is(seen($cached, $key{$n}, "ws$n"), "$yes miss, $yes hit",
           "$name - a role is cached");
        is(seen($cached, $key{$other}, "ws$other"), "$yes miss, $yes hit",
           "$name - another one");

        $cluster->command('HDEL', $roles, $her);
        ok(wait_until(sub { seen($cached, $key{$n}, "ws$n")
                            =~ /^$no \w+, $no \w+$/ }, 5),
           "$name - it is lost");
        $cluster->command('HSET', $roles, $her => 'member');
        ok(wait_until(sub { seen($cached, $key{$n}, "ws$n")
                            =~ /^$yes hit, $yes hit$/ }, 5),
           "$name - it is given, and cached");
        is(seen($cached, $key{$other}, "ws$other"), "$yes hit, $yes hit",
           "$name - the other one is as before");

        $cluster->command('DEL', 'sendkit:key:'
                                 . SendkitAuth::digest($key{$n}));
        ok(wait_until(sub { seen($cached, $key{$n}, "ws$n")
                            =~ /^$gone \w+, $gone \w+$/ }, 5),
           "$name - the key is revoked");

        # One master does not tell for a moment.

        my ($node) = grep { $_->port == $port } @nodes;
        my $flushes = counters($cached)->{flushes};

        $node->command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        ok(wait_until(sub { counters($cached)->{flushes} > $flushes }, 5),
           "$name - without its channel all is forgotten");
        channel_is($cached, 'up', "$name - and there again");
        ok(wait_until(sub { seen($cached, $key{$other}, "ws$other")
                            eq "$yes hit, $yes hit" }, 5),
           "$name - and cached");
    }

    # One command for all of a master.

    $_->command('FLUSHALL') for $cluster->masters;
    ok(wait_until(sub { seen($cached, $key{'001'}, 'ws001')
                        =~ /^$gone \w+, $gone \w+$/ }, 5), 'all is gone');

    is(scalar(grep { redirections($_) } @nodes), 0, 'nobody knew it better');
    ends_well($cached, 'cached');
}

ends_well($gate, 'the first one');
