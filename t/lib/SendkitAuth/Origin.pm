package SendkitAuth::Origin;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Who owns the truth when Redis is a cache of it: a second nginx that answers
# the questions of the gateway.
#
#   my $origin = origin(ANSWER, ...);
#       knows the keys of SendkitAuth::Seed that have a good or an expired
#       record, with their roles; any other it answers with 404.  An answer
#       that is given comes before these:
#       [ WHO, WORKSPACE, STATUS, 'NAME: VALUE', ... ], with WHO a name of
#       the seed, a key, or a digest, WORKSPACE undef for any, STATUS 444 to
#       close without an answer
#   ->set(ANSWER, ...)       from now on only these come before
#   ->stop, ->cont           SIGSTOP and SIGCONT: an origin that is slow
#   ->end, ->kill9           nothing listens on its port;  ->begin  again
#   ->mark                   forget the questions that were answered
#   ->questions              those answered since, in order, each a hash of
#                            method, host, digest, type, workspace, user,
#                            api_key and status
#   ->asked                  the same in short: "owner:w1" about a key,
#                            "owner:w1:u_owner" about a role
#   ->gate(...)              arguments for gate(), of one that asks it: these,
#                            and origin => what else its location has
#
#   my $raw = raw_origin(WHO => BYTES, ...);
#       sends just these bytes and closes; [ BYTES ] does not close.  Has
#       ->gate and ->port, too
#
#   about($who, $workspace)  status and headers, as the origin knows it
#   fresh($origin, COMMAND, ...)   an empty Redis, these commands for it, no
#                            question and no request to the backend yet
#   is_asked($origin, 'owner:w1 owner:w1:u_owner', NAME)
#   is_stored(NAME, LINE, ...)     this is what Redis has: a line for each key,
#                            as "key:owner type=platform user=u_owner, expires"
#                            or "stays" without a TTL; stored() returns them
#   life(NAME)               ms that a key has left, as "key:owner"
#   lapse(NAME)              its time is over

use strict;
use warnings;

use Exporter qw( import );
use IO::Select ();
use IO::Socket::INET ();
use JSON::PP ();

use SendkitAuth ();
use SendkitAuth::Nginx ();
use SendkitAuth::Process qw( free_port wait_until start_process slurp
                             temp_dir );
use SendkitAuth::Redis;
use SendkitAuth::Seed;
use SendkitAuth::Wire ();
use Test::More ();

our @EXPORT = qw( origin raw_origin about fresh is_asked is_stored stored life
                  lapse );

my @known = qw( owner admin member stranger odd expired workspace other );

my $json = JSON::PP->new->latin1;


sub origin {
    my (@answers) = @_;

    my $self = bless { port => free_port(), position => 0,
                       answers => \@answers }, 'SendkitAuth::Origin';
    return $self->begin;
}


sub port { return $_[0]{port} }


sub begin {
    my ($self) = @_;

    # It is not what is tested: valgrind would only slow it down.

    local $ENV{TEST_NGINX_USE_VALGRIND};

    $self->{nginx} = SendkitAuth::Nginx->start(http => $self->conf);
    $self->{position} = 0;
    return $self;
}


sub end {
    my ($self) = @_;
    $self->{nginx}->stop;
    return $self;
}


# Its worker first, which would serve on without its master.

sub kill9 {
    my ($self) = @_;
    kill 'KILL', $self->{nginx}->pid, $self->{nginx}->workers;
    return $self->end;
}


sub set {
    my ($self, @answers) = @_;

    my @old = $self->{nginx}->workers;

    $self->{answers} = \@answers;
    $self->{nginx}->reload(http => $self->conf);
    wait_until(sub { $self->{nginx}->workers == 1 })
        or die "the old worker of the origin does not end: @old\n";
    return $self;
}


sub stop {
    my ($self) = @_;

    for my $pid ($self->{nginx}->workers) {
        kill 'STOP', $pid;
        wait_until(sub { slurp("/proc/$pid/stat") =~ /\) T / });
    }

    return $self;
}


sub cont {
    my ($self) = @_;
    kill 'CONT', $self->{nginx}->workers;
    return $self;
}


