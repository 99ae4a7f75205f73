# Copyright (C) the ngx_sendkit_auth_module authors
#
# What is wrong in Redis is found, and what is right is not: each mistake that
# the gateway would stumble over has a name of its own, and an operator is
# told where it is.
#
# Fails when authctl_check.c or authctl_check_keys.c misses one of them, takes
# something for a mistake that the schema allows, or does not look again at what
# has changed between two reads.

use strict;
use warnings;

use Test::More 'no_plan';

use SendkitAuth::Authctl;
use SendkitAuth::Process qw( start_process stop_process );
use SendkitAuth::Redis;


# A digest of few letters.

sub digest {
    return sprintf '%064d', @_;
}


sub created {
    my ($digest, %more) = @_;
    return (digest => $digest, created_at => '2025-06-01T10:30:00.000Z',
            created_by => 'u1', %more);
}


is_run(authctl([ 'check' ]), 0, "no problem in 0 names\n",
       'an empty Redis has no problem');

my @good = (
    [ 'HSET', 'sendkit:key:' . digest(1), 'type', 'platform', 'user', 'u1' ],
    [ 'HSET', 'sendkit:key:' . digest(2), 'type', 'platform', 'user', 'u1',
      'workspace', 'not looked at', 'expires', 0, 'status', 'x y', 'a', 'b' ],
    [ 'HSET', 'sendkit:key:' . digest(3), 'type', 'workspace', 'workspace',
      'w1' ],
    [ 'HSET', 'sendkit:key:' . digest(4), 'type', 'workspace', 'workspace',
      'w2' ],
    [ 'HSET', 'sendkit:key:' . digest(5), 'type', 'workspace', 'workspace',
      'w2' ],
    [ 'HSET', 'sendkit:workspace-key:w1', created(digest(3)) ],
    [ 'HSET', 'sendkit:roles:w1', 'u1', 'owner', 'u2', 'admin', 'u3',
      'member' ],
    [ 'HSET', 'sendkit:roles:w2', 'u1', 'member' ],
    [ 'PEXPIRE', 'sendkit:roles:w2', 1_000_000 ],
    [ 'PEXPIRE', 'sendkit:key:' . digest(1), 1_000_000 ],
    [ 'SET', 'sendkit:no-key:' . digest(6), 1, 'PX', 1_000_000 ],
    [ 'SET', 'sendkit:no-role:w1:a.b:c@d', 1, 'PX', 1_000_000 ],
    [ 'HSET', 'other:key:x', 'type', 'x' ],
);

redis(@$_) for @good;
is_run(authctl([ 'check' ]), 0, "no problem in 10 names\n",
       'what the schema allows is no problem');
is_run(authctl([ qw( --json check ) ]), 0, '', 'nor in JSON');
is_run(authctl([ qw( --prefix other: check ) ]), 1, qr/bad_name/,
       'what is under another prefix is looked at with that');


# One mistake at a time, beside all that is right.

sub finds {
    my ($name, $problem, $message, %args) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    redis('FLUSHALL');
    redis(@$_) for @good, @{ $args{write} };

    my $run = authctl([ 'check' ]);
    is_run($run, 1, qr/^sendkit:\Q$name\E: $problem: $message\n\z/,
           "$problem: $name");
    like($run->{stderr}, qr/: 1 problem in \d+ names$/, 'it is the only one');

    my @found = json_of(authctl([ qw( --json check ) ]));
    is(@found, 1, 'the same in JSON');
    is_deeply([ @{ $found[0] }{ qw( name problem field value ) } ],
              [ "sendkit:$name", $problem, $args{field}, $args{value} ],
              'with field and value');
    like($found[0]{message}, qr/^$message\z/, 'and in words');
}

my $d = digest(9);

finds('role:w1', 'unknown_name', qr/is not a name that the gateway knows/,
      write => [ [ 'HSET', 'sendkit:role:w1', 'u1', 'owner' ] ]);
