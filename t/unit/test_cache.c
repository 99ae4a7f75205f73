
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* The cache in shared memory: what it finds, and until when. */


#include <ngx_config.h>
#include <ngx_core.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "ngx_sendkit_auth_cache.h"
#include "ngx_sendkit_auth_memory.h"
#include "nginx_core.h"
#include "tap.h"


#define TEST_SIZE      65536
#define TEST_BIG       (10 * 1024 * 1024)
#define TEST_TTL       60000
#define TEST_NEGATIVE  5000
#define TEST_LEASE     3000
#define TEST_NOW       1000000
#define TEST_MISS      (-1)     /* no answer; 0: there is none */

#define TEST_PROCESSES  4
#define TEST_COUNTS     500000


static void test_records(tap_t *tap);
static void test_record(tap_t *tap, const char *name, sendkit_key_e kind,
    size_t len, int active, int64_t expires);
static void test_roles(tap_t *tap);
static void test_separate(tap_t *tap);
static void test_expiry(tap_t *tap);
static void test_invalidation(tap_t *tap);
static void test_two_names(tap_t *tap);
static void test_slots(tap_t *tap);
static void test_channel(tap_t *tap);
static void test_untrusted(tap_t *tap);
static void test_evictions(tap_t *tap);
static void test_attach(tap_t *tap);
static void test_sizes(tap_t *tap);
static void test_counters(tap_t *tap);

static ngx_sendkit_auth_cache_t *test_cache(void);
static ngx_sendkit_auth_cache_t *test_handle(u_char *memory, size_t size,
    ngx_int_t *rc);
static void test_fill(ngx_sendkit_auth_cache_t *cache, const char *one,
    const char *two, ngx_sendkit_auth_fill_t *fill);
static void test_store(ngx_sendkit_auth_cache_t *cache,
    const ngx_sendkit_auth_fill_t *fill, unsigned key, int64_t expires);
static int64_t test_find(ngx_sendkit_auth_cache_t *cache, uint64_t now,
    unsigned key, ngx_uint_t origin);
static void test_store_role(ngx_sendkit_auth_cache_t *cache,
    const char *workspace, const char *user, ngx_uint_t origin,
    sendkit_role_e role);
static int test_find_role(ngx_sendkit_auth_cache_t *cache,
    const char *workspace, const char *user, ngx_uint_t origin);
static void test_digest(sendkit_digest_t *digest, unsigned key);
static void test_id(sendkit_id_t *id, const char *text);


static u_char  test_memory[TEST_BIG] __attribute__ ((aligned (64)));


int
main(void)
{
    tap_t  tap;

    memset(&tap, 0, sizeof(tap_t));

    ngx_pid = getpid();

    test_records(&tap);
    test_roles(&tap);
    test_separate(&tap);
    test_expiry(&tap);
    test_invalidation(&tap);
    test_two_names(&tap);
    test_slots(&tap);
    test_channel(&tap);
    test_untrusted(&tap);
    test_evictions(&tap);
    test_attach(&tap);
    test_sizes(&tap);
    test_counters(&tap);

    return tap_done(&tap);
}


static void
test_records(tap_t *tap)
{
    test_record(tap, "a platform key", SENDKIT_KEY_PLATFORM, 7, 1, 0);
    test_record(tap, "a workspace key", SENDKIT_KEY_WORKSPACE, 7, 1, 0);
    test_record(tap, "a key that is not active", SENDKIT_KEY_PLATFORM, 7, 0,
                0);
    test_record(tap, "a key that expires", SENDKIT_KEY_PLATFORM, 7, 1,
                0x0102030405060708);
    test_record(tap, "a user of 1 byte", SENDKIT_KEY_PLATFORM, 1, 1, 0);
    test_record(tap, "a user of 64 bytes", SENDKIT_KEY_PLATFORM, 64, 1, 1);
    test_record(tap, "a workspace of 64 bytes", SENDKIT_KEY_WORKSPACE, 64, 1,
                1);
    test_record(tap, "a key of nobody", SENDKIT_KEY_PLATFORM, 0, 1, 0);
}


