package SendkitAuth::RedisProxy;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Stands between nginx and a Redis server, passes on what both say, and ends
# or changes that after so many bytes.
#
#   my $proxy = SendkitAuth::RedisProxy->new(redis_socket());
#   $proxy->mark                   count from here on, and forget the faults
#   $proxy->cut(requests => N)     the connection ends as soon as N bytes of
#   $proxy->cut(replies => N)      requests or replies have passed; with 0, when
#                                  the first one comes
#   $proxy->instead(N, BYTES)      what Redis says next after N bytes of
#                                  replies never arrives, but these bytes
#   my $passed = $proxy->passed;   since the mark: { requests => N,
#                                  replies => N, faults => 1 if it happened }
#   ->socket, ->address
#
# A fault happens once.  Before nginx learns of the end of a connection, Redis
# has done all that it was told, so that what follows is the same each time.

use strict;
use warnings;

use IO::Select ();
use IO::Socket::UNIX ();
use Socket qw( AF_UNIX SOCK_STREAM );

use SendkitAuth::Process qw( temp_dir start_process );

our $Timeout = 10;

my $count = 0;


sub new {
    my ($class, $redis) = @_;

    my $path = temp_dir() . '/proxy' . ++$count;
    my ($control, $childs) = IO::Socket->socketpair(AF_UNIX, SOCK_STREAM, 0)
        or die "socketpair() failed: $!";
    my $listen = IO::Socket::UNIX->new(Local => "$path.sock", Listen => 128)
        or die "cannot listen on $path.sock: $!";
    chmod 0777, "$path.sock";

    my $self = bless { socket => "$path.sock", control => $control,
                       redis => $redis }, $class;

    $self->{pid} = start_process(sub {
        close $control;
        serve($self, $listen, $childs);
    }, "$path.log");

    close $childs;
    close $listen;
    return $self;
}


sub socket  { return $_[0]{socket} }
sub address { return "unix:$_[0]{socket}" }


sub mark    { return $_[0]->tell('mark') }
sub cut     { return $_[0]->tell('cut', @_[1, 2]) }
sub instead { return $_[0]->tell('instead', $_[1], unpack 'H*', $_[2]) }


sub passed {
    my ($self) = @_;

    my @counts = split ' ', $self->ask('passed');
    my %passed;

    @passed{qw( requests replies faults )} = @counts;
    return \%passed;
}


sub tell {
    my ($self, @words) = @_;
    $self->ask(@words);
    return $self;
}


# The child answers each line by one.

sub ask {
    my ($self, @words) = @_;

    local $SIG{PIPE} = 'IGNORE';
    syswrite $self->{control}, "@words\n";

    my $answer = '';

    while ($answer !~ /\n/) {
        IO::Select->new($self->{control})->can_read($Timeout)
            && sysread $self->{control}, $answer, 100, length $answer
            or die "the proxy in front of redis does not answer\n";
    }

    return $answer;
}


# From here on: the child.  A stream is one direction of a connection.

sub serve {
    my ($self, $listen, $control) = @_;

    $SIG{PIPE} = 'IGNORE';
    $SIG{$_} = 'DEFAULT' for qw( INT TERM HUP );

    my $select = IO::Select->new($listen, $control);
    my %streams;

    @$self{qw( select streams )} = ($select, \%streams);
    forget($self);

    for ( ;; ) {
        for my $socket ($select->can_read) {
            if ($socket == $control) {
                obey($self, $control) or return;

            } elsif ($socket == $listen) {
                accept_one($self, $listen);

            } elsif ($streams{$socket}) {
                pass($self, $streams{$socket});
            }
        }
    }
}


sub forget {
    my ($self) = @_;
    @$self{qw( requests replies faults )} = (0, 0, 0);
    $self->{fault} = undef;
}


# The test has ended when there is nothing more to read.

sub obey {
    my ($self, $control) = @_;

    sysread $control, my $line, 65536 or return;
    my ($word, @args) = split ' ', $line;
    my $answer = 'ok';

    if ($word eq 'mark') {
        forget($self);

    } elsif ($word eq 'cut') {
        $self->{fault} = { of => $args[0], at => $args[1] };

    } elsif ($word eq 'instead') {
        $self->{fault} = { of => 'replies', at => $args[0],
                           bytes => pack 'H*', $args[1] // '' };

    } else {
        $answer = join ' ', @$self{qw( requests replies faults )};
    }

    return syswrite $control, "$answer\n";
}


sub accept_one {
    my ($self, $listen) = @_;

    my $nginx = $listen->accept or return;
    my $redis = IO::Socket::UNIX->new(Peer => $self->{redis}) or return;

    $self->{streams}{$nginx} = { kind => 'requests', from => $nginx,
                                 to => $redis };
    $self->{streams}{$redis} = { kind => 'replies', from => $redis,
                                 to => $nginx };
    $self->{select}->add($nginx, $redis);
}


sub pass {
    my ($self, $stream) = @_;

    my $n = sysread $stream->{from}, my $bytes, 65536;
    my $fault = $self->{fault};

    if (!$n) {
        end($self, $stream);
        return;
    }

    my $room = $fault && $fault->{of} eq $stream->{kind}
               ? $fault->{at} - $self->{$stream->{kind}} : $n + 1;

    if ($n < $room || defined $fault->{bytes} && $room > 0) {
        write_all($self, $stream, $bytes);
        return;
    }

    happened($self);
    write_all($self, $stream, $fault->{bytes} // substr $bytes, 0, $room);
    end($self, $stream) if !defined $fault->{bytes};
}


sub happened {
    my ($self) = @_;
    $self->{fault} = undef;
    $self->{faults}++;
}


sub write_all {
    my ($self, $stream, $bytes) = @_;

    $self->{$stream->{kind}} += length $bytes;

    while (length $bytes) {
        my $n = syswrite $stream->{to}, $bytes or return;
        substr $bytes, 0, $n, '';
    }
}


# Redis closes when it has read all.

sub end {
    my ($self, $stream) = @_;

    my ($nginx, $redis) = $stream->{kind} eq 'requests'
                          ? @$stream{qw( from to )} : @$stream{qw( to from )};

    shutdown $redis, 1;

    while (IO::Select->new($redis)->can_read($Timeout)
           && sysread $redis, my $rest, 65536)
    {
    }

    $self->{select}->remove($nginx, $redis);
    delete $self->{streams}{$_} for $nginx, $redis;
    close $_ for $nginx, $redis;
}

1;
