package SendkitAuth::SoakCluster;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# The store of a soak: a Redis Cluster of six nodes, with the methods of
# SendkitAuth::SoakOne.
#
# A failover that nobody has asked for may lose what the old master has
# confirmed, see SendkitAuth::SoakSentinel.  One that was asked for, and slots
# that move, lose nothing.

use strict;
use warnings;

use IO::Socket::UNIX ();

use SendkitAuth::Cluster ();
use SendkitAuth::Hammer qw( now );
use SendkitAuth::SoakWorld;


sub new {
    my ($class) = @_;

    my $cluster = SendkitAuth::Cluster->new(conf => [ 'appendonly yes' ]);
    my @names = ((map { principal($_)->{name} } 0 .. $Principals - 1),
                 (map { roles_name($_) } 0 .. $Workspaces - 1));
    my %slots = map { $_ => $cluster->slot($_) } @names;

    return bless { cluster => $cluster, slots => \%slots, owners => [],
                   unsure => 1, checked => 0, settled => 0 }, $class;
}


sub address { return $_[0]{cluster}->address }

sub use {
    my ($self, @used) = @_;
    @$self{qw( writer history changes )} = @used;
}


# The port of the master of its slot, as the first node says that can tell.

sub where {
    my ($self, $name) = @_;

    if ($self->{unsure} && now() >= $self->{checked} + 0.1) {
        $self->{checked} = now();
        look($self);
    }

    return $self->{owners}[ $self->{slots}{$name} ];
}


sub look {
    my ($self) = @_;

    my @owners;

    for my $node (grep { $_->role eq 'master' } $self->{cluster}->living) {
        my $map = eval { $node->command('CLUSTER', 'SLOTS') } // next;

        # What a node says of itself counts most.

        for my $range (@$map) {
            my ($first, $last, $owner) = @$range;

            for my $slot ($first .. $last) {
                $owners[$slot] = $owner->[1]
                    if !$owners[$slot] || $owner->[1] == $node->port;
            }
        }
    }

    $self->{owners} = \@owners;
    $self->{unsure} = 0;
}


sub connect {
    my ($self, $port) = @_;

    my ($node) = grep { $_->port == $port } $self->{cluster}->nodes;
    return IO::Socket::UNIX->new(Peer => $node->socket);
}


sub refused { $_[0]{unsure} = 1 }

sub watch { }


sub faults {
    my ($self) = @_;

    my ($cluster, $changes) = @$self{qw( cluster changes )};
    my $doubt = sub { $self->{history}->doubted(now() - 2) };
    my $over = sub { return settled($self) };
    my $one_of = sub { my ($random, @of) = @_; return $of[$random * @of] };
    my ($victim, $slots, $to);

    my $fault = sub { return { group => 'redis', long => $_[0],
                               begin => $_[1], end => $_[2],
                               over => $_[3] } };

    return (
        failover => $fault->(1, sub {
            $victim = $one_of->($_[0], $cluster->replicas);
            eval { $victim->command('CLUSTER', 'FAILOVER') };
        }, sub { }, $over),
        kill_master => $fault->(4, sub {
            $doubt->();
            $victim = $one_of->($_[0], $cluster->masters);
            $victim->kill9;
        }, sub { $victim->start }, $over),
        pause_master => $fault->(4, sub {
            $doubt->();
            $victim = $one_of->($_[0], $cluster->masters);
            $victim->stop;
        }, sub { $victim->cont }, $over),
        kill_replica => $fault->(3, sub {
            $victim = $one_of->($_[0], $cluster->replicas);
            $victim->kill9;
        }, sub { $victim->start }, $over),
        move => $fault->(2, sub {
            ($slots, $to) = begin_move($self, @_);
        }, sub {
            for my $slot (@$slots) {
                $cluster->move_keys($slot, $to);
                $cluster->finish($slot, $to);
            }
        }, $over),
        kill_clients => $fault->(0, sub {
            for my $node ($cluster->living) {
                eval { $node->command('CLIENT', 'KILL', 'TYPE', $_,
                                      'SKIPME', 'yes') }
                    for qw( normal pubsub );
            }
        }),
        flush => $fault->(1, sub { $changes->flush },
                          sub { $changes->restore }),
    );
}


# Ten slots of one master that have names of ours.

sub begin_move {
    my ($self, @random) = @_;

    my $cluster = $self->{cluster};
    my @masters = $cluster->masters;
    my $from = splice @masters, $random[0] * @masters, 1;
    my $to = $masters[$random[1] * @masters];

    look($self);

    my %own = map { $_ => 1 }
              grep { $self->{owners}[$_] == $from->port }
                   values %{ $self->{slots} };
    my @slots = (sort { $a <=> $b } keys %own)[0 .. 9];

    @slots = grep { defined } @slots;
    $cluster->begin($_, $to) for @slots;
    return (\@slots, $to);
}


# All agree, for a second: a node may be about to be replaced.

sub settled {
    my ($self) = @_;

    my $cluster = $self->{cluster};
    my $ok = eval {
        SendkitAuth::Cluster::agreed($cluster)
            && $cluster->masters == 3 && $cluster->replicas == 3
            && !grep { $_->command('ROLE')->[3] ne 'connected' }
                     $cluster->replicas;
    };

    $self->{settled} = $ok ? $self->{settled} + 1 : 0;
    return if $self->{settled} < 6;

    @$self{qw( settled unsure checked )} = (0, 1, 0);
    $self->{history}->doubted;
    $self->{changes}->restore;
    return 1;
}

1;
