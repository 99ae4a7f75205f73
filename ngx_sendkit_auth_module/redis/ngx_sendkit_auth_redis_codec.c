
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <hiredis/hiredis.h>

#include "../core/sendkit_resp.h"
#include "ngx_sendkit_auth_redis_codec.h"


struct ngx_sendkit_auth_redis_codec_s {
    redisReader                      *reader;
    redisReply                       *reply;    /* its values are lent out */
    sendkit_resp_t                    resp;
    ngx_sendkit_auth_redis_element_pt handler;
    void                             *data;
};


/* the type of a number of elements in hiredis */

#if HIREDIS_MAJOR >= 1
typedef size_t  ngx_sendkit_auth_redis_count_t;
#else
typedef int  ngx_sendkit_auth_redis_count_t;
#endif


static ngx_int_t ngx_sendkit_auth_redis_codec_elements(
    ngx_sendkit_auth_redis_codec_t *codec);
static void *ngx_sendkit_auth_redis_codec_string(const redisReadTask *task,
    char *text, size_t len);
static void *ngx_sendkit_auth_redis_codec_count(const redisReadTask *task,
    ngx_sendkit_auth_redis_count_t n);
static void *ngx_sendkit_auth_redis_codec_integer(const redisReadTask *task,
    long long n);
static void *ngx_sendkit_auth_redis_codec_nil(const redisReadTask *task);
static void *ngx_sendkit_auth_redis_codec_element(const redisReadTask *task,
    ngx_sendkit_auth_redis_element_t *element);
static void ngx_sendkit_auth_redis_codec_kept(void *element);

static void ngx_sendkit_auth_redis_codec_flatten(redisReply *from,
    ngx_sendkit_auth_redis_reply_t *to);
static void ngx_sendkit_auth_redis_codec_array(redisReply *from,
    ngx_sendkit_auth_redis_reply_t *to);
static sendkit_span_t ngx_sendkit_auth_redis_codec_value(redisReply *from);


static redisReplyObjectFunctions  ngx_sendkit_auth_redis_functions = {
    .createString = ngx_sendkit_auth_redis_codec_string,
    .createArray = ngx_sendkit_auth_redis_codec_count,
    .createInteger = ngx_sendkit_auth_redis_codec_integer,
    .createNil = ngx_sendkit_auth_redis_codec_nil,
    .freeObject = ngx_sendkit_auth_redis_codec_kept
};


ngx_sendkit_auth_redis_codec_t *
ngx_sendkit_auth_redis_codec_create(ngx_pool_t *pool,
    ngx_sendkit_auth_redis_element_pt handler, void *data)
{
    ngx_sendkit_auth_redis_codec_t  *codec;

    codec = ngx_pcalloc(pool, sizeof(ngx_sendkit_auth_redis_codec_t));
    if (codec == NULL) {
        return NULL;
    }

    codec->handler = handler;
    codec->data = data;

    return codec;
}


ngx_int_t
ngx_sendkit_auth_redis_codec_reset(ngx_sendkit_auth_redis_codec_t *codec)
{
    ngx_sendkit_auth_redis_codec_free(codec);

    ngx_memzero(&codec->resp, sizeof(sendkit_resp_t));

    if (codec->handler == NULL) {
        codec->reader = redisReaderCreate();
        return codec->reader != NULL ? NGX_OK : NGX_ERROR;
    }

    codec->resp.messages = 1;

    codec->reader = redisReaderCreateWithFunctions(
                                           &ngx_sendkit_auth_redis_functions);
    if (codec->reader == NULL) {
        return NGX_ERROR;
    }

    codec->reader->privdata = codec;

    return NGX_OK;
}


void
ngx_sendkit_auth_redis_codec_free(ngx_sendkit_auth_redis_codec_t *codec)
{
    if (codec->reply != NULL) {
        freeReplyObject(codec->reply);
        codec->reply = NULL;
    }

    if (codec->reader != NULL) {
        redisReaderFree(codec->reader);
        codec->reader = NULL;
    }
}


