package SendkitAuth::Http2;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# An HTTP/2 client that sends just these frames, when it is told to.
#
#   my $client = SendkitAuth::Http2->new($port);
#   my $id = $client->open('POST', '/v1/account', [ 'x-api-key: ...' ]);
#   $client->data($id, $bytes);     waits for the window; ->end($id) is the end
#   my $answer = $client->answer($id);    waits for it
#       $answer->{status}, ->{body}, ->{reset} (the code, if there was one)
#   $client->request('GET', '/v1/account', [ ... ], $body)
#                                   a whole one, returns the answer
#   $client->ping           waits until nginx has read all that was sent
#   $client->has_answer($id)     whether it has begun; does not wait
#   $client->reset($id, $code)   ->goaway   ->close
#   $client->is_closed      waits until nginx has closed the connection

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();

our $Timeout = 10;

my ($DATA, $HEADERS, $RST_STREAM, $SETTINGS, $PING, $GOAWAY, $WINDOW_UPDATE)
    = (0, 1, 3, 4, 6, 7, 8);
my ($END_STREAM, $ACK, $END_HEADERS) = (1, 1, 4);

# In the static table of HPACK.

my %indexed = (0x88 => 200, 0x89 => 204, 0x8a => 206, 0x8b => 304,
               0x8c => 400, 0x8d => 404, 0x8e => 500);


sub new {
    my ($class, $port) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $port)
        or die "cannot connect to port $port: $!\n";
    $socket->setsockopt(6, 1, 1);   # TCP_NODELAY: one send, one packet

    my $self = bless { socket => $socket, input => '', next_id => 1,
                       window => 65535, stream_window => 65535,
                       windows => {}, answers => {}, pings => 0 }, $class;

    # Windows that no answer fills.

    $self->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    $self->frame($SETTINGS, 0, 0, pack 'nN', 4, 1 << 24);
    $self->frame($WINDOW_UPDATE, 0, 0, pack 'N', 1 << 24);
    $self->ping;

    return $self;
}


sub send {
    my ($self, $bytes) = @_;

    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $n = syswrite $self->{socket}, $bytes or return;
        substr $bytes, 0, $n, '';
    }
}


sub frame {
    my ($self, $type, $flags, $id, $payload) = @_;
    $self->send(substr(pack('N', length $payload), 1)
                . pack('CCN', $type, $flags, $id) . $payload);
}


# Literal, without indexing, with a new name; strings of up to 16 kB.

sub field {
    my ($name, $value) = @_;
    return join '', "\0", map { string_length(length $_) . $_ } $name, $value;
}


sub string_length {
    my ($n) = @_;

    return chr $n if $n < 127;
    $n -= 127;
    return chr(127) . chr($n) if $n < 128;
    return chr(127) . chr(128 | $n & 127) . chr($n >> 7);
}


