# Copyright (C) the ngx_sendkit_auth_module authors
#
# RESP has no request ids: a reply is matched to its command by their order
# alone.  One reply too many, and each of the next ones is somebody else's.
#
# Fails when a reply of another shape than its command's costs that command
# only (ngx_sendkit_auth_flight_done() returns NGX_OK for it) and not the
# connection: the next reply is then taken for the one of the next command.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate = gate(redis => $fake->address);

# Two roles are asked for; the first question gets a stray reply, and then its
# own, which would answer the second one.

my %stray = (
    'a status' => "+OK\r\n",
    'an integer' => ":1\r\n",
    'an array' => "*0\r\n",
    'an array of five' => "*5\r\n" . "\$-1\r\n" x 5,
);

for my $name (sort keys %stray) {

    recovers($gate, "before $name");
    $Upstream->mark;

    my %held;

    $fake->on(hmget => hold => "records $name", right => 1);
    $fake->on(hget => hold => $name, send => $stray{$name}, right => 1);

    for my $who ('owner', 'stranger') {
        $held{$who} = SendkitAuth::Wire->new($gate->port);
        $held{$who}->send(request_of($who, 'w1'));
        my $n = keys %held;
        wait_until(sub { waiting($gate) == $n }) or die 'it does not wait';
    }

    # Both records are answered before the first role: both roles are asked
    # for on the same connection.

    $fake->mark->release("records $name");
    wait_until(sub { $fake->commands('hget') }) or die 'no role is asked for';
    $fake->on('hmget');
    $fake->release($name);
    my %answer = map { $_ => $held{$_}->answer } keys %held;
    $fake->on('hget');

    is_refused($answer{$_}, 503, 'store_error', "$name to the $_")
        for 'owner', 'stranger';
    is_forwarded_never($name);

    recovers($gate, "after $name");
    is_refused(ask($gate, 'stranger', 'w1'), 403, 'role',
               "$name - then the stranger is refused");
}

ends_well($gate, 'nginx');
