package SendkitAuth::SoakHealth;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# What the processes of nginx hold, in the course of a soak: memory, file
# descriptors, shared memory.
#
#   my $health = SendkitAuth::SoakHealth->new($nginx);
#       which is idle now
#   $health->sample         now, of all that are there
#   $health->idle           is idle again: the last sample
#   $health->grown          what has grown, as texts
#   $health->summary        lines for people
#
# Memory of a worker process is compared with its own, ten seconds after its
# start; that of the master with what it was when a tenth of the samples were
# taken.  Zones in a master are those of all its cycles.  Descriptors are
# compared when nginx is idle: then what is open to clients and to the backend
# does not count.

use strict;
use warnings;
no warnings 'portable';   # 64-bit addresses

use SendkitAuth::Hammer qw( now );
use SendkitAuth::Process qw( slurp );

my $warm = 10;

# In kB, and descriptors: what the allocator may take, and the connections to
# Redis.

# ASan keeps what was freed.

our %May = (rss => $ENV{SENDKIT_AUTH_SLOW} ? 1 << 20 : 4096, zones => 0);
our $MayDescriptors = 12;


sub new {
    my ($class, $nginx) = @_;
    my ($first) = $nginx->workers;

    return bless { nginx => $nginx, workers => {}, master => [],
                   idle => of($first)->{fds} }, $class;
}


sub sample {
    my ($self) = @_;

    my $nginx = $self->{nginx};

    push @{ $self->{master} }, of($nginx->pid);

    for my $pid ($nginx->workers) {
        my $worker = $self->{workers}{$pid} //= { seen => now() };
        my $now = of($pid);

        next if !$now->{rss};
        $worker->{last} = $now;
        $worker->{age} = now() - $worker->{seen};
        $worker->{warm} //= $now if $worker->{age} >= $warm;
    }
}


sub idle {
    my ($self) = @_;

    $self->sample;
    $self->{fds} = [ map { of($_)->{fds} } $self->{nginx}->workers ];
}


sub of {
    my ($pid) = @_;

    my ($rss) = slurp("/proc/$pid/status") =~ /^RssAnon:\s*(\d+)/m;
    my @fds = glob "/proc/$pid/fd/*";
    my $zones = 0;

    for (split /\n/, slurp("/proc/$pid/maps")) {
        $zones += hex($2) - hex $1 if m{^(\w+)-(\w+) .*/dev/zero};
    }

    return { rss => $rss // 0, fds => scalar @fds, zones => $zones / 1024 };
}


sub pairs {
    my ($self) = @_;

    my @master = @{ $self->{master} };
    my $workers = $self->{workers};

    return ([ 'master', $master[ @master / 10 ], $master[-1] ],
            map { [ sprintf('worker %d of %.0f s', $_, $workers->{$_}{age}),
                    @{ $workers->{$_} }{qw( warm last )} ] }
            sort { $a <=> $b } grep { $workers->{$_}{warm} } keys %$workers);
}


sub grown {
    my ($self) = @_;

    my @fds = @{ $self->{fds} };
    my @bad = map { "idle worker: fds from $self->{idle} to $_" }
                  grep { $_ > $self->{idle} + $MayDescriptors } @fds;

    push @bad, 'old workers are left' if @fds > $self->{nginx}{workers};

    for (pairs($self)) {
        my ($name, $warm, $last) = @$_;

        push @bad, map { "$name: $_ from $warm->{$_} to $last->{$_}" }
                       grep { $last->{$_} > $warm->{$_} + $May{$_} }
                            sort keys %May;
    }

    return @bad;
}


sub summary {
    my ($self) = @_;

    my @pairs = pairs($self);
    my ($oldest) = sort { $b->{age} <=> $a->{age} }
                        grep { $_->{warm} } values %{ $self->{workers} };
    my @shown = [ 'master', @{ $pairs[0] }[1, 2] ];

    push @shown, [ sprintf('oldest worker, %.0f s', $oldest->{age}),
                   @$oldest{qw( warm last )} ] if $oldest;

    return "idle workers: fds $self->{idle} to @{ $self->{fds} }", map {
        my ($name, $warm, $last) = @$_;
        "$name: " . join ', ', map { "$_ $warm->{$_} to $last->{$_}" }
                                   qw( rss fds zones )
    } @shown;
}

1;
