
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_redis_channels.h"


struct ngx_sendkit_auth_channels_s {
    const ngx_sendkit_auth_redis_conf_t        *conf;
    ngx_sendkit_auth_redis_masters_t           *masters;
    const sendkit_span_t                       *prefixes;
    const ngx_sendkit_auth_channel_handlers_t  *handlers;
    void                                       *data;
    ngx_sendkit_auth_redis_watcher_t            watcher;
    ngx_pool_t                                 *pool;
    ngx_log_t                                  *log;

    ngx_sendkit_auth_channel_t                 *channels
                                               [NGX_SENDKIT_AUTH_REDIS_MASTERS];
    ngx_uint_t                                  nchannels;  /* in use */
    ngx_uint_t                                  open;
    ngx_uint_t                                  nsubscribed;
    ngx_uint_t                                  npings;     /* not answered */
    ngx_uint_t                                  nrefused;   /* of them all */
    ngx_uint_t                                  asked;      /* to exit */
    ngx_int_t                                   exits;      /* and how */
};


static ngx_int_t ngx_sendkit_auth_channels_add(
    ngx_sendkit_auth_channels_t *channels,
    const ngx_sendkit_auth_redis_server_t *server);

static void ngx_sendkit_auth_channels_subscribed(void *data);
static void ngx_sendkit_auth_channels_invalidated(void *data,
    sendkit_span_t name);
static void ngx_sendkit_auth_channels_flushed(void *data);
static void ngx_sendkit_auth_channels_pong(void *data);
static void ngx_sendkit_auth_channels_unanswered(void *data);
static ngx_int_t ngx_sendkit_auth_channels_exiting(void *data);
static void ngx_sendkit_auth_channels_lost(void *data,
    ngx_sendkit_auth_lost_e why);
static void ngx_sendkit_auth_channels_changed(void *data);


static const ngx_sendkit_auth_channel_handlers_t  ngx_sendkit_auth_news = {
    ngx_sendkit_auth_channels_subscribed,
    ngx_sendkit_auth_channels_invalidated,
    ngx_sendkit_auth_channels_flushed,
    ngx_sendkit_auth_channels_pong,
    ngx_sendkit_auth_channels_unanswered,
    ngx_sendkit_auth_channels_exiting,
    ngx_sendkit_auth_channels_lost
};


ngx_sendkit_auth_channels_t *
ngx_sendkit_auth_channels_create(ngx_pool_t *pool,
    const ngx_sendkit_auth_redis_conf_t *conf,
    ngx_sendkit_auth_redis_t *redis, const sendkit_span_t *prefixes,
    const ngx_sendkit_auth_channel_handlers_t *handlers, void *data,
    ngx_log_t *log)
{
    ngx_sendkit_auth_channels_t  *channels;

    channels = ngx_pcalloc(pool, sizeof(ngx_sendkit_auth_channels_t));
    if (channels == NULL) {
        return NULL;
    }

    channels->conf = conf;
    channels->masters = ngx_sendkit_auth_redis_masters(redis);
    channels->prefixes = prefixes;
    channels->handlers = handlers;
    channels->data = data;
    channels->pool = pool;
    channels->log = log;

    channels->watcher.handler = ngx_sendkit_auth_channels_changed;
    channels->watcher.data = channels;

    ngx_sendkit_auth_redis_watch(redis, &channels->watcher);

    return channels;
}


