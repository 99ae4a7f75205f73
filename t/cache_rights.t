# Copyright (C) the ngx_sendkit_auth_module authors
#
# The rule in docs/caching.md for the user of Redis gives what the gateway with
# a cache needs, and nothing that it does not need.  Without one of the rights
# answers are right, or 503, and the cache is not used; once it is given, it is.
#
# Fails when a command or a name is used that the rule does not have, or no
# longer used; when a reply without its PTTL is kept
# (ngx_sendkit_auth_flight_ttl()); when a channel that was refused is not tried
# again (ngx_sendkit_auth_lost()).

use SendkitAuth;
use SendkitAuth::Acl;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my ($yes, $gone) = ('200 allowed', '401 unknown_key');
my $password_file = temp_dir() . '/password';

my @words = acl_rule('cache');

open my $out, '>', $password_file or die "$password_file: $!";
print $out 'PASSWORD';
close $out;

# In another database than the first, so that SELECT is needed.

my %args = (redis => 'unix:' . redis_socket() . ':/2',
            more => "sendkit_auth_redis_user nginx;"
                    . "sendkit_auth_redis_password_file $password_file;");


sub gate_with {
    my ($up, @rights) = @_;

    redis('ACL', 'DELUSER', 'nginx');
    redis('ACL', 'SETUSER', 'nginx', 'on', '>PASSWORD', @rights);
    redis('SELECT', 2);
    return zone_gate(%args, up => $up);
}


cmp_ok(scalar @words, '>', 8, 'the page has the rule');

{
    my $gate = gate_with(1, @words);

    is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit", 'it is enough');
    told($gate, [ 'SELECT', 2 ], [ 'DEL', key('owner') ]);
    is(seen($gate, 'owner', 'w1'), "$gone miss, $gone negative",
       'it is enough - a change is told');
    unlike($gate->error_log, qr/NOPERM/, 'it is enough - nothing is refused');
    ends_well($gate, 'it is enough');
}


# What is asked for at the lookup, and what for the channel.

my %without = (
    '+hmget' => qr/^503 store_error \w+, 503 store_error \w+$/,
    '+hget' => qr/^503 store_error \w+, 503 store_error \w+$/,
    '+select' => qr/^503 store_\w+ \w+, 503 store_\w+ \w+$/,
    '%R~sendkit:*' => qr/^503 store_error \w+, 503 store_error \w+$/,
    '+pttl' => qr/^$yes miss, $yes miss$/,
    '+client|setname' => qr/^$yes \w+, $yes hit$/,
);

for my $i (grep { $words[$_] =~ /^[+&%]/ } 0 .. $#words) {
    my $word = $words[$i];
    my $name = "without $word";
    my $expected = $without{$word} // qr/^$yes bypass, $yes bypass$/;
    my $gate = gate_with(0, @words[ grep { $_ != $i } 0 .. $#words ]);

    if ($without{$word}) {
        wait_until(sub { counters($gate)->{channel} eq 'up' });

    } else {
        ok($gate->wait_for_log(qr/redis sent error "NOPERM /),
           "$name - is in the log");
    }

    like(seen($gate, 'owner', 'w1'), $expected, $name) for 1 .. 3;

    redis('ACL', 'SETUSER', 'nginx', $word);
    channel_is($gate, 'up', "$name, and then with it");
    ok(wait_until(sub {
        return seen($gate, 'owner', 'w1') eq "$yes hit, $yes hit";
    }), "$name, and then with it - the cache is used");

    ends_well($gate, $name);
}
