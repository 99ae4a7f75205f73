# Copyright (C) the ngx_sendkit_auth_module authors
#
# "nginx -t" accepts the directives of the cache where they belong, and refuses
# what cannot work with a message that names the directive and the value.
#
# Fails when a check of ngx_sendkit_auth_conf_zone(),
# ngx_sendkit_auth_conf_check_times() or ngx_sendkit_auth_conf_cache() is left
# out, or refuses what is right.

use SendkitAuth;
use Test::More;

my $dir = temp_dir() . '/cache_conf';
mkdir $dir or die "$dir: $!";

my $redis = 'sendkit_auth_redis unix:/tmp/redis.sock;';
my $zone = 'sendkit_auth_zone';
my $ttl = 'sendkit_auth_cache_ttl';
my $lease = 'sendkit_auth_lease';
my $negative = 'sendkit_auth_negative_ttl';
my $arguments = 'invalid number of arguments in';

my @accepted = (
    [ 'a zone', "$redis $zone gate:1m;" ],
    [ 'the smallest zone', "$redis $zone gate:64k;" ],
    [ 'a zone in bytes', "$redis $zone gate:65536;" ],
    [ 'a zone before Redis', "$zone gate:1m; $redis" ],
    [ 'all of them', "$redis $zone gate:1m; $ttl 5m; $negative 1s;"
                     . " $lease 1s;" ],
    [ 'the shortest times', "$redis $zone gate:1m; $ttl 1ms; $negative 1ms;"
                            . " $lease 100ms;" ],
    [ 'the longest times', "$redis $zone gate:1m; $ttl 365d;"
                           . " $negative 365d; $lease 1h;" ],
    [ 'times without a zone', "$redis $ttl 5m; $lease 1s;" ],
);

my @refused = (
    [ 'no Redis', "\"$zone\" is \"gate\" but there is no "
                  . '"sendkit_auth_redis"', "$zone gate:1m;" ],
    (map { [ "a zone \"$_\"",
             "\"$_\" in \"$zone\" is not a name, \":\" and a size",
             "$redis $zone $_;" ] }
         'gate', ':1m', 'gate:', 'gate:much', 'gate:-1m', 'gate:1m:2m',
         'gate:1g', '1m'),
    (map { [ "a zone of $_",
             "zone in \"gate:$_\" of \"$zone\" is smaller than 65536 bytes",
             "$redis $zone gate:$_;" ] }
         '0', '1', '63k', '65535'),
    [ 'a zone twice', "\"$zone\" directive is duplicate",
      "$redis $zone gate:1m; $zone gate:1m;" ],
    [ 'a zone without an argument', "$arguments \"$zone\"", "$redis $zone;" ],
    [ 'a zone with two', "$arguments \"$zone\"", "$redis $zone a:1m b:1m;" ],

    [ 'no ttl', "\"$ttl\" must be from 1ms to 365d, it is 0 ms",
      "$redis $ttl 0;" ],
    [ 'a long ttl', "\"$ttl\" must be from 1ms to 365d, it is 31622400000 ms",
      "$redis $ttl 366d;" ],
    [ 'no lease', "\"$lease\" must be from 100 ms to 1h, it is 0 ms",
      "$redis $lease 0;" ],
    [ 'a short lease', "\"$lease\" must be from 100 ms to 1h, it is 99 ms",
      "$redis $lease 99ms;" ],
    [ 'a long lease', "\"$lease\" must be from 100 ms to 1h, it is 3600001 ms",
      "$redis $lease 3600001ms;" ],
    [ 'no negative ttl', "\"$negative\" must be from 1ms to 365d",
      "$redis $negative 0;" ],

    (map { [ "$_ is a word", "\"$_\" directive invalid value",
             "$redis $_ soon;" ],
           [ "$_ is negative", "\"$_\" directive invalid value",
             "$redis $_ -1s;" ],
           [ "$_ without a time", "$arguments \"$_\"", "$redis $_;" ],
           [ "$_ twice", "\"$_\" directive is duplicate",
             "$redis $_ 1s; $_ 1s;" ],
           [ "$_ in a server", "\"$_\" directive is not allowed here", $redis,
             "$_ 1s;" ],
           [ "$_ in a location", "\"$_\" directive is not allowed here",
             $redis, "location / { $_ 1s; }" ] } $ttl, $lease),
    [ 'a zone in a server', "\"$zone\" directive is not allowed here", $redis,
      "$zone gate:1m;" ],
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
