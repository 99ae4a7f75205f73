# Copyright (C) the ngx_sendkit_auth_module authors
#
# After a reload with another configuration nothing is seen of what the old one
# has cached: another server, database, prefix, pepper, user or time; the zone
# made larger, taken out, renamed.
#
# Fails when something is missing in the fingerprint
# (ngx_sendkit_auth_conf_fingerprint()), or when it is not part of the name of
# the zone (ngx_sendkit_auth_zone_name()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Redis;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

use Digest::SHA qw( hmac_sha256_hex );

my $other = SendkitAuth::Redis->new;
my $pepper = 'the-pepper-of-the-tests';
my $pepper_file = temp_dir() . '/pepper';
my $password_file = temp_dir() . '/password';
my ($yes, $gone) = ('200 allowed', '401 unknown_key');
my $gate = zone_gate();


sub write_file {
    my ($file, $text) = @_;

    open my $out, '>', $file or die "$file: $!";
    print $out "$text\n";
    close $out;
}

write_file($pepper_file, $pepper);
write_file($password_file, 'secret-of-the-store');
redis('ACL', 'SETUSER', 'gate', 'on', '>secret-of-the-store', '~*', '&*',
      '+@all');


# The new workers only, and only when the cache is used.

sub change_to {
    my ($name, %args) = @_;
    my %old = map { $_ => 1 } $gate->workers;

    $gate->reload(http => zone_conf(%args));
    ok(wait_until(sub { !grep { $old{$_} } $gate->workers }, 30),
       "$name - the old workers have ended");
    channel_is($gate, 'up', $name)
        if !exists $args{zone} || defined $args{zone};
}


# Each other one has none of our keys, or sees the same anew.

for ([ 'server', $gone, redis => 'unix:' . $other->socket ],
     [ 'database', $gone, redis => 'unix:' . redis_socket() . ':/2' ],
     [ 'prefix', $gone, more => 'sendkit_auth_redis_prefix other:;' ],
     [ 'pepper', $gone, more => "sendkit_auth_pepper_file $pepper_file;" ],
     [ 'user', $yes, more => 'sendkit_auth_redis_user gate;'
           . "sendkit_auth_redis_password_file $password_file;" ],
     [ 'ttl', $yes, ttl => '61s' ],
     [ 'negative ttl', $yes, negative => '59s' ],
     [ 'lease', $yes, lease => '50s' ],
     [ 'larger zone', $yes, zone => 'gate:32m' ],
     [ 'smaller zone', $yes, zone => 'gate:64k' ],
     [ 'renamed zone', $yes, zone => 'other:16m' ])
{
    my ($name, $verdict, @args) = @$_;
    my $then = $verdict eq $yes ? 'hit' : 'negative';

    change_to("$name, before");
    seen($gate, 'owner', 'w1');
    is(seen($gate, 'owner', 'w1'), "$yes hit, $yes hit", "$name - before");
    is(seen($gate, 'unknown', 'w1'), "$gone miss, $gone negative",
       "$name - before, unknown");

    change_to($name, @args);
    is(seen($gate, 'owner', 'w1'), "$verdict miss, $verdict $then",
       "$name - nothing of before is seen");
    is(seen($gate, 'unknown', 'w1'), "$gone miss, $gone negative",
       "$name - nothing of before is seen, unknown");
    is(counters($gate)->{flushes}, 1, "$name - counters begin anew");

    # What was said under the other one is not said under this one.

    change_to("$name, back");
    is(seen($gate, 'owner', 'w1'), "$yes miss, $yes hit", "$name - back");
}


# Without a zone, and with one again: what changed meanwhile counts.

change_to('no zone', zone => undef);
is(seen($gate, 'owner', 'w1'), "$yes bypass, $yes bypass", 'no zone');
redis('DEL', key('owner'));
is(seen($gate, 'owner', 'w1'), "$gone bypass, $gone bypass",
   'no zone - a change');
change_to('a zone again');
is(seen($gate, 'owner', 'w1'), "$gone miss, $gone negative", 'a zone again');


# A change of routes or of waiting times is none of what is cached.

change_to('read timeout', read => '4s');
is(seen($gate, 'owner', 'w1'), "$gone negative, $gone negative",
   'read timeout - all is kept');

ends_well($gate, 'changes');
