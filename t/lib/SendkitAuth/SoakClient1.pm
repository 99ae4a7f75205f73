package SendkitAuth::SoakClient1;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# A client of a soak that speaks HTTP/1.1 and does not wait: see
# SendkitAuth::SoakLoad.
#
#   my $client = SendkitAuth::SoakClient1->new($port);
#   ->room                   how many requests it may be given: 0 or 1
#   ->ask($what, $make)      $make->($what) returns X-Soak, method, path and
#                            headers, each time the request is sent
#   ->fd                     to be read from, if there is something to wait for
#   ->receive                what has come: { what, status, body, note,
#                            protocol }, ...
#   ->give_up($since)        the same for what was asked before that

use strict;
use warnings;

use IO::Socket::INET ();

use SendkitAuth::Hammer qw( now );
use SendkitAuth::Wire ();

my @forged = ('X-Sendkit-User-Id: u0', 'X-Sendkit-Role: owner',
              'X-Sendkit-Workspace-Id: w0', 'x-sendkit-key-type: platform');


sub new {
    my ($class, $port) = @_;
    return bless { port => $port }, $class;
}


sub room { return $_[0]{asked} ? 0 : 1 }

sub fd {
    my ($self) = @_;
    return $self->{socket} && fileno $self->{socket};
}


sub ask {
    my ($self, $what, $make) = @_;

    $self->{socket} // connect_to($self) // return;

    my ($soak, $method, $path, @headers) = $make->($what);

    push @headers, 'Content-Length: 0' if $method eq 'POST';
    push @headers, $forged[rand @forged] if rand() < 0.1;

    $self->{asked} = { what => $what, make => $make, at => now() };
    syswrite $self->{socket},
             SendkitAuth::Wire::head($method, $path, \@headers,
                                     "X-Soak: $soak");
}


sub connect_to {
    my ($self) = @_;

    $self->{socket} = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                            PeerPort => $self->{port})
        // return;
    $self->{socket}->setsockopt(6, 1, 1);   # TCP_NODELAY
    $self->{socket}->blocking(0);
    @$self{qw( input answers )} = ('', 0);

    return $self->{socket};
}


sub receive {
    my ($self) = @_;

    my $n = sysread $self->{socket}, $self->{input}, 65536,
                    length $self->{input};

    return if !defined $n && $!{EAGAIN};
    return closed($self, defined $n ? 'closed' : "$!") if !$n;

    my $end = index $self->{input}, "\r\n\r\n";
    return if $end < 0;

    my $head = substr $self->{input}, 0, $end + 2;
    my ($length) = $head =~ /\r\nContent-Length: (\d+)\r\n/i;
    return if length $self->{input} < $end + 4 + ($length // 0);

    my $body = substr $self->{input}, $end + 4;
    my ($reason) = $head =~ /\r\nX-Reason: (\S*)/i;

    $self->{input} = '';
    $self->{answers}++;
    leave($self) if $head =~ /\r\nConnection: close\r\n/i;

    return answer($self, substr($head, 9, 3), $body, $reason);
}


sub answer {
    my ($self, $status, $body, $note) = @_;

    my $asked = delete $self->{asked} // { what => {} };
    return { what => $asked->{what}, status => $status, body => $body,
             note => $note, protocol => 'h1' };
}


sub closed {
    my ($self, $why) = @_;

    my ($asked, $answers) = @$self{qw( asked answers )};
    my $again = $answers && !length $self->{input} && $asked
                && $asked->{at} > now() - 0.5;

    leave($self);
    return if !$asked;

    if ($again && ask($self, @$asked{qw( what make )})) {
        return;
    }

    return answer($self, 0, '', $why);
}


sub leave {
    my ($self) = @_;

    close $self->{socket};
    $self->{socket} = undef;
}


sub give_up {
    my ($self, $since) = @_;

    return if !$self->{asked} || $self->{asked}{at} > $since;

    leave($self);
    return answer($self, 0, '', 'no answer');
}

1;
