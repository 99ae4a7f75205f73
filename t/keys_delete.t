# Copyright (C) the ngx_sendkit_auth_module authors
#
# DELETE .../api-key ends the key of a workspace, at once and for good.
#
# Fails when the record is left, when somebody else's record is deleted, or
# when it is told that a key was deleted where there was none.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Seed;
use Test::More;

my $gate = keys_gate(log_level => 'notice');

no_key();
deleted_key();
broken_pointers();
told_in_the_log();

ends_well($gate, 'nginx');


sub seed {
    redis('FLUSHALL');
    redis(@$_) for @$KeySeed, @_;
    $Upstream->mark;
}


sub pointer {
    my ($key, @fields) = @_;
    return [ 'HSET', 'sendkit:workspace-key:w1', digest => digest($key),
             created_at => '2025-06-01T10:30:00.000Z',
             created_by => 'u_other', @fields ];
}


sub end_key { return manage($gate, $_[0] // 'owner', 'DELETE') }


sub no_key {
    my $name = 'a workspace without a key';

    seed();
    redis(@{ record($Key{workspace}, type => 'workspace',
                    workspace => 'w1') });

    is_error(end_key(), 404, "$name - is not found");
    is_forwarded_never($name);
    is(ask($gate, 'workspace', 'w1')->{status}, 200,
       "$name - a record that the service does not know is left alone");
}


sub deleted_key {
    my $name = 'a deleted key';

    for my $who ('owner', 'admin') {
        seed();
        my $key = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
                         "before $name");
        my $other = is_key(manage($gate, 'stranger', 'POST',
                                  '/v1/workspaces/w2/api-key'), 201,
                           'u_stranger', "$name - of another workspace");
        is(ask($gate, $key, 'w1')->{status}, 200, "$name - is used");

        $Upstream->mark;
        is_deleted(end_key($who), "$name - by the $who");
        is_stored(undef, 'w1', undef, "$name - nothing is left of it");
        is_refused(ask($gate, $key, 'w1'), 401, 'unknown_key',
                   "$name - is dead");
        is_error(end_key($who), 404, "$name - is not deleted twice");
        is_error(manage($gate, $who, 'POST', '/rotate'), 404,
                 "$name - is not rotated");
        is_error(manage($gate, $who, 'GET'), 404, "$name - is not shown");
        is_forwarded_never($name);
        is_stored($other, 'w2', 'u_stranger',
                  "$name - the other one is left alone");

        my $next = is_key(manage($gate, $who, 'POST'), 201, "u_$who",
                          "$name - the next one");
        is(ask($gate, $key, 'w1')->{status}, 401, "$name - stays dead");
        is(ask($gate, $next, 'w1')->{status}, 200,
           "$name - the next one lives");
    }
}


# Pointers that others have written, or broken.

sub broken_pointers {
    seed(pointer($Key{unknown}));
    is_deleted(end_key(), 'a key that lost its record');
    is_stored(undef, 'w1', undef, 'a key that lost its record - is gone');

    seed(pointer($Key{other}),
         record($Key{other}, type => 'workspace', workspace => 'w2'));
    is_deleted(end_key(), "another workspace's key");
    is(ask($gate, 'other', 'w2')->{status}, 200,
       "another workspace's key - is left alone");

    seed(pointer($Key{admin}));
    is_deleted(end_key(), 'a platform key');
    is(ask($gate, 'admin', 'w1')->{status}, 200,
       'a platform key - is left alone');

    for my $fields ([ digest => 'no digest' ], [ created_at => 'now' ],
                    [ created_by => '' ])
    {
        my $name = "a pointer with @$fields";

        seed(pointer($Key{unknown}, @$fields));
        my $before = redis('DUMP', 'sendkit:workspace-key:w1');

        is_error(end_key(), 503, "$name - is an error");
        is(redis('DUMP', 'sendkit:workspace-key:w1'), $before,
           "$name - is left as it is");
    }

    seed([ 'SET', 'sendkit:workspace-key:w1', 'x' ]);
    is_error(end_key(), 503, 'a pointer that is no hash');
    redis('DEL', 'sendkit:workspace-key:w1');
    is_error(end_key(), 404, 'a pointer that is no hash - is gone');
}


sub told_in_the_log {
    my $name = 'the log';

    seed();
    my $id = key_id(is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
                           $name));
    is_deleted(end_key('admin'), $name);

    ok($gate->wait_for_log(qr/$id.*\n(?:.*\n)*.*$id/), "$name - tells of it");
    my @lines = grep { /$id/ } split /\n/, $gate->error_log;

    is(scalar @lines, 2, "$name - has a line for each change");
    like($lines[1], qr/\[notice\].*\bu_admin\b.*\bw1\b|
                       \[notice\].*\bw1\b.*\bu_admin\b/x,
         "$name - says who and where");
    unlike($gate->error_log, $AnyKey, "$name - has no key");
}
