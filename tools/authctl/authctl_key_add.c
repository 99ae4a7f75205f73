
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "authctl_entry.h"
#include "authctl_output.h"
#include "authctl_record.h"
#include "authctl_secret.h"


/* what the script gets for a workspace, and the two fields that may follow */
#define AUTHCTL_KEY_ADD_ARGS  10


typedef struct {
    authctl_t               *ctl;
    int                      generate;
    const char              *digest;        /* NULL: of a key at hand */
    authctl_values_t         values;        /* as given by the options */
    authctl_entry_t          entry;         /* the same, valid */

    authctl_secret_t         key;           /* len 0: not at hand */
    unsigned char            hex[AUTHCTL_DIGESTERS][SENDKIT_DIGEST_HEX_LEN];
    unsigned char            masked[SENDKIT_WORKSPACE_KEY_MASKED_LEN];
    char                     now[SENDKIT_WORKSPACE_KEY_TIME_LEN + 1];
} authctl_key_add_t;


static int authctl_key_add_options(authctl_key_add_t *add, int argc,
    char **argv);
static int authctl_key_add_option(authctl_key_add_t *add, int c, char **argv);
static int authctl_key_add_run(authctl_key_add_t *add);
static int authctl_key_add_key(authctl_key_add_t *add);
static int authctl_key_add_generate(authctl_key_add_t *add);
static int authctl_key_add_read(authctl_key_add_t *add);
static void authctl_key_add_workspace(authctl_key_add_t *add);
static void authctl_key_add_time(char *text);
static int authctl_key_add_check_old(authctl_key_add_t *add);
static int authctl_key_add_write(authctl_key_add_t *add);
static sendkit_script_e authctl_key_add_platform(authctl_key_add_t *add,
    const sendkit_span_t *fields);
static sendkit_script_e authctl_key_add_named(authctl_key_add_t *add,
    const sendkit_span_t *fields);
static size_t authctl_key_add_more(sendkit_span_t *args,
    const sendkit_span_t *fields);
static int authctl_key_add_refused(authctl_key_add_t *add);
static int authctl_key_add_print(authctl_key_add_t *add);
static sendkit_key_e authctl_key_add_kind(const authctl_key_add_t *add);


static const struct option  authctl_key_add_long[] = {
    { "user", required_argument, NULL, 'u' },
    { "workspace", required_argument, NULL, 'w' },
    { "expires", required_argument, NULL, 'e' },
    { "status", required_argument, NULL, 's' },
    { "digest", required_argument, NULL, 'd' },
    { "generate", no_argument, NULL, 'g' },
    { NULL, 0, NULL, 0 }
};


int
authctl_key_add(authctl_t *ctl, int argc, char **argv)
{
    int                       status;
    static authctl_key_add_t  add;

    add.ctl = ctl;

    status = authctl_key_add_options(&add, argc, argv);

    if (status == AUTHCTL_OK) {
        status = authctl_key_add_run(&add);
    }

    OPENSSL_cleanse(&add, sizeof(authctl_key_add_t));

    return status;
}


static int
authctl_key_add_options(authctl_key_add_t *add, int argc, char **argv)
{
    int  c, status;

    for ( ;; ) {
        c = getopt_long(argc, argv, ":", authctl_key_add_long, NULL);

        if (c == -1) {
            break;
        }

        status = authctl_key_add_option(add, c, argv);
        if (status != AUTHCTL_OK) {
            return status;
        }
    }

    status = authctl_check_arguments(argc, argv, 0);
    if (status != AUTHCTL_OK) {
        return status;
    }

    if (add->generate && add->digest != NULL) {
        return authctl_fail(AUTHCTL_USAGE, "\"--generate\" and \"--digest\" "
                            "do not go together");
    }

    if (add->values.fields[AUTHCTL_FIELD_USER].data == NULL) {
        return authctl_fail(AUTHCTL_USAGE, "\"key add\" needs \"--user\": "
                            "whose key it is, or for a workspace who makes "
                            "it");
    }

    return AUTHCTL_OK;
}


