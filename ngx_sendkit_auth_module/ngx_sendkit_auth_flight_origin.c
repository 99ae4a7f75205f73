
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_sendkit_auth_flight.h"


/* an answer is waited for this many times as long as anybody waits */
#define NGX_SENDKIT_AUTH_ASK_TIMEOUTS  10


static void ngx_sendkit_auth_flight_timer_handler(ngx_event_t *ev);


ngx_int_t
ngx_sendkit_auth_flight_ask(ngx_sendkit_auth_flight_t *flight)
{
    ngx_queue_t                *q;
    ngx_sendkit_auth_waiter_t  *waiter;

    if (ngx_queue_empty(&flight->waiters)) {
        flight->result.store = SENDKIT_STORE_ERROR;
        return NGX_ERROR;
    }

    q = ngx_queue_head(&flight->waiters);
    waiter = ngx_queue_data(q, ngx_sendkit_auth_waiter_t, queue);

    flight->asker = waiter;
    waiter->asking = flight;

    flight->timer.handler = ngx_sendkit_auth_flight_timer_handler;
    flight->timer.data = flight;
    flight->timer.log = ngx_cycle->log;
    flight->timer.cancelable = 1;

    ngx_add_timer(&flight->timer, NGX_SENDKIT_AUTH_ASK_TIMEOUTS
                                  * flight->conf->timeout);

    waiter->ask(waiter->data);

    return NGX_AGAIN;
}


static void
ngx_sendkit_auth_flight_timer_handler(ngx_event_t *ev)
{
    ngx_sendkit_auth_flight_t  *flight;

    flight = ev->data;

    ngx_log_error(NGX_LOG_ERR, ev->log, 0,
                  "sendkit auth got no answer from origin");

    (void) ngx_sendkit_auth_flight_asked(flight->asker);

    ngx_sendkit_auth_flight_step(flight, ngx_sendkit_auth_flight_ask);
}


ngx_sendkit_auth_flight_t *
ngx_sendkit_auth_flight_asked(ngx_sendkit_auth_waiter_t *waiter)
{
    ngx_sendkit_auth_flight_t  *flight;

    flight = waiter->asking;

    if (flight != NULL) {
        waiter->asking = NULL;
        flight->asker = NULL;

        if (flight->timer.timer_set) {
            ngx_del_timer(&flight->timer);
        }
    }

    return flight;
}
