package SendkitAuth::SoakWorld;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# Who asks for what in a soak: principals, workspaces, routes.  The same in the
# process that asks and in the one that judges.
#
#   $Principals, $Workspaces     they are counted from 0
#   principal(N)     { key, name (of the record), id, user | workspace }
#   nobody(N)        a key that has no record, ever
#   record(N)        the fields of its record
#   members(W)       the users that have roles in a workspace, now and then
#   workspaces(N)    the workspaces in which the principal is at home
#   roles_name(W)    the name of the hash
#   @Routes          { method, path, keys, roles => { WORD => 1 }, by }
#   request(WHAT)    method, path and headers; WHAT is { who, route, ws }, and
#                    who is "n7" for nobody(7)

use strict;
use warnings;

use Digest::SHA qw( sha256_hex );
use Exporter qw( import );

our @EXPORT = qw( $Principals $Workspaces @Routes principal nobody record
                  members workspaces roles_name request );

my $platform = 200;
my $users = $platform / 2;

our $Workspaces = 50;
our $Principals = $platform + 2 * $Workspaces;

my %any = map { $_ => 1 } qw( owner admin member );
my %two = map { $_ => 1 } qw( owner admin );

our @Routes = (
    { method => 'GET', path => '/v1/workspaces/%s', keys => 'any',
      roles => \%any, by => 'path' },
    { method => 'PATCH', path => '/v1/workspaces/%s', keys => 'any',
      roles => \%two, by => 'path' },
    { method => 'DELETE', path => '/v1/workspaces/%s', keys => 'platform',
      roles => { owner => 1 }, by => 'path' },
    { method => 'POST', path => '/v1/workspaces/%s/api-key',
      keys => 'platform', roles => \%two, by => 'path' },
    { method => 'GET', path => '/v1/campaigns', keys => 'any',
      roles => \%any, by => 'header' },
    { method => 'GET', path => '/v1/account', keys => 'platform' },
);

my @principals = map { make($_) } 0 .. $Principals - 1;
my @members;

for my $user (0 .. $users - 1) {
    push @{ $members[$_] }, "u$user" for homes($user);
}


sub make {
    my ($n) = @_;

    my $is_user = $n < $platform;
    my $key = sprintf $is_user ? 'sk_user_soak-%016d' : 'sk_soak-%016d', $n;
    my $digest = sha256_hex($key);

    return { key => $key, name => "sendkit:key:$digest",
             id => substr($digest, 0, 12),
             $is_user ? (user => 'u' . int($n / 2))
                      : (workspace => 'w' . $n % $Workspaces) };
}


sub homes {
    my ($user) = @_;
    return map { ($user + $_) % $Workspaces } 0, 17, 29;
}


sub principal  { return $principals[$_[0]] }
sub nobody     { return sprintf 'sk_user_nobody-%016d', $_[0] }
sub members    { return @{ $members[$_[0]] } }
sub roles_name { return "sendkit:roles:w$_[0]" }


# Two keys for each user.

sub workspaces {
    my ($n) = @_;
    return $n < $platform ? homes(int $n / 2) : $n % $Workspaces;
}


sub record {
    my ($n) = @_;

    my $principal = $principals[$n];
    return $principal->{user}
           ? (type => 'platform', user => $principal->{user})
           : (type => 'workspace', workspace => $principal->{workspace});
}


sub request {
    my ($what) = @_;

    my $route = $Routes[ $what->{route} ];
    my $who = $what->{who};
    my $key = $who =~ /^n(\d+)/ ? nobody($1) : $principals[$who]{key};
    my @headers = "x-api-key: $key";

    push @headers, "x-workspace-id: w$what->{ws}"
        if ($route->{by} // '') eq 'header';

    return ($route->{method}, $route->{path} =~ s{%s}{w$what->{ws}}r,
            @headers);
}

1;
