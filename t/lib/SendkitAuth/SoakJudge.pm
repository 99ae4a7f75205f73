package SendkitAuth::SoakJudge;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Judges what the backend saw and what the clients got, by what Redis may have
# held at that time.  t/soak/run has the rule.
#
#   my $judge = SendkitAuth::SoakJudge->new(history => ..., faults => ...,
#       up => SECONDS, down => SECONDS);
#   $judge->sight($line)      of SendkitAuth::SoakUpstream
#   $judge->answer($line)     of SendkitAuth::SoakLoad
#   $judge->{counts}          { NAME => N }
#   $judge->{wrong}           { NAME => [ TEXT, ... ] }, of each kind the first
#                             ten, and ->{wrongs} how many there were
#   $judge->{recovery}        { FAULT => SECONDS }: when the last 503 after it
#                             was asked for

use strict;
use warnings;

use SendkitAuth::SoakLoad qw( split_soak );
use SendkitAuth::SoakWorld;

# Of "expires", which is looked at for each request: what two clocks differ.

our $ExpirySlack = 0.05;


sub new {
    my ($class, %args) = @_;
    return bless { %args, counts => {}, wrong => {}, wrongs => {},
                   recovery => {}, statuses => {} }, $class;
}


sub wrong {
    my ($self, $kind, $text) = @_;

    push @{ $self->{wrong}{$kind} }, $text if $self->{wrongs}{$kind}++ < 10;
}


sub count { $_[0]{counts}{$_[1]}++ }


# A request that reached the backend was allowed.

sub sight {
    my ($self, $line) = @_;

    my ($seen, $soak, $headers) = split /\t/, $line, -1;
    my $what = split_soak($soak);

    count($self, 'sights');

    my ($role) = $headers =~ /X-Sendkit-Role: ([^|]*)/;
    my $expected = identity($what, $role);

    wrong($self, 'identity', "$soak: $headers, not $expected")
        if $headers ne $expected;

    my $outcomes = outcomes($self, $what, $seen, $role);

    wrong($self, 'allow', "$soak seen $seen: " . because($self, $what, $seen))
        if !$outcomes->{200};
}


# What goes to the backend; the role is a matter of outcomes().

sub identity {
    my ($what, $role) = @_;

    return 'nobody' if $what->{who} =~ /^n/;

    my $principal = principal($what->{who});
    my $route = $Routes[ $what->{route} ];
    my $user = $principal->{user};
    my %headers = ('Key-Type' => $user ? 'platform' : 'workspace',
                   'Key-Id' => $principal->{id});

    $headers{'User-Id'} = $user if $user;
    $headers{'Workspace-Id'} = $principal->{workspace} if !$user;

    if ($user && $route->{roles}) {
        $headers{'Workspace-Id'} = "w$what->{ws}";
        $headers{Role} = $role // 'none';
    }

    return join '|', map { "X-Sendkit-$_: $headers{$_}" } sort keys %headers;
}


# { STATUS => 1 }: what Redis would have told between the start of the request,
# and a bound before, and that time.  503 is among them only if what is in Redis
# is broken.  A request that was forwarded with a role was allowed by that one.

sub outcomes {
    my ($self, $what, $end, $role) = @_;

    return { 401 => 1 } if $what->{who} =~ /^n/;

    my $principal = principal($what->{who});
    my $route = $Routes[ $what->{route} ];
    my $user = $principal->{user};

    return { 403 => 1 } if !$user && $route->{keys} eq 'platform';

    my %outcomes;

    for my $record (possible($self, $principal->{name}, $what, $end)) {
        my $ends = $record->{ends};

        $outcomes{503} = 1 if $record->{broken};
        $outcomes{401} = 1 if $record->{missing}
                              || $ends && $end > $ends - $ExpirySlack;
        next if !$record->{valid}
                || $ends && $what->{start} > $ends + $ExpirySlack;

        if (!$user) {
            my $own = !$route->{by}
                      || $principal->{workspace} eq "w$what->{ws}";
            $outcomes{ $own ? 200 : 403 } = 1;

        } elsif (!$route->{roles}) {
            $outcomes{200} = 1;

        } else {
            add_roles($self, $what, $end, $role, \%outcomes);
        }
    }

    return \%outcomes;
}


sub add_roles {
    my ($self, $what, $end, $role, $outcomes) = @_;

    my $user = principal($what->{who})->{user};
    my $roles = $Routes[ $what->{route} ]{roles};

    for my $all (possible($self, roles_name($what->{ws}), $what, $end)) {
        my $word = $all->{$user} // '';

        if ($all->{broken}) {
            $outcomes->{503} = 1;

        } elsif (!$roles->{$word}) {
            $outcomes->{403} = 1;

        } elsif (!defined $role || $role eq $word) {
            $outcomes->{200} = 1;
        }
    }
}


sub possible {
    my ($self, $name, $what, $end) = @_;

    my ($faults, $start) = ($self->{faults}, $what->{start});
    my $bound = sub { $faults->quiet($_[0], $start) ? $self->{up}
                                                    : $self->{down} };

    return $self->{history}->possible($name, $start, $end, $bound);
}


sub because {
    my ($self, $what, $time) = @_;

    return 'nobody' if $what->{who} =~ /^n/;

    my $principal = principal($what->{who});
    my @names = ($principal->{name}, $principal->{user}
                                     ? roles_name($what->{ws}) : ());

    return join '; ', map { "$_: " . $self->{history}->shown($_, $time) }
                          @names;
}


sub answer {
    my ($self, $line) = @_;

    my ($soak, $end, $status, $protocol, $note) = split /\t/, $line, -1;
    my $what = split_soak($soak);
    my $faults = $self->{faults};

    count($self, $_) for 'requests', $protocol;
    $self->{statuses}{$status}++;

    return wrong($self, 'echo', "$soak got the answer to another request")
        if $note eq 'echo';

    if ($status == 0) {
        return count($self, 'cut') if $faults->killed($what->{start}, $end);
        return wrong($self, 'lost', "$soak until $end, $protocol: $note");
    }

    my $outcomes = outcomes($self, $what, $end);

    if (!$outcomes->{$status} && $status != 503) {
        my $kind = $status =~ /^40[13]$/ ? 'denial'
                   : $status == 200      ? 'allow' : 'status';
        wrong($self, $kind, "$soak got $status $note at $end: "
                            . because($self, $what, $end));
    }

    alive($self, $what, $end, $status, $outcomes, $note);
}


# What the store did not hinder should be decided.

sub alive {
    my ($self, $what, $end, $status, $outcomes, $note) = @_;

    my $hindered = $status == 503 && !$outcomes->{503};

    if (!$self->{faults}->quiet($what->{start}, $end)) {
        count($self, $hindered ? 'fault_503' : 'fault_decided');

        recovers($self, $what, $end, $note) if $hindered;
        return;
    }

    count($self, $hindered ? 'quiet_503' : 'quiet_decided');
    return if join(' ', keys %$outcomes) ne '200';

    count($self, $status == 200 ? 'quiet_allowed' : 'quiet_refused');
}


# How long after a fault there still is a 503.

sub recovers {
    my ($self, $what, $end, $note) = @_;

    my ($last, $name) = $self->{faults}->last($end);
    my $after = $what->{start} - $last;

    $self->{recovery}{$name} = $after
        if $after > ($self->{recovery}{$name} // 0);

    printf "    503 %s %.3f s after %s, of %d %d w%d\n", $note, $after, $name,
           @$what{qw( who route ws )} if $self->{verbose} && $after > 1;
}

1;
