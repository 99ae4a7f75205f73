package SendkitAuth::FaultBench;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Two gates in front of one Redis, with a network between that fails when a
# test wants it: a cold one, which asks Redis each time, and a hot one, with a
# cache and two workers.
#
#   my $bench = SendkitAuth::FaultBench->new(lease => '1s', ...);
#       what gate() takes, for both; a Redis that is started again has the
#       seed
#   $bench->proxy, ->cold, ->hot        a SendkitAuth::FaultProxy, two gates
#   $bench->restart                     ends both, and starts them again
#
#   $bench->fault('reset', sub { $bench->proxy->reset },
#       for => 1.5,          seconds; longer than the lease by default
#       cold => '503',       what the owner may get, statuses
#       hot => '200 503',    the same; by default 503, and before it 200
#       revoke => 1,         meanwhile the role of the member is taken away,
#                            of which nginx may not hear
#       heal => sub { ... }) ends it; the network heals anyway
#
# Meanwhile five ask each gate again and again, all at once.  It is checked that
#
#   - the owner gets what may be and nothing else, and is forwarded as herself;
#   - the stranger gets 403 or 503, the unknown key 401 or 503, never 200;
#   - each is answered in time, and what nothing guards at once;
#   - who lost a role is not allowed when the lease has ended;
#   - two seconds after the end the owner is allowed, and is again in the cache;
#     until then it was 503.
#
# What was seen is printed: for docs/failure-modes.md.
#
#   $bench->ends_well([ EXPECTED ])      both, as in SendkitAuth::Gate

use strict;
use warnings;

use Test::More ();
use Time::HiRes qw( time );

use SendkitAuth::FaultProxy ();
use SendkitAuth::Gate ();
use SendkitAuth::Nginx ();
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Redis;
use SendkitAuth::Seed;
use SendkitAuth::Wire ();
use SendkitAuth::Zone ();

my $slow = $ENV{SENDKIT_AUTH_SLOW};
my $recovery = $slow ? 10 : 2;


sub new {
    my ($class, %args) = @_;

    my $proxy = SendkitAuth::FaultProxy->new(redis_socket());
    my $lease = delete $args{lease} // 1;
    my %gate = (redis => $proxy->address, timeout => $slow ? '2s' : '250ms',
                read => $slow ? '1s' : '100ms',
                connect => $slow ? '1s' : '200ms', %args);

    my $self = bless { proxy => $proxy, lease => $lease, gate => \%gate },
                     $class;

    redis('FLUSHALL');
    redis(@$_) for @$Seed;
    redis('SAVE');

    return $self->start;
}


sub start {
    my ($self) = @_;

    my $http = SendkitAuth::Zone::zone_conf(%{ $self->{gate} },
                                            lease => "$self->{lease}s");

    $self->{hot} = SendkitAuth::Nginx->start(http => $http, workers => 2);
    $self->{cold} = SendkitAuth::Gate::gate(%{ $self->{gate} });

    return $self;
}


sub restart {
    my ($self) = @_;
    $self->ends_well;
    return $self->start;
}


sub proxy { return $_[0]{proxy} }
sub hot   { return $_[0]{hot} }
sub cold  { return $_[0]{cold} }


