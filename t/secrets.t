# Copyright (C) the ngx_sendkit_auth_module authors
#
# A key never leaves its request: not to Redis, not to the logs, not to an
# answer, whatever was wrong with it; nor do the secrets of the gateway.
#
# Fails when a key is sent to Redis instead of its digest, when a log message
# or an answer repeats what the client has sent, when a variable of the
# documented log format carries the key, or when the password or a pepper is
# put into a message.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

use IO::Select ();
use IO::Socket::UNIX ();

my $canary = 'CanaryThatMustNotSing';
my $password = "password-$canary";
my %pepper = (new => "pepper-new-$canary", old => "pepper-old-$canary");
my $dir = temp_dir();


sub write_file {
    my ($name, $bytes) = @_;

    open my $out, '>:raw', "$dir/$name" or die "$dir/$name: $!";
    print $out $bytes;
    close $out;
    return "$dir/$name";
}


sub read_file {
    my ($file) = @_;

    open my $in, '<:raw', $file or die "$file: $!";
    local $/;
    return <$in>;
}


# The log formats that the project ships, as they are written there.

sub log_format {
    my ($file) = @_;

    read_file("$Top/$file") =~ /^\s*(log_format\s+(\w+)\s[^;]*;)/m
        or die "no log_format in $file";
    return ($1, $2);
}

my ($documented, $name) = log_format('docs/variables.md');
my ($of_demo, $demo_name) = log_format('tools/demo.d/nginx.conf');

# Who asks, and what of it is a canary.

my %key = map { $_ => "sk_user_${canary}_$_" }
              qw( owner stranger unknown expired inactive broken wrongtype
                  slow down );
$key{workspace} = "sk_${canary}_workspace";

my @commands = (
    (map { record($key{$_}, type => 'platform', user => "u_$_") }
         qw( owner stranger slow down )),
    record($key{expired}, type => 'platform', user => 'u_owner',
           expires => 1),
    record($key{inactive}, type => 'platform', user => 'u_owner',
           status => 'revoked'),
    record($key{broken}, user => 'u_owner'),
    [ 'SET', 'sendkit:key:' . digest($key{wrongtype}), 'x' ],
    record($key{workspace}, type => 'workspace', workspace => 'w1'),
    [ 'HSET', 'sendkit:roles:w1', u_owner => 'owner', u_slow => 'owner' ],
);

my @requests = (
    [ 'an owner', 200, [ "X-Api-Key: $key{owner}" ] ],
    [ 'a workspace key', 200, [ "X-Api-Key: $key{workspace}" ] ],
    [ 'a workspace key that manages', 403,
      [ "X-Api-Key: $key{workspace}" ], 'POST',
      '/v1/workspaces/w1/api-key' ],
    [ 'a workspace key elsewhere', 403, [ "X-Api-Key: $key{workspace}" ],
      'GET', '/v1/workspaces/w2' ],
    [ 'a stranger', 403, [ "X-Api-Key: $key{stranger}" ] ],
    [ 'an unknown key', 401, [ "X-Api-Key: $key{unknown}" ] ],
    [ 'an expired key', 401, [ "X-Api-Key: $key{expired}" ] ],
    [ 'an inactive key', 401, [ "X-Api-Key: $key{inactive}" ] ],
    [ 'a key with a broken record', 503, [ "X-Api-Key: $key{broken}" ] ],
    [ 'a key with a wrong record', 503, [ "X-Api-Key: $key{wrongtype}" ] ],
    [ 'a key that is no key', 401, [ "X-Api-Key: $canary" ] ],
    [ 'a key of wrong bytes', 401, [ "X-Api-Key: sk_user_$canary/.%00\xff" ] ],
    [ 'a key that is too long', 401,
      [ "X-Api-Key: sk_user_" . $canary x 20 ] ],
    [ 'a key that is very long', 401, [ 'X-Api-Key: ' . $canary x 200 ] ],
    [ 'a key twice', 401, [ ("X-Api-Key: $key{owner}") x 2 ] ],
    [ 'keys in one line', 401, [ "X-Api-Key: $key{owner}, $key{owner}" ] ],
    [ 'a key and another bearer', 401,
      [ "X-Api-Key: $key{owner}", "Authorization: Bearer $key{stranger}" ],
      undef, '/bearer/v1/campaigns' ],
    [ 'a bearer', 200, [ "Authorization: Bearer $key{owner}" ], undef,
      '/bearer/v1/campaigns' ],
    [ 'a bearer that is unknown', 401,
      [ "Authorization: Bearer $key{unknown}" ], undef,
      '/bearer/v1/campaigns' ],
    [ 'a bearer where none is taken', 401,
      [ "Authorization: Bearer $key{owner}" ] ],
    [ 'a user and a password', 401,
      [ 'Authorization: Basic ' . $canary ], undef, '/bearer/v1/campaigns' ],
    [ 'a header of another name', 401, [ "X-Key: $key{owner}" ] ],
    [ 'a cookie', 401, [ "Cookie: key=$key{owner}" ] ],
    [ 'a query', 401, [], undef, "/v1/campaigns?api_key=$key{owner}" ],
    [ 'a key beside a query', 200, [ "X-Api-Key: $key{owner}" ], undef,
      "/v1/campaigns?x=$canary" ],
    [ 'a workspace', 400, [ "X-Api-Key: $key{owner}",
                            "X-Workspace-Id: $key{owner}." ] ],
    [ 'a report', 200, [ "X-Api-Key: $key{unknown}" ], undef,
      '/report/v1/campaigns' ],
    [ 'an envelope', 401, [ "X-Api-Key: $key{unknown}" ], undef,
      '/envelope/v1/campaigns' ],
);

