# Copyright (C) the ngx_sendkit_auth_module authors
#
# The rules in docs/redis-schema.md for the user of the gateway, in Redis and
# in Sentinels: each is enough, and without any of its words something does not
# work.  Those for the cache are in cache_rights.t, those for the key service
# and read-through in redis_rights.t.
#
# Fails when a command or a name is used that a rule does not have, or no
# longer used; or when what Redis does not permit is answered as anything but
# an outage.

use SendkitAuth;
use SendkitAuth::Acl;
use SendkitAuth::Cluster;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Sentinel;

my $password_file = temp_dir() . '/password';
my $users = join '', map { "sendkit_auth_redis${_}_user nginx;"
                           . "sendkit_auth_redis${_}_password_file "
                           . "$password_file;" } '', '_sentinel';

open my $out, '>', $password_file or die "$password_file: $!";
print $out 'PASSWORD';
close $out;


sub set_user {
    my ($servers, @words) = @_;

    for (@$servers) {
        $_->command('ACL', 'DELUSER', 'nginx');
        $_->command('ACL', 'SETUSER', 'nginx', 'on', '>PASSWORD', @words);
    }
}


# With a gate of its own, which has not connected yet: "200 401 named".

sub seen_by_gate {
    my ($servers, $name, %args) = @_;

    my $gate = gate(%args, connect => '1s', read => '1s');
    my @statuses = map { ask($gate, $_, 'w1')->{status} } qw( owner unknown );
    my $named = grep { $_->command('CLIENT', 'LIST') =~ /\bname=sendkit-auth-/ }
                     @$servers;

    ends_well($gate, $name);
    return "@statuses " . ($named ? 'named' : 'nameless');
}


sub is_least {
    my ($rule, $servers, %args) = @_;

    my @words = acl_rule($rule);

    set_user($servers, @words);
    is(seen_by_gate($servers, $rule, %args), '200 401 named',
       "$rule - it is enough");

    for my $i (grep { $words[$_] =~ /^[+%]/ } 0 .. $#words) {
        my $word = $words[$i];
        my $name = "$rule, without $word";

        set_user($servers, @words[ grep { $_ != $i } 0 .. $#words ]);
        like(seen_by_gate($servers, $name, %args),
             $word eq '+client|setname' ? qr/^200 401 nameless$/
                                        : qr/\b503\b/,
             "$name - it is not");
    }

    set_user($servers, @words);
}


# In another database than the first, so that SELECT is needed.

redis('SELECT', 2);
redis(@$_) for @$Seed;

is_least('server', [ redis_server() ],
         redis => 'unix:' . redis_socket() . ':/2',
         more => $users =~ s/sendkit_auth_redis_sentinel\S+ \S+;//gr);


my $set = SendkitAuth::Sentinel->new;
my %args = (redis => $set->address, more => $users);

$set->seed;
set_user([ $set->sentinels ], acl_rule('sentinel'));
is_least('master', [ $set->nodes ], %args);
is_least('sentinel', [ $set->sentinels ], %args);


# The key has moved, and only ASK says where to.

my $cluster = SendkitAuth::Cluster->new;
my $name = 'sendkit:key:' . digest($Key{owner});
my $slot = $cluster->slot($name);
my ($to) = grep { $_ != $cluster->owner($slot) } $cluster->masters;

$cluster->seed;
$cluster->begin($slot, $to);
$cluster->move_keys($slot, $to);

is_least('cluster', [ $cluster->nodes ], redis => $cluster->address,
         more => $users =~ s/sendkit_auth_redis_sentinel\S+ \S+;//gr);
