# Copyright (C) the ngx_sendkit_auth_module authors
#
# On a terminal "sendkit-authctl import" shows how far it is, in one line that
# is gone in the end; elsewhere it does not.  script(1) has a terminal.
#
# Fails when authctl_progress_start() does not ask for a terminal, or when the
# bar stays where something else is printed.

use strict;
use warnings;

use Test::More 'no_plan';

use SendkitAuth::Authctl;
use SendkitAuth::Redis;

needs_terminal();

my $roles = join '', map { qq({"workspace":"w","user":"u$_","role":"owner"}\n) }
                     1 .. 3000;
my $summary = "0 keys, 3000 roles, 0 bad lines: 3000 written\n";
my $bar = qr/\[[# ]{40}\] [ \d]{3} %/;


# What is left on a terminal's lines, without the blanks at their ends.

sub shown {
    my ($text) = @_;

    my $line = sub {
        my $line = '';
        for my $part (split /\r/, shift) {
            substr $line, 0, length($part), $part if length $part;
        }
        return $line =~ s/ +\z//r;
    };

    return join '', map { $line->($_) . "\n" } split /\r*\n/, $text;
}


sub on_terminal {
    my (@words) = @_;

    my @program = ($SendkitAuth::Authctl::Program, '-s', redis_socket());

    open my $script, '-|', 'script', '-q', '-e', '-c', "@program @words",
         '/dev/null'
        or die "script: $!";
    local $/;
    my $text = <$script>;
    close $script;

    return { status => $? >> 8, text => $text };
}


my $good = file_of($roles);
my $run = on_terminal('import', $good);

is($run->{status}, 0, 'a file is imported on a terminal');
like($run->{text}, qr/\rchecking $bar.*\rwriting  $bar/s,
     'it shows how far it is, in each of two steps');
is(shown($run->{text}), $summary, 'none of that stays');

$run = on_terminal('import', '--skip-bad', '-', '<', '/dev/null');
is($run->{status}, 0, 'there may be nothing to be shown');

$run = on_terminal('import', file_of("$roles\nbad\n$roles"));
is($run->{status}, 1, 'a file with a bad line is refused on a terminal');
like(shown($run->{text}),
     qr/\Asendkit-authctl:\ [^\n]*:3002:\ is\ not\ valid\ JSON[^\n]*\n
        0\ keys,\ 6000\ roles,\ 1\ bad\ lines:\ 0\ written\n\z/x,
     'what is told of it stands alone');

is_run(authctl([ 'import', $good ]), 0, $summary,
       'elsewhere nothing but the end is shown');
