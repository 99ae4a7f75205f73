package Bench::Subjects;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# What is compared.  A subject has
#
#   id, title, label (in plots)
#   conf       file in bench/conf, without .conf
#   modules    that nginx loads
#   zone       value of sendkit_auth_zone, for the module
#   path       of the request
#   key        format of the key, for a number below "keys"
#   status     expected
#   identity   expected by the backend; then a bad key must be answered by 401
#   base       id of the subject that it is compared with
#
#   subject(ID [, NAME => VALUE, ...])     one of them, with other values

use strict;
use warnings;

use Exporter qw( import );

our @EXPORT = qw( @Subjects subject );

my $platform = 'sk_user_%032d';
my $workspace = 'sk_%032d';
my $unknown = 'sk_user_x%031d';

my $lua = [ 'ndk_http_module', 'ngx_http_lua_module' ];
my $owner = 'user=u7 role=owner workspace=w1';

my %default = (path => '/v1/workspaces/w1/api-key', key => $platform,
               keys => 1000, status => 200, base => 'proxy', zone => '',
               modules => []);
my %module = (conf => 'module', modules => [ 'ours' ]);
my %cached = (%module, zone => 'keys:64m');


# The zone of "miss" has room for a small part of its keys.

our @Subjects = map { { %default, %$_ } } (
    { id => 'proxy', title => 'bare `proxy_pass`', conf => 'proxy' },
    { id => 'headers', title => 'bare `proxy_pass`, the same headers',
      conf => 'headers' },
    { %cached, id => 'hit', label => 'hit',
      title => 'this module, hit', identity => $owner },
    { %cached, id => 'workspace', label => 'workspace key',
      title => 'this module, workspace key, hit',
      key => $workspace, path => '/v1/campaigns',
      identity => 'user= role= workspace=w1' },
    { %cached, id => 'miss', label => 'miss',
      title => 'this module, miss', keys => 100_000,
      zone => 'keys:1m', identity => $owner },
    { %module, id => 'no_zone', label => 'no zone',
      title => 'this module, no zone',
      identity => $owner },
    { id => 'map', label => 'map',
      title => '`map`, keys in the configuration', conf => 'map',
      identity => $owner },
    { id => 'auth_request', label => 'auth_request',
      title => '`auth_request`, always yes',
      conf => 'auth_request' },
    { id => 'auth_request_redis', label => 'auth_request, Redis',
      title => '`auth_request`, asks Redis',
      conf => 'auth_request_redis', identity => $owner },
    { id => 'lua_dict', label => 'Lua, dictionary',
      title => 'Lua, shared dictionary', conf => 'lua_dict',
      modules => $lua, identity => $owner },
    { id => 'lua_redis', label => 'Lua, Redis',
      title => 'Lua, asks Redis', conf => 'lua_redis',
      modules => $lua, identity => $owner },
    { id => 'return_403', title => 'bare `return 403`', conf => 'return_403',
      status => 403, base => 'return_403' },
    { %cached, id => 'deny', label => 'refused',
      title => 'this module, refused by the prefix',
      key => $workspace, status => 403, base => 'return_403' },
    { %cached, id => 'unknown', title => 'this module, unknown key',
      key => $unknown, status => 401, base => 'return_403' },
);


sub subject {
    my ($id, %values) = @_;

    my ($subject) = grep { $_->{id} eq $id } @Subjects
        or die "no subject \"$id\"\n";
    return { %$subject, %values };
}

1;
