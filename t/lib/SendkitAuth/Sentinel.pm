package SendkitAuth::Sentinel;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# A master, a replica and three Sentinels for the tests, on loopback.
#
#   my $set = SendkitAuth::Sentinel->new;
#       all are in sync and agree, which takes about a second; options:
#       name => 'mymaster'
#       password => WORD, sentinel_password => WORD
#                         of the default user, and of the set among itself
#       acl => 'gate on >x ...', sentinel_acl => '...'    one user more
#       conf => [ ... ]   more lines for the data servers
#       tls => { cert => FILE, key => FILE, ca => FILE }
#                         all of them speak TLS, and nothing else
#
#   ->address             "sentinel://127.0.0.1:...,.../mymaster", of three
#   ->address(2, 0)       of these Sentinels, in this order
#   ->nodes, ->sentinels  lists of SendkitAuth::Node: ->command, ->stop,
#                         ->cont, ->kill9, ->start, ->port
#   ->master, ->replica   of the nodes, as those Sentinels that live say
#   ->seed(COMMAND, ...)  master and replica have the records of
#                         SendkitAuth::Seed and these, and nothing else
#   ->failover            asked for: the other node is the master then, but
#                         the old one believes that it still is, until
#   ->elected($node)      waits until that one is the master by its ROLE, and
#                         all Sentinels that live say so
#   ->in_sync             waits until the replica has what the master has
#   ->demoted($node)      waits until it is a replica of the master again
#   ->quicken             needed after a Sentinel was started again
#   ->calm                all Sentinels that live name the same master, are
#                         well with it, and are not about to do anything
#
# They are told to be quick: a node that does not answer is down in half a
# second, another one is elected one to two seconds later, and an old master
# that is back is demoted after one or two more.  Until then it is a master
# by its ROLE, and empty if it was started again.

use strict;
use warnings;

use SendkitAuth::Node ();
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Seed;

our $Timeout = 60;

# What a Sentinel does each so many ms, instead of each one to ten seconds.

my @quick = ('INFO-PERIOD' => 250, 'PING-PERIOD' => 100, 'ASK-PERIOD' => 100,
             'PUBLISH-PERIOD' => 250, 'TILT-PERIOD' => 2000,
             'ELECTION-TIMEOUT' => 1000, 'MIN-LINK-RECONNECT-PERIOD' => 500,
             'SLAVE-RECONF-TIMEOUT' => 1000);


sub new {
    my ($class, %args) = @_;

    my $self = bless { name => 'mymaster', conf => [], %args }, $class;

    $self->{nodes} = [ map { $self->data_server } 1, 2 ];
    $self->{sentinels} = [];

    my ($master, $replica) = $self->nodes;
    $replica->command('REPLICAOF', '127.0.0.1', $master->port);
    $self->in_sync;

    push @{ $self->{sentinels} }, $self->sentinel for 1 .. 3;
    $self->introduce;

    return $self->elected($master);
}


sub nodes     { return @{ $_[0]{nodes} } }
sub sentinels { return @{ $_[0]{sentinels} } }


sub address {
    my ($self, @which) = @_;

    my $scheme = $self->{tls} ? 'rediss+sentinel' : 'sentinel';
    my @these = ($self->sentinels)[ @which ? @which : (0 .. 2) ];

    return "$scheme://" . join(',', map { '127.0.0.1:' . $_->port } @these)
           . "/$self->{name}";
}


sub data_server {
    my ($self) = @_;

    return SendkitAuth::Node->new(
        password => $self->{password}, acl => $self->{acl},
        tls => $self->{tls}, conf => [
            'repl-ping-replica-period 1',
            $self->{password} ? "masterauth $self->{password}" : (),
            @{ $self->{conf} } ]);
}


sub sentinel {
    my ($self) = @_;

    my ($name, $own) = @$self{qw( name sentinel_password )};
    my ($master) = $self->nodes;

    my @conf = ("sentinel monitor $name 127.0.0.1 @{[ $master->port ]} 2",
                "sentinel down-after-milliseconds $name 500",
                "sentinel failover-timeout $name 2000");
    push @conf, "sentinel auth-pass $name $self->{password}"
        if $self->{password};
    push @conf, "sentinel sentinel-pass $own" if $own;

    return SendkitAuth::Node->new(
        sentinel => 1, password => $own, acl => $self->{sentinel_acl},
        tls => $self->{tls}, conf => \@conf);
}


