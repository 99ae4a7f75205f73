# Copyright (C) the ngx_sendkit_auth_module authors
#
# A Redis that cannot show who it is, or does not speak TLS as it should, is an
# outage: 503, never 401 or 403, with a line in the log that says why; and the
# gateway works again once that is put right.
#
# Fails when the result of the verification, the name or the address is not
# looked at (ngx_sendkit_auth_redis_tls_verify(), _match()), when an address is
# compared with names, or when the connect timer ends with TCP
# (ngx_sendkit_auth_redis_conn_established()).

use SendkitAuth;

use IO::Socket::INET ();

use SendkitAuth::Gate;
use SendkitAuth::Process qw( slurp );
use SendkitAuth::Seed;
use SendkitAuth::Tls;

my @trust = (trusted_certificate => 'ca.crt');
my @client = (certificate => 'client.crt', certificate_key => 'client.key');

# Level critical is nginx's own choice for these.

my $critical = qr/certificate.required|(?:packet|data) length too long/;

authority('ca');
authority('other-ca');

certificate('expired', days => 0);
certificate('server');
certificate('client', alt => '');
certificate('alone', ca => undef);
certificate('stranger', ca => 'other-ca');
certificate('named', alt => 'DNS:redis.example');
certificate('address', alt => 'IP:127.0.0.1');
certificate('looks-like', alt => 'DNS:127.0.0.1');
certificate('wild', alt => 'DNS:*.redis.example');
certificate('127.0.0.1', alt => '');


sub reasons {
    my ($gate, @keys) = @_;
    my %seen = map { $_ => 1 }
               map { my $answer = ask($gate, $_, 'w1');
                     "$answer->{status} $answer->{headers}{'x-reason'}" } @keys;
    return join ', ', sort keys %seen;
}


# Then something is done about it.

