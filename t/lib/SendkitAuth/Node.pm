package SendkitAuth::Node;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# A redis-server that is one of several: with a configuration file that it may
# rewrite, which is what Sentinel and Cluster do.  A SendkitAuth::Redis besides.
#
#   my $node = SendkitAuth::Node->new(conf => [ LINE, ... ],
#       sentinel => 1, password => WORD, acl => 'USER on >WORD RULE ...',
#       tls => { cert => FILE, key => FILE, ca => FILE });
#       on a free loopback port, which speaks only TLS if there is "tls"
#
#   ->lives       neither ended nor stopped
#   ->role        first word of ROLE, or "-" if it does not answer

use strict;
use warnings;

use parent 'SendkitAuth::Redis';

use SendkitAuth::Process qw( wait_until start_process slurp free_port );


sub new {
    my ($class, %args) = @_;

    my $port = free_port();
    my $tls = $args{tls};
    my @conf = $tls
        ? ('port 0', "tls-port $port", "tls-cert-file $tls->{cert}",
           "tls-key-file $tls->{key}", "tls-ca-cert-file $tls->{ca}",
           'tls-auth-clients no', 'tls-replication yes')
        : ("port $port");

    push @conf, 'save ""', 'appendonly no', 'repl-diskless-sync-delay 0'
        if !$args{sentinel};
    push @conf, "requirepass $args{password}" if $args{password};
    push @conf, "user $args{acl}" if $args{acl};

    return $class->SUPER::new(
        tcp => 1, port => $port, auth => $args{password},
        args => [ $args{sentinel} ? '--sentinel' : (),
                  @conf, @{ $args{conf} // [] } ]);
}


sub start {
    my ($self) = @_;

    my ($dir, $conf) = ($self->{dir}, "$self->{dir}/redis.conf");
    my @options = grep { /^--/ } @{ $self->{args} };
    my @lines = grep { !/^--/ } @{ $self->{args} };

    if (!-e $conf) {
        open my $out, '>', $conf or die "$conf: $!";
        print $out map { "$_\n" } 'bind 127.0.0.1', "dir $dir",
                   "unixsocket $self->{socket}", 'unixsocketperm 777', @lines;
        close $out or die "$conf: $!";
    }

    unlink $self->{socket};
    $self->{pid} = start_process([ 'redis-server', $conf, @options ],
                                 $self->{log});

    my $answers = sub {
        return 'ended' if waitpid($self->{pid}, 1) != 0;
        return eval { $self->command('PING') eq 'PONG' };
    };

    my $result = wait_until($answers, $SendkitAuth::Redis::Timeout)
        // 'too slow';
    die "redis-server does not answer: $result\n", $self->log, "\n"
        if $result ne '1';

    return $self;
}


sub lives {
    my ($self) = @_;
    return slurp("/proc/$self->{pid}/stat") =~ /\) [^TZX] /;
}


# One that is stopped is not asked: it would not answer in time.

sub role {
    my ($self) = @_;

    my $role = $self->lives && eval { $self->command('ROLE')->[0] };
    return $role || '-';
}

1;
