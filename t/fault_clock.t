# Copyright (C) the ngx_sendkit_auth_module authors
#
# Somebody sets the time of nginx's machine, back or forward, by seconds or by
# years: records end by the time of day as it is now, and nothing else notices,
# neither the cache nor what waits for Redis.
#
# Fails when the life of an entry, the lease, or a timeout is counted in the time
# of day (ngx_sendkit_auth_clock()), or when the end of a record is not looked at
# each time (ngx_sendkit_auth_access_decide()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Redis;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my $library = temp_dir() . '/set_clock.so';
my $control = temp_dir() . '/set_clock';
my ($hour, $year) = (3600, 366 * 86400);

system('gcc', '-Wall', '-Wextra', '-Werror', '-O1', '-shared', '-fPIC', '-o',
       $library, "$SendkitAuth::Top/t/preload/set_clock.c") == 0
    or die "cannot build $library\n";

set_clock(0);

my ($hot, $cold) = do {
    local $ENV{LD_PRELOAD} = $library;
    local $ENV{SENDKIT_AUTH_SET_CLOCK} = $control;
    (zone_gate(lease => '1s', read => '200ms', timeout => '300ms'),
     gate(read => '200ms', timeout => '300ms'));
};


# The file is mapped by nginx, so it is written in place.

sub set_clock {
    my ($seconds) = @_;

    open my $file, -e $control ? '+<:raw' : '>:raw', $control
        or die "$control: $!";
    print $file pack 'q', $seconds;
    close $file;
}


# The member's record ends in half an hour.

redis(@{ record($Key{member}, expires => time + $hour / 2) });
channel_is($hot, 'up', 'before');

for my $off ($hour, -$hour, 3, -30 * $year, 10 * $year, 0) {
    my $name = "$off s";
    my $member = $off > $hour / 2 ? '401 expired_key' : '200 allowed';

    seen($hot, $_, 'w1') for qw( owner member stranger );

    my $flushes = counters($hot)->{flushes};

    set_clock($off);

    is(seen($hot, 'owner', 'w1'), '200 allowed hit, 200 allowed hit',
       "$name - hot - from the cache");
    is(seen($hot, 'stranger', 'w1'),
       '403 role negative, 403 role negative', "$name - hot - a cached no");
    like(seen($hot, 'member', 'w1'), qr/^$member hit, $member hit$/,
         "$name - hot - a record ends by the time of day");
    is(ask($cold, 'owner', 'w1')->{status}, 200, "$name - cold - the owner");
    is(ask($cold, 'member', 'w1')->{status}, substr($member, 0, 3),
       "$name - cold - the record that ends");

    # The cache lives on, for longer than the lease.

    my %seen;
    my $end = Time::HiRes::time() + ($Slow ? 2 : 1.2);

    wait_until(sub {
        $seen{ seen($hot, 'owner', 'w1') }++;
        return Time::HiRes::time() > $end;
    });

    is("@{[ keys %seen ]}", '200 allowed hit, 200 allowed hit',
       "$name - hot - nothing is forgotten");
    is(counters($hot)->{flushes}, $flushes, "$name - hot - no flush");
}

# While somebody waits: neither longer nor shorter.

redis_server()->stop;

for ([ $cold, $hour ], [ $hot, -$hour ]) {
    my ($gate, $off) = @$_;
    my $client = SendkitAuth::Wire->new($gate->port);
    my $began = Time::HiRes::time();

    set_clock(0);
    $client->send(request_of('unknown', 'w1'));
    wait_until(sub { waiting($gate) == 1 }, 0.2);
    set_clock($off);

    like($client->answer->{headers}{'x-reason'}, qr/^store_/,
         "$off s - who waits is refused");
    cmp_ok(Time::HiRes::time() - $began, '<', $Slow ? 5 : 2,
           "$off s - in time");
}

redis_server()->cont;
set_clock(0);
recovers($cold, 'the time is right again');
ends_well($_, 'clock') for $cold, $hot;
