# Copyright (C) the ngx_sendkit_auth_module authors
#
# A configuration that could not guard what it says is refused by "nginx -t",
# with a message that names the directive and the value.
#
# Fails when a check of ngx_sendkit_auth_conf.c or of sendkit_route_parse() is
# lost or comes too late to stop nginx, when a message changes or shows a
# password, or when what is right is refused.
#
# Each block is a configuration: "http" is in http, "server" in its server.
# "message" is all that nginx says, up to the name of the file; a block with
# no message is to be accepted.

use SendkitAuth;
use Test::More;

our $dir = temp_dir() . '/conf_errors';
mkdir $dir or die "$dir: $!";

our $Redis = 'sendkit_auth_redis unix:/tmp/redis.sock;';
our $Routes = "include $Top/conf/sendkit_v1_routes.conf;";
our $On = "location /v1/ { sendkit_auth on; $Routes }";

# A file with this content; its name.

sub file {
    my ($name, $content) = @_;

    open my $out, '>:raw', "$dir/$name" or die "$dir/$name: $!";
    print $out $content;
    close $out;

    return "$dir/$name";
}

sub route { return "sendkit_auth_route $_[0];" }

# What a route's message is about, and how it goes on.

sub bad_route { return "\"$_[0]\" in \"sendkit_auth_route\" $_[1]" }
sub bad_redis { return "\"$_[0]\" in \"sendkit_auth_redis\" $_[1]" }

our $Methods = 'is not "*" or a list of GET, HEAD, POST, PUT, PATCH, DELETE, '
               . 'OPTIONS';
our $Segment = 'has a segment that is not a literal, "{name}" or "**"';
our $Option = 'is not keys=, roles= or workspace=';
our $Keys = 'is not keys=platform, workspace or any';
our $Roles = 'is not roles=any, none or a list of owner, admin, member';
our $Workspace = 'is not workspace=path, header or none';
our $Forms = 'is not "redis://host:port/db", "unix:/path", '
             . '"sentinel://hosts/name" or "cluster://hosts"';
our $Number = 'of "sendkit_auth_redis" is not the number of a database';

our $NoCredentials = '"sendkit_auth_redis" takes no credentials, use '
                     . '"sendkit_auth_redis_user" and '
                     . '"sendkit_auth_redis_password_file"';
our $Zero = '"0" in "sendkit_auth_timeout", '
            . '"sendkit_auth_redis_connect_timeout" or '
            . '"sendkit_auth_redis_read_timeout" would refuse all requests';

sub bad_flag {
    return "invalid value \"$_[0]\" in \"$_[1]\" directive, "
           . 'it must be "on" or "off"';
}

sub bad_realm {
    return "\"$_[0]\" in \"sendkit_auth_realm\" is not 1 to 64 printable "
           . 'ASCII characters without quote and backslash';
}

