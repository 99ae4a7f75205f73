
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* The table in shared memory: names, eviction, locks, damage. */


#include <ngx_config.h>
#include <ngx_core.h>

#include <sys/wait.h>

#include "ngx_sendkit_auth_table.h"
#include "nginx_core.h"
#include "tap.h"


#define TEST_SIZE      128
#define TEST_NAME_LEN  32
#define TEST_SEED      0x0123456789abcdef
#define TEST_SETS      4
#define TEST_COLLIDE   100000
#define TEST_REPEATED  24       /* names in TEST_SETS sets */
#define TEST_DEAD      7        /* when dead entries expire */


/* what a set begins with */

typedef struct {
    uint64_t     lock;
    uint16_t     tags[NGX_SENDKIT_AUTH_TABLE_WAYS];
} test_head_t;


static void test_collisions(tap_t *tap, uint32_t nsets, unsigned places);
static void test_sets(tap_t *tap);
static void test_replaced(tap_t *tap);
static void test_eviction(tap_t *tap);
static void test_turns(tap_t *tap);
static void test_locks(tap_t *tap);
static void test_lock(tap_t *tap, ngx_pid_t owner, int alive,
    const char *name);
static void test_damage(tap_t *tap);

static void test_table(ngx_sendkit_auth_table_t *table, uint32_t nsets);
static test_head_t *test_head(const ngx_sendkit_auth_table_t *table);
static unsigned test_used(const ngx_sendkit_auth_table_t *table);
static ngx_int_t test_store(const ngx_sendkit_auth_table_t *table,
    uint64_t name, uint64_t expires, ngx_uint_t *evicted);
static uint64_t test_lookup(const ngx_sendkit_auth_table_t *table,
    uint64_t name);
static void test_name(u_char *name, uint64_t n);
static uint64_t test_inverse(uint64_t odd);
static ngx_uint_t test_is_alive(void *data,
    const ngx_sendkit_auth_entry_t *entry);


static u_char    test_memory[1 << 20] __attribute__ ((aligned (64)));

/* what the names are to collide to; 0: they need not */

static uint64_t  test_hash;


int
main(void)
{
    tap_t  tap;

    memset(&tap, 0, sizeof(tap_t));

    ngx_pid = getpid();

    test_collisions(&tap, 1, NGX_SENDKIT_AUTH_TABLE_WAYS);
    test_collisions(&tap, TEST_SETS, 2 * NGX_SENDKIT_AUTH_TABLE_WAYS);
    test_sets(&tap);
    test_replaced(&tap);
    test_eviction(&tap);
    test_locks(&tap);
    test_damage(&tap);

    return tap_done(&tap);
}


/* all names have the same hash, so the same two sets and the same tag */

static void
test_collisions(tap_t *tap, uint32_t nsets, unsigned places)
{
    unsigned                  before, own, same, wrong;
    uint64_t                  found, i, k;
    u_char                    name[TEST_NAME_LEN];
    ngx_uint_t                evicted;
    ngx_sendkit_auth_table_t  table;

    test_table(&table, nsets);
    test_hash = 0x123456789abcdef0;

    before = 0;
    own = 0;
    same = 0;
    wrong = 0;

    for (i = 1; i <= TEST_COLLIDE; i++) {
        test_name(name, i);
        same += ngx_sendkit_auth_table_hash(table.seed, name, TEST_NAME_LEN)
                == test_hash;

        before += test_lookup(&table, i) != 0;
        own += test_store(&table, i, i, &evicted) == NGX_OK
               && test_lookup(&table, i) == i;

        for (k = i > 16 ? i - 16 : 1; k < i; k++) {
            found = test_lookup(&table, k);
            wrong += found != 0 && found != k;
        }
    }

    tap_number(tap, same, TEST_COLLIDE, "%u names collide", TEST_COLLIDE);
    tap_number(tap, before, 0, "none of them is found before it is stored");
    tap_number(tap, own, TEST_COLLIDE, "each is found after that");
    tap_number(tap, wrong, 0, "none gets the entry of another one");
    tap_number(tap, test_used(&table), places,
               "of %u sets they are in those of their hash", nsets);

    test_hash = 0;
}


