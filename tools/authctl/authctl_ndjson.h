
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_NDJSON_H_INCLUDED_
#define _AUTHCTL_NDJSON_H_INCLUDED_


#include "authctl_entry.h"


/*
 * Newline-delimited JSON: each line is an object, with the fields of an entry
 * as its members.  There is no member "kind": the record of a key has its
 * digest as the member "key", a role does not.
 */


/* Returns 1 with *entry filled, 0 with *reason. */

int authctl_ndjson_parse(sendkit_span_t line, authctl_entry_t *entry,
    authctl_reason_t *reason);

/* Writes an entry as a line, at most AUTHCTL_TEXT_MAX bytes; its length. */

size_t authctl_ndjson_write(const authctl_entry_t *entry, char *text);


#endif /* _AUTHCTL_NDJSON_H_INCLUDED_ */
