package SendkitAuth::Watch;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Asks gates all the time, in a process of its own, while the test does
# something to Redis; and says afterwards what was seen when.
#
#   my $watch = SendkitAuth::Watch->start({ plain => $gate, ... },
#                                         'owner', 'admin', ...);
#       each of these keys of SendkitAuth::Seed for workspace w1, of each
#       gate, on a connection of its own, all of them at once and then again
#
#   my $from = $watch->mark;         now
#   $watch->seen(from => $from, gate => 'plain', who => 'owner')
#       { gate, who, saw, cache, started, ended }, in the order of the answers,
#       of the requests that began since then; "saw" is "200 allowed", with
#       the reason, and "cache" is $sendkit_auth_cache
#   $watch->until($regex, ...)       waits for an answer that matches, of
#       requests as above; returns it, or nothing
#   $watch->again                    waits until all were asked once more
#   $watch->stop
#
#   is_only($watch, $regex, NAME, ...)
#       there are such answers, and all of them match
#   is_soon($watch, $regex, $seconds, NAME, from => $from, ...)
#       one that matches ended at most so many seconds after that; of each
#       gate. Returns when that was, at the last one

use strict;
use warnings;

use Exporter qw( import );
use Test::More ();
use Time::HiRes ();

use SendkitAuth::Gate;
use SendkitAuth::Process qw( temp_dir start_process stop_process wait_until
                             slurp );
use SendkitAuth::Wire ();

our @EXPORT = qw( is_only is_soon );

my $count = 0;


sub now { return Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) }

sub mark { return now() }


sub start {
    my ($class, $gates, @who) = @_;

    my $file = temp_dir() . '/watch' . ++$count;
    my $self = bless { gates => $gates, who => \@who, file => $file,
                       offset => 0, records => [] }, $class;

    open my $out, '>', $file or die "$file: $!";
    $self->{pid} = start_process(sub {
        my @asked = map { my $gate = $_; map { [ $gate, $_ ] } @who }
                    sort keys %$gates;
        for ( ;; ) {
            turn($self, $out, @asked);
            Time::HiRes::sleep(0.01);
        }
    }, "$file.log");

    close $out;
    return $self;
}


sub turn {
    my ($self, $out, @asked) = @_;

    ask_one($self, $_) for @asked;

    for (@asked) {
        my $answer = $_->[2]->answer;

        # A connection that was used may end before it is used again.

        if (!$answer->{status}) {
            $_->[2] = undef;
            ask_one($self, $_);
            $answer = $_->[2]->answer;
        }

        my $headers = $answer->{headers};
        my @seen = map { $_ // '-' } $answer->{status},
                                     @$headers{qw( x-reason x-cache )};

        syswrite $out, join(' ', @$_[0, 1], @seen, $_->[3], now()) . "\n";
        $_->[2] = undef if ($headers->{connection} // '') eq 'close';
    }
}


sub ask_one {
    my ($self, $one) = @_;
    my ($gate, $who) = @$one;

    $one->[2] //= SendkitAuth::Wire->new($self->{gates}{$gate}->port);
    $one->[3] = now();
    $one->[2]->send(request_of($who, 'w1'));
}


# Those that are new since it was last called, too.

sub records {
    my ($self) = @_;

    my $text = slurp($self->{file}, $self->{offset});
    $text =~ s/[^\n]*\z//;
    $self->{offset} += length $text;

    for (split /\n/, $text) {
        my ($gate, $who, $status, $reason, $cache, @times) = split / /;
        push @{ $self->{records} },
             { gate => $gate, who => $who, saw => "$status $reason",
               cache => $cache, started => $times[0], ended => $times[1] };
    }

    return $self->{records};
}


sub seen {
    my ($self, %which) = @_;

    my $from = delete $which{from} // 0;
    my $records = $self->records;
    my $first = @$records;

    $first-- while $first > 0 && $records->[$first - 1]{ended} >= $from;

    return grep { my $record = $_;
                  $record->{started} >= $from
                  && !grep { $record->{$_} ne $which{$_} } keys %which }
                @$records[$first .. $#$records];
}


sub until {
    my ($self, $regex, %which) = @_;

    return wait_until(sub {
        my ($found) = grep { "$_->{saw} $_->{cache}" =~ $regex }
                      $self->seen(%which);
        return $found;
    }, 20);
}


sub again {
    my ($self) = @_;

    my $from = $self->mark;
    for my $gate (sort keys %{ $self->{gates} }) {
        for my $who (@{ $self->{who} }) {
            $self->until(qr/./, from => $from, gate => $gate, who => $who)
                or die "$who is not answered\n", slurp("$self->{file}.log");
        }
    }
}


sub stop {
    my ($self) = @_;
    stop_process($self->{pid});
    return $self;
}


sub is_only {
    my ($self, $regex, $name, %which) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @all = $self->seen(%which);
    my %others;

    $others{"$_->{gate}: $_->{who} $_->{saw} $_->{cache}"}++
        for grep { "$_->{saw} $_->{cache}" !~ $regex } @all;

    my @shown = map { "$others{$_} times $_" } sort keys %others;
    push @shown, 'nothing was asked' if !@all;
    Test::More::is(join(', ', @shown), '', $name);
}


sub is_soon {
    my ($self, $regex, $seconds, $name, %which) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $limit = $ENV{SENDKIT_AUTH_SLOW} ? 5 * $seconds : $seconds;
    my $last = 0;

    for my $gate ($which{gate} // sort keys %{ $self->{gates} }) {
        my $found = $self->until($regex, %which, gate => $gate);
        my $took = $found ? $found->{ended} - $which{from} : 'never';

        $last = $found->{ended} if $found && $found->{ended} > $last;
        Test::More::note("$name, $gate: $took s");
        Test::More::ok($found && $took < $limit,
                       "$name - $gate, in $seconds seconds")
            or Test::More::diag("$took s");
    }

    return $last;
}

1;
