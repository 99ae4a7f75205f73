# Copyright (C) the ngx_sendkit_auth_module authors
#
# Connections to Redis that end, or are refused.
#
# Fails when a lost connection leaves waiters behind
# (ngx_sendkit_auth_redis_client_fail()), or becomes a verdict
# (sendkit_decision_store()).

use SendkitAuth;
use SendkitAuth::FaultBench;

my $bench = SendkitAuth::FaultBench->new;
my $proxy = $bench->proxy;


# All of them once; the next ones are good.

for my $how (qw( end reset )) {
    $bench->fault("connections are closed: $how", sub { $proxy->$how },
                  for => 0.5, cold => '200 503');
}

# In the middle of a reply, each time.

for my $how (qw( truncate cut )) {
    $bench->fault("the server dies in its reply: $how",
                  sub { $proxy->fault(replies => $how => 7) }, for => 0.5);
}

# None can be made.

$bench->fault('refused', sub { $proxy->door('refuse')->reset });
$bench->fault('refused, the old ones are good', sub { $proxy->door('refuse') },
              for => 0.5, cold => '200 503');

$bench->ends_well;
