# Copyright (C) the ngx_sendkit_auth_module authors
#
# A change that Redis does not permit as a whole is not made in part: Redis
# takes nothing back of what a script has done before it fails.
#
# Fails when the script of core/sendkit_script.c deletes the old key before it
# has written the new one, or does not undo what cannot be completed.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Seed;

my $password_file = temp_dir() . '/password';

open my $out, '>', $password_file or die "$password_file: $!";
print $out 'PASSWORD';
close $out;

my @rights = qw( ~sendkit:key:* ~sendkit:workspace-key:* %R~sendkit:roles:*
                 +hmget +hget +eval +evalsha +exists +del +hset );

my @fewer = (
    [ 'all rights', '' ],
    [ 'no DEL', '+del' ],
    [ 'no HSET', '+hset' ],
    [ 'no HGET', '+hget' ],
    [ 'no EXISTS', '+exists' ],
    [ 'no EVAL', '+eval' ],
    [ 'no EVALSHA', '+evalsha' ],
    [ 'records to be read only', '~sendkit:key:*', '%R~sendkit:key:*' ],
    [ 'the workspace-key to be read only', '~sendkit:workspace-key:*',
      '%R~sendkit:workspace-key:*' ],
    [ 'no records', '~sendkit:key:*', '%R~sendkit:key:*',
      '%W~sendkit:other:*' ],
    [ 'records to be written only by name', '~sendkit:key:*',
      '%R~sendkit:key:*', '~sendkit:key:' . digest($Key{workspace}) ],
);


# The workspace's key is the one of the seed, or there is none.

sub prepare {
    my ($there) = @_;

    my $digest = digest($Key{workspace});

    redis('FLUSHALL');
    redis('SCRIPT', 'FLUSH');
    redis(@$_) for @$KeySeed;
    return 'none' if !$there;

    redis('HSET', "sendkit:key:$digest", 'type', 'workspace', 'workspace',
          'w1');
    redis('HSET', 'sendkit:workspace-key:w1', 'digest', $digest,
          'created_at', '2025-06-01T10:30:00.000Z', 'created_by', 'u_owner');
    return $digest;
}


sub state {
    my $name = redis('HGET', 'sendkit:workspace-key:w1', 'digest');
    my @records = grep { (redis('HGET', $_, 'type') // '') eq 'workspace' }
                  @{ redis('KEYS', 'sendkit:key:*') };

    return 'none' if !defined $name && !@records;
    return "not whole: @records" if @records != 1
                                    || $records[0] ne
                                       'sendkit:key:' . ($name // '');
    return $name;
}


my %changes = (0, 0);

for (@fewer) {
    my ($what, $without, @instead) = @$_;

    redis('ACL', 'DELUSER', 'nginx');
    redis('ACL', 'SETUSER', 'nginx', 'on', '>PASSWORD', 'resetkeys',
          'resetchannels', 'nocommands', @instead,
          grep { $_ ne $without } @rights);

    my $gate = keys_gate(
        more => "sendkit_auth_redis_user nginx;"
                . "sendkit_auth_redis_password_file $password_file;");

    for ([ 0, 'POST', '' ], [ 1, 'POST', '/rotate' ], [ 1, 'DELETE', '' ]) {
        my ($there, @request) = @$_;

        my $old = prepare($there);
        my $status = manage($gate, 'owner', @request)->{status};
        my $new = state();
        my $changed = $new ne $old ? 1 : 0;

        unlike($new, qr/not whole/, "$what, @request - whole");
        is($status, $changed ? $request[0] eq 'POST' && !$there ? 201 : 200
                             : 503, "$what, @request - $status");
        $changes{$changed}++;
    }

    ends_well($gate, $what);
}

is(join(' ', map { $_ // 0 } @changes{ 0, 1 }) =~ /^[1-9]\d* [1-9]/, 1,
   'some changes were made, and some were not');

run_tests();

__DATA__