/* a record is found as it was, and one without an id never */

static void
test_record(tap_t *tap, const char *name, sendkit_key_e kind, size_t len,
    int active, int64_t expires)
{
    sendkit_id_t              *id;
    sendkit_digest_t           digest;
    sendkit_record_t           record, found;
    ngx_sendkit_auth_fill_t    fill;
    ngx_sendkit_auth_cache_t  *cache;

    cache = test_cache();
    test_fill(cache, "k", NULL, &fill);
    test_digest(&digest, 1);

    memset(&record, 0, sizeof(sendkit_record_t));

    record.state = SENDKIT_RECORD_FOUND;
    record.kind = kind;
    record.active = active;
    record.expires = expires;

    id = kind == SENDKIT_KEY_PLATFORM ? &record.user : &record.workspace;
    id->len = (unsigned char) len;
    memset(id->data, 'x', len);

    ngx_sendkit_auth_cache_store_record(cache, &fill, &digest, 0, &record);

    tap_number(tap, ngx_sendkit_auth_cache_find_record(cache, TEST_NOW,
                                                       &digest, 0, &found),
               len != 0 ? NGX_OK : NGX_DECLINED, "%s is %s", name,
               len != 0 ? "found" : "not");

    if (len != 0) {
        tap_ok(tap, memcmp(&found, &record, sizeof(sendkit_record_t)) == 0,
               "as it was stored");
    }
}


static void
test_roles(tap_t *tap)
{
    size_t                     i, k;
    unsigned                   wrong;
    ngx_sendkit_auth_cache_t  *cache;

    static const char  x64[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    static const char  x63[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

    static const struct {
        const char      *workspace;
        const char      *user;
    } names[] = {
        { "", "" }, { "a", "" }, { "", "a" }, { "a", "a" }, { "aa", "a" },
        { "a", "aa" }, { "ab", "c" }, { "a", "bc" }, { "c", "ab" },
        { x64, x64 }, { x63, x64 }, { x64, x63 }, { x64, "x" }, { "x", x64 },
        { x63, x63 }
    };

    wrong = 0;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        cache = test_cache();

        test_store_role(cache, names[i].workspace, names[i].user, 0,
                        SENDKIT_ROLE_ADMIN);

        for (k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
            wrong += test_find_role(cache, names[k].workspace, names[k].user,
                                    0)
                     != (k == i ? SENDKIT_ROLE_ADMIN : TEST_MISS);
        }
    }

    tap_number(tap, wrong, 0, "a role is of its workspace and user only");

    cache = test_cache();
    test_store_role(cache, "ws", "u", 0, SENDKIT_ROLE_OWNER);
    tap_number(tap, test_find_role(cache, "ws", "u", 0), SENDKIT_ROLE_OWNER,
               "an owner is one");
    test_store_role(cache, "ws", "u", 0, SENDKIT_ROLE_MEMBER);
    tap_number(tap, test_find_role(cache, "ws", "u", 0), SENDKIT_ROLE_MEMBER,
               "a role is replaced");
    test_store_role(cache, "ws", "v", 0, SENDKIT_ROLE_NONE);
    tap_number(tap, test_find_role(cache, "ws", "v", 0), SENDKIT_ROLE_NONE,
               "no role is found as none");
}


/* records, roles, and that there is none; for each origin */

static void
test_separate(tap_t *tap)
{
    ngx_sendkit_auth_fill_t    fill;
    ngx_sendkit_auth_cache_t  *cache;

    cache = test_cache();
    test_fill(cache, "k", NULL, &fill);

    test_store(cache, &fill, 1, 0);

    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), 0,
               "an absent key is found as such");
    tap_number(tap, test_find(cache, TEST_NOW, 1, 1), TEST_MISS,
               "but not where an origin is to be asked");
    tap_number(tap, test_find(cache, TEST_NOW, 2, 0), TEST_MISS,
               "nor another key");

    test_store(cache, &fill, 1, 77);

    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), 77,
               "a key that is there comes before one that is not");
    tap_number(tap, test_find(cache, TEST_NOW, 1, 1), 77,
               "also where an origin is to be asked");

    test_store_role(cache, "ws", "u", 1, SENDKIT_ROLE_NONE);

    tap_number(tap, test_find_role(cache, "ws", "u", 1), SENDKIT_ROLE_NONE,
               "the \"no\" of an origin is found");
    tap_number(tap, test_find_role(cache, "ws", "u", 0), TEST_MISS,
               "but not without the origin");

    /* one is named by zeros, the other by empty ids, which are zeros */

    test_store_role(cache, "", "", 0, SENDKIT_ROLE_NONE);

    tap_number(tap, test_find(cache, TEST_NOW, 0, 0), TEST_MISS,
               "that there is no role says nothing about a key");
}


