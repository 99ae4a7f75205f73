
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * What a script has answered.  What the scripts do is shown with a real Redis
 * in t/scripts.t.
 */


#include "sendkit_script.h"
#include "tap.h"


int
main(void)
{
    tap_t              tap;
    size_t             i;
    static const struct {
        const char        *status;
        sendkit_script_e   answer;
    } answers[] = {
        { "OK", SENDKIT_SCRIPT_OK },
        { "CHANGED", SENDKIT_SCRIPT_CHANGED },
        { "", SENDKIT_SCRIPT_UNKNOWN },
        { "O", SENDKIT_SCRIPT_UNKNOWN },
        { "OK ", SENDKIT_SCRIPT_UNKNOWN },
        { "ok", SENDKIT_SCRIPT_UNKNOWN },
        { "CHANGE", SENDKIT_SCRIPT_UNKNOWN },
        { "changed", SENDKIT_SCRIPT_UNKNOWN },
        { "QUEUED", SENDKIT_SCRIPT_UNKNOWN },
        { NULL, SENDKIT_SCRIPT_UNKNOWN }
    };

    memset(&tap, 0, sizeof(tap_t));

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        tap_number(&tap, sendkit_script_answer(tap_text(answers[i].status)),
                   answers[i].answer, "the status \"%s\" is read rightly",
                   answers[i].status == NULL ? "(nil)" : answers[i].status);
    }

    return tap_done(&tap);
}
