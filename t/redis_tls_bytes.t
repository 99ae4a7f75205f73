# Copyright (C) the ngx_sendkit_auth_module authors
#
# TLS to Redis does not depend on how its bytes come: each by itself, many at
# once, or not at all for a while.
#
# Fails when SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER is not set
# (ngx_sendkit_auth_redis_tls_start()), when a handshake that is not done yet
# is taken for one that failed, or when what OpenSSL has read already is left
# there (ngx_sendkit_auth_redis_read_handler()).

use SendkitAuth;

use SendkitAuth::Gate;
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
my $port = (rediss() =~ /(\d+)$/)[0];


# Each byte by itself.

my $slow = peer(sub { relay($_[0], $port, '', slow => 1) });

for my $version (qw( TLSv1.2 TLSv1.3 )) {
    my $name = "each byte by itself, $version";
    my $gate = zone_gate(redis => "rediss://127.0.0.1:$slow",
                         more => "$trust sendkit_auth_redis_ssl_protocols "
                                 . "$version;");

    is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit", $name);
    told($gate, [ 'DEL', key('owner') ]);
    is(seen($gate, 'owner', 'w1'), "$gone miss, $gone negative", $name);
    told($gate, @$Seed);
    is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit", $name);
    ends_well($gate, $name);
}


# A message that is longer than what is read in one turn.

{
    my $name = 'a long message';
    my $gate = zone_gate(redis => rediss(), more => $trust);
    my $keys = 20000;
    my $before = counters($gate)->{invalidations};

    is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit", $name);

    redis('EVAL', "for i = 1, $keys do "
                  . "redis.call('HSET', 'sendkit:key:' .. string.rep('x', 80)"
                  . " .. i, 'type', 'x') end", 0);
    ok(wait_until(sub {
        return counters($gate)->{invalidations} >= $before + $keys;
    }), "$name - is read to its end");

    is(counters($gate)->{flushes}, 1, "$name - and without a loss");
    told($gate, [ 'DEL', key('owner') ]);
    is(seen($gate, 'owner', 'w1'), "$gone miss, $gone negative", $name);
    told($gate, @$Seed);
    ends_well($gate, $name);
}


# Many requests while nothing can be written, so that what was begun to be
# written waits in a buffer that grows.

{
    my $name = 'a server that does not read';
    my $hold = file_of('hold');
    my $held = peer(sub { relay($_[0], $port, '', hold => $hold) },
                    narrow => 1);
    my $many = 400;
    my $gate = gate(redis => "rediss://127.0.0.1:$held",
                    more => "$trust sendkit_auth_zone gate:1m;",
                    read => '30s', timeout => '30s',
                    log_level => 'debug_event');

    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', $name);

    open my $out, '>', $hold or die "$hold: $!";
    close $out;

    my @clients = map { SendkitAuth::Wire->new($gate->port) } 1 .. $many;
    $clients[$_]->send(request_of(sprintf('sk_user_%0128d', $_), 'w1'))
        for 0 .. $#clients;

    ok(wait_until(sub { waiting($gate) == $many }, 30), "$name - all wait");
    like($gate->error_log, qr/SSL_get_error: 3$/m,
         "$name - what is said to it does, too");
    unlink $hold;

    my %seen;
    for my $client (@clients) {
        my $answer = $client->answer;
        $seen{"$answer->{status} $answer->{headers}{'x-reason'}"}++;
        $client->close;
    }

    is("@{[ %seen ]}", "$gone $many", "$name - then all are answered");
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', $name);
    ends_well($gate, $name);
}
