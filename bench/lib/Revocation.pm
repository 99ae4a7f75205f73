package Revocation;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Measures how long after a write to Redis a lost role still counts, for
# bench/revocation:
#
#   my $bench = Revocation->start(workers => 2, connections => 4,
#                                 lease => 3000);
#   my @samples = $bench->measure('up', 1000);
#       { refused => MS, allowed => MS }
#
# One principal asks on several keep-alive connections, each of them again as
# soon as it is answered.  Its role is changed from owner to member with HSET;
# the clock starts when the reply to that has come.
#
#   refused   when the first 403 had come, after the start of which no request
#             began that was allowed
#   allowed   when the last request began that was allowed; 0 if all had begun
#             before
#
# Cases: "up"; "killed", CLIENT KILL of the connection on which Redis tells what
# changes, right before the write; "blackholed", from right before the write on
# nothing passes on that connection, in either direction, and nobody is told.
#
# Between two samples the role is given back, and all requests must be hits
# again, for a time at random: before a black hole, for up to the time between
# two PINGs, so that the write may lie anywhere in there.

use strict;
use warnings;

use Digest::SHA qw( sha256_hex );
use Time::HiRes ();

use Revocation::Relay;
use SendkitAuth::Hammer qw( now );
use SendkitAuth::Nginx ();
use SendkitAuth::Redis ();

my $key = 'sk_user_revocation-0123456789';
my $roles = 'sendkit:roles:w1';
my $request = join "\r\n", 'GET /v1/workspaces/w1 HTTP/1.1',
                           'Host: localhost', "X-Api-Key: $key", '', '';


sub start {
    my ($class, %args) = @_;

    my $redis = SendkitAuth::Redis->new(tcp => 1);
    my $relay = Revocation::Relay->new($redis->port);
    my $self = bless { %args, redis => $redis, relay => $relay }, $class;

    $redis->command('HSET', 'sendkit:key:' . sha256_hex($key),
                    type => 'platform', user => 'u1');
    $redis->command('HSET', $roles, 'u1', 'owner');

    return $self;
}


# Without the relay unless it is needed.

sub gate {
    my ($self, $port) = @_;

    my $gate = SendkitAuth::Nginx->start(workers => $self->{workers},
                                         log_level => 'notice',
                                         http => <<"END");
    sendkit_auth_redis      redis://127.0.0.1:$port;
    sendkit_auth_zone       revocation:1m;
    sendkit_auth_lease      $self->{lease}ms;
    access_log              off;
    keepalive_requests      1000000000;

    server {
        listen  127.0.0.1:%PORT%;

        location /v1/ {
            sendkit_auth        on;
            sendkit_auth_route  GET "/v1/workspaces/{workspaceId}" roles=owner;
            add_header          X-Cache \$sendkit_auth_cache always;
            empty_gif;
        }
    }
END

    $gate->wait_for_log(qr/cache is used/) or die "no channel\n";
    return $gate;
}


sub measure {
    my ($self, $case, $n) = @_;

    my $relay = $case eq 'blackholed';
    my $gate = $self->gate(($relay ? $self->{relay} : $self->{redis})->port);
    my $hammer = SendkitAuth::Hammer->new($gate->port, $self->{connections},
                                          sub { return ($request, 1) });
    my @samples;

    while (@samples < $n) {
        $self->is_hot($hammer, $relay ? $self->{lease} / 3000 : 0.02);
        push @samples, $self->sample($hammer, $case);
        $self->{relay}->release if $relay;
        $self->{redis}->command('HSET', $roles, 'u1', 'owner');
    }

    my $failures = $hammer->counters->{failures};
    die "requests have failed: @$failures\n" if @$failures;
    $gate->quit or die "nginx did not end\n";

    return @samples;
}


# So many hits in a row that each connection has had some; then for a time that
# is "pause" seconds at most.

sub is_hot {
    my ($self, $hammer, $pause) = @_;

    my $hits = 0;
    my $end = now() + 60;

    while ($hits < 10 * $self->{connections}) {
        for my $answer ($hammer->turn) {
            my $hit = $answer->{status} == 200
                      && $answer->{head} =~ /^X-Cache: hit/m;
            $hits = $hit ? $hits + 1 : 0;
        }

        die "the cache is not used\n" if now() > $end;
    }

    $end = now() + rand $pause;
    $hammer->turn while now() < $end;
}


sub sample {
    my ($self, $hammer, $case) = @_;

    $self->kill_channel    if $case eq 'killed';
    $self->{relay}->freeze if $case eq 'blackholed';

    $self->{redis}->command('HSET', $roles, 'u1', 'member');
    my $written = now();

    # All is over when each connection was refused several times in a row.

    my ($refusals, $allowed) = (0, $written);
    my @answers;

    while ($refusals < 10 * $self->{connections}) {
        for my $answer ($hammer->turn) {
            die "status $answer->{status}\n"
                if $answer->{status} !~ /^(?:200|403)$/;

            $refusals = $answer->{status} == 403 ? $refusals + 1 : 0;
            push @answers, $answer if $answer->{status} == 403;

            if ($answer->{status} == 200 && $answer->{started} > $allowed) {
                $allowed = $answer->{started};
                @answers = grep { $_->{started} >= $allowed } @answers;
            }
        }

        die "the role still counts\n"
            if now() > $written + 10 + $self->{lease} / 1000;
    }

    my ($first) = sort { $a <=> $b } map { $_->{ended} }
                       grep { $_->{started} >= $allowed } @answers;

    return { refused => 1000 * ($first - $written),
             allowed => 1000 * ($allowed - $written) };
}


sub kill_channel {
    my ($self) = @_;

    my ($id) = $self->{redis}->command('CLIENT', 'LIST', 'TYPE', 'PUBSUB')
               =~ /^id=(\d+)/m or die "nobody is subscribed\n";
    $self->{redis}->command('CLIENT', 'KILL', 'ID', $id);
}

1;
