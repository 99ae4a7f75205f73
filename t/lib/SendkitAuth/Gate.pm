package SendkitAuth::Gate;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# An nginx that guards the backend of the tests, for files that steer Redis,
# clients and nginx step by step.  With a location that nothing guards (/open)
# and the reason of each decision in the response header X-Reason.
#
#   my $gate = gate(redis => 'unix:...', read => '100ms', timeout => '1s',
#                   connect => '1s', more => 'sendkit_auth_...;',
#                   location => '...', workers => 1, main => '...');
#       a SendkitAuth::Nginx; by default it asks the Redis of the tests, and
#       its times are longer than what a busy machine needs
#   gate_conf(...)       the configuration of these, for ->reload(http => ...)
#
#   my $answer = ask($gate, 'owner', 'w1', [ METHOD, PATH [, HEADER ...] ]);
#       on a connection of its own, with that key of SendkitAuth::Seed; by
#       default it lists the campaigns of the workspace, as any role may
#   request_of(...)      the bytes of such a request, for SendkitAuth::Wire
#   waiting($gate)       how many requests are under way
#
#   is_allowed($answer, 'owner', 'w1', NAME)
#       forwarded, with exactly this identity and without the credential
#   is_refused($answer, 403, 'role', NAME)
#       status, reason, body and headers of a denial
#   is_forwarded_never(NAME)    since $Upstream->mark
#   recovers($gate, NAME)       allows the owner within two seconds
#   ends_well($gate, NAME [, EXPECTED])
#       ended by SIGQUIT, and its log has no [alert], [crit] or [emerg] but
#       for lines that match

use strict;
use warnings;

use Exporter qw( import );
use JSON::PP ();
use Test::More ();
use Time::HiRes ();

use SendkitAuth::Denials;
use SendkitAuth::Nginx ();
use SendkitAuth::Process qw( wait_until );
use SendkitAuth::Redis;
use SendkitAuth::Seed;
use SendkitAuth::Wire ();

our @EXPORT = qw( gate gate_conf ask request_of waiting is_allowed is_refused
                  is_forwarded_never recovers ends_well );

my $json = JSON::PP->new->latin1;


sub gate {
    my (%args) = @_;

    return SendkitAuth::Nginx->start(
        http => gate_conf(%args),
        map { $_ => $args{$_} } grep { defined $args{$_} }
            qw( workers main log_level ));
}


sub gate_conf {
    my %args = (connect => '5s', read => '5s', timeout => '5s', more => '',
                location => '', redis => 'unix:' . redis_socket(), @_);

    my %times = (sendkit_auth_redis_connect_timeout => $args{connect},
                 sendkit_auth_redis_read_timeout => $args{read},
                 sendkit_auth_timeout => $args{timeout});
    my $times = join '', map { "    $_  $times{$_};\n" }
                         grep { length $times{$_} } sort keys %times;

    return <<"END";
    sendkit_auth_redis  $args{redis};
$times
    $args{more}

    upstream backend {
        server @{[ $SendkitAuth::Upstream->address ]};
    }

    server {
        listen      127.0.0.1:%PORT%;
        add_header  X-Reason \$sendkit_auth_reason always;
        $args{location}

        location /v1/ {
            sendkit_auth  on;
            include       $SendkitAuth::Top/conf/sendkit_v1_routes.conf;
            proxy_pass    http://backend;
        }

        location = /open {
            return 200 "open\\n";
        }

        location = /waiting {
            stub_status;
        }
    }
END
}


sub request_of {
    my ($who, $workspace, $request) = @_;

    my ($method, $path, @headers) = @{ $request // [] };
    my @more = !defined $path && defined $workspace
               ? "X-Workspace-Id: $workspace" : ();

    return SendkitAuth::Wire::head($method // 'GET',
                                   $path // '/v1/campaigns',
                                   [ 'X-Api-Key: ' . ($Key{$who} // $who),
                                     @more, @headers ]);
}


sub ask {
    my ($gate, @request) = @_;

    my $started = Time::HiRes::time();
    my $client = SendkitAuth::Wire->new($gate->port);
    my $answer = $client->send(request_of(@request))->answer;

    $answer->{time} = Time::HiRes::time() - $started;
    $client->close;
    return $answer;
}


# The request that asks is one, too.

sub waiting {
    my ($gate) = @_;

    my $client = SendkitAuth::Wire->new($gate->port);
    my $answer = $client->request('GET', '/waiting');

    $client->close;
    return $answer->{body} =~ /Writing: (\d+)/ ? $1 - 1 : -1;
}


sub is_allowed {
    my ($answer, $who, $workspace, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::is(forwarded($answer), "200\n" . sorted(identity($who,
                                                                $workspace)),
                   $name);
}


sub forwarded {
    my ($answer) = @_;

    my $body = eval { $json->decode($answer->{body}) } // {};
    my $headers = $body->{headers} // {};
    my @shown = grep { !/^X-Workspace-Id$/i } keys %$headers;

    return "$answer->{status}\n"
           . sorted(join '', map { my $name = $_;
                                   map { "$name: $_\n" } @{ $headers->{$_} } }
                             @shown);
}


sub sorted {
    my ($lines) = @_;
    return join '', sort map { "$_\n" } split /\n/, $lines;
}


sub is_refused {
    my ($answer, $status, $reason, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $headers = $answer->{headers};
    my @got = map { $_ // '-' } $answer->{status},
              @$headers{qw( x-reason cache-control content-type
                            retry-after www-authenticate )},
              $answer->{body};

    my @expected = ($status, $reason, 'no-store', 'application/json',
                    $status == 503 ? 1 : '-',
                    $status == 401 ? 'ApiKey realm="sendkit"' : '-',
                    denied($status));

    Test::More::is("@got", "@expected", $name);
}


sub is_forwarded_never {
    my ($name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::is(scalar $SendkitAuth::Upstream->requests, 0,
                   "$name - nothing reached the backend");
}


# Others are refused meanwhile, but never with 401 or 403.  How long it took is
# noted.

sub recovers {
    my ($gate, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($answer, %seen);
    my $from = Time::HiRes::time();

    wait_until(sub {
        $answer = ask($gate, 'owner', 'w1');
        $seen{$answer->{status}}++;
        return $answer->{status} == 200;
    }, $ENV{SENDKIT_AUTH_SLOW} ? 10 : 2);

    Test::More::note(sprintf '%s: recovered after %.0f ms', $name,
                     1000 * (Time::HiRes::time() - $from));
    delete $seen{503};
    $seen{200} //= 0;
    Test::More::is("@{[ sort keys %seen ]}", '200',
                   "$name - 503 until 200, nothing else");
    is_allowed($answer, 'owner', 'w1', "$name - recovered");
}


sub ends_well {
    my ($gate, $name, $expected) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::ok($gate->quit, "$name - nginx ended");

    # a Redis that starts has no socket for an instant, and nginx tries it then

    my @lines = grep { !m{connect\(\) to unix:\S+/redis\.sock failed \(2: } }
                grep { /\[(?:alert|crit|emerg)\]/ } split /\n/,
                $gate->error_log;
    @lines = grep { !/$expected/ } @lines if defined $expected;
    Test::More::is("@lines", '', "$name - no alert in the log");
}

1;
