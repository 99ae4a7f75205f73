
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* What a Redis Cluster says: slots of keys, redirects, nodes, ranges. */


#include "sendkit_cluster.h"
#include "tap.h"


#define TEST_TEXT  128


typedef struct {
    sendkit_span_t        key;
    uint16_t              slot;
} test_slot_t;


/* keys with the slot of a tag */

typedef struct {
    sendkit_span_t        key;
    sendkit_span_t        tag;
} test_tag_t;


typedef struct {
    sendkit_span_t        error;
    sendkit_redirect_e    kind;
    uint16_t              slot;
    const char           *host;
    uint16_t              port;
} test_redirect_t;


/* host NULL: there is none; slots NULL: the line is malformed */

typedef struct {
    const char           *name;
    sendkit_span_t        text;
    int                   master;
    const char           *host;
    uint16_t              port;
    const char           *slots;
} test_node_t;


/* what is read of it: "12-34 56-56 ", and "!" where it is malformed */

typedef struct {
    sendkit_span_t        text;
    const char           *ranges;
} test_ranges_t;


/* n: how many of the fields; epoch NULL: there is none */

typedef struct {
    const char           *name;
    size_t                n;
    sendkit_span_t        fields[4];
    const char           *epoch;
} test_epoch_t;


static void test_slot(tap_t *tap, const test_slot_t *t);
static void test_tag(tap_t *tap, const test_tag_t *t);
static void test_redirect(tap_t *tap, const test_redirect_t *t);
static void test_node(tap_t *tap, const test_node_t *t);
static void test_ranges(tap_t *tap, const test_ranges_t *t);
static void test_nodes(tap_t *tap);
static void test_epoch(tap_t *tap, const test_epoch_t *t);


/* CRC-16/XMODEM of "123456789" is 0x31c3, the others are as Redis says it */

static const test_slot_t  test_slots[] = {
    { SENDKIT_SPAN("123456789"), 12739 },
    { SENDKIT_SPAN(""), 0 },
    { SENDKIT_SPAN("\0"), 0 },
    { SENDKIT_SPAN("a"), 15495 },
    { SENDKIT_SPAN("foo"), 12182 },
    { SENDKIT_SPAN("bar"), 5061 },
    { SENDKIT_SPAN("hello"), 866 },
    { SENDKIT_SPAN("somekey"), 11058 },
    { SENDKIT_SPAN("foo{hash_tag}"), 2515 },
    { SENDKIT_SPAN("bar{hash_tag}"), 2515 },
    { SENDKIT_SPAN("foo{}{bar}"), 8363 },
    { SENDKIT_SPAN("foo{{bar}}zap"), 4015 },
    { SENDKIT_SPAN("foo{bar}{zap}"), 5061 },
    { SENDKIT_SPAN("{"), 4092 },
    { SENDKIT_SPAN("}"), 12090 },
    { SENDKIT_SPAN("{}"), 15257 },
    { SENDKIT_SPAN("\377\376\375"), 287 }
};


static const test_tag_t  test_tags[] = {
    { SENDKIT_SPAN("{user1000}.following"), SENDKIT_SPAN("user1000") },
    { SENDKIT_SPAN("a{user1000}"), SENDKIT_SPAN("user1000") },
    { SENDKIT_SPAN("a}{user1000}"), SENDKIT_SPAN("user1000") },
    { SENDKIT_SPAN("{a}{user1000}"), SENDKIT_SPAN("a") },
    { SENDKIT_SPAN("x{{a}"), SENDKIT_SPAN("{a") },
    { SENDKIT_SPAN("x{\0}"), SENDKIT_SPAN("\0") }
};


