package SendkitAuth::SoakSentinel;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# The store of a soak: a master and a replica, watched by three Sentinels, with
# the methods of SendkitAuth::SoakOne.
#
# A failover may lose what the old master has confirmed.  From the begin of a
# fault that can lead to one, nothing that was confirmed counts as certain,
# until there is one master, all agree, and everything was written once more.
# On a busy machine a Sentinel may find by itself that the master is down: as
# soon as one of them says so, it is the same as with a fault.

use strict;
use warnings;

use IO::Socket::UNIX ();

use SendkitAuth::Hammer qw( now );
use SendkitAuth::Sentinel ();


sub new {
    my ($class) = @_;

    my $set = SendkitAuth::Sentinel->new(conf => [ 'appendonly yes' ]);
    return bless { set => $set, unsure => 1, checked => 0, settled => 0,
                   doubted => 0, watched => 0, alarms => 0 }, $class;
}


sub address { return $_[0]{set}->address }

sub use {
    my ($self, @used) = @_;
    @$self{qw( writer history changes )} = @used;
}


# The port of the master, if there is one.

sub where {
    my ($self) = @_;

    return $self->{master}->port if !$self->{unsure};
    return if now() < $self->{checked} + 0.1;

    $self->{checked} = now();
    $self->{master} = eval { $self->{set}->master };

    return if !$self->{master} || $self->{master}->role ne 'master';

    $self->{unsure} = 0;
    return $self->{master}->port;
}


sub connect {
    my ($self, $port) = @_;

    my ($node) = grep { $_->port == $port } $self->{set}->nodes;
    return IO::Socket::UNIX->new(Peer => $node->socket);
}


sub refused { $_[0]{unsure} = 1 }


sub faults {
    my ($self) = @_;

    my ($set, $changes) = @$self{qw( set changes )};
    my $doubt = sub { doubt($self, 'fault') };
    my $over = sub { return settled($self) };
    my ($victim, @sentinels);

    my $fault = sub { return { group => 'redis', long => $_[0],
                               begin => $_[1], end => $_[2],
                               over => $_[3] } };
    my $some = sub { my @all = $set->sentinels;
                     @sentinels = splice @all, 0, 1 + int 2 * $_[0] };

    return (
        failover => $fault->(1, sub {
            $doubt->();
            my ($sentinel) = $set->sentinels;
            eval { $sentinel->command('SENTINEL', 'FAILOVER', 'mymaster') };
        }, sub { }, $over),
        kill_master => $fault->(4, sub {
            $doubt->();
            ($victim) = grep { $_->role eq 'master' } $set->nodes;
            $victim->kill9;
        }, sub { $victim->start }, $over),
        pause_master => $fault->(4, sub {
            $doubt->();
            ($victim) = grep { $_->role eq 'master' } $set->nodes;
            $victim->stop;
        }, sub { $victim->cont }, $over),
        kill_replica => $fault->(2, sub {
            $doubt->();
            ($victim) = grep { $_->role eq 'slave' } $set->nodes;
            $victim->kill9;
        }, sub { $victim->start }, $over),
        kill_sentinels => $fault->(3, sub {
            $doubt->();
            $_->kill9 for $some->($_[0]);
        }, sub { $_->start for @sentinels; $set->quicken }, $over),
        pause_sentinels => $fault->(3, sub {
            $doubt->();
            $_->stop for $some->($_[0]);
        }, sub { $_->cont for @sentinels }, $over),
        kill_clients => $fault->(0, sub {
            for my $node ($set->nodes) {
                eval { $node->command('CLIENT', 'KILL', 'TYPE', $_,
                                      'SKIPME', 'yes') }
                    for qw( normal pubsub );
            }
        }),
        flush => $fault->(1, sub { $changes->flush },
                          sub { $changes->restore }),
    );
}


sub doubt {
    my ($self, $why) = @_;

    $self->{doubted} = $why;
    $self->{settled} = 0;
    $self->{history}->doubted(now() - 2);
}


# Called all the time.

sub watch {
    my ($self) = @_;

    return if now() < $self->{watched} + ($self->{doubted} ? 0.2 : 0.1);

    $self->{watched} = now();

    if ($self->{doubted} eq 'alarm') {
        settled($self);

    } elsif (!$self->{doubted} && !eval { $self->{set}->calm }) {
        $self->{alarms}++;
        doubt($self, 'alarm');
    }
}


# One master, and the other one follows it; for a second, for a Sentinel may be
# about to change that.

sub settled {
    my ($self) = @_;

    my $set = $self->{set};
    my $ok = eval {
        my $master = $set->master;
        my ($other) = grep { $_ != $master } $set->nodes;
        my $role = $other->command('ROLE');

        $set->calm && $master->role eq 'master' && $role->[0] eq 'slave'
            && $role->[2] == $master->port && $role->[3] eq 'connected'
            && !grep { !SendkitAuth::Sentinel::sees_replica(
                           $_->command('SENTINEL', 'REPLICAS', 'mymaster')) }
                     $set->sentinels;
    };

    $self->{settled} = $ok ? $self->{settled} + 1 : 0;
    return if $self->{settled} < 6;

    $self->{settled} = 0;
    $self->{doubted} = 0;
    $self->{unsure} = 1;
    $self->{checked} = 0;
    $self->{history}->doubted;
    $self->{changes}->restore;
    return 1;
}

1;
