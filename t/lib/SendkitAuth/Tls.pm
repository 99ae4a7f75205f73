package SendkitAuth::Tls;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Certificates, and a Redis that speaks TLS, for the tests.
#
#   authority('ca')                 a certificate that others can be signed by
#   authority('sub', 'ca')          the same, signed by another
#   certificate('server', ca => 'ca', alt => 'DNS:localhost,IP:127.0.0.1',
#               days => 1)          by default these; days => 0: one that has
#                                   expired when this returns; seconds => 5:
#                                   one that expires then
#   has_expired('server')           returns as soon as it has
#   file_of('server.crt')           where it is; "server.key" is its key, and
#                                   "server.chain" has those of its signers
#   my $redis = tls_redis(certificate => 'server', clients => 'no',
#                         args => [ ... ]);
#       the server behind redis(), started again, and empty; clients "yes":
#       those of the TLS port have to show a certificate; its unix socket has
#       no TLS
#   use_certificate('server')       for what connects from now on
#   rediss('localhost')             address of its TLS port; 127.0.0.1 unless
#                                   given
#   ssl(trusted_certificate => 'ca.crt', verify => 'off', ...)
#       the directives; files are those of file_of()
#
#   my $peer = peer(sub { my ($client) = @_; ... }, narrow => 1);
#       the port of a server that runs that for each connection, in a process
#       of its own; what it prints is in file_of("peer-$port.log"); narrow:
#       few kilobytes are under way to it, and then one has to wait
#   silence($client)                nothing is said to it
#   hello($client)                  what a client says first: the bytes
#   sni($hello)                     the name in it, or undef
#   relay($client, TO, HELLO, replies => 10, pause => 1)
#       to a port or the path of a socket, to which the bytes HELLO are sent
#       first; only so many bytes of what comes back are passed on, and then
#       the connection is closed, or with "pause" nothing happens any more;
#       slow => 1: each byte by itself; hold => FILE: nothing is read from the
#       client as long as there is such a file

use strict;
use warnings;

use Exporter qw( import );
use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use POSIX ();
use Socket qw( IPPROTO_TCP SOL_SOCKET SO_RCVBUF TCP_MAXSEG TCP_NODELAY );

use SendkitAuth::Process qw( temp_dir free_port wait_until start_process
                             slurp );
use SendkitAuth::Redis;

our @EXPORT = qw( authority certificate has_expired file_of tls_redis
                  use_certificate rediss ssl peer relay silence hello sni );

my $port;


sub file_of { return temp_dir() . "/$_[0]" }


sub openssl {
    my ($command) = @_;

    my $log = file_of('openssl.log');
    system("openssl $command >> $log 2>&1") == 0
        or die "openssl $command failed\n", slurp($log);
}


sub write_file {
    my ($name, $text) = @_;

    open my $out, '>', file_of($name) or die "$name: $!";
    print $out $text;
    close $out;
}


sub request {
    my ($name) = @_;
    openssl('req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes '
            . "-subj /CN=$name -keyout @{[ file_of(qq($name.key)) ]} "
            . "-out @{[ file_of(qq($name.csr)) ]}");
}


sub authority {
    my ($name, $ca) = @_;

    request($name);
    sign($name, $ca, 30, "basicConstraints=critical,CA:true\n"
                         . "keyUsage=critical,keyCertSign,cRLSign\n");
}


sub certificate {
    my ($name, %args) = @_;

    my $alt = $args{alt} // 'DNS:localhost,IP:127.0.0.1';

    request($name);
    $alt = length $alt ? "subjectAltName=$alt\n" : '';

    if ($args{seconds}) {
        sign_for_seconds($name, $args{seconds}, $alt);

    } else {
        sign($name, exists $args{ca} ? $args{ca} : 'ca', $args{days} // 1,
             $alt);
    }
}


# Signed by itself, if there is nobody else.

sub sign {
    my ($name, $ca, $days, $extensions) = @_;

    my ($crt, $key) = map { file_of("$name.$_") } qw( crt key );
    my $by = defined $ca
             ? sprintf '-CA %s -CAkey %s -CAcreateserial',
                       map { file_of("$ca.$_") } qw( crt key )
             : "-signkey $key";

    write_file("$name.ext", $extensions);
    openssl("x509 -req -days $days -in @{[ file_of(qq($name.csr)) ]} $by "
            . "-extfile @{[ file_of(qq($name.ext)) ]} -out $crt");
    write_file("$name.chain",
               slurp($crt) . (defined $ca ? slurp(file_of("$ca.chain")) : ''));

    has_expired($name) if !$days;
}


# Only "openssl ca" knows of less than a day.

