package Bench::Report;

# Copyright (C) the ngx_sendkit_auth_module authors
#
#   report($results, DIRECTORY)
#
# Prints the tables, and writes DIRECTORY/benchmarks.md from the template
# bench/benchmarks.md.in, and the plots beside it.

use strict;
use warnings;

use Exporter qw( import );

use Bench::Gate ();
use Bench::Measure qw( fewer );
use Bench::Numbers;
use Bench::Plot;
use Bench::Subjects;
use SendkitAuth::Process qw( slurp );

our @EXPORT = qw( report );


sub report {
    my ($results, $docs) = @_;

    my %value = (
        targets      => targets($results),
        throughput   => throughput($results),
        instructions => instructions($results),
        profile      => profile($results, 'hit', 'no_zone'),
        memory       => memory($results),
        curve        => curve($results),
        workers      => workers($results),
        revocation   => revocation(),
        command      => command($results),
        minutes      => $results->{minutes},
        rounds       => $results->{option}{ROUNDS},
        seconds      => $results->{option}{SECONDS},
        requests     => $results->{option}{REQUESTS},
        counted      => number($results->{option}{COUNTED}),
        fewer        => fewer($results->{option}{ROUNDS}),
        map({ ("machine_$_" => $results->{machine}{$_}) }
            keys %{ $results->{machine} }),
    );

    print "\n", map { "$value{$_}\n" } qw( throughput instructions memory curve
                                           workers revocation targets );

    my $text = slurp("$Bench::Gate::Top/bench/benchmarks.md.in");
    $text =~ s/%(\w+)%/$value{$1} \/\/ die "unknown %$1%\n"/ge;

    mkdir "$docs/benchmarks";
    plots($results, "$docs/benchmarks");

    open my $out, '>:raw', "$docs/benchmarks.md"
        or die "$docs/benchmarks.md: $!\n";
    print $out $text;
    close $out;
    print "Written to $docs/benchmarks.md\n";
}


sub command {
    my ($results) = @_;

    my %option = %{ $results->{option} };
    return join ' ', 'make bench',
                     map { "BENCH_$_=$option{$_}" }
                         qw( ROUNDS SECONDS REQUESTS KEYS COUNTED );
}


# The targets are those that the cache was built for.

sub targets {
    my ($results) = @_;

    my $over = $results->{instructions};
    my $base = sub { over($results, $_[0]) };
    my $ratio = median($results->{throughput}{hit}{ratio});

    my ($flat_low, $flat_high) = range(grep { $_ }
        map { $_->{instructions} } @{ $results->{curve} });
    my $flat = ($flat_high / $flat_low - 1) * 100;
    my $bytes = bytes_per_key($results);
    my ($up) = revocation() =~ /^\| up +\|(?: +[\d.]+ \|){3} +([\d.]+)/m;

    my @rows = (
        [ 'instructions, hit over bare `proxy_pass`', 6000, $base->('hit') ],
        [ 'instructions, refused by the prefix over bare `return 403`', 3000,
          $base->('deny') ],
        [ 'instructions, Redis asked (no zone) over bare `proxy_pass`', 20000,
          $base->('no_zone') ],
        [ 'zone a cached key, bytes', 320, $bytes ],
    );

    return table([ 'what', 'target', 'measured', 'met' ],
        (map { [ $_->[0], 'at most ' . number($_->[1]), number($_->[2]),
                 met($_->[2] <= $_->[1]) ] } @rows),
        [ 'requests a second, hit against bare `proxy_pass`', 'at least 97 %',
          percent($ratio), met($ratio >= 0.97) ],
        [ 'first 403 after a write, p99, ms', 'less than 5', $up,
          met($up < 5) ],
        [ 'instructions of a hit, most against least cached keys',
          'flat (5 %)', sprintf('%+.1f %%', $flat), met($flat <= 5) ]);
}


sub met { return $_[0] ? 'yes' : '**no**' }


sub over {
    my ($results, $id) = @_;
    my $instructions = $results->{instructions};
    return $instructions->{$id} - $instructions->{subject($id)->{base}};
}


sub bytes_per_key {
    my ($results) = @_;
    my ($least) = range(map { 10 * 1024 * 1024 / ($_->{hits} || 1) }
                            @{ $results->{memory} });
    return $least;
}


sub throughput {
    my ($results) = @_;

    my @rows = map { throughput_row($_, $results->{throughput}{$_->{id}}) }
                   @Subjects;

    return table([ '', 'requests/s', 'of its base', 'least', 'most', 'p50 ms',
                   'p99 ms', 'CPU us', 'Redis commands' ], @rows);
}


