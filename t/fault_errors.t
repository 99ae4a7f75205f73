# Copyright (C) the ngx_sendkit_auth_module authors
#
# Whatever error Redis answers with is an outage for who has to ask, and is not
# noticed by who is in the cache.  The next right reply counts again, on the same
# connection.  (redis_garbage.t has more, without a cache.)
#
# Fails when an error becomes 401 or 403 (sendkit_decision_store()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $cold = gate(redis => $fake->address);
my $hot = zone_gate($fake);

my @errors = (
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
    'NOPERM User nginx has no permissions to run the \'hmget\' command',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    "OOM command not allowed when used memory > 'maxmemory'.",
    'MOVED 3999 127.0.0.1:6381', 'ASK 3999 127.0.0.1:6381',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'CLUSTERDOWN Hash slot not served',
    "CROSSSLOT Keys in request don't hash to the same slot",
    'BUSY Redis is busy running a script.', 'MISCONF Errors writing to the AOF',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set"
        . " to 'no'.", 'NOREPLICAS Not enough good replicas to write.',
    'EXECABORT Transaction discarded because of previous errors.',
    'NOPROTO unsupported protocol version', 'UNBLOCKED force unblock',
    'NOSUCHPREFIX of any version so far', 'ERR max number of clients reached',
    'err', 'ERR', '',
);


# Nobody else has asked for her; what is known now is forgotten at the end.

sub is_outage {
    my ($error, $command) = @_;
    my $name = "$command: " . ($error =~ /^(\S+)/ ? $1 : 'nothing');

    shown($hot, 'owner', 'w1');
    $Upstream->mark;
    $fake->on($command => send => "-$error\r\n");

    is_refused(ask($cold, 'owner', 'w1'), 503, 'store_error',
               "$name - cold - the owner");
    is(shown($hot, 'admin', 'w1'), '503 store_error miss',
       "$name - hot - who is not in the cache");
    is_forwarded_never($name);
    is(shown($hot, 'owner', 'w1'), '200 hit',
       "$name - hot - who is in the cache");

    $fake->on($command);

    is_allowed(ask($cold, 'owner', 'w1'), 'owner', 'w1',
               "$name - cold - allowed then");
    is_allowed(ask($hot, 'admin', 'w1'), 'admin', 'w1',
               "$name - hot - allowed then");

    change($hot, $fake, [ 'HSET', key_of('admin'), seen => $name ]);
}


sub key_of { return 'sendkit:key:' . digest($Key{$_[0]}) }


is_allowed(ask($cold, 'owner', 'w1'), 'owner', 'w1', 'cold - before');
is_allowed(ask($hot, 'owner', 'w1'), 'owner', 'w1', 'hot - before');
$fake->mark;

is_outage($_, 'hmget') for @errors;
change($hot, $fake, [ 'HSET', 'sendkit:roles:w1', seen => 'x' ]);

for my $error (@errors) {
    is_outage($error, 'hget');
    change($hot, $fake, [ 'HSET', 'sendkit:roles:w1', seen => $error ]);
}

# Only PING, on the channel, decides whether the cache is used.

# Who is told NOAUTH, which is once for each command and gate, logs in again.

is(scalar $fake->events('connect'), 4, 'no other connection was lost');
ends_well($_, 'errors') for $cold, $hot;
