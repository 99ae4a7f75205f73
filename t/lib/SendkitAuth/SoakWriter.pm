package SendkitAuth::SoakWriter;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Writes to Redis without ever waiting, and keeps the history of what it wrote.
#
#   my $writer = SendkitAuth::SoakWriter->new($store, $history);
#       $store->where(NAME) says which server has that name, and
#       $store->connect(SERVER) returns a socket to it; or nothing.
#       $store->refused(ERROR) is told if one does not take a write
#   $writer->write([ [ NAME, STATE, ... ], ... ], COMMAND, ...);
#       COMMANDs, in a transaction if there are several, that change these
#       names, which are of one server; STATEs as SendkitAuth::SoakHistory has
#       them.  Returns false if there is no connection: nothing was sent
#   ->tell(SERVER, COMMAND)   changes no name
#   ->can_write(NAME)     connected, and it was replied to the last write
#   ->handles             for select
#   ->turn                reads and writes what can be
#   ->waiting             writes without a reply so far
#   ->doubtful            names whose last write got no reply, for its
#                         connection was lost, or was refused, and which can be
#                         written again; once
#   ->must_write(NAME)    it is doubtful
#   ->drop                as if all servers had ended
#   ->{writes}, ->{losses}     counts

use strict;
use warnings;

use SendkitAuth::Hammer qw( now );


sub new {
    my ($class, $store, $history) = @_;

    return bless { store => $store, history => $history, links => {},
                   busy => {}, doubtful => {}, writes => 0, losses => 0 },
                 $class;
}


sub links   { return values %{ $_[0]{links} } }
sub handles { return map { $_->{socket} // () } $_[0]->links }

sub waiting {
    my ($self) = @_;

    my $n = 0;
    $n += @{ $_->{pending} } for $self->links;
    return $n;
}


sub doubtful {
    my ($self) = @_;

    my @names = grep { $self->can_write($_) } sort keys %{ $self->{doubtful} };
    delete @{ $self->{doubtful} }{@names};
    return @names;
}


sub must_write { $_[0]{doubtful}{$_[1]} = 1 }

sub can_write {
    my ($self, $name) = @_;
    return !$self->{busy}{$name} && link_to($self,
                                            $self->{store}->where($name));
}


# The link to a server, if it is connected by now.

sub link_to {
    my ($self, $server) = @_;

    return if !defined $server;

    my $link = $self->{links}{$server} //= { retry => 0, pending => [] };

    return $link if $link->{socket};
    return if now() < $link->{retry};

    $link->{retry} = now() + 0.05;
    $link->{socket} = $self->{store}->connect($server) // return;
    $link->{socket}->blocking(0);
    @$link{qw( input output )} = ('', '');

    return $link;
}


sub write {
    my ($self, $changes, @commands) = @_;

    my $server = $self->{store}->where($changes->[0][0]);
    my $link = link_to($self, $server) // return;
    my @writes = map { my ($name, @states) = @$_;
                       $self->{busy}{$name}++;
                       $self->{history}->sent($name, @states) } @$changes;

    $self->{writes}++;
    return put($link, \@writes, @commands > 1
                                ? ([ 'MULTI' ], @commands, [ 'EXEC' ])
                                : @commands);
}


sub tell {
    my ($self, $server, @command) = @_;

    my $link = link_to($self, $server) // return;
    return put($link, [], \@command);
}


sub put {
    my ($link, $writes, @commands) = @_;

    push @{ $link->{pending} }, { writes => $writes,
                                  replies => scalar @commands };
    $link->{output} .= encode(@$_) for @commands;
    flush_output($link);

    return 1;
}


sub encode {
    my (@words) = @_;
    return '*' . @words . "\r\n"
           . join '', map { '$' . length($_) . "\r\n$_\r\n" } @words;
}


sub flush_output {
    my ($link) = @_;

    local $SIG{PIPE} = 'IGNORE';

    my $n = syswrite $link->{socket}, $link->{output};
    substr $link->{output}, 0, $n, '' if $n;
}


sub turn {
    my ($self) = @_;

    for my $link (grep { $_->{socket} } $self->links) {
        flush_output($link) if length $link->{output};

        my $n = sysread $link->{socket}, $link->{input}, 1 << 20,
                        length $link->{input};
        my $ended = defined $n ? $n == 0 : !$!{EAGAIN};

        replies($self, $link);
        drop_one($self, $link) if $ended;
    }
}


sub drop {
    my ($self) = @_;
    drop_one($self, $_) for $self->links;
}


sub drop_one {
    my ($self, $link) = @_;

    return if !$link->{socket};

    close $link->{socket};
    $link->{socket} = undef;
    $self->{losses}++;
    doubt($self, $_) for splice @{ $link->{pending} };
    $self->{store}->refused('connection lost');
}


sub doubt {
    my ($self, $one) = @_;

    for my $write (@{ $one->{writes} }) {
        $self->{busy}{ $write->{name} }--;
        $self->{doubtful}{ $write->{name} } = 1;
    }
}


# An error counts wherever it is, also inside of what EXEC has returned.

sub replies {
    my ($self, $link) = @_;

    my $at = 0;

    while (defined(my $end = reply_end(\$link->{input}, $at))) {
        my $reply = substr $link->{input}, $at, $end - $at;
        my $one = $link->{pending}[0] // die "a reply to nothing: $reply";

        $at = $end;
        $one->{error} //= $1 if $reply =~ /^-([^\r]*)/m;
        next if --$one->{replies};

        shift @{ $link->{pending} };
        ended($self, $one);
    }

    substr $link->{input}, 0, $at, '';
}


sub ended {
    my ($self, $one) = @_;

    if (defined $one->{error}) {
        doubt($self, $one);
        $self->{store}->refused($one->{error});
        return;
    }

    for my $write (@{ $one->{writes} }) {
        $self->{busy}{ $write->{name} }--;
        $self->{history}->confirmed($write);
    }
}


# Where the reply ends that begins there; nothing if it is not complete.

sub reply_end {
    my ($input, $at) = @_;

    my $end = index $$input, "\r\n", $at;
    return if $end < 0;

    my $type = substr $$input, $at, 1;
    my $number = substr $$input, $at + 1, $end - $at - 1;
    $end += 2;

    if ($type eq '$' && $number >= 0) {
        $end += $number + 2;
        return $end <= length $$input ? $end : undef;
    }

    for (1 .. ($type eq '*' ? $number : 0)) {
        $end = reply_end($input, $end) // return;
    }

    return $end;
}

1;
