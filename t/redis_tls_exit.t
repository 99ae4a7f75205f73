# Copyright (C) the ngx_sendkit_auth_module authors
#
# A reload and the end of nginx lose no request that waits for Redis over TLS,
# leave no connection open, and do not wait for a handshake without end.
#
# Fails when the handlers of nginx stay during the handshake, which know
# nothing of the exit (ngx_sendkit_auth_redis_tls_handshake()).

use SendkitAuth;

use SendkitAuth::Gate;
use SendkitAuth::Process qw( connections_to );
use SendkitAuth::Seed;
use SendkitAuth::Tls;
use SendkitAuth::Wire;
use SendkitAuth::Zone;

my ($yes, $gone) = ('200 allowed', '401 unknown_key');

authority('ca');
certificate('server');
tls_redis();
redis(@$_) for @$Seed;

my $trust = ssl(trusted_certificate => 'ca.crt');
my @rediss = (redis => rediss(), more => $trust);
my $silent = 'rediss://127.0.0.1:' . peer(\&silence);


# A request that waits, and then nginx is to end.

sub asks {
    my ($gate) = @_;

    my $client = SendkitAuth::Wire->new($gate->port);
    $client->send(request_of('owner', 'w1'));
    wait_until(sub { waiting($gate) == 1 }) or die 'no request waits';
    return $client;
}


sub is_exiting {
    my ($gate) = @_;
    $gate->signal('QUIT');
    $gate->wait_for_log(qr/gracefully shutting down/) or die 'no exit';
}


{
    my $name = 'a reload';
    my $gate = zone_gate(@rediss);

    for my $turn (1 .. 5) {
        $gate->reload;
        wait_until(sub { $gate->workers == 2 }, 30) or die 'old workers';
        channel_is($gate, 'up', "$name, $turn");

        told($gate, [ 'DEL', key('owner') ]);
        like(seen($gate, 'owner', 'w1'), qr/^$gone \w+, $gone \w+$/,
             "$name, $turn");
        told($gate, @$Seed);
        like(seen($gate, 'owner', 'w1'), qr/^$yes \w+, $yes \w+$/,
             "$name, $turn");
    }

    ends_well($gate, $name);
}

{
    my $name = 'a request that waits';
    my $gate = gate(@rediss);

    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', $name);
    redis_server()->stop;
    my $client = asks($gate);
    is_exiting($gate);
    redis_server()->cont;
    is_allowed($client->answer, 'owner', 'w1', "$name - is answered");
    ends_well($gate, $name);
}

{
    my $name = 'a request that waits for a handshake';
    my $gate = gate(@rediss);

    redis_server()->stop;
    my $client = asks($gate);
    is_exiting($gate);
    redis_server()->cont;
    is_allowed($client->answer, 'owner', 'w1', "$name - is answered");
    ends_well($gate, $name);
}

{
    my $name = 'a handshake that never ends';
    my $gate = gate(redis => $silent, more => $trust, connect => '1s');

    my $client = asks($gate);
    is_exiting($gate);
    is_refused($client->answer, 503, 'store_timeout', $name);
    ends_well($gate, $name);
}

{
    my $name = 'a channel whose handshake never ends';
    my $gate = zone_gate(redis => $silent, more => $trust, connect => '60s',
                         read => '60s', up => 0);

    wait_until(sub { connections_to(($silent =~ /(\d+)$/)[0]) })
        or die 'no connection';
    ends_well($gate, $name);
}

{
    my $name = 'too long for the exit';
    my $gate = gate(redis => $silent, more => $trust, connect => '60s',
                    timeout => '60s',
                    main => 'worker_shutdown_timeout 100ms;');

    asks($gate);
    ends_well($gate, $name);
}

{
    my $name = 'SIGTERM';
    my $gate = zone_gate(@rediss);

    like(seen($gate, 'owner', 'w1'), qr/^$yes miss, $yes hit$/, $name);
    ok($gate->stop, "$name - nginx ended");
    unlike($gate->error_log, qr/\[(?:alert|crit|emerg)\]|open socket/,
           "$name - no alert in the log");
}
