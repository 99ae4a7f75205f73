package SendkitAuth::Wire;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# An HTTP/1.x client that sends just these bytes, when it is told to.
#
#   my $client = SendkitAuth::Wire->new($port);
#   $client->send("POST /v1/account HTTP/1.1\r\nHost: a\r\n", ...);
#   my $answer = $client->answer;       interim answers, too; waits for it
#       $answer->{status}, ->{headers}{lower-case name}, ->{body}
#   $client->request('GET', '/v1/account', [ 'X-Api-Key: ...' ], $body)
#                                       sends all of it, returns the answer
#   $client->is_silent      true if nothing has come so far
#   $client->is_closed      waits until the server has closed the connection,
#                           without more bytes
#   $client->close

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();

our $Timeout = 10;


sub new {
    my ($class, $port) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $port)
        or die "cannot connect to port $port: $!\n";

    $socket->setsockopt(6, 1, 1);   # TCP_NODELAY: one send, one packet

    return bless { socket => $socket, input => '' }, $class;
}


# A server that answers before it has read all may close: not our failure.

sub send {
    my ($self, @bytes) = @_;
    my $bytes = join '', @bytes;

    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $n = syswrite $self->{socket}, $bytes or return $self;
        substr $bytes, 0, $n, '';
    }

    return $self;
}


sub head {
    my ($method, $uri, $headers, @more) = @_;
    return join "\r\n", "$method $uri HTTP/1.1", 'Host: localhost',
                @$headers, @more, '', '';
}


sub request {
    my ($self, $method, $uri, $headers, $body) = @_;

    my @length = defined $body ? 'Content-Length: ' . length $body : ();

    $self->send(head($method, $uri, $headers // [], @length), $body // '');
    return $self->answer($method);
}


# Waits for one whole answer; status 0 if the connection ends before.

sub answer {
    my ($self, $method) = @_;

    while ($self->{input} !~ /\r\n\r\n/) {
        $self->fill or return { status => 0, headers => {}, body => '' };
    }

    $self->{input} =~ s/^(.*?)\r\n\r\n//s;
    my ($line, @lines) = split /\r\n/, $1;

    my %answer = (status => $line =~ m{^HTTP/1\.1 (\d+)} ? $1 : 0,
                  headers => {}, body => '');

    for (@lines) {
        my ($name, $value) = /^([^:]+):\s*(.*)/ or next;
        $answer{headers}{lc $name} = $value;
    }

    if ($answer{status} >= 200 && ($method // '') ne 'HEAD') {
        my $length = $answer{headers}{'content-length'} // 0;

        while (length $self->{input} < $length) {
            $self->fill or last;
        }

        $answer{body} = substr $self->{input}, 0, $length, '';
    }

    return \%answer;
}


sub fill {
    my ($self) = @_;

    IO::Select->new($self->{socket})->can_read($Timeout) or return;
    return sysread $self->{socket}, $self->{input}, 65536,
                   length $self->{input};
}


sub is_silent {
    my ($self) = @_;
    return !length $self->{input}
           && !IO::Select->new($self->{socket})->can_read(0);
}


sub is_closed {
    my ($self) = @_;
    return !length $self->{input}
           && IO::Select->new($self->{socket})->can_read($Timeout)
           && !sysread $self->{socket}, $self->{input}, 1;
}


sub close {
    my ($self) = @_;
    close $self->{socket};
}

1;
