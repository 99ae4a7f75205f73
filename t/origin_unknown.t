# Copyright (C) the ngx_sendkit_auth_module authors
#
# What the origin does not know is an unknown key, and remembered as such for
# sendkit_auth_negative_ttl, in Redis: not in a worker.  A record that is
# written meanwhile counts at once.
#
# Fails when 404 is an error or not remembered, when the marker is looked at
# before the record or outlives its time, or when the marker of one key is
# that of another.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

my $origin = origin();
my $gate = gate($origin->gate(more => 'sendkit_auth_negative_ttl 100s;'));
my $marker = 'no-key:unknown 1, expires';


# Asked once, refused each time.

fresh($origin);
is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key', 'unknown')
    for 1 .. 3;
is_forwarded_never('unknown');
is_asked($origin, 'unknown:w1', 'unknown');
is_stored('unknown', $marker);

my $life = life('no-key:unknown');
ok($life > 50_000 && $life <= 100_000, 'unknown - for the negative TTL')
    or diag($life);

# Whatever else it asks for.

is_refused(ask($gate, 'unknown', 'w2'), 401, 'unknown_key',
           'unknown in another workspace');
is_refused(ask($gate, 'unknown', undef, [ 'GET', '/v1/account' ]), 401,
           'unknown_key', 'unknown without a workspace');
is_asked($origin, 'unknown:w1', 'unknown elsewhere');
redis('PEXPIRE', 'sendkit:no-key:' . digest($Key{unknown}), 30_000);
ask($gate, 'unknown', 'w1');
cmp_ok(life('no-key:unknown'), '<=', 30_000,
       'unknown - a marker is not kept by being used');

# Other keys are not meant by it.

is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'a key that is known');
is_allowed(ask($gate, 'workspace', 'w1'), 'workspace', 'w1',
           'a workspace key that is known');

# A workspace key that is unknown.

fresh($origin);
my $no_such = 'sk_no-such-key-0123456789abcdef';
is_refused(ask($gate, $no_such, 'w1'), 401, 'unknown_key',
           'an unknown workspace key') for 1 .. 2;
is(scalar $origin->questions, 1, 'an unknown workspace key - one question');
is((stored())[0], 'no-key:' . digest($no_such) . ' 1, expires',
   'an unknown workspace key - is remembered');


# A record beats the marker at once, and is the one that is used.

fresh($origin);
is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key', 'before');
redis('HSET', 'sendkit:key:' . digest($Key{unknown}), type => 'platform',
      user => 'u_unknown');
redis('HSET', 'sendkit:roles:w1', u_unknown => 'owner');
is(ask($gate, 'unknown', 'w1')->{status}, 200, 'a record beats the marker');
is_asked($origin, 'unknown:w1', 'a record beats the marker');
redis('DEL', 'sendkit:key:' . digest($Key{unknown}));
is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key',
           'without the record the marker holds');
is_asked($origin, 'unknown:w1', 'without the record');

# The marker is over; the origin has learned of the key.

lapse('no-key:unknown');
is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key', 'asked again');
is_asked($origin, 'unknown:w1 unknown:w1', 'asked again');

$origin->set([ 'unknown', 'w1', 200, 'X-Sendkit-Key-Type: platform',
               'X-Sendkit-User-Id: u_unknown', 'X-Sendkit-Role: admin' ]);
fresh($origin, [ 'SET', 'sendkit:no-key:' . digest($Key{unknown}), 1 ]);
is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key',
           'a marker that somebody else has set');
is_asked($origin, '', 'a marker that somebody else has set');

lapse('no-key:unknown');
is(ask($gate, 'unknown', 'w1')->{status}, 200, 'known by now');
is_stored('known by now', 'key:unknown type=platform user=u_unknown, expires',
          'roles:w1 u_unknown=admin, expires');

# And has forgotten it.

$origin->set;
lapse('key:unknown');
lapse('roles:w1');
is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key', 'forgotten');
is_stored('forgotten', $marker);

# A marker that is no string: an error, and no 401.

fresh($origin, [ 'RPUSH', 'sendkit:no-key:' . digest($Key{unknown}), 1 ]);
is_refused(ask($gate, 'unknown', 'w1'), 503, 'store_error',
           'a marker that is a list');
is_asked($origin, '', 'a marker that is a list');
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
           'a marker that is a list - then another key');
ends_well($gate, 'unknown');


# It is remembered by all workers, and for five seconds unless set.

$gate = gate($origin->gate(workers => 2));
fresh($origin);
ask($gate, 'unknown', 'w1');
$life = life('no-key:unknown');
ok($life > 1_000 && $life <= 5_000, 'the default of the negative TTL')
    or diag($life);
redis('PERSIST', 'sendkit:no-key:' . digest($Key{unknown}));
is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key', 'two workers')
    for 1 .. 10;
is_asked($origin, 'unknown:w1', 'two workers');
ends_well($gate, 'two workers');
