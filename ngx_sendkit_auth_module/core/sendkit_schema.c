
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_schema.h"


static void sendkit_schema_append(sendkit_span_t *name, unsigned char *buf,
    sendkit_span_t part);


static const sendkit_span_t  sendkit_schema_kinds[] = {
    SENDKIT_SPAN("key:"),
    SENDKIT_SPAN("roles:"),
    SENDKIT_SPAN("workspace-key:"),
    SENDKIT_SPAN("no-key:"),
    SENDKIT_SPAN("no-role:")
};


sendkit_span_t
sendkit_schema_name(unsigned char *buf, sendkit_span_t prefix,
    sendkit_schema_e kind, sendkit_span_t id, sendkit_span_t user)
{
    sendkit_span_t         name;
    static sendkit_span_t  colon = SENDKIT_SPAN(":");

    name.data = buf;
    name.len = 0;

    sendkit_schema_append(&name, buf, prefix);
    sendkit_schema_append(&name, buf, sendkit_schema_kinds[kind]);
    sendkit_schema_append(&name, buf, id);

    if (user.len != 0) {

        /* no workspace has a colon, so that no two names are the same */

        sendkit_schema_append(&name, buf, colon);
        sendkit_schema_append(&name, buf, user);
    }

    return name;
}


static void
sendkit_schema_append(sendkit_span_t *name, unsigned char *buf,
    sendkit_span_t part)
{
    if (part.len != 0) {
        memcpy(buf + name->len, part.data, part.len);
        name->len += part.len;
    }
}
