package SendkitAuth::FakeRedis;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# A Redis server that says what a test wants, on a unix socket: late, in
# pieces, too much, too little, nonsense.
#
#   my $fake = SendkitAuth::FakeRedis->new;     (tcp => 1): on a port
#   $fake->load(@$Seed);            HSET and DEL: the hashes that it holds
#   $fake->on(hmget => send => "*1\r\n", pause => 0.1, close => 1);
#   $fake->on('hmget');             the right reply again
#
#   $fake->names('127.0.0.1:6379', 7);   as a Sentinel: the master, its epoch
#
# Steps that answer a command (lower case; of CLIENT and SENTINEL both words, as
# "client id"), or "connect": a new connection:
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
#   ->tell(BYTES)         to all connections that are open, unasked
#   ->publish(STEPS)      to those that have subscribed, after what they were
#                         to get before
#   ->change(COMMANDS)    load, and a message with the names
#   message(PAYLOAD)      its bytes: [ NAME, ... ], undef for nil, or a string
#   ->mark                forget what was recorded
#   ->events(KIND)        what was recorded since, in order, of one kind:
#                         "connect" and "close": { connection => N, time };
#                         "subscribe", too, with the pid of its worker if that
#                         came to the unix socket;
#                         "read": { connection => N, commands => [ ... ],
#                         segments => N }, the commands that came with one
#                         read; over TCP, how many segments with data have
#                         come by then: writes, if those are short; without
#                         CLIENT SETNAME, which goes before all of them
#   ->is_closed           no connection is open, since the beginning
#   ->commands(WORD)      those that begin with the word, or all, each a list

use strict;
use warnings;

use Exporter qw( import );
use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use JSON::PP ();
use Socket qw( SOL_SOCKET SO_PEERCRED );
use Time::HiRes ();

use SendkitAuth::Process qw( temp_dir free_port wait_until start_process
                             slurp );

our @EXPORT = qw( message );

my $count = 0;
my $json = JSON::PP->new->canonical->ascii;


sub new {
    my ($class, %args) = @_;

    my $path = temp_dir() . '/fake' . ++$count;
    my $self = bless {
        socket   => "$path.sock",
        control  => "$path.control",
        record   => "$path.record",
        position => 0,
        port     => $args{tcp} ? free_port() : 0,
        state    => { hashes => {}, on => {}, released => {}, tells => [],
                      published => [] },
    }, $class;

    my $listen = $args{tcp}
        ? IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128,
                                LocalPort => $self->{port}, ReuseAddr => 1)
        : IO::Socket::UNIX->new(Local => $self->{socket}, Listen => 128);

    die "cannot listen: $!" if !$listen;
    chmod 0777, $self->{socket} if !$args{tcp};

    $self->write_control;
    $self->{pid} = start_process(sub { serve($self, $listen) }, "$path.log");

    return $self;
}


sub socket  { return $_[0]{socket} }

sub address {
    my ($self) = @_;
    return $self->{port} ? "redis://127.0.0.1:$self->{port}"
                         : "unix:$self->{socket}";
}


sub load {
    my ($self, @commands) = @_;

    $self->change_hashes(@commands);
    return $self->write_control;
}