# The answers have numbers; the first that fits the question is taken.

sub conf {
    my ($self) = @_;

    my (@map, @locations);

    for ([ undef, undef, 404 ], @{ $self->{answers} }, known_answers()) {
        my ($who, $workspace, @answer) = @$_;
        my $n = @locations;

        push @map, sprintf '"~^%s %s$" %d;',
                           digest_of($who), $workspace // '.*', $n
            if defined $who;
        push @locations, location($n, @answer);
    }

    local $" = "\n        ";

    return <<"END";
    map_hash_bucket_size 256;

    log_format questions escape=json '{"method":"\$request_method",'
        '"host":"\$http_host",'
        '"digest":"\$http_x_sendkit_key_digest",'
        '"type":"\$http_x_sendkit_key_type",'
        '"workspace":"\$http_x_sendkit_workspace_id",'
        '"user":"\$http_x_sendkit_user_id",'
        '"api_key":"\$http_x_api_key","status":"\$status"}';

    map "\$http_x_sendkit_key_digest \$http_x_sendkit_workspace_id" \$answer {
        default 0;
        @map
    }

    server {
        listen 127.0.0.1:$self->{port} backlog=1024;
        access_log access.log questions;

        rewrite ^/origin\$ /answer/\$answer;

        location = /last {
            access_log off;
            return 200;
        }

        @locations
    }
END
}


