package SendkitAuth::Cluster;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# A Redis Cluster for the tests: three masters with a replica each, on
# loopback.
#
#   my $cluster = SendkitAuth::Cluster->new;
#       all are up, which takes about three seconds; options:
#       password => WORD, acl => 'gate on >x ...', tls => { ... },
#       conf => [ ... ]   as of SendkitAuth::Sentinel
#       timeout => 1000   cluster-node-timeout, in ms
#
#   ->address             "cluster://127.0.0.1:...,..." of all, the masters of
#                         the start first
#   ->address(0, 4)       of these
#   ->nodes               the six, each a SendkitAuth::Node
#   ->masters, ->replicas of them, as they see themselves; only those that live
#   ->slot(KEY)           number of its slot
#   ->owner(KEY or SLOT)  the node that is its master
#   ->replica($node)      a replica of that master
#   ->command(COMMAND)    on the owner of its key, the second word
#   ->seed(COMMAND, ...)  there are the records of SendkitAuth::Seed and these,
#                         and nothing else
#   ->save                and all of it is still there after ->kill9, ->start
#
#   ->begin($slot, $to)   of a migration: the owner says ASK for what it does
#                         not have, the other node serves it after ASKING
#   ->move_keys($slot, $to [, KEY ...])   these keys, or all of the slot
#   ->finish($slot, $to)  all nodes know the new owner: MOVED
#   ->move($slot, $to)    all three
#   ->asking($node, COMMAND)      as one who was told to ASK there
#   ->seize($slot, $to)   it has the slot, and the others are told: the keys
#                         that the owner still has are lost
#
#   ->failover($node)     its replica takes over, asked for; returns that one
#   ->elected($node)      waits until it is a master and all that live agree
#   ->agree               waits until all that live say the cluster is up, and
#                         whose the slots are, and the replicas are in sync
#   ->forget($node)       a replica leaves the cluster, and is alone and empty
#   ->add($node)          it comes back, as a master without slots
#   ->add($node, $master) or as a replica
#
# A master that does not answer is replaced after two or three timeouts.

use strict;
use warnings;

use SendkitAuth::Node ();
use SendkitAuth::Process qw( free_port wait_until );
use SendkitAuth::Seed;

our $Timeout = 30;


sub new {
    my ($class, %args) = @_;

    my $self = bless { conf => [], timeout => 1000, %args }, $class;

    $self->{nodes} = [ map { $self->node } 1 .. 6 ];
    my ($first, @others) = $self->nodes;
    my @ranges = ([ 0, 5460 ], [ 5461, 10922 ], [ 10923, 16383 ]);

    for my $i (0 .. 5) {
        my $node = $self->{nodes}[$i];
        $node->command('CLUSTER', 'SET-CONFIG-EPOCH', $i + 1);
        $node->command('CLUSTER', 'ADDSLOTSRANGE', @{ $ranges[$i] })
            if $i < 3;
    }

    $self->meet($_, $first) for @others;
    $self->add_replica($self->{nodes}[$_ + 3], $self->{nodes}[$_])
        for 0 .. 2;

    return $self->agree;
}


sub node {
    my ($self) = @_;

    my $bus = free_port();
    my $node = SendkitAuth::Node->new(
        password => $self->{password}, acl => $self->{acl},
        tls => $self->{tls}, conf => [
            'cluster-enabled yes', "cluster-port $bus",
            "cluster-node-timeout $self->{timeout}",
            'cluster-replica-validity-factor 0',
            'cluster-allow-replica-migration no',
            $self->{tls} ? 'tls-cluster yes' : (),
            $self->{password} ? "masterauth $self->{password}" : (),
            @{ $self->{conf} } ]);

    $node->{bus} = $bus;
    $node->{id} = $node->command('CLUSTER', 'MYID');
    return $node;
}


sub nodes    { return @{ $_[0]{nodes} } }
sub living   { return grep { $_->lives } $_[0]->nodes }
sub masters  { return grep { $_->role eq 'master' } $_[0]->living }
sub replicas { return grep { $_->role eq 'slave' } $_[0]->living }


sub address {
    my ($self, @which) = @_;

    my $scheme = $self->{tls} ? 'rediss+cluster' : 'cluster';
    my @these = ($self->nodes)[ @which ? @which : (0 .. 5) ];

    return "$scheme://" . join ',', map { '127.0.0.1:' . $_->port } @these;
}


sub slot {
    my ($self, $key) = @_;
    return ($self->living)[0]->command('CLUSTER', 'KEYSLOT', $key);
}


# Those who think that it is theirs; during a change that can be two.

sub owner {
    my ($self, $what) = @_;

    my $slot = $what =~ /^\d+\z/ ? $what : $self->slot($what);
    my %owners = map { $_->{id} => $_ } grep { has($_, $slot) } $self->masters;

    die "slot $slot has @{[ scalar keys %owners ]} owners\n"
        if keys %owners != 1;
    return (values %owners)[0];
}