/* seven of eight places are taken, which one choice would not do */

static void
test_sets(tap_t *tap)
{
    unsigned                  found, i, names, stored;
    ngx_uint_t                evicted;
    ngx_sendkit_auth_table_t  table;

    test_table(&table, 64);

    names = 64 * NGX_SENDKIT_AUTH_TABLE_WAYS * 7 / 8;
    stored = 0;
    found = 0;

    for (i = 1; i <= names; i++) {
        stored += test_store(&table, i, 1, &evicted) == NGX_OK && !evicted;
    }

    for (i = 1; i <= names; i++) {
        found += test_lookup(&table, i) == i;
    }

    tap_number(tap, stored, names,
               "names spread over the sets until they are nearly full");
    tap_number(tap, found, names, "and are found");
}


static void
test_replaced(tap_t *tap)
{
    unsigned                  i, found;
    ngx_uint_t                evicted;
    ngx_sendkit_auth_table_t  table;

    test_table(&table, 1);

    (void) test_store(&table, 1, 10, &evicted);
    (void) test_store(&table, 2, 10, &evicted);
    (void) test_store(&table, 1, 20, &evicted);

    tap_number(tap, test_used(&table), 2,
               "an entry takes the place of the one with its name");
    tap_number(tap, evicted, 0, "which is no eviction");
    tap_ok(tap, test_lookup(&table, 1) == 1 && test_lookup(&table, 2) == 2,
           "both are found");

    test_table(&table, TEST_SETS);
    found = 0;

    for (i = 0; i < 10 * TEST_REPEATED; i++) {
        (void) test_store(&table, i % TEST_REPEATED + 1, 10 + i, &evicted);
    }

    for (i = 1; i <= TEST_REPEATED; i++) {
        found += test_lookup(&table, i) == i;
    }

    tap_ok(tap, test_used(&table) == TEST_REPEATED && found == TEST_REPEATED,
           "also if its other set has more room");
}


static void
test_eviction(tap_t *tap)
{
    unsigned                  i, kept, last;
    ngx_uint_t                evicted, any;
    ngx_sendkit_auth_table_t  table;

    test_table(&table, 1);

    any = 0;
    last = NGX_SENDKIT_AUTH_TABLE_WAYS;

    for (i = 1; i <= last; i++) {
        (void) test_store(&table, i, i == 6 ? TEST_DEAD : 100 - i, &evicted);
        any |= evicted;
    }

    tap_number(tap, any, 0, "nothing is evicted from a set with room");

    (void) test_store(&table, ++last, 200, &evicted);

    tap_ok(tap, test_lookup(&table, 6) == 0
                && test_lookup(&table, last) == last,
           "a dead entry goes first");
    tap_number(tap, evicted, 0, "which is no eviction");

    (void) test_store(&table, ++last, 200, &evicted);

    tap_ok(tap, test_lookup(&table, last) == last, "then one that is alive");
    tap_number(tap, evicted, 1, "which is one");

    kept = 0;

    for (i = 1; i <= last; i++) {
        kept += test_lookup(&table, i) == i;
    }

    tap_number(tap, kept, NGX_SENDKIT_AUTH_TABLE_WAYS, "the others stay");
    test_turns(tap);
}


/* one more than there is room for, used in turn: most of them are found */

