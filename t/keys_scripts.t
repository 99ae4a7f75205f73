# Copyright (C) the ngx_sendkit_auth_module authors
#
# A change is one command: EVALSHA, the digest of the script.  Only to a server
# that does not know the script its text is sent, once, and that is nothing
# that has to be told in the log.
#
# Fails when the text is sent each time, when a server that was restarted or
# has flushed its scripts is not told it again, or when NOSCRIPT is taken for
# an error.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Seed;
use Test::More;

my $gate = keys_gate();
my @life = ([ 'POST', '', 201 ], [ 'POST', '/rotate', 200 ],
            [ 'POST', '', 409 ], [ 'DELETE', '', 200 ]);

one_life('a server that does not know the script', 1);
one_life('a server that knows it', 0);

redis('SCRIPT', 'FLUSH');
one_life('a server that has forgotten it', 1);
one_life('a server that knows it again', 0);

redis_server()->restart;
one_life('a server that was restarted', 1);

# In the midst of it.

redis(@$_) for @$KeySeed;

for my $step (@life) {
    my ($method, $path, $status) = @$step;

    redis('SCRIPT', 'FLUSH');
    is(manage($gate, 'owner', $method, $path)->{status}, $status,
       "$method$path - after SCRIPT FLUSH");
    is(scripts(), 1, "$method$path - the server knows one script");
}

unlike($gate->error_log, qr/NOSCRIPT|\[(?:warn|error)\]/,
       'nothing of it is in the log');
ends_well($gate, 'nginx');


sub scripts {
    return (redis('INFO', 'memory')
            =~ /^number_of_cached_scripts:(\d+)/m)[0];
}


sub one_life {
    my ($name, $evals) = @_;

    redis('FLUSHALL');
    redis(@$_) for @$KeySeed;
    redis('CONFIG', 'RESETSTAT');

    is(manage($gate, 'owner', $_->[0], $_->[1])->{status}, $_->[2],
       "$name - $_->[0]$_->[1]") for @life;

    my $calls = commandstats();

    is($calls->{evalsha}, @life, "$name - a digest for each change");
    is($calls->{eval} // 0, $evals, "$name - the text " .
                                    ($evals ? 'once' : 'never'));
    is(scripts(), 1, "$name - one script for all");
    is_forwarded_never($name);
}
