package Bench::Stage;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# What stands around the gates: Redis with keys in it, the backend, and the
# servers that auth_request asks.
#
#   my $stage = Bench::Stage->new(KEYS);
#   my $gate = $stage->start($subject, workers => 1, callgrind => FILE,
#                            set => 'more directives of the module',
#                            log => 'its access log');
#   $stage->commands(sub { ... })     commands that gates have sent meanwhile

use strict;
use warnings;

use Digest::SHA qw( sha256_hex );

use Bench::Gate ();
use Bench::Subjects;
use SendkitAuth::Process qw( temp_dir wait_until );
use SendkitAuth::Redis ();


sub new {
    my ($class, $keys) = @_;

    my $redis = SendkitAuth::Redis->new(tcp => 1);
    my $lua = subject('lua_redis')->{modules};
    my $self = bless { redis => $redis }, $class;
    my $values = $self->{values} = {
        REDIS      => '127.0.0.1:' . $redis->port,
        REDIS_HOST => '127.0.0.1',
        REDIS_PORT => $redis->port,
    };

    $self->seed($keys);
    $self->write_maps;

    $self->{$_} = Bench::Gate->start($_, $values,
                                     modules => /redis/ ? $lua : [])
        for qw( backend auth_yes auth_redis );

    $values->{BACKEND} = $self->{backend}->address;
    $values->{AUTH_YES} = $self->{auth_yes}->address;
    $values->{AUTH_REDIS} = $self->{auth_redis}->address;

    return $self;
}


# Each platform key has a user of its own, who is an owner in w1.

sub seed {
    my ($self, $keys) = @_;

    my $platform = subject('hit')->{key};
    my $workspace = subject('workspace');

    my $socket = $self->{redis}->socket;
    open my $pipe, '|-', "redis-cli -s $socket --pipe > /dev/null"
        or die "cannot run redis-cli: $!\n";

    for my $n (0 .. $keys - 1) {
        my $digest = sha256_hex(sprintf $platform, $n);

        print $pipe resp('HSET', "sendkit:key:$digest", 'type', 'platform',
                         'user', "u$n"),
                    resp('HSET', 'sendkit:roles:w1', "u$n", 'owner');
    }

    for my $n (0 .. $workspace->{keys} - 1) {
        my $digest = sha256_hex(sprintf $workspace->{key}, $n);

        print $pipe resp('HSET', "sendkit:key:$digest", 'type', 'workspace',
                         'workspace', 'w1');
    }

    close $pipe or die "redis-cli has failed\n";

    my $has = $self->{redis}->command('HLEN', 'sendkit:roles:w1');
    die "Redis has $has roles and not $keys\n" if $has != $keys;
}


sub resp {
    return join '', '*' . @_ . "\r\n",
                    map { '$' . length($_) . "\r\n$_\r\n" } @_;
}


sub write_maps {
    my ($self) = @_;

    my $dir = temp_dir();
    my $subject = subject('map');
    my @n = (0 .. $subject->{keys} - 1);

    write_file("$dir/keys.map",
               map { sprintf "$subject->{key} u%d;\n", $_, $_ } @n);
    write_file("$dir/roles.map", map { "\"u$_ w1\" owner;\n" } @n);

    $self->{values}{KEYS_MAP} = "$dir/keys.map";
    $self->{values}{ROLES_MAP} = "$dir/roles.map";
}


sub write_file {
    my ($file, @lines) = @_;

    open my $out, '>:raw', $file or die "$file: $!\n";
    print $out @lines;
    close $out or die "$file: $!\n";
}


# With a zone it waits until the gate listens to Redis, for before that nothing
# is cached.

sub start {
    my ($self, $subject, %args) = @_;

    my $zone = $subject->{zone} ? "sendkit_auth_zone $subject->{zone};" : '';
    my $values = { %{ $self->{values} },
                   LOG => $args{log} // 'off',
                   MODULE => join "\n", $zone, $args{set} // () };
    my $before = $self->subscribers;

    my $gate = Bench::Gate->start($subject->{conf}, $values,
                                  modules => $subject->{modules}, %args);

    wait_until(sub { $self->subscribers > $before }, 30)
        || die "$subject->{id}: the gate does not subscribe\n", $gate->log
        if $zone;

    return $gate;
}


sub subscribers {
    my ($self) = @_;

    my $list = $self->{redis}->command('CLIENT', 'LIST', 'TYPE', 'pubsub');
    return scalar(() = $list =~ /\n/g);
}


sub commands {
    my ($self, $code) = @_;

    $self->{redis}->command('CONFIG', 'RESETSTAT');
    $code->();

    my $stats = $self->{redis}->commandstats;
    my $sum = 0;

    for (keys %$stats) {
        next if /^(?:info|config|client|ping|subscribe|auth|select)\b/;
        $sum += $stats->{$_};
    }

    return $sum;
}


sub redis { return $_[0]{redis} }

1;