ngx_int_t
ngx_sendkit_auth_redis_codec_feed(ngx_sendkit_auth_redis_codec_t *codec,
    sendkit_span_t bytes)
{
    if (!sendkit_resp_accept(&codec->resp, bytes)) {
        return NGX_ERROR;
    }

    if (redisReaderFeed(codec->reader, (const char *) bytes.data, bytes.len)
        != REDIS_OK)
    {
        return NGX_ERROR;
    }

    return codec->handler == NULL
           ? NGX_OK : ngx_sendkit_auth_redis_codec_elements(codec);
}


ngx_int_t
ngx_sendkit_auth_redis_codec_reply(ngx_sendkit_auth_redis_codec_t *codec,
    ngx_sendkit_auth_redis_reply_t *reply)
{
    void  *next;

    if (codec->reply != NULL) {
        freeReplyObject(codec->reply);
        codec->reply = NULL;
    }

    if (redisReaderGetReply(codec->reader, &next) != REDIS_OK) {
        return NGX_ERROR;
    }

    if (next == NULL) {
        return NGX_AGAIN;
    }

    codec->reply = next;
    ngx_sendkit_auth_redis_codec_flatten(codec->reply, reply);

    return NGX_OK;
}


u_char *
ngx_sendkit_auth_redis_codec_encode(const sendkit_span_t *args,
    ngx_uint_t nargs, size_t *len)
{
    sds          command;
    size_t       lens[NGX_SENDKIT_AUTH_REDIS_ARGS];
    long long    n;             /* int in hiredis 0.14 */
    ngx_uint_t   i;
    const char  *words[NGX_SENDKIT_AUTH_REDIS_ARGS];

    for (i = 0; i < nargs; i++) {
        words[i] = (const char *) args[i].data;
        lens[i] = args[i].len;
    }

    n = redisFormatSdsCommandArgv(&command, (int) nargs, words, lens);
    if (n < 0) {
        return NULL;
    }

    *len = (size_t) n;

    return (u_char *) command;
}


void
ngx_sendkit_auth_redis_codec_done(u_char *command)
{
    redisFreeSdsCommand((sds) command);
}


static ngx_int_t
ngx_sendkit_auth_redis_codec_elements(ngx_sendkit_auth_redis_codec_t *codec)
{
    void  *next;

    do {
        if (redisReaderGetReply(codec->reader, &next) != REDIS_OK) {
            return NGX_ERROR;
        }

    } while (next != NULL);

    return NGX_OK;
}


static void *
ngx_sendkit_auth_redis_codec_string(const redisReadTask *task, char *text,
    size_t len)
{
    ngx_sendkit_auth_redis_element_t  element;

    ngx_memzero(&element, sizeof(ngx_sendkit_auth_redis_element_t));

    switch (task->type) {

    case REDIS_REPLY_STRING:
        element.type = NGX_SENDKIT_AUTH_REDIS_STRING;
        break;

    case REDIS_REPLY_STATUS:
        element.type = NGX_SENDKIT_AUTH_REDIS_STATUS;
        break;

    case REDIS_REPLY_ERROR:
        element.type = NGX_SENDKIT_AUTH_REDIS_ERROR;
        break;
    }

    element.value.data = (u_char *) text;
    element.value.len = len;

    return ngx_sendkit_auth_redis_codec_element(task, &element);
}


static void *
ngx_sendkit_auth_redis_codec_count(const redisReadTask *task,
    ngx_sendkit_auth_redis_count_t n)
{
    ngx_sendkit_auth_redis_element_t  element;

    ngx_memzero(&element, sizeof(ngx_sendkit_auth_redis_element_t));

    element.type = NGX_SENDKIT_AUTH_REDIS_ARRAY;
    element.integer = (int64_t) n;

    return ngx_sendkit_auth_redis_codec_element(task, &element);
}


