
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * The cache under processes that die.  Children look up and store names out
 * of a small space; the parent changes what is true about them, invalidates,
 * flushes, and stops, kills and replaces children at random moments.  What a
 * name stands for follows from the name and a version, so each hit is checked
 * as a whole, and it must be of a version that was still true when the lookup
 * began.
 *
 *   cache_stress [SECONDS]     5, or STRESS_TIME in the environment
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "ngx_sendkit_auth_cache.h"
#include "ngx_sendkit_auth_memory.h"
#include "nginx_core.h"
#include "tap.h"


#define STRESS_CHILDREN     4
#define STRESS_NAMES        256
#define STRESS_HOT          4       /* half of the time it is one of these */
#define STRESS_MEMORY       32768
#define STRESS_TTL          50      /* ms */
#define STRESS_NEGATIVE     5
#define STRESS_OWNER        0xffffffff

/* of four versions of a name, the one of which there is none */
#define STRESS_ABSENT       3


/* what the program counts, a cache line for each child */

typedef struct {
    uint64_t              lookups;
    uint64_t              hits;         /* with a "no", too */
    uint64_t              negatives;
    uint64_t              stores;
    uint64_t              unused[4];
} stress_counts_t;


/* what the processes share, the memory of the cache apart */

typedef struct {
    uint64_t              versions[STRESS_NAMES];   /* true now, in "Redis" */
    uint64_t              told[STRESS_NAMES];       /* its push has arrived */
    stress_counts_t       counts[STRESS_CHILDREN];
    uint32_t              failed;
    char                  failure[256];
} stress_shared_t;


typedef struct {
    sendkit_id_t          workspace;
    sendkit_id_t          user;
    sendkit_digest_t      digest;
    ngx_uint_t            origin;
    char                  key[16];      /* in "Redis" */
} stress_name_t;


typedef struct {
    stress_name_t              names[STRESS_NAMES];
    pid_t                      children[STRESS_CHILDREN];
    stress_shared_t           *shared;
    ngx_sendkit_auth_cache_t  *cache;
    uint64_t                   random;
    uint64_t                   kills;
    uint64_t                   stops;
    uint64_t                   held;    /* sets of children that were killed */
    uint64_t                   changes;
} stress_t;


static int stress_init(stress_t *stress);
static void stress_make_name(stress_name_t *name, uint64_t n);
static void stress_make_id(sendkit_id_t *id, uint64_t n);
static void stress_run(stress_t *stress, uint64_t seconds);
static void stress_spawn(stress_t *stress, ngx_uint_t child);
static void stress_change(stress_t *stress);
static void stress_disturb(stress_t *stress);
static void stress_reap(stress_t *stress, ngx_uint_t child);
static uint64_t stress_held_by(stress_t *stress, pid_t pid);

static void stress_child(stress_t *stress, ngx_uint_t child);
static void stress_record(stress_t *stress, stress_counts_t *counts,
    ngx_uint_t n);
static void stress_role(stress_t *stress, stress_counts_t *counts,
    ngx_uint_t n);
static void stress_watch(stress_t *stress, ngx_uint_t n,
    ngx_sendkit_auth_fill_t *fill);
static void stress_make_record(ngx_uint_t n, uint64_t version,
    sendkit_record_t *record);
static sendkit_role_e stress_make_role(uint64_t version);
static void stress_fail(stress_t *stress, const char *what, ngx_uint_t n,
    uint64_t got, uint64_t from, uint64_t to);

static void stress_report(stress_t *stress, tap_t *tap);
static uint64_t stress_store_all(stress_t *stress);
static ngx_uint_t stress_is_alive(void *data,
    const ngx_sendkit_auth_entry_t *entry);

static uint64_t stress_mix(uint64_t n);
static uint64_t stress_random(stress_t *stress, uint64_t n);
static uint64_t stress_choose(stress_t *stress);
static uint64_t stress_load(const uint64_t *value);
static void stress_count(uint64_t *value);
static uint64_t stress_now(void);
static void stress_pause(uint64_t us);


