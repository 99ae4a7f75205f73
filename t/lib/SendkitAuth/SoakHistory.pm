package SendkitAuth::SoakHistory;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# What each key in Redis may have held at which time.
#
#   my $history = SendkitAuth::SoakHistory->new;
#   my $write = $history->sent(NAME, STATE, ...);
#       a command is about to be sent; a STATE is [ CONTENT ], or
#       [ CONTENT, AFTER, SLACK ]: what will be there that many seconds after
#       the command, without another one; SLACK is the bound of a change of
#       which nobody has to be told
#   $history->confirmed($write)     the reply has come
#   $history->doubted($since)       what was confirmed since then, or is from
#                                   now on, may be lost,
#   $history->doubted               until now
#   $history->current(NAME)         the content that was sent last
#   $history->possible(NAME, START, END, BOUND)
#       the contents that a request of that time may have been decided by;
#       BOUND is a function of the time when a state ended
#   $history->shown(NAME, TIME)     the states before that, times relative to it
#
# A state begins when the command that makes it is sent, and ends when the reply
# to a later one has come.  A command without a reply, for its connection was
# lost, was run or was not: what was before may be there, too, until the reply
# to a later one.

use strict;
use warnings;

use SendkitAuth::Hammer qw( now );

our $Keep = 60;


sub new { return bless { states => {}, doubted => 0 }, $_[0] }


sub sent {
    my ($self, $name, @states) = @_;

    my $now = now();
    my $all = $self->{states}{$name} //= [];
    my @new = map { { content => $_->[0], from => $now + ($_->[1] // 0),
                      after => $_->[1] // 0 } } @states;

    for my $i (1 .. $#new) {
        $new[$i - 1]{slack} = $states[$i][2];
    }

    shift @$all while @$all > 1 && defined $all->[0]{until}
                      && $all->[0]{until} < $now - $Keep;

    push @$all, @new;
    return { name => $name, new => \@new };
}


sub confirmed {
    my ($self, $write) = @_;

    return if $self->{doubted};

    my $now = now();
    my @new = @{ $write->{new} };

    for my $state (@{ $self->{states}{ $write->{name} } }) {
        last if $state == $new[0];
        next if defined $state->{until} && $state->{until} <= $now;
        @$state{qw( until slack )} = ($now, undef);
    }

    for my $i (1 .. $#new) {
        $new[$i - 1]{until} //= $now + $new[$i]{after};
    }
}


sub doubted {
    my ($self, $since) = @_;

    $self->{doubted} = defined $since;
    return if !defined $since;

    for my $state (map { @$_ } values %{ $self->{states} }) {
        @$state{qw( until slack )} = ()
            if defined $state->{until} && $state->{until} >= $since;
    }
}


sub current {
    my ($self, $name) = @_;

    my $all = $self->{states}{$name} // return;
    return $all->[-1]{content};
}


sub possible {
    my ($self, $name, $start, $end, $bound) = @_;

    my @contents;

    for my $state (@{ $self->{states}{$name} // [] }) {
        my $until = $state->{until};

        next if $state->{from} > $end;
        next if defined $until
                && ($until < $state->{from}
                    || $until < $start
                       && $until + ($state->{slack} // $bound->($until))
                          < $start);
        push @contents, $state->{content};
    }

    return @contents;
}


# For people.

sub shown {
    my ($self, $name, $time) = @_;

    return join ', ', map {
        my ($state, $content) = ($_, $_->{content});
        sprintf '%s %.3f to %s',
                join('/', map { "$_=$content->{$_}" } sort keys %$content),
                $state->{from} - $time,
                defined $state->{until}
                ? sprintf('%.3f', $state->{until} - $time) : '-'
    } grep { !defined $_->{until} || $_->{until} > $time - 10 }
           @{ $self->{states}{$name} // [] };
}

1;