static void
test_expiry(tap_t *tap)
{
    ngx_sendkit_auth_fill_t    fill;
    ngx_sendkit_auth_cache_t  *cache;

    cache = test_cache();
    test_fill(cache, "k", NULL, &fill);

    test_store(cache, &fill, 1, 77);
    test_store(cache, &fill, 2, 0);

    tap_number(tap, test_find(cache, TEST_NOW + TEST_TTL - 1, 1, 0), 77,
               "a record lives for the ttl");
    tap_number(tap, test_find(cache, TEST_NOW + TEST_TTL, 1, 0), TEST_MISS,
               "and no longer");
    tap_number(tap, test_find(cache, TEST_NOW + TEST_NEGATIVE - 1, 2, 0), 0,
               "a \"no\" lives for the negative ttl");
    tap_number(tap, test_find(cache, TEST_NOW + TEST_NEGATIVE, 2, 0),
               TEST_MISS, "and no longer");

    fill.life = 10;
    test_store(cache, &fill, 1, 78);
    test_store(cache, &fill, 2, 0);

    tap_number(tap, test_find(cache, TEST_NOW + 9, 1, 0), 78,
               "what is known to end earlier lives until then");
    tap_number(tap, test_find(cache, TEST_NOW + 10, 1, 0), TEST_MISS,
               "and no longer");
    tap_number(tap, test_find(cache, TEST_NOW + 10, 2, 0), TEST_MISS,
               "a \"no\" does so, too");

    fill.life = 0;
    test_store(cache, &fill, 3, 79);

    tap_number(tap, test_find(cache, TEST_NOW, 3, 0), TEST_MISS,
               "what has no life is not found");
}


static void
test_invalidation(tap_t *tap)
{
    ngx_sendkit_auth_fill_t    fill;
    ngx_sendkit_auth_cache_t  *cache;

    cache = test_cache();

    test_fill(cache, "k", NULL, &fill);
    test_store(cache, &fill, 1, 77);
    test_store(cache, &fill, 2, 0);
    ngx_sendkit_auth_cache_invalidate(cache, tap_text("k"));

    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), TEST_MISS,
               "a key that has changed is a miss");
    tap_number(tap, test_find(cache, TEST_NOW, 2, 0), TEST_MISS,
               "so is one that was not there");

    tap_number(tap, (long long) ngx_sendkit_auth_cache_is_current(cache,
                                                                  &fill),
               0, "an answer to a question of before is not current");
    test_store(cache, &fill, 1, 77);
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), TEST_MISS,
               "and never becomes a hit");

    test_fill(cache, "k", NULL, &fill);
    test_store(cache, &fill, 1, 78);
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), 78,
               "an answer to a question of after it does");
    tap_number(tap, (long long) ngx_sendkit_auth_cache_is_current(cache,
                                                                  &fill),
               1, "and is current");

    ngx_sendkit_auth_cache_flush(cache);
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), TEST_MISS,
               "after a flush everything is a miss");
    test_store(cache, &fill, 1, 78);
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), TEST_MISS,
               "also what was asked before and stored after");

    tap_ok(tap, ngx_sendkit_auth_cache_counter(cache,
                                               NGX_SENDKIT_AUTH_INVALIDATIONS)
                == 1
                && ngx_sendkit_auth_cache_counter(cache,
                                                  NGX_SENDKIT_AUTH_FLUSHES)
                   == 1,
           "both are counted");
}


