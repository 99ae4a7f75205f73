# Copyright (C) the ngx_sendkit_auth_module authors
#
# A server that refuses to tell of changes, at whatever step, may do so later:
# the cache is not used until then, requests are answered, and it is tried
# again.
#
# Fails when one of these errors is taken for that of a server that has no
# CLIENT TRACKING (ngx_sendkit_auth_channel_refused()), when the channel is
# trusted though a step has failed, or when nobody tries again
# (ngx_sendkit_auth_lost()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( temp_dir wait_until );
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;

my $password = temp_dir() . '/password';
open my $file, '>', $password or die "$password: $!";
print $file "secret\n";
close $file;


sub refuses {
    my ($command, $name, @steps) = @_;

    my $fake = SendkitAuth::FakeRedis->new->load(@$Seed)
                                      ->on($command => @steps);
    my $gate = zone_gate($fake, channel => 'down', read => '1s');

    ok(wait_until(sub { grep { "@$_" =~ /^\Q$command/i }
                        $fake->commands }, 20), "$name - it was tried");

    $fake->mark;
    ok(wait_until(sub { $fake->commands('client') || $fake->commands('ping') },
                  20),
       "$name - and is tried again");
    is(zone($gate)->{channel}, 'down', "$name - the channel is down");
    is(shown($gate, 'owner', 'w1'), '200 bypass', "$name - bypass") for 1, 2;
    is(shown($gate, 'unknown', 'w1'), '401 unknown_key bypass',
       "$name - a no is a no");

    $fake->on($command);
    waits_for($gate, channel => 'up');
    is(shown($gate, 'owner', 'w1'), '200 miss', "$name - then it is asked");
    is(shown($gate, 'owner', 'w1'), '200 hit', "$name - and kept");
    is(log_lines($gate, qr/has no CLIENT TRACKING/), 0,
       "$name - it is no server without CLIENT TRACKING");
    ends_well($gate, $name);
    return $gate;
}


my %errors = (
    'client id' => [ 'NOPERM this user has no permissions',
                     'LOADING Redis is loading the dataset in memory',
                     'NOAUTH Authentication required.',
                     'ERR max number of clients reached' ],
    'client tracking' => [ 'NOPERM this user has no permissions',
                           'ERR Prefix overlaps with an existing prefix' ],
    subscribe => [ 'NOPERM this user has no permissions',
                   'ERR unknown command' ],
    ping => [ 'ERR unknown command' ],
);

for my $command (sort keys %errors) {
    for my $error (@{ $errors{$command} }) {
        my $gate = refuses($command, "$command: $error",
                           send => "-$error\r\n");
        like($gate->error_log, qr/\[error\].* redis sent error "\Q$error"/,
             "$command: $error - the log says why");
    }
}

# No errors, but nothing better.

my %wrong = (
    'client id' => [ "+OK\r\n", "\$1\r\n7\r\n", "\$-1\r\n" ],
    'client tracking' => [ ":7\r\n", "+QUEUED\r\n", "\$-1\r\n" ],
    subscribe => [ "+OK\r\n", ":1\r\n", "\$-1\r\n" ],
    ping => [ "+PONG\r\n", "*2\r\n:1\r\n:1\r\n" ],
);

for my $command (sort keys %wrong) {
    refuses($command, "$command: " . s/\r\n/ /gr, send => $_)
        for @{ $wrong{$command} };
    refuses($command, "$command: the end", close => 1);
}

refuses('client tracking', 'client tracking: no answer', hold => 'ever');

# AUTH: of what is said about that nothing is repeated that may be a secret.

# Redis 6 and older have backticks where later ones have quotes.

for my $error ("ERR unknown command 'AUTH', with args beginning with: 'secret'",
               'ERR unknown command `AUTH`, with args beginning with: `secret`')
{
    my $fake = SendkitAuth::FakeRedis->new->load(@$Seed)
        ->on(auth => send => "-$error\r\n");
    my $gate = zone_gate($fake, channel => 'down',
                         more => "sendkit_auth_redis_password_file $password;");

    ok($gate->wait_for_log(qr/redis sent error "ERR unknown command " while/),
       'AUTH - the log says why');
    is(zone($gate)->{channel}, 'down', 'AUTH - the channel is down');
    is(shown($gate, 'owner', 'w1') =~ s/store_\w+/store/r, '503 store bypass',
       'AUTH - nor can Redis be asked');
    $fake->on('auth');
    waits_for($gate, channel => 'up');
    recovers($gate, 'AUTH');
    is(shown($gate, 'owner', 'w1'), '200 hit', 'AUTH - a hit');
    unlike($gate->error_log, qr/secret/, 'AUTH - the log has no password');
    ends_well($gate, 'AUTH');
}

run_tests();

__DATA__
