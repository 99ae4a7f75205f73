# Copyright (C) the ngx_sendkit_auth_module authors
#
# The Lua scripts of core/sendkit_script.c in a real Redis: each makes its
# change as a whole or not at all, whatever is in the keys, and touches no key
# but those that it is given.
#
# Fails when a script writes before it has read all that can stop it, when it
# deletes the record of somebody else's key, when it gives a life to what lives
# for ever or the other way round, or when it reads a key or a field of another
# name.

use SendkitAuth;
use Test::More;

use MIME::Base64 ();

use SendkitAuth::Process qw( start_process slurp );

my %script = map { $_ => script($_) }
             qw( workspace_key add_record add_role );
my ($D1, $D2, $D3) = map { $_ x 64 } 1 .. 3;
my $Time = '2025-06-01T10:30:00.000Z';
my @types = qw( string list set zset stream );

# Each runs as a user who has the right to these keys and these commands only.

my @rights = qw( +hget +hmget +hset +del +exists +hexists +pttl +pexpire );

# The changes: what is there before, and the change itself.

my %big = map { $_ => 'x' x 4000 } 'a' .. 'e';

my %way = (
    create => [ [], sub { change('', $D2, %big) } ],
    rotate => [ [ pointer($D1), record_of($D1) ],
                sub { change($D1, $D2, %big) } ],
    delete => [ [ pointer($D1), record_of($D1) ],
                sub { change($D1, '') } ],
    record => [ [], sub { call('add_record', [ "p:key:$D1" ], 9000, %big) } ],
    role   => [ [], sub { call('add_role', [ 'p:roles:w1' ], 9000, %big) } ],
);

workspace_keys();
wrong_types();
records();
roles();
full();
not_allowed();
all_or_nothing();


# The text that the C compiler makes of it.

sub script {
    my ($name) = @_;

    my ($text) = slurp("$Top/ngx_sendkit_auth_module/core/sendkit_script.c")
                 =~ /sendkit_script_$name = SENDKIT_SPAN\((.*?)^\);/ms
        or die "no script $name";
    my $script = join '', $text =~ /"((?:[^"\\]|\\.)*)"/g;

    $script =~ s/\\n/\n/g;
    die "an escape in $name" if $script =~ /\\/;
    return $script;
}


# The reply, or the error's text.

sub call {
    my ($name, $keys, @args) = @_;

    redis('ACL', 'SETUSER', 'script', 'reset', 'on', 'nopass', '+eval',
          @rights, map { "~$_" } @$keys);
    redis('AUTH', 'script', '');
    my $reply = eval { redis('EVAL', $script{$name}, scalar @$keys, @$keys,
                             @args) } // "error $@";
    redis('AUTH', 'default', '');

    return $reply;
}


# All that Redis holds.  What is to live for some time shows that it does.

sub state {
    return join '', map { "$_ " . MIME::Base64::encode(redis('DUMP', $_), '')
                          . ' ' . (redis('PTTL', $_) < 0 ? '' : 'expires')
                          . "\n" }
                    sort @{ redis('KEYS', '*') };
}


# The same, to be read.

sub content {
    return join "\n", map { content_of($_) } sort @{ redis('KEYS', '*') };
}


sub content_of {
    my ($key) = @_;

    my %fields = @{ redis('HGETALL', $key) };
    my $text = join ' ', $key, map { "$_=$fields{$_}" } sort keys %fields;

    return redis('PTTL', $key) < 0 ? $text : "$text expires";
}


sub start_with {
    redis('FLUSHALL');
    redis(@$_) for @_;
}


# A key of w1 with these digests, old and new; "" is none.

sub change {
    my ($old, $new, @more) = @_;

    return call('workspace_key',
               [ 'p:workspace-key:w1', "p:key:$old", "p:key:$new" ],
               $old, $new, 'w1', $Time, 'u2', 'sk_aaaa...zzzz', @more);
}


sub pointer {
    my ($digest) = @_;
    return [ 'HSET', 'p:workspace-key:w1', digest => $digest,
             created_at => '2024-01-01T00:00:00.000Z', created_by => 'u1',
             masked => 'sk_bbbb...yyyy' ];
}


