package SendkitAuth::SoakClient2;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# A client of a soak that speaks HTTP/2 and does not wait: a
# SendkitAuth::Http2 whose frames are read when they are there, with the
# methods of SendkitAuth::SoakClient1.
#
#   my $client = SendkitAuth::SoakClient2->new($port, $streams);

use strict;
use warnings;

use SendkitAuth::Hammer qw( now );
use SendkitAuth::Http2 ();

our @ISA = qw( SendkitAuth::Http2 );


# Made as if it were connected: each ask() makes sure of that.

sub new {
    my ($class, $port, $streams) = @_;
    return bless { port => $port, limit => $streams, asked => {} }, $class;
}


# nginx's own ping is not waited for.

sub ping { return 1 }


sub room {
    my ($self) = @_;

    # After GOAWAY there is a new connection when the old one has ended.

    return 0 if defined $self->{goaway};
    return $self->{limit} - keys %{ $self->{asked} };
}


sub fd {
    my ($self) = @_;
    return $self->{socket} && fileno $self->{socket};
}


sub ask {
    my ($self, $what, $make) = @_;

    $self->{socket} // connect_to($self) // return;

    my ($soak, $method, $path, @headers) = $make->($what);
    my $id = $self->open($method, $path, [ @headers, "x-soak: $soak" ],
                         end => 1);

    $self->{asked}{$id} = { what => $what, make => $make, at => now() };
}


sub connect_to {
    my ($self) = @_;

    my $new = eval { SendkitAuth::Http2::new(ref $self, $self->{port}) }
              // return;

    @$self{keys %$new} = values %$new;
    $self->{socket}->blocking(0);
    delete $self->{goaway};
    return $self->{socket};
}


sub receive {
    my ($self) = @_;

    my $n = sysread $self->{socket}, $self->{input}, 65536,
                    length $self->{input};

    return if !defined $n && $!{EAGAIN};

    $self->read_frame while has_frame($self);

    return (finished($self), $n ? () : ended($self));
}


sub has_frame {
    my ($self) = @_;

    return if length $self->{input} < 9;
    my ($high, $low) = unpack 'Cn', $self->{input};
    return length $self->{input} >= 9 + ($high << 16 | $low);
}


sub finished {
    my ($self) = @_;

    my @answers;

    for my $id (sort { $a <=> $b } keys %{ $self->{asked} }) {
        my $answer = $self->{answers}{$id};
        next if !$answer || !$answer->{done};

        my $reset = delete($self->{answers}{$id})->{reset};

        push @answers, result($self, $id, $answer->{status} // 0,
                              $answer->{body} // '',
                              defined $reset ? "reset $reset" : undef);
    }

    return @answers;
}


sub result {
    my ($self, $id, $status, $body, $note) = @_;

    return { what => delete($self->{asked}{$id})->{what}, status => $status,
             body => $body, note => $note, protocol => 'h2' };
}


# Those that GOAWAY has left out are asked again.

sub ended {
    my ($self) = @_;

    my $last = $self->{goaway};
    my (@answers, @again);

    close $self->{socket};
    $self->{socket} = undef;
    delete $self->{goaway};

    for my $id (sort { $a <=> $b } keys %{ $self->{asked} }) {
        if (defined $last && $id > $last) {
            push @again, delete $self->{asked}{$id};
            next;
        }

        push @answers, result($self, $id, 0, '', 'closed');
    }

    ask($self, @$_{qw( what make )}) for @again;
    return @answers;
}


sub give_up {
    my ($self, $since) = @_;

    my @late = grep { $self->{asked}{$_}{at} <= $since }
                    keys %{ $self->{asked} };
    return map { result($self, $_, 0, '', 'no answer') } @late;
}

1;
