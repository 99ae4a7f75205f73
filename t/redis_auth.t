# Copyright (C) the ngx_sendkit_auth_module authors
#
# Which Redis is asked, as whom, in which database, under which names.  A
# server that does not let the gateway in is an outage (503), told in the log
# without the password.
#
# Fails when ngx_sendkit_auth_redis_handshake() leaves out AUTH or SELECT,
# when ngx_sendkit_auth_conf_redis() takes host, port or database from the
# wrong place, when the prefix is not used for both names, or when a command
# is added that the documented user may not send.

use SendkitAuth;
use SendkitAuth::Acl;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

use IO::Socket::IP ();

my $password = 'secret-of-the-store';
my @rules = acl_rule('server');
my $files = 0;


sub password_file {
    my ($bytes) = @_;

    my $file = temp_dir() . '/password' . ++$files;
    open my $out, '>:raw', $file or die "$file: $!";
    print $out $bytes;
    close $out;

    return "sendkit_auth_redis_password_file $file;";
}


sub seed {
    my ($redis, @more) = @_;

    $redis->command('FLUSHALL');
    $redis->command(@$_) for @$Seed, @more;
    return $redis;
}


sub allows {
    my ($name, %args) = @_;

    my $gate = gate(%args);
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', "$name - allowed");
    is_refused(ask($gate, 'stranger', 'w1'), 403, 'role', "$name - refused");
    is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key',
               "$name - unknown");
    ends_well($gate, $name);
}


# Each request, not only the first one.

sub fails {
    my ($name, $log, %args) = @_;

    my $gate = gate(%args);
    $Upstream->mark;

    is_refused(ask($gate, 'owner', 'w1'), 503, 'store_error', $name);

    for (1 .. 3) {
        my $answer = ask($gate, 'owner', 'w1');
        Test::More::is($answer->{status}, 503, "$name - again");
    }

    is_forwarded_never($name);

    my $errors = $gate->error_log;
    Test::More::like($errors, $log, "$name - said in the log");
    Test::More::unlike($errors, qr/\Q$password\E|wrong-word/,
                       "$name - no password in the log");
    ends_well($gate, $name);
}


# A password for everybody.

my $redis = seed(SendkitAuth::Redis->new(
    args => [ '--requirepass', $password ], auth => $password));
my $address = 'unix:' . $redis->socket;

allows('a password', redis => $address, more => password_file($password));
allows('a password with a newline', redis => $address,
       more => password_file("$password\n"));
fails('a password with two newlines', qr/redis sent error "WRONGPASS /,
      redis => $address, more => password_file("$password\n\n"));
fails('a wrong password', qr/redis sent error "WRONGPASS .* while authent/,
      redis => $address, more => password_file('wrong-word'));