for my $block (Test::Base::blocks()) {
    my ($status, $output) = test_conf($block);
    my $name = $block->name;
    my $message = $block->message;

    if (!defined $message) {
        is($status, 0, "$name - is accepted") or diag $output;
        next;
    }

    # nginx: [emerg] MESSAGE in FILE:LINE

    chomp $message;
    my @lines = map { s/ in \S+nginx\.conf:\d+$//r } $output =~ /^.*emerg.*$/mg;

    is($status, 256, "$name - is refused with the exit code 1");
    is(join("\n", @lines), "nginx: [emerg] $message", "$name - message")
        or diag $output;
    unlike($output, qr/canary/, "$name - shows no secret");
}

SendkitAuth::check_reports((Test::Base::blocks())[0]);


sub test_conf {
    my ($block) = @_;

    my $main = $block->main // '';
    my $http = $block->http // '';
    my $server = $block->server // '';

    file('nginx.conf', <<"END");
$LoadModule
pid $dir/nginx.pid;
events { }
$main
http {
    access_log off;
    $http
    server {
        listen 127.0.0.1:12345;
        $server
    }
}
END

    my @command = ($ENV{TEST_NGINX_BINARY} || 'nginx', '-t', '-q', '-p', $dir,
                   '-e', "$dir/error.log", '-c', "$dir/nginx.conf");
    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', @command
        or die "sh: $!";
    my $output = join '', <$out>;
    close $out;

    return ($?, $output);
}

__DATA__

=== TEST 1: the shipped routes are accepted
--- http eval: $::Redis
--- server eval: $::On



=== TEST 2: the module does nothing until it is asked to
--- server: location / { }



=== TEST 3: "on" without a route is refused
--- http eval: $::Redis
--- server: location /v1/ { sendkit_auth on; }
--- message: "sendkit_auth" is on in "/v1/" but there is no "sendkit_auth_route"



=== TEST 4: "on" in the server without a route there is refused
--- http eval: $::Redis
--- server eval: "sendkit_auth on; location / { $::Routes }"
--- message: "sendkit_auth" is on in "(server)" but there is no "sendkit_auth_route"



=== TEST 5: "report" without a route is refused
--- http eval: $::Redis
--- server: location ~ \.php { sendkit_auth report; }
--- message: "sendkit_auth" is on in "\.php" but there is no "sendkit_auth_route"



=== TEST 6: "on" in limit_except without a route is refused
--- http eval: $::Redis
--- server: location /v1/ { limit_except GET { sendkit_auth on; } }
--- message: "sendkit_auth" is on in "/v1/" but there is no "sendkit_auth_route"



=== TEST 7: "on" in limit_except with routes is accepted
--- http eval: $::Redis
--- server eval: "location / { $::Routes limit_except GET { sendkit_auth on; } }"



=== TEST 8: "on" without Redis is refused
--- server eval: $::On
--- message: "sendkit_auth" is on in "/v1/" but there is no "sendkit_auth_redis"



=== TEST 9: "report" without Redis is refused
--- server eval: $::On =~ s/on;/report;/r
--- message: "sendkit_auth" is on in "/v1/" but there is no "sendkit_auth_redis"



=== TEST 10: Redis may stand after what needs it
--- http eval: "server { listen 127.0.0.1:12346; $::On } $::Redis"



=== TEST 11: "satisfy any" is refused where the module is on
--- http eval: $::Redis
--- server eval: $::On =~ s/on;/on; satisfy any;/r
--- message: "satisfy any" in "/v1/" would let others overrule "sendkit_auth"



=== TEST 12: "satisfy any" is refused where the module only reports
--- http eval: $::Redis
--- server eval: $::On =~ s/on;/report; satisfy any;/r
--- message: "satisfy any" in "/v1/" would let others overrule "sendkit_auth"



=== TEST 13: "satisfy any" that is inherited is refused
--- http eval: "$::Redis satisfy any;"
--- server eval: $::On
--- message: "satisfy any" in "/v1/" would let others overrule "sendkit_auth"



=== TEST 14: "satisfy any" beside a guarded location is accepted
--- http eval: $::Redis
--- server eval: "$::On location / { satisfy any; }"



=== TEST 15: an unknown mode is refused
--- server: location / { sendkit_auth maybe; }
--- message: invalid value "maybe" in "sendkit_auth"



=== TEST 16: no mode is refused
--- server: location / { sendkit_auth; }
--- message: invalid number of arguments in "sendkit_auth" directive



=== TEST 17: two modes are refused
--- server: location / { sendkit_auth on off; }
--- message: invalid number of arguments in "sendkit_auth" directive



=== TEST 18: an unknown error format is refused
--- server: sendkit_auth_error_format xml;
--- message: invalid value "xml" in "sendkit_auth_error_format"



=== TEST 19: a flag that is neither "on" nor "off" is refused: bearer
--- server: sendkit_auth_bearer yes;
--- message eval: ::bad_flag('yes', 'sendkit_auth_bearer')



=== TEST 20: a flag that is neither "on" nor "off" is refused: hide_credentials
--- server: sendkit_auth_hide_credentials yes;
--- message eval: ::bad_flag('yes', 'sendkit_auth_hide_credentials')



=== TEST 21: a flag that is neither "on" nor "off" is refused: preflight
--- server: sendkit_auth_preflight yes;
--- message eval: ::bad_flag('yes', 'sendkit_auth_preflight')



=== TEST 22: a route without a template is refused
--- server eval: ::route('GET')
--- message: invalid number of arguments in "sendkit_auth_route" directive



=== TEST 23: an unknown method is refused
--- server eval: ::route('GETT /v1/x')
--- message eval: ::bad_route('GETT', $::Methods)



=== TEST 24: a method in lower case is refused
--- server eval: ::route('get /v1/x')
--- message eval: ::bad_route('get', $::Methods)



=== TEST 25: an unknown method in a list is refused
--- server eval: ::route('GET,FOO,POST /v1/x')
--- message eval: ::bad_route('GET,FOO,POST', $::Methods)



=== TEST 26: a comma at the end of the methods is refused
--- server eval: ::route('GET, /v1/x')
--- message eval: ::bad_route('GET,', $::Methods)



=== TEST 27: a comma before the methods is refused
--- server eval: ::route(',GET /v1/x')
--- message eval: ::bad_route(',GET', $::Methods)



=== TEST 28: a space in the methods makes the next one the template
--- server eval: ::route('GET POST /v1/x')
--- message eval: ::bad_route('POST', 'does not begin with "/"')



=== TEST 29: "*" in a list of methods is refused
--- server eval: ::route('*,GET /v1/x')
--- message eval: ::bad_route('*,GET', $::Methods)



=== TEST 30: an empty method is refused
--- server eval: ::route('"" /v1/x')
--- message eval: ::bad_route('', $::Methods)



=== TEST 31: all methods that there are may be listed
--- server eval: ::route('GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS /v1/x')



=== TEST 32: a template that does not begin with a slash is refused
--- server eval: ::route('GET v1/x')
--- message eval: ::bad_route('v1/x', 'does not begin with "/"')



=== TEST 33: an empty template is refused
--- server eval: ::route('GET ""')
--- message eval: ::bad_route('', 'does not begin with "/"')



=== TEST 34: "**" before the last segment is refused
--- server eval: ::route('GET /v1/**/x')
--- message eval: ::bad_route('/v1/**/x', 'has "**" before its last segment')



=== TEST 35: a slash after "**" is refused
--- server eval: ::route('GET /v1/**/')
--- message eval: ::bad_route('/v1/**/', 'has "**" before its last segment')



=== TEST 36: "*" as a segment is refused
--- server eval: ::route('GET /v1/*')
--- message eval: ::bad_route('/v1/*', $::Segment)



=== TEST 37: "*" in a segment is refused
--- server eval: ::route('GET /v1/x**')
--- message eval: ::bad_route('/v1/x**', $::Segment)



=== TEST 38: a name that is a part of a segment only is refused
--- server eval: ::route('GET "/v1/x{a}"')
--- message eval: ::bad_route('/v1/x{a}', $::Segment)



=== TEST 39: a name without an end is refused
--- server eval: ::route('GET "/v1/{a"')
--- message eval: ::bad_route('/v1/{a', $::Segment)



=== TEST 40: an empty name is refused
--- server eval: ::route('GET "/v1/{}"')
--- message eval: ::bad_route('/v1/{}', $::Segment)



=== TEST 41: a name with other signs is refused
--- server eval: ::route('GET "/v1/{a.b}"')
--- message eval: ::bad_route('/v1/{a.b}', 'has a bad name in braces')



=== TEST 42: an empty segment is refused
--- server eval: ::route('GET /v1//x')
--- message eval: ::bad_route('/v1//x', $::Segment)



=== TEST 43: a dot segment is refused
--- server eval: ::route('GET /v1/../x')
--- message eval: ::bad_route('/v1/../x', $::Segment)



=== TEST 44: a literal that no canonical path can have is refused
--- server eval: ::route('GET /v1/%78')
--- message eval: ::bad_route('/v1/%78', $::Segment)



=== TEST 45: a query in a template is refused
--- server eval: ::route('GET /v1/x?y')
--- message eval: ::bad_route('/v1/x?y', $::Segment)



=== TEST 46: two workspaces in a template are refused
--- server eval: ::route('GET "/v1/{workspaceId}/{workspaceId}"')
--- message eval
::bad_route('/v1/{workspaceId}/{workspaceId}',
            'has more than one "{workspaceId}"')



=== TEST 47: an unknown option is refused
--- server eval: ::route('GET /v1/x role=any')
--- message eval: ::bad_route('role=any', $::Option)



=== TEST 48: an option without a value is refused
--- server eval: ::route('GET /v1/x keys')
--- message eval: ::bad_route('keys', $::Option)



=== TEST 49: an option in letters of another case is refused
--- server eval: ::route('GET /v1/x Keys=any')
--- message eval: ::bad_route('Keys=any', $::Option)



=== TEST 50: unknown keys are refused
--- server eval: ::route('GET /v1/x keys=user')
--- message eval: ::bad_route('keys=user', $::Keys)



=== TEST 51: a list of keys is refused
--- server eval: ::route('GET /v1/x keys=platform,workspace')
--- message eval: ::bad_route('keys=platform,workspace', $::Keys)



=== TEST 52: empty keys are refused
--- server eval: ::route('GET /v1/x keys=')
--- message eval: ::bad_route('keys=', $::Keys)



=== TEST 53: an unknown role is refused
--- server eval: ::route('GET "/v1/{workspaceId}" roles=owner,root')
--- message eval: ::bad_route('roles=owner,root', $::Roles)



=== TEST 54: a role in letters of another case is refused
--- server eval: ::route('GET "/v1/{workspaceId}" roles=Owner')
--- message eval: ::bad_route('roles=Owner', $::Roles)



=== TEST 55: "any" in a list of roles is refused
--- server eval: ::route('GET "/v1/{workspaceId}" roles=owner,any')
--- message eval: ::bad_route('roles=owner,any', $::Roles)



=== TEST 56: empty roles are refused
--- server eval: ::route('GET "/v1/{workspaceId}" roles=')
--- message eval: ::bad_route('roles=', $::Roles)



=== TEST 57: a comma at the end of the roles is refused
--- server eval: ::route('GET "/v1/{workspaceId}" roles=owner,')
--- message eval: ::bad_route('roles=owner,', $::Roles)



=== TEST 58: an unknown place of the workspace is refused
--- server eval: ::route('GET /v1/x workspace=query')
--- message eval: ::bad_route('workspace=query', $::Workspace)



=== TEST 59: an empty place of the workspace is refused
--- server eval: ::route('GET /v1/x workspace=')
--- message eval: ::bad_route('workspace=', $::Workspace)



=== TEST 60: an option twice is refused: keys
--- server eval: ::route('GET /v1/x keys=any keys=platform')
--- message eval: ::bad_route('keys=platform', 'is duplicate')



=== TEST 61: an option twice is refused: roles
--- server eval: ::route('GET "/v1/{workspaceId}" roles=any roles=any')
--- message eval: ::bad_route('roles=any', 'is duplicate')



=== TEST 62: an option twice is refused: workspace
--- server eval: ::route('GET /v1/x workspace=none workspace=header')
--- message eval: ::bad_route('workspace=header', 'is duplicate')



=== TEST 63: all options, in any order, are accepted
--- server eval
::route('GET "/v1/{workspaceId}" workspace=path roles=owner keys=any')



=== TEST 64: a word after all options is refused
--- server eval
::route('GET "/v1/{workspaceId}" workspace=path roles=any keys=any x')
--- message
invalid number of arguments in "sendkit_auth_route" directive



=== TEST 65: many words after all options are refused
--- server eval
::route('GET "/v1/{workspaceId}" workspace=path roles=any keys=any ' . 'x ' x 99)
--- message
invalid number of arguments in "sendkit_auth_route" directive



=== TEST 66: roles without a workspace are refused
--- server eval: ::route('GET /v1/x roles=owner')
--- message eval
::bad_route('/v1/x', 'has roles but no workspace to hold them in')



=== TEST 67: any role without a workspace is refused
--- server eval: ::route('GET /v1/** roles=any')
--- message eval
::bad_route('/v1/**', 'has roles but no workspace to hold them in')



=== TEST 68: roles with the workspace switched off are refused
--- server eval: ::route('GET "/v1/{workspaceId}" roles=owner workspace=none')
--- message eval
::bad_route('/v1/{workspaceId}', 'has roles but no workspace to hold them in')



=== TEST 69: "roles=none" needs no workspace
--- server eval: ::route('GET /v1/x roles=none')



=== TEST 70: a workspace in a path that has none is refused
--- server eval: ::route('GET "/v1/{id}" workspace=path')
--- message eval
::bad_route('/v1/{id}', 'has no "{workspaceId}" for workspace=path')



=== TEST 71: a method and template twice are refused
--- server eval: ::route('GET /v1/x') . ::route('GET /v1/x keys=platform')
--- message: duplicate "sendkit_auth_route" for "GET" "/v1/x"



=== TEST 72: a method that two lists have in common is refused
--- server eval: ::route('GET,POST /v1/x') . ::route('PUT,POST /v1/x')
--- message: duplicate "sendkit_auth_route" for "PUT,POST" "/v1/x"



=== TEST 73: GET and HEAD for one template are the same method
--- server eval: ::route('GET /v1/x') . ::route('HEAD /v1/x')
--- message: duplicate "sendkit_auth_route" for "HEAD" "/v1/x"



=== TEST 74: "*" twice for one template is refused
--- server eval: ::route('* /v1/**') . ::route('* /v1/**')
--- message: duplicate "sendkit_auth_route" for "*" "/v1/**"



=== TEST 75: a duplicate that is not next to the first one is refused
--- server eval
::route('GET /v1/x') . ::route('GET /v1/y') . ::route('GET /v1/x')
--- message: duplicate "sendkit_auth_route" for "GET" "/v1/x"



=== TEST 76: "*" beside a method, and other methods, are no duplicates
--- server eval
::route('* /v1/x') . ::route('GET /v1/x') . ::route('POST /v1/x')



=== TEST 77: templates that differ only by names are refused
--- server eval: ::route('GET "/v1/{a}/x"') . ::route('POST "/v1/{b}/x"')
--- message eval
::bad_route('/v1/{b}/x', 'differs only by names from "/v1/{a}/x"')



=== TEST 78: a route of another level is no duplicate
--- server eval: ::route('GET /v1/x') . "location / { @{[ ::route('GET /v1/x') ]} }"



=== TEST 79: an address of Redis needs a scheme
--- http: sendkit_auth_redis localhost:6379;
--- message eval: ::bad_redis('localhost:6379', $::Forms)



=== TEST 80: a scheme that is longer than one of ours is refused
--- http: sendkit_auth_redis redisx://127.0.0.1;
--- message eval: ::bad_redis('redisx://127.0.0.1', $::Forms)



=== TEST 81: another scheme is refused
--- http: sendkit_auth_redis http://127.0.0.1;
--- message eval: ::bad_redis('http://127.0.0.1', $::Forms)



=== TEST 82: a scheme alone is refused
--- http: sendkit_auth_redis redis://;
--- message eval: ::bad_redis('redis://', $::Forms)



=== TEST 83: a socket without a path is refused
--- http: sendkit_auth_redis unix:;
--- message eval: ::bad_redis('unix:', $::Forms)



=== TEST 84: an empty address is refused
--- http: sendkit_auth_redis "";
--- message eval: ::bad_redis('', $::Forms)



=== TEST 85: an address without a host is refused
--- http: sendkit_auth_redis redis:///1;
--- message: no host in "redis:///1" of "sendkit_auth_redis"



=== TEST 86: a port that is too large is refused
--- http: sendkit_auth_redis redis://127.0.0.1:65536;
--- message: invalid port in "redis://127.0.0.1:65536" of "sendkit_auth_redis"



=== TEST 87: a port that is no number is refused
--- http: sendkit_auth_redis redis://127.0.0.1:redis/1;
--- message: invalid port in "redis://127.0.0.1:redis/1" of "sendkit_auth_redis"



=== TEST 88: an IPv6 address without its end is refused
--- http: sendkit_auth_redis redis://[::1;
--- message: invalid host in "redis://[::1" of "sendkit_auth_redis"



=== TEST 89: a socket's path that is too long is refused
--- http eval: "sendkit_auth_redis unix:/" . 'x' x 108 . ";"
--- message eval
'too long path in the unix domain socket in "unix:/' . 'x' x 108
. '" of "sendkit_auth_redis"'



=== TEST 90: a database that is no number is refused
--- http: sendkit_auth_redis redis://127.0.0.1/x;
--- message eval: "\"x\" in \"redis://127.0.0.1/x\" $::Number"



=== TEST 91: a negative database is refused
--- http: sendkit_auth_redis redis://127.0.0.1/-1;
--- message eval: "\"-1\" in \"redis://127.0.0.1/-1\" $::Number"



=== TEST 92: two databases are refused
--- http: sendkit_auth_redis redis://127.0.0.1/1/2;
--- message eval: "\"1/2\" in \"redis://127.0.0.1/1/2\" $::Number"



=== TEST 93: a database that no integer can hold is refused
--- http: sendkit_auth_redis redis://127.0.0.1/99999999999999999999;
--- message eval
"\"99999999999999999999\" in \"redis://127.0.0.1/99999999999999999999\""
. " $::Number"



=== TEST 94: a query in the address is refused
--- http: sendkit_auth_redis redis://127.0.0.1/1?db=2;
--- message eval: "\"1?db=2\" in \"redis://127.0.0.1/1?db=2\" $::Number"



=== TEST 95: a query in place of the database is refused
--- http: sendkit_auth_redis redis://127.0.0.1?1;
--- message eval: "\"?1\" in \"redis://127.0.0.1?1\" $::Number"



=== TEST 96: a database of a socket without a slash is refused
--- http: sendkit_auth_redis unix:/tmp/redis.sock:22;
--- message eval: "\"22\" in \"unix:/tmp/redis.sock:22\" $::Number"



=== TEST 97: a database of one digit of a socket without a slash is refused
--- http: sendkit_auth_redis unix:/tmp/redis.sock:2;
--- message eval: "\"2\" in \"unix:/tmp/redis.sock:2\" $::Number"



=== TEST 98: TCP with all parts is accepted
--- http: sendkit_auth_redis redis://127.0.0.1:6380/15;



=== TEST 99: TCP with a host alone is accepted
--- http: sendkit_auth_redis redis://localhost;



=== TEST 100: IPv6 is accepted
--- http: sendkit_auth_redis redis://[::1]:6380/1;



=== TEST 101: a slash without a database is accepted
--- http: sendkit_auth_redis redis://127.0.0.1/;



=== TEST 102: a socket with a database is accepted
--- http: sendkit_auth_redis unix:/tmp/redis.sock:/2;



=== TEST 103: credentials in an address are refused and not shown
--- http: sendkit_auth_redis redis://user:canary@127.0.0.1/0;
--- message eval: $::NoCredentials



=== TEST 104: a password alone in an address is refused and not shown
--- http: sendkit_auth_redis redis://:canary@127.0.0.1;
--- message eval: $::NoCredentials



=== TEST 105: credentials in an address of another scheme are not shown, either
--- http: sendkit_auth_redis rediss://user:canary@127.0.0.1/0;
--- message eval: $::NoCredentials



=== TEST 106: credentials in an address without a scheme are not shown, either
--- http: sendkit_auth_redis user:canary@127.0.0.1:6379;
--- message eval: $::NoCredentials



=== TEST 107: a prefix of more than 64 bytes is refused
--- http eval: "sendkit_auth_redis_prefix " . 'x' x 65 . ";"
--- message eval
'"' . 'x' x 65 . '" in "sendkit_auth_redis_prefix" is longer than 64 bytes'



=== TEST 108: a prefix of 64 bytes is accepted
--- http eval: "sendkit_auth_redis_prefix " . 'x' x 64 . ";"



=== TEST 109: an empty prefix is accepted
--- http: sendkit_auth_redis_prefix "";



=== TEST 110: a user without a password is refused
--- http: sendkit_auth_redis_user gateway;
--- message eval
'"sendkit_auth_redis_user" is "gateway" but there is no'
. ' "sendkit_auth_redis_password_file"'



=== TEST 111: a user with a password is accepted, in either order
--- http eval
"sendkit_auth_redis_password_file " . ::file('password', "secret\n")
. "; sendkit_auth_redis_user gateway;"



=== TEST 112: a password without a user is accepted
--- http eval
"sendkit_auth_redis_password_file " . ::file('password', "secret\n") . ";"



=== TEST 113: a file of a password that is not there is refused
--- http eval: "sendkit_auth_redis_password_file $::dir/nothing;"
--- message eval
"open() \"$::dir/nothing\" failed (2: No such file or directory)"



=== TEST 114: an empty file of a password is refused
--- http eval
"sendkit_auth_redis_password_file " . ::file('empty', '') . ";"
--- message eval: "file \"$::dir/empty\" is empty"



=== TEST 115: a file of a password with a newline only is refused
--- http eval
"sendkit_auth_redis_password_file " . ::file('newline', "\n") . ";"
--- message eval: "file \"$::dir/newline\" is empty"



=== TEST 116: a file of a password of more than 4096 bytes is refused, and not shown
--- http eval
"sendkit_auth_redis_password_file " . ::file('long', 'canary' x 1000) . ";"
--- message eval: "file \"$::dir/long\" is longer than 4096 bytes"



=== TEST 117: a directory as the file of a password is refused
--- http eval: "sendkit_auth_redis_password_file $::dir;"
--- message eval: "\"$::dir\" cannot be read"



=== TEST 118: a relative file is looked for beside nginx.conf
--- http eval
::file('password', 'secret') && "sendkit_auth_redis_password_file password;"



=== TEST 119: a pepper that is not there is refused
--- http eval: "sendkit_auth_pepper_file $::dir/nothing;"
--- message eval
"open() \"$::dir/nothing\" failed (2: No such file or directory)"



=== TEST 120: an empty pepper is refused
--- http eval: "sendkit_auth_pepper_file " . ::file('empty', '') . ";"
--- message eval: "file \"$::dir/empty\" is empty"



=== TEST 121: a pepper of less than 16 bytes is refused, and not shown
--- http eval
"sendkit_auth_pepper_file " . ::file('short', "canary-89012345") . ";"
--- message eval: "pepper in \"$::dir/short\" is shorter than 16 bytes"



=== TEST 122: a newline at the end does not make a pepper longer
--- http eval
"sendkit_auth_pepper_file " . ::file('short', "canary-89012345\n") . ";"
--- message eval: "pepper in \"$::dir/short\" is shorter than 16 bytes"



=== TEST 123: a pepper of more than 4096 bytes is refused, and not shown
--- http eval
"sendkit_auth_pepper_file " . ::file('long', 'canary' x 1000) . ";"
--- message eval: "file \"$::dir/long\" is longer than 4096 bytes"



=== TEST 124: an old pepper is checked like the new one
--- http eval
"sendkit_auth_pepper_file " . ::file('good', 'x' x 16) . ' '
. ::file('short', "canary") . ";"
--- message eval: "pepper in \"$::dir/short\" is shorter than 16 bytes"



=== TEST 125: peppers of 16 bytes are accepted
--- http eval
"sendkit_auth_pepper_file " . ::file('good', 'x' x 16) . ' '
. ::file('old', 'y' x 16) . ";"



=== TEST 126: three peppers are refused
--- http: sendkit_auth_pepper_file a b c;
--- message: invalid number of arguments in "sendkit_auth_pepper_file" directive



=== TEST 127: a realm with a quote is refused
--- server: sendkit_auth_realm 'a"b';
--- message eval: ::bad_realm('a"b')



=== TEST 128: a realm with a backslash is refused
--- server eval: 'sendkit_auth_realm a\\\\b;'
--- message eval: ::bad_realm('a\\b')



=== TEST 129: a realm with a tab is refused
--- server eval: "sendkit_auth_realm 'a\tb';"
--- message eval: ::bad_realm("a\tb")



=== TEST 130: a realm that is not ASCII is refused
--- server eval: "sendkit_auth_realm \xc3\xa9;"
--- message eval: ::bad_realm("\xc3\xa9")



=== TEST 131: an empty realm is refused
--- server: sendkit_auth_realm "";
--- message eval: ::bad_realm('')



=== TEST 132: a realm of more than 64 bytes is refused
--- server eval: "sendkit_auth_realm " . 'x' x 65 . ";"
--- message eval: ::bad_realm('x' x 65)



=== TEST 133: a realm of 64 bytes is accepted
--- server eval: "sendkit_auth_realm " . 'x' x 64 . ";"



=== TEST 134: a time that is none is refused: timeout
--- http: sendkit_auth_timeout soon;
--- message: "sendkit_auth_timeout" directive invalid value



=== TEST 135: a time that is none is refused: connect_timeout
--- http: sendkit_auth_redis_connect_timeout -1;
--- message: "sendkit_auth_redis_connect_timeout" directive invalid value



=== TEST 136: a time that is none is refused: read_timeout
--- http: sendkit_auth_redis_read_timeout 1x;
--- message: "sendkit_auth_redis_read_timeout" directive invalid value



=== TEST 137: a time of 0 is refused
--- http: sendkit_auth_redis_read_timeout 0;
--- message eval: $::Zero



=== TEST 138: each directive but sendkit_auth_route is refused twice: sendkit_auth
--- server: sendkit_auth off; sendkit_auth off;
--- message: "sendkit_auth" directive is duplicate



=== TEST 139: each directive but sendkit_auth_route is refused twice: bearer
--- server: sendkit_auth_bearer on; sendkit_auth_bearer off;
--- message: "sendkit_auth_bearer" directive is duplicate



=== TEST 140: each directive but sendkit_auth_route is refused twice: error_format
--- server: sendkit_auth_error_format flat; sendkit_auth_error_format flat;
--- message: "sendkit_auth_error_format" directive is duplicate



=== TEST 141: each directive but sendkit_auth_route is refused twice: hide_credentials
--- server: sendkit_auth_hide_credentials on; sendkit_auth_hide_credentials on;
--- message: "sendkit_auth_hide_credentials" directive is duplicate



=== TEST 142: each directive but sendkit_auth_route is refused twice: preflight
--- server: sendkit_auth_preflight on; sendkit_auth_preflight off;
--- message: "sendkit_auth_preflight" directive is duplicate



=== TEST 143: each directive but sendkit_auth_route is refused twice: realm
--- server: sendkit_auth_realm a; sendkit_auth_realm b;
--- message: "sendkit_auth_realm" directive is duplicate



=== TEST 144: each directive but sendkit_auth_route is refused twice: redis
--- http eval: "$::Redis $::Redis"
--- message: "sendkit_auth_redis" directive is duplicate



=== TEST 145: each directive but sendkit_auth_route is refused twice: prefix
--- http: sendkit_auth_redis_prefix ""; sendkit_auth_redis_prefix a:;
--- message: "sendkit_auth_redis_prefix" directive is duplicate



=== TEST 146: each directive but sendkit_auth_route is refused twice: user
--- http: sendkit_auth_redis_user a; sendkit_auth_redis_user b;
--- message: "sendkit_auth_redis_user" directive is duplicate



=== TEST 147: each directive but sendkit_auth_route is refused twice: password_file
--- http eval
"sendkit_auth_redis_password_file " . ::file('password', 'secret') . ";"
. "sendkit_auth_redis_password_file password;"
--- message: "sendkit_auth_redis_password_file" directive is duplicate



=== TEST 148: each directive but sendkit_auth_route is refused twice: pepper_file
--- http eval
"sendkit_auth_pepper_file " . ::file('good', 'x' x 16) . ";"
. "sendkit_auth_pepper_file good;"
--- message: "sendkit_auth_pepper_file" directive is duplicate



=== TEST 149: each directive but sendkit_auth_route is refused twice: timeout
--- http: sendkit_auth_timeout 1s; sendkit_auth_timeout 1s;
--- message: "sendkit_auth_timeout" directive is duplicate



=== TEST 150: each directive but sendkit_auth_route is refused twice: connect_timeout
--- http eval: "sendkit_auth_redis_connect_timeout 1s;" x 2
--- message: "sendkit_auth_redis_connect_timeout" directive is duplicate



=== TEST 151: each directive but sendkit_auth_route is refused twice: read_timeout
--- http eval: "sendkit_auth_redis_read_timeout 1s;" x 2
--- message: "sendkit_auth_redis_read_timeout" directive is duplicate



=== TEST 152: what is of the whole gateway is refused in a server: redis
--- server eval: $::Redis
--- message: "sendkit_auth_redis" directive is not allowed here



=== TEST 153: what is of the whole gateway is refused in a server: prefix
--- server: sendkit_auth_redis_prefix x;
--- message: "sendkit_auth_redis_prefix" directive is not allowed here



=== TEST 154: what is of the whole gateway is refused in a server: user
--- server: sendkit_auth_redis_user x;
--- message: "sendkit_auth_redis_user" directive is not allowed here



=== TEST 155: what is of the whole gateway is refused in a server: password_file
--- server: sendkit_auth_redis_password_file x;
--- message: "sendkit_auth_redis_password_file" directive is not allowed here



=== TEST 156: what is of the whole gateway is refused in a server: pepper_file
--- server: sendkit_auth_pepper_file x;
--- message: "sendkit_auth_pepper_file" directive is not allowed here



=== TEST 157: what is of the whole gateway is refused in a location: timeout
--- server: location / { sendkit_auth_timeout 1s; }
--- message: "sendkit_auth_timeout" directive is not allowed here



=== TEST 158: what is of the whole gateway is refused in a server: connect_timeout
--- server: sendkit_auth_redis_connect_timeout 1s;
--- message: "sendkit_auth_redis_connect_timeout" directive is not allowed here



=== TEST 159: what is of the whole gateway is refused in a server: read_timeout
--- server: sendkit_auth_redis_read_timeout 1s;
--- message: "sendkit_auth_redis_read_timeout" directive is not allowed here



=== TEST 160: the module outside of http is refused
--- main: sendkit_auth on;
--- message: "sendkit_auth" directive is not allowed here



=== TEST 161: the module in an upstream is refused
--- http: upstream x { sendkit_auth on; }
--- message: "sendkit_auth" directive is not allowed here



=== TEST 162: the module in "if" is refused
--- http eval: $::Redis
--- server: if ($arg_x) { sendkit_auth off; }
--- message: "sendkit_auth" directive is not allowed here



=== TEST 163: the module in "if" of a location is refused
--- http eval: $::Redis
--- server: location / { if ($arg_x) { sendkit_auth off; } }
--- message: "sendkit_auth" directive is not allowed here



=== TEST 164: a route in "if" is refused
--- server: location / { if ($arg_x) { sendkit_auth_route GET /x; } }
--- message: "sendkit_auth_route" directive is not allowed here



=== TEST 165: a route in limit_except is refused
--- server: location / { limit_except GET { sendkit_auth_route GET /x; } }
--- message: "sendkit_auth_route" directive is not allowed here



=== TEST 166: a directive that there is not is refused
--- server: sendkit_auth_fail_open on;
--- message: unknown directive "sendkit_auth_fail_open"
