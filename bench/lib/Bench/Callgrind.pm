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

    my ($worker) = $gate->workers;

    control($gate, '-d');
    $code->();
    control($gate, '-d');

    # The last one written has the highest number.

    my ($last) = sort { ($b =~ /(\d+)$/)[0] <=> ($a =~ /(\d+)$/)[0] }
                      glob "$file.$worker.*";
    my ($total) = slurp($last) =~ /^totals: (\d+)/m
        or die "callgrind has counted nothing\n", $gate->log;

    return $total;
}


sub control {
    my ($gate, @command) = @_;

    my ($worker) = $gate->workers;
    my $said = qx(callgrind_control @command $worker 2>&1);
    die "callgrind_control: $said" if $said !~ /^\s*OK\.$/m;
}

1;
