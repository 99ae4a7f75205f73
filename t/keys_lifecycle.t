# Copyright (C) the ngx_sendkit_auth_module authors
#
# The life of a workspace's key, with the gateway in front of the backend: it
# is made, used, made again in vain, rotated, used, deleted; also with peppers,
# another prefix, another database, after reloads.
#
# Fails when the service writes under another name, digest or database than the
# gateway reads, when it makes a digest of the old pepper, or when it takes the
# digest in a pointer for one of the first pepper.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Seed;
use Test::More;

use Digest::SHA qw( hmac_sha256_hex );

my %pepper = (first => 'the-first-pepper-of-the-tests',
              second => 'the-second-pepper-of-the-tests');
my %file = map { $_ => temp_dir() . "/pepper-$_" } keys %pepper;

for (keys %pepper) {
    open my $out, '>:raw', $file{$_} or die "$file{$_}: $!";
    print $out "$pepper{$_}\n";
    close $out;
}

plain();
reloads();
peppers();
prefixes();
databases();
envelope();


sub hmac { return hmac_sha256_hex($_[0], $pepper{$_[1]}) }


# Keys and roles, by that pepper and under that prefix.

sub seed {
    my ($pepper, $prefix) = @_;

    redis('FLUSHALL');
    write_seed($pepper, $prefix);
}


sub write_seed {
    my ($pepper, $prefix) = @_;
    my %digest = map { digest($_) => $pepper ? hmac($_, $pepper) : digest($_) }
                     values %Key;

    for (@$KeySeed) {
        my ($command, $name, @rest) = @$_;

        $name =~ s/(?<=:key:)(\w+)$/$digest{$1}/;
        $name =~ s/^sendkit:/$prefix/ if defined $prefix;
        redis($command, $name, @rest);
    }
}


# On a data route: forwarded as the workspace's, by that key id.

sub works {
    my ($gate, $key, $id, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $Upstream->mark;
    is(ask($gate, $key, undef)->{status}, 200, "$name - works");

    my @requests = $Upstream->requests;
    is(scalar @requests, 1, "$name - reaches the backend");
    is(join("\n", sort map { "$_->[0]: $_->[1]" }
                       grep { $_->[0] =~ /^X-/ } @{ $requests[0]{headers} }),
       "X-Sendkit-Key-Id: $id\nX-Sendkit-Key-Type: workspace\n"
       . 'X-Sendkit-Workspace-Id: w1', "$name - as one of the workspace");
    is(ask($gate, $key, 'w2')->{status}, 403, "$name - not elsewhere");
    is_error(manage($gate, $key, $_->[0], $_->[1]), 403,
             "$name - not to manage itself, $_->[0]$_->[1]")
        for [ 'POST', '' ], [ 'POST', '/rotate' ], [ 'DELETE', '' ],
            [ 'GET', '' ];
}


sub is_dead {
    my ($gate, $key, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_refused(ask($gate, $key, undef), 401, 'unknown_key', "$name - is dead");
}


# $id makes the key id that the backend sees.

sub one_life {
    my ($gate, $name, $id) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $id //= \&key_id;

    my $first = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
                       "$name - is made");
    works($gate, $first, $id->($first), "$name, the first key");
    is_error(manage($gate, 'admin', 'POST'), 409, "$name - is there");
    works($gate, $first, $id->($first), "$name, still the first key");

    my $second = is_key(manage($gate, 'admin', 'POST', '/rotate'), 200,
                        'u_admin', "$name - is rotated");
    is_dead($gate, $first, "$name, the first key");
    works($gate, $second, $id->($second), "$name, the second key");
    is_shown(manage($gate, 'owner', 'GET'), $second, 'u_admin',
             "$name - is shown");

    is_deleted(manage($gate, 'owner', 'DELETE'), "$name - is deleted");
    is_dead($gate, $_, "$name, deleted") for $first, $second;
    is_error(manage($gate, 'owner', 'GET'), 404, "$name - is gone");
}


sub is_replaced {
    my ($gate, @old) = @_;
    my %old = map { $_ => 1 } @old;

    wait_until(sub { !grep { $old{$_} } $gate->workers })
        or die "the old workers have not ended\n";
}


sub reload {
    my ($gate, %args) = @_;
    my @old = $gate->workers;

    $gate->reload(http => gate_conf(location => $KeyLocation, %args));
    is_replaced($gate, @old);
}


sub plain {
    my $gate = keys_gate();

    seed();
    one_life($gate, "a key, $_") for 'once', 'again';

    redis('SCRIPT', 'FLUSH');
    one_life($gate, 'a key, after SCRIPT FLUSH');
    ends_well($gate, 'a key');
}


sub reloads {
    my $gate = keys_gate(workers => 2);

    seed();
    my $first = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
                       'before a reload');
    reload($gate);
    works($gate, $first, key_id($first), 'a key after a reload');
    my $second = is_key(manage($gate, 'owner', 'POST', '/rotate'), 200,
                        'u_owner', 'a reload - is rotated');
    reload($gate);
    is_dead($gate, $first, 'a key before two reloads');
    works($gate, $second, key_id($second), 'a key before one reload');
    is_deleted(manage($gate, 'owner', 'DELETE'), 'a reload - is deleted');
    one_life($gate, 'after reloads');

    # Changes that wait for Redis are done by the worker that has them.

    redis_server()->stop;
    my @clients = map { SendkitAuth::Wire->new($gate->port) } 1 .. 10;
    $_->send(request_of('owner', undef, [
        'POST', '/v1/workspaces/w1/api-key' ])) for @clients;
    wait_until(sub { waiting($gate) == @clients }) or die "not sent";
    $gate->reload;
    redis_server()->cont;

    my %seen;
    $seen{$_->answer->{status}}++ for @clients;
    is(join(' ', map { "$_: $seen{$_}" } sort keys %seen), '201: 1 409: 9',
       'a reload while keys are made');
    ends_well($gate, 'reloads');
}


