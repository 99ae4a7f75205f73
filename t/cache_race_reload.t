# Copyright (C) the ngx_sendkit_auth_module authors
#
# A reload between a question and its reply: what the old worker is told late
# is not kept when the new worker, which is the one that is told of changes by
# then, knows better.
#
# Fails when an entry is stored with the generation of the time when it is
# stored (ngx_sendkit_auth_cache_watch()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;

my $fake = SendkitAuth::FakeRedis->new->load(@$Seed);
my $gate = zone_gate($fake);
my ($old) = $gate->workers;

is(shown($gate, 'owner', 'w1'), '200 miss', 'a record is kept');

# The old worker waits for the role of the admin; the new one serves.

$fake->mark->on(hget => hold => 'reply', right => 1);
my $late = SendkitAuth::Wire->new($gate->port);
$late->send(request_of('admin', 'w1'));
wait_until(sub { $fake->commands('hget') }) or die 'nothing asked';
$fake->on('hget');

$gate->reload;
wait_until(sub { my $client = SendkitAuth::Wire->new($gate->port);
                 my $answer = $client->request('GET', '/zone');
                 $answer->{headers}{'x-worker'} != $old })
    or die 'the old worker still serves';
ok(wait_until(sub { my ($new) = grep { $_ != $old } $gate->workers;
                    subscriber($fake) == $new }),
   'the new worker has subscribed');

is(shown($gate, 'owner', 'w1'), '200 hit', 'the record is still kept');

change($gate, $fake, [ 'HSET', 'sendkit:roles:w1', u_admin => 'member' ]);
is(scalar(grep { $_ == $old } $gate->workers), 1,
   'the old worker is still there');
$fake->release('reply');

my $answer = $late->answer;
is($answer->{headers}{'x-worker'}, $old, 'the old worker answers');
is_allowed($answer, 'admin', 'w1', 'with what it was told');
wait_until(sub { $gate->workers == 1 }) or die 'the old worker does not end';

$answer = ask($gate, 'admin', 'w1');
is(shown_of($answer), '200 miss', 'the new one asks');
like($answer->{body}, qr/"X-Sendkit-Role":\["member"\]/, 'and is told more');
is(shown($gate, 'admin', 'w1'), '200 hit', 'and keeps that');

ends_well($gate, 'reload');
run_tests();

__DATA__
