package SendkitAuth::SoakOne;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# The store of a soak: one redis-server, behind a network that fails.  Another
# kind of store has the same methods.
#
#   my $store = SendkitAuth::SoakOne->new;
#   ->address       for sendkit_auth_redis
#   ->where(NAME), ->connect(SERVER), ->refused(ERROR)
#                   for SendkitAuth::SoakWriter
#   ->use($writer, $history, $changes)     before the first fault
#   ->watch         called all the time, for what nobody has injected
#   ->faults        NAME => { group, long, begin, end, over }, ...: "begin"
#                   gets random numbers of its own; "long" is how many seconds
#                   it may be until "end", and none if there is no "end"; with
#                   "over" it is not over until that says so
#
# The server keeps its data in a file that has a write before the writer is
# told of it, so that a restart loses none.

use strict;
use warnings;

use File::Path ();
use IO::Socket::UNIX ();

use SendkitAuth::FaultProxy ();
use SendkitAuth::Process qw( stop_process );
use SendkitAuth::Redis ();

# Nothing of this may be taken for the reply to any command.

my @garbage = ("\0\1\2\3\4\5\6\7", "?\r\n", "+OK\r\n", "-ERR what\r\n",
               "-LOADING Redis is loading\r\n", "-MOVED 1 127.0.0.1:1\r\n",
               "-NOAUTH no\r\n", "-READONLY no\r\n", "-BUSY no\r\n",
               "\$-2\r\n", "\$999999999\r\n", "*999999999\r\n",
               "*1\r\n*1\r\n*1\r\n", "\$5\r\nowner!", "HTTP/1.1 200 OK\r\n\r\n",
               ('x' x 5000));


sub new {
    my ($class) = @_;

    my $server = SendkitAuth::Redis->new(
        args => [ '--appendonly', 'yes', '--appendfsync', 'no',
                  '--enable-debug-command', 'yes' ]);

    return bless { server => $server,
                   proxy => SendkitAuth::FaultProxy->new($server->socket) },
                 $class;
}


sub address { return $_[0]{proxy}->address }

sub use {
    my ($self, @used) = @_;
    @$self{qw( writer history changes )} = @used;
}

sub where { return 'one' }

sub watch { }


sub refused {
    my ($self, $error) = @_;
    die "redis: $error\n" if !$self->{down};
}


sub connect {
    my ($self) = @_;

    return if $self->{down};
    return IO::Socket::UNIX->new(Peer => $self->{server}->socket);
}


sub faults {
    my ($self) = @_;
    return (network_faults($self), server_faults($self));
}


sub network_faults {
    my ($self) = @_;

    my $proxy = $self->{proxy};
    my $one_of = sub { return $_[1 + int $_[0] * $#_] };
    my $which = sub { $one_of->($_[0], qw( requests replies both )) };
    my $fault = sub {
        my ($long, $begin, $end) = @_;
        return { group => 'network', long => $long, begin => $begin,
                 end => $end // sub { $proxy->heal } };
    };

    # What was lost must not be followed by what was not, not even on a
    # connection that is made just now: a reply would meet the wrong command.

    my $anew = sub { $proxy->door('refuse'); $proxy->reset; $proxy->heal };

    return (
        hold     => $fault->(4, sub { $proxy->fault($which->($_[0]),
                                                    'hold') }),
        delay    => $fault->(3, sub { $proxy->fault($which->($_[0]), 'delay',
                                                    0.3 * $_[1], 0.05) }),
        jitter   => $fault->(4, sub { $proxy->fault('replies', 'delay', 0,
                                                    0.05 + 0.15 * $_[1]) }),
        split    => $fault->(2, sub { $proxy->fault('replies', 'split',
                                                    0.0005) }),
        merge    => $fault->(2, sub { $proxy->fault('both', 'merge', 0.03) }),
        truncate => $fault->(1, sub { $proxy->fault('replies', 'truncate',
                                                    int 20 * $_[1]) }),
        cut      => $fault->(1, sub { $proxy->fault($which->($_[0]), 'cut',
                                                    int 20 * $_[1]) }),
        garbage  => $fault->(2, sub { $proxy->fault('replies', 'replace',
                                          $one_of->($_[1], @garbage)) },
                             $anew),
        drop     => $fault->(4, sub { $proxy->fault($which->($_[0]),
                                                    'drop') }, $anew),
        stop     => $fault->(4, sub { $proxy->fault($which->($_[0]),
                                                    'stop') }),
        channel  => $fault->(4, sub { $proxy->only('channel');
                                      $proxy->fault('both', 'hold') }),
        refuse   => $fault->(2, sub { $proxy->door('refuse'); $proxy->end }),
        silent   => $fault->(2, sub { $proxy->door('silent');
                                      $proxy->reset }),
        end      => { group => 'network', begin => sub { $proxy->end } },
        reset    => { group => 'network', begin => sub { $proxy->reset } },
    );
}


sub server_faults {
    my ($self) = @_;

    my ($server, $changes) = @$self{qw( server changes )};
    my $tell = sub { $self->{writer}->tell('one', @_) };
    my $fault = sub { return { group => 'redis', long => $_[0],
                               begin => $_[1], end => $_[2] } };

    return (
        kill_clients => $fault->(0, sub {
            $tell->('CLIENT', 'KILL', 'TYPE',
                    $_[0] < 0.5 ? 'normal' : 'pubsub', 'SKIPME', 'yes');
        }),
        pause => $fault->(3, sub { $server->stop }, sub { $server->cont }),
        restart => $fault->(2, sub { down($self, $_[0] < 0.5) },
                            sub { up($self) }),
        empty => $fault->(1, sub { down($self, 1); empty($self) },
                          sub { up($self); $changes->restore }),
        flush => $fault->(1, sub { $changes->flush },
                          sub { $changes->restore }),
        lazy => $fault->(5, sub {
            $tell->('DEBUG', 'SET-ACTIVE-EXPIRE', 0);
        }, sub {
            $tell->('DEBUG', 'SET-ACTIVE-EXPIRE', 1);
        }),
        noperm => $fault->(2, sub {
            $tell->('ACL', 'SETUSER', 'default', '-hget', '-hmget');
        }, sub {
            $tell->('ACL', 'SETUSER', 'default', '+hget', '+hmget');
        }),
    );
}


sub down {
    my ($self, $killed) = @_;

    $self->{down} = 1;
    $self->{writer}->drop if $killed;
    stop_process($self->{server}->pid, $killed ? 'KILL' : 'TERM');
    $self->{writer}->drop;
}


sub up {
    my ($self) = @_;

    $self->{server}->start;
    $self->{history}->confirmed($_) for splice @{ $self->{lost} };
    $self->{down} = 0;
}


# From now on Redis knows nobody.

sub empty {
    my ($self) = @_;

    $self->{lost} = [ map { my ($name, @states) = @$_;
                            $self->{history}->sent($name, @states) }
                      $self->{changes}->nothing ];
    File::Path::remove_tree($self->{server}{dir} . '/appendonlydir');
}

1;
