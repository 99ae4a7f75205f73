# Copyright (C) the ngx_sendkit_auth_module authors
#
# What one worker has learnt from Redis is a hit for all workers, and Redis is
# not asked again; a "no" is remembered, too; $sendkit_auth_cache and the
# counters say so.
#
# Fails when an answer is not stored (ngx_sendkit_auth_lookup_keep()), or is
# stored for the worker alone; when an allowed "no" counts as a hit
# (ngx_sendkit_auth_lookup_cached()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my $gate = zone_gate();


sub is_counted {
    my ($name, $before, %expected) = @_;

    my $after = counters($gate);
    my %got = map { $_ => $after->{$_} - $before->{$_} } keys %expected;

    is_deeply(\%got, \%expected, "$name - counters");
}


# Who, workspace, what each of the workers says, what Redis was asked; how
# many lookups were misses, hits and cached "no".

for ([ 'owner', 'w1', '200 allowed', 'miss', 'hit', 'hget=1 hmget=1',
       2, 2, 0 ],
     [ 'workspace', 'w1', '200 allowed', 'miss', 'hit', 'hmget=1', 1, 1, 0 ],
     [ 'unknown', 'w1', '401 unknown_key', 'miss', 'negative', 'hmget=1',
       1, 0, 1 ],
     [ 'expired', 'w1', '401 expired_key', 'miss', 'hit', 'hmget=1',
       1, 1, 0 ],
     [ 'inactive', 'w1', '401 inactive_key', 'miss', 'hit', 'hmget=1',
       1, 1, 0 ],
     [ 'stranger', 'w1', '403 role', 'miss', 'negative', 'hget=1 hmget=1',
       2, 1, 1 ],
     [ 'odd', 'w1', '403 role', 'miss', 'negative', 'hget=1 hmget=1',
       2, 1, 1 ],
     [ 'owner', 'w9', '403 role', 'miss', 'negative', 'hget=1', 1, 2, 1 ],
     [ 'other', 'w1', '403 other_workspace', 'miss', 'hit', 'hmget=1',
       1, 1, 0 ])
{
    my ($who, $workspace, $verdict, $first, $then, $asked, @counts) = @$_;
    my $name = "$who in $workspace";
    my $before = counters($gate);

    asked();
    is(seen($gate, $who, $workspace), "$verdict $first, $verdict $then",
       "$name - the second worker knows");
    is(asked(), $asked, "$name - Redis was asked once");
    is_counted($name, $before, misses => $counts[0], hits => $counts[1],
               negatives => $counts[2], bypasses => 0, evictions => 0);

    is(seen($gate, $who, $workspace), "$verdict $then, $verdict $then",
       "$name - both know");
    is(asked(), '', "$name - Redis was asked for nothing more");
}


# The backend gets from the cache what it gets from Redis.

for my $who (qw( owner admin workspace )) {
    is_allowed(ask($gate, $who, 'w1'), $who, 'w1', "$who - asked") for 1 .. 2;
}


# What is no answer is not kept.

is(seen($gate, 'broken', 'w1'),
   join(', ', ('503 store_error miss') x 2), 'a broken record - not kept');


# What needs no lookup.

for ([ 'not a key', '401 bad_key', 'not-a-key', 'w1' ],
     [ 'a kind of key', '403 key_kind', 'workspace', 'w1',
       [ 'GET', '/v1/account' ] ])
{
    my ($name, $verdict, @request) = @$_;

    asked();
    is(seen_by($gate, first_worker($gate), @request), "$verdict -",
       "$name - not looked up");
    is(asked(), '', "$name - Redis was not asked");
}

ends_well($gate, 'with a zone');


# Without a zone everything is as before.

$gate = gate(location => 'add_header X-Cache $sendkit_auth_cache always;'
                         . 'location = /counters { return 200'
                         . ' "$sendkit_auth_cache_hits'
                         . ' $sendkit_auth_channel'
                         . ' $sendkit_auth_lease_left"; }');

asked();

for my $round (1 .. 2) {
    for ([ 'owner', '200 allowed' ], [ 'unknown', '401 unknown_key' ],
         [ 'stranger', '403 role' ])
    {
        my ($who, $verdict) = @$_;
        my $headers = (my $answer = ask($gate, $who, 'w1'))->{headers};

        is("$answer->{status} @$headers{qw( x-reason x-cache )}",
           "$verdict bypass", "no zone - $who, $round");
    }
}

is(asked(), 'hget=4 hmget=6', 'no zone - Redis was asked each time');
is(SendkitAuth::Wire->new($gate->port)
       ->request('GET', '/counters')->{body}, '  ',
   'no zone - no counters');
ends_well($gate, 'no zone');
