package Bench::Plot;

# Copyright (C) the ngx_sendkit_auth_module authors
#
#   plots($results, DIRECTORY)     writes the SVG files, by gnuplot

use strict;
use warnings;

use Exporter qw( import );

use Bench::Numbers;
use Bench::Subjects;

our @EXPORT = qw( plots );

my $style = <<'END';
set terminal svg size 760,400 noenhanced background "white" font "sans-serif,12"
set encoding utf8
set border 3
set tics nomirror out
set grid ytics lc rgb "#dddddd"
set style fill solid 0.85 noborder
set boxwidth 0.6
set yrange [0:*]
set format y "%'.0f"
END

# This module, and the others.

my ($ours, $theirs) = ('0x1f6f8b', '0xb0b0b0');


sub plots {
    my ($results, $dir) = @_;

    plot("$dir/throughput.svg", throughput($results));
    plot("$dir/instructions.svg", instructions($results));
    plot("$dir/keys.svg", curve($results));
    plot("$dir/memory.svg", memory($results));
    plot("$dir/workers.svg", workers($results));
    plot("$dir/revocation.svg", revocation());
}


sub plot {
    my ($file, $script) = @_;

    open my $gnuplot, '|-', 'gnuplot' or die "cannot run gnuplot: $!\n";
    print $gnuplot $style, "set output \"$file\"\n", $script;
    close $gnuplot or die "gnuplot has failed for $file\n";
}


sub forwarded {
    return grep { $_->{base} eq 'proxy' && $_->{id} ne 'proxy' } @Subjects;
}


sub color { return $_[0]{conf} eq 'module' ? $ours : $theirs }


sub data {
    return join "\n", '$data << END', map({ join ' ', @$_ } @_), "END\n";
}


sub throughput {
    my ($results) = @_;

    my @rows = map {
        my $ratio = $results->{throughput}{$_->{id}}{ratio};
        my @values = map { 100 * $_ } median($ratio), range(@$ratio);
        [ qq("$_->{label}"), @values, color($_) ]
    } forwarded();

    return data(@rows) . <<'END';
set title "Requests a second against bare proxy_pass (median, least and most)"
set ylabel "%"
set xtics rotate by -30
plot 100 lc rgb "#888888" dt 2 notitle, \
     $data using 0:2:5:xtic(1) with boxes lc rgb variable notitle, \
     $data using 0:2:3:4 with yerrorbars lc rgb "black" pt 0 notitle
END
}


sub instructions {
    my ($results) = @_;

    my $count = $results->{instructions};
    my @rows = map { [ qq("$_->{label}"),
                       $count->{$_->{id}} - $count->{$_->{base}}, color($_) ] }
                   grep { $_->{label} } @Subjects;

    return data(@rows) . <<'END';
set title "Instructions a request over bare proxy_pass or return 403"
set xtics rotate by -30
plot $data using 0:2:3:xtic(1) with boxes lc rgb variable notitle
END
}


sub curve {
    my ($results) = @_;

    my @rows = map { [ $_->{keys},
                       map({ 100 * $_ } median($_->{ratio}),
                           range(@{ $_->{ratio} })),
                       $_->{instructions} // 'NaN' ] } @{ $results->{curve} };

    return data(@rows) . <<'END';
set title "Hits by the number of cached keys"
set logscale x
set format x "10^{%L}"
set termoption enhanced
set xlabel "cached keys"
set xrange [50:*]
set ylabel "requests a second, % of bare proxy\\_pass"
set y2label "instructions a request"
set y2range [0:*]
set y2tics
set border 11
set key bottom right
plot $data using 1:2:3:4 with yerrorlines lc rgb "#1f6f8b" lw 2 pt 7 ps 0.5 \
         title "requests a second", \
     $data using 1:5 axes x1y2 with linespoints lc rgb "#c0562f" lw 2 pt 5 \
         ps 0.5 title "instructions"
END
}


sub memory {
    my ($results) = @_;

    return data(map { [ $_->{keys}, $_->{hits} ] } @{ $results->{memory} })
           . <<'END';
set title "Keys that are sent twice, and are hits the second time (10 MB)"
set xlabel "keys"
set ylabel "hits"
set format x "%'.0f"
plot x lc rgb "#888888" dt 2 title "all", \
     $data using 1:2 with linespoints lc rgb "#1f6f8b" lw 2 pt 7 ps 0.5 \
         title "hits"
END
}


sub workers {
    my ($results) = @_;

    my @subjects = grep { $results->{workers}{$_->{id}} } @Subjects;
    my @workers = sort { $a <=> $b } keys %{ $results->{workers}{proxy} };
    my @rows = map {
        my $n = $_;
        [ $n, map { median($results->{workers}{$_->{id}}{$n}) } @subjects ]
    } @workers;

    my @lines = map {
        my $column = $_ + 2;
        my $title = $subjects[$_]{title} =~ tr/`//dr;
        "\$data using $column:xtic(1) title \"$title\""
    } 0 .. $#subjects;

    return data(@rows)
           . qq(set title "Requests a second by the number of workers"\n)
           . qq(set xlabel "workers"\nset style data histograms\n)
           . qq(set style histogram clustered gap 1\nset boxwidth 0.9\n)
           . qq(set key outside bottom horizontal\n)
           . 'plot ' . join(', ', @lines) . "\n";
}


# Each sample is one step of the curve.

sub revocation {
    return <<'END';
set title "From the write to the first 403"
set logscale x
set format x "%g"
set xrange [0.1:*]
set xlabel "ms"
set ylabel "share of the writes"
set yrange [0:1]
set format y "%g"
set key bottom right
samples(case) = "build/revocation/" . case . ".txt"
plot for [case in "up killed blackholed"] samples(case) \
         using 1:(1.0) smooth cnormal lw 2 title case
END
}

1;