sub open {
    my ($self, $method, $path, $headers, %args) = @_;

    my $id = $self->{next_id};
    $self->{next_id} += 2;
    $self->{windows}{$id} = $self->{stream_window};

    my $block = join '', map { field(@$_) }
        [ ':method', $method ], [ ':scheme', 'http' ], [ ':path', $path ],
        [ ':authority', 'localhost' ],
        map { [ /^([^:]+):\s*(.*)/ ] } @{ $headers // [] };

    $self->frame($HEADERS, $END_HEADERS | ($args{end} ? $END_STREAM : 0),
                 $id, $block);
    return $id;
}


# Ends early if nginx has ended the stream, for then it wants no more.

sub data {
    my ($self, $id, $bytes) = @_;

    while (length $bytes) {
        my ($n) = sort { $a <=> $b } 16384, length $bytes, $self->{window},
                                     $self->{windows}{$id};

        if ($n > 0) {
            $self->frame($DATA, 0, $id, substr $bytes, 0, $n, '');
            $self->{window} -= $n;
            $self->{windows}{$id} -= $n;
            next;
        }

        last if $self->{answers}{$id}{done} || !$self->read_frame;
    }
}


sub end {
    my ($self, $id) = @_;
    $self->frame($DATA, $END_STREAM, $id, '');
}


sub request {
    my ($self, $method, $path, $headers, $body) = @_;

    my $id = $self->open($method, $path, $headers, end => !defined $body);

    if (defined $body) {
        $self->data($id, $body);
        $self->end($id) if !$self->{answers}{$id}{done};
    }

    return $self->answer($id);
}


sub answer {
    my ($self, $id) = @_;
    my $answer = $self->{answers}{$id} //= {};

    while (!$answer->{done}) {
        $self->read_frame or last;
    }

    $answer->{$_->[0]} //= $_->[1] for [ status => 0 ], [ body => '' ];
    return $answer;
}


sub has_answer {
    my ($self, $id) = @_;
    return %{ $self->{answers}{$id} // {} } ? 1 : 0;
}


sub ping {
    my ($self) = @_;
    my $wanted = $self->{pings} + 1;

    $self->frame($PING, 0, 0, 'test' . pack 'N', $wanted);

    while ($self->{pings} < $wanted) {
        $self->read_frame or return;
    }

    return 1;
}


sub reset {
    my ($self, $id, $code) = @_;
    $self->frame($RST_STREAM, 0, $id, pack 'N', $code // 8);
}


sub goaway {
    my ($self) = @_;
    $self->frame($GOAWAY, 0, 0, pack 'NN', 0, 0);
}


sub close {
    my ($self) = @_;
    close $self->{socket};
}


sub is_closed {
    my ($self) = @_;

    while ($self->read_frame) {
    }

    return $self->{closed};
}


# Reads one frame; false if none comes.

sub read_frame {
    my ($self) = @_;

    $self->fill(9) or return;
    my ($high, $low, $type, $flags, $id) = unpack 'CnCCN', $self->{input};
    my $length = $high << 16 | $low;
    $self->fill(9 + $length) or return;

    my $payload = substr $self->{input}, 9, $length;
    substr $self->{input}, 0, 9 + $length, '';

    my $answer = $id ? $self->{answers}{$id} //= {} : undef;

    if ($type == $HEADERS) {
        $answer->{status} //= status($payload);

    } elsif ($type == $DATA) {
        $answer->{body} .= $payload;

    } elsif ($type == $RST_STREAM) {
        $answer->{reset} = unpack 'N', $payload;
        $answer->{done} = 1;

    } elsif ($type == $WINDOW_UPDATE) {
        ${ $id ? \$self->{windows}{$id} : \$self->{window} }
            += unpack 'N', $payload;

    } elsif ($type == $SETTINGS && !($flags & $ACK)) {
        $self->settings($payload);
        $self->frame($SETTINGS, $ACK, 0, '');

    } elsif ($type == $PING && $flags & $ACK) {
        $self->{pings}++;

    } elsif ($type == $GOAWAY) {
        $self->{goaway} = unpack 'x4N', $payload;
    }

    $answer->{done} = 1 if $answer && $type <= $HEADERS && $flags & $END_STREAM;

    return 1;
}


sub settings {
    my ($self, $payload) = @_;
    my %settings = unpack '(nN)*', $payload;

    $self->{stream_window} = $settings{4} if defined $settings{4};
}


# The first field, maybe behind a change of the size of the table.

sub status {
    my ($block) = @_;

    $block =~ s/^[\x20-\x3f]+//;
    return $indexed{ord $block} if $indexed{ord $block};
    return $block =~ /^[\x48\x08]\x03(\d{3})/ ? $1 : 0;
}


sub fill {
    my ($self, $length) = @_;

    while (length $self->{input} < $length) {
        IO::Select->new($self->{socket})->can_read($Timeout) or return;

        if (!sysread $self->{socket}, $self->{input}, 65536,
            length $self->{input})
        {
            $self->{closed} = 1;
            return;
        }
    }

    return 1;
}

1;
