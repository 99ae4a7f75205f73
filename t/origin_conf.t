# Copyright (C) the ngx_sendkit_auth_module authors
#
# What "nginx -t" says of the directives of read-through.
#
# Fails when a check of ngx_sendkit_auth_conf.c is lost or comes too late to
# stop nginx, when a message does not name the directive and the value, or
# when what is right is refused.

use SendkitAuth;

my $dir = temp_dir() . '/origin_conf';
mkdir $dir or die "$dir: $!";

my $redis = 'sendkit_auth_redis unix:/tmp/redis.sock;';
my $on = 'location /v1/ { sendkit_auth on; '
         . 'sendkit_auth_route * "/**" keys=any; %s }';

# In http, in the server, in the location; and what nginx says.

my @accepted = (
    [ 'all four', 'sendkit_auth_origin_ttl 1h; sendkit_auth_negative_ttl 1ms;'
      . ' sendkit_auth_origin /origin; sendkit_auth_origin_send_key on;' ],
    [ 'a server', '', 'sendkit_auth_origin /origin; '
      . 'sendkit_auth_origin_send_key off;' ],
    [ 'a location', '', '', 'sendkit_auth_origin /origin; '
      . 'sendkit_auth_origin_send_key on;' ],
    [ 'off', 'sendkit_auth_origin off;', 'sendkit_auth_origin off;',
      'sendkit_auth_origin off;' ],
    [ 'other levels', 'sendkit_auth_origin /a;', 'sendkit_auth_origin /b;',
      'sendkit_auth_origin off;' ],
    [ 'a path', 'sendkit_auth_origin /a/b/c;' ],
);

my $origin = 'sendkit_auth_origin';
my $twice = 'is duplicate';
my $arguments = 'invalid number of arguments in';
my $zero = '"sendkit_auth_origin_ttl" and "sendkit_auth_negative_ttl" must be '
           . 'from 1ms to 365d, they are ';
my $place = 'directive is not allowed here';

my @refused = (
    [ 'no slash', "\"origin\" in \"$origin\"", "$origin origin;" ],
    [ 'an address', "\"http://a/\" in \"$origin\"", "$origin http://a/;" ],
    [ 'a named location', "\"\@origin\" in \"$origin\"",
      "$origin \@origin;" ],
    [ 'nothing', "\"\" in \"$origin\"", "$origin \"\";" ],
    [ 'with arguments', "\"/a?b=c\" in \"$origin\"", "$origin /a?b=c;" ],
    [ 'with a variable', "\"/a\$uri\" in \"$origin\"", "$origin /a\$uri;" ],
    [ 'with a fragment', "\"/a#b\" in \"$origin\"", "$origin /a#b;" ],
    [ 'a word', "\"on\" in \"$origin\"", "$origin on;" ],
    [ 'no argument', "$arguments \"$origin\"", "$origin;" ],
    [ 'two arguments', "$arguments \"$origin\"", "$origin /a /b;" ],
    [ 'twice', "\"$origin\" directive $twice", "$origin /a; $origin /a;" ],
    [ 'twice in a server', "\"$origin\" directive $twice", '',
      "$origin /a; $origin off;" ],
    [ 'twice in a location', "\"$origin\" directive $twice", '', '',
      "$origin off; $origin off;" ],

    (map {
        my $ttl = $_;
        ([ "$ttl is 0", $zero, "$ttl 0;" ],
         [ "$ttl is too long", $zero, "$ttl 366d;" ],
         [ "$ttl is 0s", $zero, "$ttl 0s;" ],
         [ "$ttl is a word", "\"$ttl\" directive invalid value",
           "$ttl soon;" ],
         [ "$ttl is negative", "\"$ttl\" directive invalid value",
           "$ttl -1;" ],
         [ "$ttl is off", "\"$ttl\" directive invalid value", "$ttl off;" ],
         [ "$ttl without a time", "$arguments \"$ttl\"", "$ttl;" ],
         [ "$ttl twice", "\"$ttl\" directive $twice", "$ttl 1s; $ttl 1s;" ],
         [ "$ttl in a server", "\"$ttl\" $place", '', "$ttl 1s;" ],
         [ "$ttl in a location", "\"$ttl\" $place", '', '', "$ttl 1s;" ])
    } 'sendkit_auth_origin_ttl', 'sendkit_auth_negative_ttl'),

    [ 'a bad flag', 'invalid value "maybe" in "sendkit_auth_origin_send_key"',
      'sendkit_auth_origin_send_key maybe;' ],
    [ 'a flag twice', "\"sendkit_auth_origin_send_key\" directive $twice",
      '', '', 'sendkit_auth_origin_send_key on; ' x 2 ],
);


sub test_conf {
    my ($http, $server, $location) = (@_, '', '', '');

    my $guarded = sprintf $on, $location;

    open my $out, '>', "$dir/nginx.conf" or die "$dir/nginx.conf: $!";
    print $out <<"END";
$LoadModule
pid $dir/nginx.pid;
events { }
http {
    access_log off;
    $redis
    $http
    server {
        listen 127.0.0.1:12345;
        $server
        $guarded
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
    my ($status, $output) = test_conf(map { $_ // '' } @conf);

    is($status, 256, "$name - is refused with the exit code 1");
    like($output, qr/\[emerg\] .*\Q$message\E/, "$name - message");
}

# Where the check is off nobody asks, but what is wrong is wrong.

is((test_conf('', 'sendkit_auth off; sendkit_auth_origin origin;'))[0], 256,
   'also where sendkit_auth is off');