static void
test_turns(tap_t *tap)
{
    unsigned                  found, i, name;
    ngx_uint_t                evicted;
    ngx_sendkit_auth_table_t  table;

    test_table(&table, 1);

    found = 0;

    for (i = 0; i < 9000; i++) {
        name = i % (NGX_SENDKIT_AUTH_TABLE_WAYS + 1) + 1;

        if (test_lookup(&table, name) == name) {
            found++;
            continue;
        }

        (void) test_store(&table, name, 1000 + i, &evicted);
    }

    tap_ok(tap, found > 9000 * 3 / 4,
           "names that share a set and are used in turn are mostly found");
}


static void
test_locks(tap_t *tap)
{
    pid_t  gone, stopped;

    gone = fork();

    if (gone == 0) {
        _exit(0);
    }

    (void) waitpid(gone, NULL, 0);

    stopped = fork();

    if (stopped == 0) {
        (void) pause();
        _exit(0);
    }

    (void) kill(stopped, SIGSTOP);

    test_lock(tap, stopped, 1, "a stopped process");
    test_lock(tap, 1, 1, "a process of somebody else");
    test_lock(tap, gone, 0, "a process that is gone");
    test_lock(tap, ngx_pid, 0, "one before with the same pid");

    (void) kill(stopped, SIGKILL);
    (void) waitpid(stopped, NULL, 0);

    test_lock(tap, stopped, 0, "the stopped one, killed,");
}


static void
test_lock(tap_t *tap, ngx_pid_t owner, int alive, const char *name)
{
    uint64_t                  lock;
    ngx_uint_t                evicted;
    ngx_sendkit_auth_table_t  table;

    test_table(&table, 1);
    (void) test_store(&table, 1, 10, &evicted);
    (void) test_store(&table, 2, 10, &evicted);

    lock = test_head(&table)->lock;
    test_head(&table)->lock = lock + (uint64_t) owner;

    tap_number(tap, (long long) test_lookup(&table, 1), 0,
               "nothing is found in a set of %s", name);
    tap_number(tap, test_store(&table, 1, 10, &evicted),
               alive ? NGX_DECLINED : NGX_OK, "a set of %s is %s", name,
               alive ? "left alone" : "taken over");

    if (alive) {
        test_head(&table)->lock = lock;

        tap_ok(tap, test_lookup(&table, 1) == 1 && test_lookup(&table, 2) == 2,
               "and all of it is found afterwards");
        tap_number(tap, test_store(&table, 1, 10, &evicted), NGX_OK,
                   "and can be stored to");
        return;
    }

    tap_ok(tap, test_lookup(&table, 1) == 1 && test_lookup(&table, 2) == 0,
           "and emptied");
    tap_ok(tap, test_head(&table)->lock > lock,
           "and readers of before see that");
}


/* each bit of an entry and of its tag, one at a time */

static void
test_damage(tap_t *tap)
{
    size_t                    i;
    u_char                   *entry, *tag;
    unsigned                  found;
    ngx_uint_t                evicted, way;
    ngx_sendkit_auth_table_t  table;

    test_table(&table, 1);
    (void) test_store(&table, 1, 0x0102030405060708, &evicted);

    for (way = 0; test_head(&table)->tags[way] == 0; way++) {
        /* void */
    }

    entry = table.sets + NGX_SENDKIT_AUTH_TABLE_LINE + way * TEST_SIZE;
    tag = (u_char *) &test_head(&table)->tags[way];

    found = 0;

    for (i = 0; i < TEST_SIZE * 8; i++) {
        entry[i / 8] ^= (u_char) (1 << i % 8);
        found += test_lookup(&table, 1) != 0;
        entry[i / 8] ^= (u_char) (1 << i % 8);
    }

    tap_number(tap, found, 0, "an entry with a wrong bit is not found");

    found = 0;

    for (i = 0; i < sizeof(uint16_t) * 8; i++) {
        tag[i / 8] ^= (u_char) (1 << i % 8);
        found += test_lookup(&table, 1) != 0;
        tag[i / 8] ^= (u_char) (1 << i % 8);
    }

    tap_number(tap, found, 0, "nor one with a wrong tag");
    tap_number(tap, (long long) test_lookup(&table, 1), 1,
               "without it, it is");
}


