# Copyright (C) the ngx_sendkit_auth_module authors
#
# A flood of unknown keys, or of workspaces that nobody has, does not push out
# of the cache what is used: at least 99 of 100 lookups of hot keys are hits.
#
# Fails when misses are kept among the records or the roles
# (ngx_sendkit_auth_cache_store_record(), ngx_sendkit_auth_cache_store_role()).
#
# With CACHE_LONG=1 there are a million of each.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

use Test::More;
use Time::HiRes ();

my $flood = $ENV{CACHE_LONG} ? 1_000_000 : 20_000;
my $hot = 1000;
my $gate = zone_gate(location => $Crowded, log_level => 'warn', ttl => '1h',
                     negative => '1h');


sub hot_key { return sprintf 'sk_user_hot-%016d', $_[0] }

sub hot_request {
    my ($i) = @_;
    return [ hot_key($i % $hot), 'w' . $i % 10 ];
}


# Four of the flood, one that is hot, and so on.

sub survives {
    my ($name, $verdict, $request) = @_;
    my (%seen, %flooded);
    my $n = 0;
    my $started = Time::HiRes::time();

    for (my $i = 0; $i < $flood; $i += 80) {
        my @hot = map { hot_request($n++) } 1 .. 20;
        my @flood = map { $request->($_) } $i .. $i + 79;
        my @got = crowd($gate, map { ($_ % 5 ? shift @flood : shift @hot) }
                                   0 .. 99);

        $seen{ (split ' ', $got[$_])[2] }++ for grep { $_ % 5 == 0 } 0 .. 99;
        $flooded{ join ' ', (split ' ', $got[$_])[0, 1] }++
            for grep { $_ % 5 } 0 .. 99;
    }

    my $ratio = ($seen{hit} // 0) / $n;

    cmp_ok($ratio, '>=', 0.99, "$name - hot keys are hits");
    is(join(', ', map { "$_: $flooded{$_}" } keys %flooded),
       "$verdict: $flood", "$name - the flood is refused");
    note(sprintf '%s: %d of the flood, %d hot, hits %.4f %%, %.0f s, %s',
                 $name, $flood, $n, 100 * $ratio,
                 Time::HiRes::time() - $started,
                 join ' ', map { "$_=" . counters($gate)->{$_} }
                               qw( hits negatives misses evictions ));
}


pipeline(map { (record(hot_key($_), type => 'platform', user => "u_$_"),
                [ 'HSET', 'sendkit:roles:w' . $_ % 10, "u_$_", 'member' ]) }
             0 .. $hot - 1);

for my $round (1, 2) {
    crowd($gate, map { hot_request($_) } $_ * 100 .. $_ * 100 + 99)
        for 0 .. $hot / 100 - 1;
}

survives('unknown keys', '401 unknown_key',
         sub { [ sprintf('sk_user_flood-%016d', $_[0]), 'w1' ] });
survives('workspaces', '403 role', sub { [ 'owner', "nobody-has-$_[0]" ] });

ends_well($gate, 'floods');
