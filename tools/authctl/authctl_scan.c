
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authctl_scan.h"


#define AUTHCTL_SCAN_COUNT  "1000"      /* names that Redis looks at, a step */
#define AUTHCTL_SCAN_BATCH  500         /* commands that are sent together */
#define AUTHCTL_SCAN_ARGS   16

/* each byte of the prefix may need a backslash */
#define AUTHCTL_SCAN_PATTERN_MAX  (2 * SENDKIT_SCHEMA_PREFIX_MAX + 32)
#define AUTHCTL_SCAN_CURSOR_MAX   20    /* digits of 64 bits */


/* SCAN or HSCAN, without what is done with their replies */

typedef struct {
    sendkit_span_t          *cursor;        /* in args */
    size_t                   nargs;
    sendkit_span_t           args[8];
    size_t                   step;          /* strings that make an item */
} authctl_scan_t;


static int authctl_scan_all(authctl_t *ctl, authctl_scan_t *scan,
    authctl_list_t *list);
static int authctl_scan_step(authctl_scan_t *scan,
    const authctl_reply_t *reply, authctl_list_t *list,
    unsigned char *cursor);
static int authctl_scan_pattern(authctl_t *ctl, sendkit_span_t head,
    unsigned char *pattern, sendkit_span_t *span);
static int authctl_list_copy(authctl_item_t *item, sendkit_span_t name,
    sendkit_span_t value);
static int authctl_list_compare(const void *one, const void *two);
static int authctl_scan_replies(authctl_t *ctl, const authctl_item_t *items,
    size_t n, authctl_scan_pt handler, void *data);


int
authctl_scan_names(authctl_t *ctl, sendkit_span_t head, authctl_list_t *list)
{
    unsigned char   pattern[AUTHCTL_SCAN_PATTERN_MAX];
    authctl_scan_t  scan;

    memset(&scan, 0, sizeof(authctl_scan_t));

    scan.step = 1;
    scan.nargs = 6;
    scan.cursor = &scan.args[1];

    scan.args[0] = authctl_span("SCAN");
    scan.args[2] = authctl_span("MATCH");
    scan.args[4] = authctl_span("COUNT");
    scan.args[5] = authctl_span(AUTHCTL_SCAN_COUNT);

    if (!authctl_scan_pattern(ctl, head, pattern, &scan.args[3])) {
        return authctl_fail(AUTHCTL_USAGE, "the prefix is too long");
    }

    return authctl_scan_all(ctl, &scan, list);
}


int
authctl_scan_hash(authctl_t *ctl, sendkit_span_t name, authctl_list_t *list)
{
    authctl_scan_t  scan;

    memset(&scan, 0, sizeof(authctl_scan_t));

    scan.step = 2;
    scan.nargs = 5;
    scan.cursor = &scan.args[2];

    scan.args[0] = authctl_span("HSCAN");
    scan.args[1] = name;
    scan.args[3] = authctl_span("COUNT");
    scan.args[4] = authctl_span(AUTHCTL_SCAN_COUNT);

    return authctl_scan_all(ctl, &scan, list);
}


static int
authctl_scan_all(authctl_t *ctl, authctl_scan_t *scan, authctl_list_t *list)
{
    int               status;
    unsigned char     cursor[AUTHCTL_SCAN_CURSOR_MAX];
    authctl_reply_t  *reply;

    memset(list, 0, sizeof(authctl_list_t));

    *scan->cursor = authctl_span("0");

    do {
        reply = authctl_redis_command(ctl->redis, scan->args, scan->nargs);
        if (reply == NULL) {
            return AUTHCTL_REDIS;
        }

        status = authctl_scan_step(scan, reply, list, cursor);
        authctl_reply_free(reply);

        if (status != AUTHCTL_OK) {
            return status;
        }

    } while (scan->cursor->len != 1 || scan->cursor->data[0] != '0');

    authctl_list_sort(list);

    return AUTHCTL_OK;
}


/* the reply: the next cursor, and an array of names, or of names and values */

static int
authctl_scan_step(authctl_scan_t *scan, const authctl_reply_t *reply,
    authctl_list_t *list, unsigned char *cursor)
{
    size_t                  i, n;
    sendkit_span_t          next, name, value;
    const authctl_reply_t  *found;

    if (authctl_reply_count(reply) != 2) {
        authctl_redis_complain(reply);
        return AUTHCTL_REDIS;
    }

    next = authctl_reply_text(authctl_reply_element(reply, 0));
    found = authctl_reply_element(reply, 1);
    n = authctl_reply_count(found);

    if (next.len == 0 || next.len > AUTHCTL_SCAN_CURSOR_MAX
        || n % scan->step != 0)
    {
        authctl_redis_complain(reply);
        return AUTHCTL_REDIS;
    }

    memcpy(cursor, next.data, next.len);
    scan->cursor->data = cursor;
    scan->cursor->len = next.len;

    for (i = 0; i < n; i += scan->step) {
        name = authctl_reply_text(authctl_reply_element(found, i));
        value = authctl_reply_text(authctl_reply_element(found,
                                                      i + scan->step - 1));

        if (name.data == NULL || value.data == NULL) {
            authctl_redis_complain(reply);
            return AUTHCTL_REDIS;
        }

        if (!authctl_list_add(list, name, value)) {
            return authctl_fail(AUTHCTL_USAGE, "no memory");
        }
    }

    return AUTHCTL_OK;
}


/* prefix and head as they are, whatever they mean in a pattern; then "*" */

