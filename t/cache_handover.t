# Copyright (C) the ngx_sendkit_auth_module authors
#
# A worker process that ends on a reload hands over to the next one only if that
# one is told already what changes in Redis.  If it is not, as Redis lets nobody
# in for a while, the cache is not used: nobody would hear that a role is lost.
#
# Fails when ngx_sendkit_auth_subscriber_leave() does not look whether the next
# one is subscribed.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

redis('FLUSHALL');
redis(@$_) for @$Seed;

my @request = ('owner', undef, [ 'POST', '/v1/workspaces/w1/api-key' ]);

# The lease is longer than all of this takes.

my $gate = gate(more => 'sendkit_auth_zone z:1m; sendkit_auth_lease 60s;',
                location => 'add_header X-Cache $sendkit_auth_cache always;');

sub answers {
    my ($status, $name) = @_;
    ok(wait_until(sub { ask($gate, @request)->{status} == $status }), $name);
}

sub is_hit { return (ask($gate, @request)->{headers}{'x-cache'} // '') eq 'hit' }


ok(wait_until(\&is_hit), 'the owner is allowed from the cache');

my %old = map { $_ => 1 } $gate->workers;

redis('CONFIG', 'SET', 'maxclients', 1);
$gate->reload;
ok(wait_until(sub { !grep { $old{$_} } $gate->workers }),
   'the old worker process has ended');

redis('HSET', 'sendkit:roles:w1', 'u_owner', 'member');
is(ask($gate, @request)->{status}, 503, 'the cache is not used meanwhile');

redis('CONFIG', 'SET', 'maxclients', 1000);
answers(403, 'the owner is refused when Redis lets nginx in');

redis('HSET', 'sendkit:roles:w1', 'u_owner', 'owner');
answers(200, 'and allowed again');
ok(wait_until(\&is_hit), 'from the cache');

ends_well($gate, 'handover');