static int
authctl_key_add_option(authctl_key_add_t *add, int c, char **argv)
{
    sendkit_span_t  *fields;

    fields = add->values.fields;

    switch (c) {

    case 'u':
        fields[AUTHCTL_FIELD_USER] = authctl_span(optarg);
        break;

    case 'w':
        fields[AUTHCTL_FIELD_WORKSPACE] = authctl_span(optarg);
        break;

    case 'e':
        fields[AUTHCTL_FIELD_EXPIRES] = authctl_span(optarg);
        break;

    case 's':
        fields[AUTHCTL_FIELD_STATUS] = authctl_span(optarg);
        break;

    case 'd':
        add->digest = optarg;
        break;

    case 'g':
        add->generate = 1;
        break;

    default:
        return authctl_fail_option(c, argv);
    }

    return AUTHCTL_OK;
}


static int
authctl_key_add_run(authctl_key_add_t *add)
{
    int               status;
    authctl_reason_t  reason;

    status = authctl_key_add_key(add);
    if (status != AUTHCTL_OK) {
        return status;
    }

    add->values.fields[AUTHCTL_FIELD_KIND] = authctl_span("key");
    add->values.fields[AUTHCTL_FIELD_TYPE] =
                                  sendkit_key_name(authctl_key_add_kind(add));

    if (authctl_key_add_kind(add) == SENDKIT_KEY_WORKSPACE) {
        authctl_key_add_workspace(add);
    }

    if (!authctl_entry_parse(&add->entry, &add->values, &reason)) {
        return authctl_fail(AUTHCTL_USAGE, "%s", reason.text);
    }

    if (add->entry.expires != 0 && add->entry.expires <= time(NULL)) {
        return authctl_fail(AUTHCTL_USAGE, "expires \"%lld\" has passed",
                            (long long) add->entry.expires);
    }

    status = authctl_key_add_check_old(add);
    if (status != AUTHCTL_OK) {
        return status;
    }

    status = authctl_key_add_write(add);
    if (status != AUTHCTL_OK) {
        return status;
    }

    return authctl_key_add_print(add);
}


/* the key, if there is one at hand, and its digest */

static int
authctl_key_add_key(authctl_key_add_t *add)
{
    int              status;
    size_t           i;
    sendkit_span_t  *digest;

    digest = &add->values.fields[AUTHCTL_FIELD_DIGEST];

    if (add->digest != NULL) {
        *digest = authctl_span(add->digest);
        return AUTHCTL_OK;
    }

    status = add->generate ? authctl_key_add_generate(add)
                           : authctl_key_add_read(add);

    for (i = 0; i < add->ctl->ndigesters && status == AUTHCTL_OK; i++) {
        status = authctl_digest_hex(add->ctl, i, authctl_secret_span(&add->key),
                                    add->hex[i]);
    }

    digest->data = add->hex[0];
    digest->len = SENDKIT_DIGEST_HEX_LEN;

    return status;
}


/* a platform key is as random as one of a workspace */

static int
authctl_key_add_generate(authctl_key_add_t *add)
{
    size_t                head;
    unsigned char         random[SENDKIT_WORKSPACE_KEY_RANDOM];
    static const char     user[] = "user_";
    static const char     prefix[] = "sk_";

    if (RAND_priv_bytes(random, sizeof(random)) != 1) {
        return authctl_fail(AUTHCTL_USAGE, "OpenSSL has no random bytes");
    }

    head = authctl_key_add_kind(add) == SENDKIT_KEY_PLATFORM
           ? sizeof(user) - 1 : 0;

    sendkit_workspace_key_make(random, add->key.data + head);
    OPENSSL_cleanse(random, sizeof(random));

    if (head != 0) {
        memcpy(add->key.data, prefix, sizeof(prefix) - 1);
        memcpy(add->key.data + sizeof(prefix) - 1, user, head);
    }

    add->key.len = head + SENDKIT_WORKSPACE_KEY_LEN;

    return AUTHCTL_OK;
}


static int
authctl_key_add_read(authctl_key_add_t *add)
{
    int            status;
    sendkit_key_e  kind;

    status = authctl_secret_read_key(&add->key, &kind);
    if (status != AUTHCTL_OK) {
        return status;
    }

    if (kind == authctl_key_add_kind(add)) {
        return AUTHCTL_OK;
    }

    return kind == SENDKIT_KEY_PLATFORM
           ? authctl_fail(AUTHCTL_USAGE, "this is a platform key, \"sk_user_"
                          "...\", it has no \"--workspace\"")
           : authctl_fail(AUTHCTL_USAGE, "this is a workspace key, \"sk_...\", "
                          "it needs \"--workspace\"");
}


