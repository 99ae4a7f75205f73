# Copyright (C) the ngx_sendkit_auth_module authors
#
# The connection to Redis is cut after each single byte of what is asked and
# of what is answered for a change of a key: the client is told 503, or that
# it is done if all went through; Redis holds what was there or what was to be,
# and the worker is well.
#
# Fails when a change is more than one command, or when a success is told
# before Redis has confirmed it.

use SendkitAuth;
use SendkitAuth::Denials;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::RedisProxy;
use SendkitAuth::Seed;
use Test::More;

my %operation = (
    create => [ 'POST', '', 201 ], rotate => [ 'POST', '/rotate', 200 ],
    delete => [ 'DELETE', '', 200 ], show => [ 'GET', '', 200 ],
);

# Many servers of their own, each with a workspace, so that the pauses after
# failures are made together.

my $n = $Slow ? 4 : 16;
my @proxies = map { SendkitAuth::RedisProxy->new(redis_socket()) } 1 .. $n;
my @gates = map { keys_gate(redis => $_->address) } @proxies;
my $made = 0;

for my $what (qw( create rotate delete show )) {
    for my $where ('requests', 'replies') {
        cut_after_each_byte($what, $where, 0);

        # The first time, with the text of the script.

        cut_after_each_byte($what, $where, 1) if $what ne 'show';
    }
}

ends_well($_, 'the connection is cut') for @gates;


# A key as the service makes it.

sub key_of {
    my ($workspace) = @_;
    my $digest = sprintf '%064d', ++$made;

    return [ 'HSET', "sendkit:workspace-key:$workspace", digest => $digest,
             created_at => '2025-06-01T10:30:00.000Z', created_by => 'u_x',
             masked => 'sk_aaaa...zzzz' ],
           [ 'HSET', "sendkit:key:$digest", type => 'workspace',
             workspace => $workspace ];
}


# Over a connection that was there before, as it is most of the time.

sub seed {
    my ($what, $flush) = @_;

    redis('FLUSHALL');
    redis(@$_) for @$KeySeed;

    for my $i (0 .. $#gates) {
        redis('HSET', "sendkit:roles:c$i", u_owner => 'owner');
        next if $what eq 'create';
        redis(@$_) for key_of("c$i");
    }

    for my $gate (@gates) {
        wait_until(sub { ask($gate, 'owner', 'w1')->{status} == 200 })
            or die "not connected\n";
    }

    redis('SCRIPT', 'FLUSH') if $flush;
}


sub cut_after_each_byte {
    my ($what, $where, $flush) = @_;
    my ($method, $end, $status) = @{ $operation{$what} };
    my $name = "$what, the connection is cut in its $where"
               . ($flush ? ', without the script' : '');
    my $step = $Slow ? 41 : $flush && $where eq 'requests' ? 17 : 1;
    my (%seen, @wrong, $passed);

    for (my $at = 0; !$passed; $at += $step * @gates) {
        my (@clients, @old);

        seed($what, $flush);

        for my $i (0 .. $#gates) {
            $old[$i] = whole("c$i");
            $proxies[$i]->mark->cut($where => $at + $i * $step);
            $clients[$i] = SendkitAuth::Wire->new($gates[$i]->port);
            $clients[$i]->send(request_of('owner', undef, [
                $method, "/v1/workspaces/c$i/api-key$end" ]));
        }

        for my $i (0 .. $#gates) {
            my $result = result($what, "c$i", $old[$i], $clients[$i]->answer);
            my $cut = $proxies[$i]->passed->{faults};

            $seen{$result}++;
            $passed = 1 if !$cut;
            push @wrong, $at + $i * $step . ": $result"
                if $result !~ /^(?:503|$status), (?:as before|changed)$/
                   || !$cut && $result =~ /^503/;
        }
    }

    is(join("\n", @wrong), '', "$name - 503 or done, old or new");
    ok($seen{ $what eq 'show' ? "$status, as before" : "$status, changed" },
       "$name - it is done, too");
    note(join '; ', map { "$_: $seen{$_}" } sort keys %seen);
}


# What a client was told, and what Redis has then; a success has to be true.

sub result {
    my ($what, $workspace, $old, $answer) = @_;

    my $new = whole($workspace);
    my $state = $new eq $old ? 'as before' : 'changed';

    return "$answer->{status}, half: $new" if $new !~ /^(?:none|\w{64})$/;
    return "503, $state" if is_denial($answer);

    my ($key) = $answer->{body} =~ /($AnyKey)/;
    my $expected = $what eq 'show' ? $old
                   : $what eq 'delete' ? 'none' : digest($key // '');

    return "$answer->{status}, $state" if $new eq $expected;
    return "$answer->{status}, $answer->{body}, but $new";
}


sub is_denial {
    my ($answer) = @_;

    return $answer->{status} == 503
           && ($answer->{headers}{'retry-after'} // '') eq '1'
           && $answer->{body} eq denied(503);
}
