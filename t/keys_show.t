# Copyright (C) the ngx_sendkit_auth_module authors
#
# GET .../api-key tells when a key was made, by whom, and how it begins and
# ends, and changes nothing.
#
# Fails when more of the key is shown, when HEAD has a body or another length,
# when what is shown was not checked, or when it is made up where a field is
# missing.

use SendkitAuth;
use SendkitAuth::Gate;
use SendkitAuth::Keys;
use SendkitAuth::Seed;
use Test::More;

my $gate = keys_gate();
my $time = '2025-06-01T10:30:00.000Z';
my @right = (digest => 'a' x 64, created_at => $time, created_by => 'u_x',
             masked => 'sk_a1b2...e3f4');

shown_key();
shown_by_head();
other_records();

ends_well($gate, 'nginx');


sub seed {
    redis('FLUSHALL');
    redis(@$_) for @$KeySeed;
    redis('HSET', 'sendkit:workspace-key:w1', @_) if @_;
    $Upstream->mark;
}


sub show { return manage($gate, $_[0] // 'owner', $_[1] // 'GET') }


sub shown_key {
    my $name = 'a key that is shown';

    seed();
    is_error(show(), 404, "$name - is there");

    my $created = manage($gate, 'owner', 'POST');
    my $key = is_key($created, 201, 'u_owner', "$name - is made");

    redis('CONFIG', 'RESETSTAT');

    for my $who ('owner', 'admin', 'owner') {
        my $answer = show($who);

        is_shown($answer, $key, 'u_owner', "$name - to the $who");
        is(($answer->{body} =~ /"createdAt":"(.*?)"/)[0],
           ($created->{body} =~ /"createdAt":"(.*?)"/)[0],
           "$name - has the time when it was made");
        unlike($answer->{body}, $AnyKey, "$name - is not there as a whole");
    }

    is_forwarded_never($name);
    is(join(' ', grep { /^(?:evalsha|eval|hset|del)$/ }
                 sort keys %{ commandstats() }), '',
       "$name - nothing is written");
    is_stored($key, 'w1', 'u_owner', "$name - is still the same");

    my $next = is_key(manage($gate, 'admin', 'POST', '/rotate'), 200,
                      'u_admin', "$name - is rotated");
    is_shown(show(), $next, 'u_admin', "$name - is the new one");
    is_deleted(manage($gate, 'owner', 'DELETE'), "$name - is deleted");
    is_error(show(), 404, "$name - is gone");
}


sub shown_by_head {
    my $name = 'HEAD';

    seed();
    my $none = show('owner', 'HEAD');
    is("$none->{status} $none->{headers}{'content-length'}",
       '404 ' . length show()->{body}, "$name - of no key");

    seed(@right);

    # On one connection, so that a body would be taken for the next answer.

    my $client = SendkitAuth::Wire->new($gate->port);
    my @get = ('/v1/workspaces/w1/api-key', [ "X-Api-Key: $Key{owner}" ]);
    my $head = $client->send(SendkitAuth::Wire::head('HEAD', @get))
                      ->answer('HEAD');
    my $get = $client->request('GET', @get);

    is_shown($get, 'sk_a1b2...e3f4', 'u_x', "$name - then GET");

    for my $header (qw( content-length content-type cache-control )) {
        is($head->{headers}{$header}, $get->{headers}{$header},
           "$name - $header is that of GET");
    }

    is($head->{status}, 200, "$name - status");
    is($head->{headers}{'content-length'}, length $get->{body},
       "$name - length of what GET answers");
}


# Records that others have written.

sub other_records {
    my %shown = (
        'as it should be' => [ 'sk_a1b2...e3f4' ],
        'with nothing to show' => [ 'sk_...', masked => undef ],
        'with something else to show' => [ 'sk_...', masked => 'sk_"' ],
        'with a key to show' => [ 'sk_...', masked => 'sk_' . 'a' x 48 ],
        'with more fields' => [ 'sk_a1b2...e3f4', more => 'x' x 1000 ],
    );

    for my $name (sort keys %shown) {
        my ($masked, %fields) = @{ $shown{$name} };

        seed(fields_with(%fields));
        is_shown(show(), $masked, 'u_x', "a record $name");
    }

    my %broken = (
        'without a digest' => [ digest => undef ],
        'with a digest that is none' => [ digest => 'g' x 64 ],
        'without a time' => [ created_at => undef ],
        'with a time that is none' => [ created_at => '2025-06-01' ],
        'with a time that ends the string' =>
            [ created_at => '2025-06-01T10:30:00.000"' ],
        'without a user' => [ created_by => undef ],
        'with a user that ends the string' => [ created_by => 'u"' ],
        'with nothing but what to show' =>
            [ digest => undef, created_at => undef, created_by => undef ],
    );

    for my $name (sort keys %broken) {
        seed(fields_with(@{ $broken{$name} }));
        is_error(show(), 503, "a record $name - is an error");
        is(show('owner', 'HEAD')->{status}, 503,
           "a record $name - is one for HEAD");
    }

    seed();
    redis('RPUSH', 'sendkit:workspace-key:w1', 'x');
    is_error(show(), 503, 'a record that is a list');
    is_error(manage($gate, 'stranger', 'GET', '/v1/workspaces/w2/api-key'),
             404, 'a record that is a list - is not that of others');

    seed(@right);
    is_shown(show(), 'sk_a1b2...e3f4', 'u_x', 'a record that is mended');
}


# The right ones, but for these; undef is none.

sub fields_with {
    my %fields = (@right, @_);
    return map { defined $fields{$_} ? ($_ => $fields{$_}) : () }
               sort keys %fields;
}
