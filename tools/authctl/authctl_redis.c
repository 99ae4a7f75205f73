
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdio.h>
#include <stdlib.h>

#include <hiredis/hiredis.h>
#include <openssl/crypto.h>

#include "authctl_fail.h"
#include "authctl_output.h"
#include "authctl_redis.h"


#define AUTHCTL_REDIS_ARGS    64
#define AUTHCTL_REDIS_READ    65536

/*
 * Bytes of one reply.  hiredis sets memory aside only for bytes that came,
 * and untouched pages for the elements that an array announces.
 */

#define AUTHCTL_REDIS_REPLY_MAX  (64 * 1024 * 1024)


struct authctl_redis_s {
    authctl_redis_conf_t     conf;
    authctl_conn_t          *conn;
    redisReader             *reader;        /* NULL: not connected yet */
    size_t                   pending;
    size_t                   fed;           /* bytes since the last reply */
    char                    *out;           /* commands to be sent */
    size_t                   out_len;
    size_t                   out_size;
    int                      failed;
};


static int authctl_redis_start(authctl_redis_t *redis);
static int authctl_redis_login(authctl_redis_t *redis);
static int authctl_redis_select(authctl_redis_t *redis);
static int authctl_redis_is_ok(authctl_redis_t *redis,
    const sendkit_span_t *args, size_t nargs);
static int authctl_redis_gather(authctl_redis_t *redis, const char *command,
    size_t len);
static int authctl_redis_flush(authctl_redis_t *redis);
static int authctl_redis_feed(authctl_redis_t *redis);
static int authctl_redis_fail(authctl_redis_t *redis, const char *why);


authctl_redis_t *
authctl_redis_create(const authctl_redis_conf_t *conf)
{
    authctl_redis_t  *redis;

    redis = calloc(1, sizeof(authctl_redis_t));
    if (redis == NULL) {
        return NULL;
    }

    redis->conf = *conf;

    return redis;
}


void
authctl_redis_free(authctl_redis_t *redis)
{
    if (redis->conn != NULL) {
        authctl_conn_close(redis->conn);
    }

    if (redis->reader != NULL) {
        redisReaderFree(redis->reader);
    }

    free(redis->out);
    free(redis);
}


static int
authctl_redis_start(authctl_redis_t *redis)
{
    if (redis->failed || redis->reader != NULL) {
        return !redis->failed;
    }

    /* so that it is not tried once more */

    redis->failed = 1;

    redis->conn = authctl_conn_open(&redis->conf.conn);
    if (redis->conn == NULL) {
        return 0;
    }

    redis->reader = redisReaderCreate();
    if (redis->reader == NULL) {
        return authctl_fail(0, "no memory");
    }

    redis->failed = 0;

    if (!authctl_redis_login(redis) || !authctl_redis_select(redis)) {
        redis->failed = 1;
        return 0;
    }

    return 1;
}


static int
authctl_redis_login(authctl_redis_t *redis)
{
    size_t          n;
    sendkit_span_t  args[3] = { SENDKIT_SPAN("AUTH") };

    if (redis->conf.password.len == 0) {
        return 1;
    }

    n = 1;

    if (redis->conf.user != NULL) {
        args[n].data = (const unsigned char *) redis->conf.user;
        args[n].len = strlen(redis->conf.user);
        n++;
    }

    args[n++] = redis->conf.password;

    return authctl_redis_is_ok(redis, args, n);
}


static int
authctl_redis_select(authctl_redis_t *redis)
{
    char            db[sizeof("4294967295")];
    sendkit_span_t  args[2] = { SENDKIT_SPAN("SELECT") };

    if (redis->conf.db == 0) {
        return 1;
    }

    args[1].data = (const unsigned char *) db;
    args[1].len = (size_t) sprintf(db, "%u", redis->conf.db);

    return authctl_redis_is_ok(redis, args, 2);
}


static int
authctl_redis_is_ok(authctl_redis_t *redis, const sendkit_span_t *args,
    size_t nargs)
{
    authctl_reply_t  *reply;

    reply = authctl_redis_command(redis, args, nargs);
    if (reply == NULL) {
        return 0;
    }

    authctl_reply_free(reply);

    return 1;
}


