package Bench::Load;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Sends the requests of a subject (Bench::Subjects) to a gate.
#
#   load($gate, $subject, SECONDS)   by wrk, as many as it can; returns
#       { requests, rps, p50, p99, cpu }     times in microseconds; the last is
#                                    what its workers used for a request
#   fill($gate, $subject, KEYS)      by wrk, once with each of the first keys
#   send_some($gate, $subject, FIRST, LAST)
#                                    one after the other, on one connection
#   check($gate, $subject)           dies if the gate does not do what it
#                                    should
#
# Each of them dies if an answer is not the expected one.

use strict;
use warnings;

use Exporter qw( import );

use SendkitAuth::Wire ();

our @EXPORT = qw( load fill send_some check );

our $Connections = 32;


sub load {
    my ($gate, $subject, $seconds) = @_;

    my $cpu = $gate->cpu;
    my $result = wrk($gate, $subject, $seconds, $subject->{keys});

    $result->{cpu} = ($gate->cpu - $cpu) / $result->{requests} * 1e6;
    return $result;
}


sub fill {
    my ($gate, $subject, $keys) = @_;
    return wrk($gate, $subject, 3600, $keys, 'once');
}


sub wrk {
    my ($gate, $subject, $seconds, @args) = @_;

    my @command = ('wrk', '-t', 1, '-c', $Connections, '-d', "${seconds}s",
                   '--timeout', '10s', '-s', "$Bench::Gate::Top/bench/load.lua",
                   'http://' . $gate->address . '/', '--', $subject->{path},
                   $subject->{key}, @args);

    open my $wrk, '-|', @command or die "cannot run wrk: $!\n";
    my $output = do { local $/; <$wrk> };
    close $wrk;

    my ($result) = $output =~ /^result (.*)$/m or die "wrk: $output\n";
    my %result = $result =~ /(\w+)=(\d+)/g;

    my $refused = $subject->{status} >= 400 ? $result{requests} : 0;

    die "$subject->{id}: $result\n", $gate->log
        if $result{failed} || $result{refused} != $refused;

    $result{rps} = $result{requests} / $result{microseconds} * 1e6;
    return \%result;
}


sub send_some {
    my ($gate, $subject, $first, $last) = @_;

    my $client = SendkitAuth::Wire->new($gate->port);

    for my $n ($first .. $last) {
        my $answer = post($client, $subject, $subject->{path},
                          sprintf $subject->{key}, $n % $subject->{keys});

        die "$subject->{id}: answered $answer->{status}\n", $gate->log
            if $answer->{status} != $subject->{status};
    }

    $client->close;
}


# As load.lua does.

sub post {
    my ($client, $subject, $path, $key) = @_;

    return $client->request('POST', $path,
                            [ 'User-Agent: bench', 'Accept: application/json',
                              'Content-Type: application/json',
                              "X-Api-Key: $key" ], '{"name":"production"}');
}


sub check {
    my ($gate, $subject) = @_;

    my $client = SendkitAuth::Wire->new($gate->port);
    my $answer = post($client, $subject, "$subject->{path}?check=1",
                      sprintf $subject->{key}, 7);

    die "$subject->{id}: answered $answer->{status}: $answer->{body}\n",
        $gate->log if $answer->{status} != $subject->{status};

    my $identity = $subject->{identity} // return;

    die "$subject->{id}: the backend got \"$answer->{body}\"\n"
        if $answer->{body} ne "key= $identity";

    my $bad = post($client, $subject, $subject->{path}, 'sk_user_' . 'x' x 32);
    die "$subject->{id}: answered $bad->{status} to a bad key\n"
        if $bad->{status} != 401;
}

1;