my $routes = 'sendkit_auth_route * "/**" keys=any roles=any workspace=header;';

my $gate = gate(
    timeout => $Slow ? '3s' : '300ms',
    more => "$documented $of_demo",
    location => <<"END");
        access_log  $dir/documented.log  $name;
        access_log  $dir/demo.log  $demo_name;

        location /bearer/ {
            sendkit_auth         on;
            sendkit_auth_bearer  on;
            $routes
            proxy_pass           http://backend;
        }

        location /report/ {
            sendkit_auth  report;
            $routes
            proxy_pass    http://backend;
        }

        location /envelope/ {
            sendkit_auth               on;
            sendkit_auth_error_format  envelope;
            $routes
            proxy_pass                 http://backend;
        }
END

redis('FLUSHALL');
redis(@$_) for @commands;

# From here on Redis tells what it is told.

my $monitor = IO::Socket::UNIX->new(Peer => redis_socket())
    or die "cannot connect: $!";
syswrite $monitor, "MONITOR\r\n";
sysread $monitor, my $seen, 100;

# The backend shows in its answer what it was sent: the query, other headers,
# and with "report" the key.

sub has_no_canary {
    my ($name, $text) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    unlike($text, qr/$canary/, "$name - no canary");
}


sub send_one {
    my ($name, $status, $headers, $method, $path) = @_;

    $Upstream->mark;
    my @workspace = "@$headers" =~ /X-Workspace-Id/ ? ()
                                                    : 'X-Workspace-Id: w1';
    my $client = SendkitAuth::Wire->new($gate->port);
    my $answer = $client->request($method // 'GET',
                                  $path // '/v1/campaigns',
                                  [ @$headers, @workspace ]);
    $client->close;

    is($answer->{status}, $status, $name);
    has_no_canary("$name - headers of the answer",
                  join "\n", %{ $answer->{headers} });

    if ($name !~ /report|query/) {
        has_no_canary("$name - body of the answer", $answer->{body});
        has_no_canary("$name - what reached the backend", $_->{head})
            for $Upstream->requests;
    }

    return $answer;
}

send_one(@$_) for @requests;

# A reload in between, for what is kept is kept elsewhere then.

my @old = $gate->workers;
$gate->reload;
wait_until(sub { !grep { my $pid = $_; grep { $_ == $pid } @old }
                       $gate->workers });
send_one(@$_) for @requests[0, 4, 5];

# Redis answers too late, and not at all.

redis_server()->stop;
send_one('a store that is slow', 503, [ "X-Api-Key: $key{slow}" ]);
send_one('a bearer to a store that is slow', 503,
         [ "Authorization: Bearer $key{slow}" ], undef,
         '/bearer/v1/campaigns');
redis_server()->cont;

# What Redis was told, in full.

redis('ECHO', 'the end');
my $told = '';

while ($told !~ /"ECHO" "the end"/i) {
    IO::Select->new($monitor)->can_read(10) or die "MONITOR is silent";
    sysread $monitor, $told, 65536, length $told or die "MONITOR ended";
}

like($told, qr/"HMGET" "sendkit:key:@{[ digest($key{owner}) ]}"/,
     'Redis was asked for the digest');
has_no_canary('commands that Redis got', $told);

for my $key (@{ redis('KEYS', '*') }) {
    has_no_canary("key $key in Redis", $key);
    my $values = redis('TYPE', $key) eq 'hash' ? redis('HGETALL', $key)
                                               : [ redis('GET', $key) ];
    has_no_canary("values of $key in Redis", "@$values");
}

redis_server()->kill9;
send_one('a store that is down', 503, [ "X-Api-Key: $key{down}" ]);
redis_server()->start;

ends_well($gate, 'canaries');

# The logs, read when nginx has written the last line.  The request line,
# which nginx adds to its messages, has the query.

my %log = (documented => read_file("$dir/documented.log"),
           demo => read_file("$dir/demo.log"),
           error => $gate->error_log =~ s/, request: "[^"]*"//gr);

for (sort keys %log) {
    cmp_ok(scalar split(/\n/, $log{$_}), '>', @requests,
           "$_ log - has a line for each request");
    has_no_canary("$_ log", $log{$_});
}

like($log{error}, qr/refused request: $_/, "error log - $_ is there")
    for qw( role unknown_key expired_key inactive_key no_key bad_key
            duplicate_key key_kind other_workspace no_workspace store_error
            store_timeout store_down );
like($log{error}, qr/would refuse request: unknown_key/,
     'error log - a report is there');
like($log{error}, qr/malformed record of key id "@{[ key_id($key{broken}) ]}"/,
     'error log - a malformed record is there, by its key id');


# The secrets of the gateway itself, right and wrong.

my $locked = SendkitAuth::Redis->new(
    args => [ '--requirepass', $password ], auth => $password);

for my $secret ($password, "wrong-$canary", "$canary\n\n") {
    my $gate = gate(redis => 'unix:' . $locked->socket, more => join ' ',
        'sendkit_auth_redis_password_file',
        write_file('password', $secret) . ';', 'sendkit_auth_pepper_file',
        (map { write_file("pepper-$_", $pepper{$_}) } qw( new old )), ';');

    my $answer = ask($gate, 'owner', 'w1');
    is($answer->{status}, $secret eq $password ? 401 : 503,
       'a password and peppers');
    has_no_canary('a password and peppers - the answer',
                  join "\n", %{ $answer->{headers} }, $answer->{body});

    $gate->reload;
    ask($gate, 'owner', 'w1');
    ends_well($gate, 'a password and peppers');
    has_no_canary('a password and peppers - error log', $gate->error_log);
    has_no_canary('a password and peppers - access log', $gate->access_log);
}
