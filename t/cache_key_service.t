# Copyright (C) the ngx_sendkit_auth_module authors
#
# A key that is replaced or deleted through the key service is refused by all
# workers as soon as nginx is told, also if it was cached; the new one is good.
#
# Fails when the record of a key is not among the names that are tracked
# (ngx_sendkit_auth_tracked), or an invalidation does not reach what is cached
# (ngx_sendkit_auth_cache_invalidate()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys qw( $KeyLocation manage );
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my ($yes, $gone) = ('200 allowed', '401 unknown_key');
my $gate = zone_gate(location => $KeyLocation);


# Changes the key by the gateway, and waits until that is told.

sub change {
    my ($name, $status, $method, @path) = @_;

    my $before = counters($gate)->{invalidations};
    my $answer = manage($gate, 'owner', $method, @path);

    is($answer->{status}, $status, "$name - done");
    ok(wait_until(sub { counters($gate)->{invalidations} > $before }),
       "$name - is told");

    return $answer->{body} =~ /"apiKey":"([^"]+)"/ ? $1 : undef;
}


sub is_good {
    my ($name, $key) = @_;

    is(seen($gate, $key, 'w1'), "$yes miss, $yes hit", "$name - is good");
    is(seen($gate, $key, 'w1'), "$yes hit, $yes hit", "$name - is cached");
}


sub is_gone {
    my ($name, $key) = @_;

    is(seen($gate, $key, 'w1'), "$gone miss, $gone negative",
       "$name - is refused");
}


for my $round (1 .. 3) {
    my $first = change("create, $round", 201, 'POST');
    is_good("the first key, $round", $first);

    my $second = change("rotate, $round", 200, 'POST', '/rotate');
    is_gone("the first key, rotated, $round", $first);
    is_good("the second key, $round", $second);

    change("delete, $round", 200, 'DELETE');
    is_gone("the second key, deleted, $round", $second);
    is(seen($gate, $first, 'w1'), "$gone negative, $gone negative",
       "the first key, still gone, $round");
}

ends_well($gate, 'key service');
