
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "../core/sendkit_cluster.h"
#include "ngx_sendkit_auth_redis.h"
#include "ngx_sendkit_auth_redis_finder.h"
#include "ngx_sendkit_auth_redis_names.h"


#define NGX_SENDKIT_AUTH_REDIS_REDIRECTS  5
#define NGX_SENDKIT_AUTH_REDIS_TRYAGAIN   20    /* ms */


/*
 * waiting -> sent -> done
 *   ^          |
 *   +----------+   moved, or lost
 */

typedef struct {
    ngx_queue_t                            queue;   /* waiting, or free */
    ngx_sendkit_auth_redis_t              *redis;
    sendkit_span_t                         bytes;
    u_char                                *encoded;
    uint16_t                               slot;
    ngx_sendkit_auth_redis_master_t       *asking;  /* this one, just now */
    ngx_uint_t                             redirects;
    unsigned                               reads:1;
    sendkit_store_e                        lost;    /* and is sent again */
    ngx_sendkit_auth_redis_reply_pt        handler;
    void                                  *data;
} ngx_sendkit_auth_redis_command_t;


struct ngx_sendkit_auth_redis_s {
    const ngx_sendkit_auth_redis_conf_t   *conf;
    ngx_sendkit_auth_redis_names_t         names;
    ngx_sendkit_auth_redis_masters_t       masters;
    ngx_sendkit_auth_redis_finder_t        finder;
    ngx_queue_t                            watchers;
    ngx_pool_t                            *pool;
    ngx_event_t                            event;       /* some wait */
    ngx_queue_t                            waiting;
    ngx_queue_t                            free;
    ngx_uint_t                             ncommands;   /* not free */
};


static ngx_int_t ngx_sendkit_auth_redis_pass(ngx_sendkit_auth_redis_t *redis,
    ngx_sendkit_auth_redis_command_t *command);
static void ngx_sendkit_auth_redis_handler(ngx_event_t *ev);
static sendkit_store_e ngx_sendkit_auth_redis_why(
    const ngx_sendkit_auth_redis_command_t *command, ngx_int_t rc);
static ngx_int_t ngx_sendkit_auth_redis_reply(void *data,
    sendkit_store_e store, const ngx_sendkit_auth_redis_reply_t *reply);
static ngx_uint_t ngx_sendkit_auth_redis_is_lost(
    ngx_sendkit_auth_redis_command_t *command, sendkit_store_e store,
    const ngx_sendkit_auth_redis_reply_t *reply);
static ngx_uint_t ngx_sendkit_auth_redis_is_redirected(
    ngx_sendkit_auth_redis_command_t *command,
    const ngx_sendkit_auth_redis_reply_t *reply);
static void ngx_sendkit_auth_redis_moved(ngx_sendkit_auth_redis_t *redis,
    const sendkit_redirect_t *redirect);
static ngx_uint_t ngx_sendkit_auth_redis_is_no_master(
    const ngx_sendkit_auth_redis_reply_t *reply);
static void ngx_sendkit_auth_redis_news(void *data,
    ngx_sendkit_auth_redis_news_e news);
static void ngx_sendkit_auth_redis_named(void *data);
static void ngx_sendkit_auth_redis_changed(ngx_sendkit_auth_redis_t *redis);

static ngx_sendkit_auth_redis_command_t *ngx_sendkit_auth_redis_command(
    ngx_sendkit_auth_redis_t *redis,
    const ngx_sendkit_auth_redis_query_t *query);
static ngx_int_t ngx_sendkit_auth_redis_done(
    ngx_sendkit_auth_redis_command_t *command, sendkit_store_e store,
    const ngx_sendkit_auth_redis_reply_t *reply);
static void ngx_sendkit_auth_redis_free(
    ngx_sendkit_auth_redis_command_t *command);


ngx_sendkit_auth_redis_t *
ngx_sendkit_auth_redis_create(ngx_pool_t *pool,
    const ngx_sendkit_auth_redis_conf_t *conf, ngx_log_t *log)
{
    ngx_sendkit_auth_redis_t  *redis;

    redis = ngx_pcalloc(pool, sizeof(ngx_sendkit_auth_redis_t));
    if (redis == NULL) {
        return NULL;
    }

    redis->conf = conf;
    redis->pool = pool;

    ngx_queue_init(&redis->watchers);
    ngx_queue_init(&redis->waiting);
    ngx_queue_init(&redis->free);

    redis->event.handler = ngx_sendkit_auth_redis_handler;
    redis->event.data = redis;
    redis->event.log = log;

    if (ngx_sendkit_auth_redis_names_init(&redis->names, pool, conf, log)
        != NGX_OK
        || ngx_sendkit_auth_redis_masters_init(&redis->masters, pool, conf,
                                               redis->names.servers, log)
           != NGX_OK)
    {
        return NULL;
    }

    if (conf->kind != NGX_SENDKIT_AUTH_REDIS_ONE
        && ngx_sendkit_auth_redis_finder_init(&redis->finder,
                                              &redis->masters,
                                              ngx_sendkit_auth_redis_news,
                                              redis)
           != NGX_OK)
    {
        return NULL;
    }

    ngx_sendkit_auth_redis_names_start(&redis->names,
                                       ngx_sendkit_auth_redis_named, redis);

    return redis;
}


