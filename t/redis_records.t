# Copyright (C) the ngx_sendkit_auth_module authors
#
# What Redis holds may be wrong, by hand or by a bug of who wrote it.  A wrong
# record is an error of the store (503), a word that is no role is no role
# (403), and neither is ever forwarded; the next key is not disturbed.
#
# Fails when sendkit_record_parse(), sendkit_id_set() or sendkit_role_parse()
# accept more or less than docs/redis-schema.md says, when an error reply or
# a malformed record becomes a 401 or 403, or when a value that is too long
# (sendkit_resp_accept()) leaves the connection out of step.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

use Time::HiRes ();

my $gate = gate();

my $key = 'sendkit:key:' . digest($Key{broken});
my $workspace_key = 'sendkit:key:' . digest($Key{workspace});


# The seed, changed by the commands.

sub load {
    my (@commands) = @_;

    redis('FLUSHALL');
    redis(@$_) for @$Seed, @commands;
    $Upstream->mark;
}


sub record_is {
    my ($key, @fields) = @_;
    return ([ 'DEL', $key ], [ 'HSET', $key, @fields ]);
}


# What is longer than 64 kB costs the connection.

sub is_wrong {
    my ($name, $status, $reason, $who, $workspace, @commands) = @_;

    load(@commands);
    is_refused(ask($gate, $who, $workspace), $status, $reason, $name);
    is_forwarded_never($name);

    if (grep { length > 65536 } map { @$_ } @commands) {
        recovers($gate, "$name - then");

    } else {
        is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
                   "$name - then the next key is allowed");
    }
}


sub is_right {
    my ($name, $who, $workspace, $user, $role, @commands) = @_;

    load(@commands);
    my $answer = ask($gate, $who, $workspace);

    Test::More::is($answer->{status}, 200, $name);
    Test::More::like($answer->{body},
                     qr/"X-Sendkit-User-Id":\["\Q$user\E"\]/, "$name - user")
        if defined $user;
    Test::More::like($answer->{body}, qr/"X-Sendkit-Role":\["$role"\]/,
                     "$name - role") if defined $role;
    Test::More::like($answer->{body},
                     qr/"X-Sendkit-Workspace-Id":\["$workspace"\]/,
                     "$name - workspace");
}


# Not a hash.

for ([ 'a string', 'SET', 'x' ], [ 'a list', 'RPUSH', 'type' ],
     [ 'a set', 'SADD', 'type' ], [ 'a sorted set', 'ZADD', 1, 'type' ],
     [ 'a stream', 'XADD', '*', 'type', 'platform' ])
{
    my ($what, $command, @args) = @$_;

    is_wrong("a key record that is $what is an error", 503, 'store_error',
             'broken', 'w1', [ 'DEL', $key ], [ $command, $key, @args ]);
    is_wrong("roles that are $what are an error", 503, 'store_error',
             'owner', 'w9', [ $command, 'sendkit:roles:w9', @args ]);
}


# Fields of a platform key's record.  By itself it would be allowed: its user
# is an owner.

is_right('the record that these rows spoil is good', 'broken', 'w1',
         'u_owner', 'owner',
         record_is($key, type => 'platform', user => 'u_owner'));

my %bytes = ("\r\n" => 'CR LF', "\0" => 'NUL', "\n" => 'LF', "\t" => 'a tab',
             ' ' => 'a space', '' => 'nothing', "\xc3\xbc" => 'UTF-8',
             '/' => 'a slash', '"' => 'a quote', '%41' => 'a percent sign');

for (undef, '', 'Platform', 'PLATFORM', 'platform ', ' platform',
     "platform\0", "platform\n", 'platfor', 'platforms', 'user', 'any',
     '0', 'workspace')
{
    my $shown = defined ? '"' . s/([\0\n])/sprintf '\x%02x', ord $1/er . '"'
                        : 'missing';

    is_wrong("a record whose type is $shown is an error", 503,
             'store_error', 'broken', 'w1',
             record_is($key, defined() ? (type => $_) : (),
                       user => 'u_owner'));
}

