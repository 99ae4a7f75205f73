# Copyright (C) the ngx_sendkit_auth_module authors
#
# What Redis said before a change, and what arrives after nginx was told of
# that change, answers the request that asked, and no other.
#
# Fails when an entry is stored with the generation of the time when it is
# stored, instead of that when the question was sent
# (ngx_sendkit_auth_cache_watch()).

use SendkitAuth;
use SendkitAuth::FakeRedis;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Seed;
use SendkitAuth::ZoneGate;

my $key = 'sk_user_race-0123456789abcdef';

my $record = record($key, type => 'platform', user => 'u_race');
my $role = [ 'HSET', 'sendkit:roles:w1', u_race => 'admin' ];

my %races = (
    'a record, deleted' => {
        command => 'hmget', before => [ $record, $role ],
        change => [ 'DEL', $record->[1] ],
        late => '200 miss', then => '401 unknown_key' },
    'a record, made inactive' => {
        command => 'hmget', before => [ $record, $role ],
        change => [ @$record, status => 'revoked' ],
        late => '200 miss', then => '401 inactive_key' },
    'no record, created' => {
        command => 'hmget', before => [ $role ], change => $record,
        late => '401 unknown_key miss', then => '200' },
    'a role, deleted' => {
        command => 'hget', before => [ $record, $role ],
        change => [ 'DEL', $role->[1] ],
        late => '200 miss', then => '403 role' },
    'a role, another one' => {
        command => 'hget', before => [ $record, $role ],
        change => [ 'HSET', $role->[1], u_race => 'member' ],
        late => '200 miss', then => '403 role' },
    'no role, given' => {
        command => 'hget', before => [ $record ], change => $role,
        late => '403 role miss', then => '200' },
);

for my $name (sort keys %races) {
    my $race = $races{$name};
    my $fake = SendkitAuth::FakeRedis->new->load(@{ $race->{before} });
    my $gate = zone_gate($fake);

    # Admins and owners may do that.

    my @request = ($key, 'w1', [ 'DELETE', '/v1/workspaces/w1/api-key' ]);

    $fake->on($race->{command}, hold => 'reply', right => 1);

    my $late = SendkitAuth::Wire->new($gate->port);
    $late->send(request_of(@request));
    wait_until(sub { $fake->commands($race->{command}) })
        or die 'nothing asked';

    change($gate, $fake, $race->{change});
    ok($late->is_silent, "$name - the reply is held");

    $fake->on($race->{command})->release('reply');
    is(shown_of($late->answer), $race->{late},
       "$name - it answers the request that waits");

    like(shown($gate, @request), qr/^\Q$race->{then}\E miss$/,
         "$name - the next one is told what is true");
    like(shown($gate, @request), qr/^\Q$race->{then}\E (?:hit|negative)$/,
         "$name - and that is kept");
    ends_well($gate, $name);
}

run_tests();

__DATA__
