# Copyright (C) the ngx_sendkit_auth_module authors
#
# The rules in docs/key-service.md for the user of Redis: each gives what the
# key service, read-through or both need, and nothing that they do not need.
#
# Fails when a command or a name is used that a rule does not have
# (core/sendkit_script.c, core/sendkit_schema.c), or no longer used; or when
# what Redis does not permit is answered as anything but an outage.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys qw( keys_gate manage );
use SendkitAuth::Origin;
use SendkitAuth::Process qw( slurp );
use SendkitAuth::Seed;

my $password = 'PASSWORD';
my $password_file = temp_dir() . '/password';
my $origin = origin();

my $users = "sendkit_auth_redis_user nginx;"
            . "sendkit_auth_redis_password_file $password_file;";


# The life of a key, with scripts that Redis has and has not.

sub live {
    my ($gate) = @_;

    redis(@$_) for @$Seed;
    redis('SCRIPT', 'FLUSH');

    return map { manage($gate, 'owner', @$_)->{status} }
               [ 'POST' ], [ 'GET' ], [ 'POST', '/rotate' ], [ 'DELETE' ];
}

my $lived = '201 200 200 200';


# A key, one that is none, no role, and a role that is missing.

sub read_through {
    my ($gate) = @_;

    redis('SCRIPT', 'FLUSH');
    my @statuses = map { ask($gate, $_, 'w1')->{status} }
                       qw( owner unknown stranger );
    redis('DEL', 'sendkit:roles:w1');

    return @statuses, ask($gate, 'owner', 'w1')->{status};
}

my $read = '200 401 403 200';


# Each time with a gateway of its own, which has not connected yet.

sub statuses {
    my ($words, $name, $start, @works) = @_;

    redis('ACL', 'DELUSER', 'nginx');
    redis('ACL', 'SETUSER', 'nginx', @$words);

    my $gate = $start->();
    my $statuses = join ' ', map { redis('FLUSHALL'); $_->($gate) } @works;

    ends_well($gate, $name);
    return $statuses;
}


sub is_least {
    my ($name, $rule, $start, $expected, @works) = @_;

    my @words = split ' ', $rule;

    is(statuses(\@words, $name, $start, @works), $expected,
       "$name - it is enough");

    for my $i (grep { $words[$_] =~ /^[+~%]/ } 0 .. $#words) {
        my @fewer = @words[ grep { $_ != $i } 0 .. $#words ];
        my $fewer = "$name, without $words[$i]";

        like(statuses(\@fewer, $fewer, $start, @works), qr/\b503\b/,
             "$fewer - it is not enough");
    }
}


open my $out, '>', $password_file or die "$password_file: $!";
print $out $password;
close $out;

my @rules = slurp("$Top/docs/key-service.md") =~ /^ACL SETUSER nginx (.*)$/mg;
is(scalar @rules, 3, 'the page has three rules');

# In another database than the first, so that SELECT is needed.

redis('SELECT', 2);

my %args = (redis => 'unix:' . redis_socket() . ':/2', more => $users);
my %both = $origin->gate(%args);

is_least('the key service', $rules[0], sub { keys_gate(%args) }, $lived,
         \&live);
is_least('read-through', $rules[1], sub { gate(%both) }, $read,
         \&read_through);
is_least('both', $rules[2], sub { keys_gate(%both) }, "$lived $read", \&live,
         \&read_through);