static int
authctl_scan_pattern(authctl_t *ctl, sendkit_span_t head,
    unsigned char *pattern, sendkit_span_t *span)
{
    size_t          i, j, n;
    sendkit_span_t  parts[2];

    parts[0] = ctl->prefix;
    parts[1] = head;
    n = 0;

    for (i = 0; i < 2; i++) {

        for (j = 0; j < parts[i].len; j++) {

            if (n + 3 > AUTHCTL_SCAN_PATTERN_MAX) {
                return 0;
            }

            if (memchr("*?[]\\^-", parts[i].data[j], 7) != NULL) {
                pattern[n++] = '\\';
            }

            pattern[n++] = parts[i].data[j];
        }
    }

    pattern[n++] = '*';

    span->data = pattern;
    span->len = n;

    return 1;
}


int
authctl_list_add(authctl_list_t *list, sendkit_span_t name,
    sendkit_span_t value)
{
    size_t           room;
    authctl_item_t  *items;

    if (list->n == list->room) {
        room = list->room != 0 ? 2 * list->room : 1024;

        items = realloc(list->items, room * sizeof(authctl_item_t));
        if (items == NULL) {
            return 0;
        }

        list->items = items;
        list->room = room;
    }

    if (!authctl_list_copy(&list->items[list->n], name, value)) {
        return 0;
    }

    list->n++;

    return 1;
}


/* one piece of memory for both; a name alone is its own value */

static int
authctl_list_copy(authctl_item_t *item, sendkit_span_t name,
    sendkit_span_t value)
{
    size_t          room;
    unsigned char  *p;

    room = value.data == name.data ? 0 : value.len;

    p = malloc(name.len + room + 1);
    if (p == NULL) {
        return 0;
    }

    memcpy(p, name.data, name.len);
    memcpy(p + name.len, value.data, room);

    item->name.data = p;
    item->name.len = name.len;
    item->value.data = p + name.len;
    item->value.len = room;

    return 1;
}


/* SCAN may find a name twice */

void
authctl_list_sort(authctl_list_t *list)
{
    size_t  i, n;

    if (list->n == 0) {
        return;
    }

    qsort(list->items, list->n, sizeof(authctl_item_t), authctl_list_compare);

    n = 1;

    for (i = 1; i < list->n; i++) {

        if (sendkit_span_equal(list->items[n - 1].name, list->items[i].name)) {
            free((void *) list->items[i].name.data);
            continue;
        }

        list->items[n++] = list->items[i];
    }

    list->n = n;
}


static int
authctl_list_compare(const void *one, const void *two)
{
    int                    rc;
    size_t                 len;
    const authctl_item_t  *a = one, *b = two;

    len = a->name.len < b->name.len ? a->name.len : b->name.len;

    rc = memcmp(a->name.data, b->name.data, len);

    if (rc != 0) {
        return rc;
    }

    return (a->name.len > b->name.len) - (a->name.len < b->name.len);
}


size_t
authctl_list_find(const authctl_list_t *list, sendkit_span_t name)
{
    authctl_item_t  *item, wanted;

    wanted.name = name;

    item = list->n == 0 ? NULL
                        : bsearch(&wanted, list->items, list->n,
                                  sizeof(authctl_item_t),
                                  authctl_list_compare);

    return item != NULL ? (size_t) (item - list->items) : list->n;
}


void
authctl_list_free(authctl_list_t *list)
{
    size_t  i;

    for (i = 0; i < list->n; i++) {
        free((void *) list->items[i].name.data);
    }

    free(list->items);
}


int
authctl_scan_each(authctl_t *ctl, const authctl_list_t *list,
    const sendkit_span_t *args, size_t nargs, authctl_scan_pt handler,
    void *data)
{
    int             status;
    size_t          i, n;
    sendkit_span_t  all[AUTHCTL_SCAN_ARGS];

    all[0] = args[0];
    memcpy(&all[2], &args[1], (nargs - 1) * sizeof(sendkit_span_t));

    for (i = 0; i < list->n; i += n) {

        for (n = 0; n < AUTHCTL_SCAN_BATCH && i + n < list->n; n++) {
            all[1] = list->items[i + n].name;

            if (!authctl_redis_append(ctl->redis, all, nargs + 1)) {
                return AUTHCTL_REDIS;
            }
        }

        status = authctl_scan_replies(ctl, &list->items[i], n, handler, data);

        /* whoever read the output may have gone */

        if (status != AUTHCTL_OK || ferror(stdout)) {
            return status;
        }
    }

    return AUTHCTL_OK;
}


/* takes all replies that are due, so that the next command gets its own */

static int
authctl_scan_replies(authctl_t *ctl, const authctl_item_t *items, size_t n,
    authctl_scan_pt handler, void *data)
{
    int               status;
    size_t            i;
    authctl_reply_t  *reply;

    status = AUTHCTL_OK;

    for (i = 0; i < n; i++) {
        reply = authctl_redis_reply(ctl->redis);
        if (reply == NULL) {
            return AUTHCTL_REDIS;
        }

        if (status == AUTHCTL_OK) {
            status = handler(data, items[i].name, reply);
        }

        authctl_reply_free(reply);
    }

    return status;
}


sendkit_span_t
authctl_scan_id(const authctl_t *ctl, sendkit_schema_e kind,
    sendkit_span_t name)
{
    authctl_name_t  buf;
    sendkit_span_t  head, id = { NULL, 0 };

    head = authctl_name(ctl, &buf, kind, id);

    if (name.len >= head.len && memcmp(name.data, head.data, head.len) == 0) {
        id.data = name.data + head.len;
        id.len = name.len - head.len;
    }

    return id;
}