void
ngx_sendkit_auth_redis_watch(ngx_sendkit_auth_redis_t *redis,
    ngx_sendkit_auth_redis_watcher_t *watcher)
{
    ngx_queue_insert_tail(&redis->watchers, &watcher->queue);
}


ngx_sendkit_auth_redis_masters_t *
ngx_sendkit_auth_redis_masters(ngx_sendkit_auth_redis_t *redis)
{
    return &redis->masters;
}


void
ngx_sendkit_auth_redis_close(ngx_sendkit_auth_redis_t *redis)
{
    ngx_sendkit_auth_redis_names_cancel(&redis->names);
    ngx_sendkit_auth_redis_finder_close(&redis->finder);
    ngx_sendkit_auth_redis_masters_close(&redis->masters);

    if (redis->event.posted) {
        ngx_delete_posted_event(&redis->event);
    }

    if (redis->event.timer_set) {
        ngx_del_timer(&redis->event);
    }
}


ngx_int_t
ngx_sendkit_auth_redis_send(ngx_sendkit_auth_redis_t *redis,
    const ngx_sendkit_auth_redis_query_t *query,
    ngx_sendkit_auth_redis_reply_pt handler, void *data)
{
    ngx_int_t                          rc;
    ngx_sendkit_auth_redis_command_t  *command;

    if (redis->ncommands >= redis->conf->max_commands) {
        return NGX_ERROR;
    }

    command = ngx_sendkit_auth_redis_command(redis, query);
    if (command == NULL) {
        return NGX_ERROR;
    }

    command->handler = handler;
    command->data = data;

    rc = ngx_sendkit_auth_redis_pass(redis, command);

    if (rc != NGX_AGAIN) {
        ngx_sendkit_auth_redis_free(command);
    }

    return rc;
}


/* to the master that has its key; waits until that one is known */

static ngx_int_t
ngx_sendkit_auth_redis_pass(ngx_sendkit_auth_redis_t *redis,
    ngx_sendkit_auth_redis_command_t *command)
{
    ngx_int_t                         rc;
    ngx_uint_t                        asking;
    ngx_sendkit_auth_redis_master_t  *master;

    if (!redis->masters.known && redis->finder.failures != 0) {
        return NGX_DECLINED;
    }

    if (!redis->masters.known) {
        ngx_queue_insert_tail(&redis->waiting, &command->queue);
        ngx_sendkit_auth_redis_finder_refresh(&redis->finder);
        return NGX_AGAIN;
    }

    /* one that is forgotten meanwhile is not asked: its owner says so again */

    asking = command->asking != NULL && command->asking->used;

    master = asking ? command->asking
                    : ngx_sendkit_auth_redis_masters_of(&redis->masters,
                                                        command->slot);
    command->asking = NULL;

    if (master == NULL) {
        ngx_sendkit_auth_redis_finder_refresh(&redis->finder);
        return NGX_DECLINED;
    }

    rc = ngx_sendkit_auth_redis_client_send(master->client, command->bytes,
                                            asking,
                                            ngx_sendkit_auth_redis_reply,
                                            command);
    if (rc == NGX_DECLINED) {
        ngx_sendkit_auth_redis_finder_refresh(&redis->finder);
    }

    return rc;
}


/* those that wait have their turn */

static void
ngx_sendkit_auth_redis_handler(ngx_event_t *ev)
{
    ngx_sendkit_auth_redis_t *redis = ev->data;

    ngx_int_t                          rc;
    ngx_queue_t                       *q, waiting;
    ngx_sendkit_auth_redis_command_t  *command;

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0, "redis handler");

    ngx_queue_init(&waiting);

    if (!ngx_queue_empty(&redis->waiting)) {
        ngx_queue_add(&waiting, &redis->waiting);
        ngx_queue_init(&redis->waiting);
    }

    while (!ngx_queue_empty(&waiting)) {

        q = ngx_queue_head(&waiting);
        ngx_queue_remove(q);

        command = ngx_queue_data(q, ngx_sendkit_auth_redis_command_t, queue);

        rc = ngx_sendkit_auth_redis_pass(redis, command);

        if (rc != NGX_AGAIN) {
            (void) ngx_sendkit_auth_redis_done(command,
                                       ngx_sendkit_auth_redis_why(command, rc),
                                       NULL);
        }
    }
}


