# Copyright (C) the ngx_sendkit_auth_module authors
#
# Who may make, see, change and delete the key of a workspace: its owners and
# admins, with their platform keys.  Nobody else, whatever the routes say: the
# key service does not rely on them.
#
# Fails when the service takes the identity of the gateway without looking at
# the kind of key and at the role, when the role of another workspace than the
# path's counts, or when it does anything before it has decided.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Seed;
use Test::More;

my @operations = ([ 'POST', '' ], [ 'POST', '/rotate' ], [ 'DELETE', '' ],
                  [ 'GET', '' ], [ 'HEAD', '' ]);

# Everyone but owner and admin, and what they are told.

my %refused = (
    member => 403, stranger => 403, odd => 403, workspace => 403,
    other => 403, unknown => 401, expired => 401, inactive => 401,
    broken => 503,
);

# Routes as somebody may write them who trusts his users.

my $path = '"/v1/workspaces/{workspaceId}/api-key"';
my $rotate = '"/v1/workspaces/{workspaceId}/api-key/rotate"';
my %loose = (
    'any key and role' => 'keys=any roles=any',
    'no role' => 'keys=any roles=none',
    'a role in a workspace of the header' =>
        'keys=any roles=owner workspace=header',
    'any role in a workspace of the header' =>
        'keys=any roles=any workspace=header',
    'no workspace' => 'keys=any roles=none workspace=none',
    'workspace keys' => 'keys=workspace',
    'members' => 'keys=platform roles=member',
);

my @own = ('HSET', 'sendkit:workspace-key:w1', digest => digest($Key{unknown}),
           created_at => '2025-06-01T10:30:00.000Z', created_by => 'u_x');

shipped_routes();
loose_routes();
role_of_another_workspace();
owners_on_loose_routes();
other_ways_in();


sub seed {
    redis('FLUSHALL');
    redis(@$_) for @$Seed, @_;
    $Upstream->mark;
}


# All that Redis holds.

sub state {
    return join "\n", map { "$_ " . unpack 'H*', redis('DUMP', $_) }
                      sort @{ redis('KEYS', '*') };
}


sub gate_with {
    my ($options) = @_;

    return gate(location => <<"END");
        location ~ ^/v1/workspaces/[^/]+/api-key {
            sendkit_auth        on;
            sendkit_auth_route  *  $path    $options;
            sendkit_auth_route  *  $rotate  $options;
            sendkit_keys;
        }
END
}


# Neither where there is a key, nor where there is none.

sub changes_nothing {
    my ($gate, $who, $status, $name, @headers) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $there ([], [ \@own ]) {
        for my $operation (@operations) {
            my ($method, $end) = @$operation;
            my $what = "$name: $method$end"
                       . (@$there ? ', with a key' : '');

            seed(@$there);
            my $before = state();
            my $answer = manage($gate, $who, $method, $end, @headers);

            $status == 401 || $method eq 'HEAD'
                ? is($answer->{status}, $status, "$what - $status")
                : is_error($answer, $status, "$what - $status");
            is(state(), $before, "$what - changes nothing");
            is_forwarded_never($what);
        }
    }
}


sub shipped_routes {
    my $gate = keys_gate();

    changes_nothing($gate, $_, $refused{$_}, "the $_") for sort keys %refused;
    changes_nothing($gate, 'no key at all', 401, 'a bad key');
    changes_nothing($gate, 'stranger', 403, 'the owner of another workspace',
                    'X-Workspace-Id: w2');
    are_allowed($gate, 'shipped routes');
    ends_well($gate, 'shipped routes');
}


# The whole life of a key, by owner and admin.

sub are_allowed {
    my ($gate, $name, @headers) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $who ('owner', 'admin') {
        my $send = sub { manage($gate, $who, @_[0, 1], @headers) };
        my $what = "$name, the $who";

        seed();
        is_key($send->('POST', ''), 201, "u_$who", "$what - creates");
        my $key = is_key($send->('POST', '/rotate'), 200, "u_$who",
                         "$what - rotates");
        is_shown($send->('GET', ''), $key, "u_$who", "$what - sees");
        is_deleted($send->('DELETE', ''), "$what - deletes");
        is_forwarded_never($what);
    }
}


# A route that takes no platform keys does not look any closer at one.

sub loose_routes {
    for my $route (sort keys %loose) {
        my $gate = gate_with($loose{$route});

        for my $who (sort keys %refused) {
            my $status = $route eq 'workspace keys' ? 403 : $refused{$who};

            changes_nothing($gate, $who, $status, "$route, the $who",
                            'X-Workspace-Id: w1');
        }

        ends_well($gate, $route);
    }
}


# An owner there, and nobody or a member here.

sub role_of_another_workspace {
    my $name = 'a role in another workspace';

    for my $route ('keys=any roles=owner workspace=header',
                   'keys=any roles=any workspace=header')
    {
        my $gate = gate_with($route);

        changes_nothing($gate, 'stranger', 403, "$name, $route",
                        'X-Workspace-Id: w2');

        seed();
        is_error(manage($gate, 'owner', 'POST', '/v1/workspaces/w2/api-key',
                        'X-Workspace-Id: w1'), 403,
                 "$name, $route - the other way round");
        ends_well($gate, "$name, $route");
    }
}


# The role that the service trusts is the one that the gateway has looked up,
# in the workspace of the path.  Where a route did not ask for it, not even the
# owner may.

sub owners_on_loose_routes {
    for my $route (sort keys %loose) {
        my $gate = gate_with($loose{$route});

        if ($route eq 'any key and role') {
            are_allowed($gate, $route);

        } else {
            changes_nothing($gate, 'owner', 403, "$route, the owner",
                            'X-Workspace-Id: w1');
        }

        ends_well($gate, $route);
    }
}


# Not as a subrequest, and not by a redirect inside of nginx that skips the
# decision.

sub other_ways_in {
    my $gate = keys_gate(location => <<"END");
        location /mirror/ {
            mirror  /v1/workspaces/w1/api-key;
            return  204;
        }

        location /ask/ {
            auth_request  /v1/workspaces/w1/api-key;
            root          /nowhere;
        }

        location /redirect/ {
            rewrite  ^  /v1/workspaces/w1/api-key  last;
        }
END

    for my $path ('/mirror/', '/ask/', '/redirect/') {
        seed();
        my $before = state();

        for my $who ('owner', 'member', 'workspace', 'unknown') {
            next if $path eq '/redirect/' && $who eq 'owner';

            my $status = ask($gate, $who, undef, [ 'POST', $path ])->{status};
            isnt($status, 201, "$path, the $who - is not told a key");
        }

        is(state(), $before, "$path - nothing is changed");
        is_forwarded_never($path);
    }

    is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
           'other ways in - the right one is open');
    ends_well($gate, 'other ways in', qr/nowhere/);
}
