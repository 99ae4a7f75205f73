# Copyright (C) the ngx_sendkit_auth_module authors
#
# With sendkit_auth_pepper_file a record is found by HMAC-SHA-256 of the key
# and no longer by its SHA-256; with a second file the digest of the old
# pepper is tried, if there is nothing under that of the new one.
#
# Fails when sendkit_digest_key() leaves the pepper out or hashes otherwise
# than docs/redis-schema.md says, when ngx_sendkit_auth_access_learn() tries
# the old pepper although the new digest has a record, or stays with the new
# one, or when ngx_sendkit_auth_conf_secret() cuts more than one newline.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::Seed;

use Digest::SHA qw( hmac_sha256_hex );

our %Pepper = (new => 'the-new-pepper-of-the-tests',
               old => 'the-old-pepper-of-the-tests',
               newline => "the-pepper-with-a-newline\n",
               bytes => join('', map { chr } 0 .. 255), long => 'p' x 200);
our %File = map { $_ => temp_dir() . "/pepper-$_" } keys %Pepper;

# As an editor leaves it, with a newline at the end.

for (keys %Pepper) {
    open my $out, '>:raw', $File{$_} or die "$File{$_}: $!";
    print $out "$Pepper{$_}\n";
    close $out;
}

our $New = "sendkit_auth_pepper_file $File{new};";
our $Both = "sendkit_auth_pepper_file $File{new} $File{old};";
our $Key = $::Key{owner};
our $Ask = "X-Api-Key: $Key\nX-Workspace-Id: w1";


sub hmac { return hmac_sha256_hex($Key, $Pepper{$_[0]}) }

# The record of the owner's key under the digest of a pepper.

sub under {
    my ($pepper, @fields) = @_;
    return [ 'HSET', 'sendkit:key:' . hmac($pepper), @fields ];
}

our @Roles = ([ 'HSET', 'sendkit:roles:w1', u_new => 'owner',
                u_old => 'admin', u_owner => 'owner' ]);
our @NewRecord = (type => 'platform', user => 'u_new');
our @OldRecord = (type => 'platform', user => 'u_old');


sub identity_of {
    my ($user, $role, $pepper) = @_;
    return "X-Sendkit-Key-Type: platform\n"
           . 'X-Sendkit-Key-Id: ' . substr(hmac($pepper), 0, 12) . "\n"
           . "X-Sendkit-User-Id: $user\nX-Sendkit-Workspace-Id: w1\n"
           . "X-Sendkit-Role: $role\n";
}

run_tests();

__DATA__

=== TEST 1: a record is found by the HMAC of the key
--- config eval: $::Guarded
--- more_http_config eval: $::New
--- redis eval: [ ::under('new', @::NewRecord), @::Roles ]
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 200
--- upstream_identity eval: ::identity_of('u_new', 'owner', 'new')
--- commandstats: hmget=1 hget=1



=== TEST 2: with a pepper the SHA-256 of a key finds nothing
--- config eval: $::Guarded
--- more_http_config eval: $::New
--- redis eval: $::Seed
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 401
--- response_body eval: ::denied(401)
--- upstream: none
--- commandstats: hmget=1



=== TEST 3: without a pepper the HMAC of a key finds nothing
--- config eval: $::Guarded
--- redis eval: [ ::under('new', @::NewRecord), @::Roles ]
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 401
--- response_body eval: ::denied(401)
--- upstream: none
--- commandstats: hmget=1



=== TEST 4: the HMAC of another pepper finds nothing
--- config eval: $::Guarded
--- more_http_config eval: $::New
--- redis eval: [ ::under('old', @::OldRecord), @::Roles ]
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 401
--- response_body eval: ::denied(401)
--- upstream: none
--- commandstats: hmget=1



=== TEST 5: what is not under the new digest is found under the old one
--- config eval: $::Guarded
--- more_http_config eval: $::Both
--- redis eval: [ ::under('old', @::OldRecord), @::Roles ]
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 200
--- upstream_identity eval: ::identity_of('u_old', 'admin', 'new')
--- commandstats: hmget=2 hget=1