static void *
ngx_sendkit_auth_redis_codec_integer(const redisReadTask *task, long long n)
{
    ngx_sendkit_auth_redis_element_t  element;

    ngx_memzero(&element, sizeof(ngx_sendkit_auth_redis_element_t));

    element.type = NGX_SENDKIT_AUTH_REDIS_INTEGER;
    element.integer = n;

    return ngx_sendkit_auth_redis_codec_element(task, &element);
}


static void *
ngx_sendkit_auth_redis_codec_nil(const redisReadTask *task)
{
    ngx_sendkit_auth_redis_element_t  element;

    ngx_memzero(&element, sizeof(ngx_sendkit_auth_redis_element_t));

    element.type = NGX_SENDKIT_AUTH_REDIS_NIL;

    return ngx_sendkit_auth_redis_codec_element(task, &element);
}


/* hiredis wants an object for each element, and takes NULL for an error */

static void *
ngx_sendkit_auth_redis_codec_element(const redisReadTask *task,
    ngx_sendkit_auth_redis_element_t *element)
{
    const redisReadTask             *parent;
    ngx_sendkit_auth_redis_codec_t  *codec;

    codec = task->privdata;

    for (parent = task->parent; parent != NULL; parent = parent->parent) {
        element->depth++;
    }

    element->index = element->depth != 0 ? (ngx_uint_t) task->idx : 0;

    return codec->handler(codec->data, element) == NGX_OK ? codec : NULL;
}


static void
ngx_sendkit_auth_redis_codec_kept(void *element)
{
    /* void */
}


static void
ngx_sendkit_auth_redis_codec_flatten(redisReply *from,
    ngx_sendkit_auth_redis_reply_t *to)
{
    ngx_memzero(to, sizeof(ngx_sendkit_auth_redis_reply_t));

    if (from->type == REDIS_REPLY_ARRAY) {
        ngx_sendkit_auth_redis_codec_array(from, to);
        return;
    }

    to->nvalues = 1;
    to->values[0] = ngx_sendkit_auth_redis_codec_value(from);

    switch (from->type) {

    case REDIS_REPLY_STATUS:
        to->type = NGX_SENDKIT_AUTH_REDIS_STATUS;
        break;

    case REDIS_REPLY_ERROR:
        to->type = NGX_SENDKIT_AUTH_REDIS_ERROR;
        break;

    case REDIS_REPLY_NIL:
        to->type = NGX_SENDKIT_AUTH_REDIS_NIL;
        break;

    case REDIS_REPLY_STRING:
        to->type = NGX_SENDKIT_AUTH_REDIS_STRING;
        break;

    case REDIS_REPLY_INTEGER:
        to->type = NGX_SENDKIT_AUTH_REDIS_INTEGER;
        to->integer = from->integer;
        to->nvalues = 0;
        break;

    default:
        to->nvalues = 0;
    }
}


static void
ngx_sendkit_auth_redis_codec_array(redisReply *from,
    ngx_sendkit_auth_redis_reply_t *to)
{
    size_t  i;

    if (from->elements > NGX_SENDKIT_AUTH_REDIS_VALUES) {
        return;
    }

    for (i = 0; i < from->elements; i++) {
        if (from->element[i]->type != REDIS_REPLY_STRING
            && from->element[i]->type != REDIS_REPLY_NIL)
        {
            return;
        }

        to->values[i] = ngx_sendkit_auth_redis_codec_value(from->element[i]);
    }

    to->nvalues = from->elements;
    to->type = NGX_SENDKIT_AUTH_REDIS_ARRAY;
}


static sendkit_span_t
ngx_sendkit_auth_redis_codec_value(redisReply *from)
{
    sendkit_span_t  value;

    /* a nil has no bytes, an empty string has */

    value.data = (const u_char *) from->str;
    value.len = (size_t) from->len;

    return value;
}
