# Copyright (C) the ngx_sendkit_auth_module authors
#
# The variables that docs/variables.md promises, for logs, limits and headers:
# what each of them is on an allowed request, on a refused one, and where the
# gate is off; that they are still there after an internal redirect; and that
# the key's id is known before the decision, so that limit_req can count by it.
#
# Fails if a variable is cacheable and read too early, if
# ngx_sendkit_auth_ctx_find() loses the context, if a value is set though its
# fact was not looked up, if $sendkit_auth_key_id needs the decision.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Wire;
use Test::More;

use Digest::SHA qw( sha256_hex );

my @names = qw( reason key_type key_id user workspace role route cache );

# All of them in a response header, one after the other, and in the log.

our $Shown = join '|', map { "\$sendkit_auth_$_" } @names;
our $Headers = "add_header X-Shown '$Shown' always;\n"
               . "add_header X-Time '(\$sendkit_auth_time)' always;\n";
our $Log = "log_format sendkit '<$Shown|\$sendkit_auth_time>';\n";

our $Owner = "X-Api-Key: $Key{owner}";

waited_for_redis();
limited_connections();

run_tests();


sub id { return substr sha256_hex($Key{$_[0]}), 0, 12 }


# What X-Shown has to be.

sub shown { return 'X-Shown: ' . join '|', @_ }


# $sendkit_auth_time is what the request has waited, in both reads.