sub digest_of {
    my ($who) = @_;
    return $who =~ /^[0-9a-f]{64}$/ ? $who
                                    : SendkitAuth::digest($Key{$who} // $who);
}


sub location {
    my ($n, $status, @headers) = @_;

    my $headers = join ' ', map {
        my ($name, $value) = map { s/(["\\])/\\$1/gr } /^([^:]+): ?(.*)/s;
        qq(add_header $name "$value" always;);
    } @headers;

    return "location = /answer/$n { internal; $headers return $status; }";
}


sub known_answers {
    return (map { my $who = $_;
                  map { [ $who, $_, about($who, $_) ] } qw( w1 w2 ) } @known),
           (map { [ $_, undef, about($_) ] } @known);
}


# As SendkitAuth::Seed has it.

my %role = (
    w1 => { owner => 'owner', admin => 'admin', member => 'member',
            odd => 'superuser', expired => 'owner' },
    w2 => { owner => 'member', stranger => 'owner' },
);

my %own = (workspace => 'w1', other => 'w2');

sub about {
    my ($who, $workspace) = @_;

    return (200, 'X-Sendkit-Key-Type: workspace',
            "X-Sendkit-Workspace-Id: $own{$who}") if $own{$who};

    my $role = defined $workspace ? $role{$workspace}{$who} : undef;

    my $expired = $who eq 'expired';

    return (200, 'X-Sendkit-Key-Type: platform',
            'X-Sendkit-User-Id: ' . ($expired ? 'u_owner' : "u_$who"),
            $expired ? 'X-Sendkit-Key-Expires: 1' : (),
            defined $role ? "X-Sendkit-Role: $role" : ());
}


# nginx logs a question after it has sent the answer, but before it reads the
# next request.

sub log_position {
    my ($self) = @_;

    my $client = SendkitAuth::Wire->new($self->{port});
    $client->request('GET', '/last')->{status} == 200
        or die "the origin does not answer\n";
    $client->close;
    return -s $self->{nginx}->dir . '/access.log';
}


sub mark {
    my ($self) = @_;
    $self->{position} = $self->log_position;
    return $self;
}


sub questions {
    my ($self) = @_;

    $self->log_position;
    my $text = slurp($self->{nginx}->dir . '/access.log', $self->{position});
    return map { $json->decode($_) } $text =~ /^(.*)\n/mg;
}


sub asked {
    my ($self) = @_;

    return map { join ':', name_of($_->{digest}),
                           grep { length } @$_{qw( workspace user )} }
           $self->questions;
}


# The name of a key that the seed has, by its digest; else what it was given.

sub name_of {
    my ($digest) = @_;
    my ($who) = grep { SendkitAuth::digest($Key{$_}) eq $digest } keys %Key;
    return $who // $digest;
}


sub gate {
    my ($self, %args) = @_;

    my ($more, $origin, $location)
        = map { delete $args{$_} // '' } qw( more origin location );

    return (%args, more => <<"END", location => <<"END2");
    upstream origin {
        server 127.0.0.1:$self->{port};
    }

    sendkit_auth_origin /origin;
    $more
END
        location = /origin {
            internal;
            proxy_pass http://origin;
            $origin
        }
        $location
END2
}


sub fresh {
    my ($origin, @commands) = @_;

    redis('FLUSHALL');
    redis(@$_) for @commands;
    redis('CONFIG', 'RESETSTAT');
    $origin->mark;
    $SendkitAuth::Upstream->mark;
}


sub is_asked {
    my ($origin, $asked, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::is(join(' ', $origin->asked), $asked,
                   "$name - what the origin was asked");
}


sub is_stored {
    my ($name, @lines) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::is(join("\n", stored()), join("\n", sort @lines),
                   "$name - what Redis has");
}


sub stored {
    return sort map { line_of($_) } @{ redis('KEYS', '*') };
}


sub line_of {
    my ($key) = @_;

    my $name = $key =~ s/^sendkit://r;
    $name =~ s/([0-9a-f]{64})$/name_of($1)/e;

    my $type = redis('TYPE', $key);
    my $value = $type eq 'hash' ? fields(@{ redis('HGETALL', $key) })
                : $type eq 'string' ? redis('GET', $key)
                : $type;

    return "$name $value, " . (redis('PTTL', $key) < 0 ? 'stays' : 'expires');
}


sub fields {
    my (%fields) = @_;
    return join ' ', map { "$_=$fields{$_}" } sort keys %fields;
}


sub life {
    my ($name) = @_;
    return redis('PTTL', redis_name($name));
}


sub lapse {
    my ($name) = @_;

    redis('PEXPIRE', redis_name($name), 1) or die "no $name in Redis\n";
    wait_until(sub { !redis('EXISTS', redis_name($name)) })
        or die "$name does not expire\n";
}


# The name in Redis of what stored() calls "key:owner".

sub redis_name {
    my ($name) = @_;

    $name =~ s/^((?:no-)?key:)(.*)/$1 . digest_of($2)/e;
    return "sendkit:$name";
}


sub raw_origin {
    my (%bytes) = @_;

    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                       LocalPort => free_port(),
                                       Listen => 128, ReuseAddr => 1)
        or die "cannot listen: $!";
    my $self = bless { port => $listen->sockport }, 'SendkitAuth::Origin';

    %bytes = map { digest_of($_) => $bytes{$_} } keys %bytes;
    start_process(sub { serve_raw($listen, %bytes) },
                  temp_dir() . "/raw-$self->{port}.log");

    return $self;
}


# From here on: the child.

sub serve_raw {
    my ($listen, %bytes) = @_;

    $SIG{PIPE} = 'IGNORE';
    $SIG{$_} = 'DEFAULT' for qw( INT TERM HUP );

    my $select = IO::Select->new($listen);
    my $parent = getppid();
    my %input;

    while (getppid() == $parent) {
        for my $socket ($select->can_read(1)) {
            if ($socket == $listen) {
                my $new = $listen->accept or next;
                $select->add($new);
                $input{$new} = '';
                next;
            }

            my $n = sysread $socket, $input{$socket}, 65536,
                            length $input{$socket};
            next if $n && !answer_raw($socket, $input{$socket}, \%bytes);

            $select->remove($socket);
            delete $input{$socket};
            close $socket;
        }
    }
}


# Returns true to close.

sub answer_raw {
    my ($socket, $input, $bytes) = @_;

    my ($digest) = $input =~ /^X-Sendkit-Key-Digest: (\S*)\r\n/mi;
    return if $input !~ /\r\n\r\n/;

    my $answer = $bytes->{$digest // ''} // '';
    my $text = ref $answer ? $answer->[0] : $answer;

    while (length $text) {
        my $n = syswrite $socket, $text or last;
        substr $text, 0, $n, '';
    }

    return !ref $answer;
}

1;
