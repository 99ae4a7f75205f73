# Copyright (C) the ngx_sendkit_auth_module authors
#
# With a resolver, the addresses of a host name are followed while nginx runs:
# no reload, nothing waits for DNS, and what DNS does not know stays as it was.
#
# Fails when ngx_sendkit_auth_redis_name_resolved() keeps the old addresses, or
# gives them up when there is no answer; when ngx_sendkit_auth_redis_named()
# does not tell the watchers (the cache), or does not move the client; when
# ngx_sendkit_auth_conf_resolver() takes no resolver.

use SendkitAuth;
use SendkitAuth::Dns;
use SendkitAuth::Gate;
use SendkitAuth::Nginx ();
use SendkitAuth::Process qw( free_port );
use SendkitAuth::Seed;
use SendkitAuth::Zone;

use IO::Socket::IP ();

my $dns = SendkitAuth::Dns->new;
my $port = free_port();
my $long = $ENV{SENDKIT_AUTH_SLOW} ? 20 : 5;


# Two servers on one port.  The second one does not know of any role.

my ($first, $second) = map { redis_at($_) } qw( 127.0.0.1 127.0.0.2 );

sub redis_at {
    my ($address) = @_;
    return SendkitAuth::Redis->new(tcp => 1, port => $port,
                                   args => [ '--bind', $address ]);
}


sub seed {
    $_->command('FLUSHALL') for $first, $second;
    $first->command(@$_) for @$Seed;
    $second->command(@$_) for grep { $_->[1] !~ /roles/ } @$Seed;
}


sub named_gate {
    my (%args) = @_;
    my $host = $args{host} // 'redis.test';

    seed();
    return gate(redis => "redis://$host:$port", connect => '500ms',
                more => $dns->resolver);
}


sub status_is {
    my ($gate, $status, $name) = @_;
    my $started = time;
    my $answer;

    Test::More::ok(wait_until(sub {
        $answer = ask($gate, 'owner', 'w1');
        return $answer->{status} == $status;
    }, $long), "$name - $status")
        or Test::More::diag("it is $answer->{status}\n", $gate->error_log);

    Test::More::note("$name: after ", time - $started, ' s');
}


# For A and AAAA, and the answer was seen before that.

sub asked_again {
    my ($name) = @_;
    my $asked = $dns->asked($name);
    return wait_until(sub { $dns->asked($name) >= $asked + 4 }, 20);
}


sub failures {
    my ($gate) = @_;
    my $lines = () = $gate->error_log
        =~ /\[warn\] .* "redis.test" could not be resolved .* are kept/g;
    return $lines;
}


{
    my $name = 'a name that is not found at start';
    my $gate = named_gate();

    Test::More::like($gate->error_log,
                     qr/\[warn\] .*"redis.test" in .* is resolved later/,
                     "$name - said in the log");
    is_refused(ask($gate, 'owner', 'w1'), 503, 'store_down', $name);

    my $open = SendkitAuth::Wire->new($gate->port);
    Test::More::is($open->request('GET', '/open')->{status}, 200,
                   "$name - others are answered");
    $open->close;

    $dns->says('redis.test' => '127.0.0.1');
    recovers($gate, $name);

    $name = 'another address';
    $dns->says('redis.test' => '127.0.0.2');
    status_is($gate, 403, $name);
    is_refused(ask($gate, 'owner', 'w1'), 403, 'role', $name);

    $dns->says('redis.test' => '127.0.0.1');
    status_is($gate, 200, "$name, and back");

    # The one that is left is not asked any more.

    for my $no (qw( NXDOMAIN SERVFAIL SILENCE )) {
        my $said = failures($gate);

        $dns->says('redis.test' => $no);
        Test::More::ok(wait_until(sub { failures($gate) == $said + 1 }, 10),
                       "$no - said in the log");

        for (1 .. 3) {
            is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
                       "$no - the old address is kept");
        }

        $first->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        status_is($gate, 200, "$no - for a new connection, too");

        Test::More::is(failures($gate), $said + 1, "$no - said once");
        last if $no eq 'SILENCE';

        $dns->says('redis.test' => '127.0.0.1');
        asked_again('redis.test');
    }

    ends_well($gate, 'while DNS is silent');
}

{
    my $name = 'several addresses';

    $dns->says('redis.test' => '127.0.0.9', '127.0.0.8', '127.0.0.2');
    my $gate = named_gate();

    status_is($gate, 403, $name);
    $dns->says('redis.test' => '127.0.0.9', '127.0.0.1', '127.0.0.8');
    status_is($gate, 200, "$name, others");

    my $moves = () = $gate->error_log =~ /has other addresses/g;

    Test::More::ok(asked_again('redis.test'), "$name - asked again");
    my $again = () = $gate->error_log =~ /has other addresses/g;
    Test::More::is($again, $moves, "$name - the same ones are no news");
    ends_well($gate, $name);
}

{
    my $name = 'a name of /etc/hosts';

    $dns->says('localhost' => 'NXDOMAIN');
    my $gate = named_gate(host => 'localhost');

    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', "$name - at start");
    $dns->says('localhost' => '127.0.0.2');
    status_is($gate, 403, "$name - DNS knows better");
    ends_well($gate, $name);
}

if (IO::Socket::IP->new(LocalHost => '::1', Listen => 1)) {
    my $six = redis_at('::1');

    $dns->says('redis.test' => '::1');
    my $gate = named_gate();
    $six->command(@$_) for @$Seed;

    status_is($gate, 200, 'an IPv6 address');
    ends_well($gate, 'an IPv6 address');
    $six->kill9;

} else {
    Test::More::pass('this machine has no IPv6');
}


# The cache does not know what was changed where nobody listened.

{
    my $name = 'with a zone';

    seed();
    $dns->says('redis.test' => '127.0.0.1');
    my $gate = SendkitAuth::Nginx->start(
        http => zone_conf(redis => "redis://redis.test:$port",
                          more => $dns->resolver), workers => 2);

    channel_is($gate, 'up', "$name - told by the first server");
    Test::More::ok(wait_until(sub {
        return seen($gate, 'owner', 'w1') eq '200 allowed hit, '
                                             . '200 allowed hit';
    }, $long), "$name - in the cache");

    $dns->says('redis.test' => '127.0.0.2');
    Test::More::ok(wait_until(sub {
        return seen($gate, 'owner', 'w1') =~ /^403 role \w+, 403 role \w+$/;
    }, $long), "$name - the role is revoked where Redis is now");

    channel_is($gate, 'up', "$name - told by the second server");
    Test::More::ok(wait_until(sub {
        return seen($gate, 'owner', 'w1') eq '403 role negative, '
                                             . '403 role negative'
            || seen($gate, 'owner', 'w1') =~ /^403 role hit, 403 role hit$/;
    }, $long), "$name - in the cache again");

    $second->command(@$_) for grep { $_->[1] =~ /roles/ } @$Seed;
    Test::More::ok(wait_until(sub {
        return seen($gate, 'owner', 'w1') =~ /^200 allowed .*200 allowed /;
    }, $long), "$name - a change there is told");
    ends_well($gate, $name);
}


# Without a resolver, and with one that has no such name: as it was.

{
    my $gate = eval { gate(redis => "redis://redis.test:$port") };

    Test::More::ok(!$gate, 'no resolver - nginx does not start');
    Test::More::like($@, qr/\[emerg\] .*host not found in "redis:\S+" of /,
                     'no resolver - and says why');
}