int
authctl_redis_append(authctl_redis_t *redis, const sendkit_span_t *args,
    size_t nargs)
{
    int          ok;
    char        *command;
    size_t       i, lens[AUTHCTL_REDIS_ARGS];
    long long    len;           /* int in hiredis 0.14 */
    const char  *words[AUTHCTL_REDIS_ARGS];

    if (!authctl_redis_start(redis)) {
        return 0;
    }

    if (nargs > AUTHCTL_REDIS_ARGS) {
        return authctl_redis_fail(redis, "too many arguments");
    }

    for (i = 0; i < nargs; i++) {
        words[i] = (const char *) args[i].data;
        lens[i] = args[i].len;
    }

    len = redisFormatCommandArgv(&command, (int) nargs, words, lens);
    if (len < 0) {
        return authctl_redis_fail(redis, "no memory");
    }

    ok = authctl_redis_gather(redis, command, (size_t) len);

    /* it may be the password */

    OPENSSL_cleanse(command, (size_t) len);
    redisFreeCommand(command);

    return ok;
}


static int
authctl_redis_gather(authctl_redis_t *redis, const char *command, size_t len)
{
    char    *out;
    size_t   size;

    if (len > redis->out_size - redis->out_len) {
        size = 2 * (redis->out_len + len);

        out = malloc(size);
        if (out == NULL) {
            return authctl_redis_fail(redis, "no memory");
        }

        if (redis->out_len != 0) {
            memcpy(out, redis->out, redis->out_len);
            OPENSSL_cleanse(redis->out, redis->out_len);
        }

        free(redis->out);
        redis->out = out;
        redis->out_size = size;
    }

    memcpy(redis->out + redis->out_len, command, len);
    redis->out_len += len;
    redis->pending++;

    return 1;
}


size_t
authctl_redis_pending(const authctl_redis_t *redis)
{
    return redis->pending;
}


authctl_reply_t *
authctl_redis_reply(authctl_redis_t *redis)
{
    void  *reply;

    if (redis->failed || redis->pending == 0 || !authctl_redis_flush(redis)) {
        return NULL;
    }

    for ( ;; ) {

        if (redisReaderGetReply(redis->reader, &reply) != REDIS_OK) {
            (void) authctl_redis_fail(redis, redis->reader->errstr);
            return NULL;
        }

        if (reply != NULL) {
            redis->pending--;
            redis->fed = 0;
            return reply;
        }

        if (!authctl_redis_feed(redis)) {
            return NULL;
        }
    }
}


static int
authctl_redis_flush(authctl_redis_t *redis)
{
    if (redis->out_len == 0) {
        return 1;
    }

    if (!authctl_conn_write(redis->conn, redis->out, redis->out_len)) {
        redis->failed = 1;
        return 0;
    }

    OPENSSL_cleanse(redis->out, redis->out_len);
    redis->out_len = 0;

    return 1;
}


static int
authctl_redis_feed(authctl_redis_t *redis)
{
    char    data[AUTHCTL_REDIS_READ];
    size_t  n;

    n = authctl_conn_read(redis->conn, data, sizeof(data));

    if (n == 0) {
        redis->failed = 1;
        return 0;
    }

    redis->fed += n;

    if (redis->fed > AUTHCTL_REDIS_REPLY_MAX) {
        return authctl_redis_fail(redis, "the reply is too long");
    }

    if (redisReaderFeed(redis->reader, data, n) != REDIS_OK) {
        return authctl_redis_fail(redis, redis->reader->errstr);
    }

    return 1;
}


/* for what is not said by the connection */

static int
authctl_redis_fail(authctl_redis_t *redis, const char *why)
{
    redis->failed = 1;

    return authctl_fail(0, "Redis: %s", why);
}


authctl_reply_t *
authctl_redis_command(authctl_redis_t *redis, const sendkit_span_t *args,
    size_t nargs)
{
    authctl_reply_t  *reply;

    if (!authctl_redis_append(redis, args, nargs)) {
        return NULL;
    }

    reply = authctl_redis_reply(redis);

    if (reply != NULL && authctl_reply_type(reply) == AUTHCTL_REPLY_ERROR) {
        authctl_redis_complain(reply);
        authctl_reply_free(reply);
        return NULL;
    }

    return reply;
}


int
authctl_redis_append_script(authctl_redis_t *redis, sendkit_span_t script,
    const sendkit_span_t *keys, size_t nkeys, const sendkit_span_t *args,
    size_t nargs)
{
    char            count[sizeof("64")];
    sendkit_span_t  all[AUTHCTL_REDIS_ARGS] = { SENDKIT_SPAN("EVAL") };

    if (3 + nkeys + nargs > AUTHCTL_REDIS_ARGS) {
        return authctl_redis_fail(redis, "too many arguments");
    }

    all[1] = script;
    all[2].data = (const unsigned char *) count;
    all[2].len = (size_t) snprintf(count, sizeof(count), "%u",
                                   (unsigned) nkeys);

    memcpy(&all[3], keys, nkeys * sizeof(sendkit_span_t));

    if (nargs != 0) {
        memcpy(&all[3 + nkeys], args, nargs * sizeof(sendkit_span_t));
    }

    return authctl_redis_append(redis, all, 3 + nkeys + nargs);
}


