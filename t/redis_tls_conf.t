# Copyright (C) the ngx_sendkit_auth_module authors
#
# "nginx -t" accepts the directives of TLS to Redis where they belong, and
# refuses what cannot work with a message that names the directive and the
# value.
#
# Fails when a check of ngx_sendkit_auth_tls_conf.c is left out, or refuses
# what is right.

use SendkitAuth;

use SendkitAuth::Tls;

my $dir = temp_dir() . '/redis_tls_conf';
mkdir $dir or die "$dir: $!";

authority('ca');
certificate('client', alt => '');
certificate('another', alt => '');

my $redis = 'sendkit_auth_redis';
my $ssl = 'sendkit_auth_redis_ssl';
my $tls = "$redis rediss://127.0.0.1;";
my $trust = ssl(trusted_certificate => 'ca.crt');

open my $out, '>', "$dir/no.crt" or die "$dir/no.crt: $!";
print $out "no certificate\n";
close $out;

system('cp', file_of('ca.crt'), "$dir/relative.crt") == 0 or die 'cp failed';

my @accepted = (
    [ 'an authority', "$tls $trust" ],
    [ 'one beside the configuration', "$tls ${ssl}_trusted_certificate "
                                      . 'relative.crt;' ],
    [ 'the directives before the address', "$trust $tls" ],
    [ 'a host, a port and a database', "$redis rediss://localhost:6380/2;"
                                       . $trust ],
    [ 'an IPv6 address', "$redis rediss://[::1]:6380; $trust" ],
    [ 'no verification', "$tls ${ssl}_verify off;" ],
    [ 'no verification, by an authority', "$tls $trust ${ssl}_verify off;" ],
    [ 'a certificate', $tls . $trust
                       . ssl(certificate => 'client.crt',
                             certificate_key => 'client.key') ],
    [ 'all of them', $tls . $trust
                     . ssl(certificate => 'client.crt',
                           certificate_key => 'client.key', verify => 'on',
                           name => 'redis.example', ciphers => 'HIGH',
                           protocols => 'TLSv1 TLSv1.1 TLSv1.2 TLSv1.3') ],
    [ 'the spellings of Sentinel',
      "$redis rediss+sentinel://127.0.0.1/mymaster; $trust" ],
    [ 'and of Cluster', "$redis rediss+cluster://127.0.0.1; $trust" ],
);


sub alone {
    my ($name, $value, $address) = @_;

    return [ "${ssl}_$name without TLS, $address",
             "there is \"${ssl}_$name\" but the address in \"$redis\" does "
             . 'not begin with "rediss"',
             "$redis $address; ${ssl}_$name $value;" ];
}


sub empty {
    my ($name) = @_;
    return [ "${ssl}_$name that is empty", "\"${ssl}_$name\" is empty",
             "$tls ${ssl}_$name '';" ];
}


sub twice {
    my ($name, $value) = @_;
    return [ "${ssl}_$name twice", "\"${ssl}_$name\" directive is duplicate",
             "$tls " . "${ssl}_$name $value; " x 2 ];
}

my %values = (trusted_certificate => 'ca.crt', certificate => 'client.crt',
              certificate_key => 'client.key', name => 'redis.example',
              ciphers => 'HIGH', verify => 'off', protocols => 'TLSv1.3');
my @strings = grep { !/^(?:verify|protocols)$/ } sort keys %values;

