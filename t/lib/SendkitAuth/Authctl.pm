package SendkitAuth::Authctl;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Runs sendkit-authctl for a test, which needs no nginx:
#
#   use Test::More 'no_plan';
#   use SendkitAuth::Authctl;
#   use SendkitAuth::Redis;
#
#   my $run = authctl([ 'role', 'list', 'w1' ], %more);
#       $run->{status}      exit status, or "signal N"
#       $run->{stdout}, $run->{stderr}
#   stdin => 'TEXT'     what it reads; by default nothing
#   redis => OBJECT     a SendkitAuth::Redis, by default that of redis();
#                       0: no option for the connection
#   env => { NAME => 'VALUE' }
#
#   is_run($run, STATUS, STDOUT, NAME)
#       ended with that status and printed that, a string or a regex.
#       Status 0 also means that nothing was said on stderr, any other that
#       something was.
#   json_of($run)       what --json has printed, decoded; a list of all lines
#   digest_of($key)     its SHA-256 in hex
#   file_of($bytes)     path of a new file that holds them
#   needs_terminal()    ends the test, and says so, where script(1) can make
#                       no terminal: without /dev/pts, as in a bare chroot
#
# The tool is $ENV{SENDKIT_AUTHCTL}, build/sendkit-authctl by default.  A
# report of a sanitizer ends the test.

use strict;
use warnings;

use Cwd ();
use Digest::SHA ();
use Exporter qw( import );
use IO::Select ();
use IPC::Open3 ();
use JSON::PP ();
use Symbol ();
use Test::More ();

use SendkitAuth::Process qw( temp_dir );
use SendkitAuth::Redis ();

our @EXPORT = qw( authctl is_run json_of digest_of file_of needs_terminal );

our $Program = $ENV{SENDKIT_AUTHCTL} // Cwd::cwd() . '/build/sendkit-authctl';
our $Timeout = 60;

my $json = JSON::PP->new->utf8;
my $files = 0;


sub needs_terminal {
    my $text = `script -q -e -c 'test -t 1' /dev/null 2>&1`;
    return if $? == 0;

    Test::More::diag("not run, for there is no terminal: $text");
    Test::More::pass('nothing that can be run here');
    exit;
}


sub authctl {
    my ($words, %args) = @_;

    my $redis = $args{redis} // SendkitAuth::Redis::redis_server();
    my @options = $redis ? ('-s', $redis->socket) : ();

    local %ENV = (%ENV, %{ $args{env} // {} });
    delete $ENV{REDISCLI_AUTH} if !exists +($args{env} // {})->{REDISCLI_AUTH};

    # A report of a sanitizer must not look like a "no".

    $ENV{$_} = join ':', grep({ defined } $ENV{$_}), 'exitcode=99'
        for qw( ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS );

    local $SIG{PIPE} = 'IGNORE';
    my $error = Symbol::gensym();
    my $pid = IPC::Open3::open3(my $in, my $out, $error, $Program, @options,
                                @$words);

    my %run = exchange($in, $args{stdin} // '', $out, $error)
        or kill 'KILL', $pid;
    waitpid $pid, 0;
    die "sendkit-authctl @$words: no end in $Timeout seconds\n" if !%run;

    die "sendkit-authctl @$words: $run{stderr}\n"
        if $run{stderr} =~ /Sanitizer|runtime error:/;

    $run{status} = $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
    return \%run;
}


# Writes and reads at the same time, for either may fill a pipe.

sub exchange {
    my ($in, $bytes, $out, $error) = @_;

    my %text = ($out => '', $error => '');
    my $readers = IO::Select->new($out, $error);
    my $writers = IO::Select->new($in);
    my $end = time + $Timeout;

    $in->blocking(0);

    while ($readers->count) {
        return if time > $end;

        if (!length $bytes && $writers->count) {
            $writers->remove($in);
            close $in;
        }

        my ($readable, $writable) = IO::Select::select($readers, $writers,
                                                       undef, 1);

        for my $handle (@{ $readable // [] }) {
            sysread $handle, $text{$handle}, 65536, length $text{$handle}
                or $readers->remove($handle);
        }

        if (@{ $writable // [] }) {
            my $n = syswrite $in, $bytes;
            substr $bytes, 0, $n // length $bytes, '';
        }
    }

    return (stdout => $text{$out}, stderr => $text{$error});
}


sub is_run {
    my ($run, $status, $stdout, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $ok = $run->{status} eq $status
             && ($status eq '0') == ($run->{stderr} eq '')
             && (ref $stdout ? $run->{stdout} =~ $stdout
                             : $run->{stdout} eq $stdout);

    Test::More::ok($ok, $name)
        or Test::More::diag("status $run->{status}, expected $status\n",
                            "stdout: $run->{stdout}",
                            "expected: $stdout\n",
                            "stderr: $run->{stderr}");
    return $ok;
}


sub json_of {
    my ($run) = @_;
    return map { $json->decode($_) } split /\n/, $run->{stdout};
}


sub digest_of {
    my ($key) = @_;
    return Digest::SHA::sha256_hex($key);
}


sub file_of {
    my ($bytes) = @_;

    my $file = temp_dir() . '/authctl' . ++$files;
    open my $out, '>:raw', $file or die "$file: $!";
    print $out $bytes;
    close $out or die "$file: $!";
    return $file;
}

1;