is_wrong('a platform record without a user is an error', 503, 'store_error',
         'broken', 'w1', record_is($key, type => 'platform'));
is_wrong('a platform record with only a workspace is an error', 503,
         'store_error', 'broken', 'w1',
         record_is($key, type => 'platform', workspace => 'w1'));
is_wrong('an empty user is an error', 503, 'store_error', 'broken', 'w1',
         record_is($key, type => 'platform', user => ''));
is_wrong('a user of 65 bytes is an error', 503, 'store_error', 'broken',
         'w1', record_is($key, type => 'platform', user => 'u' x 65));

for (grep { length } sort keys %bytes) {
    is_wrong("a user with $bytes{$_} is an error", 503, 'store_error',
             'broken', 'w1',
             record_is($key, type => 'platform', user => "u_owner$_"));
}

is_wrong('a user that would add a header line is an error', 503,
         'store_error', 'broken', 'w1',
         record_is($key, type => 'platform',
                   user => "u_owner\r\nX-Sendkit-Role: owner"));

is_wrong('an unknown role of a user of 64 bytes is no role', 403, 'role',
         'broken', 'w1', record_is($key, type => 'platform',
                                   user => 'u' x 64));

my $long_user = 'Aa0._:@-' . 'u' x 56;

is_right('a user may have 64 bytes of all kinds', 'broken', 'w1', $long_user,
         'member', record_is($key, type => 'platform', user => $long_user),
         [ 'HSET', 'sendkit:roles:w1', $long_user, 'member' ]);


# Of a workspace key's record.

for (undef, '', 'w' x 65, "w1\r\n", "w1\0", 'w1 ', 'w.1', 'w:1', 'w/1', 'w@1')
{
    my $shown = !defined() ? 'missing' : length > 60 ? '65 bytes'
                : '"' . s/([\0\r\n])/sprintf '\x%02x', ord $1/gre . '"';

    is_wrong("a workspace record whose workspace is $shown is an error", 503,
             'store_error', 'workspace', 'w1',
             record_is($workspace_key, type => 'workspace',
                       defined() ? (workspace => $_) : ()));
}

my $long_workspace = 'Aa0_-' . 'w' x 59;

is_right('a workspace may have 64 bytes', 'workspace', $long_workspace,
         undef, undef,
         record_is($workspace_key, type => 'workspace',
                   workspace => $long_workspace));
is_right('a workspace of 64 bytes has roles', 'owner', $long_workspace,
         'u_owner', 'admin',
         [ 'HSET', "sendkit:roles:$long_workspace", u_owner => 'admin' ]);


# The prefix of the key says another kind than its record.

is_wrong('a platform key whose record is a workspace\'s is unknown', 401,
         'unknown_key', 'broken', 'w1',
         record_is($key, type => 'workspace', workspace => 'w1',
                   user => 'u_owner'));
is_wrong('a workspace key whose record is a user\'s is unknown', 401,
         'unknown_key', 'workspace', 'w1',
         record_is($workspace_key, type => 'platform', user => 'u_owner',
                   workspace => 'w1'));
is_wrong('a record with none of our fields is unknown', 401, 'unknown_key',
         'broken', 'w1', record_is($key, note => 'x', Type => 'platform',
                                   USER => 'u_owner'));


# When it expires.

for ('', 'never', '-1', '+9999999999', '9999999999.5', '1e12',
     ' 9999999999', '9999999999 ', "9999999999\n", "9999999999\0",
     '0x7fffffffff', '9' x 16, '9' x 40)
{
    my $shown = s/([\0\n])/sprintf '\x%02x', ord $1/gre;

    is_wrong("the time \"$shown\" is an error", 503, 'store_error', 'broken',
             'w1', record_is($key, type => 'platform', user => 'u_owner',
                             expires => $_));
}

for (0, 1, '000000000000001', time - 1, time) {
    is_wrong("the time $_ is over", 401, 'expired_key', 'broken', 'w1',
             record_is($key, type => 'platform', user => 'u_owner',
                       expires => $_));
}

