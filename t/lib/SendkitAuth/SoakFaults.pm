package SendkitAuth::SoakFaults;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Injects the faults of a soak, alone and in pairs, by a plan that depends on
# the seed only.
#
#   my $faults = SendkitAuth::SoakFaults->new(store => ..., nginx => ...,
#       time => SECONDS, seed => N, only => 'NAME,...');
#   $faults->begin            the plan starts now
#   $faults->turn             does what is due
#   $faults->end              ends those that are on
#   $faults->ending           some of them are not over yet
#   $faults->near(T)          whether there was one then, or shortly before
#   $faults->quiet(T1, T2)    nothing was near in all that time
#   $faults->killed(T1, T2)   whether a worker process was killed then
#   $faults->last(T)          the last one before that: when it ended, or T
#                             if it has not, and its name
#   $faults->counts           { NAME => N }

use strict;
use warnings;

use SendkitAuth::Hammer qw( now );
use SendkitAuth::Process qw( slurp );

# How long after a fault others are still wrong by it: nginx has connected
# again, and the lease is over.

our $Settles = 3;

our $Patience = 30;

my @stopped;


sub new {
    my ($class, %args) = @_;

    my $self = bless { %args, windows => [], counts => {}, on => {},
                       ending => {}, turned => 0,
                       kills => 0 }, $class;
    my %all = ($args{store}->faults, nginx_faults($self));

    %all = map { $_ => $all{$_} // die "no fault \"$_\"\n" }
               grep { $_ ne 'none' } split /,/, $args{only}
        if length($args{only} // '');

    $self->{all} = \%all;
    plan($self);
    return $self;
}


sub nginx_faults {
    my ($self) = @_;

    my $nginx = $self->{nginx};
    my $worker = sub { my @all = $nginx->workers; $all[$_[0] * @all] };
    my $fault = sub { return { group => 'nginx', long => $_[0],
                               begin => $_[1], end => $_[2] } };

    return (
        reload       => $fault->(0, sub { $nginx->signal('HUP') }),
        kill_worker  => $fault->(0, sub {
            kill_some($self, $worker->($_[0]));
        }),
        kill_workers => $fault->(0, sub {
            kill_some($self, $nginx->workers);
        }),
        stop_worker  => $fault->(4, sub {
            push @stopped, grep { defined } $worker->($_[0]);
            kill 'STOP', @stopped;
        }, sub { kill 'CONT', splice @stopped }),
    );
}


sub kill_some {
    my ($self, @pids) = @_;

    @pids = grep { defined } @pids;
    $self->{kills} += @pids;
    kill 'KILL', @pids;
}


# Random numbers are drawn here only.

sub plan {
    my ($self) = @_;

    srand $self->{seed};

    my %groups;
    my ($at, @plan) = (2);

    push @{ $groups{ $self->{all}{$_}{group} } }, $_
        for sort keys %{ $self->{all} };

    my @groups = sort keys %groups;

    while (@groups && $at < $self->{time} - 4) {
        my $end = $at;
        my $other = '';

        for (1 .. (rand() < 0.35 ? 2 : 1)) {
            my $group = $groups[rand @groups];
            my $name = $groups{$group}[ rand @{ $groups{$group} } ];
            my $fault = $self->{all}{$name};
            my $begin = $at + ($other ? rand : 0);
            my $until = $begin + ($fault->{end} ? rand $fault->{long} : 0);
            my @random = (rand, rand);

            next if $group eq $other;
            $other = $group;

            push @plan, [ $begin, 'begins', $name, @random ];
            push @plan, [ $until, 'ends', $name ] if $fault->{end};
            $end = $until if $until > $end;
        }

        # Half of the time the next one comes before all is well again.

        $at = $end + 0.3 + rand(rand() < 0.5 ? 2 : 8);
    }

    $self->{plan} = [ sort { $a->[0] <=> $b->[0] || $a->[1] cmp $b->[1] }
                           @plan ];
}


sub begin {
    my ($self) = @_;
    $self->{began} = now();
}


sub turn {
    my ($self) = @_;

    my $plan = $self->{plan};

    # What comes next waits until a fault is over.

    if ($self->ending) {
        $self->{began} += now() - $self->{turned};
        over($self, $_) for sort keys %{ $self->{ending} };
    }

    $self->{turned} = now();

    while (!$self->ending
           && @$plan && $plan->[0][0] <= now() - $self->{began})
    {
        my (undef, $what, $name, @random) = @{ shift @$plan };

        if ($what eq 'begins') {
            begins($self, $name, @random);

        } else {
            ends($self, $name);
        }
    }
}


sub begins {
    my ($self, $name, @random) = @_;

    my $fault = $self->{all}{$name};
    my $window = { name => $name, from => now() };

    say_so($self, $name, sprintf 'begins (%.3f %.3f)', @random);
    push @{ $self->{windows} }, $window;
    $self->{counts}{$name}++;
    $fault->{begin}->(@random);

    if ($fault->{end}) {
        $self->{on}{$name} = $window;

    } else {
        $window->{until} = now();
    }

    # Nobody asks about what is long ago.

    my $windows = $self->{windows};
    shift @$windows while defined $windows->[0]{until}
                          && $windows->[0]{until} < now() - 120;
}


sub ends {
    my ($self, $name) = @_;

    my $window = delete $self->{on}{$name} // return;

    say_so($self, $name, 'ends');
    $self->{all}{$name}{end}->();
    $self->{ending}{$name} = { since => now(), window => $window };
    over($self, $name);
}


# Some need time for that, in which nobody waits for them.

sub over {
    my ($self, $name) = @_;

    my $one = $self->{ending}{$name};
    my $over = $self->{all}{$name}{over};

    return if now() < ($one->{next} // 0);

    if ($over && !$over->()) {
        die "$name is not over in $Patience s\n"
            if now() > $one->{since} + $Patience;

        $one->{next} = now() + 0.2;
        return;
    }

    delete $self->{ending}{$name};
    $one->{window}{until} = now();
    say_so($self, $name, 'is over') if $over;
}


sub ending { return scalar keys %{ $_[0]{ending} } }


sub end {
    my ($self) = @_;
    ends($self, $_) for sort keys %{ $self->{on} };
}


sub say_so {
    my ($self, $name, $what) = @_;

    printf "%8.3f  %s %s\n", now() - $self->{began}, $name, $what
        if $self->{verbose};
}


sub near { return !$_[0]->quiet($_[1], $_[1]) }


sub quiet {
    my ($self, $from, $until) = @_;

    for my $window (@{ $self->{windows} }) {
        return 0 if $window->{from} <= $until
                    && ($window->{until} // $until) + $Settles >= $from;
    }

    return 1;
}


sub killed {
    my ($self, $from, $until) = @_;

    return scalar grep { $_->{name} =~ /^kill_worker/ && $_->{from} <= $until
                         && $_->{until} // $until >= $from - 0.1 }
                       @{ $self->{windows} };
}


sub last {
    my ($self, $time) = @_;

    my ($last, $name) = (0, '-');

    for my $window (@{ $self->{windows} }) {
        my $until = $window->{until};

        next if $window->{from} > $time;
        $until = $time if !defined $until || $until > $time;
        ($last, $name) = ($until, $window->{name}) if $until > $last;
    }

    return ($last, $name);
}


sub counts { return $_[0]{counts} }


# Before the END of SendkitAuth::Process: a worker that is stopped would not
# end with its master.

END { kill 'CONT', @stopped if @stopped }

1;
