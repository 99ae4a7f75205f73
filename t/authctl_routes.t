# Copyright (C) the ngx_sendkit_auth_module authors
#
# sendkit-authctl reads a routes file as nginx does: of files that are made up
# from a fixed seed, by damaging good ones, both take the same, and say the
# same of words that cannot be.
#
# Fails when authctl_lexer_next(), or a function that it calls, splits a
# file otherwise than nginx does, when authctl_lexer_unescape() takes other
# escapes, or when authctl_routes_check() lets pass what
# ngx_sendkit_auth_conf_route() does not, or the other way round.

use SendkitAuth;

use SendkitAuth::Process qw( slurp );

my $tool = $ENV{SENDKIT_AUTHCTL} // "$Top/build/sendkit-authctl";
my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
my $files = $Slow ? 40 : 400;
my $dir = temp_dir();

my @routes = (
    "sendkit_auth_route GET /a;\n",
    "sendkit_auth_route  POST,DELETE\n\t'/b/{x}' keys=any;# why\n",
    "\"sendkit_auth_route\" * \"/{workspaceId}/**\" roles=owner,admin\r\n;",
    "sendkit_auth_route PUT /c\\'d workspace=header roles=any keys=any;\n",
    "sendkit_auth_route GET '/\\'\$(1)!'; # \" ' { } ;\n",
    "sendkit_auth_route OPTIONS /a;\n",
);

# Seldom made of these.

my @others = (
    "sendkit_auth_route GET '/a')x;",
    "sendkit_auth_route GET '/a')keys=any;",
    "sendkit_auth_route GET /{a};",
    "sendkit_auth_route GET '/{a}'; sendkit_auth_route PUT '/{b}';",
    "sendkit_auth_route GET '/{a}'; sendkit_auth_route PUT '/{a}';",
    "sendkit_auth_route GET /a; sendkit_auth_route HEAD /a;",
    "sendkit_auth_route * /a; sendkit_auth_route GET /a;",
    "sendkit_auth_route * /a; sendkit_auth_route * /a;",
    "# nothing\n", '', 'sendkit_auth_route', "sendkit_auth_route GET /a",
);

# What is put in, takes the place of something, or stands before and after.

my @bytes = ('"', "'", '\\', ';', '{', '}', '$', '${', '\\n', '\\"', '\\t',
             ')', '(', '#', ' ', "\n", "\t", "\r", 'a', '/', '*', "\x00",
             "\x01", "\xe4", '""', "''", ' "x" ', "\\\n", ' keys=any',
             ' x y z');


sub write_file {
    my ($name, $bytes) = @_;

    open my $out, '>:raw', "$dir/$name" or die "$dir/$name: $!";
    print $out $bytes;
    close $out or die "$dir/$name: $!";
}


sub damaged {
    my @texts = map { $routes[rand @routes] } 1 .. 1 + rand 3;
    my $text = join '', @texts;

    for (1 .. rand 4) {
        my $at = int rand length $text;
        substr $text, $at, int(rand 3), $bytes[rand @bytes];
    }

    return $text;
}


# Long words and comments, around the size of nginx's buffer.

sub long {
    my ($length) = @_;
    my $long = 'x' x ($length - 1);

    return (map { "sendkit_auth_route GET $_" }
            "/$long;", "'/$long';", "\"/$long\" ;", "/$long ;", "/$long\n;",
            "/a;#$long", "/a;#$long\n", "/a;\n#$long\n", "/a #$long\n;");
}


# Both read each file; nothing of the other files can matter to them.

sub verdicts {
    my ($n) = @_;

    my $script = join '', map { <<"END" } 0 .. $n - 1;
$tool explain --routes $dir/routes-$_ GET / > /dev/null 2> $dir/tool-$_
echo tool-$_ \$?
$nginx -t -q -p $dir -e stderr -c $dir/nginx-$_ 2> $dir/said-$_
echo nginx-$_ \$?
END

    write_file('script', $script);
    return { map { split } `sh $dir/script` };
}


sub conf_for {
    my ($i) = @_;

    write_file("nginx-$i", <<"END");
$LoadModule
error_log stderr;
pid $dir/pid;
events { }
http {
    access_log off;
    client_body_temp_path $dir/temp;
    proxy_temp_path $dir/temp;
    fastcgi_temp_path $dir/temp;
    uwsgi_temp_path $dir/temp;
    scgi_temp_path $dir/temp;
    sendkit_auth_redis unix:$dir/none;
    server {
        listen unix:$dir/listen;
        location / {
            sendkit_auth on;
            include $dir/routes-$i;
        }
    }
}
END
}


# What is said of a word, in the form of the tool.

sub said_by_nginx {
    my ($text) = @_;

    return $text =~ /\[emerg\] (?:\d+#\d+: )?(".*?") in "sendkit_auth_route" ((?:is|has|does) .*?) in \S+:\d+\n/s
           ? "$1 $2" =~ s/[^ -~]/?/gr : undef;
}


srand 20;

my @texts = (@others, (map { damaged() } 1 .. $files),
             map { long($_) } 4087 .. 4098);

for my $i (0 .. $#texts) {
    write_file("routes-$i", $texts[$i]);
    conf_for($i);
}

my $verdicts = verdicts(scalar @texts);
my (%count, @differences);

for my $i (0 .. $#texts) {
    my $taken = $verdicts->{"nginx-$i"} == 0;
    my $tool = slurp("$dir/tool-$i");
    my $said = said_by_nginx(slurp("$dir/said-$i"));

    $count{$taken ? 'taken' : defined $said ? 'bad word' : 'other'}++;

    push @differences, "$texts[$i]\n" . slurp("$dir/said-$i") . $tool
        if $taken != ($verdicts->{"tool-$i"} != 2)
           || defined $said && length $said < 150
              && index($tool, ": $said\n") < 0;
}

is(scalar @differences, 0, 'the tool and nginx take the same files')
    or diag(join "\n", @differences > 5 ? @differences[0 .. 4] : @differences);

ok(($count{$_} // 0) > $files / 20, "there are files of the kind \"$_\"")
    for 'taken', 'bad word', 'other';
diag(join ', ', map { "$_ $count{$_}" } sort keys %count);
