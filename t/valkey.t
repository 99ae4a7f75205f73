# Copyright (C) the ngx_sendkit_auth_module authors
#
# Valkey in the place of Redis: keys and roles, the cache and what it is told,
# the key service and its scripts, a connection that is cut, and the rights
# that the pages name.  Other files of the suite can be run with it, too:
# CONTRIBUTING.md says how.
#
# Fails when a reply is expected that Valkey gives in other words, or a right
# is needed that the rules in docs/caching.md and docs/key-service.md do not
# give; and where there is no valkey-server ("make deps" brings one).

BEGIN {
    my @found = grep { -x } map { "$_/valkey-server" }
                'build/valkey/usr/bin', split /:/, $ENV{PATH};

    $ENV{SENDKIT_AUTH_REDIS_SERVER} = $found[0]
        // die "no valkey-server, \"make deps\" brings one\n";
}

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys qw( $KeyLocation manage );
use SendkitAuth::Process qw( slurp );
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my ($yes, $no, $gone) = ('200 allowed', '403 role', '401 unknown_key');

my $rename = [ 'PATCH', '/v1/workspaces/w1' ];
my $remove = [ 'HDEL', 'sendkit:roles:w1', 'u_owner' ];
my $restore = [ 'HSET', 'sendkit:roles:w1', u_owner => 'owner' ];

my $password_file = temp_dir() . '/password';

open my $out, '>', $password_file or die "$password_file: $!";
print $out 'PASSWORD';
close $out;


# What the pages give to a gateway with a cache, and to a key service.

my ($cache) = slurp("$Top/docs/caching.md")
              =~ /^\$ redis-cli ACL SETUSER nginx .*? (resetkeys .*)$/m;
my ($service) = slurp("$Top/docs/key-service.md")
                =~ /^ACL SETUSER nginx on >PASSWORD (resetkeys .*)$/m;
my @rights = (split(' ', $cache =~ tr/'//dr),
              grep { /^[+~]/ } split ' ', $service);

redis('ACL', 'SETUSER', 'nginx', 'on', '>PASSWORD', @rights);

my $gate = zone_gate(location => $KeyLocation,
                     more => "sendkit_auth_redis_user nginx;"
                             . "sendkit_auth_redis_password_file"
                             . " $password_file;");

like(redis('INFO', 'server'), qr/^server_name:valkey\r$/m, 'this is Valkey');
my @clients = grep { /\buser=nginx\b/ } split /\n/, redis('CLIENT', 'LIST');
cmp_ok(scalar @clients, '>=', 1, 'nginx is the user that it was told to be');


# Keys and roles.

is_allowed(ask($gate, 'owner', 'w1', $rename), 'owner', 'w1', 'an owner');
is_refused(ask($gate, 'member', 'w1', $rename), 403, 'role', 'a member');
is_refused(ask($gate, 'stranger', 'w1'), 403, 'role', 'a stranger');
is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key', 'no key');
is_refused(ask($gate, 'expired', 'w1'), 401, 'expired_key', 'an old key');
is_refused(ask($gate, 'broken', 'w1'), 503, 'store_error', 'a bad record');
is_allowed(ask($gate, 'workspace', 'w1', [ 'GET', '/v1/workspaces/w1' ]),
           'workspace', 'w1', 'a workspace');


# What changes is told.

sub is_changed {
    my ($name, $verdict, $then, @commands) = @_;

    told($gate, @commands);
    is(seen($gate, 'owner', 'w1', $rename), "$verdict miss, $verdict $then",
       $name);
    is(seen($gate, 'owner', 'w1', $rename),
       "$verdict $then, $verdict $then", "$name - cached");
}


sub starts_anew {
    my ($name) = @_;

    fresh_zone($gate);
    is(seen($gate, 'owner', 'w1', $rename), "$yes miss, $yes hit",
       "$name, before");
}


starts_anew('changes');
is_changed('role removed', $no, 'negative', $remove);
is_changed('role restored', $yes, 'hit', $restore);
is_changed('role removed in a transaction', $no, 'negative', [ 'MULTI' ],
           $restore, $remove, [ 'EXEC' ]);
is_changed('role restored by a script', $yes, 'hit',
           [ 'EVAL', "redis.call('HSET', KEYS[1], 'u_owner', 'owner')", 1,
             'sendkit:roles:w1' ]);
is_changed('key revoked', '401 inactive_key', 'hit',
           [ 'HSET', key('owner'), status => 'revoked' ]);
is_changed('key deleted', $gone, 'negative', [ 'DEL', key('owner') ]);

for my $flush ('FLUSHALL', 'FLUSHDB') {
    starts_anew($flush);
    is_changed($flush, $gone, 'negative', [ $flush ]);
}

starts_anew('a key expires');
redis('PEXPIRE', key('owner'), 1);
ok(wait_until(sub { seen($gate, 'owner', 'w1', $rename) =~ /^401.*, 401/ }),
   'a key expires - it is told');


# The key service, and what it has changed, by scripts that are unknown first.

sub manages {
    my ($name, $status, @request) = @_;

    my $before = counters($gate)->{invalidations};
    my $answer = manage($gate, 'owner', @request);

    is($answer->{status}, $status, $name);
    ok(wait_until(sub { counters($gate)->{invalidations} > $before }),
       "$name - is told") if $status < 400;

    return $answer->{body} =~ /"apiKey":"([^"]+)"/ ? $1 : undef;
}


sub is_seen {
    my ($key, $verdict, $then, $name) = @_;
    is(seen($gate, $key, 'w1'), "$verdict miss, $verdict $then", $name);
}


for my $round (1, 2) {
    fresh_zone($gate);
    redis('SCRIPT', 'FLUSH') if $round == 1;

    my $first = manages("create, $round", 201, 'POST');
    is_seen($first, $yes, 'hit', "create, $round - the key is good");
    manages("create again, $round", 409, 'POST');

    my $second = manages("rotate, $round", 200, 'POST', '/rotate');
    is_seen($first, $gone, 'negative', "rotate, $round - the old key");
    is_seen($second, $yes, 'hit', "rotate, $round - the new key");

    manages("delete, $round", 200, 'DELETE');
    is_seen($second, $gone, 'negative', "delete, $round - the key");
}


# The connection on which changes are told is cut.

starts_anew('cut');

for ([ $remove, $no, 'negative' ], [ $restore, $yes, 'hit' ]) {
    my ($command, $verdict, $then) = @$_;
    my $flushes = counters($gate)->{flushes};
    my @ids = subscribers();

    is(scalar @ids, 1, 'cut - one connection is told');
    pipeline([ 'CLIENT', 'KILL', 'ID', @ids ], $command);

    ok(wait_until(sub { counters($gate)->{flushes} > $flushes }),
       'cut - all is forgotten');
    is(seen($gate, 'owner', 'w1', $rename), "$verdict miss, $verdict $then",
       'cut - the change counts');
}


# A right is lost, and comes back.

unlike($gate->error_log, qr/NOPERM|NOAUTH|WRONGPASS/, 'the rights are enough');

fresh_zone($gate);
redis('ACL', 'SETUSER', 'nginx', '-hmget');
is_refused(ask($gate, 'owner', 'w1'), 503, 'store_error', 'without a right');
like($gate->error_log, qr/redis sent error "NOPERM /,
     'without a right - why is in the log');
redis('ACL', 'SETUSER', 'nginx', '+hmget');
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'with the right');

ends_well($gate, 'Valkey');
