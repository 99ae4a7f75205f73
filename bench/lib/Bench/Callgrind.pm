package Bench::Callgrind;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Instructions that the worker process of a gate spends, by callgrind, in user
# space.
#
#   my $file = Bench::Callgrind::file();
#   my $gate = Bench::Gate->start(..., callgrind => $file);
#   ...                        is not counted
#   Bench::Callgrind::on($gate);
#   ...                        is counted, and not told
#   my $n = Bench::Callgrind::between($gate, $file, sub { ... });
#
#   Bench::Callgrind::profile($gate, $file, REQUESTS)
#                              { FUNCTION => instructions a request }, of the
#                              module's, with what they call, of the last code
#
# What is before and after the code is counted into other files, so neither
# starting nor ending is in the result.

use strict;
use warnings;

use SendkitAuth::Process qw( temp_dir slurp );

my $count = 0;


sub file { return temp_dir() . '/callgrind' . ++$count }


sub on {
    my ($gate) = @_;
    control($gate, '-i', 'on');
}


sub between {
    my ($gate, $file, $code) = @_;

    control($gate, '-d');
    $code->();
    control($gate, '-d');

    my ($total) = slurp(last_dump($gate, $file)) =~ /^totals: (\d+)/m
        or die "callgrind has counted nothing\n", $gate->log;

    return $total;
}


# The last one written has the highest number.

sub last_dump {
    my ($gate, $file) = @_;

    my ($worker) = $gate->workers;
    my ($last) = sort { ($b =~ /(\d+)$/)[0] <=> ($a =~ /(\d+)$/)[0] }
                      glob "$file.$worker.*";
    return $last;
}


# A function is listed once for each of its source files; the one with most has
# all of it.

sub profile {
    my ($gate, $file, $requests) = @_;

    my $dump = last_dump($gate, $file);
    my %profile;

    for (qx(callgrind_annotate --inclusive=yes --threshold=100 $dump 2>&1)) {
        my ($count, $function) =
            /^\s*([\d,]+) .*:((?:ngx_)?sendkit_\w+)(?:\.\S+)? \[/ or next;

        $count =~ tr/,//d;
        $count /= $requests;
        $profile{$function} = $count if $count > ($profile{$function} // 0);
    }

    return \%profile;
}


sub control {
    my ($gate, @command) = @_;

    my ($worker) = $gate->workers;
    my $said = qx(callgrind_control @command $worker 2>&1);
    die "callgrind_control: $said" if $said !~ /^\s*OK\.$/m;
}

1;