/* what came first is what was wrong */

static sendkit_store_e
ngx_sendkit_auth_redis_why(const ngx_sendkit_auth_redis_command_t *command,
    ngx_int_t rc)
{
    if (command->lost != SENDKIT_STORE_OK) {
        return command->lost;
    }

    return rc == NGX_DECLINED ? SENDKIT_STORE_DOWN : SENDKIT_STORE_OVERLOAD;
}


static ngx_int_t
ngx_sendkit_auth_redis_reply(void *data, sendkit_store_e store,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    ngx_sendkit_auth_redis_command_t *command = data;

    if (ngx_sendkit_auth_redis_is_lost(command, store, reply)
        || (reply != NULL
            && ngx_sendkit_auth_redis_is_redirected(command, reply)))
    {
        ngx_queue_insert_tail(&command->redis->waiting, &command->queue);
        return NGX_OK;
    }

    if (store == SENDKIT_STORE_DOWN && command->lost != SENDKIT_STORE_OK) {
        store = command->lost;
    }

    return ngx_sendkit_auth_redis_done(command, store, reply);
}


/* 1: with its connection, and it may be sent over another one */

static ngx_uint_t
ngx_sendkit_auth_redis_is_lost(ngx_sendkit_auth_redis_command_t *command,
    sendkit_store_e store, const ngx_sendkit_auth_redis_reply_t *reply)
{
    ngx_sendkit_auth_redis_t *redis = command->redis;

    if (reply != NULL) {
        return 0;
    }

    ngx_sendkit_auth_redis_finder_refresh(&redis->finder);

    if (store != SENDKIT_STORE_DOWN && store != SENDKIT_STORE_TIMEOUT) {
        return 0;
    }

    if (!command->reads || command->lost != SENDKIT_STORE_OK) {
        return 0;
    }

    command->lost = store;

    ngx_post_event(&redis->event, &ngx_posted_events);

    return 1;
}


static ngx_uint_t
ngx_sendkit_auth_redis_is_redirected(
    ngx_sendkit_auth_redis_command_t *command,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    uint32_t                   id;
    sendkit_redirect_t         redirect;
    ngx_sendkit_auth_redis_t  *redis;

    redis = command->redis;

    if (ngx_sendkit_auth_redis_is_no_master(reply)) {
        ngx_sendkit_auth_redis_finder_refresh(&redis->finder);
        return 0;
    }

    if (redis->conf->kind != NGX_SENDKIT_AUTH_REDIS_CLUSTER
        || reply->type != NGX_SENDKIT_AUTH_REDIS_ERROR
        || command->redirects == NGX_SENDKIT_AUTH_REDIS_REDIRECTS)
    {
        return 0;
    }

    command->redirects++;

    if (ngx_sendkit_auth_redis_is_error(reply, "TRYAGAIN ")) {

        if (!redis->event.timer_set) {
            ngx_add_timer(&redis->event, NGX_SENDKIT_AUTH_REDIS_TRYAGAIN);
        }

        return 1;
    }

    switch (sendkit_redirect_parse(reply->values[0], &redirect)) {

    case SENDKIT_REDIRECT_MOVED:
        ngx_sendkit_auth_redis_moved(redis, &redirect);
        break;

    case SENDKIT_REDIRECT_ASK:
        id = ngx_sendkit_auth_redis_masters_id(&redis->masters);

        command->asking = ngx_sendkit_auth_redis_masters_at(&redis->masters,
                                                            redirect.host,
                                                            redirect.port);
        if (command->asking == NULL) {
            return 0;
        }

        if (id != ngx_sendkit_auth_redis_masters_id(&redis->masters)) {
            ngx_sendkit_auth_redis_changed(redis);
        }

        break;

    case SENDKIT_REDIRECT_NONE:
        return 0;
    }

    ngx_post_event(&redis->event, &ngx_posted_events);

    return 1;
}


/* where no address is told, the whole map is asked for first */

static void
ngx_sendkit_auth_redis_moved(ngx_sendkit_auth_redis_t *redis,
    const sendkit_redirect_t *redirect)
{
    ngx_sendkit_auth_redis_master_t  *master;

    ngx_sendkit_auth_redis_finder_refresh(&redis->finder);

    master = ngx_sendkit_auth_redis_masters_at(&redis->masters,
                                               redirect->host,
                                               redirect->port);
    if (master == NULL) {
        redis->masters.known = 0;
        return;
    }

    if (ngx_sendkit_auth_redis_masters_moved(&redis->masters, redirect->slot,
                                             master))
    {
        ngx_sendkit_auth_redis_changed(redis);
    }
}


