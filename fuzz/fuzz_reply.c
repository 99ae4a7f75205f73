
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * Whatever Redis answers, cut anywhere: a request is allowed if, and only if,
 * a plain reader of the same bytes finds in them the replies that make it
 * good, and then as the user who is named there; it is denied only if that
 * reader finds a clear no; and the verdict is the same for all cuts.
 *
 * Codec, record, role and decision are the real ones.  Between them stands
 * fuzz_reply_learn(), a copy of what the Redis client, the flights and the
 * lookup do with a reply, but for an error after which they ask once more.
 *
 * An input begins with four choices: the request, FUZZ_ flags, and two for
 * the cuts.  With FUZZ_RAW the replies follow, as they are; otherwise damage
 * that is done to good ones, and what differs in them.
 */


#include <stdio.h>
#include <stdlib.h>

#include "ngx_sendkit_auth_redis_codec.h"
#include "sendkit_decision.h"
#include "nginx_core.h"
#include "fuzz.h"


#define FUZZ_HANDSHAKE  1       /* AUTH or SELECT was sent before */
#define FUZZ_CACHE      2       /* PTTL is sent after each command */
#define FUZZ_RAW        4

#define FUZZ_STREAM_MAX  2048
#define FUZZ_WHOLE       0xffff /* for the cuts: there are none */
#define FUZZ_BYTES       0      /* one after each byte */
#define FUZZ_NOW         1700000000

#define FUZZ_LETTERS                                                          \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


typedef enum {
    FUZZ_NOTHING = 0,           /* no verdict, or that of an outage */
    FUZZ_NO,
    FUZZ_ALLOWED,
    FUZZ_NVERDICTS
} fuzz_verdict_e;


/* the commands whose replies are due, in this order */

typedef enum {
    FUZZ_OF_HANDSHAKE = 0,
    FUZZ_OF_RECORD,
    FUZZ_OF_RECORD_TTL,
    FUZZ_OF_ROLE,
    FUZZ_OF_ROLE_TTL,
    FUZZ_NCOMMANDS
} fuzz_command_e;


typedef struct {
    sendkit_key_e         key;
    sendkit_workspace_e   workspace;
    unsigned              roles;
    sendkit_asked_e       asked;
} fuzz_request_t;


typedef struct {
    size_t                len;
    unsigned char         data[FUZZ_STREAM_MAX];
} fuzz_stream_t;


/* what the request and the commands before it make of the input */

typedef struct {
    const fuzz_request_t  *request;
    sendkit_route_t        route;
    unsigned               flags;
    unsigned               cuts;
} fuzz_case_t;


/* a lookup under way */

typedef struct {
    const fuzz_case_t     *of;
    unsigned               command;     /* whose reply is due */
    sendkit_record_t       record;      /* until its PTTL is known, too */
    sendkit_role_e         role;
    sendkit_facts_t        facts;
    sendkit_reason_e       reason;
    size_t                 used;        /* bytes, when it was decided */
} fuzz_lookup_t;


/* what the plain reader has found */

typedef struct {
    fuzz_verdict_e         verdict;
    sendkit_span_t         values[SENDKIT_RECORD_NFIELDS];
    sendkit_span_t         role;
} fuzz_found_t;


static void fuzz_reply_case(fuzz_case_t *of, sendkit_span_t *input);
static void fuzz_reply_check(const fuzz_case_t *of, sendkit_span_t stream);
static void fuzz_reply_identity(const fuzz_lookup_t *lookup,
    const fuzz_found_t *found);
static void fuzz_reply_print(void);

static fuzz_verdict_e fuzz_reply_run(fuzz_lookup_t *lookup,
    const fuzz_case_t *of, sendkit_span_t stream, unsigned cuts);
static void fuzz_reply_start(fuzz_lookup_t *lookup, const fuzz_case_t *of);
static size_t fuzz_reply_segment(unsigned *cuts);
static void fuzz_reply_read(fuzz_lookup_t *lookup, sendkit_span_t bytes);
static ngx_int_t fuzz_reply_learn(fuzz_lookup_t *lookup,
    const ngx_sendkit_auth_redis_reply_t *reply);