static void
test_two_names(tap_t *tap)
{
    ngx_sendkit_auth_fill_t    fill;
    ngx_sendkit_auth_cache_t  *cache;

    cache = test_cache();

    test_fill(cache, "one", "two", &fill);
    test_store(cache, &fill, 1, 77);
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), 77,
               "what depends on two names is found");

    ngx_sendkit_auth_cache_invalidate(cache, tap_text("one"));
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), TEST_MISS,
               "until the first one changes");

    test_fill(cache, "one", "two", &fill);
    test_store(cache, &fill, 1, 78);
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), 78, "it is back");

    ngx_sendkit_auth_cache_invalidate(cache, tap_text("two"));
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), TEST_MISS,
               "or the second one");

    ngx_sendkit_auth_cache_start(cache, TEST_NOW, &fill);
    ngx_sendkit_auth_cache_watch(cache, &fill, tap_text("one"));
    ngx_sendkit_auth_cache_invalidate(cache, tap_text("one"));
    ngx_sendkit_auth_cache_watch(cache, &fill, tap_text("two"));
    test_store(cache, &fill, 1, 79);
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), TEST_MISS,
               "a change between the two is seen");

    test_fill(cache, "one", "two", &fill);
    ngx_sendkit_auth_cache_watch(cache, &fill, tap_text("three"));
    test_store(cache, &fill, 1, 80);
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), TEST_MISS,
               "what depends on three names is not stored");

    ngx_sendkit_auth_cache_start(cache, TEST_NOW, &fill);
    test_store(cache, &fill, 1, 81);
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), TEST_MISS,
               "nor what depends on none");
}


/* names that share a slot, and one that does not */

static void
test_slots(tap_t *tap)
{
    char                       name[32], same[32], other[32];
    unsigned                   i, wrong;
    uint16_t                   slot, n;
    ngx_sendkit_auth_fill_t    fill;
    ngx_sendkit_auth_cache_t  *cache;

    cache = test_cache();
    slot = ngx_sendkit_auth_cache_slot(cache, tap_text("name"));

    same[0] = '\0';
    other[0] = '\0';
    wrong = 0;

    for (i = 0; i < 100000; i++) {
        (void) snprintf(name, sizeof(name), "%u", i);
        n = ngx_sendkit_auth_cache_slot(cache, tap_text(name));

        strcpy(n == slot ? same : other, name);
        wrong += n == 0 || n >= cache->nslots;
    }

    tap_number(tap, wrong, 0, "a name has a slot, and never the first one");
    tap_ok(tap, same[0] != '\0' && other[0] != '\0', "some share a slot");

    test_fill(cache, "name", NULL, &fill);
    test_store(cache, &fill, 1, 77);

    ngx_sendkit_auth_cache_invalidate(cache, tap_text(other));
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), 77,
               "a change of a name in another slot leaves a hit");

    ngx_sendkit_auth_cache_invalidate(cache, tap_text(same));
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), TEST_MISS,
               "a change of one in the same slot makes it a miss");

    test_fill(cache, "name", same, &fill);
    test_store(cache, &fill, 1, 78);
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), 78,
               "what depends on both is found");

    ngx_sendkit_auth_cache_invalidate(cache, tap_text("name"));
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), TEST_MISS,
               "until one of them changes");
}


