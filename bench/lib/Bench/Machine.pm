package Bench::Machine;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# On what was it measured: machine($stage) returns { NAME => TEXT }.

use strict;
use warnings;

use Exporter qw( import );
use POSIX ();

use SendkitAuth::Process qw( slurp );

our @EXPORT = qw( machine );


sub machine {
    my ($stage) = @_;

    my $cpus = slurp('/proc/cpuinfo');
    my ($model) = $cpus =~ /^model name\s*: (.*)$/m;
    my ($memory) = slurp('/proc/meminfo') =~ /^MemTotal:\s+(\d+)/;
    my ($system) = slurp('/etc/os-release') =~ /^PRETTY_NAME="(.*)"/m;
    my ($redis) = $stage->redis->command('INFO', 'server')
                  =~ /^redis_version:(\S+)/m;

    return {
        cpu     => ($model // 'unknown') . ', '
                   . (() = $cpus =~ /^processor/mg) . ' cores',
        sha     => $cpus =~ /\bsha_ni\b/ ? 'yes' : 'no',
        memory  => sprintf('%.0f GB', $memory / 1e6),
        system  => "$system, Linux "
                   . ((POSIX::uname())[2] =~ s/[^\d.].*//r),
        date    => POSIX::strftime('%Y-%m-%d %H:%M UTC', gmtime),
        commit  => first_line('git log -1 --format=%h ngx_sendkit_auth_module'),
        nginx   => first_line('nginx -v') =~ s/.*nginx.//r,
        redis   => $redis,
        openssl => first_line('openssl version') =~ s/^OpenSSL (\S+).*/$1/r,
        lua     => package_version('libnginx-mod-http-lua')
                   . ', lua-nginx-redis '
                   . package_version('lua-nginx-redis'),
        wrk     => package_version('wrk'),
        valgrind => first_line('valgrind --version') =~ s/^valgrind-//r,
    };
}


sub first_line {
    my ($command) = @_;
    my ($line) = split /\n/, qx($command 2>&1) // '';
    return $line // 'unknown';
}


sub package_version {
    my ($package) = @_;
    return first_line("dpkg-query -W -f '\${Version}' $package");
}

1;