static void
test_table(ngx_sendkit_auth_table_t *table, uint32_t nsets)
{
    table->sets = test_memory;
    table->nsets = nsets;
    table->size = TEST_SIZE;
    table->name_len = TEST_NAME_LEN;
    table->seed = TEST_SEED;

    memset(test_memory, 0,
           nsets * ngx_sendkit_auth_table_set_size(TEST_SIZE));
}


static test_head_t *
test_head(const ngx_sendkit_auth_table_t *table)
{
    return (test_head_t *) table->sets;
}


/* entries that are not empty, in all sets */

static unsigned
test_used(const ngx_sendkit_auth_table_t *table)
{
    unsigned      n, used, way;
    test_head_t  *head;

    used = 0;

    for (n = 0; n < table->nsets; n++) {
        head = (test_head_t *) (table->sets
                         + n * ngx_sendkit_auth_table_set_size(TEST_SIZE));

        for (way = 0; way < NGX_SENDKIT_AUTH_TABLE_WAYS; way++) {
            used += head->tags[way] != 0;
        }
    }

    return used;
}


static ngx_int_t
test_store(const ngx_sendkit_auth_table_t *table, uint64_t name,
    uint64_t expires, ngx_uint_t *evicted)
{
    ngx_sendkit_auth_entry_t  entry;

    memset(&entry, 0, sizeof(ngx_sendkit_auth_entry_t));

    test_name(entry.bytes, name);
    memcpy(entry.bytes + TEST_NAME_LEN, &name, sizeof(uint64_t));
    entry.expires = expires;
    entry.generation = 0x80000001;

    return ngx_sendkit_auth_table_store(table, &entry, test_is_alive, NULL,
                                        evicted);
}


/* the value, which is the number of the name; 0: a miss */

static uint64_t
test_lookup(const ngx_sendkit_auth_table_t *table, uint64_t name)
{
    u_char                    bytes[TEST_NAME_LEN];
    uint64_t                  value;
    ngx_sendkit_auth_entry_t  entry;

    test_name(bytes, name);

    if (ngx_sendkit_auth_table_lookup(table, bytes, &entry) != NGX_OK) {
        return 0;
    }

    memcpy(&value, entry.bytes + TEST_NAME_LEN, sizeof(uint64_t));

    return value;
}


/*
 * A name of four words.  The hash goes through them one by one, and each step
 * can be undone: the last word is what leads to the hash that is wanted.
 */

static void
test_name(u_char *name, uint64_t n)
{
    uint64_t  hash, want, words[4];

    words[0] = n;
    words[1] = n * 3;
    words[2] = ~n;
    words[3] = n * 0x9e3779b97f4a7c15;

    if (test_hash != 0) {
        hash = TEST_SEED ^ TEST_NAME_LEN;

        for (n = 0; n < 3; n++) {
            hash = (hash ^ words[n]) * 0x9e3779b97f4a7c15;
            hash ^= hash >> 32;
        }

        want = test_hash ^ (test_hash >> 32);
        want *= test_inverse(0xbf58476d1ce4e5b9);

        /* once for the bytes behind the last word, of which there are none */

        for (n = 0; n < 2; n++) {
            want ^= want >> 32;
            want *= test_inverse(0x9e3779b97f4a7c15);
        }

        words[3] = want ^ hash;
    }

    memcpy(name, words, TEST_NAME_LEN);
}


/* modulo 2^64, by Newton's method */

static uint64_t
test_inverse(uint64_t odd)
{
    unsigned  i;
    uint64_t  x;

    x = odd;

    for (i = 0; i < 6; i++) {
        x *= 2 - odd * x;
    }

    return x;
}


static ngx_uint_t
test_is_alive(void *data, const ngx_sendkit_auth_entry_t *entry)
{
    return entry->expires != TEST_DEAD;
}
