# Copyright (C) the ngx_sendkit_auth_module authors
#
# A key that the service makes is in one place: the answer to who asked for it.
# Not in Redis, not in what Redis is told, not in a log, not in any file.
#
# Fails when the key is sent to Redis instead of its digest, when it or the
# answer is logged, when an answer may be kept or goes through a file, or when
# the random bytes are not.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Seed;
use Test::More;

use File::Find ();
use IO::Select ();
use IO::Socket::UNIX ();

use SendkitAuth::Process qw( slurp );

my $n = $Slow ? 100 : 1000;
my $format = <<'END';
    log_format  all  '$request $status $bytes_sent $sent_http_content_length '
                     '$upstream_http_x $sendkit_auth_reason '
                     '$sendkit_auth_key_id $sendkit_auth_user '
                     '$sendkit_auth_workspace $sendkit_auth_role '
                     '$sendkit_auth_route $request_body $uri $args';
END
my %made;

redis('FLUSHALL');
redis(@$_) for @$KeySeed;
redis('HSET', "sendkit:roles:s$_", u_owner => 'owner') for 1 .. $n;
redis('CONFIG', 'SET', 'rdbcompression', 'no');

# From here on Redis tells what it is told.

my $monitor = IO::Socket::UNIX->new(Peer => redis_socket())
    or die "cannot connect: $!";
syswrite $monitor, "MONITOR\r\n";
sysread $monitor, my $seen, 100;

make_many(gate_with('info'));
make_some(gate_with('debug'));

is(scalar keys %made, $n + 2 * $n / 10 + 4, 'all keys are different');
looks_random();

is_nowhere('commands that Redis got', told());
is_nowhere('what Redis holds', redis_content());
in_no_file();


sub gate_with {
    my ($log_level) = @_;
    my $log = temp_dir() . "/all.$log_level.log";

    return keys_gate(workers => 2, log_level => $log_level,
                     more => $format, location => "access_log $log all;");
}


# The key, if the answer is as it should be.

sub key_of {
    my ($answer, $status) = @_;

    return '' if $answer->{status} != $status
                 || ($answer->{headers}{'cache-control'} // '') ne 'no-store';
    return $answer->{body} =~ /"($AnyKey)"/ ? $1 : '';
}


# A workspace each; some are rotated, twice in a body.

sub make_many {
    my ($gate) = @_;
    my $bad = 0;

    for my $i (1 .. $n) {
        my $path = "/v1/workspaces/s$i/api-key";
        my @answers = [ manage($gate, 'owner', 'POST', $path), 201 ];

        if ($i % 10 == 0) {
            push @answers, [ manage($gate, 'owner', 'POST', "$path/rotate"),
                             200 ] for 1 .. 2;
            manage($gate, 'admin', 'GET', $path);
        }

        for (map { key_of(@$_) } @answers) {
            $bad++ if $_ !~ /^$AnyKey\z/ || $made{$_}++;
        }

        manage($gate, 'owner', 'DELETE', $path) if $i % 20 == 0;
    }

    is($bad, 0, "$n keys are right, and none comes twice");
    is_forwarded_never('keys');
    ends_well($gate, 'keys');
}


# All that nginx has to say; a key that a client sends would be in there.

sub make_some {
    my ($gate) = @_;
    my $path = '/v1/workspaces/w1/api-key';

    for my $request ([ 'POST', $path, 201 ], [ 'POST', "$path/rotate", 200 ],
                     [ 'POST', "$path/rotate", 200 ], [ 'DELETE', $path ],
                     [ 'POST', $path, 201 ])
    {
        my ($method, $uri, $status) = @$request;
        my $answer = manage($gate, 'owner', $method, $uri);

        $made{key_of($answer, $status)}++ if $status;
    }

    manage($gate, 'owner', 'GET', $path);
    manage($gate, 'owner', 'POST', $path);
    ends_well($gate, 'keys, with a debug log');
}


# In each of the 48 places each of the 16 digits is there about as often as the
# others: by chance none of them is off by more than eight deviations.

sub looks_random {
    my (%count, $worst);

    for my $key (keys %made) {
        my @digits = split //, substr $key, 3;
        $count{$_}{$digits[$_]}++ for 0 .. $#digits;
    }

    my $expected = keys(%made) / 16;
    my $limit = 8 * sqrt $expected;

    for my $place (0 .. 47) {
        for my $digit (0 .. 9, 'a' .. 'f') {
            my $off = abs(($count{$place}{$digit} // 0) - $expected);
            $worst = "$digit in place $place: off by $off" if $off > $limit;
        }
    }

    is($worst, undef, 'each digit is random');
}


# The digits alone are looked for, too.

sub is_nowhere {
    my ($name, $text) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my %digits = map { substr($_, 3) => 1 } keys %made;
    my $found = 0;

    $found++ while $text =~ /$AnyKey/g;

    while ($text =~ /(?=([0-9a-f]{48}))/g) {
        $found++ if $digits{$1};
    }

    is($found, 0, "$name - no key");
}


sub told {
    redis('ECHO', 'the end');
    my $told = '';

    while ($told !~ /"ECHO" "the end"/i) {
        IO::Select->new($monitor)->can_read(10) or die "MONITOR is silent";
        sysread $monitor, $told, 1 << 20, length $told
            or die "MONITOR ended";
    }

    my ($digest) = digest((keys %made)[0]);
    like($told, qr/$digest/, 'Redis was told the digest');
    return $told;
}


sub redis_content {
    my $text = '';

    for my $key (@{ redis('KEYS', '*') }) {
        $text .= join "\n", $key, @{ redis('HGETALL', $key) }, '';
    }

    # What it writes to a file is looked at with the other files.

    redis('SAVE');
    return $text;
}


# Logs, what nginx and Redis keep in files, what the backend got.

sub in_no_file {
    my %files;

    File::Find::find({ no_chdir => 1, wanted => sub {
        $files{$_} = slurp($_) if -f;
    } }, temp_dir());

    my $all = join "\n", sort keys %files;
    like($all, qr/$_/, "files - $_ is there")
        for 'error.log', 'dump.rdb', 'all.info.log', 'all.debug.log';

    for my $file (sort keys %files) {
        is_nowhere($file =~ s{.*/}{}r, $files{$file});
    }

    # Nothing was written to where bodies and answers are buffered.

    my @buffered = grep { m{/(?:client_body|proxy|fastcgi|uwsgi|scgi)/} }
                        keys %files;
    is("@buffered", '', 'files - no body was written to one');
}
