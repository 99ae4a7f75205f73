
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_sendkit_auth_wait.h"


ngx_int_t
ngx_sendkit_auth_wait_start(ngx_http_request_t *r,
    ngx_http_event_handler_pt handler)
{
    ngx_event_t  *rev;

    rev = r->connection->read;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = handler;

    return NGX_AGAIN;
}


void
ngx_sendkit_auth_wait_wake(ngx_http_request_t *r)
{
    ngx_event_t  *wev;

    wev = r->connection->write;

    ngx_post_event(wev, &ngx_posted_events);
}


ngx_int_t
ngx_sendkit_auth_wait_again(ngx_http_request_t *r)
{
    return ngx_handle_write_event(r->connection->write, 0);
}


ngx_int_t
ngx_sendkit_auth_wait_done(ngx_http_request_t *r)
{
    r->read_event_handler = ngx_http_block_reading;

    return ngx_handle_read_event(r->connection->read, 0);
}
