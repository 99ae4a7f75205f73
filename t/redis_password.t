# Copyright (C) the ngx_sendkit_auth_module authors
#
# A new password of Redis needs no reload: when one is refused, the worker
# reads its file again.  Connections that live are left alone.
#
# Fails when ngx_sendkit_auth_redis_hello_refused() does not call
# ngx_sendkit_auth_redis_login_refused(), when that keeps a password that the
# file does not have any more, or forgets the one in use when the file is
# missing, empty or too long.

use SendkitAuth;
use SendkitAuth::Acl;
use SendkitAuth::Gate;
use SendkitAuth::Seed;
use SendkitAuth::Zone;

my @rules = acl_rule('cache');
my $file = temp_dir() . '/password';
my %args = (more => "sendkit_auth_redis_user nginx;"
                    . "sendkit_auth_redis_password_file $file;");


# As an editor does it: there is always a whole file.

sub write_password {
    my ($bytes) = @_;

    open my $out, '>:raw', "$file.new" or die "$file.new: $!";
    print $out $bytes;
    close $out;
    chmod 0644, "$file.new";
    rename "$file.new", $file or die "$file: $!";
}


sub set_password {
    my ($password) = @_;
    redis('ACL', 'SETUSER', 'nginx', 'on', 'resetpass', ">$password", @rules);
}


# Others than that of the test.

sub kill_connections {
    redis('CLIENT', 'KILL', 'USER', 'nginx', 'SKIPME', 'yes');
}


sub started {
    my ($name, %more) = @_;

    write_password("old-word\n");
    redis('FLUSHALL');
    redis(@$_) for @$Seed;
    set_password('old-word');

    my $gate = gate(%args, %more);
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1', "$name - at first");
    return $gate;
}


sub ends {
    my ($gate, $name) = @_;

    Test::More::unlike($gate->error_log, qr/(?:old|new|wrong)-word/,
                       "$name - no password in the log");
    ends_well($gate, $name);
}


# In the order of the documentation, nobody notices.

{
    my $name = 'first the file, then Redis';
    my $gate = started($name);

    write_password("new-word\n");
    set_password('new-word');
    is_allowed(ask($gate, 'owner', 'w1'), 'owner', 'w1',
               "$name - the connection lives on");

    kill_connections();
    my $answer = ask($gate, 'owner', 'w1');
    is_allowed($answer, 'owner', 'w1', "$name - the next one as well");
    is_refused(ask($gate, 'unknown', 'w1'), 401, 'unknown_key',
               "$name - a no on the same worker");
    Test::More::like($gate->error_log,
                     qr/\[notice\].* password was read again from "\Q$file\E"/,
                     "$name - said in the log");
    ends($gate, $name);
}

{
    my $name = 'first Redis, then the file';
    my $gate = started($name);

    set_password('new-word');
    kill_connections();
    Test::More::is(ask($gate, 'owner', 'w1')->{status}, 503,
                   "$name - refused");
    write_password('new-word');
    recovers($gate, $name);
    ends($gate, $name);
}

{
    my $name = 'a user who is deleted and made again';
    my $gate = started($name);

    redis('ACL', 'DELUSER', 'nginx');
    Test::More::ok(wait_until(sub {
        return ask($gate, 'owner', 'w1')->{status} == 503;
    }), "$name - refused");
    write_password('new-word');
    set_password('new-word');
    recovers($gate, $name);
    ends($gate, $name);
}


# A file that is no good does not cost the password that may be.

my %bad = (
    'no file' => [ sub { unlink $file }, qr/"\Q$file\E" of the .* cannot be/ ],
    'an empty file' => [ sub { write_password("\n") }, qr/is empty/ ],
    'a long file' => [ sub { write_password('x' x 4097) }, qr/is too long/ ],
    'a pipe' => [ sub {
        unlink $file;
        system('mkfifo', '-m', '666', $file) == 0 or die 'mkfifo failed';
    }, qr/is empty|cannot be read/ ],
    'a wrong one' => [ sub { write_password('wrong-word') }, undef ],
);

for my $name (sort keys %bad) {
    my ($spoil, $log) = @{ $bad{$name} };
    my $gate = started($name);

    $spoil->();
    set_password('new-word');
    kill_connections();

    Test::More::ok(wait_until(sub {
        ask($gate, 'owner', 'w1');
        my $refused = () = $gate->error_log =~ /sent error "WRONGPASS/g;
        return $refused >= 3;
    }), "$name - tried again and again");

    if ($log) {
        Test::More::ok($gate->wait_for_log($log), "$name - said in the log");
        set_password('old-word');
        recovers($gate, "$name, and the old password again");

        Test::More::unlike(redis('CLIENT', 'LIST'),
                           qr/name=sendkit-auth.* user=default/,
                           "$name - never without a password");

        my $said = () = $gate->error_log =~ /the password is kept/g;
        Test::More::is($said, 1, "$name - said once");
    }

    unlink $file;
    write_password('new-word');
    set_password('new-word');
    kill_connections();
    recovers($gate, "$name, and then the right one");
    ends($gate, $name);
}


# The channel, too.

{
    my $name = 'the channel';

    write_password('old-word');
    set_password('old-word');

    my $gate = zone_gate(%args, workers => 1);
    like(seen($gate, 'owner', 'w1'), qr/^200 allowed miss$/, $name);

    write_password('new-word');
    set_password('new-word');
    kill_connections();

    ok($gate->wait_for_log(qr/password was read again/), "$name - is lost");
    channel_is($gate, 'up', "$name - is there again");
    told($gate, [ 'DEL', key('owner') ]);
    like(seen($gate, 'owner', 'w1'), qr/^401 unknown_key /,
         "$name - tells what changes");
    ends($gate, $name);
}