sub sign_for_seconds {
    my ($name, $seconds, $extensions) = @_;

    my $dir = file_of('');
    my $end = POSIX::strftime('%Y%m%d%H%M%SZ', gmtime time + $seconds);

    write_file('index', '');
    write_file('serial', '01');
    write_file("$name.ext", $extensions);
    write_file('ca.conf', <<"END");
[ca]
default_ca = own

[own]
database = ${dir}index
serial = ${dir}serial
new_certs_dir = $dir
default_md = sha256
policy = any

[any]
commonName = supplied
END

    openssl("ca -batch -config ${dir}ca.conf -enddate $end "
            . "-cert ${dir}ca.crt -keyfile ${dir}ca.key -in ${dir}$name.csr "
            . "-extfile ${dir}$name.ext -out ${dir}$name.crt -notext");
    write_file("$name.chain",
               slurp("$dir$name.crt") . slurp("${dir}ca.chain"));
}


sub has_expired {
    my ($name) = @_;

    my $crt = file_of("$name.crt");
    wait_until(sub { !eval { openssl("x509 -checkend 0 -in $crt"); 1 } }, 60)
        or die "$name does not expire";
}


sub tls_redis {
    my (%args) = @_;

    $port = free_port();

    my $name = $args{certificate} // 'server';
    my %options = ('tls-port' => $port,
                   'tls-cert-file' => file_of("$name.chain"),
                   'tls-key-file' => file_of("$name.key"),
                   'tls-ca-cert-file' => file_of('ca.crt'),
                   'tls-auth-clients' => $args{clients} // 'no');

    return redis_server()->restart(
        args => [ (map { ("--$_", $options{$_}) } sort keys %options),
                  @{ $args{args} // [] } ]);
}


sub use_certificate {
    my ($name) = @_;
    redis('CONFIG', 'SET', 'tls-cert-file', file_of("$name.chain"),
          'tls-key-file', file_of("$name.key"));
}


sub rediss { return 'rediss://' . ($_[0] // '127.0.0.1') . ":$port" }


sub ssl {
    my (%args) = @_;

    return join '', map {
        my $value = /certificate/ ? file_of($args{$_}) : $args{$_};
        "sendkit_auth_redis_ssl_$_ $value;\n";
    } sort keys %args;
}


sub peer {
    my ($serve, %args) = @_;

    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128)
        or die "cannot listen: $!";

    if ($args{narrow}) {
        setsockopt $listen, SOL_SOCKET, SO_RCVBUF, pack 'i', 4096;
        setsockopt $listen, IPPROTO_TCP, TCP_MAXSEG, pack 'i', 88;
    }

    start_process(sub {
        $SIG{$_} = 'IGNORE' for qw( PIPE CHLD );

        while (my $client = $listen->accept) {
            next if fork;
            close $listen;
            $| = 1;
            $serve->($client);
            return;
        }
    }, file_of('peer-' . $listen->sockport . '.log'));

    return $listen->sockport;
}


sub relay {
    my ($client, $to, $hello, %args) = @_;

    my $server = $to =~ m{^/} ? IO::Socket::UNIX->new(Peer => $to)
                              : IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                                      PeerPort => $to)
        or die "cannot connect to $to: $!";
    my $all = IO::Select->new($client, $server);
    my $others = IO::Select->new($server);
    my $left = $args{replies} // 9e15;
    my $hold = $args{hold} // '/nowhere';

    setsockopt $_, IPPROTO_TCP, TCP_NODELAY, 1 for $client, $server;
    syswrite $server, $hello;

    while ($left) {
        for my $from ((-e $hold ? $others : $all)->can_read(0.01)) {
            my $bytes = '';
            sysread $from, $bytes, $args{slow} ? 1 : 65536 or return;

            if ($from == $server) {
                $bytes = substr $bytes, 0, $left;
                $left -= length $bytes;
            }

            pass($bytes, $from == $server ? $client : $server) or return;
        }
    }

    silence($client) if $args{pause};
}


# Until the client leaves, so that no process is left behind.

sub silence {
    my ($client) = @_;

    while (sysread $client, my $bytes, 65536) {
    }
}


sub pass {
    my ($bytes, $to) = @_;

    while (length $bytes) {
        my $n = syswrite $to, $bytes or return;
        substr $bytes, 0, $n, '';
    }

    return 1;
}


# One TLS record, which holds all of it.

sub hello {
    my ($client) = @_;

    my $bytes = '';

    while (length $bytes < 5
           || length $bytes < 5 + unpack 'x3 n', $bytes)
    {
        IO::Select->new($client)->can_read(10)
            && sysread $client, $bytes, 16384, length $bytes
            or return;
    }

    return $bytes;
}


# Behind the record's and the message's header, version and random: session,
# ciphers, compression, extensions; the name is extension 0.

sub sni {
    my ($hello) = @_;

    my (undef, undef, undef, $extensions)
        = unpack 'x43 C/a n/a C/a n/a', $hello;

    while (length($extensions // '') >= 4) {
        (my $type, my $value, $extensions) = unpack 'n n/a a*', $extensions;
        return unpack 'x3 n/a', $value if $type == 0;
    }

    return;
}

1;
