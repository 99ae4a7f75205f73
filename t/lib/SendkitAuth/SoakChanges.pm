package SendkitAuth::SoakChanges;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Takes keys and roles away and gives them back, at random.
#
#   my $changes = SendkitAuth::SoakChanges->new($store, $writer,
#                                              $history);
#   $changes->all       every record is there, and every role
#   $changes->one       one change, of a record or of the roles of a workspace
#   $changes->repair    writes again what was doubtful
#   $changes->flush     FLUSHALL
#   $changes->restore   writes everything as it was meant to be
#
# What a name holds is what judges read: a record is { valid => 1 }, with "ends"
# if it has "expires" (in seconds, as now() has them), { missing => 1 } (which
# says 401) or { broken => 1 } (503); the roles of a workspace are
# { USER => WORD, ... } or { broken => 1 }.

use strict;
use warnings;

use Time::HiRes ();

use SendkitAuth::Hammer qw( now );
use SendkitAuth::SoakWorld;

# The bound of a TTL: a request may join a read that is under way.

our $TtlSlack = 0.5;

my @words = qw( owner owner owner admin admin member member none odd );
my %odd = map { $_ => 1 } my @odd = ('Owner', 'viewer', '', 'owner ');


sub new {
    my ($class, $store, $writer, $history) = @_;

    my $self = bless { store => $store, writer => $writer,
                       history => $history, ttl => {}, meant => {},
                       names => {}, count => 0, repaired => 0 }, $class;

    for my $n (0 .. $Principals - 1) {
        $self->{names}{ principal($n)->{name} } = [ 'key', $n ];
    }

    $self->{names}{ roles_name($_) } = [ 'roles', $_ ]
        for 0 .. $Workspaces - 1;

    return $self;
}


sub all {
    my ($self) = @_;

    put_record($self, $_) for 0 .. $Principals - 1;
    put_roles($self, $_, { map { $_ => 'owner' } members($_) })
        for 0 .. $Workspaces - 1;
}


sub one {
    my ($self) = @_;

    $self->{count}++;

    if (rand() < 0.6) {
        my $n = some_record($self);
        change_record($self, $n)
            if $self->{writer}->can_write(principal($n)->{name});

    } else {
        my $w = int rand $Workspaces;
        change_roles($self, $w) if $self->{writer}->can_write(roles_name($w));
    }
}


# What is gone comes back sooner than others go.

sub some_record {
    my ($self) = @_;

    for (1 .. 3) {
        my $n = int rand $Principals;
        my $now = $self->{history}->current(principal($n)->{name});
        return $n if !$now->{valid} || $now->{ends};
    }

    return int rand $Principals;
}


sub repair {
    my ($self) = @_;

    return if now() < $self->{repaired} + 0.02;

    $self->{repaired} = now();
    rewrite($self, $_) for $self->{writer}->doubtful;
}


sub restore {
    my ($self) = @_;

    for my $name (sort keys %{ $self->{names} }) {
        $self->{writer}->must_write($name) if !rewrite($self, $name);
    }
}