static void fuzz_reply_landed(fuzz_lookup_t *lookup, unsigned command);
static int fuzz_reply_is_due(const fuzz_case_t *of, unsigned command);
static fuzz_verdict_e fuzz_reply_verdict(sendkit_reason_e reason);

static void fuzz_reply_expected(fuzz_found_t *found, const fuzz_case_t *of,
    sendkit_span_t stream);
static fuzz_verdict_e fuzz_reply_owner(const fuzz_request_t *request,
    const sendkit_span_t *values);
static int fuzz_reply_skip(sendkit_span_t *stream, const char *text);
static int fuzz_reply_bulk(sendkit_span_t *stream, sendkit_span_t *value);
static int fuzz_reply_ttl(sendkit_span_t *stream);
static int fuzz_reply_line(sendkit_span_t *stream, sendkit_span_t *line);
static int fuzz_reply_is(sendkit_span_t value, const char *word);
static int fuzz_reply_is_id(sendkit_span_t value, const char *alphabet);

static void fuzz_reply_build(fuzz_stream_t *stream, const fuzz_case_t *of,
    sendkit_span_t *input);
static void fuzz_reply_put_line(fuzz_stream_t *stream, sendkit_span_t *input,
    const char *good);
static void fuzz_reply_put_bulk(fuzz_stream_t *stream, sendkit_span_t *input,
    const char *good);
static void fuzz_reply_put(fuzz_stream_t *stream, sendkit_span_t bytes);
static void fuzz_reply_damage(fuzz_stream_t *stream, sendkit_span_t *input);


static const fuzz_request_t  fuzz_requests[] = {
    { SENDKIT_KEY_PLATFORM, SENDKIT_WORKSPACE_PATH,
      SENDKIT_ROLE_OWNER|SENDKIT_ROLE_ADMIN, SENDKIT_ASKED_NONE },
    { SENDKIT_KEY_PLATFORM, SENDKIT_WORKSPACE_HEADER,
      SENDKIT_ROLE_ANY, SENDKIT_ASKED_ONE },
    { SENDKIT_KEY_PLATFORM, SENDKIT_WORKSPACE_NONE,
      SENDKIT_ROLE_NONE, SENDKIT_ASKED_NONE },
    { SENDKIT_KEY_WORKSPACE, SENDKIT_WORKSPACE_PATH,
      SENDKIT_ROLE_ANY, SENDKIT_ASKED_NONE },
    { SENDKIT_KEY_WORKSPACE, SENDKIT_WORKSPACE_HEADER,
      SENDKIT_ROLE_ANY, SENDKIT_ASKED_ONE },
    { SENDKIT_KEY_WORKSPACE, SENDKIT_WORKSPACE_HEADER,
      SENDKIT_ROLE_ANY, SENDKIT_ASKED_NONE }
};


static ngx_sendkit_auth_redis_codec_t  *fuzz_codec;
static unsigned long long               fuzz_counts[FUZZ_NVERDICTS];


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_case_t           of;
    sendkit_span_t        input, replies;
    static fuzz_stream_t  stream;

    if (fuzz_codec == NULL) {
        fuzz_codec = ngx_sendkit_auth_redis_codec_create(NULL, NULL, NULL);
        fuzz_check(fuzz_codec != NULL && atexit(fuzz_reply_print) == 0);
    }

    input.data = data;
    input.len = size;

    fuzz_reply_case(&of, &input);

    if (of.flags & FUZZ_RAW) {
        replies = input;

    } else {
        fuzz_reply_build(&stream, &of, &input);
        replies.data = stream.data;
        replies.len = stream.len;
    }

    fuzz_reply_check(&of, replies);

    return 0;
}


static void
fuzz_reply_case(fuzz_case_t *of, sendkit_span_t *input)
{
    size_t  n;

    n = sizeof(fuzz_requests) / sizeof(fuzz_request_t);

    memset(of, 0, sizeof(fuzz_case_t));

    of->request = &fuzz_requests[fuzz_byte(input) % n];
    of->flags = fuzz_byte(input);
    of->cuts = fuzz_byte(input) << 8;
    of->cuts |= fuzz_byte(input);

    of->route.keys = SENDKIT_KEY_PLATFORM|SENDKIT_KEY_WORKSPACE;
    of->route.roles = of->request->roles;
    of->route.workspace = of->request->workspace;
}