sub has {
    my ($node, $slot) = @_;

    my $own = $node->port;
    return grep { $_->[0] <= $slot && $slot <= $_->[1] && $_->[2][1] == $own }
                @{ $node->command('CLUSTER', 'SLOTS') };
}


sub replica {
    my ($self, $master) = @_;

    my ($found) = grep { $_->command('ROLE')->[2] == $master->port }
                  $self->replicas;
    return $found // die "no replica\n";
}


sub command {
    my ($self, @words) = @_;
    return $self->owner($words[1])->command(@words);
}


sub seed {
    my ($self, @commands) = @_;

    $_->command('FLUSHALL') for $self->masters;
    $self->command(@$_) for @$Seed, @commands;
    return $self->agree;
}


sub save {
    my ($self) = @_;

    $_->command('SAVE') for $self->living;
    return $self;
}


sub begin {
    my ($self, $slot, $to) = @_;

    my $from = $self->owner($slot);
    $to->command('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $from->{id});
    $from->command('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $to->{id});
}


sub move_keys {
    my ($self, $slot, $to, @keys) = @_;

    my $from = $self->owner($slot);
    @keys = @{ $from->command('CLUSTER', 'GETKEYSINSLOT', $slot, 1000) }
        if !@keys;
    return if !@keys;

    my @auth = $self->{password} ? ('AUTH', $self->{password}) : ();
    $from->command('MIGRATE', '127.0.0.1', $to->port, '', 0, 5000, @auth,
                   'KEYS', @keys);
}


# The new owner first: a slot has one at each moment.

sub finish {
    my ($self, $slot, $to) = @_;

    for my $node ($to, grep { $_ != $to } $self->masters) {
        $node->command('CLUSTER', 'SETSLOT', $slot, 'NODE', $to->{id});
    }
}


sub move {
    my ($self, $slot, $to) = @_;

    $self->begin($slot, $to);
    $self->move_keys($slot, $to);
    $self->finish($slot, $to);
}


sub asking {
    my ($self, $node, @words) = @_;

    $node->command('ASKING');
    return $node->command(@words);
}


sub seize {
    my ($self, $slot, $to) = @_;

    my $from = $self->owner($slot);
    $to->command('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $from->{id});
    $to->command('CLUSTER', 'SETSLOT', $slot, 'NODE', $to->{id});
    return $self->agree;
}


sub failover {
    my ($self, $node) = @_;

    my $replica = $self->replica($node);
    $replica->command('CLUSTER', 'FAILOVER');
    $self->elected($replica);
    return $replica;
}


sub elected {
    my ($self, $node) = @_;

    waits('the replica is not elected', sub {
        return $node->role eq 'master' && agreed($self);
    });
    return $self;
}


sub agree {
    my ($self) = @_;

    waits('the nodes do not agree', sub {
        return agreed($self) && !grep { !in_sync($_) } $self->masters;
    });
    return $self;
}


sub agreed {
    my ($self) = @_;

    my %maps;
    for my $node ($self->living) {
        return if $node->command('CLUSTER', 'INFO')
                  !~ /^cluster_state:ok\r$/m;

        my $slots = $node->command('CLUSTER', 'SLOTS');
        $maps{ join ',', sort map { "@$_[0, 1] $_->[2][1]" } @$slots } = 1;
    }

    return keys %maps == 1;
}


# A master without replicas is in sync with all of them.

sub in_sync {
    my ($master) = @_;

    my ($role, $offset, $replicas) = @{ $master->command('ROLE') };
    return !grep { $_->[2] < $offset } @{ $replicas // [] };
}


sub forget {
    my ($self, $node) = @_;

    $_->command('CLUSTER', 'FORGET', $node->{id})
        for grep { $_ != $node } $self->living;
    $node->command('CLUSTER', 'RESET', 'HARD');
    $node->command('FLUSHALL');
    $node->{id} = $node->command('CLUSTER', 'MYID');
}


sub add {
    my ($self, $node, $master) = @_;

    my ($other) = grep { $_ != $node } $self->masters;
    $self->meet($node, $other);
    $self->add_replica($node, $master) if $master;
    waits('the node does not join', sub {
        return $other->command('CLUSTER', 'NODES')
               =~ /^$node->{id} \S+ (?:master|slave) /m;
    });
    return $self->agree;
}


sub meet {
    my ($self, $node, $other) = @_;

    $other->command('CLUSTER', 'MEET', '127.0.0.1', $node->port,
                    $node->{bus});
}


# Refused until the node has heard of its master.

sub add_replica {
    my ($self, $node, $master) = @_;

    waits('the node does not become a replica', sub {
        return eval { $node->command('CLUSTER', 'REPLICATE', $master->{id}) };
    });
    waits('the replica is not in sync', sub {
        return $node->command('ROLE')->[3] eq 'connected';
    });
}


sub waits {
    my ($message, $code) = @_;
    wait_until($code, $Timeout) or die "$message in $Timeout seconds\n";
}

1;
