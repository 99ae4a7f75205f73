# Copyright (C) the ngx_sendkit_auth_module authors
#
# Where the origin is set, and what its location may be.  A location that is
# not what it should be must not make all keys unknown.
#
# Fails when sendkit_auth_origin is not inherited, or goes on below "off";
# when a request asks twice because nginx sent it on to another location; when
# the 404 of nginx itself is taken for one of the origin.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

use Digest::SHA qw( hmac_sha256_hex );

my $origin = origin([ 'unknown', undef, about('admin', 'w1') ]);
my $second = origin([ 'owner', undef, 404 ]);

my $guard = 'sendkit_auth on; sendkit_auth_route * "/**" keys=any roles=any '
            . 'workspace=header; proxy_pass http://backend;';


sub get {
    my ($gate, $who, $path, $port) = @_;

    my $client = SendkitAuth::Wire->new($port // $gate->port);
    my $answer = $client->request('GET', $path, [
        "X-Api-Key: $Key{$who}", 'X-Workspace-Id: w1' ]);
    $client->close;
    return $answer;
}


# Levels: http, server, location, and off.

my $port = free_port();
my $gate = gate($origin->gate(
    more => <<"END",
    upstream second { server 127.0.0.1:@{[ $second->port ]}; }

    server {
        listen 127.0.0.1:$port;
        add_header X-Reason \$sendkit_auth_reason always;
        sendkit_auth_origin /second;

        location = /second {
            internal;
            proxy_pass http://second/origin;
        }

        location /v1/ { $guard }
        location /off/ { sendkit_auth_origin off; $guard }
        location /off/below/ { $guard }
    }
END
    location => <<"END"));
        location = /second {
            internal;
            proxy_pass http://second/origin;
        }

        location /inherits/ { $guard }
        location /other/ { sendkit_auth_origin /second; $guard }
        location /off/ {
            sendkit_auth_origin off;
            location /off/below/ { $guard }
            location /off/on/ { sendkit_auth_origin /origin; $guard }
        }
END

for ([ '/inherits/a', 200, 'owner:w1', '' ],
     [ '/other/a', 401, '', 'owner:w1' ],
     [ '/off/below/a', 401, '', '' ],
     [ '/off/on/a', 200, 'owner:w1', '' ])
{
    my ($path, $status, $first, $other) = @$_;

    fresh($_) for $origin, $second;
    is(get($gate, 'owner', $path)->{status}, $status, $path);
    is_asked($origin, $first, "$path - the one");
    is_asked($second, $other, "$path - the other");
    is_stored($path) if $path eq '/off/below/a';
}

for ([ '/v1/campaigns', 'owner:w1' ], [ '/off/a', '' ],
     [ '/off/below/a', 'owner:w1' ])
{
    my ($path, $asked) = @$_;

    fresh($_) for $origin, $second;
    is_refused(get($gate, 'owner', $path, $port), 401, 'unknown_key',
               "the other server, $path");
    is_asked($origin, '', "the other server, $path - the one");
    is_asked($second, $asked, "the other server, $path - the other");
}

ends_well($gate, 'levels');


# Locations that cannot answer, one with a file.  None says anything about a key.

my $other = free_port();

open my $file, '>', temp_dir() . '/origin' or die "origin: $!";
close $file;

for ([ 'is guarded, too', 'location = /origin { sendkit_auth on; '
       . 'sendkit_auth_route * "/**" keys=any; proxy_pass http://x; }' ],
     [ 'is not there', 'root ' . temp_dir() . ';' ],
     [ 'is not there, and all else is guarded', "location / { $guard }" ],
     [ 'says 404 by itself', 'location = /origin { return 404; }' ],
     [ 'says 404 with a text', 'location = /origin { return 404 "no"; }' ],
     [ 'has a file', 'location = /origin { root ' . temp_dir() . '; }' ],
     [ 'says 200 by itself', 'location = /origin { add_header '
       . 'X-Sendkit-Key-Type platform; add_header X-Sendkit-User-Id u_owner; '
       . 'add_header X-Sendkit-Role owner; return 200; }' ],
     [ 'is a loop', 'location = /origin { rewrite ^ /origin; }' ],
     [ 'has an error page', 'location = /origin { error_page 404 = /else; '
       . 'return 404; } location = /else { return 404; }' ])
{
    my ($how, $location) = @$_;
    my $name = "a location that $how";
    my $gate = gate(more => 'sendkit_auth_origin /origin; upstream x { '
                            . "server 127.0.0.1:$other; }",
                    location => $location);

    fresh($origin);
    is_refused(ask($gate, 'owner', 'w1'), 503, 'store_error', $name);
    is_stored($name);
    is_forwarded_never($name);
    like($gate->error_log, qr/\[error\].*origin/i, "$name - the log");
    is(ask($gate, 'owner', 'w1', [ 'GET', '/open' ])->{body}, "open\n",
       "$name - others are answered");
    ends_well($gate, $name);
}


# With all that may stand in a location of this kind.

for ([ 'keep-alive', 'proxy_http_version 1.1; proxy_set_header Connection "";',
       'keepalive 4;' ],
     [ 'a rewrite', 'rewrite ^ /origin break;' ],
     [ 'no buffering', 'proxy_buffering off;' ],
     [ 'no buffering of requests', 'proxy_request_buffering off;' ],
     [ 'errors intercepted', 'proxy_intercept_errors on;' ],
     [ 'a log', 'log_subrequest on;' ],
     [ 'sendkit_auth off', 'sendkit_auth off;' ],
     [ 'a limit of bodies', 'client_max_body_size 1;' ],
     [ 'headers hidden', 'proxy_hide_header X-Sendkit-Role;' ])
{
    my ($name, $in_location, $in_upstream) = @$_;

    my %args = $origin->gate(origin => $in_location);
    $args{more} =~ s/(server [\d.:]+;)/$1 $in_upstream/ if $in_upstream;
    my $gate = gate(%args);

    for (1 .. 2) {
        fresh($origin);
        my $answer = ask($gate, 'owner', 'w1', [
            'POST', '/v1/campaigns', 'X-Workspace-Id: w1',
            'Content-Length: 0' ]);
        $name =~ /hidden/
            ? is_refused($answer, 403, 'role', "$name - no role is seen")
            : is_allowed($answer, 'owner', 'w1', $name);
        is_refused(ask($gate, 'broken', 'w1'), 401, 'unknown_key',
                   "$name - unknown");
        is_asked($origin, 'owner:w1 broken:w1', $name);
    }

    ends_well($gate, $name);
}


# Sent on by nginx, within the guarded locations.

$gate = gate($origin->gate(location => <<"END"));
        location /sent-on/ {
            sendkit_auth        on;
            sendkit_auth_route  *  "/**" keys=any roles=any workspace=header;
            error_page          418 = /inherits/b;
            try_files           /no-such-file /inherits/a;
        }

        location /inherits/ { $guard }

        location /report/ {
            sendkit_auth        report;
            sendkit_auth_route  *  "/**" keys=any roles=any workspace=header;
            proxy_pass          http://backend;
        }
END

fresh($origin);
is_allowed(get($gate, 'owner', '/sent-on/a'), 'owner', 'w1', 'sent on');
is_asked($origin, 'owner:w1', 'sent on');

# A report asks as "on" would, and forwards whatever comes.

fresh($origin);
is(get($gate, $_, '/report/a')->{status}, 200, "report - $_")
    for 'owner', 'broken', 'stranger';
is_asked($origin, 'owner:w1 broken:w1 stranger:w1', 'report');
is_stored('report', 'key:owner type=platform user=u_owner, expires',
          'roles:w1 u_owner=owner, expires', 'no-key:broken 1, expires',
          'key:stranger type=platform user=u_stranger, expires',
          'no-role:w1:u_stranger 1, expires');
$origin->end;
redis('FLUSHALL');
$Upstream->mark;
is(get($gate, 'owner', '/report/a')->{headers}{'x-reason'}, 'store_down',
   'report - without an origin');
is(scalar $Upstream->requests, 1,
   'report - without an origin it is forwarded, too');
$origin->begin;
ends_well($gate, 'sent on');


# An answer that is late for one location is none for the next: it is about
# another workspace.  Both questions are under way when the origin answers.

my $sent_on = 'http://backend/?upstream_header=X-Accel-Redirect:/next/w2';

$gate = gate($origin->gate(
    timeout => $Slow ? '5s' : '500ms', location => <<"END"));
        location = /report/w1 {
            sendkit_auth        report;
            sendkit_auth_route  GET  "/report/{workspaceId}"
                                keys=platform roles=any;
            proxy_pass          $sent_on;
        }

        location /next/ {
            sendkit_auth        on;
            sendkit_auth_route  GET  "/next/{workspaceId}"
                                keys=platform roles=owner;
            proxy_pass          http://backend;
        }
END

fresh($origin);
$origin->stop;
my $late = SendkitAuth::Wire->new($gate->port);
$late->send(request_of('owner', 'w1', [ 'GET', '/report/w1' ]));
wait_until(sub { (commandstats()->{get} // 0) == 2 }) or die "not asked";
$origin->cont;
is_refused($late->answer, 403, 'role',
           'an answer that is late for the location before');
is(redis('HGET', 'sendkit:roles:w2', 'u_owner') // 'member', 'member',
   'an answer that is late - is not written as another one');
is(scalar $Upstream->requests, 1, 'an answer that is late - is not used');
ends_well($gate, 'an answer that is late');


# A cache that the origin's location has inherited goes by the URI of the
# client, and would give one key's answer to another.

$gate = gate($origin->gate(more => 'proxy_cache_path ' . temp_dir()
                                   . '/cache keys_zone=cache:1m; '
                                   . 'proxy_cache cache; '
                                   . 'proxy_cache_valid 200 404 1h;',
                           location => <<"END"));
        location /not-cached/ {
            proxy_cache  off;
            $guard
        }
END

for my $round (1, 2) {
    fresh($origin);

    for my $who (qw( owner admin unknown broken )) {
        my $answer = get($gate, $who, '/not-cached/a');
        my $name = "a cache, round $round, $who";

        $answer->{status} == 503 ? is_refused($answer, 503, 'store_error',
                                              $name)
        : $who eq 'broken' ? is_refused($answer, 401, 'unknown_key', $name)
        : $who eq 'unknown' ? like($answer->{body}, qr/"u_admin"/, $name)
        : is_allowed($answer, $who, 'w1', $name);
    }

    is(redis('HGET', 'sendkit:key:' . digest($Key{broken}), 'user'), undef,
       "a cache, round $round - nobody got another one's record");
}

ends_well($gate, 'a cache');


# Guarded by "report", the location would get a question without its headers.

$gate = gate($origin->gate(origin => 'sendkit_auth report; '
                                     . 'sendkit_auth_route * "/**" keys=any;'));
fresh($origin);
is_refused(ask($gate, 'owner', 'w1'), 503, 'store_error',
           'a location with report');
is_stored('a location with report');
is_asked($origin, '', 'a location with report');
ends_well($gate, 'a location with report');


# Never for what is refused without Redis.

$gate = gate($origin->gate);
fresh($origin);

for ([ 400, 'bad_path', 'owner', [ 'GET', '/v1/%61ccount' ] ],
     [ 404, 'no_route', 'owner', [ 'GET', '/v1/Account' ] ],
     [ 405, 'method', 'owner', [ 'PUT', '/v1/account' ] ],
     [ 401, 'bad_key', 'sk_user_short', undef ],
     [ 401, 'duplicate_key', 'owner', [ 'GET', '/v1/account',
                                        "X-Api-Key: $Key{owner}" ] ],
     [ 403, 'key_kind', 'workspace', [ 'GET', '/v1/account' ] ])
{
    my ($status, $reason, $who, $request) = @$_;
    my $answer = ask($gate, $who, 'w1', $request);
    is("$answer->{status} $answer->{headers}{'x-reason'}",
       "$status $reason", "$reason - is refused");
}

my $client = SendkitAuth::Wire->new($gate->port);
is_refused($client->request('GET', '/v1/account'), 401, 'no_key', 'no key');
is_asked($origin, '', 'refused without Redis');
is_stored('refused without Redis');
is(commandstats()->{hmget}, undef, 'refused without Redis - indeed');
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'then a good one');
ends_well($gate, 'refused without Redis');


# Two peppers: a record under the old one is no unknown key.  The origin goes
# by the new one.

my %pepper = map { $_ => "the-$_-pepper-of-the-tests" } 'new', 'old';

for (keys %pepper) {
    open my $out, '>', temp_dir() . "/pepper-$_" or die "pepper: $!";
    print $out "$pepper{$_}\n";
    close $out;
}

my %hmac = map { $_ => hmac_sha256_hex($Key{owner}, $pepper{$_}) }
               keys %pepper;
my $peppers = origin();

$gate = gate($peppers->gate(
    more => 'sendkit_auth_pepper_file '
            . join(' ', map { temp_dir() . "/pepper-$_" } 'new', 'old')
            . ';'));
fresh($peppers, [ 'HSET', "sendkit:key:$hmac{old}", type => 'platform',
                  user => 'u_owner' ],
      [ 'HSET', 'sendkit:roles:w1', u_owner => 'owner' ]);
is(ask($gate, 'owner', 'w1')->{status}, 200, 'the old pepper');
is_asked($peppers, '', 'the old pepper');

# A role, for who was found by it.

redis('DEL', 'sendkit:roles:w1');
is_refused(ask($gate, 'owner', 'w1'), 403, 'role', 'the old pepper, a role');
is_asked($peppers, "$hmac{old}:w1:u_owner", 'the old pepper, a role');

fresh($peppers);
is_refused(ask($gate, 'owner', 'w1'), 401, 'unknown_key', 'two peppers')
    for 1 .. 2;
is_asked($peppers, "$hmac{new}:w1", 'two peppers');
is_stored('two peppers', "no-key:$hmac{new} 1, expires");

$peppers->set([ $hmac{new}, 'w1', about('owner', 'w1') ]);
fresh($peppers);
is(ask($gate, 'owner', 'w1')->{status}, 200, 'known by the new pepper')
    for 1 .. 2;
is_asked($peppers, "$hmac{new}:w1", 'known by the new pepper');
is_stored('known by the new pepper',
          "key:$hmac{new} type=platform user=u_owner, expires",
          'roles:w1 u_owner=owner, expires');
ends_well($gate, 'two peppers');