sub rewrite {
    my ($self, $name) = @_;

    my ($kind, $n) = @{ $self->{names}{$name} };

    return put_roles($self, $n, $self->{meant}{$name} // {})
        if $kind eq 'roles';
    return take_record($self, $n) if ($self->{meant}{$name} // '') eq 'gone';
    return put_record($self, $n);
}


sub flush {
    my ($self) = @_;

    my $writer = $self->{writer};
    my %of;

    for ($self->nothing) {
        my $server = $self->{store}->where($_->[0]) // next;
        push @{ $of{$server} }, $_;
    }

    $self->{ttl} = {};
    $writer->write($of{$_}, [ 'FLUSHALL' ]) for sort keys %of;
}


# All names, with nothing there.

sub nothing {
    my ($self) = @_;

    my $names = $self->{names};
    return map { [ $_, [ $names->{$_}[0] eq 'key' ? { missing => 1 } : {} ] ] }
           sort keys %$names;
}


# A record is always written as a whole.

sub put_record {
    my ($self, $n, @more) = @_;

    my $name = principal($n)->{name};
    my %state = @more && $more[-1] eq 'locked' ? (missing => 1) : (valid => 1);

    $self->{meant}{$name} = 'there';
    $self->{ttl}{$name} = 0;
    $self->{writer}->write([ [ $name, [ \%state ] ] ], [ 'DEL', $name ],
                           [ 'HSET', $name, record($n), @more ]);
}


sub take_record {
    my ($self, $n, $command) = @_;

    my $name = principal($n)->{name};

    $self->{meant}{$name} = 'gone';
    $self->{ttl}{$name} = 0;
    $self->{writer}->write([ [ $name, [ { missing => 1 } ] ] ],
                           [ $command // 'DEL', $name ]);
}


sub change_record {
    my ($self, $n) = @_;

    my $name = principal($n)->{name};
    my $now = $self->{history}->current($name);
    my $dice = rand;

    return put_record($self, $n)
        if $self->{ttl}{$name} || !$now->{valid} || $now->{ends}
           || $dice < 0.1;

    return take_record($self, $n, 'DEL')      if $dice < 0.25;
    return take_record($self, $n, 'UNLINK')   if $dice < 0.35;
    return put_record($self, $n, status => 'locked') if $dice < 0.55;
    return expire_record($self, $n)           if $dice < 0.75;
    return end_record($self, $n)              if $dice < 0.93;
    return break_record($self, $n);
}


sub expire_record {
    my ($self, $n) = @_;

    my $name = principal($n)->{name};
    my $ms = 100 + int rand 3000;

    $self->{meant}{$name} = 'gone';
    $self->{ttl}{$name} = 1;
    $self->{writer}->write(
        [ [ $name, [ { valid => 1 } ],
            [ { missing => 1 }, $ms / 1000, $TtlSlack ] ] ],
        [ 'PEXPIRE', $name, $ms ]);
}


# "expires" is in whole seconds of the calendar.

sub end_record {
    my ($self, $n) = @_;

    my $name = principal($n)->{name};
    my $time = Time::HiRes::time();
    my $end = int($time) + 1 + int rand 3;
    my %state = (valid => 1, ends => now() + $end - $time);

    $self->{meant}{$name} = 'gone';
    $self->{ttl}{$name} = 0;
    $self->{writer}->write(
        [ [ $name, [ \%state ] ] ],
        [ 'DEL', $name ], [ 'HSET', $name, record($n), expires => $end ]);
}


sub break_record {
    my ($self, $n) = @_;

    my $name = principal($n)->{name};
    my @wrong = rand() < 0.5 ? [ 'SET', $name, 'no hash' ]
                             : [ 'HSET', $name, type => 'nonsense' ];

    $self->{meant}{$name} = 'gone';
    $self->{ttl}{$name} = 0;
    $self->{writer}->write([ [ $name, [ { broken => 1 } ] ] ],
                           [ 'DEL', $name ], @wrong);
}


sub put_roles {
    my ($self, $w, $roles) = @_;

    my $name = roles_name($w);
    my @pairs = map { $_ => $roles->{$_} } sort keys %$roles;

    $self->{meant}{$name} = $roles;
    $self->{ttl}{$name} = 0;
    $self->{writer}->write([ [ $name, [ $roles ] ] ], [ 'DEL', $name ],
                           @pairs ? [ 'HSET', $name, @pairs ] : ());
}


sub change_roles {
    my ($self, $w) = @_;

    my $name = roles_name($w);
    my $now = $self->{history}->current($name);
    my $dice = rand;

    return put_roles($self, $w, { map { $_ => some_word() } members($w) })
        if $self->{ttl}{$name} || $now->{broken} || !%$now || $dice < 0.05;

    return expire_roles($self, $w, $now) if $dice < 0.08;
    return take_roles($self, $w)         if $dice < 0.10;
    return break_roles($self, $w)        if $dice < 0.12;
    return set_role($self, $w, $now);
}


sub some_word {
    my $word = $words[rand @words];
    return $word eq 'odd' ? $odd[rand @odd] : $word;
}


sub set_role {
    my ($self, $w, $now) = @_;

    my $name = roles_name($w);
    my @members = members($w);
    my $user = $members[rand @members];
    my $word = some_word();
    my %roles = (%$now, $user => $word);
    my @command = ('HSET', $name, $user, $word);

    if ($word eq 'none') {
        delete $roles{$user};
        @command = ('HDEL', $name, $user);
    }

    $self->{meant}{$name} = \%roles;
    $self->{writer}->write([ [ $name, [ \%roles ] ] ], \@command);
}


sub expire_roles {
    my ($self, $w, $now) = @_;

    my $name = roles_name($w);
    my $ms = 100 + int rand 3000;

    $self->{meant}{$name} = {};
    $self->{ttl}{$name} = 1;
    $self->{writer}->write(
        [ [ $name, [ $now ], [ {}, $ms / 1000, $TtlSlack ] ] ],
        [ 'PEXPIRE', $name, $ms ]);
}


sub take_roles {
    my ($self, $w) = @_;

    my $name = roles_name($w);

    $self->{meant}{$name} = {};
    $self->{writer}->write([ [ $name, [ {} ] ] ], [ 'DEL', $name ]);
}


sub break_roles {
    my ($self, $w) = @_;

    my $name = roles_name($w);

    $self->{meant}{$name} = {};
    $self->{writer}->write([ [ $name, [ { broken => 1 } ] ] ],
                           [ 'DEL', $name ], [ 'SET', $name, 'no hash' ]);
}

1;