static const test_redirect_t  test_redirects[] = {
    { SENDKIT_SPAN("MOVED 3999 127.0.0.1:6381"), SENDKIT_REDIRECT_MOVED,
      3999, "127.0.0.1", 6381 },
    { SENDKIT_SPAN("ASK 3999 127.0.0.1:6381"), SENDKIT_REDIRECT_ASK, 3999,
      "127.0.0.1", 6381 },
    { SENDKIT_SPAN("MOVED 0 h:1"), SENDKIT_REDIRECT_MOVED, 0, "h", 1 },
    { SENDKIT_SPAN("MOVED 16383 h:65535"), SENDKIT_REDIRECT_MOVED, 16383,
      "h", 65535 },
    { SENDKIT_SPAN("MOVED 00001 h:1"), SENDKIT_REDIRECT_MOVED, 1, "h", 1 },
    { SENDKIT_SPAN("MOVED 1 ::1:6379"), SENDKIT_REDIRECT_MOVED, 1, "::1",
      6379 },
    { SENDKIT_SPAN("MOVED 1 :6379"), SENDKIT_REDIRECT_MOVED, 1, "", 6379 },
    { SENDKIT_SPAN("ASK 1 redis-1.example:6379"), SENDKIT_REDIRECT_ASK, 1,
      "redis-1.example", 6379 },
    { SENDKIT_SPAN(""), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED "), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 1 "), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 1 h"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 1 h:"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 1 :"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 1 h:0"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 1 h:65536"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 1 h:99999"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 1 h:100000"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 1 h:-1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 1 h:+1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 1 h:1x"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 1 h:1 "), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 16384 h:1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 81919 h:1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED 000001 h:1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED -1 h:1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED x h:1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED  1 h:1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("moved 1 h:1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVE 1 h:1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("MOVED2 1 h:1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("ASKING 1 h:1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN(" MOVED 1 h:1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 },
    { SENDKIT_SPAN("ERR MOVED 1 h:1"), SENDKIT_REDIRECT_NONE, 0, NULL, 0 }
};


static const test_node_t  test_lines[] = {
    { "a master",
      SENDKIT_SPAN("id 10.0.0.1:7001@17001 master - 0 9 1 connected 0-5460"),
      1, "10.0.0.1", 7001, "0-5460" },
    { "one with a name",
      SENDKIT_SPAN("id 10.0.0.1:7001@17001,redis-1 master - 0 9 1 connected 1"),
      1, "10.0.0.1", 7001, "1" },
    { "one with more behind its name",
      SENDKIT_SPAN("id 10.0.0.1:7001@17001,n,shard-id=5,tls-port=7002 master "
                   "- 0 9 1 connected 1"),
      1, "10.0.0.1", 7001, "1" },
    { "one of Redis 3, without a bus",
      SENDKIT_SPAN("id 10.0.0.1:7001 master - 0 9 1 connected 1"),
      1, "10.0.0.1", 7001, "1" },
    { "one of IPv6",
      SENDKIT_SPAN("id 2001:db8::1:7001@17001 master - 0 9 1 connected 1"),
      1, "2001:db8::1", 7001, "1" },
    { "the one that is asked",
      SENDKIT_SPAN("id 10.0.0.1:7001@17001 myself,master - 0 9 1 connected 1"),
      1, "10.0.0.1", 7001, "1" },
    { "one that does not know its address",
      SENDKIT_SPAN("id :7001@17001 myself,master - 0 9 1 connected 1"),
      1, "", 7001, "1" },
    { "one without slots",
      SENDKIT_SPAN("id h:1@2 master - 0 9 1 connected"), 1, "h", 1, "" },
    { "one that may fail",
      SENDKIT_SPAN("id h:1@2 master,fail? - 0 9 1 connected 1"),
      1, "h", 1, "1" },
    { "one that fails",
      SENDKIT_SPAN("id h:1@2 master,fail - 0 9 1 disconnected 1"),
      0, "h", 1, "1" },
    { "one without an address",
      SENDKIT_SPAN("id :0@0 master,noaddr - 0 9 1 disconnected 1"),
      0, NULL, 0, "1" },
    { "one that was met just now",
      SENDKIT_SPAN("id h:1@2 handshake - 0 0 0 disconnected"),
      0, "h", 1, "" },
    { "a master that was met just now",
      SENDKIT_SPAN("id h:1@2 master,handshake - 0 0 0 disconnected 1"),
      0, "h", 1, "1" },
    { "a replica",
      SENDKIT_SPAN("id h:1@2 slave id2 0 9 1 connected"), 0, "h", 1, "" },
    { "a replica that has been asked",
      SENDKIT_SPAN("id h:1@2 myself,slave id2 0 9 1 connected"),
      0, "h", 1, "" },
    { "no flags",
      SENDKIT_SPAN("id h:1@2 noflags - 0 9 1 connected 1"), 0, "h", 1, "1" },
    { "a flag that begins as \"master\"",
      SENDKIT_SPAN("id h:1@2 masters,mastr - 0 9 1 connected 1"),
      0, "h", 1, "1" },
    { "a master without a port",
      SENDKIT_SPAN("id h master - 0 9 1 connected 1"), 0, NULL, 0, NULL },
    { "a master with port 0",
      SENDKIT_SPAN("id h:0@0 master - 0 9 1 connected 1"), 0, NULL, 0, NULL },
    { "a master with port 65536",
      SENDKIT_SPAN("id h:65536@1 master - 0 9 1 connected 1"),
      0, NULL, 0, NULL },
    { "a master with an empty address",
      SENDKIT_SPAN("id  master - 0 9 1 connected 1"), 0, NULL, 0, NULL },
    { "a line that ends behind the epoch",
      SENDKIT_SPAN("id h:1@2 master - 0 9 1"), 0, NULL, 0, NULL },
    { "a line that ends behind the flags",
      SENDKIT_SPAN("id h:1@2 master"), 0, NULL, 0, NULL },
    { "a line with an empty field",
      SENDKIT_SPAN("id h:1@2 master -  9 1 connected 1"), 0, NULL, 0, NULL },
    { "a line with a word for an epoch",
      SENDKIT_SPAN("id h:1@2 master - 0 9 x connected 1"), 0, NULL, 0, NULL },
    { "a line with a negative epoch",
      SENDKIT_SPAN("id h:1@2 master - 0 9 -1 connected 1"), 0, NULL, 0, NULL },
    { "a line with an epoch of 20 digits",
      SENDKIT_SPAN("id h:1@2 master - 0 9 10000000000000000000 connected 1"),
      0, NULL, 0, NULL },
    { "a word", SENDKIT_SPAN("id"), 0, NULL, 0, NULL },
    { "a blank", SENDKIT_SPAN(" "), 0, NULL, 0, NULL },
    { "an empty line", SENDKIT_SPAN("\n"), 0, NULL, 0, NULL },
    { "a NUL", SENDKIT_SPAN("\0"), 0, NULL, 0, NULL }
};


static const test_ranges_t  test_texts[] = {
    { SENDKIT_SPAN(""), "" },
    { SENDKIT_SPAN("0"), "0-0 " },
    { SENDKIT_SPAN("16383"), "16383-16383 " },
    { SENDKIT_SPAN("0-16383"), "0-16383 " },
    { SENDKIT_SPAN("5-5"), "5-5 " },
    { SENDKIT_SPAN("1 3-4 9"), "1-1 3-4 9-9 " },
    { SENDKIT_SPAN("1 "), "1-1 " },
    { SENDKIT_SPAN("[93-<-id]"), "" },
    { SENDKIT_SPAN("[77->-id] [93-<-id] 1"), "1-1 " },
    { SENDKIT_SPAN("1 [77->-id] 2"), "1-1 2-2 " },
    { SENDKIT_SPAN("["), "" },
    { SENDKIT_SPAN("16384"), "!" },
    { SENDKIT_SPAN("0-16384"), "!" },
    { SENDKIT_SPAN("65536"), "!" },
    { SENDKIT_SPAN("99999"), "!" },
    { SENDKIT_SPAN("100000"), "!" },
    { SENDKIT_SPAN("2-1"), "!" },
    { SENDKIT_SPAN("-"), "!" },
    { SENDKIT_SPAN("-1"), "!" },
    { SENDKIT_SPAN("1--2"), "!" },
    { SENDKIT_SPAN("1-2-3"), "!" },
    { SENDKIT_SPAN("1,2"), "!" },
    { SENDKIT_SPAN("x"), "!" },
    { SENDKIT_SPAN(" "), "!" },
    { SENDKIT_SPAN("1  2"), "1-1 !" },
    { SENDKIT_SPAN("1 x 2"), "1-1 !" },
    { SENDKIT_SPAN("1\r"), "!" },
    { SENDKIT_SPAN("1\0"), "!" }
};


static const test_epoch_t  test_epochs[] = {
    { "an epoch", 4,
      { SENDKIT_SPAN("name"), SENDKIT_SPAN("mymaster"),
        SENDKIT_SPAN("config-epoch"), SENDKIT_SPAN("7") }, "7" },
    { "epoch 0", 2,
      { SENDKIT_SPAN("config-epoch"), SENDKIT_SPAN("0") }, "0" },
    { "the largest one", 2,
      { SENDKIT_SPAN("config-epoch"), SENDKIT_SPAN("9999999999999999999") },
      "9999999999999999999" },
    { "one digit more", 2,
      { SENDKIT_SPAN("config-epoch"), SENDKIT_SPAN("10000000000000000000") },
      NULL },
    { "a name without a value", 3,
      { SENDKIT_SPAN("name"), SENDKIT_SPAN("x"),
        SENDKIT_SPAN("config-epoch") }, NULL },
    { "a value that is called so", 4,
      { SENDKIT_SPAN("name"), SENDKIT_SPAN("config-epoch"),
        SENDKIT_SPAN("8"), SENDKIT_SPAN("9") }, NULL },
    { "an empty value", 2,
      { SENDKIT_SPAN("config-epoch"), SENDKIT_SPAN("") }, NULL },
    { "no value", 2,
      { SENDKIT_SPAN("config-epoch"), { NULL, 0 } }, NULL },
    { "no number", 2,
      { SENDKIT_SPAN("config-epoch"), SENDKIT_SPAN("1a") }, NULL },
    { "another name", 2,
      { SENDKIT_SPAN("Config-Epoch"), SENDKIT_SPAN("1") }, NULL },
    { "no name", 2, { { NULL, 0 }, SENDKIT_SPAN("1") }, NULL },
    { "nothing", 0, { { NULL, 0 } }, NULL }
};


int
main(void)
{
    tap_t   tap;
    size_t  i;

    memset(&tap, 0, sizeof(tap_t));

    for (i = 0; i < sizeof(test_slots) / sizeof(test_slot_t); i++) {
        test_slot(&tap, &test_slots[i]);
    }

    for (i = 0; i < sizeof(test_tags) / sizeof(test_tag_t); i++) {
        test_tag(&tap, &test_tags[i]);
    }

    for (i = 0; i < sizeof(test_redirects) / sizeof(test_redirect_t); i++) {
        test_redirect(&tap, &test_redirects[i]);
    }

    for (i = 0; i < sizeof(test_lines) / sizeof(test_node_t); i++) {
        test_node(&tap, &test_lines[i]);
    }

    for (i = 0; i < sizeof(test_texts) / sizeof(test_ranges_t); i++) {
        test_ranges(&tap, &test_texts[i]);
    }

    test_nodes(&tap);

    for (i = 0; i < sizeof(test_epochs) / sizeof(test_epoch_t); i++) {
        test_epoch(&tap, &test_epochs[i]);
    }

    return tap_done(&tap);
}


static void
test_slot(tap_t *tap, const test_slot_t *t)
{
    tap_number(tap, sendkit_cluster_slot(t->key), t->slot,
               "the slot of \"%.*s\" is %d", (int) t->key.len,
               (const char *) t->key.data, t->slot);
}


static void
test_tag(tap_t *tap, const test_tag_t *t)
{
    tap_number(tap, sendkit_cluster_slot(t->key),
               sendkit_cluster_slot(t->tag),
               "the slot of \"%.*s\" is that of its tag", (int) t->key.len,
               (const char *) t->key.data);
}


static void
test_redirect(tap_t *tap, const test_redirect_t *t)
{
    const char          *text;
    sendkit_redirect_t   got;

    text = (const char *) t->error.data;

    if (!tap_number(tap, sendkit_redirect_parse(t->error, &got), t->kind,
                    "\"%s\" is %s", text,
                    t->kind == SENDKIT_REDIRECT_NONE ? "no redirect"
                                                     : "a redirect")
        || t->kind == SENDKIT_REDIRECT_NONE)
    {
        return;
    }

    tap_number(tap, got.slot, t->slot, "\"%s\" has its slot", text);
    tap_span(tap, got.host, tap_text(t->host), "\"%s\" has its host", text);
    tap_number(tap, got.port, t->port, "\"%s\" has its port", text);
}


/* alone, and before another line */

static void
test_node(tap_t *tap, const test_node_t *t)
{
    int                     more;
    sendkit_span_t          text;
    sendkit_cluster_node_t  node;

    text = t->text;
    more = sendkit_cluster_next_node(&text, &node);

    tap_number(tap, more, t->slots != NULL ? 1 : -1, "%s is %s", t->name,
               t->slots != NULL ? "read" : "malformed");

    if (more != 1) {
        return;
    }

    tap_number(tap, node.master, t->master, "%s is %s", t->name,
               t->master ? "a master" : "no master that is there");
    tap_span(tap, node.slots, tap_text(t->slots), "%s has its slots", t->name);
    tap_number(tap, sendkit_cluster_next_node(&text, &node), 0,
               "%s is the last one", t->name);

    if (t->host != NULL) {
        tap_span(tap, node.host, tap_text(t->host), "%s has its host",
                 t->name);
        tap_number(tap, node.port, t->port, "%s has its port", t->name);
    }
}


static void
test_ranges(tap_t *tap, const test_ranges_t *t)
{
    int                      more;
    char                     got[TEST_TEXT];
    size_t                   n;
    sendkit_span_t           text;
    sendkit_cluster_range_t  range;

    n = 0;
    got[0] = '\0';
    text = t->text;

    while ((more = sendkit_cluster_next_range(&text, &range)) == 1) {
        n += (size_t) snprintf(got + n, sizeof(got) - n, "%d-%d ",
                               range.first, range.last);
    }

    if (more == -1) {
        (void) snprintf(got + n, sizeof(got) - n, "!");
    }

    tap_span(tap, tap_text(got), tap_text(t->ranges),
             "\"%.*s\" is read as \"%s\"", (int) t->text.len,
             (const char *) t->text.data, t->ranges);
}


/* one after the other, also where the last line does not end */

static void
test_nodes(tap_t *tap)
{
    unsigned                n, masters;
    sendkit_span_t          text;
    sendkit_cluster_node_t  node;

    static const sendkit_span_t  reply = SENDKIT_SPAN(
        "a h:1@2 myself,master - 0 0 1 connected 0-5460\n"
        "b h:2@2 slave a 0 0 1 connected\n"
        "c h:3@2 master - 0 0 2 connected 5461-16383\n");

    for (text = reply, n = 0, masters = 0;
         sendkit_cluster_next_node(&text, &node) == 1; n++)
    {
        masters += (unsigned) node.master;
    }

    tap_number(tap, n, 3, "a reply has three nodes");
    tap_number(tap, (long long) node.epoch, 2, "the last one has its epoch");
    tap_number(tap, masters, 2, "two of them are masters");
    tap_number(tap, (long long) text.len, 0, "and nothing is left");

    text = reply;
    text.len--;

    for (n = 0; sendkit_cluster_next_node(&text, &node) == 1; n++) {
        /* void */
    }

    tap_number(tap, n, 3, "nor does the last line have to end");
    tap_span(tap, node.slots, tap_text("5461-16383"), "and it is whole");

    text = tap_text("a h:1@2 master - 0 0 1 connected 1\n\nb");

    tap_number(tap, sendkit_cluster_next_node(&text, &node), 1,
               "before an empty line there is a node");
    tap_number(tap, sendkit_cluster_next_node(&text, &node), -1,
               "which is none itself");
}


static void
test_epoch(tap_t *tap, const test_epoch_t *t)
{
    int       ok;
    char      text[TEST_TEXT];
    uint64_t  epoch;

    epoch = 1;
    ok = sendkit_sentinel_epoch(t->fields, t->n, &epoch);

    (void) snprintf(text, TEST_TEXT, "%llu", (unsigned long long) epoch);

    tap_ok(tap, ok == (t->epoch != NULL)
                && (!ok || strcmp(text, t->epoch) == 0),
           "%s of a Sentinel is %s", t->name,
           t->epoch != NULL ? t->epoch : "none");
}