sub record_of {
    my ($digest, $workspace) = @_;
    return [ 'HSET', "p:key:$digest", type => 'workspace',
             workspace => $workspace // 'w1' ];
}


sub content_with {
    my ($digest, $more) = @_;
    return "p:key:$digest " . ($more // '') . "type=workspace workspace=w1\n"
           . "p:workspace-key:w1 created_at=$Time created_by=u2"
           . " digest=$digest masked=sk_aaaa...zzzz";
}


sub is_made {
    my ($reply, $content, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is("$reply\n" . content(), "OK\n$content", $name);
}


# The state before it, from the same commands, is the state after it.

sub is_refused {
    my ($name, $code, @commands) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    start_with(@commands);
    my $before = state();

    is($code->(), 'CHANGED', "$name - is refused");
    is(state(), $before, "$name - nothing is changed");
}


sub workspace_keys {
    my @there = (pointer($D1), record_of($D1));

    start_with();
    is_made(change('', $D1), content_with($D1), 'the first key is made');
    is_made(change($D1, $D2), content_with($D2), 'the key is changed');
    is_made(change($D2, ''), '', 'the key is deleted');
    is_made(change('', $D3), content_with($D3), 'another first key is made');

    start_with();
    is_made(change('', $D1, status => 'active', expires => 17),
            content_with($D1, 'expires=17 status=active '),
            'more fields are those of the record');

    is_refused('a first key where there is one',
               sub { change('', $D2) }, @there);
    is_refused('the same key where there is one',
               sub { change('', $D1) }, @there);
    is_refused('a first key whose digest has a record',
               sub { change('', $D1) }, record_of($D1));
    is_refused('a first key whose digest is that of a platform key',
               sub { change('', $D1) },
               [ 'HSET', "p:key:$D1", type => 'platform', user => 'u1' ]);
    is_refused('a change of a key that is another one by now',
               sub { change($D3, $D2) }, @there, record_of($D3));
    is_refused('a change of a key that is gone by now',
               sub { change($D1, $D2) }, record_of($D1));
    is_refused('a change to a key whose digest has a record',
               sub { change($D1, $D2) }, @there, record_of($D2, 'w2'));
    is_refused('a change to the same key',
               sub { change($D1, $D1) }, @there);
    is_refused('the end of a key that is another one by now',
               sub { change($D3, '') }, @there, record_of($D3));
    is_refused('the end of a key that is gone by now',
               sub { change($D1, '') }, record_of($D1));

    # What the pointer says need not be true any more.

    start_with(pointer($D1));
    is_made(change($D1, $D2), content_with($D2),
            'a key whose record is gone is changed');
    start_with(pointer($D1));
    is_made(change($D1, ''), '', 'a key whose record is gone is deleted');

    my $others = "p:key:$D1 type=workspace workspace=w2";

    start_with(pointer($D1), record_of($D1, 'w2'));
    is_made(change($D1, ''), $others,
            'the record of another workspace is not deleted');
    start_with(pointer($D1), record_of($D1, 'w2'));
    is_made(change($D1, $D2), "$others\n" . content_with($D2),
            'the record of another workspace is not changed');

    start_with(pointer($D1), [ 'HSET', "p:key:$D1", type => 'platform',
                               user => 'u1' ]);
    is_made(change($D1, ''), "p:key:$D1 type=platform user=u1",
            'the record of a platform key is not deleted');

    start_with(@there, map { [ 'PEXPIRE', $_, 100000 ] }
                           'p:workspace-key:w1', "p:key:$D1");
    is_made(change($D1, $D2), content_with($D2),
            'the next key does not end with the one before it');

    start_with(@there, [ 'HSET', 'p:workspace-key:w1', more => 'x' ],
               [ 'HSET', "p:key:$D1", more => 'x' ]);
    is_made(change($D1, $D2), content_with($D2),
            'the next key has no field of the one before it');

    # Other workspaces, and what else is there.

    my @others = ([ 'HSET', 'p:workspace-key:w2', digest => $D1 ],
                  [ 'SET', 'workspace-key:w1', 'x' ],
                  [ 'SET', "key:$D1", 'x' ], [ 'SET', 'p:key:', 'x' ]);

    start_with(@others);
    my $before = state();
    is("@{[ map { change(@$_) } [ '', $D1 ], [ $D1, $D2 ], [ $D2, '' ] ]}",
       'OK OK OK', 'one life of a key');
    is(state(), $before, 'one life of a key - nothing else is touched');
}


sub wrong_type {
    my ($key, $type) = @_;

    return [ 'SET', $key, 'x' ] if $type eq 'string';
    return [ 'RPUSH', $key, 'x' ] if $type eq 'list';
    return [ 'SADD', $key, 'x' ] if $type eq 'set';
    return [ 'ZADD', $key, 1, 'x' ] if $type eq 'zset';
    return [ 'XADD', $key, '1-1', 'x', 'y' ];
}


# A key that is no hash, in each place.

sub wrong_types {
    my %way = (create => [ '', $D2 ], rotate => [ $D1, $D2 ],
               delete => [ $D1, '' ]);

    for my $type (@types) {
        for my $way (sort keys %way) {
            my ($old, $new) = @{ $way{$way} };
            my @there = length $old ? (pointer($D1), record_of($D1)) : ();

            stops("$way, the pointer is a $type",
                  sub { change($old, $new) }, qr/^error redis: WRONGTYPE/,
                  grep({ $_->[1] !~ /workspace-key/ } @there),
                  wrong_type('p:workspace-key:w1', $type));

            stops("$way, the old record is a $type",
                  sub { change($old, $new) }, qr/^error redis: WRONGTYPE/,
                  grep({ $_->[1] !~ /p:key/ } @there),
                  wrong_type("p:key:$old", $type))
                if length $old;

            stops("$way, the new record is a $type",
                  sub { change($old, $new) }, qr/^CHANGED$/,
                  @there, wrong_type("p:key:$new", $type))
                if length $new;
        }

        stops("a record that is a $type",
              sub { call('add_record', [ "p:key:$D1" ], 1000, 'type', 'x',
                         'user', 'u1') },
              qr/^error redis: WRONGTYPE/, wrong_type("p:key:$D1", $type));
        stops("roles that are a $type",
              sub { call('add_role', [ 'p:roles:w1' ], 1000, 'u1', 'owner') },
              qr/^error redis: WRONGTYPE/, wrong_type('p:roles:w1', $type));
    }
}


sub stops {
    my ($name, $code, $expected, @commands) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    start_with(@commands);
    my $before = state();

    like($code->(), $expected, "$name - is said");
    is(state(), $before, "$name - nothing is changed");
}


sub life_of {
    my ($key, $max, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $life = redis('PTTL', $key);

    cmp_ok($life, '>', 0, "$name - it ends");
    cmp_ok($life, '<=', $max, "$name - not later than said");
}


sub records {
    my $key = "p:key:$D1";
    my @platform = (type => 'platform', user => 'u1');

    start_with();
    is_made(call('add_record', [ $key ], 60000, @platform),
            "$key type=platform user=u1 expires", 'a record is added');
    life_of($key, 60000, 'a record is added');

    start_with();
    is_made(call('add_record', [ $key ], 0, @platform, expires => 17),
            "$key expires=17 type=platform user=u1",
            'a record is added for ever');

    start_with([ 'HSET', $key, hits => 1 ]);
    is_made(call('add_record', [ $key ], 60000, @platform),
            "$key hits=1 type=platform user=u1 expires",
            'a record is added to fields that are none of a record');

    is_refused("a record where there is $_ only",
               sub { call('add_record', [ $key ], 60000, @platform) },
               [ 'HSET', $key, $_ => '' ])
        for qw( type user workspace expires status );

    is_refused('a record where there is one',
               sub { call('add_record', [ $key ], 60000, @platform) },
               [ 'HSET', $key, type => 'platform', user => 'u2' ]);
    is_refused('a record where there is one that ends',
               sub { call('add_record', [ $key ], 0, @platform) },
               [ 'HSET', $key, type => 'platform', user => 'u2' ],
               [ 'PEXPIRE', $key, 100000 ]);
}


sub roles {
    my $key = 'p:roles:w1';
    my $add = sub { call('add_role', [ $key ], 60000, @_) };

    start_with();
    is_made($add->('u1', 'owner'), "$key u1=owner expires",
            'the first role is added');
    life_of($key, 60000, 'the first role is added');

    redis('PEXPIRE', $key, 30000);
    is_made($add->('u2', 'member'), "$key u1=owner u2=member expires",
            'the second role is added');
    life_of($key, 30000, 'the second role lives no longer than the first');

    is_refused('a role where there is one', sub { $add->('u1', 'member') },
               [ 'HSET', $key, u1 => 'owner' ], [ 'PEXPIRE', $key, 30000 ]);
    is_refused('a role where there is an empty one',
               sub { $add->('u1', 'member') }, [ 'HSET', $key, u1 => '' ]);

    start_with([ 'HSET', $key, u2 => 'owner' ]);
    is_made($add->('u1', 'owner'), "$key u2=owner",
            'nothing is added to roles that somebody else keeps');

    start_with([ 'HSET', $key, u2 => 'owner' ], [ 'PEXPIRE', $key, 70000 ]);
    is_made($add->('u1', 'owner'), "$key u2=owner expires",
            'nothing is added to roles that end later');
}


sub old_and_new {
    my ($way) = @_;
    my ($there, $code) = @{ $way{$way} };

    start_with(@$there);
    my $old = state();
    is($code->(), 'OK', "$way - is done");
    return ($old, state());
}


# What was there, or what is to be, with each amount of memory that is left.

sub full {
    my %seen;

    for my $way (sort keys %way) {
        my ($there, $code) = @{ $way{$way} };
        my ($old, $new) = old_and_new($way);
        my (%got, $half);

        for my $more (-100000, map({ $_ * 1000 } -10 .. 40), 400000) {
            start_with(@$there);
            my ($used) = redis('INFO', 'memory') =~ /^used_memory:(\d+)/m;

            redis('CONFIG', 'SET', 'maxmemory', $used + $more);
            my $reply = $code->();
            redis('CONFIG', 'SET', 'maxmemory', 0);

            my $state = state();
            my $told = $reply eq 'OK' ? $new
                     : $reply =~ /\bOOM\b/ ? $old : 'another reply';

            $got{$reply eq 'OK' ? 'done' : 'refused'}++;
            $half .= "$more: $reply\n$state\n" if $state ne $told;
        }

        is($half // '', '', "$way with a full Redis - told, old or new state");
        ok($got{done}, "$way with a full Redis - is done at times");
        $seen{$_} += $got{$_} for keys %got;
    }

    ok($seen{refused}, 'a full Redis - refuses at times');
}


# A replica, and a server that has lost its own replicas.

sub not_allowed {
    my %state = (
        READONLY => [ [ 'REPLICAOF', '127.0.0.1', 1 ],
                      [ 'REPLICAOF', 'NO', 'ONE' ] ],
        NOREPLICAS => [ [ 'CONFIG', 'SET', 'min-replicas-to-write', 1 ],
                        [ 'CONFIG', 'SET', 'min-replicas-to-write', 0 ] ],
    );

    for my $error (sort keys %state) {
        for my $way (sort keys %way) {
            my ($there, $code) = @{ $way{$way} };
            my ($begin, $end) = @{ $state{$error} };

            start_with(@$there);
            my $before = state();
            redis(@$begin);
            my $reply = $code->();
            redis(@$end);

            like($reply, qr/^error redis: .*$error/, "$way, $error - is said");
            is(state(), $before, "$way, $error - nothing is changed");
            is($code->(), 'OK', "$way, $error - is done afterwards");
        }
    }
}


# Three that change the key without a pause, each after what it saw, and one
# that looks: it never sees the pointer without its record, nor two records.

sub all_or_nothing {
    my $end = temp_dir() . '/end';
    my @files = map { temp_dir() . "/writer$_" } 0 .. 2;

    start_with();

    my @writers = map { my $n = $_;
                        start_process(sub { write_often($n, $end) },
                                      $files[$n]) } 0 .. 2;
    my ($half, $last, $changes) = ('', '', 0);

    wait_until(sub {
        my ($digest, $keys) = look();

        $half .= "$digest: @$keys\n"
            if "@$keys" ne ($digest eq 'none' ? '' : "p:key:$digest");
        $changes++ if $digest ne $last;
        $last = $digest;
        return $changes == 50;
    });

    open my $out, '>', $end or die "$end: $!";
    close $out;
    waitpid $_, 0 for @writers;

    is($half, '', 'whoever looks sees a pointer and its record, or neither');
    is($changes, 50, 'whoever looks sees changes');

    my %told = map { $_ => 1 } map { split /\n/, slurp($_) } @files;
    is("@{[ sort keys %told ]}", 'CHANGED OK',
       'writers are told that it is done, or that it has changed');
}


sub look {
    redis('MULTI');
    redis('HGET', 'p:workspace-key:w1', 'digest');
    redis('KEYS', 'p:key:*');
    my ($digest, $keys) = @{ redis('EXEC') };

    return ($digest // 'none', $keys);
}


# Prints each reply that it had.

sub write_often {
    my ($writer, $end) = @_;
    my (%seen, $round);

    # A connection of its own.

    redis_server()->connect;

    while (!-e $end) {
        my $old = redis('HGET', 'p:workspace-key:w1', 'digest') // '';
        my $new = sprintf '%d%063d', $writer, ++$round;

        $new = '' if length $old && $round % 3 == 0;

        $seen{redis('EVAL', $script{workspace_key}, 3, 'p:workspace-key:w1',
                    "p:key:$old", "p:key:$new", $old, $new, 'w1', $Time, 'u2',
                    'sk_aaaa...zzzz')}++;
    }

    print map { "$_\n" } sort keys %seen;
}
