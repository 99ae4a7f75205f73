package SendkitAuth::Upstream;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# The backend of the tests: a small HTTP/1.x server on a unix socket (and on
# a TCP port if asked for) that records the head of each request as it came,
# before it answers, so that a header sent twice is seen twice.
#
# It answers 200 with JSON, keys sorted:
#
#   {"body_bytes":0,"headers":{"X-Sendkit-Role":["owner"], ...},
#    "method":"GET","uri":"/v1/account"}
#
# "headers" has the identity headers in any spelling and those that may hold
# a credential.  Arguments of the request change the answer:
#
#   upstream_status=404  upstream_delay=SECONDS  upstream_header=NAME:VALUE
#   upstream_body=TEXT   upstream_echo=1 (the answer is the body that came)
#
#   my $upstream = SendkitAuth::Upstream->new(tcp => 1);
#   ->socket, ->port, ->address     "unix:PATH", for proxy_pass and "server"
#   ->mark                          forget what was recorded
#   ->requests                      what was recorded since, a list of
#       { method, uri, line, head, headers => [ [ name, value ], ... ] }

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use JSON::PP ();
use Time::HiRes ();

use SendkitAuth::Process qw( temp_dir free_port start_process slurp );

our $Shown = qr/^(?: x[-_]sendkit[-_].* | x[-_]api[-_]key | authorization
                   | x[-_]workspace[-_]id )$/xi;

my $count = 0;
my $json = JSON::PP->new->canonical->latin1;
my %seen;


sub new {
    my ($class, %args) = @_;

    my $dir = temp_dir();
    my $name = "upstream" . ++$count;
    my $self = bless {
        socket   => "$dir/$name.sock",
        record   => "$dir/$name.requests",
        log      => "$dir/$name.log",
        port     => $args{tcp} ? free_port() : 0,
        position => 0,
    }, $class;

    # The sockets listen before the child runs: nothing to wait for.

    my @listen = IO::Socket::UNIX->new(Local => $self->{socket},
                                       Listen => 1024)
        // die "cannot listen on $self->{socket}: $!";
    chmod 0777, $self->{socket};

    push @listen, IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                        LocalPort => $self->{port},
                                        Listen => 1024, ReuseAddr => 1)
        // die "cannot listen on port $self->{port}: $!"
        if $self->{port};

    $self->{pid} = start_process(sub { serve($self, @listen) }, $self->{log});
    return $self;
}


sub socket  { return $_[0]{socket} }
sub port    { return $_[0]{port} }
sub pid     { return $_[0]{pid} }
sub address { return "unix:$_[0]{socket}" }


sub mark {
    my ($self) = @_;
    $self->{position} = -s $self->{record} || 0;
}


sub requests {
    my ($self) = @_;

    my $text = slurp($self->{record}, $self->{position});
    return map { $json->decode($_) } $text =~ /^(.*)\n/mg;
}


# From here on: the child.

sub serve {
    my ($self, @listen) = @_;

    $SIG{PIPE} = 'IGNORE';
    $SIG{$_} = 'DEFAULT' for qw( INT TERM HUP );

    open my $record, '>>:raw', $self->{record} or die "$self->{record}: $!";
    my $select = IO::Select->new(@listen);
    my %listening = map { $_ => 1 } @listen;
    my %input;
    my @delayed;

    my $parent = getppid();

    for ( ;; ) {
        for my $socket ($select->can_read(@delayed ? 0.01 : 1)) {
            if ($listening{$socket}) {
                my $connection = $socket->accept or next;
                $select->add($connection);
                $input{$connection} = '';
                next;
            }

            my $n = sysread $socket, $input{$socket}, 65536,
                            length $input{$socket};

            if (!$n || !answer_all($socket, \$input{$socket}, $record,
                                   \@delayed))
            {
                $select->remove($socket);
                delete $input{$socket};
                delete $seen{$socket};
                close $socket;
            }
        }

        my $now = Time::HiRes::time();

        for (grep { $_->{at} <= $now } @delayed) {
            send_all($_->{socket}, $_->{bytes});
            shutdown $_->{socket}, 1 if !$_->{keep};
        }

        @delayed = grep { $_->{at} > $now } @delayed;

        # The test was killed.

        return if getppid() != $parent;
    }
}


