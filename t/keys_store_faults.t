# Copyright (C) the ngx_sendkit_auth_module authors
#
# Whatever happens to Redis or on the way to it, the key service answers 503,
# Redis holds either what was there or what was to be, and the next request on
# the same worker is served.
#
# Fails when a success is told before Redis has confirmed it, when an outage is
# told as 404 or 409, when a reply of another kind is taken for one of the
# script, or when the connection is lost or kept after it as it should not be.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::RedisProxy;
use SendkitAuth::Seed;
use Test::More;

my %operation = (
    create => [ 'POST', '', 201 ], rotate => [ 'POST', '/rotate', 200 ],
    delete => [ 'DELETE', '', 200 ], show => [ 'GET', '', 200 ],
);
my @operations = qw( create rotate delete show );
my $made = 0;

replies_to_changes();
replies_to_reads();
down();
slow();


sub seed {
    redis('FLUSHALL');
    redis(@$_) for @$KeySeed, @_;
    $Upstream->mark;
}


# A key as the service makes it.

sub key_of {
    my ($workspace) = @_;
    my $digest = sprintf "%064d", ++$made;

    return [ 'HSET', "sendkit:workspace-key:$workspace", digest => $digest,
             created_at => '2025-06-01T10:30:00.000Z', created_by => 'u_x',
             masked => 'sk_aaaa...zzzz' ],
           [ 'HSET', "sendkit:key:$digest", type => 'workspace',
             workspace => $workspace ];
}