/*
 * A reply counts as soon as it is there, whole: what comes later in the same
 * segment, and is garbage, makes an outage of it, but never another verdict.
 */

static void
fuzz_reply_check(const fuzz_case_t *of, sendkit_span_t stream)
{
    fuzz_found_t    found;
    fuzz_lookup_t   lookup, other;
    fuzz_verdict_e  verdict;

    verdict = fuzz_reply_run(&lookup, of, stream, FUZZ_BYTES);

    fuzz_reply_expected(&found, of, stream);

    fuzz_check(verdict == found.verdict);
    fuzz_counts[verdict]++;

    if (verdict == FUZZ_ALLOWED) {
        fuzz_reply_identity(&lookup, &found);
    }

    verdict = fuzz_reply_run(&other, of, stream, FUZZ_WHOLE);
    fuzz_check(verdict == found.verdict || verdict == FUZZ_NOTHING);

    verdict = fuzz_reply_run(&other, of, stream, of->cuts);
    fuzz_check(verdict == found.verdict || verdict == FUZZ_NOTHING);

    stream.len = lookup.used;

    (void) fuzz_reply_run(&other, of, stream, FUZZ_WHOLE);
    fuzz_check(other.reason == lookup.reason);

    (void) fuzz_reply_run(&other, of, stream, of->cuts);
    fuzz_check(other.reason == lookup.reason);
}


static void
fuzz_reply_identity(const fuzz_lookup_t *lookup, const fuzz_found_t *found)
{
    sendkit_span_t          id;
    const sendkit_record_t  *record;

    record = &lookup->facts.record;

    fuzz_check(record->kind == lookup->of->request->key);

    if (record->kind == SENDKIT_KEY_WORKSPACE) {
        id = found->values[SENDKIT_RECORD_WORKSPACE];
        fuzz_check(sendkit_span_equal(sendkit_id_span(&record->workspace),
                                      id));
        return;
    }

    id = found->values[SENDKIT_RECORD_USER];
    fuzz_check(sendkit_span_equal(sendkit_id_span(&record->user), id));

    fuzz_check(sendkit_span_equal(sendkit_role_name(lookup->facts.role),
                                  found->role));
}


static void
fuzz_reply_print(void)
{
    fprintf(stderr, "replies: %llu allowed, %llu denied, %llu no answer\n",
            fuzz_counts[FUZZ_ALLOWED], fuzz_counts[FUZZ_NO],
            fuzz_counts[FUZZ_NOTHING]);
}


static fuzz_verdict_e
fuzz_reply_run(fuzz_lookup_t *lookup, const fuzz_case_t *of,
    sendkit_span_t stream, unsigned cuts)
{
    size_t  n, len;

    fuzz_check(ngx_sendkit_auth_redis_codec_reset(fuzz_codec) == NGX_OK);
    fuzz_reply_start(lookup, of);

    len = stream.len;

    while (stream.len != 0 && lookup->reason == SENDKIT_REASON_UNDECIDED) {

        n = cuts == FUZZ_WHOLE ? len
            : cuts == FUZZ_BYTES ? 1 : fuzz_reply_segment(&cuts);

        fuzz_reply_read(lookup, fuzz_take(&stream, n));

        (void) sendkit_decision(&lookup->facts, &lookup->reason);
    }

    lookup->used = len - stream.len;

    ngx_sendkit_auth_redis_codec_free(fuzz_codec);

    return fuzz_reply_verdict(lookup->reason);
}


