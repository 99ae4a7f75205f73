package Bench::Measure;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# What is measured, on a Bench::Stage.  Each returns what is written to the
# file of results; times are in microseconds.
#
#   throughput($stage, ROUNDS, SECONDS)
#       { ID => { rps, ratio, cpu, p50, p99, commands => [ one a round ] } }
#   instructions($stage, REQUESTS)
#       { ID => instructions a request }, and { ID => { FUNCTION => the same } }
#   memory($stage, MEGABYTES, KEYS, ...)
#       [ { keys, hits } ]      that are still hits when all come again
#   curve($stage, ROUNDS, SECONDS, REQUESTS, MOST, KEYS, ...)
#       [ { keys, instructions, rps, ratio, cpu, commands } ]
#       the last four as above; instructions with at most so many keys
#   workers($stage, ROUNDS, SECONDS, WORKERS, ...)
#       { ID => { WORKERS => [ rps of each round ] } }
#   fewer(ROUNDS)               half of them

use strict;
use warnings;

use Exporter qw( import );

use Bench::Callgrind ();
use Bench::Gate ();
use Bench::Load;
use Bench::Subjects;
use SendkitAuth::Process qw( temp_dir slurp );

our @EXPORT = qw( throughput instructions memory curve workers fewer );

# The keys that are sent before anything is counted, so that caches are warm.

my $warm = 1000;

my $long = 'sendkit_auth_cache_ttl 1h;';


sub say_step {
    my ($text) = @_;
    my @now = localtime;
    printf STDERR "%02d:%02d:%02d %s\n", @now[2, 1, 0], $text;
}


# In each round each subject runs once; the order is turned by one.

sub rounds {
    my ($rounds, $what, $code, @order) = @_;

    for my $round (0 .. $rounds - 1) {
        say_step("$what, round " . ($round + 1) . " of $rounds");

        $code->($_) for @order;
        push @order, shift @order;
    }
}


# For what has many subjects of the same kind.

sub fewer { return int(($_[0] + 1) / 2) }


sub throughput {
    my ($stage, $rounds, $seconds) = @_;

    say_step('starting ' . @Subjects . ' gates');

    my %gate = map { $_->{id} => $stage->start($_) } @Subjects;
    check($gate{$_->{id}}, $_) for @Subjects;

    my %results;

    rounds($rounds, 'throughput', sub {
        my ($subject) = @_;
        my $id = $subject->{id};

        fill($gate{$id}, $subject, $warm);
        my $result = load_round($stage, $gate{$id}, $subject, $seconds);

        push @{ $results{$id}{$_} }, $result->{$_}
            for qw( rps cpu p50 p99 commands );
    }, @Subjects);

    $_->quit for values %gate;

    for my $subject (@Subjects) {
        my $result = $results{$subject->{id}};
        $result->{ratio} = ratios($result->{rps},
                                  $results{$subject->{base}}{rps});
    }

    return \%results;
}


# Also what Redis was asked meanwhile.

sub load_round {
    my ($stage, $gate, $subject, $seconds) = @_;

    my $result;
    my $commands = $stage->commands(sub {
        $result = load($gate, $subject, $seconds);
    });

    $result->{commands} = $commands / $result->{requests};
    return $result;
}


