package SendkitAuth::Relay;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Stands between nginx and Redis and holds what nginx asks, so that a test
# knows that a request waits, and when it goes on.
#
#   my $relay = SendkitAuth::Relay->new;
#   ->address        for sendkit_auth_redis
#   ->hold           waits for commands and returns the words of the first
#   ->release        sends them on and brings the answer back
#   ->pass(N)        both, N times (once)
#   ->is_idle        true if no command is waiting here

use strict;
use warnings;

use IO::Select ();
use IO::Socket::UNIX ();

use SendkitAuth::Process qw( temp_dir );
use SendkitAuth::Redis qw( redis_socket );

our $Timeout = 10;

my $count = 0;


sub new {
    my ($class) = @_;

    my $path = temp_dir() . '/relay' . ++$count . '.sock';
    my $listen = IO::Socket::UNIX->new(Local => $path, Listen => 16)
        // die "cannot listen on $path: $!";
    chmod 0777, $path;

    return bless { path => $path, listen => $listen, held => '' }, $class;
}


sub address { return "unix:$_[0]{path}" }


sub hold {
    my ($self) = @_;
    my $end = time + $Timeout;

    while (!length $self->{held}) {
        die "nginx sent no command\n" if time > $end;
        $self->step(1);
    }

    return split ' ', $self->{held} =~ s/[*\$]\d+\r\n//gr;
}


sub release {
    my ($self) = @_;

    my $commands = () = $self->{held} =~ /^\*\d+\r\n/mg;
    syswrite $self->{redis}, delete $self->{held};
    $self->{held} = '';

    while ($commands > 0) {
        sysread $self->{redis}, my $reply, 65536 or die "Redis closed\n";
        syswrite $self->{nginx}, $reply;
        $commands -= replies($reply);
    }
}


# How many these are.  Arrays of strings, and strings, are all that the
# gateway is answered.

sub replies {
    my ($bytes) = @_;
    my $n = 0;

    for ( ; length $bytes; $n++) {
        my $strings = $bytes =~ s/^\*(\d+)\r\n// ? $1 : 1;

        for (1 .. $strings) {
            $bytes =~ s/^\$(-?\d+)\r\n// or die "unknown reply: $bytes\n";
            substr $bytes, 0, $1 + 2, '' if $1 >= 0;
        }
    }

    return $n;
}


sub pass {
    my ($self, $n) = @_;

    for (1 .. $n // 1) {
        $self->hold;
        $self->release;
    }
}


sub is_idle {
    my ($self) = @_;
    $self->step(0);
    return !length $self->{held};
}


# One thing that nginx does: to connect, to send, to close.

sub step {
    my ($self, $time) = @_;

    my $select = IO::Select->new(grep { $_ } @$self{qw( listen nginx )});

    for my $socket ($select->can_read($time)) {

        if ($socket == $self->{listen}) {
            $self->{nginx} = $socket->accept;
            $self->{redis} = IO::Socket::UNIX->new(Peer => redis_socket())
                or die "cannot connect to Redis: $!\n";
            $self->{held} = '';

        } elsif (!sysread $socket, $self->{held}, 65536,
                 length $self->{held})
        {
            $self->{nginx} = undef;
            $self->{held} = '';
        }
    }
}

1;
