# Copyright (C) the ngx_sendkit_auth_module authors
#
# Each change of a key is one line of the error log, also the one that nobody
# waits for any more: Redis makes it all the same.
#
# Fails when the line is written by the request only (keys/ngx_sendkit_keys.c),
# and not by what goes on without it (ngx_sendkit_auth_workspace_key.c).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Seed;

my $gate = keys_gate(log_level => 'notice');


sub lines {
    my @lines = $gate->error_log
                =~ /sendkit keys: (user "u_owner" \w+ key of [^,]*)/g;
    return @lines;
}


redis(@$_) for @$KeySeed;

for ([ 'POST', '', 'created' ], [ 'GET', '' ], [ 'POST', '/rotate', 'rotated' ],
     [ 'POST', '' ], [ 'DELETE', '', 'deleted' ], [ 'DELETE', '' ])
{
    my ($method, $path, $done) = @$_;
    my $before = lines();

    manage($gate, 'owner', $method, $path);

    my @new = (lines())[ $before .. lines() - 1 ];
    is("@new", defined $done ? "user \"u_owner\" $done key of workspace \"w1\""
                             : '', "$method $path");
}


# The client leaves while Redis lets no change through.

my $before = lines();

redis('CLIENT', 'PAUSE', 60_000, 'WRITE');
my $client = SendkitAuth::Wire->new($gate->port);
$client->send(request_of('owner', undef,
                         [ 'POST', '/v1/workspaces/w1/api-key' ]));
ok(wait_until(sub { redis('CLIENT', 'LIST') =~ / flags=\w*b/ }),
   'the change waits');
is(waiting($gate), 1, 'and one waits for it');
$client->close;
ok(wait_until(sub { waiting($gate) == 0 }), 'it has left');
redis('CLIENT', 'UNPAUSE');
ok(wait_until(sub { redis('EXISTS', 'sendkit:workspace-key:w1') }),
   'the key was made');
ok(wait_until(sub { lines() > $before }), 'which is said');
like((lines())[-1], qr/^user "u_owner" changed key of workspace "w1"/,
     'by whom and where');

ends_well($gate, 'changes');
run_tests();

__DATA__