int
main(int argc, char **argv)
{
    tap_t        tap;
    const char  *time;
    stress_t     stress;

    memset(&tap, 0, sizeof(tap_t));

    time = argc > 1 ? argv[1] : getenv("STRESS_TIME");

    if (!stress_init(&stress)) {
        perror("cache_stress");
        return 2;
    }

    stress_run(&stress, time != NULL ? strtoul(time, NULL, 10) : 5);
    stress_report(&stress, &tap);

    return tap_done(&tap);
}


static int
stress_init(stress_t *stress)
{
    u_char                         *memory;
    ngx_uint_t                      i;
    ngx_sendkit_auth_cache_conf_t   conf;

    memset(stress, 0, sizeof(stress_t));

    memory = mmap(NULL, STRESS_MEMORY + sizeof(stress_shared_t),
                  PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return 0;
    }

    stress->shared = (stress_shared_t *) (memory + STRESS_MEMORY);
    stress->random = (uint64_t) getpid();

    for (i = 0; i < STRESS_NAMES; i++) {
        stress_make_name(&stress->names[i], i);
        stress->shared->versions[i] = 1;
        stress->shared->told[i] = 1;
    }

    conf.ttl = STRESS_TTL;
    conf.negative_ttl = STRESS_NEGATIVE;
    conf.lease = 0;

    stress->cache = ngx_sendkit_auth_cache_create(NULL, &conf);

    if (stress->cache == NULL
        || ngx_sendkit_auth_cache_attach(stress->cache, memory, STRESS_MEMORY,
                                         stress_mix(stress->random))
           != NGX_OK)
    {
        return 0;
    }

    (void) ngx_sendkit_auth_cache_no_channel(stress->cache, 0);

    return 1;
}


static void
stress_make_name(stress_name_t *name, uint64_t n)
{
    uint64_t    word;
    ngx_uint_t  i;

    for (i = 0; i < SENDKIT_DIGEST_LEN; i += sizeof(uint64_t)) {
        word = stress_mix(n + i * STRESS_NAMES);
        memcpy(name->digest.bytes + i, &word, sizeof(uint64_t));
    }

    stress_make_id(&name->workspace, n);
    stress_make_id(&name->user, n + STRESS_NAMES);

    name->origin = (n / 2) % 2;
    (void) snprintf(name->key, sizeof(name->key), "key:%u", (unsigned) n);
}


static void
stress_make_id(sendkit_id_t *id, uint64_t n)
{
    ngx_uint_t  i;

    n = stress_mix(n);

    memset(id, 0, sizeof(sendkit_id_t));
    id->len = (unsigned char) (1 + n % SENDKIT_ID_MAX);

    for (i = 0; i < id->len; i++) {
        id->data[i] = (unsigned char) ('a' + n % 23);
        n = n * 6364136223846793005 + 1442695040888963407;
        n ^= n >> 33;
    }
}


static void
stress_run(stress_t *stress, uint64_t seconds)
{
    uint64_t    end;
    ngx_uint_t  i;

    end = stress_now() + seconds * 1000;

    for (i = 0; i < STRESS_CHILDREN; i++) {
        stress_spawn(stress, i);
    }

    while (stress_now() < end
           && !__atomic_load_n(&stress->shared->failed, __ATOMIC_ACQUIRE))
    {
        for (i = stress_random(stress, 64); i != 0; i--) {
            stress_change(stress);

            if (i % 8 == 0) {
                stress_pause(stress_random(stress, 200));
            }
        }

        stress_disturb(stress);
    }

    for (i = 0; i < STRESS_CHILDREN; i++) {
        (void) kill(stress->children[i], SIGKILL);
        stress_reap(stress, i);
    }
}


static void
stress_spawn(stress_t *stress, ngx_uint_t child)
{
    pid_t     pid;
    uint64_t  random;

    random = stress_random(stress, UINT64_MAX);

    pid = fork();

    if (pid == -1) {
        stress_fail(stress, "fork() failed", child, (uint64_t) errno, 0, 0);
        return;
    }

    if (pid != 0) {
        stress->children[child] = pid;
        return;
    }

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

    ngx_pid = getpid();
    ngx_worker = child;
    stress->random = random;

    stress_child(stress, child);

    _exit(1);
}


/* a write to "Redis", and what it pushes */