static void
fuzz_reply_start(fuzz_lookup_t *lookup, const fuzz_case_t *of)
{
    sendkit_facts_t  *facts;

    memset(lookup, 0, sizeof(fuzz_lookup_t));

    lookup->of = of;

    while (!fuzz_reply_is_due(of, lookup->command)) {
        lookup->command++;
    }

    facts = &lookup->facts;

    facts->canonical_path = 1;
    facts->match.found = SENDKIT_ROUTE_FOUND;
    facts->match.route = &of->route;
    facts->credential = SENDKIT_CREDENTIAL_ONE;
    facts->key = of->request->key;
    facts->now = FUZZ_NOW;
    facts->asked = of->request->asked;

    if (facts->asked == SENDKIT_ASKED_ONE) {
        (void) sendkit_id_set_workspace(&facts->asked_workspace,
                                        fuzz_text("w1"));
    }

    if (of->request->workspace == SENDKIT_WORKSPACE_PATH) {
        facts->match.workspace = fuzz_text("w1");
    }
}


static size_t
fuzz_reply_segment(unsigned *cuts)
{
    /* a linear congruential generator, so that each choice has its cuts */

    *cuts = *cuts * 1103515245 + 12345;

    return 1 + (*cuts >> 16) % 24;
}


/* as the client does when bytes have come */

static void
fuzz_reply_read(fuzz_lookup_t *lookup, sendkit_span_t bytes)
{
    ngx_int_t                       rc;
    ngx_sendkit_auth_redis_reply_t  reply;

    rc = ngx_sendkit_auth_redis_codec_feed(fuzz_codec, bytes);

    while (rc == NGX_OK) {
        rc = ngx_sendkit_auth_redis_codec_reply(fuzz_codec, &reply);

        if (rc == NGX_OK) {
            rc = fuzz_reply_learn(lookup, &reply);
        }
    }

    if (rc != NGX_AGAIN) {

        /* the connection is closed, all who still wait are told so */

        lookup->facts.store = SENDKIT_STORE_ERROR;
    }
}


/* NGX_OK; NGX_ERROR: it is no reply to the command whose turn it is */

static ngx_int_t
fuzz_reply_learn(fuzz_lookup_t *lookup,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    unsigned                           command;
    ngx_sendkit_auth_redis_reply_e     type;

    type = reply->type;
    command = lookup->command;

    do {
        lookup->command++;

    } while (!fuzz_reply_is_due(lookup->of, lookup->command));

    switch (command) {

    case FUZZ_OF_HANDSHAKE:
        return type == NGX_SENDKIT_AUTH_REDIS_STATUS
               && fuzz_reply_is(reply->values[0], "OK") ? NGX_OK : NGX_ERROR;

    case FUZZ_OF_RECORD:

        if (type == NGX_SENDKIT_AUTH_REDIS_ERROR) {
            lookup->facts.store = SENDKIT_STORE_ERROR;
            return NGX_OK;
        }

        if (type != NGX_SENDKIT_AUTH_REDIS_ARRAY
            || reply->nvalues != SENDKIT_RECORD_NFIELDS)
        {
            return NGX_ERROR;
        }

        sendkit_record_parse(&lookup->record, reply->values);
        break;

    case FUZZ_OF_ROLE:

        if (type == NGX_SENDKIT_AUTH_REDIS_ERROR) {
            lookup->facts.store = SENDKIT_STORE_ERROR;
            return NGX_OK;
        }

        if (type != NGX_SENDKIT_AUTH_REDIS_STRING
            && type != NGX_SENDKIT_AUTH_REDIS_NIL)
        {
            return NGX_ERROR;
        }

        lookup->role = sendkit_role_parse(reply->values[0]);
        break;

    case FUZZ_OF_RECORD_TTL:
    case FUZZ_OF_ROLE_TTL:

        if (type != NGX_SENDKIT_AUTH_REDIS_INTEGER
            && type != NGX_SENDKIT_AUTH_REDIS_ERROR)
        {
            return NGX_ERROR;
        }

        break;

    default:
        return NGX_ERROR;
    }

    fuzz_reply_landed(lookup, command);

    return NGX_OK;
}


/* with a cache, a result is complete when its time to live is known */

