package Revocation::Relay;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Stands between nginx and Redis and can make one connection a black hole: that
# on which nginx subscribes.
#
#   my $relay = Revocation::Relay->new($port_of_redis);
#   $relay->port
#   $relay->freeze      from now on nothing passes on it; both ends stay open
#   $relay->release     the frozen one ends; the next one is a normal one
#
# Each connection has a process of its own, which freezes when it is stopped by
# a signal.  That of the subscriber writes its id into a file.

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use POSIX ();

use SendkitAuth::Process qw( temp_dir start_process wait_until slurp );


sub new {
    my ($class, $redis) = @_;

    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                       Listen => 128)
        or die "cannot listen: $!\n";
    my $self = bless { port => $listen->sockport, redis => $redis,
                       file => temp_dir() . '/subscriber' }, $class;

    start_process(sub { serve($self, $listen) }, temp_dir() . '/relay.log');
    close $listen;

    return $self;
}


sub port { return $_[0]{port} }


sub freeze {
    my ($self) = @_;

    my $pid = slurp($self->{file}) or die "nobody has subscribed\n";
    kill 'STOP', $pid;
    wait_until(sub { slurp("/proc/$pid/stat") =~ /\) T / })
        or die "the connection of the subscriber has ended\n";

    $self->{frozen} = $pid;
}


sub release {
    my ($self) = @_;
    kill 'KILL', $self->{frozen};
}


sub serve {
    my ($self, $listen) = @_;

    $SIG{CHLD} = 'IGNORE';

    # The processes of connections end with their connections.

    for ( ;; ) {
        my $nginx = $listen->accept or next;
        my $pid = fork() // die "fork() failed: $!";
        next if $pid;

        close $listen;
        pass($self, $nginx);
        POSIX::_exit(0);
    }
}


sub pass {
    my ($self, $nginx) = @_;

    my $redis = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                      PeerPort => $self->{redis}) or return;
    $_->setsockopt(6, 1, 1) for $nginx, $redis;     # TCP_NODELAY

    my $select = IO::Select->new($nginx, $redis);

    for ( ;; ) {
        for my $from ($select->can_read) {
            sysread $from, my $bytes, 65536 or return;
            note($self) if $from == $nginx && $bytes =~ /SUBSCRIBE/;
            syswrite $from == $nginx ? $redis : $nginx, $bytes or return;
        }
    }
}


# Whole, or not at all.

sub note {
    my ($self) = @_;

    open my $out, '>', "$self->{file}.new" or die "$self->{file}: $!";
    print $out $$;
    close $out;
    rename "$self->{file}.new", $self->{file};
}

1;