for (time + 100, '9' x 15) {
    is_right("the time $_ is to come", 'broken', 'w1', 'u_owner', 'owner',
             record_is($key, type => 'platform', user => 'u_owner',
                       expires => $_));
}

# Asks until it has seen the change; what comes too late to tell is not
# counted.

my $expires = time + 2;
my (%before, %after);

load(record_is($key, type => 'platform', user => 'u_owner',
               expires => $expires));

wait_until(sub {
    my $asked = Time::HiRes::time();
    my $answer = ask($gate, 'broken', 'w1');

    $before{$answer->{status}}++ if Time::HiRes::time() < $expires;
    $after{$answer->{status}}++ if $asked >= $expires;
    return %after;
});

Test::More::is("@{[ sort keys %before ]}", '200',
               'a key is allowed until it expires');
Test::More::is("@{[ sort keys %after ]}", '401',
               'a key is refused as soon as it has expired');


# Its status.

for ('', 'Active', 'ACTIVE', 'active ', ' active', "active\0", "active\n",
     'inactive', 'revoked', '1', 'true')
{
    my $shown = s/([\0\n])/sprintf '\x%02x', ord $1/gre;

    is_wrong("the status \"$shown\" is not active", 401, 'inactive_key',
             'broken', 'w1', record_is($key, type => 'platform',
                                       user => 'u_owner', status => $_));
}

is_right('the status "active" is active', 'broken', 'w1', 'u_owner', 'owner',
         record_is($key, type => 'platform', user => 'u_owner',
                   status => 'active'));


# Words for a role.

for ('', 'Owner', 'OWNER', 'owner ', ' owner', "owner\n", "owner\0",
     "\0owner", 'owne', 'owners', 'owner,admin', 'superuser', 'any', 'none',
     '*', '1', '0', 'x' x 65536)
{
    my $shown = length > 60 ? '64 kB'
                            : s/([\0\n])/sprintf '\x%02x', ord $1/gre;

    is_wrong("the word \"$shown\" is no role", 403, 'role', 'odd', 'w1',
             [ 'HSET', 'sendkit:roles:w1', u_odd => $_ ]);
}

for ('owner', 'admin', 'member') {
    is_right("the word \"$_\" is a role", 'odd', 'w1', 'u_odd', $_,
             [ 'HSET', 'sendkit:roles:w1', u_odd => $_ ]);
}


# Longer than anything that it may be, and longer than what is read.

for ([ '64 kB and a byte', 'x' x 65537 ], [ '4 MB', 'x' x (4 << 20) ]) {
    my ($size, $value) = @$_;

    is_wrong("a user of $size is an error", 503, 'store_error', 'broken',
             'w1', record_is($key, type => 'platform', user => $value));
    is_wrong("a type of $size is an error", 503, 'store_error', 'broken',
             'w1', record_is($key, type => $value, user => 'u_owner'));
    is_wrong("a status of $size is an error", 503, 'store_error', 'broken',
             'w1', record_is($key, type => 'platform', user => 'u_owner',
                             status => $value));
    is_wrong("a role of $size is an error", 503, 'store_error', 'odd', 'w1',
             [ 'HSET', 'sendkit:roles:w1', u_odd => $value ]);
    is_right("a field of $size that nobody asks for does no harm", 'broken',
             'w1', 'u_owner', 'owner',
             record_is($key, type => 'platform', user => 'u_owner',
                       note => $value));
}

is_wrong('a status of 64 kB is not active', 401, 'inactive_key',
         'broken', 'w1', record_is($key, type => 'platform',
                                   user => 'u_owner', status => 'x' x 65536));


# Fields that others may have added.

is_right('more fields do no harm', 'broken', 'w1', 'u_owner', 'owner',
         record_is($key, type => 'platform', user => 'u_owner',
                   workspace => "w2\r\n", role => 'member', Type => 'x',
                   map { ("field$_" => $_) } 1 .. 100));
is_right('other users\' roles do no harm', 'owner', 'w1', 'u_owner', 'owner',
         [ 'HSET', 'sendkit:roles:w1', map { ("u_$_" => 'x') } 1 .. 1000 ]);

ends_well($gate, 'wrong records');
