package SendkitAuth::SoakWriter;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Writes to Redis without ever waiting, and keeps the history of what it wrote.
#
#   my $writer = SendkitAuth::SoakWriter->new($connect, $history);
#       $connect returns a socket to the server to write to, or nothing
#   $writer->write([ [ NAME, STATE, ... ], ... ], COMMAND, ...);
#       COMMANDs, in a transaction if there are several, that change these
#       names; STATEs as SendkitAuth::SoakHistory has them.  Returns false if
#       there is no connection: nothing was sent
#   ->tell(COMMAND)       changes no name
#   ->handle              its socket, or nothing; for select
#   ->turn                reads and writes what can be; connects if it is not
#   ->waiting             writes without a reply so far
#   ->doubtful            names whose last write got no reply, for its
#                         connection was lost; once
#   ->drop                as if the server had ended
#   ->{writes}, ->{losses}, ->{errors}     counts; the errors are texts

use strict;
use warnings;

use SendkitAuth::Hammer qw( now );


sub new {
    my ($class, $connect, $history) = @_;

    return bless { connect => $connect, history => $history, socket => undef,
                   retry => 0, pending => [], doubtful => {}, writes => 0,
                   losses => 0, errors => [] }, $class;
}


sub handle  { return $_[0]{socket} }
sub waiting { return scalar @{ $_[0]{pending} } }

sub doubtful {
    my ($self) = @_;

    my @names = sort keys %{ $self->{doubtful} };
    $self->{doubtful} = {};
    return @names;
}


sub write {
    my ($self, $changes, @commands) = @_;

    return if !$self->{socket};

    @commands = ([ 'MULTI' ], @commands, [ 'EXEC' ]) if @commands > 1;

    my @writes = map { my ($name, @states) = @$_;
                       $self->{history}->sent($name, @states) } @$changes;

    push @{ $self->{pending} }, { writes => \@writes,
                                  replies => scalar @commands };
    $self->{output} .= encode(@$_) for @commands;
    $self->{writes}++ if @writes;
    flush_output($self);

    return 1;
}


sub tell {
    my ($self, @command) = @_;
    return $self->write([], \@command);
}


sub encode {
    my (@words) = @_;
    return '*' . @words . "\r\n"
           . join '', map { '$' . length($_) . "\r\n$_\r\n" } @words;
}


sub flush_output {
    my ($self) = @_;

    local $SIG{PIPE} = 'IGNORE';

    my $n = syswrite $self->{socket}, $self->{output};
    substr $self->{output}, 0, $n, '' if $n;
}


sub turn {
    my ($self) = @_;

    if (!$self->{socket}) {
        return if now() < $self->{retry};

        $self->{retry} = now() + 0.05;
        $self->{socket} = $self->{connect}->() or return;
        $self->{socket}->blocking(0);
        @$self{qw( input output )} = ('', '');
        return;
    }

    flush_output($self) if length $self->{output};

    my $n = sysread $self->{socket}, $self->{input}, 1 << 20,
                    length $self->{input};

    replies($self);
    $self->drop if defined $n && $n == 0 || !defined $n && !$!{EAGAIN};
}


sub drop {
    my ($self) = @_;

    return if !$self->{socket};

    close $self->{socket};
    $self->{socket} = undef;
    $self->{losses}++;
    doubt($self, $_) for splice @{ $self->{pending} };
}


sub doubt {
    my ($self, $one) = @_;
    $self->{doubtful}{ $_->{name} } = 1 for @{ $one->{writes} };
}


# The reply that counts is the last one, that of EXEC in a transaction.

sub replies {
    my ($self) = @_;

    my $at = 0;

    while (defined(my $end = reply_end(\$self->{input}, $at))) {
        my $reply = substr $self->{input}, $at, $end - $at;
        my $one = $self->{pending}[0] // die "a reply to nothing: $reply";

        $at = $end;
        $one->{error} //= $1 if $reply =~ /^-([^\r]*)/m;
        next if --$one->{replies};

        shift @{ $self->{pending} };

        if (defined $one->{error}) {
            push @{ $self->{errors} }, $one->{error};
            doubt($self, $one);
            next;
        }

        $self->{history}->confirmed($_) for @{ $one->{writes} };
    }

    substr $self->{input}, 0, $at, '';
}


# Where the reply ends that begins there; nothing if it is not complete.

sub reply_end {
    my ($input, $at) = @_;

    my $end = index $$input, "\r\n", $at;
    return if $end < 0;

    my $type = substr $$input, $at, 1;
    my $number = substr $$input, $at + 1, $end - $at - 1;
    $end += 2;

    if ($type eq '$' && $number >= 0) {
        $end += $number + 2;
        return $end <= length $$input ? $end : undef;
    }

    for (1 .. ($type eq '*' ? $number : 0)) {
        $end = reply_end($input, $end) // return;
    }

    return $end;
}

1;
