
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_SCRIPT_H_INCLUDED_
#define _SENDKIT_SCRIPT_H_INCLUDED_


#include "sendkit_span.h"


/*
 * The changes that are made in Redis, as Lua scripts: each is one atomic step
 * (Redis documentation, "Scripting with Lua") and names all keys it touches.
 * Redis takes nothing back of a script that fails: what could stop one comes
 * before what would be lost.
 *
 * A script answers with one of these as a status reply.
 */

typedef enum {
    SENDKIT_SCRIPT_UNKNOWN = 0,         /* no answer of a script of ours */
    SENDKIT_SCRIPT_OK,                  /* done */
    SENDKIT_SCRIPT_CHANGED              /* not as expected, nothing done */
} sendkit_script_e;


/*
 * Gives a workspace another key, or its first, or none.
 *
 * KEYS  workspace-key:<workspace>, key:<old digest>, key:<new digest>
 * ARGV  old digest, new digest, workspace, created_at, created_by, masked,
 *       then fields and values more for the record of the new key
 *
 * An old digest that is empty says that there is no key yet, a new one that
 * there shall be none; the name of such a key is not touched.  CHANGED: the
 * workspace's key is not the old one, or the new one has a record already.
 */

extern const sendkit_span_t  sendkit_script_workspace_key;

/*
 * Adds the record of a key, if there is none.
 *
 * KEYS  key:<digest>
 * ARGV  its life in ms, 0 for ever; "type", the type; at least one more field
 *       and its value
 *
 * CHANGED: there is one, which has one of the fields of a record.
 */

extern const sendkit_span_t  sendkit_script_add_record;

/*
 * Adds the role of a user in a workspace, if there is none.
 *
 * KEYS  roles:<workspace>
 * ARGV  life in ms, user, role
 *
 * The roles of a workspace expire together, a life in ms after the first of
 * them was added.  Where they do not expire, or later than that, someone else
 * keeps them, and nothing is added.  CHANGED: the user has one.
 */

extern const sendkit_span_t  sendkit_script_add_role;


sendkit_script_e sendkit_script_answer(sendkit_span_t status);


#endif /* _SENDKIT_SCRIPT_H_INCLUDED_ */