static ngx_uint_t
ngx_sendkit_auth_redis_is_no_master(
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    return ngx_sendkit_auth_redis_is_error(reply, "READONLY ")
           || ngx_sendkit_auth_redis_is_error(reply, "MASTERDOWN ")
           || ngx_sendkit_auth_redis_is_error(reply, "CLUSTERDOWN ");
}


static void
ngx_sendkit_auth_redis_news(void *data, ngx_sendkit_auth_redis_news_e news)
{
    ngx_sendkit_auth_redis_t *redis = data;

    ngx_queue_t                       *q;
    ngx_sendkit_auth_redis_command_t  *command;

    if (news == NGX_SENDKIT_AUTH_REDIS_CHANGED) {
        ngx_sendkit_auth_redis_changed(redis);
    }

    if (redis->masters.known) {
        ngx_post_event(&redis->event, &ngx_posted_events);
        return;
    }

    while (!ngx_queue_empty(&redis->waiting)) {

        q = ngx_queue_head(&redis->waiting);
        ngx_queue_remove(q);

        command = ngx_queue_data(q, ngx_sendkit_auth_redis_command_t, queue);

        (void) ngx_sendkit_auth_redis_done(command, SENDKIT_STORE_DOWN, NULL);
    }
}


/* where masters are found, those that say where have moved, not they */

static void
ngx_sendkit_auth_redis_named(void *data)
{
    ngx_sendkit_auth_redis_t *redis = data;

    if (redis->conf->kind != NGX_SENDKIT_AUTH_REDIS_ONE) {
        ngx_sendkit_auth_redis_finder_named(&redis->finder);
        return;
    }

    ngx_sendkit_auth_redis_masters_named(&redis->masters);
    ngx_sendkit_auth_redis_changed(redis);
}


static void
ngx_sendkit_auth_redis_changed(ngx_sendkit_auth_redis_t *redis)
{
    ngx_queue_t                       *q;
    ngx_sendkit_auth_redis_watcher_t  *watcher;

    for (q = ngx_queue_head(&redis->watchers);
         q != ngx_queue_sentinel(&redis->watchers);
         q = ngx_queue_next(q))
    {
        watcher = ngx_queue_data(q, ngx_sendkit_auth_redis_watcher_t, queue);
        watcher->handler(watcher->data);
    }
}


/* NULL: no memory */

static ngx_sendkit_auth_redis_command_t *
ngx_sendkit_auth_redis_command(ngx_sendkit_auth_redis_t *redis,
    const ngx_sendkit_auth_redis_query_t *query)
{
    size_t                             len;
    ngx_queue_t                       *q;
    ngx_sendkit_auth_redis_command_t  *command;

    if (ngx_queue_empty(&redis->free)) {
        command = ngx_palloc(redis->pool,
                             sizeof(ngx_sendkit_auth_redis_command_t));
        if (command == NULL) {
            return NULL;
        }

    } else {
        q = ngx_queue_head(&redis->free);
        ngx_queue_remove(q);
        command = ngx_queue_data(q, ngx_sendkit_auth_redis_command_t, queue);
    }

    ngx_memzero(command, sizeof(ngx_sendkit_auth_redis_command_t));

    command->encoded = ngx_sendkit_auth_redis_codec_encode(query->words,
                                                           query->nwords,
                                                           &len);
    if (command->encoded == NULL) {
        ngx_queue_insert_head(&redis->free, &command->queue);
        return NULL;
    }

    command->redis = redis;
    command->bytes.data = command->encoded;
    command->bytes.len = len;
    command->reads = query->reads;

    if (redis->conf->kind == NGX_SENDKIT_AUTH_REDIS_CLUSTER) {
        command->slot = sendkit_cluster_slot(query->key);
    }

    redis->ncommands++;

    return command;
}


static ngx_int_t
ngx_sendkit_auth_redis_done(ngx_sendkit_auth_redis_command_t *command,
    sendkit_store_e store, const ngx_sendkit_auth_redis_reply_t *reply)
{
    void                             *data;
    ngx_sendkit_auth_redis_reply_pt   handler;

    data = command->data;
    handler = command->handler;

    ngx_sendkit_auth_redis_free(command);

    return handler(data, store, reply);
}


static void
ngx_sendkit_auth_redis_free(ngx_sendkit_auth_redis_command_t *command)
{
    ngx_sendkit_auth_redis_t *redis = command->redis;

    ngx_sendkit_auth_redis_codec_done(command->encoded);

    redis->ncommands--;

    ngx_queue_insert_head(&redis->free, &command->queue);
}
