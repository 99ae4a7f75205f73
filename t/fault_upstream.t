# Copyright (C) the ngx_sendkit_auth_module authors
#
# The backend is down: who is allowed gets nginx's 502, and nobody else notices.
# A request that was refused has never tried to connect to it.
#
# Fails when who has no role is allowed (sendkit_decision()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Redis;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

use IO::Socket::UNIX ();

my $path = temp_dir() . '/backend.sock';
my $location = <<"END";
    location = /v1/contacts {
        sendkit_auth           on;
        include                $SendkitAuth::Top/conf/sendkit_v1_routes.conf;
        proxy_pass             http://unix:$path;
        proxy_connect_timeout  1s;
        proxy_read_timeout     1s;
    }
END
my @request = ('w1', [ 'GET', '/v1/contacts', 'X-Workspace-Id: w1' ]);

my $hot = zone_gate(location => $location);
my $cold = gate(location => $location);


sub statuses {
    my ($gate) = @_;
    return join ' ', map { ask($gate, $_, @request)->{status} }
                     qw( owner stranger unknown );
}


sub tries { return scalar(() = $_[0]->error_log =~ /connect\(\) to/g) }


for my $round (1 .. 3) {
    for my $gate ($hot, $cold) {
        my $name = ($gate == $hot ? 'hot' : 'cold') . ", round $round";
        my $tried = tries($gate);

        is(statuses($gate), '502 403 401', "$name - nobody listens");
        is(tries($gate), $tried + 1, "$name - one has tried to connect");
        is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
                   "$name - another backend is asked");
    }
}

# It takes connections and never answers.

my $listen = IO::Socket::UNIX->new(Local => $path, Listen => 16)
    or die "cannot listen on $path: $!";
chmod 0777, $path;

is(statuses($_), '504 403 401', 'it never answers') for $hot, $cold;
close $listen;
unlink $path;

# It is there.

symlink $Upstream->socket, $path or die "symlink: $!";
is(statuses($_), '200 403 401', 'it is back') for $hot, $cold;
is_allowed(ask($_, 'owner', @request), 'owner', 'w1',
           'it gets who the owner is') for $hot, $cold;
ends_well($_, 'backend', qr/connect\(\) to unix:\S+ failed/) for $hot, $cold;