static void
fuzz_reply_landed(fuzz_lookup_t *lookup, unsigned command)
{
    unsigned          last;
    sendkit_facts_t  *facts;

    facts = &lookup->facts;

    if (facts->store != SENDKIT_STORE_OK) {
        return;
    }

    last = lookup->of->flags & FUZZ_CACHE ? 1 : 0;

    if (command == FUZZ_OF_RECORD + last) {
        facts->record = lookup->record;

    } else if (command == FUZZ_OF_ROLE + last) {
        facts->role_state = SENDKIT_ROLE_READ;
        facts->role = lookup->role;
    }
}


static int
fuzz_reply_is_due(const fuzz_case_t *of, unsigned command)
{
    switch (command) {

    case FUZZ_OF_HANDSHAKE:
        return (of->flags & FUZZ_HANDSHAKE) != 0;

    case FUZZ_OF_RECORD_TTL:
    case FUZZ_OF_ROLE_TTL:
        return (of->flags & FUZZ_CACHE) != 0;

    default:
        return 1;
    }
}


static fuzz_verdict_e
fuzz_reply_verdict(sendkit_reason_e reason)
{
    switch (reason) {

    case SENDKIT_REASON_ALLOWED:
        return FUZZ_ALLOWED;

    case SENDKIT_REASON_UNDECIDED:
    case SENDKIT_REASON_STORE_ERROR:
        return FUZZ_NOTHING;

    default:
        return FUZZ_NO;
    }
}


/* the plain reader: all bytes are there, and are what they should be */

static void
fuzz_reply_expected(fuzz_found_t *found, const fuzz_case_t *of,
    sendkit_span_t stream)
{
    size_t          i;
    fuzz_verdict_e  verdict;

    memset(found, 0, sizeof(fuzz_found_t));

    if ((of->flags & FUZZ_HANDSHAKE) && !fuzz_reply_skip(&stream, "+OK\r\n")) {
        return;
    }

    if (!fuzz_reply_skip(&stream, "*5\r\n")) {
        return;
    }

    for (i = 0; i < SENDKIT_RECORD_NFIELDS; i++) {
        if (!fuzz_reply_bulk(&stream, &found->values[i])) {
            return;
        }
    }

    if ((of->flags & FUZZ_CACHE) && !fuzz_reply_ttl(&stream)) {
        return;
    }

    verdict = fuzz_reply_owner(of->request, found->values);

    if (verdict != FUZZ_ALLOWED || of->request->key == SENDKIT_KEY_WORKSPACE
        || of->request->roles == 0)
    {
        found->verdict = verdict;
        return;
    }

    if (!fuzz_reply_bulk(&stream, &found->role)
        || ((of->flags & FUZZ_CACHE) && !fuzz_reply_ttl(&stream)))
    {
        return;
    }

    found->verdict = fuzz_reply_is(found->role, "owner")
                     || fuzz_reply_is(found->role, "admin")
                     || (fuzz_reply_is(found->role, "member")
                         && of->request->roles == SENDKIT_ROLE_ANY)
                     ? FUZZ_ALLOWED : FUZZ_NO;
}


static fuzz_verdict_e
fuzz_reply_owner(const fuzz_request_t *request, const sendkit_span_t *values)
{
    int             platform, good;
    char            digits[16];
    size_t          i, nils;
    sendkit_span_t  expires, id;

    for (i = 0, nils = 0; i < SENDKIT_RECORD_NFIELDS; i++) {
        nils += values[i].data == NULL;
    }

    if (nils == SENDKIT_RECORD_NFIELDS) {
        return FUZZ_NO;
    }

    platform = fuzz_reply_is(values[SENDKIT_RECORD_TYPE], "platform");

    if (!platform && !fuzz_reply_is(values[SENDKIT_RECORD_TYPE], "workspace"))
    {
        return FUZZ_NOTHING;
    }

    id = values[platform ? SENDKIT_RECORD_USER : SENDKIT_RECORD_WORKSPACE];
    expires = values[SENDKIT_RECORD_EXPIRES];

    if (!fuzz_reply_is_id(id, platform ? FUZZ_LETTERS "._:@-"
                                       : FUZZ_LETTERS "_-"))
    {
        return FUZZ_NOTHING;
    }

    good = platform == (request->key == SENDKIT_KEY_PLATFORM);

    if (expires.data != NULL) {
        if (expires.len == 0 || expires.len > 15
            || !fuzz_has_only(expires, "0123456789"))
        {
            return FUZZ_NOTHING;
        }

        memcpy(digits, expires.data, expires.len);
        digits[expires.len] = '\0';

        good = good && strtoll(digits, NULL, 10) > FUZZ_NOW;
    }

    good = good && (values[SENDKIT_RECORD_STATUS].data == NULL
                    || fuzz_reply_is(values[SENDKIT_RECORD_STATUS],
                                     "active"));

    /* each workspace that a request asks for is this one */

    good = good && (platform || fuzz_reply_is(id, "w1")
                    || (request->workspace == SENDKIT_WORKSPACE_HEADER
                        && request->asked == SENDKIT_ASKED_NONE));

    return good ? FUZZ_ALLOWED : FUZZ_NO;
}


