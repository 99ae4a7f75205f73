# Copyright (C) the ngx_sendkit_auth_module authors
#
# The gateway asks the Sentinels who the master is, and asks only the master.
# As long as one Sentinel knows it, one that is away or slow does no harm.
# Without a master it is 503 and never 401 or 403.
#
# Fails when the first Sentinel alone is asked, when a server is used that says
# that it is none, when the database or the credentials of one kind of
# server are used for the other, when a role that is removed on the master
# stays in the cache, when who waits is not told that nobody knows the master
# (ngx_sendkit_auth_redis_news()), or waits though that is plain
# (ngx_sendkit_auth_redis_pass()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( slurp );
use SendkitAuth::Seed;
use SendkitAuth::Sentinel;
use SendkitAuth::Zone;

my $files = 0;

# A Sentinel that is asked in vain must not cost the time of the request.

my $time = $Slow ? '1s' : '300ms';
my @times = (connect => $time, read => $time);


sub password_file {
    my ($bytes) = @_;

    my $file = temp_dir() . '/password' . ++$files;
    open my $out, '>:raw', $file or die "$file: $!";
    print $out $bytes;
    close $out;

    return $file;
}


sub works {
    my ($gate, $name) = @_;

    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', "$name - allowed");
    is_refused(ask($gate, 'stranger', 'w1'), 403, 'role', "$name - refused");
    is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key',
               "$name - unknown");
    is_allowed(ask($gate, 'workspace', 'w1'), 'workspace', 'w1',
               "$name - allowed again");
}


# Each request, not only the first one.