sub fault {
    my ($self, $name, $begin, %args) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    warm($self, $name);

    my $began = time;
    my $over = $began + $self->{lease} + ($slow ? 2 : 0.5);
    my $until = $args{for} ? $began + $args{for} : $over + 0.2;
    my %seen;

    $begin->();
    redis('HDEL', 'sendkit:roles:w1', 'u_member') if $args{revoke};

    do {
        for my $kind (qw( cold hot )) {
            my $lost = $args{revoke} && time > $over;
            look($seen{$kind} //= {}, $_, $lost) for round($self->{$kind});
        }
    } while (time < $until);

    $self->{proxy}->heal;
    $args{heal}->() if $args{heal};
    my $healed = time;

    my $cold = $args{cold} // '503';

    judge("$name - cold", $seen{cold}, $cold);
    judge("$name - hot", $seen{hot},
          $args{hot} // ($cold =~ /200/ ? $cold : "200 $cold"));

    my %took = map { $_ => recovery($self, $_, $name, $healed) }
               qw( cold hot );

    Test::More::is(status($self, $_, 'member'), 403,
                   "$name - $_ - who lost a role is refused")
        for $args{revoke} ? qw( cold hot ) : ();
    redis('HSET', 'sendkit:roles:w1', u_member => 'member') if $args{revoke};

    Test::More::note(join "\n    ", "$name:",
                     map { "$_: " . story($seen{$_}) . ', recovered after '
                           . ms($took{$_}) } qw( cold hot ));
}


sub ms { return sprintf '%.0f ms', 1000 * $_[0] }


# The cache is in use, and has the owner, the stranger and the member.

sub warm {
    my ($self, $name) = @_;

    my $known = sub {
        return SendkitAuth::Zone::seen($self->{hot}, 'owner', 'w1')
               =~ /^200 allowed hit, 200 allowed hit$/;
    };

    wait_until($known, 20) or die "$name: not in the cache before\n";
    ask($self->{hot}, $_) for qw( stranger member );
    wait_until(sub { ask($self->{cold}, 'owner')->{status} == 200 }, 20)
        or die "$name: not allowed before\n";
}


sub ask { return SendkitAuth::Gate::ask($_[0], $_[1], 'w1') }

# One of two workers may still be in a pause.

sub status {
    my ($self, $kind, $who) = @_;

    my $status;
    wait_until(sub {
        $status = ask($self->{$kind}, $who)->{status};
        return $status != 503;
    }, $recovery);
    return $status;
}


# All at once, each on a connection of its own.

sub round {
    my ($gate) = @_;

    my @who = qw( owner stranger unknown member open );
    my $began = time;
    my @clients = map { SendkitAuth::Wire->new($gate->port) } @who;

    for my $i (0 .. $#who) {
        $clients[$i]->send($who[$i] eq 'open'
            ? SendkitAuth::Wire::head('GET', '/open', [])
            : SendkitAuth::Gate::request_of($who[$i], 'w1'));
    }

    # What is not guarded is answered first.

    my @answers;

    for my $i (reverse 0 .. $#who) {
        my $answer = $clients[$i]->answer;

        $clients[$i]->close;
        push @answers, { %$answer, who => $who[$i], time => time - $began };
    }

    return @answers;
}


# What has been seen: statuses of each, who was forwarded as somebody else, how
# long it took at most; and what the owner got, in order.

sub look {
    my ($seen, $answer, $lost) = @_;

    my ($who, $status, $time) = @$answer{qw( who status time )};

    $seen->{$who}{$status}++;
    $seen->{former}{$status}++ if $who eq 'member' && $lost;
    $seen->{others}++ if $status == 200 && $who ne 'open'
        && $answer->{body} !~ /"X-Sendkit-User-Id":\["u_$who"\]/;

    $seen->{time}{$who} = $time if $time > ($seen->{time}{$who} // 0);

    return if $who ne 'owner';

    my $reason = $answer->{headers}{'x-reason'} // '';
    my $shown = $status == 200 ? 200 : "$status $reason";
    my $last = $seen->{steps}[-1];

    $last && $last->[0] eq $shown ? $last->[1]++
                                  : push @{ $seen->{steps} }, [ $shown, 1 ];
}


# One test each, so that a fault can be read.

sub judge {
    my ($name, $seen, $owner) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 2;

    my %may = (owner => $owner, member => "$owner 403", former => '403 503',
               stranger => '403 503', unknown => '401 503', open => '200');
    my @wrong;

    for my $who (sort keys %may) {
        push @wrong, map { "$who: $_" } grep { $may{$who} !~ /\b$_\b/ }
                     sort keys %{ $seen->{$who} };
    }

    push @wrong, 'somebody else' if $seen->{others};

    Test::More::is(join(', ', @wrong), '', "$name - nobody gets what may not"
                                           . ' be');

    my ($slowest) = sort { $b <=> $a } values %{ $seen->{time} };
    my $open = $seen->{time}{open};

    Test::More::ok($slowest < ($slow ? 10 : 2) && $open < ($slow ? 5 : 1),
                   "$name - all in time")
        or Test::More::diag("$slowest s, $open s");
}


sub story {
    my ($seen) = @_;

    my @steps = map { "$_->[1] x $_->[0]" } @{ $seen->{steps} };
    splice @steps, 5, @steps - 5, '...' if @steps > 6;

    return join(', ', @steps) . '; slowest ' . ms($seen->{time}{owner});
}


# Allowed; the hot one from the cache of both workers.

sub recovery {
    my ($self, $kind, $name, $healed) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 2;

    my ($gate, %statuses, $allowed) = $self->{$kind};

    wait_until(sub {
        my $status = ask($gate, 'owner')->{status};

        $statuses{$status}++;
        $allowed = time - $healed if $status == 200;
        return $allowed;
    }, $recovery);

    delete $statuses{503};
    Test::More::is("@{[ keys %statuses ]}", '200',
                   "$name - $kind - 503 until it is over, then 200");

    return $allowed // 99 if $kind eq 'cold';

    Test::More::ok(wait_until(sub {
        return SendkitAuth::Zone::seen($gate, 'owner', 'w1')
               eq '200 allowed hit, 200 allowed hit';
    }, $recovery), "$name - $kind - from the cache again");

    return $allowed // 99;
}


sub ends_well {
    my ($self, $expected) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    SendkitAuth::Gate::ends_well($self->{$_}, $_, $expected)
        for qw( cold hot );
}

1;