static int
fuzz_reply_skip(sendkit_span_t *stream, const char *text)
{
    sendkit_span_t  bytes;

    bytes = fuzz_take(stream, strlen(text));

    return sendkit_span_equal(bytes, fuzz_text(text));
}


static int
fuzz_reply_bulk(sendkit_span_t *stream, sendkit_span_t *value)
{
    char            digits[6];
    size_t          len;
    sendkit_span_t  line;

    value->data = NULL;
    value->len = 0;

    if (!fuzz_reply_skip(stream, "$") || !fuzz_reply_line(stream, &line)) {
        return 0;
    }

    if (fuzz_reply_is(line, "-1")) {
        return 1;
    }

    if (line.len == 0 || line.len > 5 || !fuzz_has_only(line, "0123456789")
        || (line.data[0] == '0' && line.len != 1))
    {
        return 0;
    }

    memcpy(digits, line.data, line.len);
    digits[line.len] = '\0';

    len = strtoul(digits, NULL, 10);
    *value = fuzz_take(stream, len);

    return value->len == len && fuzz_reply_skip(stream, "\r\n");
}


/* an integer, or an error, by which nothing is lost but the cache */

static int
fuzz_reply_ttl(sendkit_span_t *stream)
{
    char            digits[24];
    char            back[24];
    unsigned        type;
    sendkit_span_t  line;

    type = fuzz_byte(stream);

    if (!fuzz_reply_line(stream, &line)) {
        return 0;
    }

    if (type == '-') {
        return line.len <= 512;
    }

    if (type != ':' || line.len == 0 || line.len >= sizeof(digits)) {
        return 0;
    }

    /* what is written back is what was read, or it was none */

    memcpy(digits, line.data, line.len);
    digits[line.len] = '\0';

    snprintf(back, sizeof(back), "%lld", strtoll(digits, NULL, 10));

    return fuzz_reply_is(line, back);
}


static int
fuzz_reply_line(sendkit_span_t *stream, sendkit_span_t *line)
{
    size_t  n;

    for (n = 0; n < stream->len; n++) {
        if (stream->data[n] == '\r' || stream->data[n] == '\n') {
            break;
        }
    }

    *line = fuzz_take(stream, n);

    return fuzz_reply_skip(stream, "\r\n");
}


static int
fuzz_reply_is(sendkit_span_t value, const char *word)
{
    return value.data != NULL && sendkit_span_equal(value, fuzz_text(word));
}


static int
fuzz_reply_is_id(sendkit_span_t value, const char *alphabet)
{
    return value.data != NULL && value.len >= 1 && value.len <= 64
           && fuzz_has_only(value, alphabet);
}


/* replies that allow the request, but for the choices of the input */

