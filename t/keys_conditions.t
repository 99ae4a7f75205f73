# Copyright (C) the ngx_sendkit_auth_module authors
#
# Requests with conditions and ranges get the answer of the key service as it
# is: what it answers has no version and no parts, and once Redis has changed
# the key nothing may replace the answer, for the key is only there.
#
# Fails when nginx is left to compare If-Match and the like with a validator
# that is not there, and answers 412 or 304 (r->disable_not_modified), or to
# cut out a range.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Seed;
use Test::More;

my $gate = keys_gate();
my $old = 'Mon, 01 Jan 2001 00:00:00 GMT';
my $new = 'Fri, 01 Jan 2100 00:00:00 GMT';

for my $header ('If-Match: "x"', 'If-Match: *', 'If-None-Match: "x"',
                'If-None-Match: *', "If-Unmodified-Since: $old",
                "If-Unmodified-Since: $new", "If-Modified-Since: $old",
                "If-Modified-Since: $new", 'Range: bytes=0-3',
                'Range: bytes=-1', 'If-Range: "x"', 'Accept: text/html',
                'Accept-Encoding: gzip', 'TE: trailers')
{
    my $send = sub { manage($gate, 'owner', @_, $header) };

    redis('FLUSHALL');
    redis(@$_) for @$KeySeed;
    $Upstream->mark;

    is_error($send->('GET', ''), 404, "$header - nothing to show");
    is_error($send->('POST', '/rotate'), 404, "$header - nothing to rotate");
    is_key($send->('POST', ''), 201, 'u_owner', "$header - is made");
    is_error($send->('POST', ''), 409, "$header - is there");
    my $key = is_key($send->('POST', '/rotate'), 200, 'u_owner',
                     "$header - is rotated");
    is_stored($key, 'w1', 'u_owner', "$header - is in Redis");
    is_shown($send->('GET', ''), $key, 'u_owner', "$header - is shown");
    is($send->('HEAD', '')->{status}, 200, "$header - is there for HEAD");
    is_deleted($send->('DELETE', ''), "$header - is deleted");
    is_stored(undef, 'w1', undef, "$header - is gone");
    is_forwarded_never($header);
}

ends_well($gate, 'nginx');
