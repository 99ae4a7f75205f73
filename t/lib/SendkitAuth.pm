package SendkitAuth;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# The base of the test files in t/, on top of Test::Nginx::Socket:
#
#   use SendkitAuth;
#   run_tests();
#   __DATA__
#
#   === TEST 1: an owner may create a key of the workspace
#   --- config eval: $::Guarded
#   --- redis
#   HSET sendkit:key:digest(sk_user_0123456789abcdef) type platform user u1
#   HSET sendkit:roles:w1 u1 owner
#   --- request: POST /v1/workspaces/w1/api-key
#   --- more_headers: X-Api-Key: sk_user_0123456789abcdef
#   --- upstream_identity
#   X-Sendkit-Key-Type: platform
#   X-Sendkit-Key-Id: key_id(sk_user_0123456789abcdef)
#   ...
#   --- commandstats: hmget=1 hget=1
#
# Every block starts with an empty Redis and a backend that has recorded
# nothing, loads the module, and must leave no [alert], no [crit] and no
# report of a sanitizer.  In "redis" and "upstream_identity", digest(KEY) and
# key_id(KEY) stand for what is made of the key.  Sections of our own:
#
#   redis               commands for Redis, one a line, words as in a shell;
#                       with "eval" also [ [ WORD, ... ], ... ]
#   redis_server        "stopped" (does not answer) or "killed", for this block
#   more_http_config    is added to the default http_config
#   upstream            "none": no request reached the backend
#   upstream_requests   how many did
#   upstream_identity   the identity header lines, in any spelling, that each
#                       request had, each exactly once and no others; "none"
#   upstream_like       regex that the head of each request matches
#   upstream_unlike     regex that none matches
#   commandstats        calls of HGET and HMGET, as in "hmget=1 hget=1"; those
#                       that are not named were not called; "none"
#
# Environment:
#
#   SENDKIT_AUTH_MODULE    path of the module, empty if it is linked in
#   SENDKIT_AUTH_REPORTS   directory where sanitizers or valgrind write reports
#   SENDKIT_AUTH_SLOW      nginx runs with such a tool, so time counts less
#   SENDKIT_AUTH_KEEP      keep the temporary directory
#   SENDKIT_AUTH_REDIS_SERVER   the program instead of redis-server

use strict;
use warnings;

# Before Test::Nginx, for END blocks run in the opposite order: nginx is
# stopped before its directory and its servers go away.

use SendkitAuth::Process qw( temp_dir free_port wait_until slurp );

END { check_reports_at_end() }

# Test files may run beside each other.

BEGIN {
    $ENV{TEST_NGINX_SERVROOT} //= temp_dir() . '/servroot';
    $ENV{TEST_NGINX_PORT} //= free_port();
}

use Cwd ();
use Digest::SHA ();
use IPC::Open3 ();
use Text::ParseWords ();

use Test::Nginx::Socket ();
use Test::Nginx::Util ();

use SendkitAuth::Nginx ();
use SendkitAuth::Redis;
use SendkitAuth::Upstream ();

our $Top = Cwd::cwd();
our $Module = $ENV{SENDKIT_AUTH_MODULE}
              // "$Top/build/ngx_sendkit_auth_module.so";
our $Slow = $ENV{SENDKIT_AUTH_SLOW};

our $LoadModule = length $Module ? "load_module $Module;" : '';
our $Upstream = SendkitAuth::Upstream->new;

# Times that a busy machine does not reach; tests of timeouts set their own.

our $HttpConfig = <<"END";
    sendkit_auth_redis                  unix:@{[ redis_socket() ]};
    sendkit_auth_redis_connect_timeout  5s;
    sendkit_auth_redis_read_timeout     5s;
    sendkit_auth_timeout                5s;

    upstream backend {
        server @{[ $Upstream->address ]};
    }
END

our $Guarded = <<"END";
    location /v1/ {
        sendkit_auth  on;
        include       $Top/conf/sendkit_v1_routes.conf;
        proxy_pass    http://backend;
    }