/* the user is not in the record, but is who has made it */

static void
authctl_key_add_workspace(authctl_key_add_t *add)
{
    sendkit_span_t  *fields;

    fields = add->values.fields;

    authctl_key_add_time(add->now);

    fields[AUTHCTL_FIELD_CREATED_AT] = authctl_span(add->now);
    fields[AUTHCTL_FIELD_CREATED_BY] = fields[AUTHCTL_FIELD_USER];
    fields[AUTHCTL_FIELD_USER] = authctl_span(NULL);

    if (add->key.len != 0) {
        sendkit_workspace_key_mask(authctl_secret_span(&add->key),
                                   add->masked);
        fields[AUTHCTL_FIELD_MASKED].data = add->masked;
        fields[AUTHCTL_FIELD_MASKED].len = SENDKIT_WORKSPACE_KEY_MASKED_LEN;
    }
}


static void
authctl_key_add_time(char *text)
{
    size_t           n;
    struct tm        tm;
    struct timespec  now;

    (void) clock_gettime(CLOCK_REALTIME, &now);
    (void) gmtime_r(&now.tv_sec, &tm);

    n = strftime(text, SENDKIT_WORKSPACE_KEY_TIME_LEN + 1, "%Y-%m-%dT%H:%M:%S",
                 &tm);

    (void) snprintf(text + n, SENDKIT_WORKSPACE_KEY_TIME_LEN + 1 - n, ".%03dZ",
                    (int) (now.tv_nsec / 1000000));
}


/* The gateway falls back to the old pepper: a record there is one, too. */

static int
authctl_key_add_check_old(authctl_key_add_t *add)
{
    int               status;
    sendkit_span_t    digest, none = { NULL, 0 };
    authctl_record_t  record;

    if (add->ctl->ndigesters < 2 || add->key.len == 0) {
        return AUTHCTL_OK;
    }

    digest.data = add->hex[1];
    digest.len = SENDKIT_DIGEST_HEX_LEN;

    status = authctl_record_read(add->ctl, &record, digest, none);

    if (status == AUTHCTL_OK && record.record.state != SENDKIT_RECORD_ABSENT) {
        status = authctl_fail(AUTHCTL_NO, "this key is there already, with "
                              "the old pepper, its id is \"%.12s\"",
                              (const char *) digest.data);
    }

    authctl_record_free(&record);

    return status;
}


static int
authctl_key_add_write(authctl_key_add_t *add)
{
    authctl_values_t  values;
    sendkit_script_e  answer;

    authctl_entry_values(&add->entry, &values);

    answer = add->entry.type == SENDKIT_KEY_WORKSPACE
             ? authctl_key_add_named(add, values.fields)
             : authctl_key_add_platform(add, values.fields);

    switch (answer) {

    case SENDKIT_SCRIPT_OK:
        return AUTHCTL_OK;

    case SENDKIT_SCRIPT_CHANGED:
        return authctl_key_add_refused(add);

    default:
        return AUTHCTL_REDIS;
    }
}


static sendkit_script_e
authctl_key_add_platform(authctl_key_add_t *add, const sendkit_span_t *fields)
{
    size_t          n;
    authctl_name_t  name;
    sendkit_span_t  key, args[AUTHCTL_KEY_ADD_ARGS];

    key = authctl_name(add->ctl, &name, SENDKIT_SCHEMA_KEY,
                       fields[AUTHCTL_FIELD_DIGEST]);

    n = 0;
    args[n++] = authctl_span("0");
    args[n++] = sendkit_record_fields[SENDKIT_RECORD_TYPE];
    args[n++] = fields[AUTHCTL_FIELD_TYPE];
    args[n++] = sendkit_record_fields[SENDKIT_RECORD_USER];
    args[n++] = fields[AUTHCTL_FIELD_USER];

    n += authctl_key_add_more(&args[n], fields);

    return authctl_redis_script(add->ctl->redis, sendkit_script_add_record,
                                &key, 1, args, n);
}


/* the workspace has no key so far: the old digest is empty */

