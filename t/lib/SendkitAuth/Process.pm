package SendkitAuth::Process;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# What the helpers share: one temporary directory per test file, child
# processes that end with the test, free ports, waiting without fixed sleeps.

use strict;
use warnings;

use Exporter qw( import );
use File::Temp ();
use IO::Socket::INET ();
use POSIX ();
use Time::HiRes ();

our @EXPORT_OK = qw( temp_dir free_port wait_until connections_to
                     start_process stop_process slurp );

my $owner = $$;
my $dir;
my %children;
my %given_ports;


# Short, for the paths of unix sockets are limited to 107 bytes.
# SENDKIT_AUTH_KEEP=1 keeps the directory.

sub temp_dir {
    $dir //= File::Temp->newdir("sendkit-auth-XXXXXX", TMPDIR => 1,
                                CLEANUP => !$ENV{SENDKIT_AUTH_KEEP});
    return "$dir";
}


# Below the range from which the kernel takes ports for outgoing connections.

sub free_port {
    for (1 .. 1000) {
        my $port = 10000 + int rand 20000;
        next if $given_ports{$port}++;

        my $socket = IO::Socket::INET->new(LocalAddr => '0.0.0.0',
                                           LocalPort => $port, Listen => 1,
                                           ReuseAddr => 1);
        return $port if $socket;
    }

    die "no free port";
}


# Waits until the code returns something true, and returns that; returns
# nothing if the time (in seconds) is over.

sub wait_until {
    my ($code, $time) = @_;
    my $end = Time::HiRes::time() + ($time // 10);

    for ( ;; ) {
        my $result = $code->();
        return $result if $result;
        return if Time::HiRes::time() > $end;
        Time::HiRes::sleep(0.01);
    }
}


# Starts a program (a list) or perl code in a child; both write to $log.

sub start_process {
    my ($what, $log) = @_;

    my $pid = fork() // die "fork() failed: $!";

    if ($pid) {
        $children{$pid} = 1;
        return $pid;
    }

    # POSIX::_exit(), for this process must not run the test's END blocks.

    $SIG{$_} = 'DEFAULT' for qw( INT TERM HUP );

    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $log or POSIX::_exit(127);
    open STDERR, '>&', \*STDOUT;

    if (ref $what eq 'CODE') {
        eval { $what->(); 1 } or warn $@;
        POSIX::_exit(0);
    }

    no warnings 'exec';
    exec { $what->[0] } @$what
        or print STDERR "cannot run $what->[0]: $!\n";
    POSIX::_exit(127);
}


# Sends the signal, then KILL if the process has not ended in time; returns
# true if it ended by itself.

sub stop_process {
    my ($pid, $signal) = @_;
    my $ended = sub { waitpid($pid, POSIX::WNOHANG()) != 0 };

    delete $children{$pid};
    kill $signal // 'TERM', $pid;
    kill 'CONT', $pid;
    return 1 if wait_until($ended, 10);

    kill 'KILL', $pid;
    waitpid $pid, 0;
    return 0;
}


# How many are connected to a port of this machine, also those that the process
# has not accepted yet, or whose client has left; in hexadecimal in /proc.

sub connections_to {
    my ($port) = @_;

    my $hex = sprintf '%04X', $port;
    my @lines = grep { /^\s*\d+: \S+ \S+:$hex 0[18] / }
                split /\n/, slurp('/proc/net/tcp');
    return scalar @lines;
}


sub slurp {
    my ($file, $offset) = @_;

    open my $in, '<:raw', $file or return '';
    seek $in, $offset, 0 if $offset;
    local $/;
    return <$in> // '';
}


sub stop_all {
    return if $$ != $owner;
    local $?;

    # Asked first: a master of nginx that is killed leaves its workers behind.

    my @pids = keys %children;
    kill 'TERM', @pids;
    stop_process($_, 'TERM') for @pids;
}

$SIG{$_} //= sub { exit 130 } for qw( INT TERM HUP );

END { stop_all() }

1;