static void
stress_change(stress_t *stress)
{
    uint64_t          i, first, n;
    sendkit_span_t    name;
    stress_shared_t  *shared;

    shared = stress->shared;
    first = stress_choose(stress);
    n = stress_random(stress, 100) == 0 ? STRESS_NAMES - first : 1;

    for (i = first; i < first + n; i++) {
        (void) __atomic_fetch_add(&shared->versions[i], 1, __ATOMIC_SEQ_CST);
    }

    if (n == 1) {
        name = tap_text(stress->names[first].key);
        ngx_sendkit_auth_cache_invalidate(stress->cache, name);

    } else {
        ngx_sendkit_auth_cache_flush(stress->cache);
    }

    for (i = first; i < first + n; i++) {
        __atomic_store_n(&shared->told[i], shared->versions[i],
                         __ATOMIC_SEQ_CST);
    }

    stress->changes += n;
}


static void
stress_disturb(stress_t *stress)
{
    pid_t       pid;
    ngx_uint_t  child;

    child = stress_random(stress, STRESS_CHILDREN);
    pid = stress->children[child];

    if (stress_random(stress, 8) == 0) {
        stress->stops++;

        (void) kill(pid, SIGSTOP);
        stress_pause(stress_random(stress, 5000));
        (void) kill(pid, SIGCONT);

        return;
    }

    stress->kills++;

    (void) kill(pid, SIGKILL);
    stress_reap(stress, child);
    stress_spawn(stress, child);
}


