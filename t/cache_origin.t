# Copyright (C) the ngx_sendkit_auth_module authors
#
# What the origin does not know is remembered in the cache, too, as a "no" that
# ends when Redis forgets it or gets a record; and a location that asks no
# origin neither sees that "no" nor hides it from one that asks.
#
# Fails when the names of the markers are not tracked
# (ngx_sendkit_auth_tracked), or when both kinds of location share the "no"
# (ngx_sendkit_auth_cache_miss_name()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my ($yes, $gone, $no) = ('200 allowed', '401 unknown_key', '403 role');
my $origin = origin();
my $marker = 'sendkit:no-key:' . digest($Key{unknown});
my @record = (type => 'platform', user => 'u_owner');
my @alone = (undef, [ 'GET', '/v1/workspaces/w1' ]);

my $gate = zone_gate($origin->gate(location => <<"END"));
    location = /v1/workspaces/w1 {
        sendkit_auth         on;
        sendkit_auth_origin  off;
        include              $Top/conf/sendkit_v1_routes.conf;
        proxy_pass           http://backend;
    }
END


# The marker is written, and then read: what it says is cached.

sub is_remembered {
    my ($verdict, $name, @request) = @_;

    ok(wait_until(sub {
        return seen($gate, @request) eq join ', ', ("$verdict negative") x 2;
    }), "$name - remembered");
    asked();
    is(seen($gate, @request), join(', ', ("$verdict negative") x 2),
       "$name - by both workers");
    is(asked(), '', "$name - Redis is not asked");
}


# A key that the origin does not know.

fresh_zone($gate);
$origin->mark;
is_remembered($gone, 'no key', 'unknown', 'w1');
is_asked($origin, 'unknown:w1', 'no key');

told($gate, [ 'DEL', $marker ]);
$origin->mark;
is_remembered($gone, 'no key, the marker has ended', 'unknown', 'w1');
is_asked($origin, 'unknown:w1', 'no key, the marker has ended');

told($gate, [ 'HSET', key('unknown'), @record ]);
is(seen($gate, 'unknown', 'w1'), "$yes miss, $yes hit", 'no key, created');
told($gate, [ 'DEL', key('unknown') ]);
is(seen_by($gate, first_worker($gate), 'unknown', 'w1'), "$gone miss",
   'no key, deleted again');


# A role that the origin does not know.

is_remembered($no, 'no role', 'stranger', 'w1');
told($gate, [ 'HSET', 'sendkit:roles:w1', u_stranger => 'member' ]);
is(seen($gate, 'stranger', 'w1'), "$yes miss, $yes hit", 'no role, given');
told($gate, [ 'HDEL', 'sendkit:roles:w1', 'u_stranger' ]);
is_remembered($no, 'no role, taken', 'stranger', 'w1');


# The location that does not ask: its "no" is not that of the other.

fresh_zone($gate, [ 'DEL', key('owner') ], [ 'DEL', 'sendkit:roles:w1' ]);
is(seen($gate, 'owner', @alone), "$gone miss, $gone negative",
   'a key, without the origin');
is(seen_by($gate, first_worker($gate), 'owner', 'w1'), "$yes miss",
   'a key, with the origin');
ok(wait_until(sub { seen($gate, 'owner', @alone) eq "$yes hit, $yes hit" }),
   'a key, without the origin, that it has told');

told($gate, [ 'DEL', 'sendkit:roles:w1' ]);
is(seen($gate, 'owner', @alone), "$no miss, $no negative",
   'a role, without the origin');
is(seen_by($gate, first_worker($gate), 'owner', 'w1'), "$yes miss",
   'a role, with the origin');

# And the "no" of the origin is not that of Redis.

fresh_zone($gate);
is_remembered($gone, 'with the origin', 'unknown', 'w1');
is(seen($gate, 'unknown', @alone), "$gone miss, $gone negative",
   'without the origin - Redis is asked');

ends_well($gate, 'with an origin');
