package SendkitAuth::ZoneGate;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# A gate with a cache, in front of a scripted Redis.
#
#   my $gate = zone_gate($fake, lease => '60s', ttl => '60s', ...);
#       these, and what gate() takes; the channel is up, or what "channel" says
#   zone_args($fake, ...)    the same as arguments of gate() and gate_conf()
#   shown($gate, 'owner', 'w1')
#       what a request gets, and how the cache was used: "200 hit"; with the
#       reason of a denial: "403 role negative"
#   shown_of($answer)        the same of an answer
#   zone($gate)              what the zone says: { hits => N, negatives, misses,
#                            bypasses, evictions, invalidations, flushes,
#                            channel => 'up', lease_left => MS }
#   waits_for($gate, NAME => VALUE, ...)    until the zone says that, or dies
#   change($gate, $fake, COMMANDS)   a change that nginx was told of
#   client_of($gate, PID)    a SendkitAuth::Wire to that worker
#   subscriber($fake)        pid of the worker that has subscribed last, or 0
#   log_lines($gate, REGEX)  how many lines of the error log match

use strict;
use warnings;

use Exporter qw( import );
use JSON::PP ();

use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until slurp );
use SendkitAuth::Wire ();

our @EXPORT = qw( zone_gate zone_args shown shown_of zone waits_for change
                  client_of subscriber log_lines );

my @counters = qw( hits negatives misses bypasses evictions invalidations
                   flushes );


sub zone_gate {
    my ($fake, %args) = @_;

    my $channel = delete $args{channel} // 'up';
    my $gate = gate(zone_args($fake, %args));

    waits_for($gate, channel => $channel);
    return $gate;
}


sub zone_args {
    my ($fake, %args) = @_;

    my $state = join ', ', map { qq("$_": "\$sendkit_auth_cache_$_") }
                           @counters;
    my %times = (lease => '60s', ttl => '60s', negative => '60s',
                 map { $_ => delete $args{$_} }
                 grep { defined $args{$_} } qw( lease ttl negative ));

    $args{redis} //= $fake->address;
    $args{more} = <<"END" . ($args{more} // '');
    sendkit_auth_zone          keys:1m;
    sendkit_auth_cache_ttl     $times{ttl};
    sendkit_auth_negative_ttl  $times{negative};
    sendkit_auth_lease         $times{lease};
END
    $args{location} = <<"END" . ($args{location} // '');
        add_header  X-Cache \$sendkit_auth_cache always;
        add_header  X-Worker \$pid always;

        location = /zone {
            return 200 '{ $state, "channel": "\$sendkit_auth_channel",
                          "lease_left": "\$sendkit_auth_lease_left" }';
        }
END
    return %args;
}


sub shown_of {
    my ($answer) = @_;

    my $headers = $answer->{headers};
    my $reason = $headers->{'x-reason'} // '';

    return join ' ', $answer->{status}, $reason eq 'allowed' ? () : $reason,
                     $headers->{'x-cache'} // 'no X-Cache';
}


sub shown { return shown_of(ask(@_)) }


sub zone {
    my ($gate) = @_;

    my $client = SendkitAuth::Wire->new($gate->port);
    my $body = $client->request('GET', '/zone')->{body};

    $client->close;
    return JSON::PP::decode_json($body);
}


sub waits_for {
    my ($gate, %expected) = @_;

    my $zone;
    wait_until(sub {
        $zone = zone($gate);
        return !grep { $zone->{$_} ne $expected{$_} } keys %expected;
    }) or die "not @{[ %expected ]}, but @{[ %$zone ]}\n";
    return $zone;
}


sub change {
    my ($gate, $fake, @commands) = @_;

    my $told = zone($gate)->{invalidations};
    $fake->change(@commands);

    # During a reload two workers are told.

    wait_until(sub { zone($gate)->{invalidations} >= $told + @commands })
        or die 'nginx was not told';
}


# The other workers cannot accept it meanwhile.

sub client_of {
    my ($gate, $pid) = @_;

    my @others = grep { $_ != $pid } $gate->workers;
    my $client;

    kill 'STOP', @others;
    wait_until(sub { !grep { slurp("/proc/$_/stat") !~ /\) T / } @others })
        or die 'not stopped';

    my $found = wait_until(sub {
        $client = SendkitAuth::Wire->new($gate->port);
        my $answer = $client->request('GET', '/zone');
        return ($answer->{headers}{'x-worker'} // 0) == $pid;
    });
    kill 'CONT', @others;

    die "no connection to worker $pid" if !$found;
    return $client;
}


sub subscriber {
    my ($fake) = @_;
    my @all = $fake->events('subscribe');
    return @all ? $all[-1]{pid} : 0;
}


sub log_lines {
    my ($gate, $regex) = @_;
    return scalar grep { /$regex/ } split /\n/, $gate->error_log;
}

1;
