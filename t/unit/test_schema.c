
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* The names of what Redis holds. */


#include "sendkit_schema.h"
#include "tap.h"


#define TEST_64  "0123456789abcdef0123456789abcdef"                           \
                 "0123456789abcdef0123456789abcdef"


typedef struct {
    sendkit_schema_e    kind;
    const char         *prefix;
    const char         *id;
    const char         *user;
    const char         *name;
} test_schema_t;


static const test_schema_t  test_schemas[] = {
    { SENDKIT_SCHEMA_KEY, "sendkit:", TEST_64, "", "sendkit:key:" TEST_64 },
    { SENDKIT_SCHEMA_ROLES, "sendkit:", "w1", "", "sendkit:roles:w1" },
    { SENDKIT_SCHEMA_WORKSPACE_KEY, "{x}", "w1", "", "{x}workspace-key:w1" },
    { SENDKIT_SCHEMA_NO_KEY, "", TEST_64, "", "no-key:" TEST_64 },
    { SENDKIT_SCHEMA_NO_ROLE, "sendkit:", "w1", "u:1@b.c",
      "sendkit:no-role:w1:u:1@b.c" },
    { SENDKIT_SCHEMA_NO_ROLE, TEST_64, TEST_64, TEST_64,
      TEST_64 "no-role:" TEST_64 ":" TEST_64 },
    { SENDKIT_SCHEMA_WORKSPACE_KEY, TEST_64, TEST_64, "",
      TEST_64 "workspace-key:" TEST_64 },
    { SENDKIT_SCHEMA_KEY, "sendkit:", "", "", "sendkit:key:" }
};


int
main(void)
{
    size_t                i;
    tap_t                 tap;
    sendkit_span_t        name;
    unsigned char         buf[SENDKIT_SCHEMA_NAME_MAX + 1];
    const test_schema_t  *t;

    memset(&tap, 0, sizeof(tap_t));

    for (i = 0; i < sizeof(test_schemas) / sizeof(test_schema_t); i++) {
        t = &test_schemas[i];

        buf[SENDKIT_SCHEMA_NAME_MAX] = 0x7e;

        name = sendkit_schema_name(buf, tap_text(t->prefix), t->kind,
                                   tap_text(t->id), tap_text(t->user));

        tap_span(&tap, name, tap_text(t->name), "the name \"%s\"", t->name);
        tap_ok(&tap, name.data == buf && name.len <= SENDKIT_SCHEMA_NAME_MAX
                     && buf[SENDKIT_SCHEMA_NAME_MAX] == 0x7e,
               "\"%s\" is in its buffer", t->name);
    }

    return tap_done(&tap);
}