sub waited_for_redis {
    my $name = '$sendkit_auth_time';
    my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
    my $gate = gate(redis => $fake->address, location => $Headers);
    my $time = sub { ($_[0]{headers}{'x-time'} // '') =~ /^\((.*)\)$/; $1 };

    my $answer = ask($gate, 'owner', 'w1');
    like($time->($answer), qr/^\d+\.\d{3}$/, "$name has three digits");

    $fake->on(hmget => pause => 0.2, right => 1);
    $answer = ask($gate, 'owner', 'w1');
    cmp_ok($time->($answer), '>=', 0.15, "$name has the wait for the record");
    cmp_ok($time->($answer), '<=', $answer->{time} + 0.1,
           "$name is no longer than the request took");

    $fake->on(hget => pause => 0.2, right => 1);
    $answer = ask($gate, 'owner', 'w1');
    cmp_ok($time->($answer), '>=', 0.35, "$name has the wait for both reads");

    $fake->on('hget');
    $answer = ask($gate, 'unknown', 'w1');
    is($answer->{status}, 401, "$name is there on a denial");
    cmp_ok($time->($answer), '>=', 0.15, "$name has what the denial waited");

    $answer = ask($gate, 'bad', 'w1');
    is($answer->{status}, 401, "$name without a lookup");
    is($time->($answer), '', "$name without a lookup is empty");

    ends_well($gate, $name);
}


# While one request waits for Redis its key is counted, and other keys are not.

sub limited_connections {
    my $name = 'limit_conn by $sendkit_auth_key_id';
    my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
    my $gate = gate(redis => $fake->address,
                    more => 'limit_conn_zone $sendkit_auth_key_id zone=keys:1m;',
                    location => 'limit_conn keys 1; limit_conn_status 429;');

    $fake->on(hmget => hold => 'record', right => 1);

    my %client = map { $_ => SendkitAuth::Wire->new($gate->port) }
                     'owner', 'admin';

    for my $who ('owner', 'admin') {
        $fake->mark;
        $client{$who}->send(request_of($who, 'w1'));
        ok(wait_until(sub { $fake->commands('hmget') }),
           "$name - the $who waits");
        is(ask($gate, $who, 'w1')->{status}, 429,
           "$name - one more of the $who is refused");
    }

    is(ask($gate, 'bad', 'w1')->{status}, 401, "$name - no key, no limit");

    $fake->on('hmget');
    $fake->release('record');
    is_allowed($client{$_}->answer, $_, 'w1', "$name - the $_ goes on")
        for 'owner', 'admin';
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
               "$name - the next is not refused");

    ends_well($gate, $name);
}

__DATA__

=== TEST 1: on an allowed request all variables are set that were looked up
--- config eval: "$::Headers$::Guarded"
--- redis eval: $::Seed
--- request eval
[ 'POST /v1/workspaces/w1/api-key', 'GET /v1/account', 'GET /v1/workspaces/w1', 'GET /v1/leads' ]
--- more_headers eval
[ $::Owner, $::Owner, "X-Api-Key: $::Key{workspace}", "X-Workspace-Id: w2\n$::Owner" ]
--- error_code eval: [ 200, 200, 200, 200 ]
--- response_headers eval
[
    ::shown('allowed', 'platform', ::id('owner'), 'u_owner', 'w1', 'owner',
            '/v1/workspaces/{workspaceId}/api-key', 'bypass'),
    ::shown('allowed', 'platform', ::id('owner'), 'u_owner', '', '', '/v1/account', 'bypass'),
    ::shown('allowed', 'workspace', ::id('workspace'), '', 'w1', '',
            '/v1/workspaces/{workspaceId}', 'bypass'),
    ::shown('allowed', 'platform', ::id('owner'), 'u_owner', 'w2', 'member', '/v1/**', 'bypass'),
]


=== TEST 2: on a request that is refused without a lookup they tell what is known
--- config eval: $::Headers . $::Guarded =~ s!location /v1/!location /v!r
--- redis eval: $::Seed
--- request eval
[
    'GET /v1/account', 'GET /v1/account', 'GET /v1/account', 'GET /v1/account',
    'PUT /v1/account', 'GET /v2/account', 'GET /v1//account'
]
--- more_headers eval
[
    '', "$::Owner\n$::Owner", 'X-Api-Key: bad', "X-Api-Key: $::Key{workspace}",
    $::Owner, $::Owner, $::Owner
]
--- error_code eval: [ 401, 401, 401, 403, 405, 404, 400 ]
--- response_headers eval
my @owner = ('platform', ::id('owner'), ('') x 3);
[
    ::shown('no_key', ('') x 5, '/v1/account', '-'),
    ::shown('duplicate_key', ('') x 5, '/v1/account', '-'),
    ::shown('bad_key', ('') x 5, '/v1/account', '-'),
    ::shown('key_kind', 'workspace', ::id('workspace'), ('') x 3, '/v1/account', '-'),
    ::shown('method', @owner, '', '-'),
    ::shown('no_route', @owner, '', '-'),
    ::shown('bad_path', @owner, '/v1/account', '-'),
]
--- commandstats: none


=== TEST 3: on a request that is refused after a lookup they tell what was found
--- config eval: "$::Headers$::Guarded"
--- redis eval: $::Seed
--- request eval
[ ('POST /v1/workspaces/w1/api-key') x 4, 'GET /v1/workspaces/w2', 'GET /v1/leads' ]
--- more_headers eval
[ map { "X-Api-Key: $::Key{$_}" } qw( unknown expired member stranger workspace owner ) ]
--- error_code eval: [ 401, 401, 403, 403, 403, 400 ]
--- response_headers eval
my $route = '/v1/workspaces/{workspaceId}/api-key';
[
    ::shown('unknown_key', 'platform', ::id('unknown'), '', '', '', $route, 'bypass'),
    ::shown('expired_key', 'platform', ::id('expired'), 'u_owner', 'w1', '', $route, 'bypass'),
    ::shown('role', 'platform', ::id('member'), 'u_member', 'w1', 'member', $route, 'bypass'),
    ::shown('role', 'platform', ::id('stranger'), 'u_stranger', 'w1', '', $route, 'bypass'),
    ::shown('other_workspace', 'workspace', ::id('workspace'), '', 'w1', '',
            '/v1/workspaces/{workspaceId}', 'bypass'),
    ::shown('no_workspace', 'platform', ::id('owner'), 'u_owner', '', '', '/v1/**', 'bypass'),
]


=== TEST 4: a store that does not tell has a reason of its own
--- config eval: "$::Headers$::Guarded"
--- redis eval: $::Seed
--- redis_server: killed
--- request: GET /v1/account
--- more_headers eval: $::Owner
--- error_code: 503
--- response_headers eval
::shown('store_down', 'platform', ::id('owner'), ('') x 3, '/v1/account', 'bypass')


=== TEST 5: a preflight has no identity
--- config eval: $::Headers . $::Guarded =~ s!proxy_pass!sendkit_auth_preflight on; proxy_pass!r
--- redis eval: $::Seed
--- request: OPTIONS /v1/account
--- more_headers
Origin: http://a
Access-Control-Request-Method: GET
--- response_headers eval: ::shown('preflight', ('') x 6, '-')


=== TEST 6: where the gate is off they are empty
--- config eval: "$::Headers location /open/ { proxy_pass http://backend; }\n$::Guarded"
--- request: GET /open/a
--- more_headers eval: $::Owner
--- response_headers
X-Shown: |||||||-
X-Time: ()


=== TEST 7: in a location that only reports they tell what would have been
--- config eval: $::Headers . $::Guarded =~ s!sendkit_auth +on!sendkit_auth report!r
--- redis eval: $::Seed
--- request eval: [ ('POST /v1/workspaces/w1/api-key') x 3 ]
--- more_headers eval: [ '', map { "X-Api-Key: $::Key{$_}" } 'member', 'owner' ]
--- error_code eval: [ 200, 200, 200 ]
--- response_headers eval
my $route = '/v1/workspaces/{workspaceId}/api-key';
[
    ::shown('no_key', ('') x 5, $route, '-'),
    ::shown('role', 'platform', ::id('member'), 'u_member', 'w1', 'member', $route, 'bypass'),
    ::shown('allowed', 'platform', ::id('owner'), 'u_owner', 'w1', 'owner', $route, 'bypass'),
]


=== TEST 8: in a log an empty variable is "-", and the time has milliseconds
--- more_http_config eval: $::Log
--- config eval: "access_log logs/access.log sendkit;\n$::Guarded"
--- redis eval: $::Seed
--- pipelined_requests eval: [ 'GET /v1/account', 'GET /v1/account', 'GET /none' ]
--- more_headers eval: [ '', $::Owner, '' ]
--- error_code eval: [ 401, 200, 404 ]
--- access_log eval
[
    '<no_key|-|-|-|-|-|/v1/account|-|->',
    qr!<allowed\|platform\|${\ ::id('owner') }\|u_owner\|-\|-\|/v1/account\|bypass\|\d+\.\d{3}>!,
]
--- no_access_log eval: qr/sk_user/


=== TEST 9: variables survive a redirect to a location without the gate
--- more_http_config eval: $::Log
--- config eval
"access_log logs/access.log sendkit;\n$::Headers"
. 'location @backend { proxy_pass http://backend; }'
. $::Guarded =~ s!proxy_pass.*!try_files /none \@backend;!r
--- redis eval: $::Seed
--- request: POST /v1/workspaces/w1/api-key
--- more_headers eval: $::Owner
--- response_headers eval
::shown('allowed', 'platform', ::id('owner'), 'u_owner', 'w1', 'owner',
        '/v1/workspaces/{workspaceId}/api-key', 'bypass')
--- access_log eval
[
    '<allowed|platform|' . ::id('owner') . '|u_owner|w1|owner|'
    . '/v1/workspaces/{workspaceId}/api-key|bypass|'
]


=== TEST 10: variables survive an error page, and the answer of the backend
--- config eval
"$::Headers location = /open/error { return 404; }\n"
. $::Guarded =~ s!proxy_pass!
    proxy_intercept_errors on; error_page 404 = /open/error; proxy_pass!r
--- redis eval: $::Seed
--- request: GET /v1/account?upstream_status=404
--- more_headers eval: $::Owner
--- error_code: 404
--- response_headers eval
::shown('allowed', 'platform', ::id('owner'), 'u_owner', '', '', '/v1/account', 'bypass')


=== TEST 11: after a redirect that is decided again they tell the last decision
--- config eval
"$::Headers$::Guarded"
. 'location /v1/leads { sendkit_auth on;
    sendkit_auth_route * /v1/leads keys=any roles=any workspace=header;
    proxy_pass http://backend/?upstream_header=X-Accel-Redirect:$arg_to; }'
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/leads?to=/v1/workspaces/w2') x 2, 'GET /v1/leads?to=/v1/account' ]
--- more_headers eval
[ map { "X-Workspace-Id: w1\nX-Api-Key: $::Key{$_}" } qw( owner admin owner ) ]
--- error_code eval: [ 200, 403, 200 ]
--- response_headers eval
my $route = '/v1/workspaces/{workspaceId}';
[
    ::shown('allowed', 'platform', ::id('owner'), 'u_owner', 'w2', 'member', $route, 'bypass'),
    ::shown('role', 'platform', ::id('admin'), 'u_admin', 'w2', '', $route, 'bypass'),
    ::shown('allowed', 'platform', ::id('owner'), 'u_owner', '', '', '/v1/account', 'bypass'),
]


=== TEST 12: a variable that is read before the decision is read again after it
--- config eval
$::Headers . $::Guarded =~ s!proxy_pass!
    set \$early "\$sendkit_auth_reason|\$sendkit_auth_user|\$sendkit_auth_key_id|";
    add_header X-Early \$early always;
    add_header X-Late \$sendkit_auth_reason always;
    proxy_pass!r
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/account', 'GET /v1/account' ]
--- more_headers eval: [ $::Owner, '' ]
--- error_code eval: [ 200, 401 ]
--- response_headers eval
[
    "X-Early: ||${\ ::id('owner') }|\nX-Late: allowed",
    "X-Early: |||\nX-Late: no_key",
]


=== TEST 13: with peppers the id is of the first one
--- more_http_config eval
my $file = ::temp_dir() . '/pepper';
open my $out, '>', $file; print $out 'pepper-0123456789'; close $out;
"sendkit_auth_pepper_file $file;"
--- config eval: "$::Headers$::Guarded"
--- request: GET /v1/account
--- more_headers eval: $::Owner
--- error_code: 401
--- response_headers eval
::shown('unknown_key', 'platform',
        substr(Digest::SHA::hmac_sha256_hex($::Key{owner}, 'pepper-0123456789'), 0, 12),
        ('') x 3, '/v1/account', 'bypass')


=== TEST 14: limit_req by the key's id limits each key for itself, before Redis
--- more_http_config: limit_req_zone $sendkit_auth_key_id zone=keys:1m rate=1r/m;
--- config eval: $::Guarded =~ s!proxy_pass!limit_req zone=keys; limit_req_status 429; proxy_pass!r
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 9 ]
--- more_headers eval
[ map { "X-Api-Key: " . ($::Key{$_} // $_) }
      qw( owner owner admin owner admin unknown unknown bad bad ) ]
--- error_code eval: [ 200, 429, 200, 429, 429, 401, 429, 401, 401 ]
--- upstream_requests: 2
--- commandstats: hmget=3


=== TEST 15: limit_req by the key's id does not limit requests without a key
--- more_http_config: limit_req_zone $sendkit_auth_key_id zone=keys:1m rate=1r/m;
--- config eval: $::Guarded =~ s!proxy_pass!limit_req zone=keys; limit_req_status 429; proxy_pass!r
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 4 ]
--- more_headers eval: [ '', '', $::Owner, $::Owner ]
--- error_code eval: [ 401, 401, 200, 429 ]
--- response_body eval: [ ::denied(401), ::denied(401), qr/"uri"/, qr/<html>/ ]
--- upstream_requests: 1


=== TEST 16: a request that limit_req delays is decided afterwards
--- more_http_config: limit_req_zone $sendkit_auth_key_id zone=keys:1m rate=10r/s;
--- config eval: $::Guarded =~ s!proxy_pass!limit_req zone=keys burst=5; proxy_pass!r
--- redis eval: $::Seed
--- request eval: [ ('POST /v1/workspaces/w1/api-key') x 4 ]
--- more_headers eval: [ map { "X-Api-Key: $::Key{$_}" } qw( owner owner member member ) ]
--- error_code eval: [ 200, 200, 403, 403 ]
--- response_body eval: [ qr/"uri"/, qr/"uri"/, ::denied(403), ::denied(403) ]
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner', 'w1')
--- commandstats: hmget=4 hget=4


=== TEST 17: the key's id reads the bearer token only where that is on
--- config eval
$::Headers . "sendkit_auth_bearer on;\n" . $::Guarded
. "location /v1/leads { sendkit_auth on; sendkit_auth_bearer off;
   sendkit_auth_route GET /v1/leads; proxy_pass http://backend; }"
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/account', 'GET /v1/leads' ]
--- more_headers eval: "Authorization: Bearer $::Key{owner}"
--- error_code eval: [ 200, 401 ]
--- response_headers eval
[
    ::shown('allowed', 'platform', ::id('owner'), 'u_owner', '', '', '/v1/account', 'bypass'),
    ::shown('no_key', ('') x 5, '/v1/leads', '-'),
]
