# Copyright (C) the ngx_sendkit_auth_module authors
#
# With a pepper the tool finds the records that the gateway finds: the digest
# is HMAC-SHA-256, with the old pepper as a second chance; a key that is
# revoked or locked is so in both places.
#
# Fails when a digest is made with another pepper than the one in use, when
# the newline of the file is part of it, or when a record that has the old
# pepper is overlooked, so that a revoked key stays alive.

use strict;
use warnings;

use Test::More 'no_plan';

use Digest::SHA qw( hmac_sha256_hex );

use SendkitAuth::Authctl;
use SendkitAuth::Redis;

my $key = 'sk_user_0123456789abcdef0123456789abcdef';
my %pepper = (new => 'pepper-new-0123456789', old => "pepper-old-\r\n\0-01234\n");
my %digest = map { $_ => hmac_sha256_hex($key, $pepper{$_}) } keys %pepper;
my %file = (new => file_of("$pepper{new}\n"), old => file_of("$pepper{old}\n"));

my @new = ('--pepper-file', $file{new});
my @both = (@new, '--old-pepper-file', $file{old});


sub names {
    return [ sort map { s/^sendkit:key://r } @{ redis('KEYS', '*') } ];
}


is_run(authctl([ @new, 'digest' ], stdin => $key), 0, "$digest{new}\n",
       'the digest with a pepper is an HMAC, without the newline of the file');
is_run(authctl([ '--pepper-file', file_of($pepper{new}), 'digest' ],
               stdin => $key), 0, "$digest{new}\n",
       'which need not be there');
is_run(authctl([ @both, 'digest' ], stdin => $key), 0,
       "$digest{new}\n$digest{old}\n", 'the old pepper makes a second one');
is_deeply([ json_of(authctl([ @both, '--json', 'digest' ], stdin => $key)) ],
          [ { digest => $digest{new}, old_digest => $digest{old} } ],
          'in JSON they have names');
is_run(authctl([ '--json', 'digest' ], stdin => $key), 0,
       '{"digest":"' . digest_of($key) . qq("}\n), 'without pepper it is one');

is_run(authctl([ @both, qw( key add --user u1 ) ], stdin => $key), 0,
       "digest      $digest{new}\n", 'a key is added with the new pepper');
is_deeply(names(), [ $digest{new} ], 'and only with that');
is_run(authctl([ @both, qw( key show ) ], stdin => $key), 0,
       qr/^digest      $digest{new}$/m, 'it is found');

# As it was before the new pepper.

redis('RENAME', "sendkit:key:$digest{new}", "sendkit:key:$digest{old}");
is_run(authctl([ @both, qw( key show ) ], stdin => $key), 0,
       qr/^digest      $digest{old}$/m, 'a key of the old pepper is found');
is_run(authctl([ @new, qw( key show ) ], stdin => $key), 1, '',
       'but not without it');

my $again = authctl([ @both, qw( key add --user u1 ) ], stdin => $key);
is_run($again, 1, '', 'it is not added again with the new one');
my $id = substr $digest{old}, 0, 12;
like($again->{stderr}, qr/there already, with the old pepper, its id is "$id"/,
     'and the message says why');
is_run(authctl([ @both, qw( key status locked ) ], stdin => $key), 0,
       qr/locked/, 'it is locked');
is_deeply(names(), [ $digest{old} ], 'which makes no second record');
is_run(authctl([ @both, qw( key revoke ) ], stdin => $key), 0, qr/revoked/,
       'it is revoked');
is_deeply(names(), [], 'and gone');

# Both: the gateway would fall back to the second.

for my $digest (values %digest) {
    redis('HSET', "sendkit:key:$digest", 'type', 'platform', 'user', 'u1');
}

authctl([ @both, qw( key status locked ) ], stdin => $key);
is(redis('HGET', "sendkit:key:$_", 'status'), 'locked',
   'a key with two records is locked in both') for values %digest;
is_run(authctl([ @both, qw( key revoke ) ], stdin => $key), 0, qr/revoked/,
       'and revoked');
is_deeply(names(), [], 'in both');

# A workspace's own, with a second record.

my $own = 'sk_0123456789abcdef0123456789abcdef';
authctl([ @both, qw( key add --workspace w1 --user u1 ) ], stdin => $own);
redis('HSET', 'sendkit:key:' . hmac_sha256_hex($own, $pepper{old}), 'type',
      'workspace', 'workspace', 'w1');
is_run(authctl([ @both, qw( key revoke ) ], stdin => $own), 0, qr/revoked/,
       'a workspace key with two records is revoked');
is_deeply(names(), [], 'in both, and its workspace has none');