# What is written is a digest of the first pepper, what is replaced may be one
# of any.

sub peppers {
    my $first = "sendkit_auth_pepper_file $file{first};";
    my $both = "sendkit_auth_pepper_file $file{second} $file{first};";
    my $gate = keys_gate(more => $first);
    my $id_by = sub {
        my ($pepper) = @_;
        return sub { substr hmac($_[0], $pepper), 0, 12 };
    };

    seed('first');
    one_life($gate, 'with a pepper', $id_by->('first'));

    my $old = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
                     'with a pepper - is made');
    is(whole('w1'), hmac($old, 'first'), 'with a pepper - its digest');

    reload($gate, more => $both);
    works($gate, $old, $id_by->('second')->($old), 'with another pepper');
    is_shown(manage($gate, 'owner', 'GET'), $old, 'u_owner',
             'with another pepper - is shown');
    is_error(manage($gate, 'owner', 'POST'), 409,
             'with another pepper - is there');

    my $new = is_key(manage($gate, 'owner', 'POST', '/rotate'), 200,
                     'u_owner', 'with another pepper - is rotated');
    is(whole('w1'), hmac($new, 'second'),
       'with another pepper - the digest of the new one');
    is_dead($gate, $old, 'with another pepper, the old key');
    works($gate, $new, $id_by->('second')->($new),
          'with another pepper, the new key');
    is_deleted(manage($gate, 'owner', 'DELETE'),
               'with another pepper - is deleted');
    is_dead($gate, $new, 'with another pepper, deleted');

    # Deleted by its old digest.

    reload($gate, more => $first);
    $old = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
                  'with the first pepper again - is made');
    reload($gate, more => $both);
    is_deleted(manage($gate, 'owner', 'DELETE'),
               'with both peppers - is deleted');
    is_dead($gate, $old, 'with both peppers, deleted');
    is(whole('w1'), 'none', 'with both peppers - nothing is left');
    ends_well($gate, 'peppers');
}


sub prefixes {
    for my $prefix ('other:', '', 'x' x 64) {
        my $gate = keys_gate(more => qq(sendkit_auth_redis_prefix "$prefix";));
        my $name = "with the prefix \"$prefix\"";

        seed(undef, $prefix);
        one_life($gate, $name);
        my $key = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
                         "$name - is made");
        is(whole('w1', $prefix), digest($key), "$name - is in Redis");
        is(redis('EXISTS', 'sendkit:workspace-key:w1'), 0,
           "$name - not under another one");
        ends_well($gate, $name);
    }
}


sub databases {
    my $gate = keys_gate(redis => 'unix:' . redis_socket() . ':/3');
    my $name = 'in another database';

    redis('FLUSHALL');
    redis('SELECT', 3);
    write_seed();
    one_life($gate, $name);
    my $key = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
                     "$name - is made");
    is_stored($key, 'w1', 'u_owner', "$name - is there");
    redis('SELECT', 0);
    is(redis('DBSIZE'), 0, "$name - and nowhere else");
    ends_well($gate, $name);
}


# Successes have one form.

sub envelope {
    my $gate = keys_gate(more => 'sendkit_auth_error_format envelope;');
    my $name = 'with envelopes';
    my $error = sub {
        my ($method, $path) = @_;
        return manage($gate, 'owner', $method, $path)->{body};
    };

    seed();
    is($error->('DELETE'), '{"success":false,"error":{"code":"NOT_FOUND",'
       . '"message":"The requested resource was not found"}}',
       "$name - there is none");
    my $key = is_key(manage($gate, 'owner', 'POST'), 201, 'u_owner',
                     "$name - is made");
    is($error->('POST'), '{"success":false,"error":{"code":"CONFLICT",'
       . '"message":"The request conflicts with the current state of the '
       . 'resource","details":"Resource already exists"}}',
       "$name - is there");
    is_shown(manage($gate, 'owner', 'GET'), $key, 'u_owner',
             "$name - is shown");
    is_deleted(manage($gate, 'owner', 'DELETE'), "$name - is deleted");
    ends_well($gate, $name);
}