finds('key:ABC', 'bad_name', qr/digest "ABC" is not 64 lower-case .*/,
      value => 'ABC', write => [ [ 'HSET', 'sendkit:key:ABC', 'type',
                                   'platform', 'user', 'u1' ] ]);
finds('key:sk_...', 'bad_name', qr/digest "sk_\.\.\." is not 64 .*/,
      value => 'sk_...',
      write => [ [ 'HSET', 'sendkit:key:sk_user_0123456789abcdef', 'type',
                   'platform', 'user', 'u1' ] ]);
finds('roles:a b', 'bad_name', qr/workspace "a b" is not 1 to 64 .*/,
      value => 'a b', write => [ [ 'HSET', 'sendkit:roles:a b', 'u1',
                                   'owner' ] ]);
finds('workspace-key:', 'bad_name', qr/workspace "" is not 1 to 64 .*/,
      value => '',
      write => [ [ 'HSET', 'sendkit:workspace-key:', created($d) ] ]);
finds('no-role:w1', 'bad_name', qr/workspace:user "w1" has no user/,
      value => 'w1', write => [ [ 'SET', 'sendkit:no-role:w1', 1, 'PX',
                                  1_000_000 ] ]);
finds('no-role:w1:', 'bad_name', qr/workspace:user "w1:" has a user that .*/,
      value => 'w1:', write => [ [ 'SET', 'sendkit:no-role:w1:', 1, 'PX',
                                   1_000_000 ] ]);

finds("key:$d", 'wrong_type', qr/is a string of Redis, not a hash/,
      value => 'string', write => [ [ 'SET', "sendkit:key:$d", 1 ] ]);
finds('roles:w3', 'wrong_type', qr/is a list of Redis, not a hash/,
      value => 'list', write => [ [ 'RPUSH', 'sendkit:roles:w3', 1 ] ]);
finds('workspace-key:w3', 'wrong_type', qr/is a set of Redis, not a hash/,
      value => 'set', write => [ [ 'SADD', 'sendkit:workspace-key:w3', 1 ] ]);
finds("no-key:$d", 'wrong_type', qr/is a hash of Redis, not a string/,
      value => 'hash', write => [ [ 'HSET', "sendkit:no-key:$d", 1, 1 ] ]);

for ([ type => undef, qr/type is missing/, [ 'user', 'u1' ] ],
     [ type => undef, qr/type is missing/, [ 'a', 'b' ] ],
     [ type => 'Platform', qr/type "Platform" is not "platform" or .*/,
       [ 'user', 'u1' ] ],
     [ user => undef, qr/user is missing/, [ 'type', 'platform' ] ],
     [ user => 'a b', qr/user "a b" is not 1 to 64 .*/,
       [ 'type', 'platform', 'expires', 'x' ] ],
     [ workspace => undef, qr/workspace is missing/,
       [ 'type', 'workspace', 'user', 'u1' ] ],
     [ workspace => 'a.b', qr/workspace "a\.b" is not 1 to 64 .*/,
       [ 'type', 'workspace' ] ],
     [ expires => 'soon', qr/expires "soon" is not 1 to 15 digits, .*/,
       [ 'type', 'platform', 'user', 'u1' ] ],
     [ expires => '', qr/expires "" is not 1 to 15 digits, .*/,
       [ 'type', 'workspace', 'workspace', 'w9' ] ])
{
    my ($field, $value, $message, $more) = @$_;
    finds("key:$d", 'bad_field', $message, field => $field, value => $value,
          write => [ [ 'HSET', "sendkit:key:$d", @$more,
                       defined $value ? ($field => $value) : () ] ]);
}

for ([ digest => 'x', qr/digest "x" is not 64 .*/ ],
     [ created_at => 'today', qr/created_at "today" is not of the form .*/ ],
     [ created_by => 'a b', qr/created_by "a b" is not 1 to 64 .*/ ])
{
    my ($field, $value, $message) = @$_;
    finds('workspace-key:w3', 'bad_field', $message, field => $field,
          value => $value,
          write => [ [ 'HSET', 'sendkit:workspace-key:w3',
                       created($d, $field => $value) ] ]);
}

