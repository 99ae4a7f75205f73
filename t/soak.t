# Copyright (C) the ngx_sendkit_auth_module authors
#
# The soak, for some seconds: random changes, faults and requests, each judged
# by what Redis held at that time.  "make soak" is the same for longer.
#
# Fails when ngx_sendkit_auth_cache_invalidate() does nothing, when a role or an
# identity is that of another request, when a store that is down is taken for
# a "no".

use SendkitAuth;

my $time = $Slow ? 30 : 16;
my $output = do {
    local @ENV{qw( SOAK_TIME SOAK_VERBOSE )} = ($time, 1);
    `$^X t/soak/run 2>&1`;
};

is($?, 0, 'the soak has passed') or diag($output);
like($output, qr/^seed \d+, /, 'it says its seed');

my ($requests, $h1, $h2, $sights) = $output
    =~ /^requests +(\d+) \(h1 (\d+), h2 (\d+)\), (\d+) reached/m;

cmp_ok($h1, '>', 100, 'there were requests over HTTP/1.1');
cmp_ok($h2, '>', 100, 'there were requests over HTTP/2');
cmp_ok($sights, '>', 100, 'the backend saw some');
like($output, qr/^faults +\w+ \d/m, 'there were faults');