sub throughput_row {
    my ($subject, $result) = @_;

    my ($low, $high) = range(@{ $result->{ratio} });
    my $is_base = $subject->{base} eq $subject->{id};

    return [ $subject->{title}, number(median($result->{rps})),
             $is_base ? ('', '', '') : (percent(median($result->{ratio})),
                                        percent($low), percent($high)),
             (map { sprintf '%.1f', median($result->{$_}) / 1000 }
                  qw( p50 p99 )),
             sprintf('%.1f', median($result->{cpu})),
             sprintf('%.2f', median($result->{commands})) ];
}


sub instructions {
    my ($results) = @_;

    my @rows = map {
        my $id = $_->{id};
        [ $_->{title}, number($results->{instructions}{$id}),
          $id eq $_->{base} ? '' : '+' . number(over($results, $id)) ]
    } @Subjects;

    return table([ '', 'instructions', 'over its base' ], @rows);
}


# The functions that most is spent in, by the last of them.

sub profile {
    my ($results, @ids) = @_;

    my @profiles = map { $results->{profiles}{$_} } @ids;
    my $total = sub { my ($f) = @_; map { $_->{$f} // 0 } @profiles };
    my @functions = sort { ($total->($b))[-1] <=> ($total->($a))[-1] }
                         keys %{ $profiles[-1] };

    return table([ '', map { subject($_)->{title} } @ids ],
                 map { my $f = $_;
                       [ "`$f`", map { $_ ? number($_) : '' } $total->($f) ] }
                     @functions[0 .. 29]);
}


sub memory {
    my ($results) = @_;

    return table([ 'keys', 'hits the second time', 'share', 'bytes a hit' ],
        map { [ number($_->{keys}), number($_->{hits}),
                percent($_->{hits} / $_->{keys}),
                $_->{hits} >= 1 ? number(10 * 1024 * 1024 / $_->{hits})
                                : '' ] }
            @{ $results->{memory} });
}


sub curve {
    my ($results) = @_;

    my @rows = map {
        my ($low, $high) = range(@{ $_->{ratio} });
        [ number($_->{keys}), number(median($_->{rps})),
          percent(median($_->{ratio})), percent($low), percent($high),
          sprintf('%.1f', median($_->{cpu})),
          sprintf('%.2f', median($_->{commands})),
          $_->{instructions} ? number($_->{instructions}) : '' ]
    } @{ $results->{curve} };

    return table([ 'cached keys', 'requests/s', 'of bare `proxy_pass`',
                   'least', 'most', 'CPU us', 'Redis commands',
                   'instructions' ], @rows);
}


sub workers {
    my ($results) = @_;

    my @subjects = grep { $results->{workers}{$_->{id}} } @Subjects;
    my @workers = sort { $a <=> $b } keys %{ $results->{workers}{proxy} };

    my @rows = map {
        my $subject = $_;
        [ $subject->{title},
          map { number(median($results->{workers}{$subject->{id}}{$_})) }
              @workers ]
    } @subjects;

    return table([ 'requests/s with', map { "$_ workers" } @workers ], @rows);
}


# What bench/revocation has measured.

my %channel = (
    up         => 'up',
    killed     => 'connection closed right before the write',
    blackholed => 'nothing passes on it from right before the write on',
);

sub revocation {
    my @rows = map { [ split /\t/ ] }
                   split /\n/, slurp('build/revocation/table.tsv');
    shift @rows;

    return table([ 'channel', 'writes', 'p50 ms', 'p90 ms', 'p99 ms', 'most',
                   'still allowed, p99 ms', 'most' ],
                 map { [ $channel{$_->[0]}, @$_[1 .. $#$_] ] } @rows);
}


# The first column is text, the others are numbers.

sub table {
    my ($head, @rows) = @_;

    my @width = map { my $i = $_;
                      (range(map { length $_->[$i] } $head, @rows))[1] }
                    0 .. $#$head;

    my $line = sub {
        my ($row) = @_;
        return '| ' . join(' | ', map { my $left = $_ ? '' : '-';
                                        sprintf "%$left$width[$_]s",
                                                $row->[$_] }
                                      0 .. $#width) . " |\n";
    };

    my $rule = '|' . join('|', map { '-' x ($width[$_] + 1)
                                     . ($_ ? ':' : '-') } 0 .. $#width)
               . "|\n";

    return join '', $line->($head), $rule, map { $line->($_) } @rows;
}


sub number {
    my ($text) = sprintf '%.0f', $_[0];
    1 while $text =~ s/^(-?\d+)(\d{3})/$1,$2/;
    return $text;
}


sub percent { return sprintf '%.1f %%', 100 * $_[0] }

1;
