package SendkitAuth::Redis;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# A private redis-server for the tests, and a small client.  The variable
# SENDKIT_AUTH_REDIS_SERVER names another program, as that of Valkey.
#
#   redis('HSET', 'sendkit:key:...', 'type', 'platform');
#   redis_socket()      path of the unix socket
#   commandstats()      { hget => 1, ... }: calls since CONFIG RESETSTAT
#   redis_server()      the object behind them, started at the first use:
#
#   ->stop, ->cont      SIGSTOP and SIGCONT: a server that does not answer
#   ->kill9             ends the process;  ->start runs it again, empty
#   ->restart           both; (args => [ ... ]): with these from now on
#   ->pid, ->socket, ->port, ->address
#
#   SendkitAuth::Redis->new(tcp => 1, args => [ '--requirepass', 'x' ])
#                       one more, on a free port besides its unix socket

use strict;
use warnings;

use Exporter qw( import );
use IO::Select ();
use IO::Socket::UNIX ();

use SendkitAuth::Process qw( temp_dir free_port wait_until start_process
                             stop_process slurp );

our @EXPORT = qw( redis redis_socket redis_server commandstats );

our $Timeout = 10;

my $program = $ENV{SENDKIT_AUTH_REDIS_SERVER} || 'redis-server';
my $default;
my $count = 0;


sub redis_server { return $default //= SendkitAuth::Redis->new }
sub redis_socket { return redis_server()->socket }
sub redis        { return redis_server()->command(@_) }


sub new {
    my ($class, %args) = @_;

    my $dir = temp_dir() . "/redis" . ++$count;
    mkdir $dir or die "mkdir $dir failed: $!";

    my $self = bless {
        dir    => $dir,
        socket => "$dir/redis.sock",
        log    => "$dir/redis.log",
        port   => $args{tcp} ? $args{port} // free_port() : 0,
        args   => $args{args} // [],
        auth   => $args{auth},
    }, $class;

    return $self->start;
}


sub socket  { return $_[0]{socket} }
sub port    { return $_[0]{port} }
sub pid     { return $_[0]{pid} }
sub log     { return slurp($_[0]{log}) }

sub address {
    my ($self) = @_;
    return $self->{port} ? "redis://127.0.0.1:$self->{port}"
                         : "unix:$self->{socket}";
}


sub start {
    my ($self) = @_;

    unlink $self->{socket};
    $self->{pid} = start_process(
        [ $program, '--port', $self->{port}, '--bind', '127.0.0.1',
          '--unixsocket', $self->{socket}, '--unixsocketperm', '777',
          '--save', '', '--appendonly', 'no', '--daemonize', 'no',
          '--dir', $self->{dir}, @{ $self->{args} } ], $self->{log});

    my $answers = sub {
        return 'ended' if waitpid($self->{pid}, 1) != 0;
        return eval { $self->command('PING') eq 'PONG' };
    };

    my $result = wait_until($answers, $Timeout) // 'too slow';
    die "$program does not answer: $result\n", $self->log, "\n"
        if $result ne '1';

    return $self;
}


sub stop {
    my ($self) = @_;
    kill 'STOP', $self->{pid};

    # The signal is delivered a little later than kill() returns.

    wait_until(sub { slurp("/proc/$self->{pid}/stat") =~ /\) T / });
    return $self;
}


sub cont {
    my ($self) = @_;
    kill 'CONT', $self->{pid};
    return $self;
}


sub kill9 {
    my ($self) = @_;
    $self->{connection} = undef;
    stop_process($self->{pid}, 'KILL');
    return $self;
}


sub restart {
    my ($self, %args) = @_;

    $self->{args} = $args{args} if $args{args};
    return $self->kill9->start;
}


# Sends one command and returns its reply: string or number, undef for nil,
# array reference.  An error reply dies with its text.

sub command {
    my ($self, @words) = @_;

    my $request = '*' . @words . "\r\n";
    $request .= '$' . length($_) . "\r\n$_\r\n" for @words;

    my $sent = $self->{connection}
               && $self->{connection}->connected
               && eval { $self->exchange($request) };
    return reply_value($sent->{reply}) if $sent;

    # Not connected yet, or the server was restarted.

    $self->connect;
    return reply_value($self->exchange($request)->{reply});
}


sub connect {
    my ($self) = @_;

    $self->{connection} = IO::Socket::UNIX->new(Peer => $self->{socket})
        or die "cannot connect to $self->{socket}: $!\n";
    $self->{input} = '';

    if ($self->{auth}) {
        my $auth = "*2\r\n\$4\r\nAUTH\r\n\$" . length($self->{auth})
                   . "\r\n$self->{auth}\r\n";
        reply_value($self->exchange($auth)->{reply});
    }
}


sub exchange {
    my ($self, $request) = @_;

    local $SIG{PIPE} = 'IGNORE';

    while (length $request) {
        my $n = syswrite($self->{connection}, $request)
            // $self->broken("write failed: $!");
        substr $request, 0, $n, '';
    }

    return { reply => $self->read_reply };
}


sub reply_value {
    my ($reply) = @_;
    die "redis: $$reply\n" if ref $reply eq 'SCALAR';
    return $reply;
}


# An error is returned as a reference to its text: inside of an array (EXEC)
# it is one element.

sub read_reply {
    my ($self) = @_;

    my $line = $self->read_line;
    my $type = substr $line, 0, 1, '';

    return $line  if $type eq '+';
    return $line + 0 if $type eq ':';
    return \$line if $type eq '-';

    if ($type eq '$') {
        return undef if $line < 0;
        $self->fill($line + 2);
        my $bytes = substr $self->{input}, 0, $line;
        substr $self->{input}, 0, $line + 2, '';
        return $bytes;
    }

    if ($type eq '*') {
        return undef if $line < 0;
        return [ map { $self->read_reply } 1 .. $line ];
    }

    $self->broken("unknown reply \"$type$line\"");
}


sub read_line {
    my ($self) = @_;

    $self->fill(length($self->{input}) + 1)
        while index($self->{input}, "\r\n") < 0;

    $self->{input} =~ s/^(.*?)\r\n//s;
    return $1;
}


sub fill {
    my ($self, $length) = @_;

    while (length $self->{input} < $length) {
        IO::Select->new($self->{connection})->can_read($Timeout)
            or $self->broken("no reply in $Timeout seconds");
        sysread($self->{connection}, $self->{input}, 65536,
                length $self->{input})
            or $self->broken("connection closed");
    }
}


sub broken {
    my ($self, $why) = @_;
    $self->{connection} = undef;
    die "redis: $why\n";
}


# A method and a function: commandstats() asks the first server.

sub commandstats {
    my $self = shift // redis_server();

    my $info = $self->command('INFO', 'commandstats');
    return { $info =~ /^cmdstat_([^:]+):calls=(\d+)/mg };
}

1;
