# Copyright (C) the ngx_sendkit_auth_module authors
#
# The clients in the documentation of the API create the key of a workspace,
# and are told when there is one: each is taken from docs/key-service.md and
# runs as it stands there, but for host and key.  Over TLS; curl and Go choose
# HTTP/2.
#
# Fails when the key service answers a POST with another status or body
# (ngx_sendkit_keys_send() in ngx_sendkit_keys.c), or when the page has a
# client that does not run.
#
# A client whose language is not installed is named and left out.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys qw( $KeyLocation );
use SendkitAuth::Process qw( slurp );
use SendkitAuth::Seed;

use IO::Socket::IP ();

# The language on the page, the name, what fails if it is not installed, and
# what runs a file.

my @clients = (
    [ sh => 'curl', 'curl --version', 'sh' ],
    [ python => 'Python with Requests',
      '/usr/bin/python3 -c "import requests"', '/usr/bin/python3' ],
    [ javascript => 'JavaScript with fetch', 'node -e fetch', 'node' ],
    [ go => 'Go', 'go version', 'go run' ],
    [ ruby => 'Ruby', 'ruby -e "require %q(net/http)"', 'ruby' ],
);

my %extension = (javascript => 'mjs');

my $workspace = 'example_string';
my $key_of_workspace = "sendkit:workspace-key:$workspace";


sub write_file {
    my ($name, $text) = @_;

    my $file = temp_dir() . "/$name";
    open my $out, '>:raw', $file or die "$file: $!";
    print $out $text;
    close $out;

    return $file;
}


# For "localhost", trusted by the clients by way of their environment.

sub make_certificate {
    my ($key, $certificate) = map { temp_dir() . "/tls.$_" } qw( key crt );

    my $errors = `openssl req -x509 -newkey rsa:2048 -nodes -days 2 \\
                      -keyout $key -out $certificate -subj /CN=localhost \\
                      -addext subjectAltName=DNS:localhost 2>&1`;
    die "no certificate: $errors" if $?;

    return ($key, $certificate);
}


# Not every client tries 127.0.0.1 if the first address of localhost is ::1.

sub listen_directives {
    my @addresses = '127.0.0.1';

    push @addresses, '[::1]'
        if IO::Socket::IP->new(LocalHost => '::1', Listen => 1);

    return join ' ', map { "listen $_:%PORT% ssl http2;" } @addresses;
}


sub start_gate {
    my ($key, $certificate) = @_;

    my $conf = gate_conf(location => <<"END");
        ssl_certificate      $certificate;
        ssl_certificate_key  $key;
        $KeyLocation
END
    my $listen = listen_directives();
    $conf =~ s/listen .*;/$listen/;

    return SendkitAuth::Nginx->start(http => $conf);
}


# What the clients would find on this machine is left out of it.

sub prepare_environment {
    my ($certificate) = @_;

    delete @ENV{ grep { /_proxy$/i || /^(?:GO|NODE|PYTHON|RUBY)/ } keys %ENV };

    $ENV{HOME} = temp_dir();
    $ENV{GOCACHE} = "$Top/build/go-cache";
    $ENV{$_} = $certificate for qw( CURL_CA_BUNDLE REQUESTS_CA_BUNDLE
                                    NODE_EXTRA_CA_CERTS SSL_CERT_FILE );
}


sub clients_of_page {
    my $page = slurp("$Top/docs/key-service.md");
    my %client;

    for my $language (map { $_->[0] } @clients) {
        my @code = $page =~ /^```$language\n(.*?)^```$/msg;
        is(scalar @code, 1, "the page has one client for $language");
        $client{$language} = $code[0];
    }

    return %client;
}


sub with_host_and_key {
    my ($client, $gate) = @_;

    my $host = 'localhost:' . $gate->port;

    is($client =~ s/api\.sendkit\.ai/$host/g, 1, 'it names the host once');
    is($client =~ s/YOUR_API_KEY/$Key{owner}/g, 1, 'it names the key once');

    return $client;
}


# A line is written to the log after the client has the answer.

sub status_of_next {
    my ($gate, $code) = @_;
    my $seen = () = $gate->access_log =~ /\n/g;

    $code->();
    wait_until(sub { my $lines = () = $gate->access_log =~ /\n/g;
                     $lines > $seen });

    my @lines = split /\n/, $gate->access_log;
    return join ', ', map { /" (\d+) / } @lines[ $seen .. $#lines ];
}


sub creates_key {
    my ($gate, $name, $command) = @_;

    redis('FLUSHALL');
    redis(@$_) for @$Seed;
    redis('HSET', "sendkit:roles:$workspace", 'u_owner', 'owner');

    my $output;
    my $run = sub { $output = `timeout 120 $command 2>&1` };

    is(status_of_next($gate, $run), '201', "$name creates a key - 201");
    like($output, qr/\b(sk_[0-9a-f]{48}\b|201 Created)/,
         "$name creates a key - and shows it");

    my ($key) = $output =~ /\b(sk_[0-9a-f]{48})\b/;
    my $digest = redis('HGET', $key_of_workspace, 'digest');
    is(defined $key ? digest($key) : $digest, $digest // 'none',
       "$name creates a key - that is the workspace's");

    is(status_of_next($gate, $run), '409', "$name creates another - 409");
    like($output, qr/Resource already exists|409 Conflict/,
         "$name creates another - and shows why not");
    is(redis('HGET', $key_of_workspace, 'digest'), $digest,
       "$name creates another - the key is the same");
}


my ($key, $certificate) = make_certificate();
my $gate = start_gate($key, $certificate);
my %client = clients_of_page();

prepare_environment($certificate);

for (@clients) {
    my ($language, $name, $check, $runs) = @$_;

    if (system("$check > /dev/null 2>&1") != 0) {
        Test::More::diag("not run: $name is not installed");
        next;
    }

    my $file = write_file("client." . ($extension{$language} // $language),
                          with_host_and_key($client{$language}, $gate));
    creates_key($gate, $name, "$runs $file");
}

ends_well($gate, 'the clients');