finds('roles:w1', 'unknown_role', qr/u4 "Owner" is not "owner", .*/,
      field => 'u4', value => 'Owner',
      write => [ [ 'HSET', 'sendkit:roles:w1', 'u4', 'Owner' ] ]);
finds('roles:w1', 'bad_user', qr/user "a\\x0ab" is not 1 to 64 .*/,
      field => 'a\x0ab', value => 'owner',
      write => [ [ 'HSET', 'sendkit:roles:w1', "a\nb", 'owner' ] ]);

finds("no-key:$d", 'no_expiry', qr/never expires, and a marker has to/,
      write => [ [ 'SET', "sendkit:no-key:$d", 1 ] ]);
finds('no-role:w1:u1', 'no_expiry', qr/never expires, and a marker has to/,
      write => [ [ 'SET', 'sendkit:no-role:w1:u1', 1 ] ]);

finds('workspace-key:w3', 'orphan', qr/names a key that has no record/,
      field => 'digest', value => $d,
      write => [ [ 'HSET', 'sendkit:workspace-key:w3', created($d) ] ]);
finds('workspace-key:w3', 'orphan',
      qr/names a key that is not of this workspace/,
      field => 'digest', value => digest(4),
      write => [ [ 'HSET', 'sendkit:workspace-key:w3',
                   created(digest(4)) ] ]);
finds('workspace-key:w3', 'orphan',
      qr/names a key that is not of this workspace/,
      field => 'digest', value => digest(1),
      write => [ [ 'HSET', 'sendkit:workspace-key:w3',
                   created(digest(1)) ] ]);
finds("key:$d", 'other_key', qr/is alive, but workspace "w1" names another .*/,
      field => 'workspace', value => 'w1',
      write => [ [ 'HSET', "sendkit:key:$d", 'type', 'workspace',
                   'workspace', 'w1' ] ]);


# Many at once, and more than one round trip takes.

redis('FLUSHALL');
redis('HSET', 'sendkit:key:' . digest($_), 'type', 'platform', 'user',
      $_ % 3 ? 'u1' : '') for 1 .. 1500;
my $many = authctl([ qw( --json check ) ]);
is_deeply([ map { $_->{name} } json_of($many) ],
          [ map { 'sendkit:key:' . digest(3 * $_) } 1 .. 500 ],
          'all mistakes are found, in the order of names');
like($many->{stderr}, qr/: 500 problems in 1500 names$/, 'and counted');


# While keys are changed in good order there is nothing to be found.

redis('FLUSHALL');
redis('EVAL', <<'END', 0);
    for i = 1, 2000 do
        local digest = string.format('%064d', i)
        redis.call('HSET', 'sendkit:key:' .. digest, 'type', 'workspace',
                   'workspace', 'w' .. i)
        redis.call('HSET', 'sendkit:workspace-key:w' .. i, 'digest', digest,
                   'created_at', '2025-06-01T10:30:00.000Z',
                   'created_by', 'u1')
    end
END

my $rotate = <<'END';
    local name = 'sendkit:workspace-key:w' .. ARGV[1]
    redis.call('DEL', 'sendkit:key:' .. redis.call('HGET', name, 'digest'))
    redis.call('HSET', name, 'digest', ARGV[2])
    redis.call('HSET', 'sendkit:key:' .. ARGV[2], 'type', 'workspace',
               'workspace', 'w' .. ARGV[1])
END

my $other = bless { %{ redis_server() }, connection => undef },
                  'SendkitAuth::Redis';
my $pid = start_process(sub {
    for my $n (1 .. 100_000) {
        $other->command('EVAL', $rotate, 0, 1 + int rand 2000,
                        digest(10_000 + $n));
    }
}, '/dev/null');

is_run(authctl([ 'check' ]), 0, qr/^no problem in \d+ names$/,
       'keys that are rotated meanwhile are no problem') for 1 .. 10;

stop_process($pid, 'KILL');