static void
test_channel(tap_t *tap)
{
    ngx_sendkit_auth_cache_t  *cache;

    cache = test_cache();

    ngx_sendkit_auth_cache_lose(cache);

    tap_number(tap, ngx_sendkit_auth_cache_channel(cache, TEST_NOW),
               NGX_SENDKIT_AUTH_CHANNEL_DOWN, "a lost channel is down");
    tap_number(tap, (long long) ngx_sendkit_auth_cache_is_usable(cache,
                                                                 TEST_NOW),
               0, "and the cache not to be used");

    ngx_sendkit_auth_cache_renew(cache, TEST_NOW, 3);

    tap_number(tap, ngx_sendkit_auth_cache_channel(cache, TEST_NOW
                                                          + TEST_LEASE - 1),
               NGX_SENDKIT_AUTH_CHANNEL_UP, "it is up for the lease");
    tap_number(tap, ngx_sendkit_auth_cache_channel(cache,
                                                   TEST_NOW + TEST_LEASE),
               NGX_SENDKIT_AUTH_CHANNEL_DOWN, "and no longer");
    tap_number(tap, (long long) ngx_sendkit_auth_cache_servers(cache), 3,
               "it leads to the server");

    ngx_sendkit_auth_cache_renew(cache, TEST_NOW - 1, 3);
    tap_number(tap, (long long) ngx_sendkit_auth_cache_alive(cache), TEST_NOW,
               "it was not alive earlier than last time");
    ngx_sendkit_auth_cache_renew(cache, TEST_NOW + 10, 3);
    tap_number(tap, (long long) ngx_sendkit_auth_cache_alive(cache),
               TEST_NOW + 10, "but later");

    tap_number(tap, (long long) ngx_sendkit_auth_cache_no_channel(cache, 4), 1,
               "that a server has none is new once");
    tap_number(tap, (long long) ngx_sendkit_auth_cache_no_channel(cache, 4), 0,
               "and then known");
    tap_number(tap, (long long) ngx_sendkit_auth_cache_servers(cache), 4,
               "which server it is, too");
    tap_number(tap, (long long) ngx_sendkit_auth_cache_counter(cache,
                                                NGX_SENDKIT_AUTH_FLUSHES),
               1, "which flushes once");
    tap_number(tap, ngx_sendkit_auth_cache_channel(cache, TEST_NOW * 2),
               NGX_SENDKIT_AUTH_CHANNEL_UNSUPPORTED,
               "no lease is needed without one");
    tap_number(tap, (long long) ngx_sendkit_auth_cache_is_usable(cache,
                                                             TEST_NOW * 2),
               1, "and the cache can be used");

    ngx_sendkit_auth_cache_lose(cache);
    tap_number(tap, ngx_sendkit_auth_cache_channel(cache, TEST_NOW),
               NGX_SENDKIT_AUTH_CHANNEL_DOWN, "until that server is lost");

    ngx_sendkit_auth_cache_renew(cache, TEST_NOW * 2, 0);
    tap_number(tap, ngx_sendkit_auth_cache_channel(cache, TEST_NOW * 2),
               NGX_SENDKIT_AUTH_CHANNEL_UP, "and there is a channel");
}


static void
test_untrusted(tap_t *tap)
{
    ngx_sendkit_auth_fill_t    fill;
    ngx_sendkit_auth_cache_t  *cache;

    cache = test_cache();
    ngx_sendkit_auth_cache_lose(cache);

    test_fill(cache, "k", NULL, &fill);
    ngx_sendkit_auth_cache_renew(cache, TEST_NOW, 0);
    test_store(cache, &fill, 1, 77);

    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), TEST_MISS,
               "what was asked without a channel is not stored with one");

    test_fill(cache, "k", NULL, &fill);
    test_store(cache, &fill, 1, 77);
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), 77,
               "what was asked with one is");
}


