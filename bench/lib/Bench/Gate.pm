package Bench::Gate;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# An nginx with one of the configurations in bench/conf:
#
#   my $gate = Bench::Gate->start('proxy', { BACKEND => '127.0.0.1:1234' },
#                                 modules => [ 'ndk_http_module' ],
#                                 workers => 1, callgrind => 'FILE');
#   ->port, ->address
#   ->workers       process ids
#   ->cpu           seconds that its workers have used so far
#   ->quit
#
# %NAME% in the configuration is what the second argument has for it; %PORT% is
# a free port, %TOP% the root of the project.  Of the modules, "ours" is this
# project's.  With callgrind it is ready to count (Bench::Callgrind).

use strict;
use warnings;

use Cwd ();

use SendkitAuth::Nginx ();
use SendkitAuth::Process qw( slurp );

our $Top = Cwd::cwd();
our $Module = "$Top/build/ngx_sendkit_auth_module.so";
our $Modules = '/usr/lib/nginx/modules';

# Without --trace-children the worker process does not listen to
# callgrind_control.

my $counting = '--tool=callgrind --quiet --instr-atstart=no'
               . ' --trace-children=yes';


sub start {
    my ($class, $conf, $values, %args) = @_;

    my @load = map { $_ eq 'ours' ? $Module : "$Modules/$_.so" }
                   @{ $args{modules} // [] };

    local $SendkitAuth::LoadModule = join "\n", map { "load_module $_;" }
                                                    @load;
    local $ENV{TEST_NGINX_USE_VALGRIND} = $args{callgrind}
        ? "$counting --callgrind-out-file=$args{callgrind}.%p" : '';

    return bless { nginx => SendkitAuth::Nginx->start(
        http => http($conf, $values), log_level => 'warn',
        workers => $args{workers} // 1) }, $class;
}


sub http {
    my ($conf, $values) = @_;

    my $text = slurp("$Top/bench/conf/$conf.conf")
        || die "no bench/conf/$conf.conf\n";
    $text = slurp("$Top/bench/conf/common.conf") . $text
        if $text =~ m{http://backend};

    my %values = (TOP => $Top, PORT => '%PORT%', %$values);
    $text =~ s/%(\w+)%/$values{$1} \/\/ die "$conf.conf: unknown %$1%\n"/ge;

    return $text;
}


sub port    { return $_[0]{nginx}->port }
sub address { return '127.0.0.1:' . $_[0]->port }
sub workers { return $_[0]{nginx}->workers }
sub log     { return $_[0]{nginx}->error_log }
sub dir     { return $_[0]{nginx}->dir }


# The kernel counts nanoseconds.

sub cpu {
    my ($self) = @_;

    my $sum = 0;
    $sum += (split ' ', slurp("/proc/$_/schedstat"))[0] for $self->workers;
    return $sum / 1e9;
}


sub quit {
    my ($self) = @_;
    return $self->{nginx}->quit;
}

1;