# They find each other by what each of them publishes on the master.

sub introduce {
    my ($self) = @_;

    $self->quicken;

    waits('the Sentinels do not find each other', sub {
        return !grep { !knows_all($_->command('SENTINEL', 'MASTER',
                                              $self->{name})) }
                     $self->sentinels;
    });
}


sub quicken {
    my ($self) = @_;

    $_->command('SENTINEL', 'DEBUG', @quick)
        for grep { $_->lives } $self->sentinels;
}


sub knows_all {
    my %master = @{ $_[0] };
    return $master{'num-other-sentinels'} == 2 && $master{'num-slaves'} == 1;
}


# The port that each living Sentinel names.

sub named {
    my ($self) = @_;

    return map { $_->command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME',
                             $self->{name})->[1] }
           grep { $_->lives } $self->sentinels;
}


sub master {
    my ($self) = @_;

    my %named = map { $_ => 1 } $self->named;
    my @found = grep { $named{$_->port} } $self->nodes;

    die "the Sentinels name @{[ %named ]}\n" if @found != 1;
    return $found[0];
}


sub replica {
    my ($self) = @_;

    my $master = $self->master;
    return (grep { $_ != $master } $self->nodes)[0];
}


sub seed {
    my ($self, @commands) = @_;

    my $master = $self->master;
    $master->command(@$_) for [ 'FLUSHALL' ], @$Seed, @commands;
    return $self->in_sync;
}


sub failover {
    my ($self) = @_;

    $self->settled;

    my $replica = $self->replica;
    my ($sentinel) = grep { $_->lives } $self->sentinels;

    $sentinel->command('SENTINEL', 'FAILOVER', $self->{name});
    return $self->elected($replica);
}


sub elected {
    my ($self, $node) = @_;

    waits('the other node is not elected', sub {
        return $node->role eq 'master'
               && !grep { $_ != $node->port } $self->named;
    });
    return $self;
}


sub in_sync {
    my ($self) = @_;

    waits('no replica is in sync', sub {
        return grep {
            my ($role, $offset, $replicas) = @{ $_->command('ROLE') };
            $role eq 'master' && @$replicas && $replicas->[0][2] >= $offset;
        } grep { $_->lives } $self->nodes;
    });
    return $self;
}


# A Sentinel that was stopped, or had no time, is in TILT mode for a while: it
# answers, but what it is told to do, as a failover, it does only afterwards.

sub calm {
    my ($self) = @_;

    my %ports = map { $_ => 1 } $self->named;

    return keys %ports == 1
           && !grep { $_->command('INFO', 'sentinel') !~ /^sentinel_tilt:0/m
                      || !is_well($_->command('SENTINEL', 'MASTER',
                                              $self->{name})) }
                    grep { $_->lives } $self->sentinels;
}


# Otherwise s_down, o_down, or failover_in_progress.

sub is_well {
    my %master = @{ $_[0] };
    return $master{flags} eq 'master';
}


# A Sentinel that has not yet heard of what the last failover changed would
# undo the next one.

sub settled {
    my ($self) = @_;

    waits('the Sentinels are not calm', sub { $self->calm });
    waits('the Sentinels do not see a replica', sub {
        return !grep { !sees_replica($_->command('SENTINEL', 'REPLICAS',
                                                 $self->{name})) }
                     grep { $_->lives } $self->sentinels;
    });
    return $self->in_sync;
}


sub sees_replica {
    my %replica = @{ $_[0][0] // [] };

    return @{ $_[0] } == 1 && $replica{flags} eq 'slave'
           && $replica{'role-reported'} eq 'slave'
           && $replica{'master-link-status'} eq 'ok';
}


sub demoted {
    my ($self, $node) = @_;

    waits('the old master is not demoted', sub {
        return $node->role eq 'slave'
               && $node->command('ROLE')->[3] eq 'connected';
    });
    return $self->settled;
}


sub waits {
    my ($message, $code) = @_;
    wait_until($code, $Timeout) or die "$message in $Timeout seconds\n";
}

1;
