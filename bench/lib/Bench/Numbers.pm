package Bench::Numbers;

# Copyright (C) the ngx_sendkit_auth_module authors
#
#   median([ NUMBER, ... ])
#   range(NUMBER, ...)         the least and the most of them

use strict;
use warnings;

use Exporter qw( import );

our @EXPORT = qw( median range );


sub median {
    my @sorted = sort { $a <=> $b } @{ $_[0] };
    my $middle = $#sorted / 2;
    return ($sorted[$middle] + $sorted[$middle + 0.5]) / 2;
}


sub range {
    my @sorted = sort { $a <=> $b } @_;
    return @sorted[0, -1];
}

1;
