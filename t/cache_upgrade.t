# Copyright (C) the ngx_sendkit_auth_module authors
#
# The binary of nginx is upgraded on the fly (USR2, WINCH, QUIT) under load,
# twice, while roles and keys change in Redis: no request fails and no verdict
# is wrong.  The new nginx has a zone and a subscriber of its own; after a
# reload both processes have the same zone.
#
# Fails when ngx_sendkit_auth_cache_invalidate() does nothing.

use SendkitAuth;
use SendkitAuth::Process qw( slurp );
use SendkitAuth::RoleLoad;

my $bound = $Slow ? 10 : 2;
my $lease = $Slow ? '60s' : '6s';
my ($dir, @masters);


# nginx heeds USR2 only if its parent has changed since it was started, as that
# of a daemon has.

sub start_daemon {
    my $nginx = bless { main => '', workers => 2, log_level => 'notice',
                        http => SendkitAuth::RoleLoad::conf($lease),
                        dir => temp_dir() . '/daemon', port => free_port() },
                      'SendkitAuth::Nginx';

    $dir = $nginx->dir;
    mkdir $dir or die "mkdir $dir failed: $!";
    $nginx->write_conf;

    my $conf = slurp("$dir/nginx.conf");
    $conf =~ s/^daemon off;$/daemon on;/m;
    open my $out, '>', "$dir/nginx.conf" or die "$dir/nginx.conf: $!";
    print $out $conf;
    close $out;

    # A master process runs what it was run as, without a search in PATH.

    my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';
    chomp($binary = qx(command -v "$binary"));

    system($binary, '-p', $dir, '-e', "$dir/error.log",
           '-c', "$dir/nginx.conf") == 0
        or die "nginx does not start\n", $nginx->error_log;

    return $nginx;
}


# The master process that nginx.pid names, when it is not this one any more.

sub next_master {
    my ($nginx, $old) = @_;

    wait_until(sub {
        my ($pid) = slurp("$dir/nginx.pid") =~ /^(\d+)\n/;
        $nginx->{pid} = $pid if $pid && $pid != $old;
        return $pid && $pid != $old && $nginx->workers >= 2;
    }, 30) or die "no new master process\n", $nginx->error_log;

    push @masters, $nginx->pid;
    return $nginx->pid;
}


sub is_gone {
    my ($pid) = @_;
    return slurp("/proc/$pid/stat") !~ /\) [^Z]/;
}


END {
    my $status = $?;
    kill 'TERM', grep { !is_gone($_) } @masters;
    wait_until(sub { !grep { !is_gone($_) } @masters }, 10);
    $? = $status;
}


# What the kernel calls the zone that is mapped by a process, of 1 MB.

sub zone_of {
    my ($pid) = @_;

    my %seen = map { $_ => 1 } slurp("/proc/$pid/smaps")
        =~ m{^\w+-\w+ rw-s \S+ \S+ (\d+) .*\nSize: +1024 kB}gm;

    return join ' ', keys %seen;
}


sub subscribers { return redis('PUBSUB', 'NUMSUB', '__redis__:invalidate')->[1] }


sub tells_both {
    my ($name) = @_;
    ok(wait_until(sub { subscribers() == 2 }, 20),
       "$name - Redis tells both");
}


SendkitAuth::RoleLoad::seed();

my $nginx = start_daemon();
my $master = next_master($nginx, 0);

ok($nginx->wait_for_log(qr/cache is used/), 'the channel is up');

my $zone = zone_of($master);
like($zone, qr/^\d+$/, 'there is one zone');
$nginx->reload;

# Those that have ended meanwhile have none.

my %zones = map { $_ => 1 } grep { length }
            map { zone_of($_) } $nginx->pid, $nginx->workers;
is(join(' ', keys %zones), $zone, 'a reload keeps the zone');

my $load = SendkitAuth::RoleLoad->start($nginx->port, bound => $bound);
$load->wait_for(changes => 20);

for my $name ('first upgrade', 'second upgrade') {
    my $used = () = $nginx->error_log =~ /cache is used/g;
    my $old = $master;

    kill 'USR2', $old;
    $master = next_master($nginx, $old);

    isnt(zone_of($master), zone_of($old),
         "$name - the zone is a new one");
    tells_both($name);
    ok(wait_until(sub {
           my $now = () = $nginx->error_log =~ /cache is used/g;
           return $now == $used + 1;
       }), "$name - the new channel is up");

    $load->wait_for(changes => 50);

    # The workers of the old one end, then its master process.

    kill 'WINCH', $old;
    ok(wait_until(sub {
           return slurp("/proc/$old/task/$old/children") =~ /^(?:$master )?$/;
       }, 30), "$name - the old workers have ended");

    kill 'QUIT', $old;
    ok(wait_until(sub { is_gone($old) }, 30),
       "$name - the old master process has ended");
    ok(wait_until(sub { subscribers() == 1 }), "$name - Redis tells one");
}

# Each principal has changed once more.

$load->wait_for(changes => 100);

my $seen = $load->stop;

is("@{ $seen->{failures} }", '', 'no request has failed');
is("@{ $seen->{wrong} }", '', 'no verdict was wrong');
cmp_ok($seen->{$_}, '>', 100, "there were some: $_") for qw( allowed refused );
cmp_ok($seen->{hits}, '>', $seen->{answers} / 2, 'most were hits');

kill 'QUIT', $master;
ok(wait_until(sub { is_gone($master) }, 30), 'nginx ended');
unlike($nginx->error_log, qr/\[(?:alert|crit|emerg)\]/, 'no alert in the log');