/* one set has no room for all misses of a small zone */

static void
test_evictions(tap_t *tap)
{
    unsigned                   i;
    ngx_sendkit_auth_fill_t    fill;
    ngx_sendkit_auth_cache_t  *cache;

    cache = test_cache();
    test_fill(cache, "k", NULL, &fill);

    for (i = 0; i < NGX_SENDKIT_AUTH_TABLE_WAYS; i++) {
        test_store(cache, &fill, i, 0);
    }

    tap_number(tap, cache->tables[NGX_SENDKIT_AUTH_TABLE_MISSES].nsets, 1,
               "a small zone has one set of misses");
    tap_number(tap, (long long) ngx_sendkit_auth_cache_counter(cache,
                                                NGX_SENDKIT_AUTH_EVICTIONS),
               0, "which has room for some");

    test_store(cache, &fill, i, 0);

    tap_number(tap, (long long) ngx_sendkit_auth_cache_counter(cache,
                                                NGX_SENDKIT_AUTH_EVICTIONS),
               1, "one more evicts one");

    fill.since = TEST_NOW + TEST_NEGATIVE;
    test_store(cache, &fill, ++i, 0);

    tap_number(tap, (long long) ngx_sendkit_auth_cache_counter(cache,
                                                NGX_SENDKIT_AUTH_EVICTIONS),
               1, "but not if the others have expired");

    ngx_sendkit_auth_cache_invalidate(cache, tap_text("k"));
    test_fill(cache, "k", NULL, &fill);

    for (i = 0; i < NGX_SENDKIT_AUTH_TABLE_WAYS; i++) {
        test_store(cache, &fill, 100 + i, 0);
    }

    tap_number(tap, (long long) ngx_sendkit_auth_cache_counter(cache,
                                                NGX_SENDKIT_AUTH_EVICTIONS),
               1, "nor if they are invalid");
    tap_ok(tap, test_find(cache, TEST_NOW, 100, 0) == 0
                && test_find(cache, TEST_NOW, 100 + i - 1, 0) == 0,
           "whose places are all taken");
}


static void
test_attach(tap_t *tap)
{
    ngx_int_t                  rc;
    ngx_sendkit_auth_fill_t    fill;
    ngx_sendkit_auth_cache_t  *cache, *second;

    cache = test_cache();
    test_fill(cache, "k", NULL, &fill);
    test_store(cache, &fill, 1, 77);

    second = test_handle(test_memory, TEST_SIZE, &rc);

    tap_number(tap, rc, NGX_OK, "another process can use the memory");
    tap_number(tap, test_find(second, TEST_NOW, 1, 0), 77,
               "it finds what is there");

    ngx_sendkit_auth_cache_invalidate(second, tap_text("k"));
    tap_number(tap, test_find(cache, TEST_NOW, 1, 0), TEST_MISS,
               "the first one sees what it invalidates");

    (void) test_handle(test_memory, TEST_SIZE - 4096, &rc);
    tap_number(tap, rc, NGX_ERROR, "memory of another size is refused");

    cache->shared->version++;
    (void) test_handle(test_memory, TEST_SIZE, &rc);
    tap_number(tap, rc, NGX_ERROR, "so is memory of another version");

    memset(test_memory, 0, TEST_SIZE);
    (void) test_handle(test_memory, NGX_SENDKIT_AUTH_CACHE_MIN / 2 - 1, &rc);
    tap_number(tap, rc, NGX_ERROR, "so is memory that is too small");
    (void) test_handle(test_memory, NGX_SENDKIT_AUTH_CACHE_MIN / 2, &rc);
    tap_number(tap, rc, NGX_OK, "the smallest memory is enough");
}


/* 10 MB for as many keys, each with a role */