sub refused {
    my ($name, $why, $gate, $repair, $reason) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $Upstream->mark;
    like(reasons($gate, qw( owner stranger unknown expired workspace )),
         $reason // qr/^503 store_down$/, "$name - is an outage");
    is_forwarded_never($name);
    like($gate->error_log, $why, "$name - is in the log");

    $repair->();
    recovers($gate, $name);
    ends_well($gate, $name, $critical);
}


# What is shown to whom, until the good certificate is.

sub certificate_refused {
    my ($name, $certificate, $why, $host, @ssl) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    use_certificate($certificate);
    refused($name, $why, gate(redis => rediss($host),
                              more => ssl(@trust, @ssl)),
            sub { use_certificate('server') });
}

my $address = qr/, redis: (?:127\.0\.0\.1|\[::1\]):\d+/;

sub in_log { return qr/\[error\] .* redis SSL certificate $_[0]$address/ }
sub verify { return in_log("verify error: \\($_[0]\\)") }
sub matches { return in_log("does not match \"\Q$_[0]\E\"") }

tls_redis();
redis(@$_) for @$Seed;

certificate_refused('expired', 'expired',
                    verify('10:certificate has expired'));
certificate_refused('signed by itself', 'alone',
                    verify('18:self.signed certificate'));
certificate_refused('of another authority', 'stranger',
                    verify('19:self.signed certificate in certificate chain'));
certificate_refused('of another name', 'named', matches('localhost'),
                    'localhost');
certificate_refused('without the address', 'named', matches('127.0.0.1'));
certificate_refused('with the address as a name', 'looks-like',
                    matches('127.0.0.1'));
certificate_refused('with the address as common name', '127.0.0.1',
                    matches('127.0.0.1'));
certificate_refused('of an address instead of a name', 'address',
                    matches('localhost'), 'localhost');
certificate_refused('without the name that is set', 'named',
                    matches('localhost'), '127.0.0.1', name => 'localhost');


# A name that the repaired server has not either: the gateway changes.

{
    my $name = 'of another host that is meant';
    use_certificate('wild');

    my %args = (redis => rediss(), more => ssl(@trust,
                                               name => 'a.b.redis.example'));
    my $gate = gate(%args);

    refused($name, matches('a.b.redis.example'), $gate, sub {
        $gate->reload(http => gate_conf(%args, more => ssl(@trust,
                                              name => 'b.redis.example')));
    });
    use_certificate('server');
}


# A server that wants to know who is there.

redis('CONFIG', 'SET', 'tls-auth-clients', 'yes');

for my $version (qw( TLSv1.2 TLSv1.3 )) {
    my $name = "no certificate of the client, $version";

    # TLS 1.3 says so after the handshake, and may not be heard any more.

    refused($name, qr/SSL_\w+\(\) failed .*(?:alert|required|reset)/,
            gate(redis => rediss(),
                 more => ssl(@trust, protocols => $version)),
            sub { redis('CONFIG', 'SET', 'tls-auth-clients', 'no') });
    redis('CONFIG', 'SET', 'tls-auth-clients', 'yes');
}

redis('CONFIG', 'SET', 'tls-auth-clients', 'no');


# Nothing in common.

redis('CONFIG', 'SET', 'tls-protocols', 'TLSv1.3');
refused('another version', qr/SSL_do_handshake\(\) failed .*alert/,
        gate(redis => rediss(), more => ssl(@trust, protocols => 'TLSv1.2')),
        sub { redis('CONFIG', 'SET', 'tls-protocols', 'TLSv1.2') });

redis('CONFIG', 'SET', 'tls-ciphers', 'ECDHE-ECDSA-AES256-GCM-SHA384');
refused('other ciphers', qr/SSL_do_handshake\(\) failed .*alert/,
        gate(redis => rediss(),
             more => ssl(@trust, protocols => 'TLSv1.2',
                         ciphers => 'ECDHE-ECDSA-AES128-GCM-SHA256')),
        sub { redis('CONFIG', 'SET', 'tls-ciphers', 'DEFAULT') });

redis('CONFIG', 'SET', 'tls-protocols', '');


# A server in between, which does with each connection what the file says.

my $tls_port = (rediss() =~ /(\d+)$/)[0];
my $mode_file = file_of('mode');

sub mode {
    open my $out, '>', "$mode_file.new" or die "$mode_file: $!";
    print $out $_[0];
    close $out;
    rename "$mode_file.new", $mode_file;
}

my $fatal = "\x15\x03\x03\x00\x02\x02";

my %modes = (
    tls       => sub { relay($_[0], $tls_port, '') },
    plain     => sub { relay($_[0], redis_socket(), '') },
    silent    => \&silence,
    closed    => sub { hello($_[0]) },
    alert     => sub { hello($_[0]); syswrite $_[0], $fatal . chr 40 },
    internal  => sub { hello($_[0]); syswrite $_[0], $fatal . chr 80 },
    garbage   => sub { hello($_[0]); syswrite $_[0], "\0" x 1000 },
    'too much' => sub { hello($_[0]); syswrite $_[0], "\x16\x03\x03\xff\xff"
                                                     . 'x' x 70000 },
    (map { my $n = $_; ("cut after $n" => sub {
        relay($_[0], $tls_port, '', replies => $n);
    }, "stopped after $n" => sub {
        relay($_[0], $tls_port, '', replies => $n, pause => 1);
    }) } 1, 5, 100, 500),
);

my $peer = peer(sub { $modes{slurp($mode_file)}->($_[0]) });

my $in_handshake = qr/in SSL handshake|SSL_do_handshake\(\) failed/;
my $lost = qr/$in_handshake|SSL_read\(\) failed|redis closed connection/;
my $late = qr/^(?:503 store_down, )?503 store_timeout$/;
my $timed_out = qr/redis SSL handshake timed out \(110: .*\)$address/;

sub refused_by_peer {
    my ($mode, $good, $why, $reason, %args) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    mode($mode);
    refused("$mode, and then $good", $why, gate(@{ $args{gate} }),
            sub { mode($good) }, $reason);
}

my @rediss = (redis => "rediss://127.0.0.1:$peer", more => ssl(@trust));
my @redis = (redis => "redis://127.0.0.1:$peer");
my $down = qr/^503 store_down$/;
my $broken = qr/^503 store_(?:down|error)(?:, 503 store_down)?$/;

# Redis takes what it is told for the beginning of a line, unless there is the
# end of one in it.

refused_by_peer('plain', 'tls', qr/$timed_out|$in_handshake/,
                qr/$down|$late/, gate => [ @rediss, connect => '200ms' ]);
refused_by_peer('tls', 'plain', qr/redis (?:closed|sent)/, $broken,
                gate => \@redis);

refused_by_peer($_, 'tls', $in_handshake, $down, gate => \@rediss)
    for qw( closed alert internal garbage ), 'too much';
refused_by_peer("cut after $_", 'tls', $lost, $down, gate => \@rediss)
    for 1, 5, 100, 500;
refused_by_peer($_, 'tls', $timed_out, $late,
                gate => [ @rediss, connect => '200ms' ])
    for 'silent', map { "stopped after $_" } 1, 5, 100, 500;
