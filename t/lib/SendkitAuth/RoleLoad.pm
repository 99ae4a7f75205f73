package SendkitAuth::RoleLoad;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# A load of requests by principals whose roles and keys change in Redis all the
# time, and an oracle that knows what each verdict may be.  It runs in a process
# of its own while the test does something to nginx.
#
#   SendkitAuth::RoleLoad::seed()           all of them are owners
#   SendkitAuth::RoleLoad::conf(LEASE)      of nginx, with "%PORT%"
#   my $load = SendkitAuth::RoleLoad->start($port, bound => 2);
#   $load->so_far           what it has seen:
#       answers, retries, goodbyes      as SendkitAuth::Hammer has them
#       failures    [ ... ]     no whole answer, or a status that is none of
#                               200, 401 and 403
#       wrong       [ ... ]     verdicts that no state of that time explains
#       hits, allowed, refused
#       changes                 in Redis
#       stale                   seconds after a change, at most, at which a
#                               request began that was decided by what was
#                               true before
#   $load->wait_for(changes => 100)         100 more than now
#   $load->stop             ends it, and returns the same as so_far
#
# Each change is one command.  A verdict must be one of a state that held at
# some moment between the start of the request, less "bound" seconds, and its
# end.  A state begins when the command that makes it is sent, and ends when the
# reply to the next one has come.  Each principal changes once in three bounds.
# The TTL is longer than that, and LEASE should be, so that a change of which
# nginx was not told is seen.

use strict;
use warnings;

use Digest::SHA qw( sha256_hex );
use IO::Select ();
use IO::Socket::UNIX ();
use JSON::PP ();
use Socket qw( AF_UNIX SOCK_STREAM );

use SendkitAuth::Hammer qw( now );
use SendkitAuth::Process qw( temp_dir start_process wait_until );
use SendkitAuth::Redis;

my $principals = 100;
my $connections = 8;
my $unknown_one_in = 10;

my @roles = qw( owner admin member none );
my %verdict = (owner => '200 owner', admin => '200 admin',
               member => 403, none => 403, gone => 401);


sub key  { return sprintf 'sk_user_load-%016d', $_[0] }


sub conf {
    my ($lease) = @_;

    return <<"END";
    sendkit_auth_redis                  unix:@{[ redis_socket() ]};
    sendkit_auth_redis_connect_timeout  5s;
    sendkit_auth_redis_read_timeout     5s;
    sendkit_auth_timeout                5s;
    sendkit_auth_zone                   load:1m;
    sendkit_auth_cache_ttl              1h;
    sendkit_auth_negative_ttl           1h;
    sendkit_auth_lease                  $lease;
    access_log                          off;
    keepalive_requests                  1000;

    server {
        listen  127.0.0.1:%PORT%;

        location /v1/ {
            sendkit_auth        on;
            sendkit_auth_route  GET "/v1/workspaces/{workspaceId}"
                                roles=owner,admin;
            add_header          X-Role \$sendkit_auth_role;
            add_header          X-Cache \$sendkit_auth_cache always;
            empty_gif;
        }
    }
END
}


sub seed {
    redis('FLUSHALL');

    for my $i (0 .. $principals - 1) {
        redis(command_for($i, 'back'));
        redis(command_for($i, 'owner'));
    }
}


