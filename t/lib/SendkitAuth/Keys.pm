package SendkitAuth::Keys;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# What the tests of the key service share.
#
#   --- config eval: $::KeyService      the service for its paths, in front of
#                                       what $::Guarded has
#   --- redis eval: $::KeySeed          keys and roles as in SendkitAuth::Seed,
#                                       but no keys of the workspaces
#
#   my $gate = keys_gate(...);          as gate(), with the service
#   my $answer = manage($gate, 'owner', 'POST', PATH [, HEADER ...]);
#       to the workspace w1; PATH is what follows "/api-key", or a whole path
#       that begins with "/v1"
#
# Each of these makes one check, of the status, all that is certain about the
# headers, and the body:
#
#   my $key = is_key($answer, 201, 'u_owner', NAME);    returns the key
#   is_shown($answer, $key, 'u_owner', NAME)
#   is_deleted($answer, NAME)
#   is_error($answer, 409, NAME)
#
# What Redis has of a workspace.  Records of keys that the seed has do not
# count.
#
#   is_stored($key, 'w1', 'u_owner', NAME)    this key and no other
#   is_stored(undef, 'w1', undef, NAME)       none
#   whole('w1')     the digest of its key, "none", or what does not agree
#
# Both take a prefix that is not "sendkit:" as one argument more.

use strict;
use warnings;

use Exporter qw( import );
use Test::More ();

use SendkitAuth::Denials;
use SendkitAuth::Gate;
use SendkitAuth::Redis;
use SendkitAuth::Seed;
use SendkitAuth::Wire ();

our @EXPORT = qw( $KeyLocation $KeyService $KeySeed $AnyKey keys_gate manage
                  is_key is_shown is_deleted is_error is_stored whole );

our $AnyKey = qr/sk_[0-9a-f]{48}/;
our $Time = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/;

our $KeyLocation = <<"END";
    location ~ ^/v1/workspaces/[^/]+/api-key {
        sendkit_auth  on;
        include       $SendkitAuth::Top/conf/sendkit_v1_routes.conf;
        sendkit_keys;
    }
END

our $KeyService = $KeyLocation . $SendkitAuth::Guarded;

my %own = map { +'sendkit:key:' . SendkitAuth::digest($Key{$_}) => 1 }
              qw( workspace other );

our $KeySeed = [ grep { !$own{$_->[1]} } @$Seed ];


sub keys_gate {
    my %args = (location => '', @_);
    return gate(%args, location => "$KeyLocation $args{location}");
}


sub manage {
    my ($gate, $who, $method, $path, @headers) = @_;

    $path //= '';
    $path = "/v1/workspaces/w1/api-key$path" if $path !~ m{^/v1};

    my $client = SendkitAuth::Wire->new($gate->port);
    my $request = request_of($who, undef, [ $method, $path, @headers ]);

    return $client->send($request)->answer($method);
}


# An answer in one text, and the beginning of what it has to be.

sub text_of {
    my ($answer) = @_;
    my $headers = $answer->{headers};

    return text($answer->{status}, $answer->{body},
                map { $_ => $headers->{$_} } keys %$headers);
}


sub expected {
    my ($status, $body, %headers) = @_;

    return text($status, $body, 'content-type' => 'application/json',
                'cache-control' => 'no-store', %headers);
}


sub text {
    my ($status, $body, %headers) = @_;

    my @names = qw( content-type cache-control retry-after allow );
    return join "\n", $status, map({ "$_: " . ($headers{$_} // '-') } @names),
                      $body;
}


sub is_key {
    my ($answer, $status, $user, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $head = expected($status, '{"success":true,"data":{"apiKey":"');
    my $tail = qr/","createdAt":"$Time","createdBy":"\Q$user\E"\}\}/;
    my $text = text_of($answer);

    Test::More::like($text, qr/^\Q$head\E$AnyKey$tail\z/, $name);
    return $text =~ /($AnyKey)/ ? $1 : '';
}


sub is_shown {
    my ($answer, $key, $user, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $head = expected(200, '{"success":true,"data":{"maskedKey":"'
                             . masked($key) . '","createdAt":"');

    Test::More::like(text_of($answer),
                     qr/^\Q$head\E$Time","createdBy":"\Q$user\E"\}\}\z/,
                     $name);
}


# A text that is no key is what is to be shown.

sub masked {
    my ($key) = @_;
    return $key =~ /^(sk_[^.]{4}).*([^.]{4})$/ ? "$1...$2" : $key;
}


sub is_deleted {
    my ($answer, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::is(text_of($answer),
                   expected(200, '{"success":true,"data":{"message":'
                                 . '"API key deleted"}}'), $name);
}


sub is_error {
    my ($answer, $status, $name, %headers) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $headers{'retry-after'} = 1 if $status == 503;
    Test::More::is(text_of($answer),
                   expected($status, denied($status), %headers), $name);
}


sub is_stored {
    my ($key, $workspace, $user, $name, $prefix) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $text = stored($workspace, $prefix // 'sendkit:');

    if (!defined $key) {
        Test::More::is($text, '', $name);
        return;
    }

    my $digest = SendkitAuth::digest($key);

    Test::More::like($text, qr/^
        \Qkey:$digest type=workspace workspace=$workspace\E\n
        \Qworkspace-key:$workspace created_at=\E$Time
        \Q created_by=$user digest=$digest masked=@{[ masked($key) ]}\E\n
        \z/x, $name);
}


# All fields of the pointer and of the records, but for the seed's.

sub stored {
    my ($workspace, $prefix) = @_;
    my @text;

    for my $key ("${prefix}workspace-key:$workspace",
                 made_records($workspace, $prefix))
    {
        my %fields = @{ redis('HGETALL', $key) };
        push @text, join(' ', substr($key, length $prefix),
                         map { "$_=$fields{$_}" } sort keys %fields) . "\n"
            if %fields;
    }

    return join '', sort @text;
}


sub made_records {
    my ($workspace, $prefix) = @_;
    my %seed = map { $_->[1] => 1 } @$KeySeed;

    return grep { !$seed{$_}
                  && (redis('HGET', $_, 'workspace') // '') eq $workspace }
                @{ redis('KEYS', "${prefix}key:*") };
}


# In one step, for others may change it meanwhile.

sub whole {
    my ($workspace, $prefix) = @_;

    my ($digest, @records) = @{ redis('EVAL', q{
        local prefix, workspace = ARGV[1], ARGV[2]
        local found = { redis.call('HGET', prefix .. 'workspace-key:'
                                           .. workspace, 'digest') or 'none' }

        for _, key in ipairs(redis.call('KEYS', prefix .. 'key:*')) do
            if redis.call('HGET', key, 'workspace') == workspace then
                found[#found + 1] = string.sub(key, -64)
            end
        end

        return found
    }, 0, $prefix // 'sendkit:', $workspace) };

    return $digest if "@records" eq ($digest eq 'none' ? '' : $digest);
    return "a pointer to $digest, and records @records";
}

1;
