
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_cluster.h"


#define SENDKIT_CLUSTER_POLYNOMIAL  0x1021      /* CRC-16/XMODEM */
#define SENDKIT_CLUSTER_DIGITS      19          /* of an epoch, at most */


static sendkit_span_t sendkit_cluster_cut(sendkit_span_t *text,
    unsigned char end);
static int sendkit_cluster_number(sendkit_span_t digits, unsigned max,
    uint16_t *number);
static int sendkit_cluster_epoch(sendkit_span_t digits, uint64_t *epoch);
static int sendkit_cluster_addr(sendkit_span_t text, sendkit_span_t *host,
    uint16_t *port);
static int sendkit_cluster_has(sendkit_span_t flags, sendkit_span_t flag);


uint16_t
sendkit_cluster_slot(sendkit_span_t key)
{
    size_t    i;
    unsigned  bit, crc;

    key = sendkit_cluster_tag(key);
    crc = 0;

    for (i = 0; i < key.len; i++) {
        crc ^= (unsigned) key.data[i] << 8;

        for (bit = 0; bit < 8; bit++) {
            crc = crc & 0x8000 ? (crc << 1) ^ SENDKIT_CLUSTER_POLYNOMIAL
                               : crc << 1;
        }
    }

    return (uint16_t) (crc % SENDKIT_CLUSTER_SLOTS);
}


/* between the first "{" and the next "}", unless there is nothing */

sendkit_span_t
sendkit_cluster_tag(sendkit_span_t key)
{
    size_t                i;
    sendkit_span_t        tag;
    const unsigned char  *open;

    open = key.len != 0 ? memchr(key.data, '{', key.len) : NULL;
    if (open == NULL) {
        return key;
    }

    tag.data = open + 1;
    tag.len = key.len - (size_t) (tag.data - key.data);

    for (i = 0; i < tag.len; i++) {
        if (tag.data[i] == '}') {
            tag.len = i;
            return i != 0 ? tag : key;
        }
    }

    return key;
}


sendkit_redirect_e
sendkit_redirect_parse(sendkit_span_t error, sendkit_redirect_t *redirect)
{
    sendkit_span_t         slot, word;
    sendkit_redirect_e     kind;
    static sendkit_span_t  ask = SENDKIT_SPAN("ASK");
    static sendkit_span_t  moved = SENDKIT_SPAN("MOVED");

    word = sendkit_cluster_cut(&error, ' ');

    if (sendkit_span_equal(word, moved)) {
        kind = SENDKIT_REDIRECT_MOVED;

    } else if (sendkit_span_equal(word, ask)) {
        kind = SENDKIT_REDIRECT_ASK;

    } else {
        return SENDKIT_REDIRECT_NONE;
    }

    slot = sendkit_cluster_cut(&error, ' ');

    return sendkit_cluster_number(slot, SENDKIT_CLUSTER_SLOTS - 1,
                                  &redirect->slot)
           && sendkit_cluster_addr(error, &redirect->host, &redirect->port)
           ? kind : SENDKIT_REDIRECT_NONE;
}


/*
 * id host:port@bus,name flags primary pings pongs epoch link slots
 *
 * One that fails, or has no address, has its slots still, until another one
 * has been elected for them: it is not there, and they are nobody's.
 */

int
sendkit_cluster_next_node(sendkit_span_t *text, sendkit_cluster_node_t *node)
{
    unsigned               i;
    sendkit_span_t         addr, epoch, flags, line;
    static sendkit_span_t  master = SENDKIT_SPAN("master");
    static sendkit_span_t  fail = SENDKIT_SPAN("fail");
    static sendkit_span_t  pfail = SENDKIT_SPAN("fail?");
    static sendkit_span_t  noaddr = SENDKIT_SPAN("noaddr");
    static sendkit_span_t  handshake = SENDKIT_SPAN("handshake");

    if (text->len == 0) {
        return 0;
    }

    line = sendkit_cluster_cut(text, '\n');

    (void) sendkit_cluster_cut(&line, ' ');
    addr = sendkit_cluster_cut(&line, ' ');
    flags = sendkit_cluster_cut(&line, ' ');

    for (i = 0; i < 3; i++) {
        if (sendkit_cluster_cut(&line, ' ').len == 0) {
            return -1;
        }
    }

    epoch = sendkit_cluster_cut(&line, ' ');

    if (!sendkit_cluster_epoch(epoch, &node->epoch)
        || sendkit_cluster_cut(&line, ' ').len == 0)
    {
        return -1;
    }

    addr = sendkit_cluster_cut(&addr, '@');

    node->slots = line;
    node->master = sendkit_cluster_has(flags, master)
                   && !sendkit_cluster_has(flags, fail)
                   && !sendkit_cluster_has(flags, noaddr)
                   && !sendkit_cluster_has(flags, handshake);

    node->failing = sendkit_cluster_has(flags, fail)
                    || sendkit_cluster_has(flags, pfail);

    if (!sendkit_cluster_addr(addr, &node->host, &node->port)) {
        return node->master ? -1 : 1;
    }

    return 1;
}


