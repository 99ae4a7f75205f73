# Copyright (C) the ngx_sendkit_auth_module authors
#
# Sentinels and nodes of a cluster may have names, whose addresses are followed
# with a resolver.  Where the masters are is what those say.
#
# Fails when the finder asks the servers as they were configured
# (ngx_sendkit_auth_redis_finder_server()), or stays with the address that it
# was connected to (ngx_sendkit_auth_redis_finder_named()).

use SendkitAuth;
use SendkitAuth::Cluster;
use SendkitAuth::Dns;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Sentinel;

my $dns = SendkitAuth::Dns->new;


sub lines {
    my ($gate, $regex) = @_;
    my $lines = () = $gate->error_log =~ /$regex/g;
    return $lines;
}


sub follows {
    my ($name, $set, $gone) = @_;

    my $address = $set->address =~ s/127\.0\.0\.1/found.test/gr;

    $dns->says('found.test' => '127.0.0.9');
    $set->seed;

    my $gate = gate(redis => $address, connect => '500ms',
                    more => $dns->resolver);

    Test::More::is(ask($gate, 'owner', 'w1')->{status}, 503,
                   "$name - nobody is there");
    $dns->says('found.test' => '127.0.0.1');
    Test::More::ok(wait_until(sub {
        return ask($gate, 'owner', 'w1')->{status} == 200;
    }, 10), "$name - found where they are now");
    is_refused(ask($gate, 'stranger', 'w1'), 403, 'role', "$name - refused");

    my $lines = lines($gate, $gone);

    $dns->says('found.test' => '127.0.0.9');
    Test::More::ok(wait_until(sub { lines($gate, $gone) > $lines }, 10),
                   "$name - gone again, which is noticed");
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
               "$name - the masters are where they were");
    ends_well($gate, $name);
}


# Nobody else is left to ask than masters of a cluster.

follows('Sentinels', SendkitAuth::Sentinel->new,
        qr/nobody says where the redis masters are/);
follows('a cluster', SendkitAuth::Cluster->new,
        qr/the first is "127\.0\.0\.9:/);
