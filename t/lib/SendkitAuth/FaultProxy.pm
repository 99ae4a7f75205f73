package SendkitAuth::FaultProxy;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# A network that fails: stands between nginx and a Redis server, on a TCP port,
# knows nothing of what passes, and does with it what a test says.
#
#   my $proxy = SendkitAuth::FaultProxy->new($redis->socket);
#   $proxy->address
#
#   $proxy->fault(replies => 'delay', 0.05)      or "requests" or "both":
#       what happens to each piece that is read from now on
#
#       pass                    hold          until there is another fault
#       delay SECONDS JITTER    up to JITTER more, in order
#       split SECONDS           a byte at a time, with that in between
#       merge SECONDS           what comes in that time, in one write
#       reorder                 each second piece before the first one
#       corrupt N               byte N of it has one bit flipped
#       truncate N              N bytes of it, then the connection ends
#       cut N                   the same, with a reset
#       replace BYTES           these instead
#       drop                    nothing of it
#       stop                    it is not read at all
#
#   $proxy->only('old')         faults are for connections that are open now;
#                               'new': for others; 'channel': for those that
#                               have subscribed; 'all', as it is at first
#   $proxy->door('open')        new connections are taken
#               ('refuse')      nobody listens
#               ('silent')      they are taken, and never looked at
#               ('full')        the queue of the socket is full: no answer
#   $proxy->end                 all connections end
#   $proxy->reset               the same, with a reset
#   $proxy->heal                all of it as at first; what was held passes
#   $proxy->connects            how many connections were taken

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use Socket qw( AF_UNIX SOCK_STREAM SOL_SOCKET SO_LINGER IPPROTO_TCP
               TCP_NODELAY );
use Time::HiRes qw( time );

use SendkitAuth::Process qw( temp_dir free_port start_process );

our $Timeout = 20;

my $count = 0;


sub new {
    my ($class, $redis) = @_;

    my ($control, $childs) = IO::Socket->socketpair(AF_UNIX, SOCK_STREAM, 0)
        or die "socketpair() failed: $!";

    my $self = bless { redis => $redis, control => $control,
                       port => free_port() }, $class;
    my $listen = listen_on($self);
    my $log = temp_dir() . '/fault-proxy' . ++$count . '.log';

    $self->{pid} = start_process(sub {
        close $control;
        serve($self, $listen, $childs);
    }, $log);

    close $childs;
    close $listen;
    return $self;
}


sub listen_on {
    my ($self) = @_;

    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128,
                                 LocalPort => $self->{port}, ReuseAddr => 1)
        // die "cannot listen on port $self->{port}: $!";
}


sub address  { return "redis://127.0.0.1:$_[0]{port}" }
sub connects { return $_[0]->tell('connects')->{number} }
sub only     { return $_[0]->tell('only', $_[1]) }
sub door     { return $_[0]->tell('door', $_[1]) }
sub end      { return $_[0]->tell('end', 0) }
sub reset    { return $_[0]->tell('end', 1) }
sub heal     { return $_[0]->only('all')->fault(both => 'pass')->door('open') }

sub fault {
    my ($self, $kind, $what, @args) = @_;
    @args = unpack 'H*', $args[0] if $what eq 'replace';
    return $self->tell('fault', $kind, $what, @args);
}


# The child answers each line when it has done that.

sub tell {
    my ($self, @words) = @_;

    local $SIG{PIPE} = 'IGNORE';
    syswrite $self->{control}, "@words\n";

    IO::Select->new($self->{control})->can_read($Timeout)
        && sysread $self->{control}, my $answer, 100
        or die "the proxy does not answer\n";

    $self->{number} = $answer + 0;
    return $self;
}


# From here on: the child.  A stream is one direction of a connection: what has
# been read waits in its queue, pieces with the time when they are to leave.

sub serve {
    my ($self, $listen, $control) = @_;

    $SIG{PIPE} = 'IGNORE';
    $SIG{$_} = 'DEFAULT' for qw( INT TERM HUP );

    %$self = (%$self, streams => {}, fault => {}, only => 'all', number => 0,
              listen => $listen, door => 'open', others => []);

    for ( ;; ) {
        my $select = IO::Select->new($control, readable($self));

        for my $socket ($select->can_read(pause($self))) {
            if ($socket == $control) {
                obey($self, $control) or return;

            } elsif ($self->{streams}{$socket}) {
                receive($self, $self->{streams}{$socket});

            } elsif ($self->{listen} && $socket == $self->{listen}) {
                accept_one($self);
            }
        }

        leave($_, time) for streams($self);
    }
}


sub streams { return my @copy = values %{ $_[0]{streams} } }


sub readable {
    my ($self) = @_;

    my @streams = grep { fault_of($self, $_)->[0] ne 'stop' } streams($self);
    return ((map { $_->{from} } @streams),
            $self->{door} =~ /open|silent/ ? $self->{listen} : ());
}


# Until the first piece is to leave; for ever if there is none.

