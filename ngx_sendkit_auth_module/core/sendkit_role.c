
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_role.h"


typedef struct {
    sendkit_role_e   role;
    sendkit_span_t   name;
} sendkit_role_name_t;


static const sendkit_role_name_t  sendkit_role_names[] = {
    { SENDKIT_ROLE_OWNER, SENDKIT_SPAN("owner") },
    { SENDKIT_ROLE_ADMIN, SENDKIT_SPAN("admin") },
    { SENDKIT_ROLE_MEMBER, SENDKIT_SPAN("member") },
    { SENDKIT_ROLE_NONE, SENDKIT_SPAN("") }
};


sendkit_role_e
sendkit_role_parse(sendkit_span_t word)
{
    const sendkit_role_name_t  *p;

    for (p = sendkit_role_names; p->role != SENDKIT_ROLE_NONE; p++) {
        if (sendkit_span_equal(word, p->name)) {
            return p->role;
        }
    }

    return SENDKIT_ROLE_NONE;
}


sendkit_span_t
sendkit_role_name(sendkit_role_e role)
{
    const sendkit_role_name_t  *p;

    p = sendkit_role_names;

    while (p->role != role && p->role != SENDKIT_ROLE_NONE) {
        p++;
    }

    return p->name;
}
