
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <jansson.h>
#include <stdio.h>

#include "authctl_ndjson.h"


static void authctl_ndjson_bad(const json_error_t *error,
    authctl_reason_t *reason);
static int authctl_ndjson_object(json_t *object, authctl_entry_t *entry,
    authctl_reason_t *reason);
static int authctl_ndjson_member(const char *name, const json_t *member,
    authctl_values_t *values, authctl_reason_t *reason);
static int authctl_ndjson_expires(const json_t *member,
    authctl_values_t *values, authctl_reason_t *reason);
static const char *authctl_ndjson_name(authctl_field_e field);


int
authctl_ndjson_parse(sendkit_span_t line, authctl_entry_t *entry,
    authctl_reason_t *reason)
{
    int            rc;
    json_t        *object;
    json_error_t   error;

    object = json_loadb((const char *) line.data, line.len,
                        JSON_REJECT_DUPLICATES, &error);

    if (object == NULL) {
        authctl_ndjson_bad(&error, reason);
        return 0;
    }

    if (json_is_object(object)) {
        rc = authctl_ndjson_object(object, entry, reason);

    } else {
        authctl_reason_set(reason, "is not a JSON object");
        rc = 0;
    }

    json_decref(object);

    return rc;
}


/* jansson's own text repeats what it has read, which may be a key */

static void
authctl_ndjson_bad(const json_error_t *error, authctl_reason_t *reason)
{
    switch (json_error_code(error)) {

    case json_error_duplicate_key:
        authctl_reason_set(reason, "has a member twice, the second near "
                           "byte %d", error->position);
        break;

    case json_error_out_of_memory:
        authctl_reason_set(reason, "is too much for the memory");
        break;

    default:
        authctl_reason_set(reason, "is not valid JSON near byte %d",
                           error->position);
    }
}


static int
authctl_ndjson_object(json_t *object, authctl_entry_t *entry,
    authctl_reason_t *reason)
{
    void              *iter;
    sendkit_span_t    *kind;
    authctl_values_t   values;

    memset(&values, 0, sizeof(authctl_values_t));

    for (iter = json_object_iter(object);
         iter != NULL;
         iter = json_object_iter_next(object, iter))
    {
        if (!authctl_ndjson_member(json_object_iter_key(iter),
                                   json_object_iter_value(iter), &values,
                                   reason))
        {
            return 0;
        }
    }

    kind = &values.fields[AUTHCTL_FIELD_KIND];

    kind->data = (const unsigned char *)
                 (values.fields[AUTHCTL_FIELD_DIGEST].data != NULL
                  ? "key" : "role");
    kind->len = strlen((const char *) kind->data);

    return authctl_entry_parse(entry, &values, reason);
}


static int
authctl_ndjson_member(const char *name, const json_t *member,
    authctl_values_t *values, authctl_reason_t *reason)
{
    sendkit_span_t   unknown;
    authctl_field_e  field;

    for (field = AUTHCTL_FIELD_DIGEST; field < AUTHCTL_NFIELDS; field++) {
        if (strcmp(name, authctl_ndjson_name(field)) == 0) {
            break;
        }
    }

    if (field == AUTHCTL_NFIELDS) {
        unknown.data = (const unsigned char *) name;
        unknown.len = strlen(name);
        authctl_reason_value(reason, "member", unknown, "is unknown");
        return 0;
    }

    if (field == AUTHCTL_FIELD_EXPIRES) {
        return authctl_ndjson_expires(member, values, reason);
    }

    if (!json_is_string(member)) {
        authctl_reason_set(reason, "%s is not a string", name);
        return 0;
    }

    values->fields[field].data = (const unsigned char *)
                                 json_string_value(member);
    values->fields[field].len = json_string_length(member);

    return 1;
}


static int
authctl_ndjson_expires(const json_t *member, authctl_values_t *values,
    authctl_reason_t *reason)
{
    int              n;
    sendkit_span_t  *expires;

    if (!json_is_integer(member)) {
        authctl_reason_set(reason, "expires is not an integer");
        return 0;
    }

    n = snprintf((char *) values->expires, sizeof(values->expires), "%lld",
                 (long long) json_integer_value(member));

    expires = &values->fields[AUTHCTL_FIELD_EXPIRES];

    expires->data = values->expires;
    expires->len = (size_t) n;

    return 1;
}


static const char *
authctl_ndjson_name(authctl_field_e field)
{
    if (field == AUTHCTL_FIELD_DIGEST) {
        return "key";
    }

    return (const char *) authctl_field_names[field].data;
}


/* no value that an entry can have needs to be escaped */

size_t
authctl_ndjson_write(const authctl_entry_t *entry, char *text)
{
    char              *p;
    const char        *quote;
    sendkit_span_t    *value;
    authctl_field_e    field;
    authctl_values_t   values;

    authctl_entry_values(entry, &values);

    p = text;

    for (field = AUTHCTL_FIELD_DIGEST; field < AUTHCTL_NFIELDS; field++) {
        value = &values.fields[field];

        if (value->data == NULL) {
            continue;
        }

        quote = field == AUTHCTL_FIELD_EXPIRES ? "" : "\"";

        p += sprintf(p, "%s\"%s\":%s%.*s%s", p == text ? "{" : ",",
                     authctl_ndjson_name(field), quote, (int) value->len,
                     (const char *) value->data, quote);
    }

    *p++ = '}';
    *p++ = '\n';

    return (size_t) (p - text);
}