END

our @EXPORT = qw( $Guarded $HttpConfig $LoadModule $Slow $Top $Upstream
                  h2 redis redis_server redis_socket commandstats
                  digest key_id temp_dir free_port wait_until );

my $identity_header = qr/^x[-_]sendkit[-_]/i;


sub import {
    my $caller = caller;

    strict->import;
    warnings->import;
    eval "package $caller; Test::Nginx::Socket->import('no_plan'); 1"
        or die $@;

    no strict 'refs';
    for (@EXPORT) {
        my ($sigil, $name) = /^(\$?)(\w+)/;
        *{"${caller}::$name"} = $sigil ? \${"SendkitAuth::$name"}
                                       : \&{"SendkitAuth::$name"};
    }
}


Test::Nginx::Socket::add_block_preprocessor(\&prepare_block);
Test::Nginx::Socket::add_test_cleanup_handler(\&check_block);


sub prepare_block {
    my ($block) = @_;

    check_eval($block);
    add_load_module($block);
    add_http_config($block);
    add_no_error_log($block);
    add_init($block);
    prepare_redis($block);
    $Upstream->mark;
}


# Test::Base takes the message of a failed "eval" for the section's value.

sub check_eval {
    my ($block) = @_;

    for my $value (map { @$_ } grep { ref eq 'ARRAY' } values %$block) {
        Test::Nginx::Util::bail_out($block->name . ": $value")
            if defined $value && $value =~ / at \(eval \d+\) line \d+/;
    }
}


sub add_load_module {
    my ($block) = @_;

    my $main_config = $block->main_config // '';
    return if index($main_config, $LoadModule) >= 0;

    $block->set_value('main_config', "$LoadModule\n$main_config");
}


sub add_http_config {
    my ($block) = @_;

    my $http_config = $block->http_config // $HttpConfig;
    my $more = $block->more_http_config // '';

    $block->set_value('http_config', "$http_config\n$more");
}


# Not where the block expects one of them.

sub add_no_error_log {
    my ($block) = @_;

    my @expected = as_list($block->error_log);
    my @patterns = as_list($block->no_error_log);

    for my $pattern ('[alert]', '[crit]', 'runtime error', 'Sanitizer') {
        push @patterns, $pattern
            if !grep { index($_, $pattern) >= 0 } @expected, @patterns;
    }

    $block->set_value('no_error_log', \@patterns);
}


# In valgrind nginx runs in the foreground and takes its time to listen;
# Test::Nginx evaluates "init" before it sends the request.

sub add_init {
    my ($block) = @_;

    return if !$ENV{TEST_NGINX_USE_VALGRIND};

    my $init = $block->init // '';
    $block->set_value('init', "SendkitAuth::wait_for_nginx(); $init");
}


sub wait_for_nginx {
    my $port = sprintf '%04X', Test::Nginx::Util::server_port();

    wait_until(sub { slurp('/proc/net/tcp') =~ /:$port \S+ 0A /m }, 30);
}


sub as_list {
    my ($value) = @_;

    return () if !defined $value;
    return @$value if ref $value eq 'ARRAY';
    return $value if ref $value;
    return grep { length } split /\n+/, $value;
}