=== TEST 6: the record under the new digest wins, and the old one is not read
--- config eval: $::Guarded
--- more_http_config eval: $::Both
--- redis eval
[ ::under('new', @::NewRecord), ::under('old', @::OldRecord), @::Roles ]
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 200
--- upstream_identity eval: ::identity_of('u_new', 'owner', 'new')
--- commandstats: hmget=1 hget=1



=== TEST 7: a key revoked under the new digest is not saved by the old one
--- config eval: $::Guarded
--- more_http_config eval: $::Both
--- redis eval
[ ::under('new', @::NewRecord, status => 'revoked'),
  ::under('old', @::OldRecord), @::Roles ]
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 401
--- response_body eval: ::denied(401)
--- upstream: none
--- commandstats: hmget=1



=== TEST 8: a key expired under the new digest is not saved by the old one
--- config eval: $::Guarded
--- more_http_config eval: $::Both
--- redis eval
[ ::under('new', @::NewRecord, expires => 1),
  ::under('old', @::OldRecord), @::Roles ]
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 401
--- response_body eval: ::denied(401)
--- upstream: none
--- commandstats: hmget=1



=== TEST 9: a broken record under the new digest is an error
--- config eval: $::Guarded
--- more_http_config eval: $::Both
--- redis eval
[ ::under('new', user => 'u_new'), ::under('old', @::OldRecord), @::Roles ]
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 503
--- response_body eval: ::denied(503)
--- upstream: none
--- commandstats: hmget=1



=== TEST 10: a broken record under the old digest is an error
--- config eval: $::Guarded
--- more_http_config eval: $::Both
--- redis eval: [ ::under('old', user => 'u_old'), @::Roles ]
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 503
--- response_body eval: ::denied(503)
--- upstream: none
--- commandstats: hmget=2



=== TEST 11: an error under the new digest does not lead to the old one
--- config eval: $::Guarded
--- more_http_config eval: $::Both
--- redis eval
[ [ 'SET', 'sendkit:key:' . ::hmac('new'), 'x' ],
  ::under('old', @::OldRecord), @::Roles ]
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 503
--- response_body eval: ::denied(503)
--- upstream: none
--- commandstats: hmget=1



=== TEST 12: a key under none of the digests is unknown after two reads
--- config eval: $::Guarded
--- more_http_config eval: $::Both
--- redis eval: $::Seed
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 401
--- response_body eval: ::denied(401)
--- upstream: none
--- commandstats: hmget=2



=== TEST 13: each request tries the new digest first
--- config eval: $::Guarded
--- more_http_config eval: $::Both
--- redis eval: [ ::under('old', @::OldRecord), @::Roles ]
--- pipelined_requests eval: [ ('GET /v1/campaigns') x 3 ]
--- more_headers eval: $::Ask
--- error_code eval: [ (200) x 3 ]
--- upstream_requests: 3
--- upstream_identity eval: ::identity_of('u_old', 'admin', 'new')
--- commandstats: hmget=6 hget=3



=== TEST 14: one newline at the end of the file is cut, a second one is not
--- config eval: $::Guarded
--- more_http_config eval: "sendkit_auth_pepper_file $::File{newline};"
--- redis eval: [ ::under('newline', @::NewRecord), @::Roles ]
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 200
--- upstream_identity eval: ::identity_of('u_new', 'owner', 'newline')



=== TEST 15: a pepper may have all bytes and be longer than a block
--- config eval: $::Guarded
--- more_http_config eval
"sendkit_auth_pepper_file $::File{bytes} $::File{long};"
--- redis eval: [ ::under('long', @::OldRecord), @::Roles ]
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 200
--- upstream_identity eval: ::identity_of('u_old', 'admin', 'bytes')
--- commandstats: hmget=2 hget=1



=== TEST 16: the peppers are not in the log
--- config eval: $::Guarded
--- more_http_config eval: $::Both
--- redis eval: [ ::under('old', @::OldRecord), @::Roles ]
--- request
GET /v1/campaigns
--- more_headers eval: $::Ask
--- error_code: 200
--- no_error_log eval: [ values(%::Pepper) ]
