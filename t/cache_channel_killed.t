# Copyright (C) the ngx_sendkit_auth_module authors
#
# The connection on which Redis tells nginx what changes is cut: from then on
# nothing is taken from the cache, until nginx has subscribed anew and has
# forgotten all it knew.
#
# Fails when the loss is not told to other workers
# (ngx_sendkit_auth_cache_lose()), or when a new subscriber takes over what it
# finds (ngx_sendkit_auth_subscriber_trust()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Zone;

my $gate = zone_gate();
my ($yes, $no) = ('200 allowed', '403 role');
my $add = [ 'HSET', 'sendkit:roles:w1', u_owner => 'member' ];
my $remove = [ 'HDEL', 'sendkit:roles:w1', 'u_owner' ];


sub cut {
    my (@commands) = @_;

    my @ids = subscribers();
    is(scalar @ids, 1, 'one connection is told');
    pipeline((map { [ 'CLIENT', 'KILL', 'ID', $_ ] } @ids), @commands);
}


# It is cut before it can tell of the change that is made next.

seen($gate, 'owner', 'w1');
is(seen($gate, 'owner', 'w1'), "$yes hit, $yes hit", 'before');

for my $round (1 .. 5) {
    my $flushes = counters($gate)->{flushes};
    my ($command, $verdict, $then) = $round % 2 ? ($remove, $no, 'negative')
                                                : ($add, $yes, 'hit');

    cut($command);
    ok(wait_until(sub { counters($gate)->{flushes} > $flushes }),
       "cut, $round - all is forgotten");
    is(seen($gate, 'owner', 'w1'), "$verdict miss, $verdict $then",
       "cut, $round - the change counts");
    is(seen($gate, 'owner', 'w1'), "$verdict $then, $verdict $then",
       "cut, $round - the cache is used again");
}


# It cannot be restored for a while.

redis('ACL', 'SETUSER', 'default', '-subscribe');
cut();
channel_is($gate, 'down', 'not restored');

for my $round (1 .. 3) {
    for ([ $add, $yes ], [ $remove, $no ]) {
        my ($command, $verdict) = @$_;

        redis(@$command);
        is(seen($gate, 'owner', 'w1'), "$verdict bypass, $verdict bypass",
           "not restored, $round - Redis is asked each time");
    }
}

ok($gate->wait_for_log(qr/\[error\] .*sent error "NOPERM .*subscribing to inval/),
   'not restored - why is in the log');
is(counters($gate)->{lease_left}, 0, 'not restored - there is no lease');

redis('ACL', 'SETUSER', 'default', '+subscribe');
channel_is($gate, 'up', 'restored');
is(seen($gate, 'owner', 'w1'), "$no miss, $no negative",
   'restored - nothing is left from before');

my $log = $gate->error_log;
my @lost = $log =~ /(\[warn\] .*is not told any more by redis)/g;
my @told = $log =~ /(\[notice\] .*is told by redis what changes)/g;

is(scalar @lost, 6, 'each loss is in the log');
is(scalar @told, 7, 'each return is in the log');

ends_well($gate, 'cut');