sub change_hashes {
    my ($self, @commands) = @_;

    for (@commands) {
        my ($word, $key, %fields) = @$_;
        delete $self->{state}{hashes}{$key} if $word eq 'DEL';
        $self->{state}{hashes}{$key}{$_} = $fields{$_} for keys %fields;
    }
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


sub tell {
    my ($self, $bytes) = @_;

    push @{ $self->{state}{tells} }, $bytes;
    $self->write_control;

    my $n = @{ $self->{state}{tells} };
    wait_until(sub { grep { $_->{kind} eq 'told' && $_->{number} == $n }
                          $self->all_events })
        or die "the fake redis did not tell";
    return $self;
}


sub publish {
    my ($self, @steps) = @_;

    my @pairs;
    push @pairs, [ splice @steps, 0, 2 ] while @steps;

    my $published = $self->{state}{published};
    push @$published, \@pairs;
    $self->write_control;

    my $n = @$published;
    wait_until(sub { grep { $_->{kind} eq 'published' && $_->{number} == $n }
                          $self->all_events }, 60)
        or die "the fake redis did not publish";

    $published->[-1] = [];
    return $self;
}


# As Redis does it: the change is there before anybody is told.

sub change {
    my ($self, @commands) = @_;

    $self->change_hashes(@commands);
    return $self->publish(send => message([ map { $_->[1] } @commands ]));
}


sub message {
    my ($payload) = @_;

    return "*3\r\n" . bulk('message') . bulk('__redis__:invalidate')
           . (ref $payload
              ? join '', '*' . @$payload . "\r\n", map { bulk($_) } @$payload
              : bulk($payload));
}


sub bulk {
    my ($text) = @_;
    return defined $text ? '$' . length($text) . "\r\n$text\r\n" : "\$-1\r\n";
}


sub right {
    my ($self, @words) = @_;
    return right_reply($self->{state}{hashes}, @words);
}


sub names {
    my ($self, $address, $epoch) = @_;

    my ($host, $port) = $address =~ /^(.*):(.*)$/;
    my $array = sub { join '', '*' . @_ . "\r\n",
                               map { '$' . length($_) . "\r\n$_\r\n" } @_ };

    $self->on('sentinel get-master-addr-by-name' =>
              send => $array->($host, $port));
    return $self->on('sentinel master' =>
                     send => $array->(name => 'mymaster', ip => $host,
                                      port => $port, flags => 'master',
                                      'config-epoch' => $epoch));
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


sub is_closed {
    my ($self) = @_;

    my @kinds = map { $json->decode($_)->{kind} }
                slurp($self->{record}) =~ /^(.*)\n/mg;
    return (grep { $_ eq 'connect' } @kinds)
           == (grep { $_ eq 'close' } @kinds);
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
    return $hashes->{$words[0]} ? ":-1\r\n" : ":-2\r\n" if $word eq 'pttl';
    return "-ERR unknown command\r\n" if $word !~ /^hm?get$/;

    my $hash = $hashes->{shift @words} // {};
    my @values = map { bulk($hash->{$_}) } @words;

    return $word eq 'hget' ? $values[0]
                           : join '', '*' . @values . "\r\n", @values;
}


# What depends on the connection; undef: nothing does.

sub channel_reply {
    my ($connection, @words) = @_;
    my $name = command_name(@words);

    return ":$connection->{number}\r\n" if $name eq 'client id';
    return "+OK\r\n" if $name =~ /^client (?:tracking|setname)$/;
    return "*3\r\n" . bulk('subscribe') . bulk($words[1]) . ":1\r\n"
        if $name eq 'subscribe';
    return "*2\r\n" . bulk('pong') . bulk('')
        if $name eq 'ping' && $connection->{subscribed};
    return;
}


sub command_name {
    my ($word, @words) = @_;
    return lc($word =~ /^(?:client|sentinel)$/i ? "$word $words[0]" : $word);
}


# From here on: the child.

sub serve {
    my ($self, $listen) = @_;

    $SIG{PIPE} = 'IGNORE';
    $SIG{$_} = 'DEFAULT' for qw( INT TERM HUP );

    open $self->{out}, '>>:raw', $self->{record}
        or die "$self->{record}: $!";

    my $select = IO::Select->new($listen);
    my (%connections, $number, $told, $done);
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
                                       steps => [ steps($self, 'connect') ] };
                record($self, kind => 'connect', connection => $number);
                next;
            }

            read_commands($self, $connections{$socket});
        }

        while (($told // 0) < @{ $self->{state}{tells} }) {
            my $bytes = $self->{state}{tells}[$told++];
            syswrite $_->{socket}, $bytes for values %connections;
            record($self, kind => 'told', number => $told);
        }

        while (($done // 0) < @{ $self->{state}{published} }) {
            my $steps = $self->{state}{published}[$done++];
            push @{ $_->{steps} }, map { [ @$_ ] } @$steps
                for grep { $_->{subscribed} } values %connections;
            record($self, kind => 'published', number => $done);
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
    $event{time} = Time::HiRes::time();
    syswrite $self->{out}, $json->encode(\%event) . "\n";
}


sub read_control {
    my ($self) = @_;

    my $stamp = join ' ', (Time::HiRes::stat($self->{control}))[1, 7, 9];
    return if ($self->{stamp} // '') eq $stamp;

    $self->{stamp} = $stamp;
    $self->{state} = $json->decode(slurp($self->{control}));
}


sub steps {
    my ($self, $what) = @_;
    return map { [ @$_ ] } @{ $self->{state}{on}{$what} // [] };
}


sub read_commands {
    my ($self, $connection) = @_;
    my $input = \$connection->{input};

    if (!sysread $connection->{socket}, $$input, 1 << 20, length $$input) {
        $connection->{closed} = 1;
        return;
    }

    my @commands;

    while (my $command = take_command($input)) {
        my $name = command_name(@$command);
        push @commands, $command if $name ne 'client setname';

        my @steps = steps($self, $name);
        @steps = ([ right => 1 ]) if !@steps;

        my $right = channel_reply($connection, @$command)
                    // right_reply($self->{state}{hashes}, @$command);

        for (@steps) {
            $_ = [ send => $right ] if $_->[0] eq 'right';
        }

        subscribe($self, $connection) if lc $command->[0] eq 'subscribe';

        push @{ $connection->{steps} }, @steps;
    }

    record($self, kind => 'read', connection => $connection->{number},
           commands => \@commands,
           segments => $self->{port} ? segments($connection->{socket}) : 0);
}


sub subscribe {
    my ($self, $connection) = @_;

    my ($pid) = $self->{port}
        ? () : unpack 'l', getsockopt $connection->{socket}, SOL_SOCKET,
                                      SO_PEERCRED;
    $connection->{subscribed} = 1;
    record($self, kind => 'subscribe', connection => $connection->{number},
           pid => $pid);
}


# tcpi_data_segs_in of Linux's TCP_INFO.

sub segments {
    my ($socket) = @_;
    return unpack 'x152 L', getsockopt $socket, 6, 11;
}


sub take_command {
    my ($input) = @_;

    $$input =~ /^\*(\d+)\r\n/ or return;
    my ($at, $n, @words) = ($+[0], $1);

    for (1 .. $n) {
        substr($$input, $at) =~ /^\$(\d+)\r\n/ or return;
        $at += $+[0];
        return if length $$input < $at + $1 + 2;
        push @words, substr $$input, $at, $1;
        $at += $1 + 2;
    }

    substr $$input, 0, $at, '';
    return \@words;
}


sub run_steps {
    my ($self, $connection) = @_;
    my $steps = $connection->{steps};
    my $output = '';

    while (my $step = $steps->[0]) {
        my ($what, $value) = @$step;

        if ($what eq 'send') {
            $output .= $value;

        } elsif ($what eq 'split') {
            splice @$steps, 1, 0,
                   map { [ send => $_ ], [ pause => 0.001 ] }
                       split //, $value;

        } elsif ($what eq 'pause') {
            my $now = Time::HiRes::time();
            $connection->{wake} ||= $now + $value;
            last if $now < $connection->{wake};
            $connection->{wake} = 0;

        } elsif ($what eq 'hold') {
            last if !$self->{state}{released}{$value};

        } else {
            $connection->{closed} = 1;
            last;
        }

        shift @$steps;
    }

    syswrite $connection->{socket}, $output if length $output;
}

1;
