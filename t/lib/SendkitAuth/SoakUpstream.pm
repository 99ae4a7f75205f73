package SendkitAuth::SoakUpstream;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# The backend of a soak, in a process of its own: an HTTP/1.1 server on a unix
# socket that tells who asked before it answers.
#
#   my $upstream = SendkitAuth::SoakUpstream->new;
#   ->address      for "server"
#   ->handle       to read lines from, each "TIME<tab>X-SOAK<tab>HEADERS": when
#                  it was seen, what the client has written into X-Soak, and
#                  the lines of identity and credential, sorted, with "|"
#                  between them
#   ->stop
#
# It answers 200 with the X-Soak of the request as body.

use strict;
use warnings;

use IO::Select ();
use IO::Socket::UNIX ();
use Socket qw( AF_UNIX SOCK_STREAM );

use SendkitAuth::Hammer qw( now );
use SendkitAuth::Process qw( temp_dir start_process stop_process );

my $told = qr/^(?:x[-_]sendkit[-_].*|x[-_]api[-_]key|authorization)$/i;


sub new {
    my ($class) = @_;

    my $path = temp_dir() . '/soak-upstream';
    my $listen = IO::Socket::UNIX->new(Local => "$path.sock", Listen => 1024)
        or die "cannot listen on $path.sock: $!";
    my ($handle, $childs) = IO::Socket->socketpair(AF_UNIX, SOCK_STREAM, 0)
        or die "socketpair() failed: $!";

    chmod 0777, "$path.sock";

    my $pid = start_process(sub {
        close $handle;
        serve($listen, $childs);
    }, "$path.log");

    close $childs;
    close $listen;
    return bless { handle => $handle, path => "$path.sock", pid => $pid },
                 $class;
}


sub handle  { return $_[0]{handle} }
sub stop    { return stop_process($_[0]{pid}) }
sub address { return "unix:$_[0]{path}" }


# From here on: the child.

sub serve {
    my ($listen, $out) = @_;

    $SIG{PIPE} = 'IGNORE';
    $SIG{$_} = 'DEFAULT' for qw( INT TERM HUP );

    my $select = IO::Select->new($listen, $out);
    my %input;

    for ( ;; ) {
        for my $socket ($select->can_read) {
            return if $socket == $out;

            if ($socket == $listen) {
                my $connection = $listen->accept or next;
                $select->add($connection);
                $input{$connection} = '';
                next;
            }

            next if sysread($socket, $input{$socket}, 65536,
                            length $input{$socket})
                    && answer_all($socket, \$input{$socket}, $out);

            $select->remove($socket);
            delete $input{$socket};
            close $socket;
        }
    }
}


# The requests of a soak have no body.

sub answer_all {
    my ($socket, $input, $out) = @_;

    while ($$input =~ s/^(.+?)\r\n\r\n//s) {
        my @lines = split /\r\n/, $1;
        my ($soak, @shown) = ('-');

        for (@lines[1 .. $#lines]) {
            my ($name, $value) = /^([^:]*):[ \t]*(.*)/s or next;

            push @shown, "$name: $value" if $name =~ $told;
            $soak = $value if lc $name eq 'x-soak';
        }

        my $told = join "\t", now(), $soak, join '|', sort @shown;

        write_all($out, "$told\n") or return;
        write_all($socket, "HTTP/1.1 200 OK\r\nContent-Length: "
                           . length($soak) . "\r\n\r\n$soak") or return;
    }

    return 1;
}


sub write_all {
    my ($socket, $bytes) = @_;

    while (length $bytes) {
        my $n = syswrite $socket, $bytes or return;
        substr $bytes, 0, $n, '';
    }

    return 1;
}

1;
