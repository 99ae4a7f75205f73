# Copyright (C) the ngx_sendkit_auth_module authors
#
# Debian's module nchan brings a hiredis of its own and exports its symbols.
# If the two modules do not keep theirs apart, the one that is loaded later
# reads the other's structures: replies with other fields at other places,
# that is, wrong records and roles.  Which one it hits depends on the order.
# Both modules talk to a Redis here.
#
# Fails if hiredis is linked as a shared library, or statically without
# "-Wl,--exclude-libs,libhiredis.a", so that its symbols are visible.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::Redis;
use SendkitAuth::Seed;

my $nchan = 'load_module /usr/lib/nginx/modules/ngx_nchan_module.so;';

# Where our module is linked in, it is always the first one.

our $Before = "$nchan\n$LoadModule";
our $After = "$LoadModule\n$nchan";

# nchan's own Redis: it takes no unix socket.

our $Redis = SendkitAuth::Redis->new(tcp => 1);

our $Nchan = <<'END';
    location = /pub {
        nchan_publisher;
        nchan_channel_id test;
        nchan_redis_pass nchan_redis;
    }
    location = /sub {
        nchan_subscriber intervalpoll;
        nchan_subscriber_first_message oldest;
        nchan_channel_id test;
        nchan_redis_pass nchan_redis;
    }
END

our $NchanHttp = <<"END";
    upstream nchan_redis {
        nchan_redis_server @{[ $Redis->address ]};
    }
END

our $Owner = "X-Api-Key: $Key{owner}";

# Decisions that need each field of a record, and roles of several kinds.

our $Requests = [ map { 'POST /v1/workspaces/w1/api-key' } 1 .. 7 ];
our $Headers = [ map { "X-Api-Key: $Key{$_}" }
                     qw( owner member expired inactive unknown broken owner ) ];
our $Codes = [ 200, 403, 401, 401, 401, 503, 200 ];

run_tests();

__DATA__

=== TEST 1: decisions are right with nchan loaded before
--- main_config eval: $::Before
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner', 'w1')
--- commandstats: hmget=7 hget=3


=== TEST 2: decisions are right with nchan loaded after
--- main_config eval: $::After
--- config eval: $::Guarded
--- redis eval: $::Seed
--- request eval: $::Requests
--- more_headers eval: $::Headers
--- error_code eval: $::Codes
--- upstream_requests: 2
--- upstream_identity eval: ::identity('owner', 'w1')
--- commandstats: hmget=7 hget=3


=== TEST 3: both modules talk to Redis with nchan loaded before
--- main_config eval: $::Before
--- more_http_config eval: $::NchanHttp
--- config eval: $::Nchan . $::Guarded
--- redis eval: $::Seed
--- request eval
[
    'GET /v1/workspaces/w1', "POST /pub\nmessage", 'GET /v1/workspaces/w1',
    'GET /v1/workspaces/w2', 'GET /sub', 'GET /v1/workspaces/w1'
]
--- more_headers eval
[ $::Owner, '', map { "X-Api-Key: $::Key{$_}" } 'member', 'stranger', 'owner', 'workspace' ]
--- error_code eval: [ 200, 202, 200, 200, 200, 200 ]
--- response_body eval
[
    qr/"X-Sendkit-Role":\["owner"\],"X-Sendkit-User-Id":\["u_owner"\]/, qr//,
    qr/"X-Sendkit-Role":\["member"\],"X-Sendkit-User-Id":\["u_member"\]/,
    qr/"X-Sendkit-Role":\["owner"\],"X-Sendkit-User-Id":\["u_stranger"\]/, 'message',
    qr/"X-Sendkit-Key-Type":\["workspace"\],"X-Sendkit-Workspace-Id":\["w1"\]/,
]
--- commandstats: hmget=4 hget=3


=== TEST 4: both modules talk to Redis with nchan loaded after
--- main_config eval: $::After
--- more_http_config eval: $::NchanHttp
--- config eval: $::Nchan . $::Guarded
--- redis eval: $::Seed
--- request eval
[
    'GET /v1/workspaces/w1', "POST /pub\nmessage", 'GET /v1/workspaces/w1',
    'GET /v1/workspaces/w2', 'GET /sub', 'GET /v1/workspaces/w1'
]
--- more_headers eval
[ $::Owner, '', map { "X-Api-Key: $::Key{$_}" } 'member', 'stranger', 'owner', 'workspace' ]
--- error_code eval: [ 200, 202, 200, 200, 200, 200 ]
--- response_body eval
[
    qr/"X-Sendkit-Role":\["owner"\],"X-Sendkit-User-Id":\["u_owner"\]/, qr//,
    qr/"X-Sendkit-Role":\["member"\],"X-Sendkit-User-Id":\["u_member"\]/,
    qr/"X-Sendkit-Role":\["owner"\],"X-Sendkit-User-Id":\["u_stranger"\]/, 'message',
    qr/"X-Sendkit-Key-Type":\["workspace"\],"X-Sendkit-Workspace-Id":\["w1"\]/,
]
--- commandstats: hmget=4 hget=3


=== TEST 5: Redis that is away and comes back is noticed with nchan loaded before
--- main_config eval: $::Before
--- config eval: $::Guarded
--- redis eval: $::Seed
--- redis_server: killed
--- request eval: [ 'GET /v1/account', 'GET /v1/account' ]
--- more_headers eval: [ $::Owner, '' ]
--- error_code eval: [ 503, 401 ]
--- response_body eval: [ ::denied(503), ::denied(401) ]
--- upstream: none


=== TEST 6: a publisher of nchan can be guarded
--- main_config eval: $::After
--- more_http_config eval: $::NchanHttp
--- config eval
$::Nchan =~ s!nchan_publisher;!nchan_publisher; sendkit_auth on;
    sendkit_auth_route POST /pub keys=platform;!r
--- redis eval: $::Seed
--- request eval: [ "POST /pub\nmessage", "POST /pub\nmessage", "POST /pub\nmessage" ]
--- more_headers eval: [ '', $::Owner, "X-Api-Key: $::Key{workspace}" ]
--- error_code eval: [ 401, 202, 403 ]
--- response_body eval: [ ::denied(401), qr//, ::denied(403) ]