static void
stress_reap(stress_t *stress, ngx_uint_t child)
{
    int    status;
    pid_t  pid;

    pid = stress->children[child];

    if (waitpid(pid, &status, 0) != pid
        || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
    {
        stress_fail(stress, "a child ended by itself", child,
                    (uint64_t) status, 0, 0);
    }

    stress->held += stress_held_by(stress, pid);
}


/* a set begins with its lock, and the lower half of that is its owner */

static uint64_t
stress_held_by(stress_t *stress, pid_t pid)
{
    size_t                     size;
    uint64_t                   held, *lock;
    ngx_uint_t                 i, n;
    ngx_sendkit_auth_table_t  *table;

    held = 0;

    for (i = 0; i < NGX_SENDKIT_AUTH_NTABLES; i++) {
        table = &stress->cache->tables[i];
        size = ngx_sendkit_auth_table_set_size(table->size);

        for (n = 0; n < table->nsets; n++) {
            lock = (uint64_t *) (table->sets + n * size);
            held += (stress_load(lock) & STRESS_OWNER) == (uint64_t) pid;
        }
    }

    return held;
}


static void
stress_child(stress_t *stress, ngx_uint_t child)
{
    ngx_uint_t        n;
    stress_counts_t  *counts;

    counts = &stress->shared->counts[child];

    while (!__atomic_load_n(&stress->shared->failed, __ATOMIC_RELAXED)) {
        n = stress_choose(stress);

        stress_count(&counts->lookups);

        if (n % 2 == 0) {
            stress_record(stress, counts, n);

        } else {
            stress_role(stress, counts, n);
        }
    }

    for ( ;; ) {
        (void) pause();
    }
}


static void
stress_record(stress_t *stress, stress_counts_t *counts, ngx_uint_t n)
{
    uint64_t                  from, to, version;
    ngx_uint_t                origin;
    stress_name_t            *name;
    sendkit_record_t          record, expected;
    ngx_sendkit_auth_fill_t   fill;

    name = &stress->names[n];
    origin = stress_random(stress, 2);
    from = stress_load(&stress->shared->told[n]);

    if (ngx_sendkit_auth_cache_find_record(stress->cache, stress_now(),
                                           &name->digest, origin, &record)
        != NGX_OK)
    {
        stress_watch(stress, n, &fill);
        version = stress_load(&stress->shared->versions[n]);
        stress_make_record(n, version, &record);

        ngx_sendkit_auth_cache_store_record(stress->cache, &fill,
                                            &name->digest, name->origin,
                                            &record);
        stress_count(&counts->stores);
        return;
    }

    to = stress_load(&stress->shared->versions[n]);
    stress_count(&counts->hits);

    if (record.state == SENDKIT_RECORD_FOUND) {
        version = (uint64_t) record.expires;

    } else {
        stress_count(&counts->negatives);
        version = from + (STRESS_ABSENT + 4 - from % 4) % 4;

        if (origin != name->origin) {
            stress_fail(stress, "the \"no\" of another origin", n, version,
                        from, to);
        }
    }

    stress_make_record(n, version, &expected);

    if (version < from || version > to
        || memcmp(&record, &expected, sizeof(sendkit_record_t)) != 0)
    {
        stress_fail(stress, "a wrong record", n, version, from, to);
    }
}


static void
stress_role(stress_t *stress, stress_counts_t *counts, ngx_uint_t n)
{
    uint64_t                  from, to, version;
    ngx_uint_t                origin;
    stress_name_t            *name;
    sendkit_role_e            role;
    ngx_sendkit_auth_fill_t   fill;

    name = &stress->names[n];
    origin = stress_random(stress, 2);
    from = stress_load(&stress->shared->told[n]);

    if (ngx_sendkit_auth_cache_find_role(stress->cache, stress_now(),
                                         &name->workspace, &name->user,
                                         origin, &role)
        != NGX_OK)
    {
        stress_watch(stress, n, &fill);
        version = stress_load(&stress->shared->versions[n]);

        ngx_sendkit_auth_cache_store_role(stress->cache, &fill,
                                          &name->workspace, &name->user,
                                          name->origin,
                                          stress_make_role(version));
        stress_count(&counts->stores);
        return;
    }

    to = stress_load(&stress->shared->versions[n]);
    stress_count(&counts->hits);

    if (role == SENDKIT_ROLE_NONE) {
        stress_count(&counts->negatives);

        if (origin != name->origin) {
            stress_fail(stress, "the \"no\" of another origin", n, 0, from,
                        to);
        }
    }

    /* a role does not say its version: it is that of one of them */

    for (version = from; version <= to; version++) {
        if (role == stress_make_role(version)) {
            return;
        }
    }

    stress_fail(stress, "a wrong role", n, (uint64_t) role, from, to);
}


/* a role may depend on two names */

static void
stress_watch(stress_t *stress, ngx_uint_t n, ngx_sendkit_auth_fill_t *fill)
{
    ngx_sendkit_auth_cache_start(stress->cache, stress_now(), fill);
    ngx_sendkit_auth_cache_watch(stress->cache, fill,
                                 tap_text(stress->names[n].key));

    if (n % 4 == 3) {
        ngx_sendkit_auth_cache_watch(stress->cache, fill,
                                     tap_text(stress->names[n / 2].key));
    }
}


static void
stress_make_record(ngx_uint_t n, uint64_t version, sendkit_record_t *record)
{
    uint64_t  mixed;

    memset(record, 0, sizeof(sendkit_record_t));

    if (version % 4 == STRESS_ABSENT) {
        record->state = SENDKIT_RECORD_ABSENT;
        return;
    }

    mixed = stress_mix(n + version * STRESS_NAMES);

    record->state = SENDKIT_RECORD_FOUND;
    record->kind = mixed & 1 ? SENDKIT_KEY_PLATFORM : SENDKIT_KEY_WORKSPACE;
    record->active = (mixed & 2) != 0;
    record->expires = (int64_t) version;

    stress_make_id(mixed & 1 ? &record->user : &record->workspace, mixed);
}


static sendkit_role_e
stress_make_role(uint64_t version)
{
    return version % 4 == STRESS_ABSENT ? SENDKIT_ROLE_NONE
                                        : SENDKIT_ROLE_OWNER << version % 4;
}


/* the first one is told */

static void
stress_fail(stress_t *stress, const char *what, ngx_uint_t n, uint64_t got,
    uint64_t from, uint64_t to)
{
    if (__atomic_exchange_n(&stress->shared->failed, 1, __ATOMIC_SEQ_CST)) {
        return;
    }

    (void) snprintf(stress->shared->failure, sizeof(stress->shared->failure),
                    "%s: name %lu, got %lu, true were %lu to %lu", what,
                    (unsigned long) n, (unsigned long) got,
                    (unsigned long) from, (unsigned long) to);
}


static void
stress_report(stress_t *stress, tap_t *tap)
{
    ngx_uint_t        i;
    stress_counts_t   all, *counts;

    memset(&all, 0, sizeof(stress_counts_t));

    for (i = 0; i < STRESS_CHILDREN; i++) {
        counts = &stress->shared->counts[i];
        all.lookups += counts->lookups;
        all.hits += counts->hits;
        all.negatives += counts->negatives;
        all.stores += counts->stores;
    }

    printf("# lookups %lu, hits %lu (a \"no\" %lu), stores %lu\n",
           (unsigned long) all.lookups, (unsigned long) all.hits,
           (unsigned long) all.negatives, (unsigned long) all.stores);
    printf("# changes %lu, children stopped %lu, killed %lu, of these in a "
           "set %lu\n",
           (unsigned long) stress->changes, (unsigned long) stress->stops,
           (unsigned long) stress->kills, (unsigned long) stress->held);

    if (!tap_ok(tap, !stress->shared->failed,
                "each hit was whole, of its name, and true"))
    {
        printf("# %s\n", stress->shared->failure);
    }

    tap_ok(tap, all.hits > all.lookups / 100 && all.negatives != 0,
           "there were hits, with a \"no\", too");
    tap_ok(tap, stress->held != 0, "children died while they held a set");
    tap_number(tap, (long long) stress_store_all(stress), 0,
               "after that each set can be stored to");
    tap_number(tap, (long long) stress_held_by(stress, 0),
               stress->cache->tables[0].nsets + stress->cache->tables[1].nsets
               + stress->cache->tables[2].nsets,
               "and none has an owner any more");
}


/* so many names that each set has its share; how many could not be stored */

static uint64_t
stress_store_all(stress_t *stress)
{
    uint64_t                   failed, n, word;
    ngx_uint_t                 evicted, i, k;
    ngx_sendkit_auth_table_t  *table;
    ngx_sendkit_auth_entry_t   entry, found;

    failed = 0;
    ngx_pid = getpid();

    for (i = 0; i < NGX_SENDKIT_AUTH_NTABLES; i++) {
        table = &stress->cache->tables[i];

        for (n = 0; n < 100 * table->nsets; n++) {
            memset(&entry, 0, sizeof(ngx_sendkit_auth_entry_t));

            for (k = 0; k < 4; k++) {
                word = stress_random(stress, UINT64_MAX);
                memcpy(entry.bytes + k * sizeof(uint64_t), &word,
                       sizeof(uint64_t));
            }

            entry.expires = n + 1;

            failed += ngx_sendkit_auth_table_store(table, &entry,
                                                   stress_is_alive, NULL,
                                                   &evicted)
                      != NGX_OK
                      || ngx_sendkit_auth_table_lookup(table, entry.bytes,
                                                       &found)
                         != NGX_OK
                      || memcmp(&entry, &found, table->size) != 0;
        }
    }

    return failed;
}


static ngx_uint_t
stress_is_alive(void *data, const ngx_sendkit_auth_entry_t *entry)
{
    return 1;
}


static uint64_t
stress_mix(uint64_t n)
{
    n += 0x9e3779b97f4a7c15;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
    n = (n ^ (n >> 27)) * 0x94d049bb133111eb;

    return n ^ (n >> 31);
}


/* below n */

static uint64_t
stress_random(stress_t *stress, uint64_t n)
{
    stress->random += 0x9e3779b97f4a7c15;

    return stress_mix(stress->random) % n;
}


/* a name */

static uint64_t
stress_choose(stress_t *stress)
{
    return stress_random(stress, stress_random(stress, 2) == 0 ? STRESS_HOT
                                                               : STRESS_NAMES);
}


static uint64_t
stress_load(const uint64_t *value)
{
    return __atomic_load_n(value, __ATOMIC_SEQ_CST);
}


static void
stress_count(uint64_t *value)
{
    __atomic_store_n(value, *value + 1, __ATOMIC_RELAXED);
}


static uint64_t
stress_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


static void
stress_pause(uint64_t us)
{
    struct timespec  ts;

    ts.tv_sec = 0;
    ts.tv_nsec = (long) us * 1000;

    (void) nanosleep(&ts, NULL);
}