sub start {
    my ($class, $port, %args) = @_;

    my ($control, $childs) = IO::Socket->socketpair(AF_UNIX, SOCK_STREAM, 0)
        or die "socketpair() failed: $!";

    # The child has a connection to Redis of its own.

    my $redis = redis_server();
    my $self = bless { control => $control, bound => $args{bound} // 2 },
                     $class;

    $self->{pid} = start_process(sub {
        close $control;
        $redis->connect;
        serve($self, $port, $childs);
    }, temp_dir() . '/load.log');

    close $childs;
    return $self;
}


# The child answers each line by one.

sub so_far {
    my ($self) = @_;

    local $SIG{PIPE} = 'IGNORE';
    syswrite $self->{control}, "so far\n";

    my $answer = '';

    while ($answer !~ /\n/) {
        IO::Select->new($self->{control})->can_read(60)
            && sysread $self->{control}, $answer, 65536, length $answer
            or die "the load has ended\n",
                   SendkitAuth::Process::slurp(temp_dir() . '/load.log');
    }

    return JSON::PP::decode_json($answer);
}


sub wait_for {
    my ($self, $what, $n) = @_;

    my $until = $self->so_far->{$what} + $n;

    wait_until(sub { $self->so_far->{$what} >= $until }, 120)
        or die "the load is stuck: no $n $what\n";
}


sub stop {
    my ($self) = @_;

    my $result = $self->so_far;
    close $self->{control};
    waitpid $self->{pid}, 0;

    return $result;
}


# From here on: the child.

sub serve {
    my ($self, $port, $control) = @_;

    $self->{histories} = [ map { [ [ 0, 0, 'owner' ] ] } 1 .. $principals ];
    $self->{wrong} = [];
    $self->{failures} = [];
    $self->{$_} = 0 for qw( hits allowed refused changes stale asked );

    my $hammer = SendkitAuth::Hammer->new($port, $connections,
                                          sub { return next_request($self) });
    my $told = IO::Select->new($control);
    my $pause = 3 * $self->{bound} / $principals;
    my $change = now();

    for ( ;; ) {
        judge($self, $_) for $hammer->turn;

        if (now() >= $change) {
            change($self);
            $change = now() + $pause;
        }

        if ($told->can_read(0)) {
            sysread $control, my $line, 100 or return;
            syswrite $control, summary($self, $hammer);
        }
    }
}


sub summary {
    my ($self, $hammer) = @_;

    my $counters = $hammer->counters;
    my @failures = (@{ $counters->{failures} }, @{ $self->{failures} });

    return JSON::PP::encode_json({
        %$counters, failures => \@failures,
        map { $_ => $self->{$_} }
            qw( wrong hits allowed refused changes stale ),
    }) . "\n";
}


# Some ask with a key that nobody has: such a request waits for Redis.

sub next_request {
    my ($self) = @_;

    my $i = int rand $principals;
    my $unknown = $self->{asked}++ % $unknown_one_in == 0;
    my $key = $unknown ? sprintf('sk_user_unknown-%016d', rand 1e15) : key($i);

    return ("GET /v1/workspaces/w$i HTTP/1.1\r\nHost: localhost\r\n"
            . "X-Api-Key: $key\r\n\r\n", $unknown ? undef : $i);
}


sub change {
    my ($self) = @_;

    my $i = $self->{changes}++ % $principals;
    my $history = $self->{histories}[$i];
    my ($now, $role) = @{ $history->[-1] }[2, 3];
    $role //= $now;

    my @others = grep { $_ ne $role } @roles;
    my $to = $now eq 'gone'     ? 'back'
             : rand() < 0.2     ? 'gone'
             : $others[rand @others];

    my $sent = now();
    redis(command_for($i, $to));
    my $replied = now();

    # A role is kept while the key is gone.

    push @$history, [ $sent, $replied, $to eq 'back' ? $role : $to,
                      $to eq 'gone' || $to eq 'back' ? $role : $to ];
    shift @$history if @$history > 8;
}


sub command_for {
    my ($i, $to) = @_;

    my $record = 'sendkit:key:' . sha256_hex(key($i));

    return ('HSET', $record, 'type', 'platform', 'user', "u$i")
        if $to eq 'back';
    return ('DEL', $record) if $to eq 'gone';
    return ('HDEL', "sendkit:roles:w$i", "u$i") if $to eq 'none';
    return ('HSET', "sendkit:roles:w$i", "u$i", $to);
}


sub judge {
    my ($self, $answer) = @_;

    my $status = $answer->{status};

    if ($status !~ /^(?:200|401|403)$/) {
        push @{ $self->{failures} }, "status $status";
        return;
    }

    my ($role) = $answer->{head} =~ /^X-Role: (\w+)/m;
    my $verdict = defined $role ? "$status $role" : $status;

    $self->{hits}++ if $answer->{head} =~ /^X-Cache: (?:hit|negative)/m;
    $self->{$status == 200 ? 'allowed' : 'refused'}++;

    my $history = defined $answer->{what}
                  ? $self->{histories}[$answer->{what}]
                  : [ [ 0, 0, 'gone' ] ];
    my $stale = staleness($history, $answer, $verdict);

    if (defined $stale && $stale <= $self->{bound}) {
        $self->{stale} = $stale if $stale > $self->{stale};
        return;
    }

    push @{ $self->{wrong} },
         sprintf('%s for %s, which was %s', $verdict, $answer->{what} // '-',
                 join ', ', map { sprintf '%s %.3f s before', $_->[2],
                                          $answer->{started} - $_->[1] }
                                @$history)
        if @{ $self->{wrong} } < 10;
}


# How long before the start of the request a state with this verdict has ended;
# 0 if it was still there.

sub staleness {
    my ($history, $answer, $verdict) = @_;

    my $ended = 0;

    for my $state (reverse @$history) {
        my ($sent, $replied, $name) = @$state;

        if ($sent <= $answer->{ended} && $verdict{$name} eq $verdict) {
            return $ended && $ended < $answer->{started}
                   ? $answer->{started} - $ended : 0;
        }

        $ended = $replied;
    }

    return;
}

1;
