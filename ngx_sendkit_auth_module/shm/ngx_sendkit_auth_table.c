
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_table.h"


#define NGX_SENDKIT_AUTH_TABLE_HEAD   offsetof(ngx_sendkit_auth_entry_t, bytes)

/* the lock of a set: in the upper half a number that each writer increments,
   in the lower one the pid of the writer at work */

#define NGX_SENDKIT_AUTH_TABLE_NEXT   ((uint64_t) 1 << 32)
#define NGX_SENDKIT_AUTH_TABLE_OWNER  0xffffffff


/* entries follow */

typedef struct {
    uint64_t     lock;
    uint32_t     tags[NGX_SENDKIT_AUTH_TABLE_WAYS];     /* 0: empty */
    u_char       unused[24];
} ngx_sendkit_auth_set_t;


_Static_assert(sizeof(ngx_sendkit_auth_set_t) == NGX_SENDKIT_AUTH_TABLE_LINE,
               "the head of a set is a cache line");
_Static_assert(NGX_SENDKIT_AUTH_TABLE_HEAD == 20,
               "an entry has no holes");


static ngx_sendkit_auth_set_t *ngx_sendkit_auth_table_set(
    const ngx_sendkit_auth_table_t *table, uint64_t hash);
static uint32_t ngx_sendkit_auth_table_tag(uint64_t hash);
static uint64_t *ngx_sendkit_auth_table_entry(
    const ngx_sendkit_auth_table_t *table, ngx_sendkit_auth_set_t *set,
    ngx_uint_t way);
static void ngx_sendkit_auth_table_load(const ngx_sendkit_auth_table_t *table,
    const uint64_t *from, ngx_sendkit_auth_entry_t *entry);
static uint32_t ngx_sendkit_auth_table_sum(
    const ngx_sendkit_auth_table_t *table,
    const ngx_sendkit_auth_entry_t *entry);

static ngx_int_t ngx_sendkit_auth_table_lock(ngx_sendkit_auth_set_t *set,
    uint64_t *held);
static void ngx_sendkit_auth_table_unlock(ngx_sendkit_auth_set_t *set,
    uint64_t held);
static ngx_uint_t ngx_sendkit_auth_table_way(
    const ngx_sendkit_auth_table_t *table, ngx_sendkit_auth_set_t *set,
    uint32_t tag, const ngx_sendkit_auth_entry_t *entry,
    ngx_sendkit_auth_table_pt is_alive, void *data, ngx_uint_t *evicted);


size_t
ngx_sendkit_auth_table_set_size(size_t entry)
{
    return sizeof(ngx_sendkit_auth_set_t) + NGX_SENDKIT_AUTH_TABLE_WAYS * entry;
}


static inline uint64_t
ngx_sendkit_auth_table_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;

    return hash ^ (hash >> 32);
}


uint64_t
ngx_sendkit_auth_table_hash(uint64_t seed, const u_char *data, size_t len)
{
    uint64_t  hash, word;

    hash = seed ^ len;

    for ( /* void */ ; len >= sizeof(uint64_t); len -= sizeof(uint64_t)) {
        ngx_memcpy(&word, data, sizeof(uint64_t));
        hash = ngx_sendkit_auth_table_mix(hash, word);
        data += sizeof(uint64_t);
    }

    word = 0;
    ngx_memcpy(&word, data, len);
    hash = ngx_sendkit_auth_table_mix(hash, word) * 0xbf58476d1ce4e5b9;

    return hash ^ (hash >> 32);
}


