# Copyright (C) the ngx_sendkit_auth_module authors
#
# What is cached is used no longer than sendkit_auth_cache_ttl, or
# sendkit_auth_negative_ttl if it is a "no", nor longer than the key lives in
# Redis, nor after the record's own end, also when Redis tells nothing.
#
# Fails when the PTTL of the key is not taken into account
# (ngx_sendkit_auth_flight_ttl()), when the life of an entry is not looked at
# (ngx_sendkit_auth_cache_find()), when misses have the life of all
# (ngx_sendkit_auth_cache_store()), or when the end of a record is looked at
# only when it is read.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my $yes = '200 allowed';
my $gate = zone_gate(read => '100ms', timeout => '100ms');


# Redis cannot tell, as it is stopped; a hit does not need it.

for ([ 'record', key('owner') ], [ 'role', 'sendkit:roles:w1' ]) {
    my ($name, $key) = @$_;

    # A worker may be in a pause since Redis was stopped.

    ok(wait_until(sub {
        fresh_zone($gate);
        told($gate, [ 'PEXPIRE', $key, 3000 ]);
        return seen($gate, 'owner', 'w1') eq "$yes miss, $yes hit";
    }), "$name - has a TTL");

    redis_server()->stop;
    ok(wait_until(sub { seen($gate, 'owner', 'w1') !~ /200/ }),
       "$name - its time is over");
    like(seen($gate, 'owner', 'w1'), qr/^503 store_\w+ miss, 503 /,
         "$name - Redis is asked");

    redis_server()->cont;
    ok(wait_until(sub { seen($gate, 'owner', 'w1') !~ /503/ }),
       "$name - Redis answers");
    like(seen($gate, 'owner', 'w1'), qr/^(?:401 unknown_key|403 role) /,
         "$name - it is gone");
}


# A TTL that is taken away again.

fresh_zone($gate);
told($gate, [ 'EXPIRE', key('owner'), 1000 ]);
is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit", 'a long TTL');
told($gate, [ 'PERSIST', key('owner') ]);
is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit", 'no TTL any more');
told($gate, [ 'PEXPIREAT', key('owner'), 1000 ]);
is(seen($gate, 'owner', 'w1'),
   '401 unknown_key miss, 401 unknown_key negative', 'a TTL in the past');


# The record's own end comes while it is cached: Redis is not asked.

fresh_zone($gate, [ 'HSET', key('owner'), expires => time + 3 ]);
is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit", 'a record that ends');
asked();
ok(wait_until(sub { seen($gate, 'owner', 'w1') !~ /200/ }),
   'a record that ends - has ended');
is(seen($gate, 'owner', 'w1'), join(', ', ('401 expired_key hit') x 2),
   'a record that ends - expired');
is(asked(), '', 'a record that ends - Redis was not asked');

ends_well($gate, 'TTLs of Redis');


# The gate's own limits.

$gate = zone_gate(ttl => '1s');
seen($gate, 'owner', 'w1');
ok(wait_until(sub { seen($gate, 'owner', 'w1') =~ /miss/ }),
   'sendkit_auth_cache_ttl - Redis is asked again');
ends_well($gate, 'sendkit_auth_cache_ttl');

$gate = zone_gate(negative => '1s');
seen($gate, $_, 'w1') for qw( owner unknown stranger );
for my $who (qw( unknown stranger )) {
    ok(wait_until(sub { seen($gate, $who, 'w1') =~ /miss/ }),
       "sendkit_auth_negative_ttl - Redis is asked again, $who");
}
is(seen($gate, 'owner', 'w1'), "$yes hit, $yes hit",
   'sendkit_auth_negative_ttl - is not that of a "yes"');
ends_well($gate, 'sendkit_auth_negative_ttl');