sendkit_script_e
authctl_redis_script(authctl_redis_t *redis, sendkit_span_t script,
    const sendkit_span_t *keys, size_t nkeys, const sendkit_span_t *args,
    size_t nargs)
{
    authctl_reply_t   *reply;
    sendkit_script_e   answer;

    if (!authctl_redis_append_script(redis, script, keys, nkeys, args, nargs))
    {
        return SENDKIT_SCRIPT_UNKNOWN;
    }

    reply = authctl_redis_reply(redis);
    if (reply == NULL) {
        return SENDKIT_SCRIPT_UNKNOWN;
    }

    answer = SENDKIT_SCRIPT_UNKNOWN;

    if (authctl_reply_type(reply) == AUTHCTL_REPLY_STATUS) {
        answer = sendkit_script_answer(authctl_reply_text(reply));
    }

    if (answer == SENDKIT_SCRIPT_UNKNOWN) {
        authctl_redis_complain(reply);
    }

    authctl_reply_free(reply);

    return answer;
}


void
authctl_redis_complain(const authctl_reply_t *reply)
{
    authctl_escaped_t  escaped;

    if (authctl_reply_type(reply) != AUTHCTL_REPLY_ERROR) {
        (void) authctl_fail(AUTHCTL_REDIS, "Redis sent a reply that is none "
                            "to the command");
        return;
    }

    (void) authctl_fail(AUTHCTL_REDIS, "Redis sent the error \"%s\"",
                        authctl_escape(&escaped, authctl_reply_text(reply)));
}


void
authctl_reply_free(authctl_reply_t *reply)
{
    freeReplyObject(reply);
}


authctl_reply_e
authctl_reply_type(const authctl_reply_t *reply)
{
    switch (((const redisReply *) reply)->type) {

    case REDIS_REPLY_STATUS:
        return AUTHCTL_REPLY_STATUS;

    case REDIS_REPLY_ERROR:
        return AUTHCTL_REPLY_ERROR;

    case REDIS_REPLY_INTEGER:
        return AUTHCTL_REPLY_INTEGER;

    case REDIS_REPLY_NIL:
        return AUTHCTL_REPLY_NIL;

    case REDIS_REPLY_STRING:
        return AUTHCTL_REPLY_STRING;

    case REDIS_REPLY_ARRAY:
        return AUTHCTL_REPLY_ARRAY;

    default:
        return AUTHCTL_REPLY_OTHER;
    }
}


sendkit_span_t
authctl_reply_text(const authctl_reply_t *reply)
{
    sendkit_span_t     text = { NULL, 0 };
    const redisReply  *r = (const redisReply *) reply;

    switch (authctl_reply_type(reply)) {

    case AUTHCTL_REPLY_STATUS:
    case AUTHCTL_REPLY_ERROR:
    case AUTHCTL_REPLY_STRING:
        text.data = (const unsigned char *) r->str;
        text.len = (size_t) r->len;
        break;

    default:
        break;
    }

    return text;
}


long long
authctl_reply_integer(const authctl_reply_t *reply)
{
    return authctl_reply_type(reply) == AUTHCTL_REPLY_INTEGER
           ? ((const redisReply *) reply)->integer : 0;
}


size_t
authctl_reply_count(const authctl_reply_t *reply)
{
    return authctl_reply_type(reply) == AUTHCTL_REPLY_ARRAY
           ? (size_t) ((const redisReply *) reply)->elements : 0;
}


const authctl_reply_t *
authctl_reply_element(const authctl_reply_t *reply, size_t i)
{
    return i < authctl_reply_count(reply)
           ? (const authctl_reply_t *) ((const redisReply *) reply)->element[i]
           : NULL;
}


int
authctl_reply_values(const authctl_reply_t *reply, sendkit_span_t *values,
    size_t n)
{
    size_t           i;
    authctl_reply_e  type;

    if (authctl_reply_type(reply) != AUTHCTL_REPLY_ARRAY
        || authctl_reply_count(reply) != n)
    {
        return 0;
    }

    for (i = 0; i < n; i++) {
        type = authctl_reply_type(authctl_reply_element(reply, i));

        if (type != AUTHCTL_REPLY_STRING && type != AUTHCTL_REPLY_NIL) {
            return 0;
        }

        values[i] = authctl_reply_text(authctl_reply_element(reply, i));
    }

    return 1;
}