my @refused = (
    [ 'verification by nobody',
      "\"rediss://127.0.0.1\" in \"$redis\" needs "
      . "\"${ssl}_trusted_certificate\", or \"${ssl}_verify off\"", $tls ],
    [ 'verification by nobody, for a Cluster',
      "\"rediss+cluster://127.0.0.1\" in \"$redis\" needs ",
      "$redis rediss+cluster://127.0.0.1;" ],
    [ 'a certificate without a key',
      "\"${ssl}_certificate\" is \"@{[ file_of('client.crt') ]}\" but there is "
      . "no \"${ssl}_certificate_key\"",
      $tls . $trust . ssl(certificate => 'client.crt') ],
    [ 'a key without a certificate',
      "\"${ssl}_certificate_key\" is \"@{[ file_of('client.key') ]}\" but "
      . "there is no \"${ssl}_certificate\"",
      $tls . $trust . ssl(certificate_key => 'client.key') ],
    [ 'a key of another certificate', 'key values mismatch',
      $tls . $trust . ssl(certificate => 'client.crt',
                          certificate_key => 'another.key') ],
    [ 'a certificate that is not there', "\"$dir/nowhere.crt\"",
      $tls . $trust . ssl(certificate_key => 'client.key')
      . "${ssl}_certificate nowhere.crt;" ],
    [ 'a certificate that is none', "\"$dir/no.crt\"",
      $tls . $trust . ssl(certificate_key => 'client.key')
      . "${ssl}_certificate no.crt;" ],
    [ 'an authority that is not there', "\"$dir/nowhere.crt\"",
      "$tls ${ssl}_trusted_certificate nowhere.crt;" ],
    [ 'an authority that is none', "\"$dir/no.crt\"",
      "$tls ${ssl}_trusted_certificate no.crt;" ],
    [ 'ciphers that nobody knows', '"NOTHING"',
      "$tls $trust ${ssl}_ciphers NOTHING;" ],
    [ 'a version that nobody knows', 'invalid value "TLSv9"',
      "$tls $trust ${ssl}_protocols TLSv1.3 TLSv9;" ],
    [ 'verification that is neither on nor off',
      "invalid value \"often\" in \"${ssl}_verify\"",
      "$tls $trust ${ssl}_verify often;" ],
    [ 'another spelling',
      "\"redis+ssl://127.0.0.1\" in \"$redis\" is not ",
      "$redis redis+ssl://127.0.0.1;" ],
    [ 'capitals', "\"REDISS://127.0.0.1\" in \"$redis\" is not ",
      "$redis REDISS://127.0.0.1;" ],
    [ 'credentials', "\"$redis\" takes no credentials",
      "$redis rediss://u:p\@127.0.0.1; $trust" ],
    [ 'a directive in a server', "\"${ssl}_verify\" directive is not allowed "
                                 . 'here', "$tls $trust",
      "${ssl}_verify on;" ],
    (map { alone($_, $values{$_}, 'redis://127.0.0.1') } sort keys %values),
    alone('verify', 'on', 'unix:/tmp/redis.sock'),
    alone('verify', 'on', 'sentinel://127.0.0.1/mymaster'),
    alone('verify', 'on', 'cluster://127.0.0.1'),
    (map { empty($_) } @strings),
    (map { twice($_, $values{$_}) } @strings, 'verify'),
);


sub test_conf {
    my ($http, $server) = (@_, '', '');

    open my $out, '>', "$dir/nginx.conf" or die "$dir/nginx.conf: $!";
    print $out <<"END";
$LoadModule
pid $dir/nginx.pid;
events { }
http {
    access_log off;
    $http
    server {
        listen 127.0.0.1:12345;
        $server
    }
}
END
    close $out;

    my @command = ($ENV{TEST_NGINX_BINARY} || 'nginx', '-t', '-q', '-p', $dir,
                   '-e', "$dir/error.log", '-c', "$dir/nginx.conf");
    open my $in, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', @command
        or die "sh: $!";
    my $output = join '', <$in>;
    close $in;

    return ($?, $output);
}


for (@accepted) {
    my ($name, @conf) = @$_;
    my ($status, $output) = test_conf(@conf);
    is($status, 0, "$name - is accepted") or diag($output);
}

for (@refused) {
    my ($name, $message, @conf) = @$_;
    my ($status, $output) = test_conf(@conf);

    is($status, 256, "$name - is refused with the exit code 1");
    like($output, qr/\[emerg\] .*\Q$message\E/, "$name - message");
}