static sendkit_script_e
authctl_key_add_named(authctl_key_add_t *add, const sendkit_span_t *fields)
{
    size_t          n;
    authctl_name_t  names[3];
    sendkit_span_t  keys[3], args[AUTHCTL_KEY_ADD_ARGS];
    sendkit_span_t  none = SENDKIT_SPAN("");

    keys[0] = authctl_name(add->ctl, &names[0], SENDKIT_SCHEMA_WORKSPACE_KEY,
                           fields[AUTHCTL_FIELD_WORKSPACE]);
    keys[1] = authctl_name(add->ctl, &names[1], SENDKIT_SCHEMA_KEY, none);
    keys[2] = authctl_name(add->ctl, &names[2], SENDKIT_SCHEMA_KEY,
                           fields[AUTHCTL_FIELD_DIGEST]);

    n = 0;
    args[n++] = none;
    args[n++] = fields[AUTHCTL_FIELD_DIGEST];
    args[n++] = fields[AUTHCTL_FIELD_WORKSPACE];
    args[n++] = fields[AUTHCTL_FIELD_CREATED_AT];
    args[n++] = fields[AUTHCTL_FIELD_CREATED_BY];
    args[n++] = fields[AUTHCTL_FIELD_MASKED].data != NULL
                ? fields[AUTHCTL_FIELD_MASKED] : authctl_span("sk_...");

    n += authctl_key_add_more(&args[n], fields);

    return authctl_redis_script(add->ctl->redis, sendkit_script_workspace_key,
                                keys, 3, args, n);
}


static size_t
authctl_key_add_more(sendkit_span_t *args, const sendkit_span_t *fields)
{
    size_t  n;

    n = 0;

    if (fields[AUTHCTL_FIELD_EXPIRES].data != NULL) {
        args[n++] = sendkit_record_fields[SENDKIT_RECORD_EXPIRES];
        args[n++] = fields[AUTHCTL_FIELD_EXPIRES];
    }

    if (fields[AUTHCTL_FIELD_STATUS].data != NULL) {
        args[n++] = sendkit_record_fields[SENDKIT_RECORD_STATUS];
        args[n++] = fields[AUTHCTL_FIELD_STATUS];
    }

    return n;
}


static int
authctl_key_add_refused(authctl_key_add_t *add)
{
    int               there, status;
    sendkit_span_t    digest;
    authctl_record_t  record;

    digest.data = add->entry.digest;
    digest.len = SENDKIT_DIGEST_HEX_LEN;

    status = authctl_record_read(add->ctl, &record, digest,
                                 sendkit_id_span(&add->entry.workspace));

    there = record.record.state != SENDKIT_RECORD_ABSENT;
    authctl_record_free(&record);

    if (status != AUTHCTL_OK) {
        return status;
    }

    if (there) {
        return authctl_fail(AUTHCTL_NO, "this key is there already, its id is "
                            "\"%.12s\"", (const char *) digest.data);
    }

    return authctl_fail(AUTHCTL_NO, "workspace \"%.*s\" has a key already",
                        (int) add->entry.workspace.len,
                        (const char *) add->entry.workspace.data);
}


/* a key that was made here is shown this once */

static int
authctl_key_add_print(authctl_key_add_t *add)
{
    json_t          *object;
    sendkit_span_t   digest, key;

    key.data = add->generate ? add->key.data : NULL;
    key.len = add->key.len;

    digest.data = add->entry.digest;
    digest.len = SENDKIT_DIGEST_HEX_LEN;

    if (!add->ctl->json) {
        authctl_print_field("digest", digest);
        authctl_print_field("api_key", key);
        return AUTHCTL_OK;
    }

    object = json_object();

    if (object != NULL) {
        (void) json_object_set_new(object, "digest",
                                   authctl_json_string(digest));

        if (key.data != NULL) {
            (void) json_object_set_new(object, "api_key",
                                       authctl_json_string(key));
        }
    }

    return authctl_print_json(object);
}


/* with a workspace it is that one's, whatever else is given */

static sendkit_key_e
authctl_key_add_kind(const authctl_key_add_t *add)
{
    return add->values.fields[AUTHCTL_FIELD_WORKSPACE].data != NULL
           ? SENDKIT_KEY_WORKSPACE : SENDKIT_KEY_PLATFORM;
}
