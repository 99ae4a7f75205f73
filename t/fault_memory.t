# Copyright (C) the ngx_sendkit_auth_module authors
#
# Allocations fail, each one of those that a request makes, and several in a
# row: what could not be decided is 5xx or no answer, never 401, 403 or 200
# in its place, the worker goes on, and the next request is as ever.
#
# Fails when an allocation is not checked: of a command
# (ngx_sendkit_auth_redis_command()), of the buffer of a connection
# (ngx_sendkit_auth_redis_conn_grow()).

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Process qw( slurp );
use SendkitAuth::Redis;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

# A sanitizer or valgrind has an allocator of its own.

if ($Slow) {
    pass('the allocator is not that of the C library');
    exit;
}

my $library = temp_dir() . '/fail_malloc.so';
my $control = temp_dir() . '/fail_malloc';
my %verdict = (owner => 200, stranger => 403, unknown => 401);

system('gcc', '-Wall', '-Wextra', '-Werror', '-O1', '-shared', '-fPIC', '-o',
       $library, "$SendkitAuth::Top/t/preload/fail_malloc.c") == 0
    or die "cannot build $library\n";

tell_it(0, 0);

my ($hot, $cold) = do {
    local $ENV{LD_PRELOAD} = $library;
    local $ENV{SENDKIT_AUTH_FAIL_MALLOC} = $control;
    (zone_gate(workers => 1), gate(timeout => '500ms'));
};


# A worker that fails while it starts is not started again.

is_allowed(ask($_, 'owner', 'w1'), 'owner', 'w1', 'before') for $hot, $cold;


# The file is mapped by nginx, so it is written in place.

sub tell_it {
    my ($after, $then) = @_;

    open my $file, -e $control ? '+<:raw' : '>:raw', $control
        or die "$control: $!";
    print $file pack 'l3', $after, $then, 0;
    close $file;
}


sub failed { return (unpack 'l3', slurp($control))[2] }


# Somebody asks while allocations fail, and again when they do not.

sub survives {
    my ($name, $gate, $who, $after, $then) = @_;

    tell_it($after, $then);
    my $status = ask($gate, $who, 'w1')->{status};
    my $failed = failed();
    tell_it(0, 0);

    my $may = $failed ? "(?:$verdict{$who}|50[03]|0)" : $verdict{$who};
    my $then_status = wait_until(sub {
        my $status = ask($gate, $who, 'w1')->{status};
        return $status != 503 && $status;
    }, 2) // 503;

    push @{ $name->{wrong} }, "$who, allocation $after: $status, $then_status"
        if $status !~ /^$may$/ || $then_status != $verdict{$who};

    $name->{seen}{$status}++;
    return $failed;
}


# Each allocation in turn, until there are no more; $before makes a request one
# that has to do more.

sub sweep {
    my ($name, $gate, $then, $before) = @_;

    my @workers = $gate->workers;
    my %found = (wrong => []);

    for my $who (sort keys %verdict) {
        for my $after (1 .. 500) {
            $before->() if $before;
            last if !survives(\%found, $gate, $who, $after, $then);
            $found{failed}++;
        }
    }

    is("@{ $found{wrong} }", '', "$name - nobody got another's verdict");
    is("@{[ $gate->workers ]}", "@workers", "$name - the worker has survived");
    cmp_ok($found{failed}, '>', 10, "$name - some failed");
    Test::More::note("$name: $found{failed} allocations failed, statuses ",
         join ', ', map { "$found{seen}{$_} x $_" } sort keys %{ $found{seen} });
}


sub disconnect {
    redis('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
}


for my $then (1, 3) {
    sweep("cold, $then fail", $cold, $then);
    sweep("cold, a new connection, $then fail", $cold, $then, \&disconnect);
    sweep("hot, $then fail", $hot, $then);
}

sweep('hot, all are forgotten, 1 fails', $hot, 1,
      sub { redis('PUBLISH', '__redis__:invalidate', 'all of it') });

# The channel is made anew.

my %channel = (wrong => []);

for my $after (1 .. 60) {
    tell_it($after, 2);
    redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
    my $status = ask($hot, 'owner', 'w1')->{status};
    push @{ $channel{wrong} }, $status if $status !~ /^(?:200|50[03]|0)$/;
    tell_it(0, 0);
}

is("@{ $channel{wrong} }", '', 'the channel - nobody was refused');
channel_is($hot, 'up', 'the channel');
ok(wait_until(sub { seen($hot, 'owner', 'w1') eq '200 allowed hit' }),
   'the channel - the cache is used again');

my $allocation = qr/alloc|memalign|client intended|while reading client/;
ends_well($_, 'memory', $allocation) for $cold, $hot;
