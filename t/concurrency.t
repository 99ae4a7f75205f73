# Copyright (C) the ngx_sendkit_auth_module authors
#
# Many clients at once, while roles and keys change in Redis: as soon as Redis
# has confirmed a change, the next request is decided by it, or shares a lookup
# that is under way while others use the same key all the time, and the one
# after it is; those whose roles do not change never notice.
#
# Fails when something that was read is kept beyond the requests that waited
# for it (ngx_sendkit_auth_flight_free()), or when what was read for one request
# is given to another.

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Seed;

use SendkitAuth::Process qw( start_process stop_process slurp );
use Time::HiRes ();

my $flips = $Slow ? 20 : 50;
my $clients = 3;

redis('FLUSHALL');
redis(@$_) for @$Seed;

my %count;


# Clients that ask without a pause, until the file is there; the verdicts that
# they may see.  Those of "odd" change.  So do those of "quiet", whose key
# they do not have.

$Key{quiet} = 'sk_user_quiet-0123456789abcdef';

my %verdict = (owner => '200 owner', admin => '200 admin',
               member => '200 member', workspace => '200 none',
               stranger => '403 role', unknown => '401 unknown_key',
               expired => '401 expired_key', odd => 'any');
my $end = temp_dir() . '/end';


sub verdict_of {
    my ($answer, $who) = @_;

    return "$answer->{status} " . ($answer->{headers}{'x-reason'} // '-')
        if $answer->{status} != 200;

    my ($role) = $answer->{body} =~ /"X-Sendkit-Role":\["(\w+)"\]/;
    my ($id) = $answer->{body} =~ /"X-Sendkit-Key-Id":\["(\w+)"\]/;

    return 'of another key' if $id ne key_id($Key{$who});
    return '200 ' . ($role // 'none');
}


sub load {
    my ($gate, $seed) = @_;
    my $client = SendkitAuth::Wire->new($gate->port);
    my @who = sort keys %verdict;
    my %seen;

    srand $seed;

    # Also "odd" again and again, so that its lookups are under way.

    while (!-e $end) {
        my $who = rand() < 0.5 ? 'odd' : $who[rand @who];
        my $got = verdict_of($client->send(request_of($who, 'w1'))->answer,
                             $who);

        $got = 'any' if $who eq 'odd' && $got =~ /^(?:200|40[13]) \w+$/;
        $seen{$got eq $verdict{$who} ? 'right' : "wrong: $who $got"}++;

        # nginx ends a connection after a thousand requests.

        $client = SendkitAuth::Wire->new($gate->port)
            if ($seen{right} // 0) % 500 == 499;
    }

    print map { "$_ = $seen{$_}\n" } sort keys %seen;
}


# The next request, on a connection of its own and on one that was kept.

my $kept;

sub is_now {
    my ($gate, $who, $what, $expected) = @_;

    for my $client (SendkitAuth::Wire->new($gate->port), $kept) {
        my $got = verdict_after($client, $who, $expected);

        $count{$who}{$got eq $expected ? 'right' : "wrong: $what $got"}++;
    }
}


# A lookup of "odd" may be under way, from before the change, and be shared by
# the first request.  The second one, of the same worker, finds it over.

sub verdict_after {
    my ($client, $who, $expected) = @_;

    my $got = verdict_of($client->send(request_of($who, 'w1'))->answer, $who);

    return $got if $got eq $expected || $who ne 'odd';
    return verdict_of($client->send(request_of($who, 'w1'))->answer, $who);
}


sub flip {
    my ($gate, $who) = @_;
    my $key = 'sendkit:key:' . digest($Key{$who});

    redis('HSET', $key, type => 'platform', user => "u_$who");
    redis('HSET', 'sendkit:roles:w1', "u_$who", 'owner');
    is_now($gate, $who, 'owner', '200 owner');
    redis('HDEL', 'sendkit:roles:w1', "u_$who");
    is_now($gate, $who, 'no role', '403 role');
    redis('HSET', 'sendkit:roles:w1', "u_$who", 'member');
    is_now($gate, $who, 'member', '200 member');
    redis('DEL', $key);
    is_now($gate, $who, 'deleted', '401 unknown_key');
    redis('HSET', $key, type => 'platform', user => "u_$who");
    is_now($gate, $who, 'made again', '200 member');
    redis('HSET', $key, status => 'revoked');
    is_now($gate, $who, 'revoked', '401 inactive_key');
    redis('HDEL', $key, 'status');
    is_now($gate, $who, 'no longer revoked', '200 member');
}


# The same, without chance: Redis has read the record, and its reply is on the
# way when the key is revoked and the next request comes.  A lookup is shared by
# all who come before its reply, so a request can be decided by what was true
# sendkit_auth_redis_read_timeout ago, and no longer.

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $far = gate(redis => $fake->address);

for my $command ('hmget', 'hget') {
    $fake->mark->on($command => hold => $command, right => 1);

    my $early = SendkitAuth::Wire->new($far->port);
    $early->send(request_of('owner', 'w1'));
    wait_until(sub { $fake->commands($command) }) or die "nothing held";

    $command eq 'hmget'
        ? $fake->load([ 'HSET', 'sendkit:key:' . digest($Key{owner}),
                        status => 'revoked' ])
        : $fake->load([ 'HSET', 'sendkit:roles:w1', u_owner => 'none' ]);

    my $late = SendkitAuth::Wire->new($far->port);
    $late->send(request_of('owner', 'w1'));
    wait_until(sub { waiting($far) == 2 }) or die "not sent";
    $fake->release($command)->on($command);

    is_allowed($early->answer, 'owner', 'w1',
               "a reply to $command on its way is taken by who waits for it");
    # A role is asked for behind the reply that is held, so it is not shared.

    $command eq 'hmget'
        ? is_allowed($late->answer, 'owner', 'w1',
                     'a reply on its way is taken by who joins')
        : is_refused($late->answer, 403, 'role',
                     'a role is read after the reply on its way');
    is_refused(ask($far, 'owner', 'w1'),
               $command eq 'hmget' ? (401, 'inactive_key') : (403, 'role'),
               "a reply to $command that came is taken by nobody else");

    $fake->load([ 'HSET', 'sendkit:key:' . digest($Key{owner}),
                  status => 'active' ]);
}

ends_well($far, 'replies on their way');


for my $workers (1, 2) {
    my $gate = gate(workers => $workers);
    my @files = map { temp_dir() . "/load-$workers-$_" } 1 .. $clients;

    unlink $end;
    %count = ();
    $kept = SendkitAuth::Wire->new($gate->port);

    my @load = map { my $seed = $_;
                     start_process(sub { load($gate, $seed) }, $files[$_ - 1])
               } 1 .. $clients;

    for my $flip (1 .. $flips) {
        flip($gate, 'odd');
        flip($gate, 'quiet');
        $kept = SendkitAuth::Wire->new($gate->port) if $flip % 30 == 0;
    }

    open my $out, '>', $end or die "$end: $!";
    close $out;
    waitpid $_, 0 for @load;

    is("@{[ %{ $count{$_} } ]}", 'right ' . 14 * $flips,
       "$workers workers - each change holds for the next request of $_")
        for 'odd', 'quiet';

    my %seen;
    for (map { split /\n/, slurp($_) } @files) {
        my ($what, $n) = /^(.*) = (\d+)$/ ? ($1, $2) : ($_, 1);
        $seen{$what} += $n;
    }

    my $right = delete $seen{right};
    is("@{[ sort %seen ]}", '', "$workers workers - others never notice");
    cmp_ok($right, '>', $flips, "$workers workers - there were others")
        and Test::More::note("$right requests");
    ends_well($gate, "$workers workers");
}
