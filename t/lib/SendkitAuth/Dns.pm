package SendkitAuth::Dns;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# A DNS server, over UDP on 127.0.0.1, that says what a test wants.  What it
# was not told does not exist.
#
#   my $dns = SendkitAuth::Dns->new;
#   $dns->says('redis.test' => '127.0.0.1', '::1');    from now on, for 1 s
#   $dns->says('redis.test' => 'NXDOMAIN');            or SERVFAIL
#   $dns->says('redis.test' => 'SILENCE');
#   $dns->resolver          the directive that nginx asks it by
#   $dns->asked(NAME)       how many questions it has got for it

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use JSON::PP ();
use Socket qw( AF_INET AF_INET6 inet_pton );

use SendkitAuth::Process qw( temp_dir start_process slurp );

my $count = 0;
my $json = JSON::PP->new->canonical->ascii;
my %codes = (NXDOMAIN => 3, SERVFAIL => 2);
my %families = (1 => AF_INET, 28 => AF_INET6);


sub new {
    my ($class) = @_;

    my $path = temp_dir() . '/dns' . ++$count;
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                       Proto => 'udp')
        or die "cannot listen: $!";

    my $self = bless { control => "$path.control", record => "$path.record",
                       port => $socket->sockport, says => {} }, $class;

    $self->says;
    start_process(sub { serve($self, $socket) }, "$path.log");

    return $self;
}


sub resolver {
    my ($self) = @_;
    return "resolver 127.0.0.1:$self->{port}; resolver_timeout 1s;";
}


sub says {
    my ($self, $name, @addresses) = @_;

    $self->{says}{$name} = \@addresses if defined $name;

    open my $out, '>:raw', "$self->{control}.new"
        or die "$self->{control}.new: $!";
    print $out $json->encode($self->{says});
    close $out;
    rename "$self->{control}.new", $self->{control}
        or die "$self->{control}: $!";

    return $self;
}


sub asked {
    my ($self, $name) = @_;
    my $questions = () = slurp($self->{record}) =~ /^\Q$name\E$/mg;
    return $questions;
}


# From here on: the child, which ends when the test was killed.

sub serve {
    my ($self, $socket) = @_;

    $SIG{$_} = 'DEFAULT' for qw( INT TERM HUP );

    open my $record, '>>:raw', $self->{record}
        or die "$self->{record}: $!";

    my $select = IO::Select->new($socket);
    my $parent = getppid();

    while (getppid() == $parent) {
        next if !$select->can_read(0.1);

        my $peer = recv $socket, my $question, 4096, 0;
        next if !defined $peer;

        my ($name, $reply) = reply($question,
                                   $json->decode(slurp($self->{control})));
        syswrite $record, "$name\n";
        send $socket, $reply, 0, $peer if defined $reply;
    }
}


# Its header, its question, and an answer of 1 s for each address of the type.

sub reply {
    my ($question, $says) = @_;

    my ($id, $flags, $body) = unpack 'n n x8 a*', $question;
    my @labels;
    my $at = 0;

    while (my $length = ord substr $body, $at, 1) {
        push @labels, substr $body, $at + 1, $length;
        $at += $length + 1;
    }

    my $name = lc join '.', @labels;
    my $type = unpack 'n', substr $body, $at + 1, 2;
    my @said = @{ $says->{$name} // [ 'NXDOMAIN' ] };

    return $name if $said[0] eq 'SILENCE';

    my $code = $codes{$said[0]} // 0;
    my @answers;

    if ($code == 0 && $families{$type}) {
        @answers = grep { defined }
                   map { inet_pton($families{$type}, $_) }
                   grep { ($type == 28) == /:/ } @said;
    }

    return $name, pack('n n n n n n', $id, 0x8180 | $code, 1,
                       scalar @answers, 0, 0)
                  . substr($body, 0, $at + 5)
                  . join '', map { pack('n n n N n/a*', 0xc00c, $type, 1, 1,
                                        $_) } @answers;
}

1;
