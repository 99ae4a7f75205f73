# Copyright (C) the ngx_sendkit_auth_module authors
#
# POST .../api-key/rotate gives a workspace another key: in one step the old
# one is dead and the new one lives.
#
# Fails when the old record is left, when somebody else's record is deleted,
# when a key is made where there was none, when the service does not start
# over after the key has changed under its hands, or never ends to do so.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Seed;
use Test::More;

my $gate = keys_gate(log_level => 'notice');

no_key();
another_key();
broken_pointers();
changed_meanwhile();
always_changed();
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


sub rotate { return manage($gate, $_[0] // 'owner', 'POST', '/rotate') }


sub no_key {
    my $name = 'a workspace without a key';

    seed();
    is_error(rotate(), 404, "$name - is not found");
    is_stored(undef, 'w1', undef, "$name - gets none");

    # A record alone is not known to the service.

    redis(@{ record($Key{workspace}, type => 'workspace',
                    workspace => 'w1') });
    is_error(rotate(), 404, "$name - a record is not enough");
    is(ask($gate, 'workspace', 'w1')->{status}, 200,
       "$name - the record is left alone");
}


sub another_key {
    my $name = 'a rotated key';

    seed();
    my @keys = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
                      "before $name");

    for my $who ('admin', 'owner', 'admin') {
        is(ask($gate, $keys[-1], 'w1')->{status}, 200, "$name - is used");
        push @keys, is_key(rotate($who), 200, "u_$who",
                           "$name - by the $who");
        is_stored($keys[-1], 'w1', "u_$who",
                  "$name - the next one is in Redis");
        is_refused(ask($gate, $keys[-2], 'w1'), 401, 'unknown_key',
                   "$name - is dead");
        is(ask($gate, $keys[-1], 'w1')->{status}, 200,
           "$name - the next one lives");
    }

    my %different = map { $_ => 1 } @keys;
    is(scalar keys %different, 4, "$name - is another one each time");
    is_error(manage($gate, 'owner', 'POST'), 409,
             "$name - there is still one");
}


# Pointers that others have written, or broken.

sub broken_pointers {
    my $lost = $Key{unknown};

    seed(pointer($lost));
    my $key = is_key(rotate(), 200, 'u_owner', 'a key that lost its record');
    is_stored($key, 'w1', 'u_owner', 'a key that lost its record - is new');

    seed(pointer($Key{other}),
         record($Key{other}, type => 'workspace', workspace => 'w2'));
    $key = is_key(rotate(), 200, 'u_owner', "another workspace's key");
    is_stored($key, 'w1', 'u_owner', "another workspace's key - is new");
    is(ask($gate, 'other', 'w2')->{status}, 200,
       "another workspace's key - is left alone");

    my %broken = (
        'a digest in upper case' => [ digest => 'A' x 64 ],
        'a digest that is short' => [ digest => 'a' x 63 ],
        'a digest that is none' => [ digest => '' ],
        'no time' => [ created_at => '' ],
        'a user that is none' => [ created_by => 'u"' ],
    );

    for my $name (sort keys %broken) {
        seed(pointer($lost, @{ $broken{$name} }));
        my $before = redis('DUMP', 'sendkit:workspace-key:w1');

        is_error(rotate(), 503, "$name - is an error");
        is(redis('DUMP', 'sendkit:workspace-key:w1'), $before,
           "$name - is left as it is");
        redis('DEL', 'sendkit:workspace-key:w1');
        is_stored(undef, 'w1', undef, "$name - has made no record");
        is_error(rotate(), 404, "$name - then there is none");
    }

    seed([ 'SET', 'sendkit:workspace-key:w1', 'x' ]);
    is_error(rotate(), 503, 'a pointer that is no hash');
    redis('DEL', 'sendkit:workspace-key:w1');
    is_stored(undef, 'w1', undef, 'a pointer that is no hash - no record');
}


# Between what the service has read and what it wants to change somebody else
# changes the key, or deletes it, or does so each time.

sub changed_meanwhile {
    my $fake = SendkitAuth::FakeRedis->new->load(@$KeySeed);
    my $gate = keys_gate(redis => $fake->address);
    my $n = 0;

    for my $case ([ 'changed', digest($Key{member}), 200 ],
                  [ 'deleted', undef, 404 ])
    {
        my ($how, $digest, $status) = @$case;
        my $name = "a key that is $how meanwhile";
        my $step = 'step' . ++$n;

        $fake->load(pointer($Key{unknown}))->mark;
        $fake->on(evalsha => hold => $step, send => "+CHANGED\r\n");
        my $client = SendkitAuth::Wire->new($gate->port);
        $client->send(request_of('owner', undef, [
            'POST', '/v1/workspaces/w1/api-key/rotate' ]));

        ok(wait_until(sub { $fake->commands('evalsha') }),
           "$name - was another one");
        $fake->load([ 'HSET', 'sendkit:workspace-key:w1',
                      map { $_ => $digest } 'digest' ]);
        $fake->load([ 'HSET', 'sendkit:workspace-key:w1',
                      map { $_ => undef } qw( created_at created_by ) ])
            if !defined $digest;
        $fake->on(evalsha => send => "+OK\r\n")->release($step);

        my $answer = $client->answer;
        is($answer->{status}, $status, "$name - is read again");
        my @old = map { $_->[6] } $fake->commands('evalsha');
        is("@old", join(' ', digest($Key{unknown}), $digest // ()),
           "$name - is replaced if it is there");
    }

    ends_well($gate, 'a key that changes meanwhile');
}


sub always_changed {
    my $name = 'a key that changes all the time';
    my $fake = SendkitAuth::FakeRedis->new->load(@$KeySeed,
                                                 pointer($Key{unknown}));
    my $gate = keys_gate(redis => $fake->address);

    $fake->on(evalsha => send => "+CHANGED\r\n");

    is_error(manage($gate, 'owner', 'POST', '/rotate'), 503,
             "$name - is given up");
    my $tries = $fake->commands('evalsha');
    cmp_ok($tries, '>', 1, "$name - is tried again");
    cmp_ok($tries, '<=', 20, "$name - is not tried for ever");

    $fake->on(evalsha => send => "+OK\r\n");
    is_key(manage($gate, 'owner', 'POST', '/rotate'), 200, 'u_owner',
           "$name - no more");
    ends_well($gate, $name);
}


sub told_in_the_log {
    my $name = 'the log';

    seed();
    is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner', $name);
    my $id = key_id(is_key(rotate('admin'), 200, 'u_admin', $name));

    ok($gate->wait_for_log(qr/$id/), "$name - tells of it");
    my @lines = grep { /$id/ } split /\n/, $gate->error_log;

    is(scalar @lines, 1, "$name - has one line for a change");
    like($lines[0], qr/\[notice\].*\bu_admin\b.*\bw1\b|
                       \[notice\].*\bw1\b.*\bu_admin\b/x,
         "$name - says who and where");
    unlike($gate->error_log, $AnyKey, "$name - has no key");
}
