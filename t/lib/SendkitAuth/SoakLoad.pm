package SendkitAuth::SoakLoad;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Asks all the time, at random, over HTTP/1.1 and HTTP/2, in a process of its
# own.
#
#   my $load = SendkitAuth::SoakLoad->new(port => N, port2 => N, rate => N,
#                                         seed => N);
#   $load->handle          to read lines from, "X-SOAK<tab>END<tab>STATUS<tab>
#                          PROTOCOL<tab>NOTE", one for each request
#   $load->stop
#   split_soak($text)      what X-Soak says: { id, who, route, ws, start }
#
# STATUS is 0 if there was no answer; NOTE is the reason that nginx gave (not
# with HTTP/2), "echo" if the answer was that to another request, or why there
# was none.  At most "rate" requests a second, and each client has one under
# way, or $Streams with HTTP/2.
#
# A request that was sent when nginx was about to close an idle connection is
# sent again, as RFC 9110, 9.2.2 allows: one without a byte of an answer on a
# connection that had others, and a stream that GOAWAY says was not looked at.

use strict;
use warnings;

use Exporter qw( import );
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use Socket qw( AF_UNIX SOCK_STREAM );

use SendkitAuth::Hammer qw( now );
use SendkitAuth::Process qw( temp_dir start_process stop_process );
use SendkitAuth::SoakClient1 ();
use SendkitAuth::SoakClient2 ();
use SendkitAuth::SoakWorld;

our @EXPORT_OK = qw( split_soak );

our ($Clients1, $Clients2, $Streams) = (16, 4, 8);
our $Timeout = 20;

my $hot = 20;


sub new {
    my ($class, %args) = @_;

    my ($handle, $childs) = IO::Socket->socketpair(AF_UNIX, SOCK_STREAM, 0)
        or die "socketpair() failed: $!";

    my $pid = start_process(sub {
        close $handle;
        serve({ %args, out => $childs, id => 0, lines => '' });
    }, temp_dir() . '/soak-load.log');

    close $childs;
    return bless { handle => $handle, pid => $pid }, $class;
}


sub handle { return $_[0]{handle} }
sub stop   { return stop_process($_[0]{pid}) }


sub split_soak {
    my %what;

    @what{qw( id who route ws start )} = split / /, $_[0];
    return \%what;
}


# From here on: the child.

sub serve {
    my ($self) = @_;

    $SIG{PIPE} = 'IGNORE';
    $SIG{$_} = 'DEFAULT' for qw( INT TERM HUP );
    srand $self->{seed};

    my @clients = ((map { SendkitAuth::SoakClient1->new($self->{port}) }
                        1 .. $Clients1),
                   (map { SendkitAuth::SoakClient2->new($self->{port2},
                                                        $Streams) }
                        1 .. $Clients2));
    my $asked = now();

    for ( ;; ) {
        my $bits = '';
        my %by_fd = map { $_->fd => $_ } grep { defined $_->fd } @clients;

        vec($bits, $_, 1) = 1 for keys %by_fd, fileno $self->{out};
        my $n = select my $ready = $bits, undef, undef, 0.005;

        return if $n > 0 && vec $ready, fileno $self->{out}, 1;

        for my $fd ($n > 0 ? keys %by_fd : ()) {
            told($self, $_) for vec($ready, $fd, 1) ? $by_fd{$fd}->receive
                                                    : ();
        }

        my $due = (now() - $asked) * $self->{rate};
        next if $due < 1;

        $asked = now();
        ask_some($self, $due > 50 ? 50 : int $due, @clients);
        flush_lines($self) or return;
    }
}


sub ask_some {
    my ($self, $n, @clients) = @_;

    for my $client (@clients) {
        told($self, $_) for $client->give_up(now() - $Timeout);
    }

    my @free = map { my $client = $_; map { $client } 1 .. $client->room }
                   @clients;

    for (1 .. $n) {
        last if !@free;

        my ($client) = splice @free, rand @free, 1;
        my $what = choose($self);

        $client->ask($what, sub {
            my ($what) = @_;
            $what->{start} = now();
            return (soak($what), request($what));
        });
    }
}


# Half of them are of a few principals.  Most ask for a workspace in which they
# have a role now and then; a few have a key that nobody knows.

sub choose {
    my ($self) = @_;

    my $who = int rand(rand() < 0.5 ? $hot : $Principals);
    $who = ($who * 41) % $Principals;

    my @homes = workspaces($who);
    my $ws = rand() < 0.9 ? $homes[rand @homes] : int rand $Workspaces;

    $who = 'n' . int rand 1e6 if rand() < 0.03;

    return { id => ++$self->{id}, who => $who, ws => $ws,
             route => int rand @Routes };
}


sub soak { return join ' ', @{ $_[0] }{qw( id who route ws start )} }


# An answer is { what, status, protocol, note }.

sub told {
    my ($self, $answer) = @_;

    my $soak = soak($answer->{what});
    my $note = $answer->{note};

    $note = 'echo' if $answer->{status} == 200 && $answer->{body} ne $soak;
    $self->{lines} .= join("\t", $soak, now(), $answer->{status},
                           $answer->{protocol}, $note // '') . "\n";
}


sub flush_lines {
    my ($self) = @_;

    while (length $self->{lines}) {
        my $n = syswrite $self->{out}, $self->{lines} or return;
        substr $self->{lines}, 0, $n, '';
    }

    return 1;
}

1;
