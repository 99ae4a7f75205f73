# Copyright (C) the ngx_sendkit_auth_module authors
#
# Many who make, rotate and delete the key of one workspace at the same time,
# with two workers: there is never more than one key, and who is told a key
# that was not replaced has the one that works.
#
# Fails when a change is more than one step in Redis, when the service writes
# without the condition that the key is still the one that it has seen, or when
# two requests share the reply to one change.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Seed;
use Test::More;

use SendkitAuth::Process qw( start_process slurp );

my $path = '/v1/workspaces/w1/api-key';
my $gate = keys_gate(workers => 2);
my $end = temp_dir() . '/end';

creates();
rotates();
deletes();
mixtures();

ends_well($gate, 'nginx');


sub seed {
    redis('FLUSHALL');
    redis(@$_) for @$KeySeed;
    $Upstream->mark;
}


# Sends the request on so many connections, which are accepted by both
# workers, and returns the answers.

sub at_once {
    my ($n, $method, $uri) = @_;

    my @clients = map { SendkitAuth::Wire->new($gate->port) } 1 .. $n;
    $_->request('GET', '/open') for @clients;
    $_->send(request_of('owner', undef, [ $method, $uri ])) for @clients;
    my @answers = map { $_->answer } @clients;
    $_->close for @clients;

    return @answers;
}


sub statuses {
    my %seen;
    $seen{$_->{status}}++ for @_;
    return join ' ', map { "$_: $seen{$_}" } sort keys %seen;
}


sub keys_of { return map { $_->{body} =~ /($AnyKey)/ } @_ }


sub creates {
    for my $round (1 .. 5) {
        my $name = "100 that create, round $round";

        seed();
        my @answers = at_once(100, 'POST', $path);

        is(statuses(@answers), '201: 1 409: 99', "$name - one key is made");
        my ($key) = keys_of(@answers);
        is_stored($key, 'w1', 'u_owner', "$name - is the one in Redis");
        is(ask($gate, $key, 'w1')->{status}, 200, "$name - works");
    }
}


# As long as the service has to start over it may give up.

sub rotates {
    for my $n (2, 10, 100) {
        my $name = "$n that rotate";

        seed();
        my $first = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
                           "$name - the first key");
        my @answers = at_once($n, 'POST', "$path/rotate");
        my @told = keys_of(@answers);

        like(statuses(@answers), qr/^200: \d+(?: 503: \d+)?$/,
             "$name - get a key, or 503");
        cmp_ok(scalar @told, '==', (grep { $_->{status} == 200 } @answers),
               "$name - each 200 has a key");
        note(statuses(@answers));
        is(scalar keys %{ { map { $_ => 1 } @told } }, scalar @told,
           "$name - each key is told once");

        my @alive = grep { ask($gate, $_, 'w1')->{status} != 401 }
                         $first, @told;
        is(scalar @alive, 1, "$name - one key is alive");
        is(digest($alive[0] // ''), whole('w1'), "$name - it is the last");
    }
}


sub deletes {
    my $name = '100 that delete';

    seed();
    is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner', "before $name");
    is(statuses(at_once(100, 'DELETE', $path)), '200: 1 404: 99',
       "$name - one has done it");
    is_stored(undef, 'w1', undef, "$name - it is gone");
}


# Clients that do one thing after the other, until the file is there; what
# they were told.

sub load {
    my ($seed) = @_;
    my $client = SendkitAuth::Wire->new($gate->port);
    my @requests = ([ 'POST', $path ], [ 'POST', "$path/rotate" ],
                    [ 'POST', "$path/rotate" ], [ 'DELETE', $path ],
                    [ 'GET', $path ]);

    srand $seed;

    for (my $n = 1; !-e $end; $n++) {
        my $request = $requests[rand @requests];
        my $answer = $client->send(request_of('owner', undef, $request))
                            ->answer;

        print "@$request $answer->{status}",
              map({ ' ' . digest($_) } keys_of($answer)), "\n";

        # nginx ends a connection after a thousand requests.

        $client = SendkitAuth::Wire->new($gate->port) if $n % 500 == 0;
    }
}


sub mixtures {
    my $name = 'clients that do all of it';
    my @files = map { temp_dir() . "/load-$_" } 1 .. 6;
    my (%seen, %broken);

    seed();
    my @load = map { my $n = $_; start_process(sub { load($n) }, $files[$n]) }
                   0 .. $#files;

    # Each time that one looks, pointer and record agree.

    wait_until(sub {
        my $digest = whole('w1');

        $digest =~ /^(?:none|[0-9a-f]{64})$/ ? $seen{$digest}++
                                             : $broken{$digest}++;
        return keys %seen >= ($Slow ? 50 : 200);
    }, $Slow ? 60 : 20);

    open my $out, '>', $end or die "$end: $!";
    close $out;
    waitpid $_, 0 for @load;

    is(join("\n", keys %broken), '', "$name - never see half a change");
    cmp_ok(scalar keys %seen, '>', 20, "$name - make changes");

    my @lines = map { split /\n/, slurp($_) } @files;
    my %told = map { s{ /\S*?(/rotate)? (\d+)(?: \w+)?$}{($1 // '') . " $2"}er
                     => 1 } @lines;
    my @expected = ('DELETE 200', 'DELETE 404', 'GET 200', 'GET 404',
                    'POST 201', 'POST 409', 'POST/rotate 200',
                    'POST/rotate 404');

    # 503 where a change had to start over too often.

    is(join("\n", sort grep { !/^(?:DELETE|POST\/rotate) 503$/ } keys %told),
       join("\n", @expected), "$name - are told one of these");
    note(scalar(@lines) . " requests");

    my %made = map { /\b([0-9a-f]{64})$/ ? ($1 => 1) : () } @lines;
    my $digest = whole('w1');

    ok($digest eq 'none' || $made{$digest},
       "$name - the key that is left was told to somebody");
    is(scalar(grep { $made{$_} } map { /([0-9a-f]{64})$/ }
                   @{ redis('KEYS', 'sendkit:key:*') }),
       $digest eq 'none' ? 0 : 1, "$name - no other one is left");
    is_forwarded_never($name);
}
