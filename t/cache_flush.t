# Copyright (C) the ngx_sendkit_auth_module authors
#
# When Redis is emptied, all that is cached is gone at once: by FLUSHALL,
# FLUSHDB, eviction.  Of SWAPDB Redis tells nobody: that is for who runs it,
# with a message on the channel.
#
# Fails when a nil, or a message that is no name, does not empty the cache
# (ngx_sendkit_auth_channel_payload(), ngx_sendkit_auth_invalidated()), or only
# some names of a long message are looked at.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my $gate = zone_gate();

my %verdict = (owner => '200 allowed', workspace => '200 allowed',
               stranger => '403 role', unknown => '401 unknown_key');
my @who = sort keys %verdict;


# Each of them, by both workers: with what was cached, then from the cache.

sub are_seen {
    my ($name, $first, %verdicts) = @_;

    for my $who (@who) {
        my $verdict = $verdicts{$who} // $verdicts{any};
        my $then = $verdict =~ /unknown|role/ ? 'negative' : 'hit';

        is(seen($gate, $who, 'w1'),
           "$verdict " . ($first || $then) . ", $verdict $then",
           "$name - $who");
    }
}


sub is_flushed {
    my ($name, @commands) = @_;

    fresh_zone($gate);
    are_seen("$name, before", 'miss', %verdict);
    are_seen("$name, cached", '', %verdict);
    told($gate, @commands);
    are_seen("$name, after", 'miss', any => '401 unknown_key');
}


is_flushed('FLUSHALL', [ 'FLUSHALL' ]);
is_flushed('FLUSHALL SYNC', [ 'FLUSHALL', 'SYNC' ]);
is_flushed('FLUSHDB', [ 'FLUSHDB', 'ASYNC' ]);
is_flushed('FLUSHALL in a transaction', [ 'MULTI' ], [ 'FLUSHALL' ],
           [ 'EXEC' ]);
is_flushed('FLUSHDB in a transaction after a write', [ 'MULTI' ],
           [ 'HSET', key('owner'), status => 'active' ], [ 'FLUSHDB' ],
           [ 'EXEC' ]);
is_flushed('FLUSHALL by a script', [ 'EVAL', "redis.call('FLUSHALL')", 0 ]);
is_flushed('SWAPDB that is told', [ 'MULTI' ], [ 'SWAPDB', 0, 7 ],
           [ 'PUBLISH', '__redis__:invalidate', 'swapdb' ], [ 'EXEC' ]);


# What is emptied and written again is what counts.

fresh_zone($gate);
are_seen('emptied and written, before', 'miss', %verdict);
fresh_zone($gate, [ 'DEL', key('owner') ]);
are_seen('emptied and written', 'miss', %verdict,
         owner => '401 unknown_key');


# Another database: the same news, so a lookup too many.

fresh_zone($gate);
are_seen('another database, before', 'miss', %verdict);
told($gate, [ 'SELECT', 3 ], [ 'FLUSHDB' ]);
are_seen('another database, after', 'miss', %verdict);


# Eviction is told by name, many names in a message.

fresh_zone($gate, [ 'DEL', 'sendkit:roles:w2' ],
           map { [ 'SET', "sendkit:key:$_", 'x' ] } 1 .. 500);
are_seen('eviction, before', 'miss', %verdict);

my $before = counters($gate)->{invalidations};
my $names = redis('DBSIZE');

redis('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random');
redis('CONFIG', 'SET', 'maxmemory', 1);
ok(wait_until(sub {
    redis('PING');
    return counters($gate)->{invalidations} >= $before + $names;
}), 'eviction - all of it is told');

for my $who (grep { $_ ne 'unknown' } @who) {
    is(seen($gate, $who, 'w1'), '401 unknown_key miss, '
                                . '401 unknown_key negative',
       "eviction, after - $who");
}

redis('CONFIG', 'SET', 'maxmemory', 0);


# SWAPDB alone: not told, so what is cached lives on, but no longer than it
# would; here the news of something else shows that nothing was to come.

fresh_zone($gate);
are_seen('SWAPDB, before', 'miss', %verdict);

my $flushes = counters($gate)->{flushes};

redis('SWAPDB', 0, 9);
told($gate, [ 'HSET', 'sendkit:roles:w5', u_owner => 'owner' ]);
are_seen('SWAPDB, after', '', %verdict);
is(counters($gate)->{flushes}, $flushes, 'SWAPDB - nothing was flushed');

ends_well($gate, 'flushes');

$gate = zone_gate(ttl => '1s', negative => '1s');
seen($gate, 'owner', 'w1');
redis('SWAPDB', 0, 9);
ok(wait_until(sub { seen($gate, 'owner', 'w1') !~ /200/ }),
   'SWAPDB - the end of sendkit_auth_cache_ttl');
like(seen($gate, 'owner', 'w1'), qr/^401 unknown_key \w+, 401 unknown_key/,
     'SWAPDB - after sendkit_auth_cache_ttl');

ends_well($gate, 'SWAPDB');
