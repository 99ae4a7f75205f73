# Copyright (C) the ngx_sendkit_auth_module authors
#
# nginx checks no access for subrequests.  One that leads into a guarded
# location, from whatever module, would reach the backend with nobody asked;
# so it is refused there, with a good key, too.  A subrequest of a request that
# was allowed, to a location with sendkit_auth off, has what was made of the
# headers.  Those that nginx clones from a request that was allowed, for slices
# and for the cache, are no way in and must go on.
#
# Fails if ngx_sendkit_auth_preaccess_handler() is not registered, lets a
# subrequest pass, or is moved to a phase where a cloned one comes along.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use Test::More;

our $Owner = "X-Api-Key: $Key{owner}";

# The place that subrequests of guarded locations may go to.

our $Off = <<'END';
    location /off/ {
        internal;
        sendkit_auth off;
        proxy_pass http://backend;
    }
END

# A backend that serves parts of a file and logs who asks for them, and an
# empty cache.

my $caches = 0;

sub slice_server {
    return <<"END";
    proxy_cache_path @{[ temp_dir() ]}/slices@{[ ++$caches ]} keys_zone=slices:1m;
    log_format slices '\$http_x_sendkit_user_id \$http_x_api_key \$http_range';
    server {
        listen      unix:@{[ temp_dir() ]}/slices.sock;
        access_log  logs/access.log slices;
        location / {
            root       html;
            try_files  /file.txt =404;
        }
    }
END
}

our $Sliced = $Guarded =~ s!proxy_pass.*!
        slice              10;
        proxy_cache        slices;
        proxy_cache_key    \$uri\$slice_range\$sendkit_auth_user;
        proxy_cache_valid  200 206 1m;
        proxy_set_header   Range \$slice_range;
        proxy_pass         http://unix:@{[ temp_dir() ]}/slices.sock;!r;

updates_of_the_cache();

run_tests();


# An entry lives for a second; then the old one is the answer, and nginx asks
# for a new one beside it.

sub updates_of_the_cache {
    my $name = 'a cache is updated in the background';
    my $cache = temp_dir() . '/cache';

    redis('FLUSHALL');
    redis(@$_) for @$Seed;
    $Upstream->mark;

    my $gate = gate(more => "proxy_cache_path $cache keys_zone=cache:1m;",
                    location => <<'END');
        add_header  X-Cache $upstream_cache_status always;

        proxy_cache                    cache;
        proxy_cache_key                $uri$sendkit_auth_user;
        proxy_cache_valid              200 1s;
        proxy_cache_use_stale          updating;
        proxy_cache_background_update  on;
END

    my $answer = ask($gate, 'owner', 'w1');
    is($answer->{headers}{'x-cache'}, 'MISS', "$name - not there at first");

    ok(wait_until(sub {
           $answer = ask($gate, 'owner', 'w1');
           return $answer->{headers}{'x-cache'} eq 'STALE';
       }), "$name - old");
    is($answer->{status}, 200, "$name - but the answer");

    ok(wait_until(sub { $Upstream->requests > 1 }), "$name - asked for again");

    my @requests = $Upstream->requests;
    is(SendkitAuth::identity_lines($requests[1]),
       SendkitAuth::identity_section(identity('owner', 'w1')),
       "$name - with the identity");
    unlike($requests[1]{head}, qr/sk_user_/, "$name - without the key");

    $answer = ask($gate, 'stranger', 'w1');
    is_refused($answer, 403, 'role', "$name - and no answer for others");

    ends_well($gate, $name);
}

__DATA__

=== TEST 1: auth_request into a guarded location is refused
--- config eval
"location /open/ { auth_request /v1/account; proxy_pass http://backend; }\n$::Guarded"
--- redis eval: $::Seed
--- request eval: [ 'GET /open/a', 'GET /open/a', 'GET /v1/account' ]
--- more_headers eval: [ '', $::Owner, $::Owner ]
--- error_code eval: [ 403, 403, 200 ]
--- response_body eval: [ qr/<html>/, qr/<html>/, qr/"uri"/ ]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')
--- commandstats: hmget=1


=== TEST 2: auth_request into an open location works
--- config eval
"location /open/ { auth_request /off/a; proxy_pass http://backend; }\n$::Off$::Guarded"
--- redis eval: $::Seed
--- request eval: [ 'GET /open/a', 'GET /v1/account', 'GET /open/a' ]
--- error_code eval: [ 200, 401, 200 ]
--- response_body eval: [ qr/"uri"/, ::denied(401), qr/"uri"/ ]
--- upstream_requests: 4


