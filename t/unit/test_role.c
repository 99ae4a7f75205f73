
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* Which words are roles: three, exactly as they are written. */


#include "sendkit_role.h"
#include "tap.h"


int
main(void)
{
    size_t             i;
    tap_t              tap;
    static const struct {
        const char      *name;
        sendkit_span_t   word;
        sendkit_role_e   role;
    } words[] = {
        { "\"owner\"", SENDKIT_SPAN("owner"), SENDKIT_ROLE_OWNER },
        { "\"admin\"", SENDKIT_SPAN("admin"), SENDKIT_ROLE_ADMIN },
        { "\"member\"", SENDKIT_SPAN("member"), SENDKIT_ROLE_MEMBER },
        { "no value at all", { NULL, 0 }, SENDKIT_ROLE_NONE },
        { "an empty word", SENDKIT_SPAN(""), SENDKIT_ROLE_NONE },
        { "\"Owner\"", SENDKIT_SPAN("Owner"), SENDKIT_ROLE_NONE },
        { "\"OWNER\"", SENDKIT_SPAN("OWNER"), SENDKIT_ROLE_NONE },
        { "\"owners\"", SENDKIT_SPAN("owners"), SENDKIT_ROLE_NONE },
        { "\"owne\"", SENDKIT_SPAN("owne"), SENDKIT_ROLE_NONE },
        { "\" owner\"", SENDKIT_SPAN(" owner"), SENDKIT_ROLE_NONE },
        { "\"admin \"", SENDKIT_SPAN("admin "), SENDKIT_ROLE_NONE },
        { "\"admin\" and a NUL", SENDKIT_SPAN("admin\0"), SENDKIT_ROLE_NONE },
        { "\"admin\" and a line feed", SENDKIT_SPAN("admin\n"),
          SENDKIT_ROLE_NONE },
        { "\"member,owner\"", SENDKIT_SPAN("member,owner"),
          SENDKIT_ROLE_NONE },
        { "\"any\"", SENDKIT_SPAN("any"), SENDKIT_ROLE_NONE },
        { "\"none\"", SENDKIT_SPAN("none"), SENDKIT_ROLE_NONE },
        { "\"viewer\"", SENDKIT_SPAN("viewer"), SENDKIT_ROLE_NONE },
        { "\"1\"", SENDKIT_SPAN("1"), SENDKIT_ROLE_NONE }
    };

    memset(&tap, 0, sizeof(tap_t));

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        tap_number(&tap, sendkit_role_parse(words[i].word), words[i].role,
                   "%s is %s", words[i].name,
                   words[i].role == SENDKIT_ROLE_NONE ? "no role" : "a role");

        if (words[i].role != SENDKIT_ROLE_NONE) {
            tap_span(&tap, sendkit_role_name(words[i].role), words[i].word,
                     "%s is the word of its role", words[i].name);
        }
    }

    tap_span(&tap, sendkit_role_name(SENDKIT_ROLE_NONE), tap_text(""),
             "no role has no word");
    tap_span(&tap, sendkit_role_name((sendkit_role_e) SENDKIT_ROLE_ANY),
             tap_text(""), "several roles together have no word");

    return tap_done(&tap);
}
