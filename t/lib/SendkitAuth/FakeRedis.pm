package SendkitAuth::FakeRedis;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# A Redis server that says what a test wants, on a unix socket: late, in
# pieces, too much, too little, nonsense.
#
#   my $fake = SendkitAuth::FakeRedis->new;
#   $fake->load(@$Seed);            HSET commands: the hashes that it holds
#   $fake->on(hmget => send => "*1\r\n", pause => 0.1, close => 1);
#   $fake->on('hmget');             the right reply again
#
# Steps that answer a command (lower case), or "connect": a new connection:
#
#   send => BYTES      split => BYTES      each byte in a write of its own
#   right => 1         the right reply
#   pause => SECONDS   hold => NAME        until ->release(NAME)
#   close => 1
#
# What is sent without a pause in between, also for several commands that
# came together, leaves in one write.
#
#   ->socket, ->address
#   ->right(WORD, ...)    the bytes of the right reply to a command
#   ->push(BYTES)         to all connections that are open, now
#   ->mark                forget what was recorded
#   ->events(KIND)        what was recorded since, in order, of one kind:
#                         "connect" and "close": { connection => N };
#                         "read": { connection => N, commands => [ ... ] },
#                         the commands that came with one read
#   ->commands(WORD)      those that begin with the word, or all, each a list

use strict;
use warnings;

use IO::Select ();
use IO::Socket::UNIX ();
use JSON::PP ();
use Time::HiRes ();

use SendkitAuth::Process qw( temp_dir wait_until start_process slurp );

my $count = 0;
my $json = JSON::PP->new->canonical->ascii;


sub new {
    my ($class) = @_;

    my $path = temp_dir() . '/fake' . ++$count;
    my $self = bless {
        socket   => "$path.sock",
        control  => "$path.control",
        record   => "$path.record",
        position => 0,
        state    => { hashes => {}, on => {}, released => {}, pushes => [] },
    }, $class;

    my $listen = IO::Socket::UNIX->new(Local => $self->{socket},
                                       Listen => 128)
        // die "cannot listen on $self->{socket}: $!";
    chmod 0777, $self->{socket};

    $self->write_control;
    $self->{pid} = start_process(sub { serve($self, $listen) }, "$path.log");

    return $self;
}


sub socket  { return $_[0]{socket} }
sub address { return "unix:$_[0]{socket}" }


sub load {
    my ($self, @commands) = @_;

    for (@commands) {
        my (undef, $key, %fields) = @$_;
        $self->{state}{hashes}{$key}{$_} = $fields{$_} for keys %fields;
    }

    return $self->write_control;
}


sub on {
    my ($self, $what, @steps) = @_;

    my @pairs;
    push @pairs, [ splice @steps, 0, 2 ] while @steps;

    $self->{state}{on}{$what} = @pairs ? \@pairs : undef;
    return $self->write_control;
}


sub release {
    my ($self, $name) = @_;
    $self->{state}{released}{$name} = 1;
    return $self->write_control;
}


sub push {
    my ($self, $bytes) = @_;

    push @{ $self->{state}{pushes} }, $bytes;
    $self->write_control;

    my $n = @{ $self->{state}{pushes} };
    wait_until(sub { grep { $_->{kind} eq 'pushed' && $_->{number} == $n }
                          $self->all_events })
        or die "the fake redis did not push";
    return $self;
}


sub right {
    my ($self, @words) = @_;
    return right_reply($self->{state}{hashes}, @words);
}


# The child reads the file before it answers a command.

sub write_control {
    my ($self) = @_;

    open my $out, '>:raw', "$self->{control}.new"
        or die "$self->{control}.new: $!";
    print $out $json->encode($self->{state});
    close $out;
    rename "$self->{control}.new", $self->{control}
        or die "$self->{control}: $!";

    return $self;
}


sub mark {
    my ($self) = @_;
    $self->{position} = -s $self->{record} || 0;
    return $self;
}


sub all_events {
    my ($self) = @_;
    my $text = slurp($self->{record}, $self->{position});
    return map { $json->decode($_) } $text =~ /^(.*)\n/mg;
}


sub events {
    my ($self, $kind) = @_;
    return grep { $_->{kind} eq $kind } $self->all_events;
}


sub commands {
    my ($self, $word) = @_;
    return grep { !defined $word || lc $_->[0] eq lc $word }
           map { @{ $_->{commands} } } $self->events('read');
}


sub right_reply {
    my ($hashes, @words) = @_;

    my $word = lc shift @words;
    return "+OK\r\n" if $word =~ /^(?:auth|select)$/;
    return "-ERR unknown command\r\n" if $word !~ /^hm?get$/;

    my $hash = $hashes->{shift @words} // {};
    my @values = map { defined $hash->{$_}
                           ? '$' . length($hash->{$_}) . "\r\n$hash->{$_}\r\n"
                           : "\$-1\r\n" } @words;

    return $word eq 'hget' ? $values[0]
                           : join '', '*' . @values . "\r\n", @values;
}


# From here on: the child.

sub serve {
    my ($self, $listen) = @_;

    $SIG{PIPE} = 'IGNORE';
    $SIG{$_} = 'DEFAULT' for qw( INT TERM HUP );

    open $self->{out}, '>>:raw', $self->{record}
        or die "$self->{record}: $!";

    my $select = IO::Select->new($listen);
    my (%connections, $number, $pushed);
    my $parent = getppid();

    # Ends when the test was killed.

    while (getppid() == $parent) {
        my $busy = grep { @{ $_->{steps} } } values %connections;
        my @ready = $select->can_read($busy ? 0.002 : 0.02);

        read_control($self);

        for my $socket (@ready) {
            if ($socket == $listen) {
                my $new = $listen->accept or next;
                $select->add($new);
                $connections{$new} = { socket => $new, input => '',
                                       number => ++$number, wake => 0,
                                       steps => [ on($self, 'connect') ] };
                record($self, kind => 'connect', connection => $number);
                next;
            }

            read_commands($self, $connections{$socket});
        }

        while (($pushed // 0) < @{ $self->{state}{pushes} }) {
            my $bytes = $self->{state}{pushes}[$pushed++];
            syswrite $_->{socket}, $bytes for values %connections;
            record($self, kind => 'pushed', number => $pushed);
        }

        for my $connection (values %connections) {
            run_steps($self, $connection) if !$connection->{closed};
            next if !$connection->{closed};

            record($self, kind => 'close',
                   connection => $connection->{number});
            $select->remove($connection->{socket});
            delete $connections{$connection->{socket}};
            close $connection->{socket};
        }
    }
}


sub record {
    my ($self, %event) = @_;
    syswrite $self->{out}, $json->encode(\%event) . "\n";
}


sub read_control {
    my ($self) = @_;

    my $stamp = join ' ', (Time::HiRes::stat($self->{control}))[1, 7, 9];
    return if ($self->{stamp} // '') eq $stamp;

    $self->{stamp} = $stamp;
    $self->{state} = $json->decode(slurp($self->{control}));
}


sub on {
    my ($self, $what) = @_;
    return @{ $self->{state}{on}{$what} // [] };
}

