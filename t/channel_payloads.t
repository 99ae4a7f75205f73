# Copyright (C) the ngx_sendkit_auth_module authors
#
# Whatever shape a message has, what it says is forgotten, and nothing else.
#
# Fails when ngx_sendkit_auth_channel_payload() leaves out one of the shapes,
# when ngx_sendkit_auth_invalidated() does not flush for a name that is none
# of ours, or when an array may have no more than SENDKIT_RESP_ARRAY_MAX
# names.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate;

my %name = map { $_ => record($Key{$_})->[1] } qw( owner admin );
my $roles = 'sendkit:roles:w1';
my $unknown = 'sendkit:key:' . 'f' x 64;
my $long = 'sendkit:key:' . 'x' x (65536 - 12);
my $odd = "sendkit:key:\0\r\n\$-1\r\n";
my @markers = ('sendkit:no-key:' . 'f' x 64, 'sendkit:no-role:w1:u_owner');

# Some names may share what is counted for them, which costs a spare miss; in
# a zone that is made anew it is others that do.

for (1 .. 10) {
    $gate->quit if $gate;
    $gate = zone_gate($fake);
    last if are_separate($name{owner}, $name{admin}, $unknown, $long, $odd,
                         "$name{owner}x", @markers);
}


sub are_separate {
    my (@names) = @_;

    for my $name (@names) {
        ask($gate, $_, 'w1') for qw( owner admin );
        change($gate, $fake, [ 'HSET', $name ]);

        for my $who (qw( owner admin )) {
            my $hit = shown($gate, $who, 'w1') eq '200 hit';
            return if $hit != ($name ne $name{$who});
        }
    }

    return 1;
}


# Then the cache has what the owner and the admin need.

sub fill {
    for my $who (qw( owner admin )) {
        ask($gate, $who, 'w1');
        is(shown($gate, $who, 'w1'), '200 hit', "$who is kept");
    }
}


# Of keys that are gone, which only those learn who ask again.

sub message_is {
    my ($name, $bytes, $invalidations, $flushes, $owner, $admin) = @_;

    fill();
    my $zone = zone($gate);

    $fake->load([ 'DEL', $name{owner} ], [ 'DEL', $name{admin} ])
         ->publish(ref $bytes ? @$bytes : (send => $bytes));
    waits_for($gate, invalidations => $zone->{invalidations} + $invalidations,
              flushes => $zone->{flushes} + $flushes);

    is(shown($gate, 'owner', 'w1'), $owner ? '200 hit'
                                           : '401 unknown_key miss',
       "$name - the owner");
    is(shown($gate, 'admin', 'w1'), $admin ? '200 hit'
                                           : '401 unknown_key miss',
       "$name - the admin");

    $fake->load(@$Seed);
    change($gate, $fake, [ 'HSET', $name{owner} ], [ 'HSET', $name{admin} ]);
}


message_is('one name', message([ $name{owner} ]), 1, 0, 0, 1);
message_is('two names', message([ $name{owner}, $name{admin} ]), 2, 0, 0, 0);
message_is('the same name twice', message([ ($name{owner}) x 2 ]), 2, 0, 0, 1);
message_is('65 names', message([ ($unknown) x 64, $name{admin} ]),
           65, 0, 1, 0);
message_is('no name', message([]) . message([ $unknown ]), 1, 0, 1, 1);
message_is('a nil', message(undef), 0, 1, 0, 0);
message_is('a string', message($name{owner}), 1, 0, 0, 1);
message_is('an empty string', message(''), 0, 1, 0, 0);
message_is('a string that is no name of ours', message('flush'), 0, 1, 0, 0);
message_is('a foreign name', message([ "other:key:$name{owner}" ]),
           0, 1, 0, 0);
message_is('a prefix', message([ 'sendkit:key:' ]), 0, 1, 0, 0);
message_is('a nil among names', message([ $unknown, undef ]), 1, 1, 0, 0);
message_is('a name with bytes of all kinds',
           message([ $odd, $name{owner} ]), 2, 0, 0, 1);
message_is('a name of 64 kB', message([ $long, $name{admin} ]), 2, 0, 1, 0);
message_is('a name that begins like another', message([ "$name{owner}x" ]),
           1, 0, 1, 1);

# All at once, and byte by byte.

message_is('messages in one segment',
           message([ $name{owner} ]) . message([]) . message($name{admin})
           . message([ $unknown ]), 3, 0, 0, 0);
message_is('messages byte by byte',
           [ split => message([ $name{owner} ]) . message([ $unknown ]) ],
           2, 0, 0, 1);
message_is('a nil byte by byte', [ split => message(undef) ], 0, 1, 0, 0);

# So many names share everything with each other.

message_is('100,000 names',
           message([ (map { "sendkit:key:$_" } 1 .. 99_999), $name{owner} ]),
           100_000, 0, 0, 0);

# Names of roles; markers of what an origin does not know are tracked as well.

fill();
change($gate, $fake, [ 'HSET', $roles, u_owner => 'member' ]);
my $answer = ask($gate, 'owner', 'w1');
is(shown_of($answer), '200 miss', 'a role');
like($answer->{body}, qr/"X-Sendkit-Role":\["member"\]/, 'another role');
is(shown($gate, 'owner', 'w1'), '200 hit', 'the other role is kept');

my $flushes = zone($gate)->{flushes};
change($gate, $fake, map { [ 'HSET', $_ ] } @markers);
is(zone($gate)->{flushes}, $flushes, 'markers are names of ours');
is(shown($gate, 'owner', 'w1'), '200 hit', 'and not of the role');

is(log_lines($gate, qr/\[(?:warn|error)\]/), 0, 'the channel was never lost');
ends_well($gate, 'payloads');
run_tests();

__DATA__
