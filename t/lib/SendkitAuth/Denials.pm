package SendkitAuth::Denials;

# Copyright (C) the ngx_sendkit_auth_module authors
#
# The bodies of denials, byte for byte, as in
#
#   --- response_body eval: ::denied(403)
#   --- response_body eval: [ ::denied(403), qr/"method":"GET"/ ]

use strict;
use warnings;

use Exporter qw( import );

our @EXPORT = qw( denied );

my %text = (
    400 => [ 'Bad Request', 'The request is not valid' ],
    401 => [ 'Unauthorized', 'A valid API key is required' ],
    403 => [ 'Forbidden',
             q{You don't have permission to access this resource} ],
    404 => [ 'Not Found', 'The requested resource was not found' ],
    405 => [ 'Method Not Allowed',
             'The method is not allowed for this resource' ],
    408 => [ 'Request Timeout', 'The request took too long' ],
    409 => [ 'Conflict',
             'The request conflicts with the current state of the resource',
             'Resource already exists' ],
    413 => [ 'Content Too Large', 'The request body is too large' ],
    503 => [ 'Service Unavailable',
             'The service is temporarily unavailable' ],
);


sub denied {
    my ($status) = @_;
    my ($error, $message, $details) = @{ $text{$status} };

    $details = defined $details ? qq(,"details":"$details") : '';
    return qq({"error":"$error","message":"$message","code":$status$details});
}

1;
