# Copyright (C) the ngx_sendkit_auth_module authors
#
# POST .../api-key makes the key of a workspace that has none: the answer is
# the only place where it is to be seen, Redis gets its digest, and from then
# on there is one.
#
# Fails when the answer has other bytes, when a second key is made, when the
# record in Redis is not one that the gateway takes for a key of this
# workspace, when the time is not now, or when the log does not tell who it
# was.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Seed;
use Test::More;
use Time::Local ();

my $gate = keys_gate(log_level => 'notice');

first_key();
second_key();
each_of_its_own();
old_remains();
told_in_the_log();

ends_well($gate, 'nginx');


sub seed {
    redis('FLUSHALL');
    redis(@$_) for @$KeySeed, @_;
    $Upstream->mark;
}


sub first_key {
    for my $who ('owner', 'admin') {
        my $name = "a key that the $who makes";

        seed();
        my $before = time;
        my $answer = manage($gate, $who, 'POST');
        my $key = is_key($answer, 201, "u_$who", $name);

        is_stored($key, 'w1', "u_$who", "$name - is in Redis by its digest");
        is(whole('w1'), digest($key), "$name - is the only one");
        is($answer->{headers}{'content-length'}, length $answer->{body},
           "$name - has the length of its answer");
        is_forwarded_never($name);

        cmp_ok(time_of($answer), '>=', $before - 1, "$name - is not older");
        cmp_ok(time_of($answer), '<=', time + 1, "$name - is not newer");
        is(redis('HGET', 'sendkit:workspace-key:w1', 'created_at'),
           created_at($answer), "$name - has the same time in Redis");
        is(join(' ', map { redis('PTTL', $_) } 'sendkit:workspace-key:w1',
                         'sendkit:key:' . digest($key)), '-1 -1',
           "$name - does not end");
    }
}


sub created_at {
    my ($answer) = @_;
    return ($answer->{body} =~ /"createdAt":"([^"]*)"/)[0] // '';
}


sub time_of {
    my ($answer) = @_;

    my ($year, $month, @rest) = created_at($answer)
        =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)\./ or return 0;
    return Time::Local::timegm(reverse(@rest), $month - 1, $year);
}


sub second_key {
    my $name = 'a key where there is one';

    seed();
    my $key = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
                     "before $name");

    for my $who ('owner', 'admin', 'owner') {
        is_error(manage($gate, $who, 'POST'), 409, "$name, by the $who");
    }

    is_stored($key, 'w1', 'u_owner', "$name - nothing has changed");
    is_forwarded_never($name);

    is_deleted(manage($gate, 'owner', 'DELETE'), "$name - it is deleted");
    my $next = is_key(manage($gate, 'admin', 'POST'), 201, 'u_admin',
                      "$name - now there is none");
    isnt($next, $key, "$name - it is another one");
    is_stored($next, 'w1', 'u_admin', "$name - the other one is in Redis");
}


# A workspace has nothing to do with another one, nor with a key that has a
# record but is not the one that the service knows of.

sub each_of_its_own {
    my $name = 'keys of two workspaces';

    seed();
    redis(@{ record($Key{workspace}, type => 'workspace',
                    workspace => 'w1') });

    my $first = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
                       "$name - the first one");
    my $second = is_key(manage($gate, 'stranger', 'POST',
                               '/v1/workspaces/w2/api-key'), 201,
                        'u_stranger', "$name - the second one");

    isnt($first, $second, "$name - are two");
    is_stored($second, 'w2', 'u_stranger', "$name - the second is in Redis");

    for ([ $first, 'w1', 200 ], [ $second, 'w2', 200 ],
         [ $first, 'w2', 403 ], [ $second, 'w1', 403 ],
         [ 'workspace', 'w1', 200 ])
    {
        my ($key, $workspace, $status) = @$_;
        is(ask($gate, $key, $workspace)->{status}, $status,
           "$name - $status for one in $workspace");
    }
}


# What is left of a pointer that was broken by hand.

sub old_remains {
    my $name = 'a key where a pointer lost its digest';

    seed([ 'HSET', 'sendkit:workspace-key:w1', masked => 'x' ]);
    my $key = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner', $name);
    is_stored($key, 'w1', 'u_owner', "$name - is in Redis");

    $name = 'a key where the pointer is no hash';

    seed([ 'SET', 'sendkit:workspace-key:w1', 'x' ]);
    is_error(manage($gate, 'owner', 'POST'), 503, $name);
    is(redis('GET', 'sendkit:workspace-key:w1'), 'x', "$name - stays");
    redis('DEL', 'sendkit:workspace-key:w1');
    is_stored(undef, 'w1', undef, "$name - nothing was made");
    is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
           "$name - until it is gone");
}


sub told_in_the_log {
    my $name = 'the log';

    seed();
    my $key = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner', $name);
    is_error(manage($gate, 'admin', 'POST'), 409, $name);

    my $id = key_id($key);
    ok($gate->wait_for_log(qr/$id/), "$name - tells of it");
    my @lines = grep { /$id/ } split /\n/, $gate->error_log;

    is(scalar @lines, 1, "$name - has one line for a change");
    like($lines[0], qr/\[notice\].*\bu_owner\b.*\bw1\b|
                       \[notice\].*\bw1\b.*\bu_owner\b/x,
         "$name - says who and where");
    unlike($gate->error_log, $AnyKey, "$name - has no key");
    unlike($lines[0], qr/${id}[0-9a-f]/, "$name - has 12 digits of a digest");
}
