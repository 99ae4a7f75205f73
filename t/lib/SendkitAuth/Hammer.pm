package SendkitAuth::Hammer;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Clients with keep-alive connections, each of which asks again as soon as it
# is answered, in one process.  Only for GET.
#
#   my $hammer = SendkitAuth::Hammer->new($port, 8, sub {
#       return ($bytes, $what);         the next request, and what it is
#   });
#   my @answers = $hammer->turn;        waits for some, at most 10 ms
#       { what =>, status =>, head =>, started =>, ended => }
#   $hammer->counters       { answers, retries, goodbyes, failures => [ ... ] }
#
# Times are of CLOCK_MONOTONIC, in seconds.  An answer that says "Connection:
# close" is a goodbye.  If a connection on which there were answers is closed
# without a byte of the next one, that request is sent once more on a new
# connection, as RFC 9110, 9.2.2 allows, and counted.  Anything else that is
# not a whole answer is a failure.

use strict;
use warnings;

use Exporter qw( import );
use IO::Socket::INET ();
use Time::HiRes ();

our @EXPORT_OK = qw( now );

our $Timeout = 20;


sub now { return Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) }


sub new {
    my ($class, $port, $connections, $next) = @_;

    my $self = bless { port => $port, next => $next, clients => {},
                       failures => [], map { $_ => 0 }
                           qw( answers retries goodbyes ) }, $class;

    begin($self) for 1 .. $connections;
    return $self;
}


sub counters {
    my ($self) = @_;
    return { map { $_ => $self->{$_} }
             qw( answers retries goodbyes failures ) };
}


sub turn {
    my ($self) = @_;

    my $clients = $self->{clients};
    my $bits = '';
    my @answers;

    vec($bits, $_, 1) = 1 for keys %$clients;
    my $n = select my $ready = $bits, undef, undef, 0.01;

    for my $fd ($n > 0 ? keys %$clients : ()) {
        push @answers, receive($self, $clients->{$fd}) if vec $ready, $fd, 1;
    }

    give_up($self) if $n == 0;

    return @answers;
}


# A client is one connection, and the request that is under way on it.

sub begin {
    my ($self, $request) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $self->{port})
        or die "cannot connect to port $self->{port}: $!\n";

    $socket->setsockopt(6, 1, 1);   # TCP_NODELAY

    my $client = { socket => $socket, answers => 0 };
    $self->{clients}{fileno $socket} = $client;

    ask($self, $client, $request // [ $self->{next}->() ]);
}


# A failure to write shows when the answer is read.

sub ask {
    my ($self, $client, $request) = @_;

    local $SIG{PIPE} = 'IGNORE';

    @$client{qw( request input started )} = ($request, '', now());
    syswrite $client->{socket}, $request->[0];
}


sub receive {
    my ($self, $client) = @_;

    my $n = sysread $client->{socket}, $client->{input}, 65536,
                    length $client->{input};

    if (!$n) {
        closed($self, $client, defined $n ? 'end of file' : "$!");
        return;
    }

    my $end = index $client->{input}, "\r\n\r\n";
    return if $end < 0;

    my $head = substr $client->{input}, 0, $end + 4;
    my ($length) = $head =~ /\r\nContent-Length: (\d+)\r\n/i;
    return if length($client->{input}) < $end + 4 + ($length // 0);

    my $answer = { what => $client->{request}[1], head => $head,
                   status => substr($head, 9, 3),
                   started => $client->{started}, ended => now() };

    $self->{answers}++;
    $client->{answers}++;

    if ($head =~ /\r\nConnection: close\r\n/i) {
        $self->{goodbyes}++;
        leave($self, $client);
        begin($self);

    } else {
        ask($self, $client, [ $self->{next}->() ]);
    }

    return $answer;
}


sub closed {
    my ($self, $client, $why) = @_;

    leave($self, $client);

    if ($client->{answers} && !length $client->{input}) {
        $self->{retries}++;
        begin($self, $client->{request});
        return;
    }

    failed($self, $client, $why);
}


sub leave {
    my ($self, $client) = @_;

    delete $self->{clients}{fileno $client->{socket}};
    close $client->{socket};
}


sub failed {
    my ($self, $client, $why) = @_;

    push @{ $self->{failures} },
         sprintf '%s after %.3f s and %d answers, got "%s"', $why,
                 now() - $client->{started}, $client->{answers},
                 substr $client->{input}, 0, 40;
    begin($self);
}


# Nothing has come for a while: those who wait for too long.

sub give_up {
    my ($self) = @_;

    my $since = now() - $Timeout;

    for my $client (grep { $_->{started} < $since }
                         values %{ $self->{clients} })
    {
        leave($self, $client);
        failed($self, $client, 'no answer');
    }
}

1;
