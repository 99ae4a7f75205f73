# Copyright (C) the ngx_sendkit_auth_module authors
#
# A network that is slow, or does something to what it carries: what arrives in
# time and whole counts, however it was cut; everything else is 503, and never a
# verdict.
#
# Fails when what is no reply becomes a verdict (sendkit_decision_store()), or
# when the timer of a command is not set
# (ngx_sendkit_auth_redis_client_rearm()).

use SendkitAuth;
use SendkitAuth::FaultBench;

# With time for what comes late, and with the times of a production.

my %patient = (connect => '5s', read => '5s', timeout => '5s');
my $bench = SendkitAuth::FaultBench->new(%patient);
my $proxy = $bench->proxy;


sub fault {
    my ($name, $direction, @what) = @_;
    my %args = ref $what[-1] ? %{ pop @what } : ();

    $bench->fault($name, sub { $proxy->fault($direction, @what) }, %args);
}


# Later, but in time.

fault('20 ms late', 'replies', delay => 0.02, { cold => '200', for => 0.5 });
fault('up to 20 ms of jitter each way', 'both', delay => 0, 0.02,
      { cold => '200', for => 0.5 });
fault('a byte at a time', 'both', split => 0, { cold => '200', for => 0.5 });
fault('a byte each 100 us', 'replies', split => 0.0001,
      { cold => '200', for => 0.5 });
fault('gathered for 20 ms', 'both', merge => 0.02,
      { cold => '200', for => 0.5 });

$bench->ends_well;

# Too late.

$bench = SendkitAuth::FaultBench->new;
$proxy = $bench->proxy;

fault('3 s late', 'replies', delay => 3, { revoke => 1 });
fault('a byte each 50 ms', 'replies', split => 0.05, { revoke => 1 });

# Another thing than what was sent.

fault('a bit flipped in the first byte', 'replies', corrupt => 0,
      { for => 0.5 });
fault('a bit flipped in the second byte', 'replies', corrupt => 1,
      { for => 0.5 });
fault('HTTP', 'replies', replace => "HTTP/1.1 400 Bad Request\r\n\r\n",
      { for => 0.5 });
fault('zeros', 'replies', replace => "\0" x 3000, { for => 0.5 });
fault('requests that end early', 'requests', truncate => 20,
      { for => 0.5 });

$bench->ends_well;
