# Copyright (C) the ngx_sendkit_auth_module authors
#
# Redis goes away and comes back: what is cached may be used until the lease
# ends, then it is 503, never 401 or 403; and when Redis is back, nothing is
# left of what was cached before.
#
# Fails when the lease is not looked at (ngx_sendkit_auth_cache_channel()), or
# when a new subscriber takes over what it finds
# (ngx_sendkit_auth_subscriber_trust()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my ($yes, $no) = ('200 allowed', '403 role');
my $gate = zone_gate(lease => '1s', read => '200ms', timeout => '200ms');


# A known key, a known "no", and one that nobody has asked for yet.

sub runs_out {
    my ($name) = @_;
    my (%owner, %stranger);

    my $over = sub {
        $owner{$_}++ for split /, /, seen($gate, 'owner', 'w1');
        $stranger{$_}++ for split /, /, seen($gate, 'stranger', 'w1');
        return !grep { !/^503 / } split /, /, seen($gate, 'owner', 'w1');
    };

    ok(wait_until($over), "$name - 503 in the end");

    my @others = grep { !/^(?:$yes hit|503 store_\w+ (?:bypass|miss))$/ }
                 sort keys %owner;
    is("@others", '', "$name - from the cache, or 503");

    # Her key may still be known while her role is not.

    @others = grep { !/^(?:$no negative|503 store_\w+ (?:bypass|miss))$/ }
              sort keys %stranger;
    is("@others", '', "$name - what is known is refused, or 503");

    like(seen($gate, $_, 'w1'), qr/^503 store_\w+ bypass, 503 /,
         "$name - $_") for qw( admin unknown );

    return \%owner;
}


# Waits for an answer that is not 503.

sub comes_back {
    my ($name, $verdict) = @_;
    my %seen;

    my $back = sub {
        my $seen = seen($gate, 'owner', 'w1');
        $seen{$_}++ for split /, /, $seen;
        return $seen =~ /^$verdict hit, $verdict hit$/;
    };

    ok(wait_until($back), "$name - the cache is used again");

    my @others = grep { !/^(?:503|$verdict) / } sort keys %seen;
    is("@others", '', "$name - 503, and then what is true");
}


sub warm {
    my ($name) = @_;

    channel_is($gate, 'up', $name);
    seen($gate, $_, 'w1') for qw( owner stranger );
    is(seen($gate, 'owner', 'w1'), "$yes hit, $yes hit", "$name - known");
    is(seen($gate, 'stranger', 'w1'), "$no negative, $no negative",
       "$name - known to have no role");
}


sub change {
    redis(@$_) for @$Seed;
    redis('HSET', key('owner'), status => 'revoked');
}


# It does not answer, and then it does.

for my $round (1, 2) {
    my $name = "stopped, $round";

    warm($name);
    redis_server()->stop;
    ok(runs_out($name)->{"$yes hit"}, "$name - the cache was used");
    redis_server()->cont;
    comes_back($name, $yes);
}

# It is killed; another one starts, and what was true is not any more.

warm('killed');
redis_server()->kill9;
runs_out('killed');
redis_server()->start;
change();
comes_back('killed', '401 inactive_key');

# It is told to end, which closes all connections.

redis(@$_) for @$Seed;
redis('HSET', key('owner'), status => 'active');
wait_until(sub { seen($gate, 'owner', 'w1') =~ /200/ });
warm('shut down');
eval { redis('SHUTDOWN', 'NOSAVE') };
redis_server()->kill9;
runs_out('shut down');
redis_server()->start;
change();
comes_back('shut down', '401 inactive_key');

# It is replaced at once: an instant without it is not noticed by clients.

redis('HSET', key('owner'), status => 'active');
wait_until(sub { seen($gate, 'owner', 'w1') =~ /200/ });
warm('restarted');

my $flushes = counters($gate)->{flushes};

redis_server()->restart;
change();
ok(wait_until(sub { counters($gate)->{flushes} > $flushes }),
   'restarted - all is forgotten');
comes_back('restarted', '401 inactive_key');

ends_well($gate, 'away');
