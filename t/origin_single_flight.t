# Copyright (C) the ngx_sendkit_auth_module authors
#
# However many want to know one thing at a time, the origin is asked once by
# each worker.  An origin that was slow already must not be asked by all.
#
# Fails when a request that comes while the question is under way asks again,
# when one that waits gets another one's answer, or when a question is kept
# after its answer.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Origin;
use SendkitAuth::Seed;

my @many = map { sprintf 'sk_user_many-%016d', $_ } 1 .. 100;

my $origin = origin(
    map { [ $many[$_], 'w1', 200, 'X-Sendkit-Key-Type: platform',
            "X-Sendkit-User-Id: u_many_$_", 'X-Sendkit-Role: member' ] }
        0 .. $#many);
my $gate = gate($origin->gate(timeout => '30s', read => '30s'));


# All are under way before the origin says anything.

sub together {
    my ($gate, @asked) = @_;

    $origin->stop;
    my @clients = map {
        SendkitAuth::Wire->new($gate->port)->send(request_of(@$_))
    } @asked;
    wait_until(sub { waiting($gate) == @asked }, 30) or die "not sent";
    $origin->cont;

    return map { my $answer = $_->answer; $_->close; $answer } @clients;
}


sub how_many {
    my ($code, @list) = @_;
    return scalar grep { $code->() } @list;
}


# One key.

fresh($origin);
my @answers = together($gate, ([ 'owner', 'w1' ]) x 100);
is_allowed($_, 'owner', 'w1', 'one of a hundred') for @answers;
is_asked($origin, 'owner:w1', 'a hundred with one key');
is(scalar $Upstream->requests, 100, 'a hundred reached the backend');
is_stored('a hundred', 'key:owner type=platform user=u_owner, expires',
          'roles:w1 u_owner=owner, expires');

is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'one more');
is_asked($origin, 'owner:w1', 'one more');

# One key that nobody knows.

fresh($origin);
@answers = together($gate, ([ 'unknown', 'w1' ]) x 100);
is_refused($_, 401, 'unknown_key', 'one of a hundred unknown') for @answers;
is_asked($origin, 'unknown:w1', 'a hundred with an unknown key');
is_forwarded_never('a hundred with an unknown key');

# One role.

fresh($origin, record($Key{owner}, type => 'platform', user => 'u_owner'));
@answers = together($gate, ([ 'owner', 'w1' ]) x 100);
is_allowed($_, 'owner', 'w1', 'one of a hundred for a role') for @answers;
is_asked($origin, 'owner:w1:u_owner', 'a hundred for a role');

# An error is everybody's, and nobody's afterwards.

$origin->set([ 'owner', undef, 500 ]);
fresh($origin);
@answers = together($gate, ([ 'owner', 'w1' ]) x 100);
is_refused($_, 503, 'store_error', 'one of a hundred errors') for @answers;
is_asked($origin, 'owner:w1', 'a hundred errors');
is_stored('a hundred errors');
$origin->set(
    map { [ $many[$_], 'w1', 200, 'X-Sendkit-Key-Type: platform',
            "X-Sendkit-User-Id: u_many_$_", 'X-Sendkit-Role: member' ] }
        0 .. $#many);
$origin->mark;
is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', 'after the errors');
is_asked($origin, 'owner:w1', 'after the errors');


# Different keys: each has its own answer.

fresh($origin);
@answers = together($gate, map { [ $_, 'w1' ] } @many);
my @wrong = grep { $answers[$_]{status} != 200 || $answers[$_]{body}
                   !~ /"X-Sendkit-User-Id":\["u_many_$_"\]/ } 0 .. $#many;
is("@wrong", '', 'a hundred keys - each has its own user');
is(scalar $origin->questions, 100, 'a hundred keys - a hundred questions');
is(redis('HLEN', 'sendkit:roles:w1'), 100, 'a hundred keys - all roles');
is(redis('DBSIZE'), 101, 'a hundred keys - all records');

# Different workspaces of one key, and with none.

fresh($origin);
@answers = together($gate, ([ 'owner', 'w1' ]) x 20, ([ 'owner', 'w2' ]) x 20,
                    ([ 'owner', undef, [ 'GET', '/v1/account' ] ]) x 20);
is_allowed($_, 'owner', 'w1', 'one key, two workspaces') for @answers[0 .. 19];
is_allowed($_, 'owner', 'w2', 'one key, two workspaces')
    for @answers[20 .. 39];
is_allowed($_, 'owner', undef, 'one key, no workspace') for @answers[40 .. 59];
cmp_ok(scalar $origin->questions, '<=', 5,
       'one key, two workspaces - a question for each, and a role at most');

# All kinds at once.

fresh($origin);
my @who = qw( owner admin member stranger workspace unknown );
@answers = together($gate, map { ([ $_, 'w1' ]) x 10 } @who);

for my $i (0 .. $#answers) {
    my $who = $who[$i / 10];

    $who eq 'stranger'
        ? is_refused($answers[$i], 403, 'role', "mixed - $who")
        : $who eq 'unknown'
            ? is_refused($answers[$i], 401, 'unknown_key', "mixed - $who")
            : is_allowed($answers[$i], $who, 'w1', "mixed - $who");
}

is(join(' ', sort $origin->asked),
   'admin:w1 member:w1 owner:w1 stranger:w1 unknown:w1 workspace',
   'mixed - a question each');
ends_well($gate, 'one worker');


# Two workers know nothing of each other's questions.

$gate = gate($origin->gate(timeout => '30s', read => '30s', workers => 2));

for my $round (1 .. 3) {
    fresh($origin);
    @answers = together($gate, ([ 'owner', 'w1' ]) x 100);
    is(how_many(sub { $_->{status} == 200 }, @answers), 100,
       "two workers, round $round - all are allowed");

    # One may find the record of the other when its role is not there yet.

    my @asked = $origin->asked;
    my %times;
    $times{$_}++ for @asked;
    ok(!(grep { $times{$_} > 2 } keys %times),
       "two workers, round $round - a question at most twice")
        or diag("@asked");
    is_stored("two workers, round $round",
              'key:owner type=platform user=u_owner, expires',
              'roles:w1 u_owner=owner, expires');
}

ends_well($gate, 'two workers');
