# Copyright (C) the ngx_sendkit_auth_module authors
#
# Connections have a name by which CLIENT LIST shows whose they are.  A server
# or a user that has no CLIENT SETNAME costs nothing but the name.
#
# Fails when ngx_sendkit_auth_redis_hello_say() sends no CLIENT SETNAME, or
# when ngx_sendkit_auth_redis_hello_refused() takes its refusal for one of the
# client.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Zone;


sub names {
    return join ' ', sort map { /\bname=(sendkit-auth-\S+)/ ? $1 : () }
                          split /\n/, redis('CLIENT', 'LIST');
}


{
    my $gate = zone_gate(workers => 2);

    like(seen($gate, 'owner', 'w1'), qr/^200 allowed miss, 200 allowed hit$/,
         'with names - allowed');

    my $first = first_worker($gate);
    like(names(), qr/\bsendkit-auth-$first-0\b.*\bsendkit-auth-$first-0\b/,
         'a connection for keys and the channel have the name of the worker');
    ends_well($gate, 'with names');
}


for my $error ('NOPERM this user has no permissions to run the '
               . "'client|setname' command", "ERR unknown command 'CLIENT'",
               'NOAUTH Authentication required.')
{
    my ($word) = $error =~ /^(\w+ \w+)/;
    my $fake = SendkitAuth::FakeRedis->new;

    $fake->load(@$Seed);
    $fake->on('client setname' => send => "-$error\r\n");

    my $gate = gate(redis => $fake->address);

    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', "$word - allowed");
    is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key',
               "$word - refused on the same connection");
    Test::More::is(scalar $fake->events('connect'), 1,
                   "$word - one connection");
    Test::More::like($gate->error_log,
                     qr/\[info\] .* redis refused CLIENT SETNAME: "\Q$word\E/,
                     "$word - a note in the log");
    Test::More::unlike($gate->error_log, qr/\[(?:warn|error)\]/,
                       "$word - no more than that");
    ends_well($gate, $word);
}


# What is no reply to it is none to anything.

my $fake = SendkitAuth::FakeRedis->new;

$fake->load(@$Seed);
$fake->on('client setname' => send => ":1\r\n");

my $gate = gate(redis => $fake->address);

is_refused(ask($gate, 'owner', 'w1'), 503, 'store_error', 'a number');
$fake->on('client setname');
recovers($gate, 'a number, and then the right reply');
ends_well($gate, 'a number');