ngx_int_t
ngx_sendkit_auth_table_lookup(const ngx_sendkit_auth_table_t *table,
    const u_char *name, ngx_sendkit_auth_entry_t *entry)
{
    uint32_t                 tag;
    uint64_t                 hash, lock;
    ngx_uint_t               way;
    ngx_sendkit_auth_set_t  *set;

    hash = ngx_sendkit_auth_table_hash(table->seed, name, table->name_len);
    set = ngx_sendkit_auth_table_set(table, hash);
    tag = ngx_sendkit_auth_table_tag(hash);

    lock = __atomic_load_n(&set->lock, __ATOMIC_ACQUIRE);

    if (lock & NGX_SENDKIT_AUTH_TABLE_OWNER) {
        return NGX_DECLINED;
    }

    for (way = 0; way < NGX_SENDKIT_AUTH_TABLE_WAYS; way++) {

        if (__atomic_load_n(&set->tags[way], __ATOMIC_RELAXED) != tag) {
            continue;
        }

        ngx_sendkit_auth_table_load(table,
                             ngx_sendkit_auth_table_entry(table, set, way),
                             entry);

        __atomic_thread_fence(__ATOMIC_ACQUIRE);

        if (__atomic_load_n(&set->lock, __ATOMIC_RELAXED) != lock) {
            return NGX_DECLINED;
        }

        if (ngx_memcmp(entry->bytes, name, table->name_len) == 0
            && entry->sum == ngx_sendkit_auth_table_sum(table, entry))
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_sendkit_auth_table_store(const ngx_sendkit_auth_table_t *table,
    ngx_sendkit_auth_entry_t *entry, ngx_sendkit_auth_table_pt is_alive,
    void *data, ngx_uint_t *evicted)
{
    uint32_t                 tag;
    uint64_t                 hash, held, word, *to;
    ngx_uint_t               i, way;
    ngx_sendkit_auth_set_t  *set;

    *evicted = 0;

    hash = ngx_sendkit_auth_table_hash(table->seed, entry->bytes,
                                       table->name_len);
    set = ngx_sendkit_auth_table_set(table, hash);
    tag = ngx_sendkit_auth_table_tag(hash);

    if (ngx_sendkit_auth_table_lock(set, &held) != NGX_OK) {
        return NGX_DECLINED;
    }

    way = ngx_sendkit_auth_table_way(table, set, tag, entry, is_alive, data,
                                     evicted);
    to = ngx_sendkit_auth_table_entry(table, set, way);

    entry->sum = ngx_sendkit_auth_table_sum(table, entry);

    for (i = 0; i < table->size / sizeof(uint64_t); i++) {
        ngx_memcpy(&word, (u_char *) entry + i * sizeof(uint64_t),
                   sizeof(uint64_t));
        __atomic_store_n(&to[i], word, __ATOMIC_RELAXED);
    }

    __atomic_store_n(&set->tags[way], tag, __ATOMIC_RELAXED);

    ngx_sendkit_auth_table_unlock(set, held);

    return NGX_OK;
}


static ngx_sendkit_auth_set_t *
ngx_sendkit_auth_table_set(const ngx_sendkit_auth_table_t *table,
    uint64_t hash)
{
    size_t  n;

    n = (size_t) (((hash >> 32) * table->nsets) >> 32);

    return (ngx_sendkit_auth_set_t *)
               (table->sets + n * ngx_sendkit_auth_table_set_size(table->size));
}


static uint32_t
ngx_sendkit_auth_table_tag(uint64_t hash)
{
    return (uint32_t) hash | 1;
}


static uint64_t *
ngx_sendkit_auth_table_entry(const ngx_sendkit_auth_table_t *table,
    ngx_sendkit_auth_set_t *set, ngx_uint_t way)
{
    return (uint64_t *) ((u_char *) (set + 1) + way * table->size);
}


/* another process may write to it at the same time */

static void
ngx_sendkit_auth_table_load(const ngx_sendkit_auth_table_t *table,
    const uint64_t *from, ngx_sendkit_auth_entry_t *entry)
{
    uint64_t    word;
    ngx_uint_t  i;

    for (i = 0; i < table->size / sizeof(uint64_t); i++) {
        word = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
        ngx_memcpy((u_char *) entry + i * sizeof(uint64_t), &word,
                   sizeof(uint64_t));
    }
}


/* of all that stands in an entry but the sum itself */

static uint32_t
ngx_sendkit_auth_table_sum(const ngx_sendkit_auth_table_t *table,
    const ngx_sendkit_auth_entry_t *entry)
{
    uint64_t    sum, word;
    ngx_uint_t  i;

    sum = entry->expires ^ entry->generation;

    for (i = 2; i < table->size / sizeof(uint64_t); i++) {
        ngx_memcpy(&word, (u_char *) entry + i * sizeof(uint64_t),
                   sizeof(uint64_t));
        sum = ngx_sendkit_auth_table_mix(sum, word);
    }

    return (uint32_t) sum;
}


/*
 * A set is taken over from a process that is gone, and emptied: what it has
 * left may be half an entry.  Never from one that lives, however long it
 * takes: it may have been stopped and go on writing later.
 */

static ngx_int_t
ngx_sendkit_auth_table_lock(ngx_sendkit_auth_set_t *set, uint64_t *held)
{
    uint64_t    lock, own;
    ngx_uint_t  way;
    ngx_pid_t   owner;

    lock = __atomic_load_n(&set->lock, __ATOMIC_RELAXED);
    owner = (ngx_pid_t) (lock & NGX_SENDKIT_AUTH_TABLE_OWNER);

    if (owner != 0 && owner != ngx_pid
        && (kill(owner, 0) == 0 || ngx_errno != NGX_ESRCH))
    {
        return NGX_DECLINED;
    }

    own = (lock & ~(uint64_t) NGX_SENDKIT_AUTH_TABLE_OWNER)
          + NGX_SENDKIT_AUTH_TABLE_NEXT + (uint64_t) ngx_pid;

    if (!__atomic_compare_exchange_n(&set->lock, &lock, own, 0,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    {
        return NGX_DECLINED;
    }

    __atomic_thread_fence(__ATOMIC_RELEASE);

    if (owner != 0) {
        for (way = 0; way < NGX_SENDKIT_AUTH_TABLE_WAYS; way++) {
            __atomic_store_n(&set->tags[way], 0, __ATOMIC_RELAXED);
        }
    }

    *held = own;

    return NGX_OK;
}


static void
ngx_sendkit_auth_table_unlock(ngx_sendkit_auth_set_t *set, uint64_t held)
{
    held &= ~(uint64_t) NGX_SENDKIT_AUTH_TABLE_OWNER;

    __atomic_store_n(&set->lock, held, __ATOMIC_RELEASE);
}


/*
 * Where in its set, which is locked, an entry is to stand.  Of those that are
 * alive any is evicted: if it were the oldest, nine that are used in turn would
 * drive each other out of a set of eight, and none would ever be found.
 */

static ngx_uint_t
ngx_sendkit_auth_table_way(const ngx_sendkit_auth_table_t *table,
    ngx_sendkit_auth_set_t *set, uint32_t tag,
    const ngx_sendkit_auth_entry_t *entry,
    ngx_sendkit_auth_table_pt is_alive, void *data, ngx_uint_t *evicted)
{
    ngx_uint_t                free, way;
    ngx_sendkit_auth_entry_t  other;

    free = NGX_SENDKIT_AUTH_TABLE_WAYS;

    for (way = 0; way < NGX_SENDKIT_AUTH_TABLE_WAYS; way++) {

        if (set->tags[way] == 0) {
            free = way;
            continue;
        }

        ngx_sendkit_auth_table_load(table,
                             ngx_sendkit_auth_table_entry(table, set, way),
                             &other);

        if (set->tags[way] == tag
            && ngx_memcmp(other.bytes, entry->bytes, table->name_len) == 0)
        {
            return way;
        }

        if (!is_alive(data, &other)) {
            free = way;
        }
    }

    if (free != NGX_SENDKIT_AUTH_TABLE_WAYS) {
        return free;
    }

    *evicted = 1;

    return ngx_sendkit_auth_table_mix(entry->expires, tag)
           % NGX_SENDKIT_AUTH_TABLE_WAYS;
}
