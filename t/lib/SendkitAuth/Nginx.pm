package SendkitAuth::Nginx;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# An nginx with a master process, for what blocks cannot show: reload, quit,
# many workers.
#
#   my $nginx = SendkitAuth::Nginx->start(
#       http => $HttpConfig . 'server { listen 127.0.0.1:%PORT%; ... }',
#       main => '...', workers => 2, log_level => 'info');
#
# "%PORT%" in the configuration is a free port.  Each method that changes the
# state waits until it is reached, and dies if that takes too long.
#
#   ->port, ->pid, ->dir
#   ->workers               process ids of the workers, old ones included
#   ->reload(http => ...)   to a new configuration, or the same; old workers
#                           may still be there
#   ->quit                  SIGQUIT; true if nginx ended by itself
#   ->stop                  SIGTERM; the same
#   ->signal(NAME)          any other signal, returns at once
#   ->wait_for_log(REGEX)   true as soon as the error log has it
#   ->error_log, ->access_log

use strict;
use warnings;

use IO::Socket::INET ();

use SendkitAuth::Process qw( temp_dir free_port wait_until start_process
                             stop_process slurp );

my $count = 0;


sub start {
    my ($class, %args) = @_;

    my $dir = temp_dir() . "/nginx" . ++$count;
    mkdir $dir or die "mkdir $dir failed: $!";

    my $self = bless {
        main => '', workers => 1, log_level => 'info', http => '',
        %args, dir => $dir, port => free_port(),
    }, $class;

    $self->write_conf;

    my @command = ($ENV{TEST_NGINX_BINARY} || 'nginx', '-p', $dir,
                   '-e', "$dir/error.log", '-c', "$dir/nginx.conf");
    unshift @command, 'valgrind', '-q',
            split ' ', $ENV{TEST_NGINX_USE_VALGRIND}
        if $ENV{TEST_NGINX_USE_VALGRIND};

    $self->{pid} = start_process(\@command, "$dir/error.log");

    my $listens = sub {
        return 'ended' if waitpid($self->{pid}, 1) != 0;
        return -s "$dir/nginx.pid" && $self->workers >= $self->{workers};
    };

    my $result = wait_until($listens, 30) // 'too slow';
    die "nginx does not start: $result\n", $self->error_log
        if $result ne '1';

    return $self;
}


sub port       { return $_[0]{port} }
sub pid        { return $_[0]{pid} }
sub dir        { return $_[0]{dir} }
sub error_log  { return slurp("$_[0]{dir}/error.log") }
sub access_log { return slurp("$_[0]{dir}/access.log") }


sub write_conf {
    my ($self) = @_;

    my $dir = $self->{dir};
    my $user = $> == 0 ? 'user root;' : '';
    my $temp = join ' ', map { "${_}_temp_path $dir/$_;" }
                         qw( client_body proxy fastcgi uwsgi scgi );

    my $conf = <<"END";
daemon off;
$user
$SendkitAuth::LoadModule
worker_processes $self->{workers};
error_log $dir/error.log $self->{log_level};
pid $dir/nginx.pid;
env ASAN_OPTIONS;
$self->{main}
events { worker_connections 512; }
http {
    access_log $dir/access.log;
    $temp
$self->{http}
}
END
    $conf =~ s/%PORT%/$self->{port}/g;

    open my $out, '>:raw', "$dir/nginx.conf" or die "$dir/nginx.conf: $!";
    print $out $conf;
    close $out;
}


sub workers {
    my ($self) = @_;
    my $pid = $self->{pid};
    return split ' ', slurp("/proc/$pid/task/$pid/children");
}


# nginx has taken the new configuration when a new worker runs.

sub reload {
    my ($self, %args) = @_;

    @$self{keys %args} = values %args;
    $self->write_conf;

    my %old = map { $_ => 1 } $self->workers;
    kill 'HUP', $self->{pid};

    wait_until(sub { $self->{workers} <= grep { !$old{$_} } $self->workers },
               30)
        or die "nginx did not reload\n", $self->error_log;

    return $self;
}


sub signal {
    my ($self, $name) = @_;
    kill $name, $self->{pid};
}


sub quit {
    my ($self) = @_;
    return stop_process($self->{pid}, 'QUIT');
}


sub stop {
    my ($self) = @_;
    return stop_process($self->{pid}, 'TERM');
}


sub wait_for_log {
    my ($self, $regex, $time) = @_;
    return wait_until(sub { $self->error_log =~ $regex }, $time);
}

1;
