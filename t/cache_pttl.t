# Copyright (C) the ngx_sendkit_auth_module authors
#
# What Redis says of the time that a key has left bounds the life of an entry;
# without a good answer to that the request is answered, and nothing is kept.
#
# Fails when ngx_sendkit_auth_flight_ttl() does not bound the life, keeps what
# was found of a key that is not there any more, keeps anything after an
# error, or takes a reply that is no number, and when a flight lands before
# that reply has come (ngx_sendkit_auth_flight_done()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate = zone_gate($fake);


sub forget {
    my $flushes = zone($gate)->{flushes};
    $fake->publish(send => message(undef));
    waits_for($gate, flushes => $flushes + 1);
}


# Asks with that reply to PTTL, for the record and the role.

sub asks {
    my ($name, $expected, @steps) = @_;

    forget();
    $fake->mark->on(pttl => @steps);

    my $answer = ask($gate, 'owner', 'w1');
    is(shown_of($answer), $expected, $name);
    is_allowed($answer, 'owner', 'w1', "$name - as who it is")
        if $answer->{status} == 200;
    $fake->on('pttl');
}


sub commands {
    return join ' ', map { lc $_->[0] } $fake->commands;
}


asks('a key that does not expire', '200 miss', send => ":-1\r\n");
is(commands(), 'hmget pttl hget pttl', 'both are asked for');
is(shown($gate, 'owner', 'w1'), '200 hit', 'it is kept');

asks('a key with a long time left', '200 miss', send => ":50000\r\n");
is(shown($gate, 'owner', 'w1'), '200 hit', 'it is kept, too');

asks('a key with more time left than can be', '200 miss',
     send => ":9223372036854775807\r\n");
is(shown($gate, 'owner', 'w1'), '200 hit', 'it is kept for the usual time');

asks('a key with no time left', '200 miss', send => ":0\r\n");
is(shown($gate, 'owner', 'w1'), '200 miss', 'it is not kept');

asks('a key with some time left', '200 miss', send => ":400\r\n");
ok(wait_until(sub { shown($gate, 'owner', 'w1') eq '200 miss' }),
   'it is not kept for longer');
ok(wait_until(sub { shown($gate, 'owner', 'w1') eq '200 hit' }),
   'asked again it is');

# Gone between the two commands; nobody was told yet.

asks('a key that is not there any more', '200 miss', send => ":-2\r\n");
is(shown($gate, 'owner', 'w1'), '200 miss', 'what was found is not kept');
is(shown($gate, 'owner', 'w1'), '200 hit', 'what is found later is');

is(shown($gate, 'unknown', 'w1'), '401 unknown_key miss', 'an unknown key');
is(shown($gate, 'unknown', 'w1'), '401 unknown_key negative',
   'that there is none is kept');

# Errors.

for my $error ('NOPERM this user has no permissions to run the command',
               'LOADING Redis is loading the dataset in memory',
               'ERR unknown command')
{
    my ($word) = $error =~ /(\w+)/;
    asks($error, '200 miss', send => "-$error\r\n");
    $fake->on(pttl => send => "-$error\r\n");
    is(shown($gate, 'owner', 'w1'), '200 miss', "$word - nothing is kept");
    is(shown($gate, 'unknown', 'w1') =~ s/miss|negative//r,
       '401 unknown_key ', "$word - a no is a no");
    is($fake->events('connect'), 0, "$word - on the same connection");
    $fake->on('pttl');
    is(shown($gate, 'owner', 'w1'), '200 miss', "$word - then");
    is(shown($gate, 'owner', 'w1'), '200 hit', "$word - it is kept again");
}

# What is no reply to PTTL says that the replies do not fit the commands.

for my $reply ("+OK\r\n", "\$1\r\n7\r\n", "\$-1\r\n", "*0\r\n",
               "*1\r\n\$1\r\n7\r\n", "nonsense\r\n")
{
    my $name = $reply =~ s/\r\n/ /gr;
    asks("\"$name\"", '503 store_error miss', send => $reply);
    ok(wait_until(sub { $fake->events('close') == 1 }),
       "\"$name\" - the connection is closed");
    recovers($gate, "\"$name\"");
    is(shown($gate, 'owner', 'w1'), '200 hit', "\"$name\" - kept again");
}

# Nothing more comes, or nothing that can be read: the record is good, but is
# not kept, and the role is asked for over another connection.

for my $steps ([ close => 1 ], [ send => ":\r\n" ]) {
    my $name = "@$steps[0, 1]" =~ s/\r\n//r;
    asks($name, '200 miss', @$steps);
    recovers($gate, $name);
    is(scalar $fake->commands('hmget'), 2, "$name - the record was not kept");
    is(shown($gate, 'owner', 'w1'), '200 hit', "$name - then it is");
}

# It comes later: until then nobody is answered, and what changes meanwhile
# is not kept.

my $record = record($Key{owner}, type => 'platform', user => 'u_owner');

for my $changed (0, 1) {
    my $name = $changed ? 'late, with a change' : 'late';

    forget();
    $fake->mark->on(pttl => hold => $name, right => 1);
    my $client = SendkitAuth::Wire->new($gate->port);
    $client->send(request_of('owner', 'w1'));
    wait_until(sub { $fake->commands('pttl') }) or die 'nothing asked';

    change($gate, $fake, [ 'DEL', $record->[1] ]) if $changed;
    ok($client->is_silent, "$name - waited for");
    $fake->on('pttl')->release($name);

    is(shown_of($client->answer), '200 miss', "$name - answered");
    is(shown($gate, 'owner', 'w1'),
       $changed ? '401 unknown_key miss' : '200 hit', "$name - the next");
    $client->close;
}

change($gate, $fake, $record);
is(shown($gate, 'owner', 'w1'), '200 miss', 'a yes at the end');

ends_well($gate, 'times to live');
run_tests();

__DATA__
