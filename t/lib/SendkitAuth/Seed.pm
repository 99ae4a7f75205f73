package SendkitAuth::Seed;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Keys, users and workspaces that the tests share:
#
#   --- redis eval: $::Seed
#   --- more_headers eval: "X-Api-Key: $::Key{owner}"
#
# In workspace w1: owner, admin and member with those roles, the stranger with
# none, the odd one with a word that is no role; the workspace key is its own.
# In workspace w2: the owner is a member, the stranger is the owner, the other
# workspace key is its own.  Expired, inactive and broken have such records,
# unknown has none; all of these are owners in w1.
#
#   record($key, FIELD => VALUE, ...)     a command that writes its record
#   identity(WHO [, WORKSPACE])   the identity headers that the backend gets,
#                                 as in --- upstream_identity eval: ::identity

use strict;
use warnings;

use Exporter qw( import );

use SendkitAuth ();

our @EXPORT = qw( %Key $Seed identity record );

our %Key = (
    owner     => 'sk_user_owner-0123456789abcdef',
    admin     => 'sk_user_admin-0123456789abcdef',
    member    => 'sk_user_member-0123456789abcdef',
    stranger  => 'sk_user_stranger-0123456789abcdef',
    odd       => 'sk_user_odd-0123456789abcdef',
    expired   => 'sk_user_expired-0123456789abcdef',
    inactive  => 'sk_user_inactive-0123456789abcdef',
    broken    => 'sk_user_broken-0123456789abcdef',
    unknown   => 'sk_user_unknown-0123456789abcdef',
    workspace => 'sk_workspace-0123456789abcdef',
    other     => 'sk_other-0123456789abcdef',
);

our $Seed = [
    (map { record($Key{$_}, type => 'platform', user => "u_$_") }
         qw( owner admin member stranger odd )),
    record($Key{expired}, type => 'platform', user => 'u_owner',
           expires => 1),
    record($Key{inactive}, type => 'platform', user => 'u_owner',
           status => 'revoked'),
    record($Key{broken}, user => 'u_owner'),
    record($Key{workspace}, type => 'workspace', workspace => 'w1'),
    record($Key{other}, type => 'workspace', workspace => 'w2'),
    [ 'HSET', 'sendkit:roles:w1', u_owner => 'owner', u_admin => 'admin',
      u_member => 'member', u_odd => 'superuser' ],
    [ 'HSET', 'sendkit:roles:w2', u_owner => 'member',
      u_stranger => 'owner' ],
];


sub record {
    my ($key, @fields) = @_;
    return [ 'HSET', 'sendkit:key:' . SendkitAuth::digest($key), @fields ];
}


my %role = (
    w1 => { owner => 'owner', admin => 'admin', member => 'member' },
    w2 => { owner => 'member', stranger => 'owner' },
);

sub identity {
    my ($who, $workspace) = @_;

    my %own = (workspace => 'w1', other => 'w2');
    my $type = $own{$who} ? 'workspace' : 'platform';
    my $text = "X-Sendkit-Key-Type: $type\n"
               . 'X-Sendkit-Key-Id: ' . SendkitAuth::key_id($Key{$who}) . "\n";

    $workspace //= $own{$who};

    $text .= "X-Sendkit-User-Id: u_$who\n" if !$own{$who};
    $text .= "X-Sendkit-Workspace-Id: $workspace\n" if defined $workspace;
    $text .= "X-Sendkit-Role: $role{$workspace}{$who}\n"
        if !$own{$who} && defined $workspace;

    return $text;
}


1;
