# Copyright (C) the ngx_sendkit_auth_module authors
#
# A person types a key: it is asked for on the terminal and not shown, and
# afterwards the terminal shows what is typed again, whatever has happened.
#
# Fails when authctl_prompt_hide() leaves ECHO on, when a way out of
# authctl_prompt_ask() misses authctl_prompt_show(), when a signal is caught
# and not sent again, or when a stopped tool that goes on does not ask again.
#
# script(1) makes the terminal; what a program prints there has CR LF.

use strict;
use warnings;

use Test::More 'no_plan';

use IO::Select ();
use IPC::Open3 ();

use SendkitAuth::Authctl;
use SendkitAuth::Process qw( wait_until slurp );

needs_terminal();

my $key = 'sk_user_TypedAndNeverShown_0123456789';
my $tool = $SendkitAuth::Authctl::Program;
my $prefix = "prompt$$:";
my $after = 'echo "status=$?"; stty -a | tr -s " " "\n" | grep -x -e echo '
            . '-e -echo; echo end';


# What is on the screen after each step: a regex that is waited for, then
# bytes to be typed, or code to be run.

sub terminal {
    my ($shell, @steps) = @_;

    local $ENV{ASAN_OPTIONS} = 'exitcode=99';
    local $SIG{PIPE} = 'IGNORE';

    # who starts the tests may ignore them, as nohup(1) does
    local @SIG{qw( HUP INT QUIT )} = ('DEFAULT') x 3;

    my $pid = IPC::Open3::open3(my $in, my $out, undef, 'script', '-q', '-e',
                                '-c', $shell, '/dev/null');
    my ($screen, $seen) = ('', 0);
    my $select = IO::Select->new($out);

    while (@steps) {
        my ($wanted, $action) = splice @steps, 0, 2;

        pos($screen) = $seen;

        until ($screen =~ /\G.*?$wanted/gcs) {
            $select->can_read(20) && sysread $out, $screen, 4096,
                                             length $screen
                or return end($pid, "$screen\n[no $wanted]");
            pos($screen) = $seen;
        }

        $seen = pos $screen;
        ref $action ? $action->() : syswrite $in, $action if defined $action;
    }

    return end($pid, $screen);
}


sub end {
    my ($pid, $screen) = @_;

    kill 'TERM', $pid;
    waitpid $pid, 0;
    return $screen;
}


sub tool_pid {
    my ($pid) = grep { slurp("/proc/$_/cmdline") =~ /^\Q$tool\E\0.*\Q$prefix\E/s }
                map { m{(\d+)} } glob '/proc/[0-9]*';
    return $pid;
}


my $digest = digest_of($key);
my $run = "$tool --prefix $prefix digest";

my $screen = terminal("$run; $after", qr/Key: /, "$key\n", qr/end\r\n/);
like($screen, qr/^$digest\r$/m, 'a key that is typed is read');
unlike($screen, qr/Typed/, 'and is not shown');
like($screen, qr/^status=0\r$/m, 'which is a success');
like($screen, qr/^echo\r$/m, 'the terminal shows again what is typed');

$screen = terminal("$run > /dev/null; $after", qr/Key: /, "$key\n",
                   qr/end\r\n/);
like($screen, qr/Key: .*^status=0\r$/ms,
     'the prompt is on the terminal where stdout is a file');

$screen = terminal("$run; $after", qr/Key: /, "short\n", qr/end\r\n/);
like($screen, qr/has not the form of a key.*status=2\r$/ms,
     'what is typed has to be a key');
unlike($screen, qr/short\r?\n/, 'and is not shown if it is none');
like($screen, qr/^echo\r$/m, 'the terminal shows again what is typed then');

$screen = terminal("$run; $after", qr/Key: /, "\x04", qr/end\r\n/);
like($screen, qr/no line was typed.*status=2\r$/ms, 'the end of input is none');
like($screen, qr/^echo\r$/m, 'the terminal shows again what is typed then');

$screen = terminal("trap : INT; $run; $after", qr/Key: /, "half\x03",
                   qr/end\r\n/);
like($screen, qr/^status=130\r$/m, 'Ctrl-C ends the tool by that signal');
like($screen, qr/^echo\r$/m, 'the terminal shows again what is typed then');
unlike($screen, qr/half/, 'what was typed before is not shown');

for my $signal (qw( TERM HUP QUIT )) {
    my $number = { TERM => 15, HUP => 1, QUIT => 3 }->{$signal};

    $screen = terminal("$run; $after", qr/Key: /,
                       sub { kill $signal, wait_until(\&tool_pid) },
                       qr/end\r\n/);
    like($screen, qr/^status=@{[ 128 + $number ]}\r$/m,
         "SIG$signal ends the tool");
    like($screen, qr/^echo\r$/m, 'the terminal shows again what is typed then');
}

# The shell has no job control here, so that a stop goes on at once.

$screen = terminal("$run; $after", qr/Key: /, "half\x1a", qr/Key: /, "$key\n",
                   qr/end\r\n/);
like($screen, qr/^$digest\r$/m, 'after a stop it asks again, from the start');
unlike($screen, qr/half|Typed/, 'and nothing is shown');
like($screen, qr/^echo\r$/m, 'the terminal shows again what is typed then');


# Without a terminal.

is_run(authctl([ 'digest' ], stdin => "$key\n"), 0, "$digest\n",
       'a key is read from a pipe');
is_run(authctl([ 'digest' ], stdin => $key), 0, "$digest\n",
       'also without a newline at its end');
is_run(authctl([ 'digest' ], stdin => "$key\r\n"), 0, "$digest\n",
       'and with CR LF');

for ([ '', qr/no key on stdin/, 'no key' ], [ "\n", qr/no key/, 'no key' ],
     [ "$key\n$key\n", qr/more than one line/, 'two keys' ],
     [ "$key\n\n", qr/more than one line/, 'a line more' ],
     [ " $key", qr/form of a key/, 'a space before it' ],
     [ "$key ", qr/form of a key/, 'a space after it' ],
     [ 'sk_user_short', qr/form of a key/, 'a short one' ],
     [ "$key\0", qr/form of a key/, 'a NUL after it' ],
     [ 'x' x 10000, qr/has more than 4096 bytes/, 'a long one' ])
{
    my ($stdin, $message, $name) = @$_;
    my $refused = authctl([ 'digest' ], stdin => $stdin);

    is_run($refused, 2, '', "$name on stdin is refused");
    like($refused->{stderr}, $message, 'the message says why');
    unlike($refused->{stderr}, qr/Typed|short/, 'and does not show it');
}
