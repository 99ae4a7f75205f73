# Copyright (C) the ngx_sendkit_auth_module authors
#
# The key service is refused by "nginx -t" wherever nothing would stand in
# front of it.
#
# Fails when ngx_sendkit_keys_merge_loc_conf() does not look at the mode that
# holds in the end, inherited or its own, when "if" or limit_except are a way
# around it, or when what is right is refused; when
# ngx_sendkit_keys_check_cluster() does not look for a hash tag.
#
# Each block is a configuration: "server" is in the server, "http" around it,
# "redis" in place of the Redis of the others.
# "message" is what nginx says, up to the name of the file; a block without one
# is to be accepted.

use SendkitAuth;
use Test::More;

my $dir = temp_dir() . '/keys_conf';
mkdir $dir or die "$dir: $!";

our $Redis = 'sendkit_auth_redis unix:/tmp/redis.sock;';
our $Routes = "include $Top/conf/sendkit_v1_routes.conf;";
our $Needs = '"sendkit_keys" in "/v1/" needs "sendkit_auth on"';
our $NoTag = '"sendkit_keys" in "/v1/" needs a hash tag in '
             . '"sendkit_auth_redis_prefix" with a Redis Cluster, as in '
             . '"{sendkit}:", it is';
our $NotHere = '"sendkit_keys" directive is not allowed here';

for my $block (Test::Base::blocks()) {
    my ($status, $output) = test_conf($block);
    my $name = $block->name;
    my $message = $block->message;

    if (!defined $message) {
        is($status, 0, "$name - is accepted") or diag $output;
        next;
    }

    chomp $message;
    my @lines = map { s/ in \S+nginx\.conf:\d+$//r } $output =~ /^.*emerg.*$/mg;

    is($status, 256, "$name - is refused with the exit code 1");
    is(join("\n", @lines), "nginx: [emerg] $message", "$name - message")
        or diag $output;
}

SendkitAuth::check_reports((Test::Base::blocks())[0]);


sub test_conf {
    my ($block) = @_;

    open my $conf, '>', "$dir/nginx.conf" or die "$dir/nginx.conf: $!";
    print $conf "$LoadModule\npid $dir/nginx.pid;\nevents { }\n",
                "http {\n", $block->redis // $Redis, "\n$Routes\n", $block->http // '',
                "\nserver {\nlisten 127.0.0.1:12345;\n", $block->server // '',
                "\n}\n}\n";
    close $conf;

    my @command = ($ENV{TEST_NGINX_BINARY} || 'nginx', '-t', '-q', '-p', $dir,
                   '-e', "$dir/error.log", '-c', "$dir/nginx.conf");
    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', @command
        or die "sh: $!";
    my $output = join '', <$out>;
    close $out;

    return ($?, $output);
}

__DATA__

=== TEST 1: the service in a guarded location
--- server: location /v1/ { sendkit_auth on; sendkit_keys; }



=== TEST 2: in front of the guard, too
--- server: location /v1/ { sendkit_keys; sendkit_auth on; }



=== TEST 3: a guard of the server
--- server: sendkit_auth on; location /v1/ { sendkit_keys; }



=== TEST 4: a guard of all servers
--- http: sendkit_auth on;
--- server: location /v1/ { sendkit_keys; }



=== TEST 5: a guard of the location around it
--- server: location / { sendkit_auth on; location /v1/ { sendkit_keys; } }



=== TEST 6: a regex location
--- server: location ~ "/api-key(/rotate)?$" { sendkit_auth on; sendkit_keys; }



=== TEST 7: a named location
--- server: location @keys { sendkit_auth on; sendkit_keys; }



=== TEST 8: two locations
--- server
location /v1/ { sendkit_auth on; sendkit_keys; }
location /v2/ { sendkit_auth on; sendkit_keys; }



=== TEST 9: no guard at all
--- server: location /v1/ { sendkit_keys; }
--- message eval: $::Needs



=== TEST 10: the guard is off
--- server: location /v1/ { sendkit_auth off; sendkit_keys; }
--- message eval: $::Needs



=== TEST 11: the guard only reports
--- server: location /v1/ { sendkit_auth report; sendkit_keys; }
--- message eval: $::Needs



=== TEST 12: the guard of the server is off here
--- server: sendkit_auth on; location /v1/ { sendkit_auth off; sendkit_keys; }
--- message eval: $::Needs



=== TEST 13: the guard of the server only reports here
--- server: sendkit_auth on; location /v1/ { sendkit_auth report; sendkit_keys; }
--- message eval: $::Needs



=== TEST 14: the server only reports
--- server: sendkit_auth report; location /v1/ { sendkit_keys; }
--- message eval: $::Needs



=== TEST 15: another location is guarded
--- server: location /v2/ { sendkit_auth on; } location /v1/ { sendkit_keys; }
--- message eval: $::Needs



=== TEST 16: a location inside of the guarded one is not
--- server
location / { sendkit_auth on; location /v1/ { sendkit_auth off; sendkit_keys; } }
--- message eval: $::Needs



=== TEST 17: twice
--- server: location /v1/ { sendkit_auth on; sendkit_keys; sendkit_keys; }
--- message: "sendkit_keys" directive is duplicate



=== TEST 18: with an argument
--- server: location /v1/ { sendkit_auth on; sendkit_keys on; }
--- message: invalid number of arguments in "sendkit_keys" directive



=== TEST 19: in http
--- http: sendkit_keys;
--- message eval: $::NotHere



=== TEST 20: in the server
--- server: sendkit_auth on; sendkit_keys;
--- message eval: $::NotHere



=== TEST 21: in "if" of the server
--- server: sendkit_auth on; if ($args) { sendkit_keys; }
--- message eval: $::NotHere



=== TEST 22: in "if" of a location
--- server: location /v1/ { sendkit_auth on; if ($args) { sendkit_keys; } }
--- message eval: $::NotHere



=== TEST 23: in limit_except
--- server: location /v1/ { sendkit_auth on; limit_except GET { sendkit_keys; } }
--- message eval: $::NotHere



=== TEST 24: in types, upstream and the like
--- http: upstream u { server 127.0.0.1:1; sendkit_keys; }
--- message eval: $::NotHere



=== TEST 25: "if" in a location of the service
--- server: location /v1/ { sendkit_auth on; sendkit_keys; if ($args) { set $x 1; } }



=== TEST 26: limit_except in a location of the service
--- server: location /v1/ { sendkit_auth on; sendkit_keys; limit_except GET { deny all; } }



=== TEST 27: a cluster, and a prefix without a hash tag
--- redis: sendkit_auth_redis cluster://127.0.0.1:1,127.0.0.1:2;
--- server: location /v1/ { sendkit_auth on; sendkit_keys; }
--- message eval: qq{$::NoTag "sendkit:"}



=== TEST 28: a cluster, and an empty hash tag
--- redis: sendkit_auth_redis cluster://127.0.0.1:1; sendkit_auth_redis_prefix "a{}b:";
--- server: location /v1/ { sendkit_auth on; sendkit_keys; }
--- message eval: qq{$::NoTag "a{}b:"}



=== TEST 29: a cluster, and a hash tag
--- redis: sendkit_auth_redis cluster://127.0.0.1:1; sendkit_auth_redis_prefix "{sendkit}:";
--- server: location /v1/ { sendkit_auth on; sendkit_keys; }



=== TEST 30: a cluster, no key service, and no hash tag
--- redis: sendkit_auth_redis cluster://127.0.0.1:1;
--- server: location /v1/ { sendkit_auth on; }
