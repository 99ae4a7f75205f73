
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "../core/sendkit_backoff.h"
#include "ngx_sendkit_auth_redis_command.h"
#include "ngx_sendkit_auth_redis_finder.h"


#define NGX_SENDKIT_AUTH_REDIS_POLL   1000      /* ms */
#define NGX_SENDKIT_AUTH_REDIS_SOON   50        /* ms, between two questions */
#define NGX_SENDKIT_AUTH_REDIS_TURN   10        /* questions to the same one */


static void ngx_sendkit_auth_redis_finder_handler(ngx_event_t *ev);
static ngx_int_t ngx_sendkit_auth_redis_finder_ask(
    ngx_sendkit_auth_redis_finder_t *finder);
static ngx_int_t ngx_sendkit_auth_redis_finder_send(
    ngx_sendkit_auth_redis_finder_t *finder, const sendkit_span_t *words,
    ngx_uint_t nwords, ngx_sendkit_auth_redis_reply_pt handler);
static const ngx_sendkit_auth_redis_server_t *
    ngx_sendkit_auth_redis_finder_server(
    const ngx_sendkit_auth_redis_finder_t *finder);
static ngx_uint_t ngx_sendkit_auth_redis_finder_servers(
    const ngx_sendkit_auth_redis_finder_t *finder);

static ngx_int_t ngx_sendkit_auth_redis_finder_epoch(void *data,
    sendkit_store_e store, const ngx_sendkit_auth_redis_reply_t *reply);
static ngx_int_t ngx_sendkit_auth_redis_finder_reply(void *data,
    sendkit_store_e store, const ngx_sendkit_auth_redis_reply_t *reply);
static void ngx_sendkit_auth_redis_finder_turn(
    ngx_sendkit_auth_redis_finder_t *finder);
static ngx_int_t ngx_sendkit_auth_redis_finder_learn(
    ngx_sendkit_auth_redis_finder_t *finder,
    const ngx_sendkit_auth_redis_reply_t *reply);
static void ngx_sendkit_auth_redis_finder_next(
    ngx_sendkit_auth_redis_finder_t *finder);
static void ngx_sendkit_auth_redis_finder_wait(
    ngx_sendkit_auth_redis_finder_t *finder, ngx_msec_t time);


ngx_int_t
ngx_sendkit_auth_redis_finder_init(ngx_sendkit_auth_redis_finder_t *finder,
    ngx_sendkit_auth_redis_masters_t *masters,
    ngx_sendkit_auth_redis_news_pt handler, void *data)
{
    ngx_sendkit_auth_redis_peer_e    peer;
    ngx_sendkit_auth_redis_login_t  *login;

    finder->masters = masters;
    finder->handler = handler;
    finder->data = data;

    peer = NGX_SENDKIT_AUTH_REDIS_SERVER;
    login = &masters->login;

    if (masters->conf->kind == NGX_SENDKIT_AUTH_REDIS_SENTINEL) {
        peer = NGX_SENDKIT_AUTH_REDIS_A_SENTINEL;
        login = &masters->sentinel_login;
    }

    finder->client = ngx_sendkit_auth_redis_client_create(masters->pool,
                                                          masters->conf, peer,
                                                          login,
                                                          masters->log);
    if (finder->client == NULL) {
        return NGX_ERROR;
    }

    ngx_sendkit_auth_redis_client_move(finder->client,
                                ngx_sendkit_auth_redis_finder_server(finder));

    finder->timer.handler = ngx_sendkit_auth_redis_finder_handler;
    finder->timer.data = finder;
    finder->timer.log = masters->log;
    finder->timer.cancelable = 1;

    ngx_add_timer(&finder->timer, 1);

    return NGX_OK;
}


void
ngx_sendkit_auth_redis_finder_close(ngx_sendkit_auth_redis_finder_t *finder)
{
    if (finder->client == NULL) {
        return;
    }

    if (finder->timer.timer_set) {
        ngx_del_timer(&finder->timer);
    }

    ngx_sendkit_auth_redis_client_close(finder->client);
}


void
ngx_sendkit_auth_redis_finder_named(ngx_sendkit_auth_redis_finder_t *finder)
{
    finder->last = finder->server;

    ngx_sendkit_auth_redis_client_move(finder->client,
                                ngx_sendkit_auth_redis_finder_server(finder));
}


void
ngx_sendkit_auth_redis_finder_refresh(ngx_sendkit_auth_redis_finder_t *finder)
{
    ngx_msec_t  since;

    if (finder->client == NULL || finder->asking || finder->tried != 0
        || finder->failures != 0)
    {
        return;
    }

    if (!finder->refreshed) {

        /* the one that was asked last may not know it */

        finder->refreshed = 1;
        finder->server = (finder->server + 1)
                         % ngx_sendkit_auth_redis_finder_servers(finder);
    }

    since = ngx_current_msec - finder->asked;

    ngx_sendkit_auth_redis_finder_wait(finder,
                                       since < NGX_SENDKIT_AUTH_REDIS_SOON
                                       ? NGX_SENDKIT_AUTH_REDIS_SOON - since
                                       : 1);
}


