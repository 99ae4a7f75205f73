# Copyright (C) the ngx_sendkit_auth_module authors
#
# What can be no message ends the channel: from then on the cache is not used,
# and when the server is subscribed to again, nothing in it counts any more.
#
# Fails when ngx_sendkit_auth_lost() does not end the trust, or when there is no
# flush before the cache is used again (ngx_sendkit_auth_subscriber_trust()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate = zone_gate($fake);
my $record = record($Key{owner}, type => 'platform', user => 'u_owner');


# The change is not told: the channel was lost before.

sub ends_the_channel {
    my ($name, @steps) = @_;

    ask($gate, 'owner', 'w1');
    is(shown($gate, 'owner', 'w1'), '200 hit', "$name - a hit before");

    # The next subscriber has to wait.

    $fake->mark->on('client id' => hold => $name, right => 1);
    my $flushes = zone($gate)->{flushes};
    $fake->publish(@steps);
    waits_for($gate, channel => 'down');

    is(shown($gate, 'owner', 'w1'), '200 bypass', "$name - bypass");
    $fake->load([ 'DEL', $record->[1] ]);
    is(shown($gate, 'owner', 'w1'), '401 unknown_key bypass',
       "$name - what is new");
    $fake->load($record);
    is(shown($gate, 'owner', 'w1'), '200 bypass', "$name - and new again");
    $fake->load([ 'DEL', $record->[1] ]);

    $fake->on('client id')->release($name);
    my $zone = waits_for($gate, channel => 'up');

    is($zone->{flushes}, $flushes + 1, "$name - everything is forgotten");
    is(shown($gate, 'owner', 'w1'), '401 unknown_key miss',
       "$name - also what was kept before");

    change($gate, $fake, $record);
    is(shown($gate, 'owner', 'w1'), '200 miss', "$name - told again");
    is(shown($gate, 'owner', 'w1'), '200 hit', "$name - kept again");
}


my $head = substr message([]), 0, -4;
my $pong = "*2\r\n\$4\r\npong\r\n\$0\r\n\r\n";
my $lines = log_lines($gate, qr/unacceptable message/);

my @broken = (
    'no RESP' => "HTTP/1.1 400 Bad Request\r\n",
    'RESP3' => ">3\r\n" . substr(message(undef), 4),
    'a name that is too long' => message([ 'sendkit:key:' . 'x' x 65525 ]),
    'an array in an array' => "$head*1\r\n*1\r\n\$1\r\nx\r\n",
    'a number among names' => "$head*1\r\n:1\r\n",
    'a number' => "$head:1\r\n",
    'an array of less than none' => "$head*-1\r\n",
    'another kind' => message(undef) =~ s/7\r\nmessage/7\r\nMESSAGE/r,
    'a pattern' => message(undef) =~ s/7\r\nmessage/8\r\npmessage/r,
    'a kind that is nil' => "*2\r\n\$-1\r\n\$0\r\n\r\n",
    'a pong that nobody waits for' => $pong,
    'subscribed twice' => "*3\r\n\$9\r\nsubscribe\r\n\$1\r\nx\r\n:1\r\n",
    'unsubscribed' => "*3\r\n\$11\r\nunsubscribe\r\n\$1\r\nx\r\n:0\r\n",
    'a status' => "+OK\r\n",
    'an error' => "-ERR something\r\n",
);

while (my ($name, $bytes) = splice @broken, 0, 2) {
    ends_the_channel($name, send => $bytes);
}

ends_the_channel('the end', close => 1);
ends_the_channel('the end within a message',
                 send => substr(message([ $record->[1] ]), 0, -5), close => 1);

like($gate->error_log, qr/\[error\].* redis sent unacceptable message/,
     'the log says it');
like($gate->error_log, qr/\[error\].* redis sent error "ERR something"/,
     'and the error');
is(log_lines($gate, qr/\[warn\].*not told any more by redis/), 17,
   'each time it says that the cache is not used');
ends_well($gate, 'broken');
run_tests();

__DATA__