=== TEST 3: SSI into a guarded location is refused
--- config eval: "location /page { ssi on; default_type text/html; }\n$::Guarded"
--- user_files
>>> page.html
a<!--# include virtual="/v1/account" -->b<!--# include virtual="/v1/workspaces/w1" -->c
--- redis eval: $::Seed
--- request eval: [ 'GET /page.html', 'GET /page.html', 'GET /v1/account' ]
--- more_headers eval: [ '', $::Owner, $::Owner ]
--- error_code eval: [ 200, 200, 200 ]
--- response_body eval
[
    ("a${\ ::denied(403) }b${\ ::denied(403) }c\n") x 2, qr/"uri"/
]
--- upstream_requests: 1
--- upstream_identity eval: ::identity('owner')
--- commandstats: hmget=1


=== TEST 4: SSI into an open location works
--- config eval
"location /page { ssi on; default_type text/html; }\n$::Off$::Guarded"
--- user_files
>>> page.html
a<!--# include virtual="/off/?upstream_body=off" -->b
--- request: GET /page.html
--- response_body
aoffb
--- upstream_requests: 1


=== TEST 5: SSI that waits, and a subrequest of a subrequest, are refused
--- config eval: "location /page { ssi on; default_type text/html; }\n$::Guarded"
--- user_files
>>> page.html
a<!--# include virtual="/page2.html" wait="yes" -->b
>>> page2.html
c<!--# include virtual="/v1/account" wait="yes" -->d<!--# include virtual="/v1/account" -->e
--- redis eval: $::Seed
--- request: GET /page.html
--- more_headers eval: $::Owner
--- response_body eval
"ac${\ ::denied(403) }d${\ ::denied(403) }e\nb\n"
--- upstream: none
--- commandstats: none


=== TEST 6: mirror into a guarded location is refused
--- config eval
"location /open/ { mirror /v1/account; proxy_pass http://backend; }\n$::Guarded"
--- redis eval: $::Seed
--- pipelined_requests eval: [ "POST /open/a\nbody", 'GET /v1/account', 'GET /open/a' ]
--- more_headers eval: $::Owner
--- error_code eval: [ 200, 200, 200 ]
--- response_body eval: [ qr!"uri":"/open/a"!, qr!"uri":"/v1/account"!, qr!"uri":"/open/a"! ]
--- upstream_requests: 3


=== TEST 7: addition from a guarded location is refused
--- config eval
"location /page { add_before_body /v1/account; add_after_body /v1/workspaces/w1;
 default_type text/html; }\n$::Guarded"
--- user_files
>>> page.html
page
--- redis eval: $::Seed
--- request eval: [ 'GET /page.html', 'GET /v1/account', 'GET /page.html' ]
--- more_headers eval: $::Owner
--- error_code eval: [ 200, 200, 200 ]
--- response_body eval
[
    ::denied(403) . "page\n" . ::denied(403), qr/"uri"/,
    ::denied(403) . "page\n" . ::denied(403)
]
--- upstream_requests: 1


