
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _FUZZ_AUTHCTL_H_INCLUDED_
#define _FUZZ_AUTHCTL_H_INCLUDED_


#include "authctl_csv.h"
#include "authctl_entry.h"
#include "authctl_ndjson.h"
#include "fuzz.h"


/* What holds for each line of an import, in whatever format it was. */


/* a record in Redis that has these values is found by the gateway */

static inline void
fuzz_authctl_record(const authctl_entry_t *entry,
    const authctl_values_t *values)
{
    sendkit_span_t           fields[SENDKIT_RECORD_NFIELDS];
    sendkit_span_t           created[SENDKIT_WORKSPACE_KEY_NFIELDS];
    sendkit_record_t         record;
    sendkit_workspace_key_t  key;

    fields[SENDKIT_RECORD_TYPE] = values->fields[AUTHCTL_FIELD_TYPE];
    fields[SENDKIT_RECORD_USER] = values->fields[AUTHCTL_FIELD_USER];
    fields[SENDKIT_RECORD_WORKSPACE] = values->fields[AUTHCTL_FIELD_WORKSPACE];
    fields[SENDKIT_RECORD_EXPIRES] = values->fields[AUTHCTL_FIELD_EXPIRES];
    fields[SENDKIT_RECORD_STATUS] = values->fields[AUTHCTL_FIELD_STATUS];

    sendkit_record_parse(&record, fields);

    fuzz_check(record.state == SENDKIT_RECORD_FOUND);
    fuzz_check(record.kind == entry->type);
    fuzz_check(record.expires == entry->expires);

    created[SENDKIT_WORKSPACE_KEY_DIGEST] =
        values->fields[AUTHCTL_FIELD_DIGEST];
    created[SENDKIT_WORKSPACE_KEY_CREATED_AT] =
        values->fields[AUTHCTL_FIELD_CREATED_AT];
    created[SENDKIT_WORKSPACE_KEY_CREATED_BY] =
        values->fields[AUTHCTL_FIELD_CREATED_BY];
    created[SENDKIT_WORKSPACE_KEY_MASKED] =
        values->fields[AUTHCTL_FIELD_MASKED];

    sendkit_workspace_key_parse(&key, created);

    fuzz_check(created[SENDKIT_WORKSPACE_KEY_DIGEST].len
               == SENDKIT_DIGEST_HEX_LEN);
    fuzz_check((key.state == SENDKIT_RECORD_FOUND)
               == (entry->created.state == SENDKIT_RECORD_FOUND));
}


static inline void
fuzz_authctl_role(const authctl_values_t *values)
{
    sendkit_id_t  id;

    fuzz_check(sendkit_id_set_user(&id, values->fields[AUTHCTL_FIELD_USER]));
    fuzz_check(sendkit_id_set_workspace(&id,
                                  values->fields[AUTHCTL_FIELD_WORKSPACE]));
    fuzz_check(sendkit_role_parse(values->fields[AUTHCTL_FIELD_ROLE])
               != SENDKIT_ROLE_NONE);
}


/* written out in either format, it is read as the same entry */

static inline void
fuzz_authctl_written(const authctl_entry_t *entry)
{
    char                  text[AUTHCTL_TEXT_MAX];
    sendkit_span_t        line, header;
    authctl_entry_t       again;
    authctl_reason_t      reason;
    static authctl_csv_t  csv;

    line.data = (unsigned char *) text;
    line.len = authctl_ndjson_write(entry, text) - 1;

    fuzz_check(line.len < AUTHCTL_TEXT_MAX && text[line.len] == '\n');
    fuzz_check(authctl_ndjson_parse(line, &again, &reason));
    fuzz_check(memcmp(entry, &again, sizeof(authctl_entry_t)) == 0);

    header = fuzz_text(authctl_csv_header);
    header.len--;
    line.len = authctl_csv_write(entry, text) - 1;

    fuzz_check(line.len < AUTHCTL_TEXT_MAX && text[line.len] == '\n');
    fuzz_check(authctl_csv_init(&csv));
    fuzz_check(authctl_csv_parse_header(&csv, header, &reason));
    fuzz_check(authctl_csv_parse(&csv, line, &again, &reason));
    fuzz_check(memcmp(entry, &again, sizeof(authctl_entry_t)) == 0);

    authctl_csv_cleanup(&csv);
}


static inline void
fuzz_authctl_entry(const authctl_entry_t *entry)
{
    authctl_values_t  values;

    authctl_entry_values(entry, &values);

    if (entry->kind == AUTHCTL_ENTRY_KEY) {
        fuzz_authctl_record(entry, &values);

    } else {
        fuzz_check(entry->kind == AUTHCTL_ENTRY_ROLE);
        fuzz_authctl_role(&values);
    }

    fuzz_authctl_written(entry);
}


/* may be shown: printable, whole, and without any key */

static inline void
fuzz_authctl_reason(const authctl_reason_t *reason)
{
    const char  *p;

    fuzz_check(memchr(reason->text, '\0', AUTHCTL_REASON_MAX - 1) != NULL);
    fuzz_check(reason->text[0] != '\0');

    for (p = reason->text; *p != '\0'; p++) {
        fuzz_check(*p >= ' ' && *p <= '~');

        if (strncmp(p, "sk_", 3) == 0) {
            fuzz_check(strncmp(p, "sk_...", 6) == 0
                       || strcmp(p, "sk_a1b2...e3f4") == 0);
        }
    }
}


#endif /* _FUZZ_AUTHCTL_H_INCLUDED_ */
