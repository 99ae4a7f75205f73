# Copyright (C) the ngx_sendkit_auth_module authors
#
# Over TLS the tool talks to nobody but the server whose certificate it was
# told to trust, and whose name it has asked for.
#
# Fails when SSL_CTX_set_verify() or SSL_set1_host() is left out of
# authctl_tls.c, when a client certificate is not sent, when "--insecure" is
# the default, or when a handshake that hangs is waited for without end.

use strict;
use warnings;

use Test::More 'no_plan';

use IO::Socket::INET ();

use SendkitAuth::Authctl;
use SendkitAuth::Process qw( temp_dir free_port );
use SendkitAuth::Redis;

my $dir = temp_dir();


sub openssl {
    system("openssl @_ 2>> $dir/openssl.log") == 0
        or die "openssl @_ failed, see $dir/openssl.log";
}


# Two authorities; of the first a server and a client, a server of another
# name, and one that has expired.

sub certificate {
    my ($name, $ca, $alt, @more) = @_;

    my $extension = file_of("subjectAltName=$alt\n");
    openssl("req -newkey rsa:2048 -nodes -keyout $dir/$name.key "
            . "-subj /CN=$name -out $dir/$name.csr");
    openssl("x509 -req -in $dir/$name.csr -CA $dir/$ca.crt -CAkey "
            . "$dir/$ca.key -CAcreateserial -out $dir/$name.crt -extfile "
            . "$extension @more");
}

openssl("req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=$_ "
        . "-keyout $dir/$_.key -out $dir/$_.crt") for 'ca', 'other-ca';

certificate('server', 'ca', 'DNS:localhost,IP:127.0.0.1', '-days 1');
certificate('stranger', 'ca', 'DNS:redis.example', '-days 1');
certificate('old', 'ca', 'DNS:localhost,IP:127.0.0.1', '-days 0');
certificate('client', 'ca', 'DNS:client', '-days 1');


sub server {
    my ($name, $clients) = @_;

    my $port = free_port();
    my $redis = SendkitAuth::Redis->new(args => [
        '--tls-port', $port, '--tls-cert-file', "$dir/$name.crt",
        '--tls-key-file', "$dir/$name.key", '--tls-ca-cert-file',
        "$dir/ca.crt", '--tls-auth-clients', $clients ]);
    $redis->command(qw( HSET sendkit:roles:w1 in owner ));
    return $port;
}


sub run {
    my ($port, @options) = @_;
    return authctl([ '-p', $port, '--tls', '--timeout', 2, @options,
                     qw( role list w1 ) ], redis => 0);
}

my @ca = ('--cacert', "$dir/ca.crt");
my $found = qr/^w1 +in +owner\n\z/;


sub fails {
    my ($run, $message, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_run($run, 3, '', "$name is an outage");
    like($run->{stderr}, qr/^sendkit-authctl: [^\n]*$message[^\n]*\n\z/,
         'with a message that says why');
}


my $server = server('server', 'no');

is_run(run($server, @ca), 0, $found, 'an address in the certificate');
is_run(run($server, @ca, '-h', 'localhost'), 0, $found,
       'a name in the certificate');
is_run(authctl([ '-u', "rediss://localhost:$server", @ca,
                 qw( role list w1 ) ], redis => 0), 0, $found,
       'an address that begins with rediss');
fails(run($server), qr/(?:self.signed|unable to get local issuer)/,
      'a certificate that nobody knows');
fails(run($server, '--cacert', "$dir/other-ca.crt"),
      qr/(?:self.signed|unable to get local issuer)/,
      'a certificate of another authority');
is_run(run($server, '--insecure'), 0, $found,
       'that is not looked at with --insecure');
fails(run($server, @ca, '--sni', 'redis.example'), qr/hostname mismatch/i,
      'a certificate without the name that was asked for');

my $stranger = server('stranger', 'no');

fails(run($stranger, @ca), qr/IP address mismatch/i,
      'a certificate without the address');
fails(run($stranger, @ca, '-h', 'localhost'), qr/hostname mismatch/i,
      'a certificate without the name');
is_run(run($stranger, @ca, '--sni', 'redis.example'), 0, $found,
       'but with the name that was asked for it is good');

fails(run(server('old', 'no'), @ca), qr/certificate has expired/,
      'a certificate that has expired');


# Certificates of clients.

my $strict = server('server', 'yes');
my @client = ('--cert', "$dir/client.crt", '--tls-key', "$dir/client.key");

is_run(run($strict, @ca, @client), 0, $found, 'a client with a certificate');
fails(run($strict, @ca), qr/certificate required|closed/,
      'a client without one');
fails(run($server, @ca, '--cert', "$dir/client.crt", '--tls-key',
          "$dir/server.key"), qr/cannot use the private key in ".*mismatch/,
      'a key of another certificate');
fails(run($server, '--cacert', "$dir/nowhere"),
      qr/cannot use the certificates in "\Q$dir\E\/nowhere"/,
      'a file of authorities that is not there');
fails(run($server, @ca, '--cert', "$dir/nowhere", '--tls-key',
          "$dir/client.key"),
      qr/cannot use the certificate in "\Q$dir\E\/nowhere"/,
      'a certificate that is not there');


# The other side is no TLS server.

my $plain = SendkitAuth::Redis->new(tcp => 1);
fails(run($plain->port, @ca), qr/no TLS with Redis at 127|closed|timed out/,
      'a Redis without TLS');
is_run(authctl([ '-p', $server, '--timeout', 2, qw( role list w1 ) ],
               redis => 0), 3, '', 'TLS that was not asked for is an outage');

my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5)
    or die "cannot listen: $!";
fails(run($silent->sockport, @ca), qr/Connection timed out/,
      'a server that never says anything');


# Much data in both directions.

my $lines = join '', map { qq({"workspace":"w2","user":"u$_","role":"member"}\n)
                         } 1 .. 20000;
my @tls = ('-p', $server, '--tls', @ca);

is_run(authctl([ @tls, 'import', '-' ], redis => 0, stdin => $lines), 0,
       qr/20000/, 'twenty thousand roles go in');
is(scalar(() = authctl([ @tls, qw( role list w2 ) ], redis => 0)->{stdout}
               =~ /^w2 +u\d+ +member$/mg), 20000, 'and come out');