sub ratios {
    my ($these, $base) = @_;
    return [ map { $these->[$_] / $base->[$_] } 0 .. $#$these ];
}


# With few keys, so that all are known before the counting begins; "miss" has
# new ones for each request.

sub instructions {
    my ($stage, $requests) = @_;

    my (%results, %profiles);

    for my $subject (@Subjects) {
        my $few = { %$subject };
        $few->{keys} = 100 if $few->{keys} <= $warm;

        say_step("instructions, $subject->{id}");
        my $id = $subject->{id};

        ($results{$id}, $profiles{$id}) = count($stage, $few, $requests, sub {
            send_some($_[0], $few, 0, 199);
        });
    }

    return (\%results, \%profiles);
}


# After the code has filled it, a gate is made to run a little with counting
# on, before what it does is taken for a result.

sub count {
    my ($stage, $subject, $requests, $fill, @set) = @_;

    my $file = Bench::Callgrind::file();
    my $gate = $stage->start($subject, callgrind => $file, @set);

    $fill->($gate);
    Bench::Callgrind::on($gate);
    send_some($gate, $subject, 200, 299);

    my $sum = Bench::Callgrind::between($gate, $file, sub {
        send_some($gate, $subject, 300, 299 + $requests);
    });

    my $profile = Bench::Callgrind::profile($gate, $file, $requests);
    $gate->quit;
    return ($sum / $requests, $profile);
}


# All keys are sent once, then once more; the log says which of the second time
# were hits.

sub memory {
    my ($stage, $megabytes, @keys) = @_;

    my @results;

    for my $keys (@keys) {
        say_step("memory, $keys keys in $megabytes MB");

        my $log = temp_dir() . "/cache$keys.log";
        my $subject = subject('hit', keys => $keys,
                              zone => "keys:${megabytes}m");
        my $gate = $stage->start($subject, set => $long,
                                 log => "$log cache");

        fill($gate, $subject, $keys);
        my $first = -s $log;
        fill($gate, $subject, $keys);
        push @results, { keys => $keys, hits => $keys * hits($log, $first) };
        $gate->quit;
    }

    return \@results;
}


# The share of the lines from there on; fill() sends some more than the keys.

sub hits {
    my ($log, $from) = @_;

    my @lines = split /\n/, slurp($log, $from);
    return grep({ $_ eq 'hit' } @lines) / @lines;
}


# The zone has room for all of them, and for those that share a set with others.
# Entries outlive what is measured.  The base, number 0, has no keys.

sub curve {
    my ($stage, $rounds, $seconds, $requests, $counted, @keys) = @_;

    my %subject = (0 => subject('proxy'));
    my %gate = (0 => $stage->start($subject{0}));
    my %results;

    for my $keys (@keys) {
        say_step("curve, caching $keys keys");

        my $size = 16 + int $keys / 1000;
        $subject{$keys} = subject('hit', keys => $keys,
                                  zone => "keys:${size}m");
        $gate{$keys} = $stage->start($subject{$keys}, set => $long);
        fill($gate{$keys}, $subject{$keys}, $keys);
    }

    rounds($rounds, 'curve', sub {
        my ($keys) = @_;
        my $result = load_round($stage, $gate{$keys}, $subject{$keys},
                                $seconds);
        push @{ $results{$keys}{$_} }, $result->{$_}
            for qw( rps cpu commands );
    }, 0, @keys);

    $_->quit for values %gate;

    for my $keys (grep { $_ <= $counted } @keys) {
        say_step("curve, instructions with $keys keys");

        ($results{$keys}{instructions}) =
            count($stage, $subject{$keys}, $requests, sub {
                fill($_[0], $subject{$keys}, $keys);
            }, set => $long);
    }

    my $base = delete $results{0};

    return [ map { { keys => $_, %{ $results{$_} },
                     ratio => ratios($results{$_}{rps}, $base->{rps}) } }
                 @keys ];
}


sub workers {
    my ($stage, $rounds, $seconds, @workers) = @_;

    my @subjects = map { subject($_) } qw( proxy hit no_zone lua_dict );
    my %results;

    for my $workers (@workers) {
        my %gate = map { $_->{id} => $stage->start($_, workers => $workers) }
                       @subjects;

        rounds($rounds, "$workers workers", sub {
            my ($subject) = @_;
            my $id = $subject->{id};

            fill($gate{$id}, $subject, $warm);
            push @{ $results{$id}{$workers} },
                 load($gate{$id}, $subject, $seconds)->{rps};
        }, @subjects);

        $_->quit for values %gate;
    }

    return \%results;
}

1;