sub pause {
    my ($self) = @_;

    my ($first) = sort { $a <=> $b } map { $_->{queue}[0][0] // () }
                                     grep { @{ $_->{queue} } } streams($self);
    return if !defined $first;

    my $left = $first - time;
    return $left > 0 ? $left : 0;
}


sub fault_of {
    my ($self, $stream) = @_;

    my ($only, $connection) = ($self->{only}, $stream->{connection});
    my $meant = $only eq 'all'     ? 1
              : $only eq 'channel' ? $connection->{channel}
              : $only eq 'old'     ? $connection->{number} <= $self->{since}
                                   : $connection->{number} > $self->{since};

    return $meant && $self->{fault}{ $stream->{kind} } || [ 'pass' ];
}


# The test has ended when there is nothing more to read.

sub obey {
    my ($self, $control) = @_;

    sysread $control, my $line, 65536 or return;
    my ($word, @args) = split ' ', $line;

    if ($word eq 'only') {
        @$self{qw( only since )} = ($args[0], $self->{number});

    } elsif ($word eq 'door') {
        door_is($self, $args[0]);

    } elsif ($word eq 'end') {
        close_both($self, $_, $args[0]) for streams($self);

    } elsif ($word eq 'fault') {
        my $kind = shift @args;
        $self->{fault}{$_} = \@args
            for $kind eq 'both' ? qw( requests replies ) : $kind;
        let_go($_) for streams($self);
    }

    return syswrite $control, "$self->{number}\n";
}


# The queue is full when one waits for an answer: that is the last.

sub door_is {
    my ($self, $state) = @_;

    close $_ for splice @{ $self->{others} };
    $self->{door} = $state;

    if ($state eq 'refuse') {
        close delete $self->{listen} if $self->{listen};
        return;
    }

    $self->{listen} //= listen_on($self);
    listen $self->{listen}, $state eq 'full' ? 0 : 128;

    for (1 .. $state eq 'full' ? 20 : 0) {
        my $socket = IO::Socket::INET->new(Blocking => 0, Proto => 'tcp',
                                           PeerAddr => '127.0.0.1',
                                           PeerPort => $self->{port});
        push @{ $self->{others} }, $socket;
        last if !IO::Select->new($socket)->can_write(0.1);
    }
}


sub accept_one {
    my ($self) = @_;

    my $nginx = $self->{listen}->accept or return;
    $self->{number}++;

    if ($self->{door} eq 'silent') {
        push @{ $self->{others} }, $nginx;
        return;
    }

    my $redis = IO::Socket::UNIX->new(Peer => $self->{redis}) or return;
    my %connection = (nginx => $nginx, redis => $redis,
                      number => $self->{number});
    my %ends = (requests => [ $nginx, $redis ], replies => [ $redis, $nginx ]);

    $nginx->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);

    for my $kind (keys %ends) {
        my ($from, $to) = @{ $ends{$kind} };
        $self->{streams}{$from} = { kind => $kind, from => $from, to => $to,
                                    queue => [], held => [],
                                    connection => \%connection };
    }
}


sub receive {
    my ($self, $stream) = @_;

    if (!sysread $stream->{from}, my $bytes, 65536) {
        leave($stream, 'inf');
        close_both($self, $stream);

    } else {
        $stream->{connection}{channel} ||= $bytes =~ /SUBSCRIBE/;
        misuse($self, $stream, $bytes, @{ fault_of($self, $stream) });
    }
}


sub misuse {
    my ($self, $stream, $bytes, $what, $x, $y) = @_;
    my ($queue, $held) = @$stream{qw( queue held )};

    if ($what eq 'delay') {
        later($stream, $bytes, $x + ($y ? rand $y : 0));

    } elsif ($what eq 'split') {
        my $last = @$queue ? $queue->[-1][0] - time : 0;
        later($stream, $_, $last += $x) for split //, $bytes;

    } elsif ($what eq 'merge' && @$queue) {
        $queue->[-1][1] .= $bytes;

    } elsif ($what eq 'hold') {
        push @$held, $bytes;

    } elsif ($what eq 'reorder') {
        unshift @$held, $bytes;
        let_go($stream) if @$held == 2;

    } elsif ($what eq 'truncate' || $what eq 'cut') {
        syswrite $stream->{to}, substr $bytes, 0, $x;
        close_both($self, $stream, $what eq 'cut');

    } elsif ($what ne 'drop') {
        substr($bytes, $x % length $bytes, 1) ^= "\1" if $what eq 'corrupt';
        $bytes = pack 'H*', $x if $what eq 'replace';
        later($stream, $bytes, $what eq 'merge' ? $x : 0);
    }
}


sub let_go {
    my ($stream) = @_;
    later($stream, $_, 0) for splice @{ $stream->{held} };
}


# In order: never before what has come before it.

sub later {
    my ($stream, $bytes, $delay) = @_;

    my $queue = $stream->{queue};
    my $at = time + $delay;
    my $last = @$queue ? $queue->[-1][0] : 0;

    push @$queue, [ $at < $last ? $last : $at, $bytes ];
}


sub leave {
    my ($stream, $now) = @_;

    my $queue = $stream->{queue};

    while (@$queue && $queue->[0][0] <= $now) {
        my $bytes = (shift @$queue)->[1];

        while (length $bytes) {
            my $n = syswrite $stream->{to}, $bytes or return;
            substr $bytes, 0, $n, '';
        }
    }
}


sub close_both {
    my ($self, $stream, $reset) = @_;

    my ($nginx, $redis) = @{ $stream->{connection} }{qw( nginx redis )};

    delete @{ $self->{streams} }{$nginx, $redis};
    setsockopt $nginx, SOL_SOCKET, SO_LINGER, pack 'll', 1, 0 if $reset;
    close $_ for $nginx, $redis;
}

1;