# Answers each whole request in the input; returns false to close.

sub answer_all {
    my ($socket, $input, $record, $delayed) = @_;

    while ($$input =~ /^((?:\r?\n)*(.+?)\r?\n\r?\n)/s) {
        my ($used, $head) = (length $1, $2);
        my $request = parse_head($head);

        # Recorded once, also if the body is not here yet.

        if (!$seen{$socket}++) {
            syswrite $record, $json->encode($request) . "\n";

            send_all($socket, "HTTP/1.1 100 Continue\r\n\r\n")
                if header($request, 'Expect') =~ /100-continue/i;
        }

        my ($length, $body) = body_length($request, substr $$input, $used);
        return 1 if !defined $length;

        delete $seen{$socket};
        $$input = substr $$input, $used + $length;

        my $keep = header($request, 'Connection') !~ /close/i
                   && ($request->{line} !~ m{HTTP/1\.0$}
                       || header($request, 'Connection') =~ /keep-alive/i);
        my ($answer, $delay) = response($request, $body, $keep);

        if ($delay) {
            push @$delayed, { at => Time::HiRes::time() + $delay,
                              socket => $socket, bytes => $answer,
                              keep => $keep };
            return 1;
        }

        send_all($socket, $answer);
        return 0 if !$keep;
    }

    return 1;
}


sub parse_head {
    my ($head) = @_;

    my ($line, @lines) = split /\r?\n/, $head;
    my ($method, $uri) = split / /, $line;

    return {
        method  => $method,
        uri     => $uri,
        line    => $line,
        head    => $head,
        headers => [ map { [ /^([^:]*):[ \t]*(.*?)[ \t]*$/s ] } @lines ],
    };
}


sub header {
    my ($request, $name) = @_;
    return join ', ', map { $_->[1] } grep { lc $_->[0] eq lc $name }
                                      @{ $request->{headers} };
}


# How many bytes of the input are the body, and the body as it is decoded;
# nothing if it is not complete.

sub body_length {
    my ($request, $rest) = @_;

    if (header($request, 'Transfer-Encoding') =~ /chunked/i) {
        my ($at, $decoded) = (0, '');

        while (substr($rest, $at) =~ /^([0-9a-f]+)[^\r\n]*\r\n/i) {
            my $size = hex $1;
            my $end = $at + $+[0] + $size + 2;
            return if length $rest < $end;
            $decoded .= substr $rest, $end - $size - 2, $size;
            $at = $end;
            return ($at, $decoded) if $size == 0;
        }

        return;
    }

    my $length = header($request, 'Content-Length') || 0;
    return if length $rest < $length;
    return ($length, substr $rest, 0, $length);
}


sub response {
    my ($request, $body, $keep) = @_;

    my %shown;
    push @{ $shown{$_->[0]} }, $_->[1]
        for grep { $_->[0] =~ $Shown } @{ $request->{headers} };

    my (%args, @more);

    for my $pair (split /&/, ($request->{uri} =~ /\?(.*)/ ? $1 : '')) {
        my ($name, $value) = split /=/, $pair, 2;
        $value = '' if !defined $value;
        $value =~ s/%([0-9a-f]{2})/chr hex $1/gie;

        if ($name eq 'upstream_header') {
            push @more, $value =~ s/:\s*/: /r;

        } else {
            $args{$name} = $value;
        }
    }

    my $text = $args{upstream_body}
               // ($args{upstream_echo} ? $body : undef)
               // $json->encode({ method => $request->{method},
                                  uri => $request->{uri},
                                  headers => \%shown,
                                  body_bytes => length $body }) . "\n";
    my $status = $args{upstream_status} // 200;

    my $answer = join "\r\n",
        "HTTP/1.1 $status Answer",
        'Content-Type: application/json',
        'Content-Length: ' . length $text,
        'Connection: ' . ($keep ? 'keep-alive' : 'close'),
        @more, '', '';
    $answer .= $text if $request->{method} ne 'HEAD';

    return ($answer, $args{upstream_delay});
}


sub send_all {
    my ($socket, $bytes) = @_;

    while (length $bytes) {
        my $n = syswrite $socket, $bytes or return;
        substr $bytes, 0, $n, '';
    }
}

1;