/* "12", "12-34"; "[12->-id]" and "[12-<-id]" are on their way */

int
sendkit_cluster_next_range(sendkit_span_t *text,
    sendkit_cluster_range_t *range)
{
    sendkit_span_t  first, word;

    do {
        if (text->len == 0) {
            return 0;
        }

        word = sendkit_cluster_cut(text, ' ');

    } while (word.len != 0 && word.data[0] == '[');

    first = sendkit_cluster_cut(&word, '-');

    if (!sendkit_cluster_number(first, SENDKIT_CLUSTER_SLOTS - 1,
                                &range->first))
    {
        return -1;
    }

    range->last = range->first;

    if (word.len == 0) {
        return 1;
    }

    return sendkit_cluster_number(word, SENDKIT_CLUSTER_SLOTS - 1,
                                  &range->last)
           && range->first <= range->last ? 1 : -1;
}


int
sendkit_sentinel_epoch(const sendkit_span_t *fields, size_t n,
    uint64_t *epoch)
{
    size_t                 i;
    static sendkit_span_t  name = SENDKIT_SPAN("config-epoch");

    for (i = 0; i + 1 < n; i += 2) {
        if (sendkit_span_equal(fields[i], name)) {
            return sendkit_cluster_epoch(fields[i + 1], epoch);
        }
    }

    return 0;
}


/* what comes before the end, or all of it; *text is what comes after */

static sendkit_span_t
sendkit_cluster_cut(sendkit_span_t *text, unsigned char end)
{
    size_t          i;
    sendkit_span_t  word;

    word.data = text->data;

    for (i = 0; i < text->len && text->data[i] != end; i++) {
        /* void */
    }

    word.len = i;

    if (i < text->len) {
        i++;
    }

    text->data += i;
    text->len -= i;

    return word;
}


static int
sendkit_cluster_number(sendkit_span_t digits, unsigned max, uint16_t *number)
{
    size_t    i;
    unsigned  n;

    if (digits.len == 0 || digits.len > 5) {
        return 0;
    }

    n = 0;

    for (i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return 0;
        }

        n = n * 10 + (digits.data[i] - '0');
    }

    *number = (uint16_t) n;

    return n <= max;
}


static int
sendkit_cluster_epoch(sendkit_span_t digits, uint64_t *epoch)
{
    size_t  i;

    *epoch = 0;

    if (digits.len == 0 || digits.len > SENDKIT_CLUSTER_DIGITS) {
        return 0;
    }

    for (i = 0; i < digits.len; i++) {

        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return 0;
        }

        *epoch = *epoch * 10 + (uint64_t) (digits.data[i] - '0');
    }

    return 1;
}


/* the port is after the last colon: an IPv6 address has more of them */

static int
sendkit_cluster_addr(sendkit_span_t text, sendkit_span_t *host,
    uint16_t *port)
{
    size_t          i;
    sendkit_span_t  digits;

    for (i = text.len; i > 0 && text.data[i - 1] != ':'; i--) {
        /* void */
    }

    if (i == 0) {
        return 0;
    }

    digits.data = text.data + i;
    digits.len = text.len - i;

    host->data = text.data;
    host->len = i - 1;

    return sendkit_cluster_number(digits, 65535, port) && *port != 0;
}


static int
sendkit_cluster_has(sendkit_span_t flags, sendkit_span_t flag)
{
    while (flags.len != 0) {
        if (sendkit_span_equal(sendkit_cluster_cut(&flags, ','), flag)) {
            return 1;
        }
    }

    return 0;
}