static void
test_sizes(tap_t *tap)
{
    size_t                     bytes;
    u_char                    *end;
    unsigned                   i, kept, keys;
    ngx_int_t                  rc;
    ngx_sendkit_auth_fill_t    fill;
    ngx_sendkit_auth_table_t  *tables, *last;
    ngx_sendkit_auth_cache_t  *cache;

    memset(test_memory, 0, TEST_BIG);
    cache = test_handle(test_memory, TEST_BIG, &rc);
    ngx_sendkit_auth_cache_renew(cache, TEST_NOW, 0);
    tables = cache->tables;

    keys = tables[NGX_SENDKIT_AUTH_TABLE_RECORDS].nsets
           * NGX_SENDKIT_AUTH_TABLE_WAYS;
    bytes = TEST_BIG / keys;

    printf("# bytes of a record %u, of a role %u, of a miss %u\n",
           tables[0].size, tables[1].size, tables[2].size);
    printf("# in 10 MB: %u records, as many roles, %u misses, %u slots\n",
           keys, tables[2].nsets * NGX_SENDKIT_AUTH_TABLE_WAYS,
           cache->nslots);

    tap_ok(tap, bytes <= 320, "a key with a role takes %zu bytes of a zone",
           bytes);

    last = &tables[NGX_SENDKIT_AUTH_NTABLES - 1];
    end = last->sets + last->nsets * ngx_sendkit_auth_table_set_size(
                                                                last->size);

    tap_ok(tap, end <= test_memory + TEST_BIG
                && end > test_memory + TEST_BIG - 4096,
           "the tables fill the memory and end in it");

    test_fill(cache, "k", NULL, &fill);
    kept = 0;

    for (i = 0; i < keys; i++) {
        test_store(cache, &fill, i, 77);
    }

    for (i = 0; i < keys; i++) {
        kept += test_find(cache, TEST_NOW, i, 0) == 77;
    }

    tap_ok(tap, kept > keys / 100 * 97,
           "of as many keys as there is room for %u %% are kept",
           kept / (keys / 100));
}


static void
test_counters(tap_t *tap)
{
    u_char                       *memory;
    unsigned                      i, n;
    ngx_sendkit_auth_counters_t  *counters;

    memory = mmap(NULL, sizeof(ngx_sendkit_auth_counters_t),
                  PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        perror("mmap()");
        exit(2);
    }

    counters = (ngx_sendkit_auth_counters_t *) memory;

    for (n = 0; n < TEST_PROCESSES; n++) {
        if (fork() != 0) {
            continue;
        }

        for (i = 0; i < TEST_COUNTS; i++) {
            ngx_sendkit_auth_counters_add(counters, 0, NGX_SENDKIT_AUTH_HITS);
            ngx_sendkit_auth_counters_add(counters, n * 100,
                                          NGX_SENDKIT_AUTH_FLUSHES);
        }

        _exit(0);
    }

    while (wait(NULL) != -1) {
        /* void */
    }

    tap_number(tap, (long long) ngx_sendkit_auth_counters_sum(counters,
                                                    NGX_SENDKIT_AUTH_HITS),
               TEST_PROCESSES * TEST_COUNTS,
               "what processes count in one place is all there");
    tap_number(tap, (long long) ngx_sendkit_auth_counters_sum(counters,
                                                 NGX_SENDKIT_AUTH_FLUSHES),
               TEST_PROCESSES * TEST_COUNTS,
               "so is what each counts in its own");
    tap_number(tap, (long long) ngx_sendkit_auth_counters_sum(counters,
                                                  NGX_SENDKIT_AUTH_MISSES),
               0, "and nothing else");
}


/* new, with the channel up */

static ngx_sendkit_auth_cache_t *
test_cache(void)
{
    ngx_int_t                  rc;
    ngx_sendkit_auth_cache_t  *cache;

    memset(test_memory, 0, TEST_SIZE);

    cache = test_handle(test_memory, TEST_SIZE, &rc);
    ngx_sendkit_auth_cache_renew(cache, TEST_NOW, 0);

    return cache;
}


