package SendkitAuth::Zone;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# A gate with a cache, of two workers, with an empty log and the keys of
# SendkitAuth::Seed in Redis; its changes are told at once, so times are long.
# The zone is large: in a small one, news of one name often is that of others.
#
#   my $gate = zone_gate(ttl => '60s', negative => '60s', lease => '60s',
#                        zone => 'gate:16m', more => '...', workers => 2, ...);
#       as gate(); an undefined one of these is not in the configuration.
#       The cache is in use when it returns, but for up => 0
#   zone_conf(...)          the same for ->reload(http => ...)
#   fresh_zone($gate, COMMAND, ...)   Redis has the seed and then these, and
#                           the cache is empty
#
#   seen($gate, 'owner', 'w1' [, REQUEST])    asks each worker in turn, each
#       on a connection of its own, and returns "200 allowed miss, 200 allowed
#       hit": status, reason, $sendkit_auth_cache
#   seen_by($gate, $pid, ...)    asks that worker only
#   crowd($gate, [ KEY, WORKSPACE ], ...)    asks many at once, for a list of
#       "200 allowed hit USER/ROLE"; of a gate with $Crowded, which answers for
#       the backend, and needs no log
#   first_worker($gate)          the pid of the one that subscribes
#
#   my $counters = counters($gate);   hits, negatives, misses, bypasses,
#       evictions, invalidations, flushes, channel, lease_left
#   pipeline(COMMAND, ...)       runs them in one write
#   told($gate, COMMAND, ...)    the same, and waits until nginx is told of a
#       change
#   channel_is($gate, 'up', NAME)   waits for that
#   asked()                 commands that Redis got for lookups, as "hget=1
#                           hmget=1", since it was last called
#   subscribers()           ids of the connections that track, for CLIENT KILL
#   stop_worker($pid)       SIGSTOP, when it returns the worker has stopped
#   key('owner')            name of its record

use strict;
use warnings;

use Exporter qw( import );
use IO::Socket::UNIX ();
use Test::More ();
use Time::HiRes ();

use SendkitAuth ();
use SendkitAuth::Gate;
use SendkitAuth::Nginx ();
use SendkitAuth::Process qw( wait_until slurp );
use SendkitAuth::Redis;
use SendkitAuth::Seed;
use SendkitAuth::Wire ();

our @EXPORT = qw( $Crowded zone_gate zone_conf fresh_zone seen seen_by crowd
                  first_worker counters told pipeline channel_is asked
                  subscribers stop_worker key );

our $Crowded = <<"END";
    location = /v1/campaigns {
        sendkit_auth  on;
        include       $SendkitAuth::Top/conf/sendkit_v1_routes.conf;
        access_log    off;
        empty_gif;
    }

    add_header  X-User "\$sendkit_auth_user/\$sendkit_auth_role" always;
END

my @counters = qw( hits negatives misses bypasses evictions invalidations
                   flushes );
my %clients;


sub zone_conf {
    my %args = (zone => 'gate:16m', ttl => '60s', negative => '60s',
                lease => '60s', more => '', location => '', @_);

    my %directive = (zone => 'sendkit_auth_zone',
                     ttl => 'sendkit_auth_cache_ttl',
                     negative => 'sendkit_auth_negative_ttl',
                     lease => 'sendkit_auth_lease');
    my $lines = join '', map { "$directive{$_} $args{$_};\n" }
                         grep { defined $args{$_} } sort keys %directive;

    my $text = join ' ', (map { "$_=\$sendkit_auth_cache_$_" } @counters),
                         'channel=$sendkit_auth_channel',
                         'lease_left=$sendkit_auth_lease_left';

    delete @args{ keys %directive };

    return gate_conf(%args, more => "$lines$args{more}", location => <<"END");
        keepalive_requests  1000000000;
        keepalive_timeout   1h;
        add_header          X-Cache \$sendkit_auth_cache always;

        location = /counters {
            return 200 "$text";
        }

        location = /pid {
            return 200 \$pid;
        }

        $args{location}
END
}


sub zone_gate {
    my (%args) = @_;

    redis('FLUSHALL');
    redis(@$_) for @$Seed;

    my $gate = SendkitAuth::Nginx->start(
        http => zone_conf(%args), workers => $args{workers} // 2,
        map { $_ => $args{$_} } grep { defined $args{$_} }
            qw( main log_level ));

    wait_until(sub { counters($gate)->{channel} ne 'down' })
        or die "the cache is not used\n", $gate->error_log
        if $args{up} // 1;
    redis('CONFIG', 'RESETSTAT');

    return $gate;
}


