
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_RECORD_H_INCLUDED_
#define _AUTHCTL_RECORD_H_INCLUDED_


#include <jansson.h>

#include "authctl.h"
#include "sendkit_id.h"
#include "sendkit_record.h"
#include "sendkit_workspace_key.h"


/*
 * What Redis holds of a key: its record, and of a workspace's key what the
 * key service knows of it.  Values are as in Redis, so they may be anything.
 */

typedef struct {
    sendkit_span_t           digest;
    sendkit_record_t         record;
    sendkit_span_t           values[SENDKIT_RECORD_NFIELDS];

    /* all nil but for a key that its workspace names as its own */
    sendkit_span_t           created[SENDKIT_WORKSPACE_KEY_NFIELDS];

    authctl_reply_t         *replies[2];    /* that lend the values, or NULL */
} authctl_record_t;


/*
 * Reads both; AUTHCTL_OK also when there is nothing.  The digest, which is
 * any text, must live as long as the record.  Returns an exit status; the
 * record is freed by the caller in any case.
 *
 * workspace  whose key it may be; len 0: the one that the record names
 */

int authctl_record_read(authctl_t *ctl, authctl_record_t *record,
    sendkit_span_t digest, sendkit_span_t workspace);

void authctl_record_free(authctl_record_t *record);

/*
 * The record in the reply to HMGET with the fields of sendkit_record.h, which
 * lends the values; malformed when it is an error (WRONGTYPE).
 */

void authctl_record_set(authctl_record_t *record, sendkit_span_t digest,
    const authctl_reply_t *reply);

/*
 * Fills args with the command but for the name, as authctl_scan_each() takes
 * it: 1 + SENDKIT_RECORD_NFIELDS words.
 */

void authctl_record_command(sendkit_span_t *args);

json_t *authctl_record_json(const authctl_record_t *record);
void authctl_record_print(const authctl_record_t *record);

/* on one line: digest, type, state, whose it is, end */

void authctl_record_print_line(const authctl_record_t *record);


#endif /* _AUTHCTL_RECORD_H_INCLUDED_ */
