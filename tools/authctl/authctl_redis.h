
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_REDIS_H_INCLUDED_
#define _AUTHCTL_REDIS_H_INCLUDED_


#include "authctl_conn.h"
#include "sendkit_script.h"
#include "sendkit_span.h"


/*
 * A Redis client that blocks: commands are gathered, sent together, and
 * their replies taken one by one, in order.  It connects with the first
 * command.
 *
 * Where a function fails it has said why on stderr; the exit status is
 * AUTHCTL_REDIS then.  A connection that failed stays so.
 */

typedef struct authctl_redis_s  authctl_redis_t;
typedef struct authctl_reply_s  authctl_reply_t;


typedef enum {
    AUTHCTL_REPLY_OTHER = 0,
    AUTHCTL_REPLY_STATUS,
    AUTHCTL_REPLY_ERROR,
    AUTHCTL_REPLY_INTEGER,
    AUTHCTL_REPLY_NIL,
    AUTHCTL_REPLY_STRING,
    AUTHCTL_REPLY_ARRAY
} authctl_reply_e;


/* what of it is set belongs to the caller, and must outlive the client */

typedef struct {
    authctl_conn_conf_t      conn;
    const char              *user;
    sendkit_span_t           password;      /* len 0: none */
    unsigned                 db;
} authctl_redis_conf_t;


/* NULL: no memory */

authctl_redis_t *authctl_redis_create(const authctl_redis_conf_t *conf);
void authctl_redis_free(authctl_redis_t *redis);

/* Gathers a command to be sent.  Returns 0 when it failed. */

int authctl_redis_append(authctl_redis_t *redis, const sendkit_span_t *args,
    size_t nargs);

/* How many replies are due: commands that were gathered, less replies taken. */

size_t authctl_redis_pending(const authctl_redis_t *redis);

/*
 * Sends what was gathered, and takes the next reply, which the caller frees;
 * an error that Redis sent is a reply, too.  NULL: it failed.
 */

authctl_reply_t *authctl_redis_reply(authctl_redis_t *redis);

/*
 * One command and its reply; nothing may be pending.  NULL: it failed, or
 * Redis sent an error.
 */

authctl_reply_t *authctl_redis_command(authctl_redis_t *redis,
    const sendkit_span_t *args, size_t nargs);

/* As authctl_redis_append(), for a script of sendkit_script.h. */

int authctl_redis_append_script(authctl_redis_t *redis, sendkit_span_t script,
    const sendkit_span_t *keys, size_t nkeys, const sendkit_span_t *args,
    size_t nargs);

/*
 * Runs one script and returns its answer; SENDKIT_SCRIPT_UNKNOWN: it failed,
 * or it answered something else, which was said on stderr.
 */

sendkit_script_e authctl_redis_script(authctl_redis_t *redis,
    sendkit_span_t script, const sendkit_span_t *keys, size_t nkeys,
    const sendkit_span_t *args, size_t nargs);

/* Says on stderr what Redis has sent that is an error or unexpected. */

void authctl_redis_complain(const authctl_reply_t *reply);


void authctl_reply_free(authctl_reply_t *reply);
authctl_reply_e authctl_reply_type(const authctl_reply_t *reply);

/* status, error or string; data == NULL for all others */

sendkit_span_t authctl_reply_text(const authctl_reply_t *reply);

/* 0 for what is no integer */

long long authctl_reply_integer(const authctl_reply_t *reply);

/* of an array; 0 for all others, and NULL where there is no such element */

size_t authctl_reply_count(const authctl_reply_t *reply);
const authctl_reply_t *authctl_reply_element(const authctl_reply_t *reply,
    size_t i);

/*
 * Fills values with the n strings of an array, data == NULL for a nil.
 * Returns 0 when it is no such array of n.
 */

int authctl_reply_values(const authctl_reply_t *reply, sendkit_span_t *values,
    size_t n);


#endif /* _AUTHCTL_REDIS_H_INCLUDED_ */