=== TEST 8: a subrequest into a nested location and into an exact one is refused
--- config eval
"location /page { ssi on; default_type text/html; }
 location /v1/ {
    sendkit_auth on;
    include $::Top/conf/sendkit_v1_routes.conf;
    location = /v1/account { proxy_pass http://backend; }
    location ~ ^/v1/workspaces { proxy_pass http://backend; }
 }"
--- user_files
>>> page.html
a<!--# include virtual="/v1/account" -->b<!--# include virtual="/v1/workspaces/w1" -->c
--- redis eval: $::Seed
--- request eval: [ 'GET /page.html', 'GET /v1/account' ]
--- more_headers eval: $::Owner
--- error_code eval: [ 200, 200 ]
--- response_body eval: [ "a${\ ::denied(403) }b${\ ::denied(403) }c\n", qr/"uri"/ ]
--- upstream_requests: 1


=== TEST 9: a subrequest does not get in with the rights of its main request
--- config eval
"location = /v1/page { alias html/page.html; ssi on; ssi_types text/plain; sendkit_auth on;
 sendkit_auth_route GET /v1/page; }\n$::Guarded"
--- user_files
>>> page.html
a<!--# include virtual="/v1/account" -->b
--- redis eval: $::Seed
--- request eval: [ 'GET /v1/page', 'GET /v1/page' ]
--- more_headers eval: [ '', $::Owner ]
--- error_code eval: [ 401, 200 ]
--- response_body eval: [ ::denied(401), "a${\ ::denied(403) }b\n" ]
--- upstream: none


=== TEST 10: an error page of a subrequest does not lead around the gate
--- config eval
"location /page { ssi on; default_type text/html; }
 location /missing/ { root html; error_page 403 404 = /v1/account; }
 error_page 403 = /open/error;
 location /open/ { proxy_pass http://backend; }
 $::Guarded"
--- user_files
>>> page.html
a<!--# include virtual="/v1/account" -->b<!--# include virtual="/missing/a" -->c
--- redis eval: $::Seed
--- request: GET /page.html
--- more_headers eval: $::Owner
--- response_body eval: "a${\ ::denied(403) }b${\ ::denied(403) }c\n"
--- upstream: none


=== TEST 11: auth_request of a guarded location to an open one has the identity, not the key
--- config eval: $::Off . $::Guarded =~ s!proxy_pass!auth_request /off/a; proxy_pass!r
--- redis eval: $::Seed
--- request eval: [ ('POST /v1/workspaces/w1/api-key') x 3 ]
--- more_headers eval
[ map { "X-Api-Key: $::Key{$_}\nX-Sendkit-Role: SPOOF" } 'owner', 'member', 'owner' ]
--- error_code eval: [ 200, 403, 200 ]
--- response_body eval: [ qr/"uri"/, ::denied(403), qr/"uri"/ ]
--- upstream_requests: 4
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_unlike: SPOOF|sk_user_
--- commandstats: hmget=3 hget=3


=== TEST 12: mirror of a guarded location to an open one has the identity, not the key
--- config eval: $::Off . $::Guarded =~ s!proxy_pass!mirror /off/mirror; proxy_pass!r
--- redis eval: $::Seed
--- pipelined_requests eval
[ map { "POST /v1/workspaces/w1/api-key?upstream_echo=1\n$_" } 'first', 'second', 'third' ]
--- more_headers eval
[ map { "X-Api-Key: $::Key{$_}\nX-Sendkit-Role: SPOOF" } 'owner', 'member', 'owner' ]
--- error_code eval: [ 200, 403, 200 ]
--- response_body eval: [ 'first', ::denied(403), 'third' ]
--- upstream_requests: 4
--- upstream_identity eval: ::identity('owner', 'w1')
--- upstream_unlike: SPOOF|sk_user_
--- commandstats: hmget=3 hget=3


=== TEST 13: a refused subrequest is told to the log, and not counted as the request's reason
--- config eval
"location /open/ {
    mirror /v1/account;
    add_header X-Reason '(\$sendkit_auth_reason)';
    proxy_pass http://backend;
}
$::Guarded"
--- request: GET /open/a
--- more_headers eval: $::Owner
--- response_headers
X-Reason: ()
--- error_log: sendkit auth refused request: subrequest
--- upstream_requests: 1


=== TEST 14: slices of a guarded location are fetched, each with the identity
--- more_http_config eval: ::slice_server()
--- config eval: $::Sliced
--- user_files
>>> file.txt
0123456789abcdefghijklmno
--- redis eval: $::Seed
--- request: GET /v1/account
--- more_headers eval: $::Owner
--- response_body
0123456789abcdefghijklmno
--- access_log eval: [ map { "u_owner - bytes=$_\n" } '0-9', '10-19', '20-29' ]
--- commandstats: hmget=1


=== TEST 15: slices in the cache are only for who is allowed
--- more_http_config eval: ::slice_server()
--- config eval: $::Sliced
--- user_files
>>> file.txt
0123456789abcdefghijklmno
--- redis eval: $::Seed
--- request eval: [ ('GET /v1/account') x 4 ]
--- more_headers eval: [ $::Owner, '', "X-Api-Key: $::Key{unknown}", $::Owner ]
--- error_code eval: [ 200, 401, 401, 200 ]
--- response_body eval
[
    "0123456789abcdefghijklmno\n", ::denied(401), ::denied(401), "0123456789abcdefghijklmno\n"
]
--- commandstats: hmget=3
