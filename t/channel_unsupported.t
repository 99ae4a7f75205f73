# Copyright (C) the ngx_sendkit_auth_module authors
#
# A server that has no CLIENT TRACKING cannot tell of changes: what it says is
# kept for the time that is set, and the log says so once.
#
# Fails when ngx_sendkit_auth_channel_is_unknown() does not know one of these
# errors, when the message comes for each attempt
# (ngx_sendkit_auth_cache_no_channel()), or when the time that is set does not
# bound the life of an entry (ngx_sendkit_auth_cache_start()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;

my $warning = qr/\[warn\].*redis has no CLIENT TRACKING, .* 60000 ms/;

# As servers of all times have said it.

my @unknown = (
    'client id' => "ERR unknown command 'CLIENT'",
    'client id' => 'ERR Syntax error, try CLIENT (LIST | KILL | GETNAME)',
    'client id' => "ERR unknown command `client`, with args beginning with:",
    'client tracking' => "ERR Unknown subcommand or wrong number of "
                         . "arguments for 'TRACKING'. Try CLIENT HELP",
    'client tracking' => "ERR unknown subcommand 'TRACKING'. Try CLIENT HELP.",
    'client tracking' => 'ERR syntax error',
);

while (my ($command, $error) = splice @unknown, 0, 2) {
    my $fake = SendkitAuth::FakeRedis->new->load(@$Seed)
                                  ->on($command => send => "-$error\r\n");
    my $gate = zone_gate($fake, channel => 'unsupported');

    is(shown($gate, 'owner', 'w1'), '200 miss', "$error - asked");
    is(shown($gate, 'owner', 'w1'), '200 hit', "$error - and kept");
    is(log_lines($gate, $warning), 1, "$error - said once");
    is(log_lines($gate, qr/\[error\]/), 0, "$error - it is no error");
    ends_well($gate, $error);
}

# The next worker tries again: the zone knows that it was said.

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed)
    ->on('client tracking' => send => "-ERR syntax error\r\n");
my $gate = zone_gate($fake, channel => 'unsupported');

ask($gate, 'owner', 'w1');
is(shown($gate, 'owner', 'w1'), '200 hit', 'kept');

for my $reload (1 .. 2) {
    my $closed = $fake->mark->events('close');
    $gate->reload;
    ok(wait_until(sub { $fake->commands('client') >= 2 }),
       "reload $reload - tried again");
    wait_until(sub { $gate->workers == 1 }) or die 'the old worker stays';
    ok(wait_until(sub { grep { $_->[0] eq 'SUBSCRIBE' } $fake->commands }),
       "reload $reload - refused again");
    is(shown($gate, 'owner', 'w1'), '200 hit', "reload $reload - still kept");
}

is(log_lines($gate, $warning), 1, 'said once, for three workers');

# A server that has it, for the next worker: nothing of before counts.

$fake->on('client tracking')
     ->load([ 'DEL', record($Key{owner})->[1] ]);
is(shown($gate, 'owner', 'w1'), '200 hit', 'nobody was told');
$gate->reload;
waits_for($gate, channel => 'up');
wait_until(sub { $gate->workers == 1 }) or die 'the old worker stays';
is(shown($gate, 'owner', 'w1'), '401 unknown_key miss', 'all is forgotten');
change($gate, $fake, record($Key{owner}, type => 'platform',
                            user => 'u_owner'));
is(shown($gate, 'owner', 'w1'), '200 miss', 'told of a change');
is(shown($gate, 'owner', 'w1'), '200 hit', 'and kept');
ends_well($gate, 'reloads');

# Nor for one that has it, and does not let the next worker use it: the cache
# is not used then.

$fake = SendkitAuth::FakeRedis->new->load(@$Seed)
    ->on('client tracking' => send => "-ERR syntax error\r\n");
$gate = zone_gate($fake, channel => 'unsupported');

ask($gate, 'owner', 'w1');
is(shown($gate, 'owner', 'w1'), '200 hit', 'kept');
$fake->on('client tracking' => send => "-NOPERM not for you\r\n")
     ->load([ 'DEL', record($Key{owner})->[1] ]);
$gate->reload;
waits_for($gate, channel => 'down');
wait_until(sub { $gate->workers == 1 }) or die 'the old worker stays';
is(shown($gate, 'owner', 'w1'), '401 unknown_key bypass',
   'a server that refuses to tell is not one that cannot');
$fake->load(@$Seed);
is(shown($gate, 'owner', 'w1'), '200 bypass', 'each request asks');
ends_well($gate, 'refused');

# The time that is set.

$fake = SendkitAuth::FakeRedis->new->load(@$Seed)
    ->on('client tracking' => send => "-ERR syntax error\r\n");
$gate = zone_gate($fake, channel => 'unsupported', ttl => '500ms');

is(shown($gate, 'owner', 'w1'), '200 miss', 'asked');
ok(wait_until(sub { shown($gate, 'owner', 'w1') eq '200 hit' }), 'kept');
$fake->load([ 'DEL', record($Key{owner})->[1] ]);
ok(wait_until(sub { shown($gate, 'owner', 'w1') =~ /^401 unknown_key/ }),
   'and not for longer than the time that is set');
$fake->load(@$Seed);
ok(wait_until(sub { shown($gate, 'owner', 'w1') =~ /^200 / }),
   'nor is that there is none');
ends_well($gate, 'time');
run_tests();

__DATA__