/* each is made with another seed, which counts only for new memory */

static ngx_sendkit_auth_cache_t *
test_handle(u_char *memory, size_t size, ngx_int_t *rc)
{
    ngx_sendkit_auth_cache_t       *cache;
    ngx_sendkit_auth_cache_conf_t   conf;
    static uint64_t                 seed;

    conf.ttl = TEST_TTL;
    conf.negative_ttl = TEST_NEGATIVE;
    conf.lease = TEST_LEASE;

    cache = ngx_sendkit_auth_cache_create(NULL, &conf);
    *rc = ngx_sendkit_auth_cache_attach(cache, memory, size, ++seed);

    return cache;
}


static void
test_fill(ngx_sendkit_auth_cache_t *cache, const char *one, const char *two,
    ngx_sendkit_auth_fill_t *fill)
{
    ngx_sendkit_auth_cache_start(cache, TEST_NOW, fill);
    ngx_sendkit_auth_cache_watch(cache, fill, tap_text(one));

    if (two != NULL) {
        ngx_sendkit_auth_cache_watch(cache, fill, tap_text(two));
    }
}


/* a record is known by when it expires; 0: there is none */

static void
test_store(ngx_sendkit_auth_cache_t *cache,
    const ngx_sendkit_auth_fill_t *fill, unsigned key, int64_t expires)
{
    sendkit_digest_t  digest;
    sendkit_record_t  record;

    memset(&record, 0, sizeof(sendkit_record_t));

    record.state = expires != 0 ? SENDKIT_RECORD_FOUND
                                : SENDKIT_RECORD_ABSENT;
    record.kind = SENDKIT_KEY_WORKSPACE;
    record.expires = expires;
    test_id(&record.workspace, "ws");

    test_digest(&digest, key);
    ngx_sendkit_auth_cache_store_record(cache, fill, &digest, 0, &record);
}


static int64_t
test_find(ngx_sendkit_auth_cache_t *cache, uint64_t now, unsigned key,
    ngx_uint_t origin)
{
    sendkit_digest_t  digest;
    sendkit_record_t  record;

    test_digest(&digest, key);

    if (ngx_sendkit_auth_cache_find_record(cache, now, &digest, origin,
                                           &record)
        != NGX_OK)
    {
        return TEST_MISS;
    }

    return record.state == SENDKIT_RECORD_FOUND ? record.expires : 0;
}


static void
test_store_role(ngx_sendkit_auth_cache_t *cache, const char *workspace,
    const char *user, ngx_uint_t origin, sendkit_role_e role)
{
    sendkit_id_t              ws, u;
    ngx_sendkit_auth_fill_t   fill;

    test_id(&ws, workspace);
    test_id(&u, user);
    test_fill(cache, "roles", NULL, &fill);

    ngx_sendkit_auth_cache_store_role(cache, &fill, &ws, &u, origin, role);
}


static int
test_find_role(ngx_sendkit_auth_cache_t *cache, const char *workspace,
    const char *user, ngx_uint_t origin)
{
    sendkit_id_t    ws, u;
    sendkit_role_e  role;

    test_id(&ws, workspace);
    test_id(&u, user);

    return ngx_sendkit_auth_cache_find_role(cache, TEST_NOW, &ws, &u, origin,
                                            &role)
           == NGX_OK ? (int) role : TEST_MISS;
}


static void
test_digest(sendkit_digest_t *digest, unsigned key)
{
    memset(digest, 0, sizeof(sendkit_digest_t));
    memcpy(digest->bytes, &key, sizeof(unsigned));
}


/* what stands behind its end does not count */

static void
test_id(sendkit_id_t *id, const char *text)
{
    memset(id, '?', sizeof(sendkit_id_t));

    id->len = (unsigned char) strlen(text);
    memcpy(id->data, text, id->len);
}
