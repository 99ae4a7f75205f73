# Copyright (C) the ngx_sendkit_auth_module authors
#
# nginx is reloaded 20 times under load, while roles and keys change in Redis:
# no request fails and no verdict is wrong, with the cache in use.
#
# Fails when ngx_sendkit_auth_cache_invalidate() does nothing, or when the old
# worker process hands over to a new one that is not told yet what changes, if
# that needs longer than usual (ngx_sendkit_auth_subscriber_leave()).
#
# t/stress/reloads does the same many more times.

use SendkitAuth;
use SendkitAuth::RoleLoad;

my $reloads = 20;
my $bound = $Slow ? 10 : 2;

SendkitAuth::RoleLoad::seed();

my $nginx = SendkitAuth::Nginx->start(
    http => SendkitAuth::RoleLoad::conf($Slow ? '60s' : '6s'), workers => 2);
ok($nginx->wait_for_log(qr/cache is used/), 'the channel is up');

my $load = SendkitAuth::RoleLoad->start($nginx->port, bound => $bound);
$load->wait_for(changes => 20);

for (1 .. $reloads) {
    $nginx->reload;
    $load->wait_for(changes => 5);
}

# Each principal has changed once more since the last reload.

$load->wait_for(changes => 100);
my $seen = $load->stop;

is("@{ $seen->{failures} }", '', 'no request has failed');
is("@{ $seen->{wrong} }", '', 'no verdict was wrong');
cmp_ok($seen->{$_}, '>', 100, "there were some: $_") for qw( allowed refused );
cmp_ok($seen->{hits}, '>', $seen->{answers} / 2, 'most were hits');

ok($nginx->quit, 'nginx ended');
unlike($nginx->error_log, qr/\[(?:alert|crit|emerg)\]/, 'no alert in the log');