static void
ngx_sendkit_auth_redis_finder_handler(ngx_event_t *ev)
{
    ngx_sendkit_auth_redis_finder_t *finder = ev->data;

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0, "redis finder");

    finder->asked = ngx_current_msec;
    finder->asking = 1;
    finder->refreshed = 0;

    /* also after all have failed: that has a pause, and one is enough */

    if (finder->server != finder->last || finder->failures != 0) {
        finder->last = finder->server;
        ngx_sendkit_auth_redis_client_move(finder->client,
                                ngx_sendkit_auth_redis_finder_server(finder));
    }

    if (ngx_sendkit_auth_redis_finder_ask(finder) != NGX_AGAIN) {
        finder->asking = 0;
        ngx_sendkit_auth_redis_finder_next(finder);
    }
}


/*
 * A Sentinel is asked for the epoch first: should a failover end in between,
 * the address is newer than the epoch.  Its SENTINEL MASTER has the address,
 * too, but that of the old master until all replicas follow the new one.
 */

static ngx_int_t
ngx_sendkit_auth_redis_finder_ask(ngx_sendkit_auth_redis_finder_t *finder)
{
    ngx_int_t              rc;
    static sendkit_span_t  nodes[] = {
        SENDKIT_SPAN("CLUSTER"), SENDKIT_SPAN("NODES")
    };
    sendkit_span_t         epoch[] = {
        SENDKIT_SPAN("SENTINEL"), SENDKIT_SPAN("master"), { NULL, 0 }
    };
    sendkit_span_t         master[] = {
        SENDKIT_SPAN("SENTINEL"), SENDKIT_SPAN("get-master-addr-by-name"),
        { NULL, 0 }
    };

    if (finder->masters->conf->kind == NGX_SENDKIT_AUTH_REDIS_CLUSTER) {
        return ngx_sendkit_auth_redis_finder_send(finder, nodes, 2,
                                          ngx_sendkit_auth_redis_finder_reply);
    }

    epoch[2] = ngx_sendkit_auth_redis_span(finder->masters->conf->master);
    master[2] = epoch[2];

    finder->has_epoch = 0;

    rc = ngx_sendkit_auth_redis_finder_send(finder, epoch, 3,
                                          ngx_sendkit_auth_redis_finder_epoch);
    if (rc != NGX_AGAIN) {
        return rc;
    }

    return ngx_sendkit_auth_redis_finder_send(finder, master, 3,
                                          ngx_sendkit_auth_redis_finder_reply);
}


static ngx_int_t
ngx_sendkit_auth_redis_finder_send(ngx_sendkit_auth_redis_finder_t *finder,
    const sendkit_span_t *words, ngx_uint_t nwords,
    ngx_sendkit_auth_redis_reply_pt handler)
{
    size_t           len;
    u_char          *command;
    ngx_int_t        rc;
    sendkit_span_t   bytes;

    command = ngx_sendkit_auth_redis_codec_encode(words, nwords, &len);
    if (command == NULL) {
        return NGX_ERROR;
    }

    bytes.data = command;
    bytes.len = len;

    rc = ngx_sendkit_auth_redis_client_send(finder->client, bytes, 0, handler,
                                            finder);

    ngx_sendkit_auth_redis_codec_done(command);

    return rc;
}


/* those that are configured, then the masters that were found */

static const ngx_sendkit_auth_redis_server_t *
ngx_sendkit_auth_redis_finder_server(
    const ngx_sendkit_auth_redis_finder_t *finder)
{
    ngx_uint_t                            i;
    const ngx_sendkit_auth_redis_conf_t  *conf;

    conf = finder->masters->conf;
    i = finder->server;

    return i < conf->nservers
           ? &finder->masters->servers[i]
           : &finder->masters->masters[i - conf->nservers]->server;
}


static ngx_uint_t
ngx_sendkit_auth_redis_finder_servers(
    const ngx_sendkit_auth_redis_finder_t *finder)
{
    const ngx_sendkit_auth_redis_conf_t  *conf;

    conf = finder->masters->conf;

    return conf->kind == NGX_SENDKIT_AUTH_REDIS_CLUSTER
           ? conf->nservers + finder->masters->nmasters : conf->nservers;
}