fails('no password', qr/redis sent error "NOAUTH /, redis => $address);
allows('the user "default"', redis => $address,
       more => 'sendkit_auth_redis_user default;' . password_file($password));
fails('an unknown user', qr/redis sent error "WRONGPASS /, redis => $address,
      more => 'sendkit_auth_redis_user nobody;' . password_file($password));

my $odd = " sp ace\r\n\$5\r\n\0\"'\\#;{}";

$redis->command('ACL', 'SETUSER', 'odd', 'on', ">$odd", @rules);
allows('a password of odd bytes', redis => $address,
       more => 'sendkit_auth_redis_user odd;' . password_file("$odd\n"));


# A user who may do no more than the gateway has to.

$redis->command('ACL', 'SETUSER', 'gateway', 'on', ">$password", @rules);
my $as_gateway = 'sendkit_auth_redis_user gateway;'
                 . password_file($password);

allows('the documented user', redis => $address, more => $as_gateway);

$redis->command('SELECT', 2);
$redis->command(@$_) for @$Seed;
$redis->command('SELECT', 0);
allows('the documented user in another database', redis => "$address:/2",
       more => $as_gateway);

for ([ '-hmget', 'hmget' ], [ '-hget', 'hget' ]) {
    my ($rule, $command) = @$_;

    $redis->command('ACL', 'SETUSER', 'gateway', $rule);
    fails("the user without $command", qr/redis sent error "NOPERM .*$command/,
          redis => $address, more => $as_gateway);
    $redis->command('ACL', 'SETUSER', 'gateway', "+$command");
}

$redis->command('ACL', 'SETUSER', 'gateway', 'resetkeys', '%R~other:*');
fails('the user of other keys', qr/redis sent error "NOPERM /,
      redis => $address, more => $as_gateway);

$redis->command('ACL', 'SETUSER', 'gateway', 'off');
fails('the user that is switched off', qr/redis sent error "WRONGPASS /,
      redis => $address, more => $as_gateway);


# While it runs: whoever was let in may be thrown out, and come back.

$redis->command('ACL', 'SETUSER', 'gateway', 'on', 'resetkeys',
                '%R~sendkit:*');
my $gate = gate(redis => $address, more => $as_gateway);

recovers($gate, 'before');
$redis->command('ACL', 'DELUSER', 'gateway');

my $answer = wait_until(sub {
    my $answer = ask($gate, 'owner', 'w1');
    return $answer if $answer->{status} != 200;
});

Test::More::is($answer->{status}, 503, 'a user that was deleted');
$redis->command('ACL', 'SETUSER', 'gateway', 'on', ">$password", @rules);
recovers($gate, 'a user that was made again');
ends_well($gate, 'a user deleted and made again');


# A server that has no such command repeats its arguments.

my $shy = seed(SendkitAuth::Redis->new(
    args => [ '--rename-command', 'AUTH', '' ]));

fails('a server without AUTH', qr/redis sent error "ERR unknown command/,
      redis => 'unix:' . $shy->socket,
      more => 'sendkit_auth_redis_user gateway;' . password_file($password));


# Databases.  Database 0 has roles that must not be seen.

my $many = SendkitAuth::Redis->new(tcp => 1);
my $port = $many->port;

seed($many);
$many->command('SELECT', 2);
$many->command(@$_) for @$Seed;
$many->command('HSET', 'sendkit:roles:w1', 'u_stranger', 'owner');
$many->command('HSET', 'sendkit:key:' . digest($Key{unknown}),
               type => 'platform', user => 'u_stranger');
$many->command('HDEL', 'sendkit:roles:w1', 'u_owner');
$many->command('SELECT', 0);

for my $base ("redis://127.0.0.1:$port", 'unix:' . $many->socket . ':') {
    my $name = $base =~ /unix/ ? 'unix' : 'tcp';

    for ($name eq 'tcp' ? ('', '/', '/0') : ('/0', '/')) {
        allows("$name: database \"$_\"", redis => "$base$_");
    }

    my $gate = gate(redis => "$base/2");
    my $answer = ask($gate, 'unknown', 'w1');

    Test::More::like($answer->{body}, qr/"X-Sendkit-User-Id":\["u_stranger"/,
                     "$name: database 2 is asked for the key");
    is_refused(ask($gate, 'owner', 'w1'), 403, 'role',
               "$name: database 0 is not asked for the role");

    # The next connection as well.

    $many->command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    wait_until(sub { ask($gate, 'unknown', 'w1')->{status} == 200 });
    is_refused(ask($gate, 'owner', 'w1'), 403, 'role',
               "$name: nor after the connection was lost");
    ends_well($gate, "$name: database 2");

    fails("$name: database 15 is empty, 16 is not there",
          qr/redis sent error "ERR DB index is out of range/,
          redis => "$base/16");
}


# Prefixes.

my $long = 'p' x 63 . ':';

for my $prefix ('team-b:', 'x', '{tag}:', $long, '%s%n ') {
    my %names = map { $_->[1] => $_->[1] =~ s/^sendkit:/$prefix/r } @$Seed;

    seed($many, map { [ 'RENAME', $_, $names{$_} ] } sort keys %names);

    allows("the prefix \"$prefix\"", redis => $many->address,
           more => "sendkit_auth_redis_prefix \"$prefix\";");
}

my $other = gate(redis => $many->address);

is_refused(ask($other, 'owner', 'w1'), 401, 'unknown_key',
           'what is under another prefix is not seen');
ends_well($other, 'another prefix');


# Addresses.

seed($many);
allows('an address and a port', redis => "redis://127.0.0.1:$port");
allows('the name localhost', redis => "redis://localhost:$port");

if (IO::Socket::IP->new(LocalHost => '::1', Listen => 1)) {
    my $six = seed(SendkitAuth::Redis->new(
        tcp => 1, args => [ '--bind', '127.0.0.1', '::1' ]));
    allows('an IPv6 address', redis => 'redis://[::1]:' . $six->port);
    allows('an IPv6 address with a database',
           redis => 'redis://[::1]:' . $six->port . '/0');

} else {
    Test::More::pass('this machine has no IPv6');
}
