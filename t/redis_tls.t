# Copyright (C) the ngx_sendkit_auth_module authors
#
# Redis over TLS: requests are decided and changes are told as without it, by
# a server whose certificate has the name or the address that was asked for.
#
# Fails when the name is not that of "sendkit_auth_redis_ssl_name" or keeps its
# brackets, an address is sent as a name or compared with names
# (ngx_sendkit_auth_redis_tls_name(), _match()), or when the entries of the
# cache do not depend on who is trusted (ngx_sendkit_auth_tls_conf_trust()).

use SendkitAuth;

use SendkitAuth::Gate;
use SendkitAuth::Process qw( slurp );
use SendkitAuth::Seed;
use SendkitAuth::Tls;
use SendkitAuth::Zone;

my ($yes, $gone) = ('200 allowed', '401 unknown_key');
my @trust = (trusted_certificate => 'ca.crt');
my @client = (certificate => 'client.crt', certificate_key => 'client.key');

authority('ca');
authority('sub', 'ca');
authority('other-ca');

certificate('server');
certificate('client', alt => '');
certificate('named', alt => 'DNS:redis.example');
certificate('wild', alt => 'DNS:*.redis.example');
certificate('common-name', alt => '');
certificate('six', alt => 'IP:::1');
certificate('below', ca => 'sub');
certificate('other', ca => 'other-ca');


# Each time with a gateway of its own.

sub works {
    my ($name, $certificate, $ssl, %args) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    use_certificate($certificate);
    my $gate = gate(redis => rediss(), more => ssl(%$ssl), %args);

    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', $name);
    is_refused(ask($gate, 'stranger', 'w1'), 403, 'role', $name);
    ends_well($gate, $name);
    return $gate;
}


tls_redis();
redis(@$_) for @$Seed;

works('an address', 'server', { @trust });
works('a name', 'server', { @trust }, redis => rediss('localhost'));
works('a certificate of an authority below', 'below', { @trust });
works('a name that is set', 'named', { @trust, name => 'redis.example' });
works('a name in capitals', 'named', { @trust, name => 'REDIS.Example' });
works('a name that a wildcard stands for', 'wild',
      { @trust, name => 'eu.redis.example' });
works('a name that is the common name', 'common-name',
      { @trust, name => 'common-name' });
works('an IPv6 address', 'six', { @trust, name => '::1' });
works('an IPv6 address in brackets', 'six', { @trust, name => '[::1]' });
works('no verification', 'other', { verify => 'off' });
works('no verification, though there is a certificate', 'other',
      { @trust, verify => 'off' });
works('TLS 1.2', 'server', { @trust, protocols => 'TLSv1.2' });
works('a database', 'server', { @trust }, redis => rediss() . '/0');


# What the server is asked for.

sub asked_for {
    my ($host, %more) = @_;

    my $port = peer(sub {
        my $name = sni(hello($_[0]));
        print defined $name ? "name: $name\n" : "no name\n";
    });
    my $log = file_of("peer-$port.log");
    my $gate = gate(redis => "rediss://$host:$port",
                    more => ssl(@trust, %more));

    ask($gate, 'owner', 'w1');
    my $found = wait_until(sub { slurp($log) =~ /\n/ });
    ends_well($gate, "asked for $host");
    return $found ? (split /\n/, slurp($log))[0] : 'nothing';
}

is(asked_for('localhost'), 'name: localhost', 'the server is told the name');
is(asked_for('127.0.0.1', name => 'redis.example'), 'name: redis.example',
   'the server is told the name that is set');
is(asked_for('127.0.0.1'), 'no name', 'an address is no name');
is(asked_for('localhost', name => '127.0.0.1'), 'no name',
   'nor is one that is set');
is(asked_for('localhost', name => '[::1]'), 'no name',
   'nor is one of IPv6');


# All that a production server asks for, with the rights in docs/caching.md.

my ($rule) = slurp("$Top/docs/caching.md")
             =~ /^\$ redis-cli ACL SETUSER nginx .*? (resetkeys .*)$/m;
my $password_file = file_of('password');

open my $out, '>', $password_file or die "$password_file: $!";
print $out 'PASSWORD';
close $out;

tls_redis(clients => 'yes', args => [ '--tls-protocols', 'TLSv1.3' ]);
redis('ACL', 'SETUSER', 'nginx', 'on', '>PASSWORD',
      map { tr/'//dr } split ' ', $rule);

{
    my $name = 'a cache';
    my $gate = zone_gate(redis => rediss(), more => <<"END" . ssl(@trust,
sendkit_auth_redis_user           nginx;
sendkit_auth_redis_password_file  $password_file;
END
                                                                 @client));

    is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit", $name);
    told($gate, [ 'DEL', key('owner') ]);
    is(seen($gate, 'owner', 'w1'), "$gone miss, $gone negative",
       "$name - a key that is revoked");
    told($gate, @$Seed);
    is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit",
       "$name - and is back");

    # The channel, too, comes back.

    redis('CLIENT', 'KILL', 'ID', $_) for subscribers();
    ok($gate->wait_for_log(qr/redis closed connection.*cache is used/s),
       "$name, connected again - the channel is up");
    fresh_zone($gate);
    is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit",
       "$name, connected again");
    told($gate, [ 'DEL', key('owner') ]);
    is(seen($gate, 'owner', 'w1'), "$gone miss, $gone negative",
       "$name, connected again - a key that is revoked");
    ends_well($gate, $name);
}


# What a server that was not verified has said is not used by those who verify.

{
    my $name = 'who is trusted';
    my %args = (redis => rediss(), workers => 1, more => <<"END" .
sendkit_auth_redis_user           nginx;
sendkit_auth_redis_password_file  $password_file;
END
                ssl(@client));
    my $verified = zone_conf(%args, more => $args{more} . ssl(@trust));
    my $gate = zone_gate(%args, more => $args{more} . ssl(@trust,
                                                          verify => 'off'));

    is(seen($gate, 'owner', 'w1'), "$yes miss", "$name - asked for");
    $gate->reload(http => $verified);
    wait_until(sub { $gate->workers == 1 }, 30);
    is(seen($gate, 'owner', 'w1'), "$yes miss", "$name - asked for again");
    channel_is($gate, 'up', $name);
    is(seen($gate, 'owner', 'w1'), "$yes hit", "$name - then it is known");
    $gate->reload;
    wait_until(sub { $gate->workers == 1 }, 30);
    is(seen($gate, 'owner', 'w1'), "$yes hit", "$name - also after a reload");
    ends_well($gate, $name);
}