static ngx_int_t
ngx_sendkit_auth_redis_finder_epoch(void *data, sendkit_store_e store,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    ngx_sendkit_auth_redis_finder_t *finder = data;

    finder->has_epoch = store == SENDKIT_STORE_OK
                        && reply->type == NGX_SENDKIT_AUTH_REDIS_ARRAY
                        && sendkit_sentinel_epoch(reply->values,
                                                  reply->nvalues,
                                                  &finder->epoch);
    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_redis_finder_reply(void *data, sendkit_store_e store,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    ngx_sendkit_auth_redis_finder_t *finder = data;

    ngx_int_t  rc;

    finder->asking = 0;

    rc = store == SENDKIT_STORE_OK
         ? ngx_sendkit_auth_redis_finder_learn(finder, reply) : NGX_ERROR;

    if (rc == NGX_ERROR) {
        ngx_sendkit_auth_redis_finder_next(finder);
        return NGX_OK;
    }

    if (finder->failures != 0) {
        ngx_log_error(NGX_LOG_NOTICE, finder->masters->log, 0,
                      "redis masters are found again");
    }

    finder->tried = 0;
    finder->failures = 0;

    ngx_sendkit_auth_redis_finder_turn(finder);
    ngx_sendkit_auth_redis_finder_wait(finder, NGX_SENDKIT_AUTH_REDIS_POLL);

    finder->handler(finder->data, rc == NGX_OK
                                  ? NGX_SENDKIT_AUTH_REDIS_CHANGED
                                  : NGX_SENDKIT_AUTH_REDIS_SAME);
    return NGX_OK;
}


/* each one when nginx has started, and later now and then */

static void
ngx_sendkit_auth_redis_finder_turn(ngx_sendkit_auth_redis_finder_t *finder)
{
    ngx_uint_t  servers;

    servers = ngx_sendkit_auth_redis_finder_servers(finder);

    if (++finder->answers < servers
        || finder->answers % NGX_SENDKIT_AUTH_REDIS_TURN == 0)
    {
        finder->server = (finder->server + 1) % servers;
    }
}


static ngx_int_t
ngx_sendkit_auth_redis_finder_learn(ngx_sendkit_auth_redis_finder_t *finder,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    u_char      ip[NGX_SOCKADDR_STRLEN];
    ngx_int_t   port, rc;
    ngx_uint_t  older;

    rc = NGX_ERROR;
    older = finder->masters->older;

    if (finder->masters->conf->kind == NGX_SENDKIT_AUTH_REDIS_CLUSTER) {

        if (reply->type == NGX_SENDKIT_AUTH_REDIS_STRING) {
            rc = ngx_sendkit_auth_redis_masters_map(finder->masters,
                                               reply->values[0],
                                               ngx_sendkit_auth_redis_client_ip(
                                                   finder->client, ip));
        }

    } else if (finder->has_epoch && reply->type == NGX_SENDKIT_AUTH_REDIS_ARRAY
               && reply->nvalues == 2 && reply->values[1].data != NULL)
    {
        port = ngx_atoi((u_char *) reply->values[1].data,
                        reply->values[1].len);

        if (port > 0 && port <= 65535 && reply->values[0].data != NULL) {
            rc = ngx_sendkit_auth_redis_masters_set(finder->masters,
                                                    reply->values[0],
                                                    (in_port_t) port,
                                                    finder->epoch);
        }
    }

    if (finder->masters->older > older) {
        ngx_log_error(NGX_LOG_WARN, finder->masters->log, 0,
                      "redis at \"%V\" only knows what masters there were",
                      &ngx_sendkit_auth_redis_finder_server(finder)->host);

    } else if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, finder->masters->log, 0,
                      "redis at \"%V\" did not say where masters are",
                      &ngx_sendkit_auth_redis_finder_server(finder)->host);
    }

    return rc;
}


/* there is nobody left to ask when each had its turn */

static void
ngx_sendkit_auth_redis_finder_next(ngx_sendkit_auth_redis_finder_t *finder)
{
    ngx_uint_t  servers;

    servers = ngx_sendkit_auth_redis_finder_servers(finder);

    finder->server = (finder->server + 1) % servers;
    finder->tried++;

    if (finder->tried < servers) {
        ngx_sendkit_auth_redis_finder_wait(finder, 1);
        return;
    }

    finder->tried = 0;

    ngx_sendkit_auth_redis_masters_asked(finder->masters, servers);

    if (finder->failures++ == 0) {
        ngx_log_error(NGX_LOG_ERR, finder->masters->log, 0,
                      "nobody says where the redis masters are");
    }

    ngx_sendkit_auth_redis_finder_wait(finder,
                                   sendkit_backoff_delay(finder->failures,
                                                     (uint32_t) ngx_random()));

    finder->handler(finder->data, NGX_SENDKIT_AUTH_REDIS_FAILED);
}


static void
ngx_sendkit_auth_redis_finder_wait(ngx_sendkit_auth_redis_finder_t *finder,
    ngx_msec_t time)
{
    if (finder->timer.timer_set) {
        ngx_del_timer(&finder->timer);
    }

    ngx_add_timer(&finder->timer, time);
}
