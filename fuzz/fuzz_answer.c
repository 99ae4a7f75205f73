
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * Whatever an origin sends, only a 200 with a well-formed record that agrees
 * with the question gives an identity, and only a role of the closed set, in
 * the workspace that was asked for, is one.
 */


#include "sendkit_answer.h"
#include "fuzz.h"


static sendkit_span_t fuzz_answer_value(sendkit_span_t *input);
static void fuzz_answer_found(const sendkit_answer_t *answer,
    const sendkit_span_t *values, sendkit_span_t workspace,
    sendkit_span_t user);
static int fuzz_answer_is(sendkit_span_t value, const char *word);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                  i;
    unsigned                status;
    sendkit_key_e           kind;
    sendkit_span_t          input, workspace, user;
    sendkit_span_t          values[SENDKIT_ANSWER_NHEADERS];
    sendkit_answer_t        answer;
    static const unsigned   statuses[] = { 200, 404, 500, 502, 503, 504, 0 };

    input.data = data;
    input.len = size;

    status = statuses[fuzz_byte(&input) % 7];
    workspace = fuzz_text(fuzz_byte(&input) & 1 ? "w1" : "");
    user = fuzz_text(fuzz_byte(&input) & 1 ? "u1" : "");

    for (i = 0; i < SENDKIT_ANSWER_NHEADERS; i++) {
        values[i] = fuzz_answer_value(&input);
    }

    values[SENDKIT_RECORD_STATUS].data = NULL;
    values[SENDKIT_RECORD_STATUS].len = 0;

    memset(&answer, (int) fuzz_byte(&input), sizeof(sendkit_answer_t));

    kind = fuzz_byte(&input) & 1 ? SENDKIT_KEY_WORKSPACE
                                 : SENDKIT_KEY_PLATFORM;

    sendkit_answer_parse(&answer, status, values, kind, workspace, user);

    if (answer.store != SENDKIT_STORE_OK) {
        return 0;
    }

    if (status == 404) {
        fuzz_check(answer.record.state == SENDKIT_RECORD_ABSENT);
        fuzz_check(answer.role == SENDKIT_ROLE_NONE);
        return 0;
    }

    fuzz_check(status == 200);
    fuzz_check(answer.record.state == SENDKIT_RECORD_FOUND);
    fuzz_check(answer.record.kind == kind);

    fuzz_answer_found(&answer, values, workspace, user);

    return 0;
}


static void
fuzz_answer_found(const sendkit_answer_t *answer, const sendkit_span_t *values,
    sendkit_span_t workspace, sendkit_span_t user)
{
    sendkit_span_t  named;

    if (answer->record.kind == SENDKIT_KEY_WORKSPACE) {
        fuzz_check(fuzz_answer_is(values[SENDKIT_ANSWER_TYPE], "workspace"));
        fuzz_check(answer->role == SENDKIT_ROLE_NONE && user.len == 0);
        return;
    }

    fuzz_check(answer->record.kind == SENDKIT_KEY_PLATFORM);
    fuzz_check(fuzz_answer_is(values[SENDKIT_ANSWER_TYPE], "platform"));

    fuzz_check(user.len == 0
               || sendkit_span_equal(sendkit_id_span(&answer->record.user),
                                     user));

    named = values[SENDKIT_ANSWER_WORKSPACE];

    fuzz_check(named.data == NULL || sendkit_span_equal(named, workspace));

    fuzz_check(answer->role == SENDKIT_ROLE_NONE
               || (workspace.len != 0
                   && sendkit_span_equal(sendkit_role_name(answer->role),
                                         values[SENDKIT_ANSWER_ROLE])));
}


/* no header, a word that is often right, or some bytes of the input */

static sendkit_span_t
fuzz_answer_value(sendkit_span_t *input)
{
    unsigned             choice;
    sendkit_span_t       nil = { NULL, 0 };
    static const char   *words[] = {
        "platform", "workspace", "u1", "w1", "1700000000", "owner", "member"
    };

    choice = fuzz_byte(input);

    if (choice == 0xff) {
        return nil;
    }

    if (choice >= 0xf8) {
        return fuzz_text(words[choice - 0xf8]);
    }

    return fuzz_take(input, choice);
}


static int
fuzz_answer_is(sendkit_span_t value, const char *word)
{
    return value.data != NULL && sendkit_span_equal(value, fuzz_text(word));
}
