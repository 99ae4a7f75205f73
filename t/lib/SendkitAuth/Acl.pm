package SendkitAuth::Acl;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# The rules for the user of the gateway in Redis, as the pages have them.
#
#   my @words = acl_rule('server');     what follows "on >PASSWORD"
#
#   server      one server, with any database
#   master      one that Sentinels name
#   sentinel    the Sentinels
#   cluster     the nodes of a cluster
#   cache       one server, with a zone

use strict;
use warnings;

use Exporter qw( import );

use SendkitAuth ();
use SendkitAuth::Process qw( slurp );

our @EXPORT = qw( acl_rule );

my %pages = ('redis-schema.md' => [ qw( server master sentinel cluster ) ],
             'caching.md' => [ 'cache' ]);
my %rules;


sub acl_rule {
    my ($name) = @_;

    read_page($_) for %rules ? () : keys %pages;
    return @{ $rules{$name} // die "no rule \"$name\"" };
}


sub read_page {
    my ($page) = @_;

    my @names = @{ $pages{$page} };
    my @found = slurp("$SendkitAuth::Top/docs/$page")
        =~ /^\$ redis-cli .*?ACL SETUSER nginx .*? (resetkeys .*)$/mg;

    die "$page has ", scalar @found, " rules\n" if @found != @names;

    $rules{$_} = [ split ' ', (shift @found) =~ tr/'//dr ] for @names;
}

1;