static void
fuzz_reply_build(fuzz_stream_t *stream, const fuzz_case_t *of,
    sendkit_span_t *input)
{
    int             platform;
    sendkit_span_t  damage;

    platform = of->request->key == SENDKIT_KEY_PLATFORM;
    damage = fuzz_take(input, 4 * (fuzz_byte(input) & 3));
    stream->len = 0;

    if (of->flags & FUZZ_HANDSHAKE) {
        fuzz_reply_put_line(stream, input, "+OK\r\n");
    }

    fuzz_reply_put_line(stream, input, "*5\r\n");

    fuzz_reply_put_bulk(stream, input, platform ? "platform" : "workspace");
    fuzz_reply_put_bulk(stream, input, platform ? "user_1" : NULL);
    fuzz_reply_put_bulk(stream, input, platform ? NULL : "w1");
    fuzz_reply_put_bulk(stream, input, NULL);
    fuzz_reply_put_bulk(stream, input, NULL);

    if (of->flags & FUZZ_CACHE) {
        fuzz_reply_put_line(stream, input, ":-1\r\n");
    }

    if (platform && of->request->roles != 0) {
        fuzz_reply_put_bulk(stream, input, "owner");

        if (of->flags & FUZZ_CACHE) {
            fuzz_reply_put_line(stream, input, ":60000\r\n");
        }
    }

    while (damage.len != 0) {
        fuzz_reply_damage(stream, &damage);
    }
}


static void
fuzz_reply_put_line(fuzz_stream_t *stream, sendkit_span_t *input,
    const char *good)
{
    unsigned            choice;
    static const char  *lines[] = {
        "+OK\r\n", "*5\r\n", "*4\r\n", "*6\r\n", "*0\r\n", "*-1\r\n",
        "*05\r\n", ":0\r\n", ":-2\r\n", ":\r\n", ":+1\r\n", ":-0\r\n",
        ":9223372036854775808\r\n", "-ERR no\r\n", "-LOADING x\r\n",
        "$-1\r\n", "$2\r\nOK\r\n", "+OK \r\n", ""
    };

    choice = fuzz_byte(input);

    fuzz_reply_put(stream, fuzz_text(choice < 0xe0
                                     ? good : lines[(choice - 0xe0) % 19]));
}


/* NULL is a nil */

static void
fuzz_reply_put_bulk(fuzz_stream_t *stream, sendkit_span_t *input,
    const char *good)
{
    char                line[24];
    unsigned            choice;
    sendkit_span_t      value;
    static const char  *words[] = {
        NULL, "", "platform", "workspace", "user_1", "w1", "w2", "active",
        "blocked", "owner", "admin", "member", "Owner", "0", "1700000000",
        "1700000001", "0000000000000001", "-1", "999999999999999"
    };

    choice = fuzz_byte(input);

    if (choice >= 0xf0) {
        value = fuzz_take(input, choice == 0xff ? 65 : choice - 0xf0u);

    } else {
        good = choice < 0xc0 ? good : words[(choice - 0xc0) % 19];

        if (good == NULL) {
            fuzz_reply_put(stream, fuzz_text("$-1\r\n"));
            return;
        }

        value = fuzz_text(good);
    }

    snprintf(line, sizeof(line), "$%zu\r\n", value.len);

    fuzz_reply_put(stream, fuzz_text(line));
    fuzz_reply_put(stream, value);
    fuzz_reply_put(stream, fuzz_text("\r\n"));
}


static void
fuzz_reply_put(fuzz_stream_t *stream, sendkit_span_t bytes)
{
    fuzz_check(bytes.len <= FUZZ_STREAM_MAX - stream->len);

    memcpy(stream->data + stream->len, bytes.data, bytes.len);
    stream->len += bytes.len;
}


/* a byte that is another one, or one too many, or missing; or the end */

static void
fuzz_reply_damage(fuzz_stream_t *stream, sendkit_span_t *input)
{
    size_t          at;
    unsigned        what, c;
    unsigned char  *p;

    what = fuzz_byte(input);
    at = fuzz_byte(input) << 8;
    at = (at | fuzz_byte(input)) % (stream->len + 1);
    c = fuzz_byte(input);

    p = stream->data + at;

    switch (what & 3) {

    case 0:
        stream->len = at;
        return;

    case 1:
        if (stream->len < FUZZ_STREAM_MAX) {
            memmove(p + 1, p, stream->len++ - at);
            *p = (unsigned char) c;
        }

        return;

    case 2:
        if (at < stream->len) {
            memmove(p, p + 1, --stream->len - at);
        }

        return;

    default:
        if (at < stream->len) {
            *p = (unsigned char) c;
        }
    }
}