sub prepare_redis {
    my ($block) = @_;

    redis('FLUSHALL');

    my $commands = $block->redis // '';
    my @commands = ref $commands
        ? @$commands
        : map { [ Text::ParseWords::shellwords($_) ] }
          grep { /\S/ && !/^\s*#/ } split /\n/, expand_keys($commands);

    redis(@$_) for @commands;
    redis('CONFIG', 'RESETSTAT');

    my $state = $block->redis_server // return;

    redis_server()->stop if $state eq 'stopped';
    redis_server()->kill9 if $state eq 'killed';
    Test::Nginx::Util::bail_out("unknown --- redis_server: $state")
        if $state !~ /^(?:stopped|killed)$/;
}


# After the last request of the block.

sub check_block {
    my ($block) = @_;

    return if defined $block->SKIP;

    restore_redis($block);
    check_commandstats($block);
    check_upstream($block);
    check_reports($block);
}


# Without a pepper: the name of a key in Redis, and the short form of it that
# may be shown.

sub digest { return Digest::SHA::sha256_hex($_[0]) }
sub key_id { return substr digest($_[0]), 0, 12 }

sub expand_keys {
    my ($text) = @_;

    $text =~ s/\bdigest\(([^()\s]*)\)/digest($1)/ge;
    $text =~ s/\bkey_id\(([^()\s]*)\)/key_id($1)/ge;
    return $text;
}


sub restore_redis {
    my ($block) = @_;

    my $state = $block->redis_server // return;
    redis_server()->cont if $state eq 'stopped';
    redis_server()->start if $state eq 'killed';
}


sub check_commandstats {
    my ($block) = @_;

    my $expected = $block->commandstats // return;
    my $repeat = Test::Nginx::Util::repeat_each();
    my %calls = (hget => 0, hmget => 0);

    if ($expected !~ /^\s*none\s*$/) {
        for (split ' ', $expected) {
            my ($command, $n) = /^(\w+)=(\d+)$/
                or Test::Nginx::Util::bail_out("bad --- commandstats: $_");
            $calls{lc $command} = $n * $repeat;
        }
    }

    my $got = commandstats();
    my $text = sub { join ' ', map { "$_=" . ($_[0]{$_} // 0) }
                               sort keys %calls };

    Test::More::is($text->($got), $text->(\%calls),
                   $block->name . ' - commands that Redis got');
}


sub check_upstream {
    my ($block) = @_;
    my $name = $block->name;

    my $count = $block->upstream_requests;
    my $upstream = $block->upstream // '';

    Test::Nginx::Util::bail_out("unknown --- upstream: $upstream")
        if $upstream !~ /^\s*(?:none)?\s*$/;
    $count = 0 if $upstream =~ /none/;

    my $wanted = ($count // 1) * Test::Nginx::Util::repeat_each();
    my $identity = $block->upstream_identity;
    my $like = $block->upstream_like;
    my $unlike = $block->upstream_unlike;

    return if !defined($count // $identity // $like // $unlike);

    # A request that nginx sends beside the answer may be on its way.

    wait_until(sub { $Upstream->requests >= $wanted }, 2);
    my @requests = $Upstream->requests;

    Test::More::is(scalar @requests, $wanted,
                   "$name - requests that reached the backend")
        if defined $count;

    return if defined $count && $count == 0;

    $identity = expand_keys($identity) if defined $identity;

    Test::More::ok(scalar @requests, "$name - the backend got a request")
        if !defined $count;

    for my $request (@requests) {
        Test::More::is(identity_lines($request), identity_section($identity),
                       "$name - identity headers that the backend got")
            if defined $identity;
        Test::More::like($request->{head}, qr/$like/m,
                         "$name - upstream_like") if defined $like;
        Test::More::unlike($request->{head}, qr/$unlike/m,
                           "$name - upstream_unlike") if defined $unlike;
    }
}


sub identity_lines {
    my ($request) = @_;

    return join '', sort map { "$_->[0]: $_->[1]\n" }
                         grep { $_->[0] =~ $identity_header }
                         @{ $request->{headers} };
}


sub identity_section {
    my ($section) = @_;
    return '' if $section =~ /^\s*none\s*$/;
    return join '', sort map { "$_\n" } grep { length } split /\s*\n/,
                                                        $section;
}


# Reports with a function of ours; and those of sanitizers with none, for it
# may be our damage that nginx stumbled over, but for nchan, which has faults
# of its own at exit.

my %seen_reports;
my $ours = qr/\b(?:ngx_)?sendkit_\w+(?: |\.[ch]:\d)/;
my $not_ours = $ENV{TEST_NGINX_USE_VALGRIND} ? qr/^/ : qr/ngx_nchan_module/;

sub new_reports {
    my $dir = $ENV{SENDKIT_AUTH_REPORTS} // return;
    my @new;

    for my $file (glob "$dir/*") {
        my $text = slurp($file);
        next if !length $text || $seen_reports{$file}++;
        next if $text =~ $not_ours && $text !~ $ours;
        push @new, "$file:\n$text";
    }

    return @new;
}


sub check_reports {
    my ($block) = @_;

    return if !$ENV{SENDKIT_AUTH_REPORTS};

    my @reports = new_reports();
    Test::More::ok(!@reports, $block->name . ' - no report')
        or Test::More::diag(@reports);
}


# nginx has ended by now, so has the plan: only the status is left to fail.

sub check_reports_at_end {
    my @reports = new_reports();

    if (@reports) {
        print STDERR map { s/^/# /mgr } @reports;
        $? ||= 1;
    }
}


# Sends one HTTP/2 request over cleartext to a port with "http2":
#
#   my $answer = h2(port => $port, method => 'POST', path => '/v1/account',
#                   headers => [ 'X-Api-Key: ...', ... ], body => '...');
#   $answer->{status}, ->{headers}{lower-case name}, ->{body}, ->{error}
#
# A header that came more than once has its values joined by ", ".

sub h2 {
    my %args = (method => 'GET', path => '/', headers => [], time => 10,
                port => Test::Nginx::Util::server_port(), @_);

    my @command = ('curl', '-q', '-sS', '-i', '--http2-prior-knowledge',
                   '--path-as-is', '--globoff', '--noproxy', '*',
                   '--max-time', $args{time});

    push @command, $args{method} eq 'HEAD' ? '-I' : ('-X', $args{method});

    # curl's way to send a header without a value is a semicolon.

    push @command, map { ('-H', s/:\s*$/;/r) } @{ $args{headers} };
    push @command, '--data-binary', '@-', '-H', 'Content-Type:',
        if defined $args{body};
    push @command, "http://127.0.0.1:$args{port}$args{path}";

    my $body_file = temp_dir() . '/h2.body';
    open my $body, '+>:raw', $body_file or die "$body_file: $!";
    print $body $args{body} // '';
    $body->flush;
    seek $body, 0, 0;

    my $pid = IPC::Open3::open3('<&' . fileno $body, my $out, undef,
                                @command);
    binmode $out;
    my $text = do { local $/; <$out> } // '';
    waitpid $pid, 0;

    my %answer = (error => $? ? $text : '', status => 0, headers => {},
                  body => '');

    # 100 Continue is not the answer.

    while ($text =~ s{^HTTP/2 (\d+)[^\n]*\n(.*?)\r?\n\r?\n}{}s) {
        $answer{status} = $1;
        $answer{headers} = {};

        for (split /\r?\n/, $2) {
            my ($name, $value) = /^([^:]+):\s*(.*)/ or next;
            my $before = $answer{headers}{lc $name};
            $answer{headers}{lc $name} = defined $before ? "$before, $value"
                                                         : $value;
        }

        last if $answer{status} >= 200;
    }

    $answer{body} = $text if $answer{status};
    return \%answer;
}


# Test::Nginx writes "http2 on;" also for nginx that does not have it yet:
# before 1.25.1 it is a parameter of "listen".

my $write_config_file = \&Test::Nginx::Util::write_config_file;

sub write_config_file {
    $write_config_file->(@_);

    return if $Test::Nginx::Util::NginxVersion >= 1.025001;

    my $file = $Test::Nginx::Util::ConfFile;
    my $text = slurp($file);

    if ($text =~ s/^(\s*listen\s+[^;]*);\s*http2 on;/$1 http2;/mg) {
        open my $out, '>:raw', $file or die "$file: $!";
        print $out $text;
        close $out;
    }
}

{
    no warnings qw( prototype redefine );
    *Test::Nginx::Util::write_config_file = \&write_config_file;
}

1;