sub start_of {
    my ($what, $workspace) = @_;
    return $what eq 'create' ? () : key_of($workspace // 'w1');
}


# The script's reply, and what is no reply of it.

sub replies_to_changes {
    my %reply = (
        'an error' => [ send => "-ERR x\r\n" ],
        'an error of the script' => [ send => "-WRONGTYPE x script: y\r\n" ],
        'a server that is full' => [ send => "-OOM x\r\n" ],
        'a replica' => [ send => "-READONLY x\r\n" ],
        'no right' => [ send => "-NOPERM x\r\n" ],
        'a server that loads' => [ send => "-LOADING x\r\n" ],
        'a script that is busy' => [ send => "-BUSY x\r\n" ],
        'a word that is none' => [ send => "+DONE\r\n" ],
        'a transaction' => [ send => "+QUEUED\r\n" ],
        'an empty word' => [ send => "+\r\n" ],
        'a string' => [ send => "\$2\r\nOK\r\n" ],
        'a nil' => [ send => "\$-1\r\n" ],
        'an integer' => [ send => ":1\r\n" ],
        'an array' => [ send => "*1\r\n\$2\r\nOK\r\n" ],
        'an empty array' => [ send => "*0\r\n" ],
        'garbage' => [ send => "HTTP/1.1 200 OK\r\n\r\n" ],
        'a very long line' => [ send => '+' . 'O' x 70000 . "\r\n" ],
        'half a reply' => [ send => '+O', close => 1 ],
        'the end' => [ close => 1 ],
        'two replies' => [ send => "+CHANGED\r\n+OK\r\n" ],
    );

    for my $what (qw( create rotate delete )) {
        my ($method, $end, $status) = @{ $operation{$what} };
        my $fake = SendkitAuth::FakeRedis->new->load(@$KeySeed,
                                                     start_of($what));
        my $gate = keys_gate(redis => $fake->address);

        # Here is no script: the text is sent, and gets the same.

        for my $command ('evalsha', 'eval') {
            $fake->on(evalsha => send => "-NOSCRIPT No matching script\r\n");

            for my $name (sort keys %reply) {
                my $full = "$what, $command gets $name";

                $fake->on($command => @{ $reply{$name} });
                my $answer = manage($gate, 'owner', $method, $end);

                $name eq 'two replies' && $what eq 'create'
                    ? like($answer->{status}, qr/^(?:409|503)$/, $full)
                    : is_error($answer, 503, $full);

                $fake->on($command => send => "+OK\r\n");
                serves($gate, $what, $full);
            }
        }

        # The script is not known, although it was sent.

        $fake->on($_ => send => "-NOSCRIPT No matching script\r\n")
            for 'evalsha', 'eval';
        is_error(manage($gate, 'owner', $method, $end), 503,
                 "$what - NOSCRIPT for ever");
        $fake->on(eval => send => "+OK\r\n");
        is(manage($gate, 'owner', $method, $end)->{status}, $status,
           "$what - NOSCRIPT once");
        ends_well($gate, $what);
    }
}


# The connection may have to be opened again, after a pause.

sub serves {
    my ($gate, $what, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($method, $end, $status) = @{ $operation{$what} };
    my $answer;

    wait_until(sub {
        $answer = manage($gate, 'owner', $method, $end);
        return $answer->{status} != 503;
    });
    is($answer->{status}, $status, "$name - the next one is served");
}


# What the service itself reads of a key, which is the last that it reads: in
# front of it are the record and the role.

sub replies_to_reads {
    my %reply = (
        'an error' => "-ERR x\r\n",
        'no right' => "-NOPERM x\r\n",
        'a status' => "+OK\r\n",
        'a string' => "\$1\r\nx\r\n",
        'a nil' => "\$-1\r\n",
        'an integer' => ":1\r\n",
        'three values' => "*3\r\n" . "\$1\r\nx\r\n" x 3,
        'five values' => "*5\r\n" . "\$1\r\nx\r\n" x 5,
        'no values' => "*0\r\n",
        'integers' => "*4\r\n" . ":1\r\n" x 4,
        'garbage' => "\0\0\0\0",
        'values that are none' => "*4\r\n" . "\$1\r\nx\r\n" x 4,
    );
    my $proxy = SendkitAuth::RedisProxy->new(redis_socket());
    my $gate = keys_gate(redis => $proxy->address);

    seed();
    is(ask($gate, 'owner', 'w1')->{status}, 200, 'the record and the role');
    $proxy->mark;
    is(ask($gate, 'owner', 'w1')->{status}, 200, 'the record and the role');
    my $length = $proxy->passed->{replies};

    for my $what (qw( rotate delete show )) {
        my ($method, $end, $status) = @{ $operation{$what} };

        for my $reply (sort keys %reply) {
            my $name = "$what reads $reply";

            seed(key_of('w1'));
            my $before = whole('w1');

            $proxy->mark->instead($length, $reply{$reply});
            is_error(manage($gate, 'owner', $method, $end), 503, $name);
            is($proxy->passed->{faults}, 1, "$name - instead of a key");
            is(whole('w1'), $before, "$name - nothing is changed");
            serves($gate, $what, $name);
        }
    }

    ends_well($gate, 'what the service reads');
}


sub down {
    my $gate = keys_gate();

    for my $what (@operations) {
        my ($method, $end, $status) = @{ $operation{$what} };

        seed();
        is(ask($gate, 'owner', 'w1')->{status}, 200, "$what - Redis is up");
        redis_server()->kill9;

        is_error(manage($gate, 'owner', $method, $end), 503,
                 "$what while Redis is down") for 1 .. 3;

        redis_server()->start;
        seed(start_of($what));
        serves($gate, $what, "$what after Redis was down");
    }

    ends_well($gate, 'Redis is down');
}


# Nothing comes at all, for the record or for what the service asks.  What
# Redis has been told it does later.

sub slow {
    my $time = $Slow ? '1s' : '150ms';
    my $gate = keys_gate(read => $time, timeout => $time);

    for my $what (@operations) {
        my ($method, $end, $status) = @{ $operation{$what} };

        seed(start_of($what));
        redis_server()->stop;
        is_error(manage($gate, 'owner', $method, $end), 503,
                 "$what while Redis does not answer");
        redis_server()->cont;
        unlike(whole('w1'), qr/ /, "$what - no half");
        serves_again($gate, $what);
    }

    my $proxy = SendkitAuth::RedisProxy->new(redis_socket());
    my $far = keys_gate(redis => $proxy->address, read => $time,
                        timeout => '10s');

    seed();
    is(ask($far, 'owner', 'w1')->{status}, 200, 'the record and the role');
    $proxy->mark;
    ask($far, 'owner', 'w1');
    my $length = $proxy->passed->{replies};

    for my $what (@operations) {
        my ($method, $end, $status) = @{ $operation{$what} };

        seed(start_of($what));
        $proxy->mark->instead($length, '');
        my $answer = manage($far, 'owner', $method, $end);

        # A command that only reads is sent once more, and a script is not.

        if ($what eq 'create') {
            is_error($answer, 503,
                     "$what while Redis does not answer any more");

        } else {
            is($answer->{status}, $status, "$what is asked for again");
        }

        is($proxy->passed->{faults}, 1, "$what - what it said is lost");
        unlike(whole('w1'), qr/ /, "$what - no half any more");
        serves_again($far, $what);
    }

    ends_well($gate, 'Redis does not answer');
    ends_well($far, 'Redis does not answer any more');
}


sub serves_again {
    my ($gate, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    seed(start_of($what));
    serves($gate, $what, "$what after Redis did not answer");
}
