# Copyright (C) the ngx_sendkit_auth_module authors
#
# Who connects to Redis again continues the last TLS session, if the server
# still knows it, but no longer than its certificate is good.
#
# Fails when no session is kept (ngx_sendkit_auth_redis_tls_close()), when it
# is not offered again (ngx_sendkit_auth_redis_tls_start()), when it outlives
# the certificate (ngx_sendkit_auth_redis_tls_result()), or when a connection
# is closed without its TLS (ngx_sendkit_auth_redis_conn_drop()).

use SendkitAuth;

use SendkitAuth::Gate;
use SendkitAuth::Process qw( slurp );
use SendkitAuth::Seed;
use SendkitAuth::Tls;

my @trust = (trusted_certificate => 'ca.crt');

authority('ca');
certificate('server');
tls_redis();
redis(@$_) for @$Seed;


# Redis itself does not tell, the debug log of nginx does.

sub connects_again {
    my ($name, @ssl) = @_;

    use_certificate('server');
    my $gate = gate(redis => rediss(), more => ssl(@trust, @ssl),
                    log_level => 'debug');
    my @reused;

    for (1 .. 3) {
        is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', $name);
        push @reused, scalar(() = $gate->error_log =~ /SSL reused session/g);
        redis('CLIENT', 'KILL', 'TYPE', 'normal');
        $gate->wait_for_log(qr/(?:redis closed connection.*){@{[ $_ ]}}/s);
    }

    is("@reused", '0 1 2', "$name - its session goes on");

    # A server that has forgotten it.

    use_certificate('server');
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', $name);
    is(scalar(() = $gate->error_log =~ /SSL reused session/g), 2,
       "$name - or a new one is begun");
    ends_well($gate, $name);
}

connects_again('TLS 1.3 once more', protocols => 'TLSv1.3');
connects_again('TLS 1.2 once more', protocols => 'TLSv1.2');


# One whose certificate expires, which a full handshake would see.

for my $version (qw( TLSv1.2 TLSv1.3 )) {
    my $name = "a session longer than the certificate, $version";

    certificate('short', seconds => $Slow ? 20 : 4);
    use_certificate('short');
    my $gate = gate(redis => rediss(), more => ssl(@trust,
                                                   protocols => $version),
                    log_level => 'debug');

    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', $name);
    has_expired('short');
    redis('CLIENT', 'KILL', 'TYPE', 'normal');
    $gate->wait_for_log(qr/redis closed connection/);

    is_refused(ask($gate, 'owner', 'w1'), 503, 'store_down',
               "$name - is refused");
    like($gate->error_log, qr/SSL reused session.*verify error: \(10:/s,
         "$name - is in the log");
    use_certificate('server');
    recovers($gate, $name);
    ends_well($gate, $name);
}


# Many connections, one after the other; a sanitizer keeps what was freed.

sub memory {
    my ($gate) = @_;
    my ($pid) = $gate->workers;
    return (slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+) kB/m)[0];
}

sub reconnect {
    my ($gate, $times) = @_;
    my %seen;

    for (1 .. $times) {
        redis('CLIENT', 'KILL', 'TYPE', 'normal');
        $seen{ask($gate, 'owner', 'w1')->{status}}++;
    }

    return "@{[ %seen ]}";
}

{
    my $name = 'many connections';
    my $gate = gate(redis => rediss(), more => ssl(@trust));

    reconnect($gate, 30);
    my $before = memory($gate);
    is(reconnect($gate, 200), '200 200', "$name - each is used");
    cmp_ok(memory($gate) - $before, '<', $Slow ? 100_000 : 2_000,
           "$name - none leaves much behind");
    ends_well($gate, $name);
}
