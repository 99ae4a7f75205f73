
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * Which fields make a key or a role, which are refused and with what words,
 * and that an entry has the values it was made of.
 */


#include "authctl_entry.h"
#include "tap.h"


#define TEST_DIGEST                                                           \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TEST_TIME  "2025-06-01T10:30:00.000Z"
#define TEST_64    TEST_DIGEST
#define TEST_KEY   "sk_user_0123456789abcdef"


/*
 * The values in the order kind, digest, type, user, workspace, role, expires,
 * status, created_at, created_by, masked; NULL and what is left out is none.
 */

typedef struct {
    const char         *name;
    const char         *values[AUTHCTL_NFIELDS];
    const char         *reason;         /* NULL: it is accepted */
} test_entry_t;


static void test_entry(tap_t *tap, const test_entry_t *t);
static void test_values(tap_t *tap, const test_entry_t *t,
    const authctl_entry_t *entry);
static void test_expires(tap_t *tap, const char *written, const char *read);
static void test_masked(tap_t *tap);


static const test_entry_t  test_entries[] = {
    { "the least platform key",
      { "key", TEST_DIGEST, "platform", "u1" },
      NULL },

    { "a platform key with all fields",
      { "key", TEST_DIGEST, "platform", "a.b:c@d-e_f", NULL, NULL,
        "1790000000", "locked" },
      NULL },

    { "the least workspace key",
      { "key", TEST_DIGEST, "workspace", NULL, "w1" },
      NULL },

    { "a workspace key with all fields",
      { "key", TEST_DIGEST, "workspace", NULL, "w1", NULL,
        "999999999999999", "active", TEST_TIME, "u1", "sk_a1b2...e3f4" },
      NULL },

    { "a workspace key that is not shown",
      { "key", TEST_DIGEST, "workspace", NULL, "w1", NULL, NULL, NULL,
        TEST_TIME, "u1" },
      NULL },

    { "an owner",
      { "role", NULL, NULL, "u1", "w1", "owner" },
      NULL },

    { "an admin with ids of 64 bytes",
      { "role", NULL, NULL, TEST_64, TEST_64, "admin" },
      NULL },

    { "a member",
      { "role", NULL, NULL, "u1", "w1", "member" },
      NULL },

    { "nothing at all",
      { NULL },
      "kind is missing" },

    { "an entry of another kind",
      { "keys", TEST_DIGEST, "platform", "u1" },
      "kind \"keys\" is not \"key\" or \"role\"" },

    { "a key without a digest",
      { "key", NULL, "platform", "u1" },
      "digest is missing" },

    { "a key with a digest of 63 digits",
      { "key", &TEST_DIGEST[1], "platform", "u1" },
      "digest \"123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"
      "f\" is not 64 lower-case hexadecimal digits" },

    { "a key with a digest of 65 digits",
      { "key", TEST_DIGEST "0", "platform", "u1" },
      "digest \"" TEST_DIGEST "...\" is not 64 lower-case hexadecimal "
      "digits" },

    { "a key with an upper-case digest",
      { "key",
        "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "platform", "u1" },
      "digest \"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcd"
      "ef\" is not 64 lower-case hexadecimal digits" },

    { "a key with a digest of other letters",
      { "key",
        "g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "platform", "u1" },
      "digest \"g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"
      "ef\" is not 64 lower-case hexadecimal digits" },

    { "a key with itself for a digest",
      { "key", TEST_KEY, "platform", "u1" },
      "digest \"sk_...\" is not 64 lower-case hexadecimal digits" },

    { "a key without a type",
      { "key", TEST_DIGEST, NULL, "u1" },
      "type is missing" },

    { "a key of an unknown type",
      { "key", TEST_DIGEST, "Platform", "u1" },
      "type \"Platform\" is not \"platform\" or \"workspace\"" },

    { "a platform key without a user",
      { "key", TEST_DIGEST, "platform" },
      "user is missing" },

    { "a platform key with a space in its user",
      { "key", TEST_DIGEST, "platform", "u 1" },
      "user \"u 1\" is not 1 to 64 of A-Z a-z 0-9 . _ : @ -" },

    { "a platform key with a line break in its user",
      { "key", TEST_DIGEST, "platform", "u1\r\nX-Role: owner" },
      "user \"u1\\x0d\\x0aX-Role: owner\" is not 1 to 64 of A-Z a-z 0-9 . _ : "
      "@ -" },

    { "a platform key with itself for a user, after a space",
      { "key", TEST_DIGEST, "platform", " " TEST_KEY },
      "user \"sk_...\" is not 1 to 64 of A-Z a-z 0-9 . _ : @ -" },

    { "a platform key with a user of 65 bytes",
      { "key", TEST_DIGEST, "platform", TEST_64 "0" },
      "user \"" TEST_64 "...\" is not 1 to 64 of A-Z a-z 0-9 . _ : @ -" },

    { "a platform key with an empty user",
      { "key", TEST_DIGEST, "platform", "" },
      "user \"\" is not 1 to 64 of A-Z a-z 0-9 . _ : @ -" },

    { "a platform key with a workspace",
      { "key", TEST_DIGEST, "platform", "u1", "w1" },
      "a platform key has no \"workspace\"" },

    { "a platform key with a role",
      { "key", TEST_DIGEST, "platform", "u1", NULL, "owner" },
      "a platform key has no \"role\"" },

    { "a platform key with a time of creation",
      { "key", TEST_DIGEST, "platform", "u1", NULL, NULL, NULL, NULL,
        TEST_TIME },
      "a platform key has no \"created_at\"" },

    { "a workspace key without a workspace",
      { "key", TEST_DIGEST, "workspace" },
      "workspace is missing" },

    { "a workspace key with a user",
      { "key", TEST_DIGEST, "workspace", "u1", "w1" },
      "a workspace key has no \"user\"" },

    { "a workspace key with a user's id for a workspace",
      { "key", TEST_DIGEST, "workspace", NULL, "a.b@c" },
      "workspace \"a.b@c\" is not 1 to 64 of A-Z a-z 0-9 _ -" },

    { "a key that expires with a sign",
      { "key", TEST_DIGEST, "platform", "u1", NULL, NULL, "-1" },
      "expires \"-1\" is not 1 to 15 digits, a Unix time in seconds" },

    { "a key that expires with 16 digits",
      { "key", TEST_DIGEST, "platform", "u1", NULL, NULL,
        "1000000000000000" },
      "expires \"1000000000000000\" is not 1 to 15 digits, a Unix time in "
      "seconds" },

    { "a key that expires on a date",
      { "key", TEST_DIGEST, "platform", "u1", NULL, NULL, TEST_TIME },
      "expires \"" TEST_TIME "\" is not 1 to 15 digits, a Unix time in "
      "seconds" },

    { "a key with an empty status",
      { "key", TEST_DIGEST, "platform", "u1", NULL, NULL, NULL, "" },
      "status \"\" is not 1 to 64 of A-Z a-z 0-9 _ -" },

    { "a key with a status of two words",
      { "key", TEST_DIGEST, "platform", "u1", NULL, NULL, NULL,
        "not active" },
      "status \"not active\" is not 1 to 64 of A-Z a-z 0-9 _ -" },

    { "a workspace key that somebody created at no time",
      { "key", TEST_DIGEST, "workspace", NULL, "w1", NULL, NULL, NULL, NULL,
        "u1" },
      "created_at is missing" },

    { "a workspace key that nobody created",
      { "key", TEST_DIGEST, "workspace", NULL, "w1", NULL, NULL, NULL,
        TEST_TIME },
      "created_by is missing" },

    { "a workspace key with nothing but what is shown of it",
      { "key", TEST_DIGEST, "workspace", NULL, "w1", NULL, NULL, NULL, NULL,
        NULL, "sk_a1b2...e3f4" },
      "created_by is missing" },

    { "a workspace key that was created on a day",
      { "key", TEST_DIGEST, "workspace", NULL, "w1", NULL, NULL, NULL,
        "2025-06-01", "u1" },
      "created_at \"2025-06-01\" is not of the form " TEST_TIME },

    { "a workspace key that was created by no id",
      { "key", TEST_DIGEST, "workspace", NULL, "w1", NULL, NULL, NULL,
        TEST_TIME, "u/1" },
      "created_by \"u/1\" is not 1 to 64 of A-Z a-z 0-9 . _ : @ -" },

    { "a workspace key that is shown in another way",
      { "key", TEST_DIGEST, "workspace", NULL, "w1", NULL, NULL, NULL,
        TEST_TIME, "u1", "a1b2" },
      "masked \"a1b2\" is not of the form sk_a1b2...e3f4" },

    { "a workspace key that is shown as a whole",
      { "key", TEST_DIGEST, "workspace", NULL, "w1", NULL, NULL, NULL,
        TEST_TIME, "u1", TEST_KEY },
      "masked \"sk_...\" is not of the form sk_a1b2...e3f4" },

    { "a role without a workspace",
      { "role", NULL, NULL, "u1", NULL, "owner" },
      "workspace is missing" },

    { "a role without a user",
      { "role", NULL, NULL, NULL, "w1", "owner" },
      "user is missing" },

    { "a role without its word",
      { "role", NULL, NULL, "u1", "w1" },
      "role is missing" },

    { "a role \"Owner\"",
      { "role", NULL, NULL, "u1", "w1", "Owner" },
      "role \"Owner\" is not \"owner\", \"admin\" or \"member\"" },

    { "an empty role",
      { "role", NULL, NULL, "u1", "w1", "" },
      "role \"\" is not \"owner\", \"admin\" or \"member\"" },

    { "a role with a digest",
      { "role", TEST_DIGEST, NULL, "u1", "w1", "owner" },
      "a role has no \"digest\"" },

    { "a role that expires",
      { "role", NULL, NULL, "u1", "w1", "owner", "1790000000" },
      "a role has no \"expires\"" },

    { "a role with a status",
      { "role", NULL, NULL, "u1", "w1", "owner", NULL, "active" },
      "a role has no \"status\"" }
};


int
main(void)
{
    tap_t   tap;
    size_t  i;

    memset(&tap, 0, sizeof(tap_t));

    for (i = 0; i < sizeof(test_entries) / sizeof(test_entry_t); i++) {
        test_entry(&tap, &test_entries[i]);
    }

    test_expires(&tap, "0001790000000", "1790000000");
    test_expires(&tap, "000000000000000", "1");
    test_masked(&tap);

    return tap_done(&tap);
}


static void
test_entry(tap_t *tap, const test_entry_t *t)
{
    int               ok;
    size_t            i;
    authctl_entry_t   entry;
    authctl_values_t  values;
    authctl_reason_t  reason;

    for (i = 0; i < AUTHCTL_NFIELDS; i++) {
        values.fields[i] = tap_text(t->values[i]);
    }

    /* what is left of another entry must not show */

    memset(&entry, 0x01, sizeof(authctl_entry_t));
    reason.text[0] = '\0';

    ok = authctl_entry_parse(&entry, &values, &reason);

    if (t->reason != NULL) {
        tap_number(tap, ok, 0, "%s is refused", t->name);
        tap_span(tap, tap_text(reason.text), tap_text(t->reason),
                 "%s is refused with its reason", t->name);
        return;
    }

    if (tap_number(tap, ok, 1, "%s is accepted", t->name)) {
        test_values(tap, t, &entry);
    }
}


static void
test_values(tap_t *tap, const test_entry_t *t, const authctl_entry_t *entry)
{
    size_t            i;
    authctl_values_t  values;

    authctl_entry_values(entry, &values);

    for (i = 0; i < AUTHCTL_NFIELDS; i++) {
        tap_span(tap, values.fields[i], tap_text(t->values[i]),
                 "%s keeps its %s", t->name,
                 (const char *) authctl_field_names[i].data);
    }
}


static void
test_expires(tap_t *tap, const char *written, const char *read)
{
    authctl_entry_t   entry;
    authctl_values_t  values;
    authctl_reason_t  reason;

    memset(&values, 0, sizeof(authctl_values_t));

    values.fields[AUTHCTL_FIELD_KIND] = tap_text("key");
    values.fields[AUTHCTL_FIELD_DIGEST] = tap_text(TEST_DIGEST);
    values.fields[AUTHCTL_FIELD_TYPE] = tap_text("platform");
    values.fields[AUTHCTL_FIELD_USER] = tap_text("u1");
    values.fields[AUTHCTL_FIELD_EXPIRES] = tap_text(written);

    tap_ok(tap, authctl_entry_parse(&entry, &values, &reason),
           "a key that expires at \"%s\" is accepted", written);

    authctl_entry_values(&entry, &values);

    tap_span(tap, values.fields[AUTHCTL_FIELD_EXPIRES], tap_text(read),
             "\"%s\" is the time \"%s\"", written, read);
}


/* what core shows for a key that it knows nothing of */

static void
test_masked(tap_t *tap)
{
    authctl_entry_t   entry;
    authctl_values_t  values;
    authctl_reason_t  reason;

    memset(&values, 0, sizeof(authctl_values_t));

    values.fields[AUTHCTL_FIELD_KIND] = tap_text("key");
    values.fields[AUTHCTL_FIELD_DIGEST] = tap_text(TEST_DIGEST);
    values.fields[AUTHCTL_FIELD_TYPE] = tap_text("workspace");
    values.fields[AUTHCTL_FIELD_WORKSPACE] = tap_text("w1");
    values.fields[AUTHCTL_FIELD_CREATED_AT] = tap_text(TEST_TIME);
    values.fields[AUTHCTL_FIELD_CREATED_BY] = tap_text("u1");
    values.fields[AUTHCTL_FIELD_MASKED] = tap_text("sk_...");

    tap_ok(tap, authctl_entry_parse(&entry, &values, &reason),
           "a key that is shown as \"sk_...\" is accepted");

    authctl_entry_values(&entry, &values);

    tap_ok(tap, values.fields[AUTHCTL_FIELD_MASKED].data == NULL,
           "\"sk_...\" is nothing to be kept");
}