# What Redis tells of all that was before comes before that of the message.

sub fresh_zone {
    my ($gate, @commands) = @_;

    my $before = counters($gate)->{flushes};

    pipeline([ 'FLUSHALL' ], @$Seed, @commands);
    redis('PUBLISH', '__redis__:invalidate', 'all of it');
    wait_until(sub { counters($gate)->{flushes} >= $before + 2 })
        or die "nothing is told\n", $gate->error_log;
    redis('CONFIG', 'RESETSTAT');
}


sub news {
    my ($gate) = @_;

    my $counters = counters($gate);
    return $counters->{invalidations} + $counters->{flushes};
}


sub told {
    my ($gate, @commands) = @_;

    my $before = news($gate);

    pipeline(@commands);
    wait_until(sub { news($gate) > $before })
        or die "nothing is told\n", $gate->error_log;
}


# One write, so that Redis runs all of them before it tells anybody.

sub pipeline {
    my (@commands) = @_;

    my $socket = IO::Socket::UNIX->new(Peer => redis_socket())
        or die "cannot connect to Redis: $!\n";
    my $bytes = join '', map { my @words = @$_;
        '*' . @words . "\r\n"
        . join '', map { '$' . length($_) . "\r\n$_\r\n" } @words
    } @commands, [ 'ECHO', 'all done' ];

    print $socket $bytes;
    $socket->flush;

    local $/ = "all done\r\n";
    my $replies = <$socket>;
    close $socket;

    die "Redis refused: $replies\n" if $replies =~ /^-/m;
}


sub counters {
    my ($gate) = @_;

    my $client = SendkitAuth::Wire->new($gate->port);
    my $answer = $client->request('GET', '/counters', [ 'Connection: close' ]);

    $client->close;
    return { $answer->{body} =~ /(\w+)=(\S*)/g };
}


sub channel_is {
    my ($gate, $state, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::ok(wait_until(sub { counters($gate)->{channel} eq $state },
                              30),
                   "$name - the channel is $state");
}


sub asked {
    my $calls = commandstats();

    redis('CONFIG', 'RESETSTAT');
    return join ' ', map { "$_=$calls->{$_}" } grep { $calls->{$_} }
                     qw( hget hmget );
}


sub subscribers {
    my $list = redis('CLIENT', 'LIST');
    return map { /\bid=(\d+)/ } grep { /\bflags=\S*t/ } split /\n/, $list;
}


sub first_worker { return ($_[0]->workers)[0] }


sub stop_worker {
    my ($pid) = @_;

    kill 'STOP', $pid;
    wait_until(sub { slurp("/proc/$pid/stat") =~ /\) T / })
        or die "worker $pid does not stop\n";
}


sub key { return 'sendkit:key:' . SendkitAuth::digest($Key{$_[0]}) }


sub seen {
    my ($gate, @request) = @_;
    return join ', ', map { seen_by($gate, $_, @request) } $gate->workers;
}


sub seen_by {
    my ($gate, $pid, @request) = @_;

    my $client = client_of($gate, $pid);
    my $answer = $client->send(request_of(@request))->answer;
    my $headers = $answer->{headers};

    return join ' ', map { $_ // '-' } $answer->{status},
                                       @$headers{qw( x-reason x-cache )};
}


# Each worker gets every other request, all of them at once.

sub crowd {
    my ($gate, @who) = @_;

    my @clients = map { client_of($gate, $_) } $gate->workers;
    my @bytes = ('') x @clients;

    $bytes[$_ % @clients] .= request_of(@{ $who[$_] }) for 0 .. $#who;
    $clients[$_]->send($bytes[$_]) for 0 .. $#clients;

    return map {
        my $answer = $clients[$_ % @clients]->answer;
        join ' ', $answer->{status},
                  @{ $answer->{headers} }{qw( x-reason x-cache x-user )};
    } 0 .. $#who;
}


# The kernel picks the worker that accepts a connection.

sub client_of {
    my ($gate, $pid) = @_;

    my $own = $clients{$gate->pid} //= {};
    my $find = sub {
        return $own->{$pid} if $own->{$pid};

        my @new = map { SendkitAuth::Wire->new($gate->port) } 1 .. 8;

        $_->send(SendkitAuth::Wire::head('GET', '/pid', [])) for @new;
        $own->{ $_->answer->{body} } = $_ for @new;
        return $own->{$pid};
    };

    return wait_until($find) // die "worker $pid accepts no connection\n";
}

1;