sub is_outage {
    my ($gate, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $Upstream->mark;
    my %seen;
    for my $who (qw( owner stranger unknown workspace ) x 2) {
        my $answer = ask($gate, $who, 'w1');
        my $reason = $answer->{headers}{'x-reason'} =~ s/_.*//r;
        $seen{"$answer->{status} $reason"} = 1;
    }

    is(join(', ', sort keys %seen), '503 store', "$name - 503");
    is_forwarded_never($name);
}


sub lookups {
    my ($node) = @_;

    my $stats = $node->commandstats;
    return ($stats->{hget} // 0) + ($stats->{hmget} // 0);
}


my $set = SendkitAuth::Sentinel->new->seed;
my ($master, $replica) = $set->nodes;

# Who is asked.

my $gate = gate(redis => $set->address);

works($gate, 'three Sentinels');
cmp_ok(lookups($master), '>=', 4, 'the master is asked');
is(lookups($replica), 0, 'the replica is not');

# Names and databases.

$master->command('SELECT', 3);
$master->command(@$_) for @$Seed, [ 'HSET', 'sendkit:roles:w1', u_odd =>
                                    'member' ];
$master->command('SELECT', 0);

{
    my $other = gate(redis => $set->address . '/3');

    is_allowed_as($other, 'odd', 'member');
    is_refused(ask($gate, 'odd', 'w1'), 403, 'role',
               'the first database has another role');
    ends_well($other, 'a database');

    $other = gate(redis => $set->address =~ s/mymaster/another/r);
    is_outage($other, 'a name that no Sentinel knows');
    ends_well($other, 'a name that no Sentinel knows');
}


sub is_allowed_as {
    my ($gate, $who, $role) = @_;

    my $answer = ask($gate, $who, 'w1');
    is($answer->{status}, 200, "$who is allowed")
        or diag($answer->{headers}{'x-reason'});
    like($answer->{body}, qr/"X-Sendkit-Role":\["$role"\]/, "as $role");
}


# Some Sentinels are away, also the one that was asked last.

my @sentinels = $set->sentinels;

for my $away (0 .. 2) {
    my $name = "Sentinel $away is stopped";

    $sentinels[$away]->stop;
    my $late = gate(redis => $set->address, @times);
    works($late, $name);
    $sentinels[$away]->cont;
    ends_well($late, $name);
}

$sentinels[0]->kill9;
$sentinels[1]->kill9;

{
    my $late = gate(redis => $set->address, @times);
    works($late, 'two Sentinels are gone');
    works($gate, 'two Sentinels are gone later');

    $sentinels[2]->kill9;
    works($late, 'the last Sentinel is gone, the master is not');

    my $in_vain = gate(redis => $set->address, @times);
    is_outage($in_vain, 'no Sentinel');

    $sentinels[1]->start;
    recovers($in_vain, 'a Sentinel is back');
    works($in_vain, 'a Sentinel is back');
    ends_well($_, 'no Sentinel') for $late, $in_vain;
}

$_->start for @sentinels[0, 2];
$set->introduce;

# What a Sentinel says is not believed: a replica, which says so, an answer
# that is none, nobody there.

for my $case ([ 'a replica', $replica->port ],
              [ 'a port where nobody is', free_port() ],
              [ 'a port that is none', 'x' ], [ 'port 0', 0 ],
              [ 'a port that is too large', 65536 + $master->port ])
{
    my ($name, $port) = @$case;
    my $fake = SendkitAuth::FakeRedis->new(tcp => 1);

    $fake->names("127.0.0.1:$port", 1);

    my $address = $fake->address =~ s/^redis/sentinel/r . '/mymaster';
    my $misled = gate(redis => $address, @times);

    is_outage($misled, "the Sentinel names $name");
    $fake->names('127.0.0.1:' . $master->port, 1);
    recovers($misled, "it named $name");
    ends_well($misled, "the Sentinel names $name");
}

for my $case ([ 'nothing', "*-1\r\n" ], [ 'nil', "\$-1\r\n" ],
              [ 'a number', ":1\r\n" ], [ 'one word', "*1\r\n\$1\r\nx\r\n" ],
              [ 'a name', "*2\r\n\$11\r\nnot.a.host.\r\n\$4\r\n6379\r\n" ],
              [ 'an error', "-ERR no\r\n" ], [ 'OK', "+OK\r\n" ])
{
    my ($name, $bytes) = @$case;

    for my $command ('get-master-addr-by-name', 'master') {
        my $fake = SendkitAuth::FakeRedis->new(tcp => 1);

        $fake->names('127.0.0.1:' . $replica->port, 99);
        $fake->on("sentinel $command" => send => $bytes);

        my $second = $set->address =~ s{^.*//}{}r;
        my $address = $fake->address =~ s/^redis/sentinel/r . ",$second";
        my $misled = gate(redis => $address, @times);

        works($misled, "the first Sentinel says $name to $command, the second "
                       . 'is asked');
        ends_well($misled, "the first Sentinel says $name to $command");
    }
}

# Nobody has ever said who it is.  A request that waits for that is told as soon
# as it is plain, and the next ones do not wait for another attempt.

{
    my $name = 'nobody has ever said';
    my $mute = SendkitAuth::FakeRedis->new(tcp => 1);
    my $address = $mute->address =~ s/^redis/sentinel/r . '/mymaster';

    $mute->on('sentinel master' => hold => 'for ever');
    my $patient = gate(redis => $address, read => '2s', timeout => '20s');
    is_refused(ask($patient, 'owner', 'w1'), 503, 'store_down',
               "$name - one that waits");
    ends_well($patient, $name);

    $mute->on(connect => close => 1);
    my $quick = gate(redis => $address, timeout => $Slow ? '2s' : '400ms');
    is(ask($quick, 'owner', 'w1')->{status}, 503, "$name - 503");
    $mute->mark;
    ok(wait_until(sub { $mute->events('connect') >= 8 }, 20),
       "$name - asked again and again, after longer and longer pauses");
    is_refused(ask($quick, 'owner', 'w1'), 503, 'store_down',
               "$name - in the pause, $_") for 1 .. 5;

    $mute->on('connect');
    $mute->names('127.0.0.1:' . $master->port, 1);
    recovers($quick, $name);
    ends_well($quick, $name);
}

# With a cache: what changes on the master is told.

{
    my $cached = zone_gate(redis => $set->address);
    my ($yes, $no) = ('200 allowed', '403 role');

    is(seen($cached, 'admin', 'w1'), "$yes miss, $yes hit", 'cached');

    $master->command('HDEL', 'sendkit:roles:w1', 'u_admin');
    ok(wait_until(sub { seen($cached, 'admin', 'w1')
                        =~ /^$no \w+, $no \w+$/ }, 5), 'a role is removed');
    $master->command('HSET', 'sendkit:roles:w1', u_admin => 'admin');
    ok(wait_until(sub { seen($cached, 'admin', 'w1')
                        =~ /^$yes hit, $yes hit$/ }, 5), 'and given again');
    ends_well($cached, 'cached');
}

ends_well($gate, 'the first one');
