# Copyright (C) the ngx_sendkit_auth_module authors
#
# Redis over TLS: requests are decided, changes are told, and the server's
# certificate is that of the name or the address which it was asked for.
#
# Fails when ... (see below)

use SendkitAuth;

use SendkitAuth::Gate;
use SendkitAuth::Process qw( slurp );
use SendkitAuth::Seed;
use SendkitAuth::Tls;
use SendkitAuth::Zone;

authority('ca');
certificate('server');

tls_redis();
redis(@$_) for @$Seed;

my @trust = (trusted_certificate => 'ca.crt');
my $gate = gate(redis => rediss(), more => ssl(@trust));

is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'TLS');
is_refused(ask($gate, 'stranger', 'w1'), 403, 'role', 'TLS');
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'TLS');
ends_well($gate, 'TLS');
print $gate->error_log;