ngx_int_t
ngx_sendkit_auth_channels_open(ngx_sendkit_auth_channels_t *channels)
{
    ngx_uint_t                              i;
    const ngx_sendkit_auth_redis_master_t  *master;

    channels->nchannels = 0;
    channels->nsubscribed = 0;
    channels->npings = 0;

    for (i = 0; channels->masters->known && i < channels->masters->nmasters;
         i++)
    {
        master = channels->masters->masters[i];

        if (master->used
            && ngx_sendkit_auth_channels_add(channels, &master->server)
               != NGX_OK)
        {
            ngx_sendkit_auth_channels_close(channels);
            return NGX_ERROR;
        }
    }

    channels->open = channels->nchannels != 0;

    return channels->open ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_sendkit_auth_channels_add(ngx_sendkit_auth_channels_t *channels,
    const ngx_sendkit_auth_redis_server_t *server)
{
    ngx_sendkit_auth_channel_t  **channel;

    channel = &channels->channels[channels->nchannels];

    if (*channel == NULL) {
        *channel = ngx_sendkit_auth_channel_create(channels->pool,
                                              channels->conf,
                                              &channels->masters->login,
                                              channels->prefixes,
                                              &ngx_sendkit_auth_news,
                                              channels, channels->log);
        if (*channel == NULL) {
            return NGX_ERROR;
        }
    }

    channels->nchannels++;

    return ngx_sendkit_auth_channel_open(*channel, server);
}


void
ngx_sendkit_auth_channels_ping(ngx_sendkit_auth_channels_t *channels,
    ngx_msec_t timeout)
{
    ngx_uint_t  i;

    channels->npings = channels->nchannels;
    channels->nrefused = 0;

    for (i = 0; i < channels->nchannels; i++) {
        ngx_sendkit_auth_channel_ping(channels->channels[i], timeout);
    }
}


void
ngx_sendkit_auth_channels_close(ngx_sendkit_auth_channels_t *channels)
{
    ngx_uint_t  i;

    channels->open = 0;

    for (i = 0; i < channels->nchannels; i++) {
        ngx_sendkit_auth_channel_close(channels->channels[i]);
    }
}


uint32_t
ngx_sendkit_auth_channels_servers(const ngx_sendkit_auth_channels_t *channels)
{
    uint32_t    id;
    ngx_uint_t  i;

    id = ngx_sendkit_auth_redis_masters_slots(channels->masters);

    for (i = 0; i < channels->nchannels; i++) {
        id += ngx_sendkit_auth_channel_addr(channels->channels[i]);
    }

    return id;
}


static void
ngx_sendkit_auth_channels_subscribed(void *data)
{
    ngx_sendkit_auth_channels_t *channels = data;

    if (++channels->nsubscribed == channels->nchannels) {
        channels->handlers->subscribed(channels->data);
    }
}


static void
ngx_sendkit_auth_channels_invalidated(void *data, sendkit_span_t name)
{
    ngx_sendkit_auth_channels_t *channels = data;

    channels->handlers->invalidated(channels->data, name);
}


static void
ngx_sendkit_auth_channels_flushed(void *data)
{
    ngx_sendkit_auth_channels_t *channels = data;

    channels->handlers->flushed(channels->data);
}


static void
ngx_sendkit_auth_channels_pong(void *data)
{
    ngx_sendkit_auth_channels_t *channels = data;

    if (--channels->npings != 0) {
        return;
    }

    if (channels->nrefused != 0) {
        channels->handlers->unanswered(channels->data);

    } else {
        channels->handlers->pong(channels->data);
    }
}


static void
ngx_sendkit_auth_channels_unanswered(void *data)
{
    ngx_sendkit_auth_channels_t *channels = data;

    channels->nrefused++;

    ngx_sendkit_auth_channels_pong(channels);
}


/* each is asked, and all have to do the same */

static ngx_int_t
ngx_sendkit_auth_channels_exiting(void *data)
{
    ngx_sendkit_auth_channels_t *channels = data;

    if (!channels->asked) {
        channels->asked = 1;
        channels->exits = channels->nsubscribed == channels->nchannels
                          ? channels->handlers->exiting(channels->data)
                          : NGX_OK;
    }

    return channels->exits;
}


static void
ngx_sendkit_auth_channels_lost(void *data, ngx_sendkit_auth_lost_e why)
{
    ngx_sendkit_auth_channels_t *channels = data;

    ngx_sendkit_auth_channels_close(channels);

    channels->handlers->lost(channels->data, why);
}


static void
ngx_sendkit_auth_channels_changed(void *data)
{
    ngx_sendkit_auth_channels_t *channels = data;

    /* those that are being opened may be on their way to an old address */

    if (channels->open
        && (channels->nsubscribed != channels->nchannels
            || ngx_sendkit_auth_channels_servers(channels)
               != ngx_sendkit_auth_redis_masters_id(channels->masters)))
    {
        ngx_sendkit_auth_channels_lost(channels,
                                       NGX_SENDKIT_AUTH_CHANNEL_FAILED);
    }
}
