# Copyright (C) the ngx_sendkit_auth_module authors
#
# A zone of 64 kB and many more keys than fit: each has its own verdict and its
# own identity, in any order and after a change; what does not fit is asked for
# again.
#
# Fails when a full set is not evicted from (ngx_sendkit_auth_table_way()), or
# when entries are found by less than their whole name and some have that in
# common (ngx_sendkit_auth_table_lookup()).
#
# With CACHE_LONG=1 there are ten times as many keys.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Zone;

use List::Util qw( shuffle );

my $count = $ENV{CACHE_LONG} ? 100_000 : 10_000;
my $workspaces = 100;
my $gate = zone_gate(zone => 'gate:64k', location => $Crowded,
                     log_level => 'warn');


# One in five is unknown, one revoked, one without a role, one an admin, one a
# workspace key.

sub workspace { return 'w' . $_[0] % $workspaces }

sub api_key {
    my ($i) = @_;
    return sprintf '%s_principal-%010d', $i % 5 == 4 ? 'sk' : 'sk_user', $i;
}


sub commands {
    my ($i) = @_;

    my @command = ('HSET', 'sendkit:key:' . digest(api_key($i)));
    my @user = (type => 'platform', user => "u$i");

    return ()                                      if $i % 5 == 0;
    return [ @command, @user, status => 'gone' ]   if $i % 5 == 1;
    return [ @command, @user ]                     if $i % 5 == 2;
    return ([ @command, @user ],
            [ 'HSET', 'sendkit:roles:' . workspace($i), "u$i", 'admin' ])
                                                   if $i % 5 == 3;
    return [ @command, type => 'workspace', workspace => workspace($i) ];
}


sub verdict {
    my ($i, $gone) = @_;

    return '401 unknown_key /'      if $i % 5 == 0;
    return "401 inactive_key u$i/"  if $i % 5 == 1;
    return "403 role u$i/"          if $i % 5 == 2;
    return '200 allowed /'          if $i % 5 == 4;
    return $gone->{workspace($i)} ? "403 role u$i/" : "200 allowed u$i/admin";
}


sub are_right {
    my ($name, $gone, @order) = @_;
    my (%wrong, %cache);

    while (my @some = splice @order, 0, 100) {
        my @got = crowd($gate, map { [ api_key($_), workspace($_) ] } @some);

        for my $i (0 .. $#some) {
            my ($head, $cache, $tail) = $got[$i] =~ /^(\d+ \w+) (\w+) (.*)/;
            my $got = "$head $tail";

            $cache{$cache}++;
            $wrong{$some[$i]} = $got if $got ne verdict($some[$i], $gone);
        }
    }

    my @wrong = map { "$_: $wrong{$_}" } sort keys %wrong;
    is("@wrong[0 .. ($#wrong > 4 ? 4 : $#wrong)]", '',
       "$name - each verdict is right");

    return \%cache;
}


pipeline([ 'FLUSHALL' ]);
pipeline(map { commands($_) } 1 .. $count);

my @all = 1 .. $count;
my @hot = map { ($_) x 3 } 1 .. 50;

are_right('all', {}, @all);
are_right('shuffled', {}, shuffle(@all));

my $cache = are_right('a few, again and again', {}, @hot, @hot);
cmp_ok($cache->{hit} // 0, '>', 0, 'the cache is used');
cmp_ok(counters($gate)->{evictions}, '>', $count / 100,
       'more is evicted than fits');

my %gone = map { ("w$_" => 1) } grep { $_ % 2 } 0 .. $workspaces - 1;

told($gate, [ 'DEL', map { "sendkit:roles:$_" } sort keys %gone ]);
are_right('half of the workspaces deleted', \%gone, @hot, shuffle(@all));

ends_well($gate, 'small zone');
