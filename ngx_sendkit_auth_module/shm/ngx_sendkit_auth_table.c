
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_table.h"


#define NGX_SENDKIT_AUTH_TABLE_CHOICES  2   /* sets in which a name may be */

#define NGX_SENDKIT_AUTH_TABLE_HEAD     24  /* bytes: all but name and value */

/* the lock of a set: in the upper half a number that each writer increments,
   in the lower one the pid of the writer at work */

#define NGX_SENDKIT_AUTH_TABLE_NEXT     ((uint64_t) 1 << 32)
#define NGX_SENDKIT_AUTH_TABLE_OWNER    0xffffffff


/* entries follow */

typedef struct {
    uint64_t     lock;
    uint16_t     tags[NGX_SENDKIT_AUTH_TABLE_WAYS];     /* 0: empty */
    u_char       unused[24];
} ngx_sendkit_auth_set_t;


/* for an entry, as it was seen without the lock of the set */

typedef struct {
    ngx_sendkit_auth_set_t  *set;
    uint64_t                 lock;      /* before that */
    ngx_uint_t               way;
    ngx_uint_t               room;      /* of the set; 0: evicts */
} ngx_sendkit_auth_place_t;


_Static_assert(sizeof(ngx_sendkit_auth_set_t) == NGX_SENDKIT_AUTH_TABLE_LINE,
               "the head of a set is a cache line");
_Static_assert(offsetof(ngx_sendkit_auth_entry_t, bytes) == 20
               && NGX_SENDKIT_AUTH_TABLE_HEAD >= 20,
               "an entry has no holes");


static ngx_sendkit_auth_set_t *ngx_sendkit_auth_table_set(
    const ngx_sendkit_auth_table_t *table, uint64_t hash, ngx_uint_t choice);
static uint16_t ngx_sendkit_auth_table_tag(uint64_t hash);
static uint64_t *ngx_sendkit_auth_table_entry(
    const ngx_sendkit_auth_table_t *table, ngx_sendkit_auth_set_t *set,
    ngx_uint_t way);
static void ngx_sendkit_auth_table_load(ngx_sendkit_auth_entry_t *entry,
    const uint64_t *from, size_t size);
static ngx_int_t ngx_sendkit_auth_table_search(
    const ngx_sendkit_auth_table_t *table, ngx_sendkit_auth_set_t *set,
    uint16_t tag, const u_char *name, ngx_sendkit_auth_entry_t *entry);
static uint32_t ngx_sendkit_auth_table_sum(
    const ngx_sendkit_auth_table_t *table,
    const ngx_sendkit_auth_entry_t *entry);

static void ngx_sendkit_auth_table_choose(
    const ngx_sendkit_auth_table_t *table, uint64_t hash,
    const ngx_sendkit_auth_entry_t *entry,
    ngx_sendkit_auth_table_pt is_alive, void *data,
    ngx_sendkit_auth_place_t *chosen);
static void ngx_sendkit_auth_table_place(
    const ngx_sendkit_auth_table_t *table, uint16_t tag,
    const ngx_sendkit_auth_entry_t *entry,
    ngx_sendkit_auth_table_pt is_alive, void *data,
    ngx_sendkit_auth_place_t *place);
static ngx_int_t ngx_sendkit_auth_table_lock(
    const ngx_sendkit_auth_place_t *place, uint64_t *held);
static void ngx_sendkit_auth_table_unlock(ngx_sendkit_auth_set_t *set,
    uint64_t held);


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
    uint16_t                 tag;
    uint64_t                 hash;
    ngx_uint_t               choice;
    ngx_sendkit_auth_set_t  *set;

    hash = ngx_sendkit_auth_table_hash(table->seed, name, table->name_len);
    tag = ngx_sendkit_auth_table_tag(hash);

    for (choice = 0; choice < NGX_SENDKIT_AUTH_TABLE_CHOICES; choice++) {
        set = ngx_sendkit_auth_table_set(table, hash, choice);

        if (ngx_sendkit_auth_table_search(table, set, tag, name, entry)
            == NGX_OK)
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
    uint64_t                  hash, held, word, *to;
    ngx_uint_t                i;
    ngx_sendkit_auth_place_t  place;

    *evicted = 0;

    hash = ngx_sendkit_auth_table_hash(table->seed, entry->bytes,
                                       table->name_len);

    ngx_sendkit_auth_table_choose(table, hash, entry, is_alive, data, &place);

    if (ngx_sendkit_auth_table_lock(&place, &held) != NGX_OK) {
        return NGX_DECLINED;
    }

    *evicted = place.room == 0;

    to = ngx_sendkit_auth_table_entry(table, place.set, place.way);

    entry->sum = ngx_sendkit_auth_table_sum(table, entry);

    for (i = 0; i < table->size / sizeof(uint64_t); i++) {
        ngx_memcpy(&word, (u_char *) entry + i * sizeof(uint64_t),
                   sizeof(uint64_t));
        __atomic_store_n(&to[i], word, __ATOMIC_RELAXED);
    }

    __atomic_store_n(&place.set->tags[place.way],
                     ngx_sendkit_auth_table_tag(hash), __ATOMIC_RELAXED);

    ngx_sendkit_auth_table_unlock(place.set, held);

    return NGX_OK;
}


/* one of the sets of a name; they may be the same */

static ngx_sendkit_auth_set_t *
ngx_sendkit_auth_table_set(const ngx_sendkit_auth_table_t *table,
    uint64_t hash, ngx_uint_t choice)
{
    size_t  n;

    if (choice != 0) {
        hash = ngx_sendkit_auth_table_mix(hash, choice);
    }

    n = (size_t) (((hash >> 32) * table->nsets) >> 32);

    return (ngx_sendkit_auth_set_t *)
               (table->sets + n * ngx_sendkit_auth_table_set_size(table->size));
}


static uint16_t
ngx_sendkit_auth_table_tag(uint64_t hash)
{
    return (uint16_t) (hash | 1);
}


static uint64_t *
ngx_sendkit_auth_table_entry(const ngx_sendkit_auth_table_t *table,
    ngx_sendkit_auth_set_t *set, ngx_uint_t way)
{
    return (uint64_t *) ((u_char *) (set + 1) + way * table->size);
}


/* another process may write to it at the same time */

static void
ngx_sendkit_auth_table_load(ngx_sendkit_auth_entry_t *entry,
    const uint64_t *from, size_t size)
{
    uint64_t    word;
    ngx_uint_t  i;

    for (i = 0; i < size / sizeof(uint64_t); i++) {
        word = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
        ngx_memcpy((u_char *) entry + i * sizeof(uint64_t), &word,
                   sizeof(uint64_t));
    }
}


static ngx_int_t
ngx_sendkit_auth_table_search(const ngx_sendkit_auth_table_t *table,
    ngx_sendkit_auth_set_t *set, uint16_t tag, const u_char *name,
    ngx_sendkit_auth_entry_t *entry)
{
    uint64_t    lock;
    ngx_uint_t  way;

    lock = __atomic_load_n(&set->lock, __ATOMIC_ACQUIRE);

    if (lock & NGX_SENDKIT_AUTH_TABLE_OWNER) {
        return NGX_DECLINED;
    }

    for (way = 0; way < NGX_SENDKIT_AUTH_TABLE_WAYS; way++) {

        if (__atomic_load_n(&set->tags[way], __ATOMIC_RELAXED) != tag) {
            continue;
        }

        ngx_sendkit_auth_table_load(entry,
                             ngx_sendkit_auth_table_entry(table, set, way),
                             table->size);

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
 * In the set that has the name already, or else the one with more room, so
 * that all fill up alike.  Others may store the name at the same time: it may
 * get into both of its sets, and is good in each for as long as it is true.
 */

static void
ngx_sendkit_auth_table_choose(const ngx_sendkit_auth_table_t *table,
    uint64_t hash, const ngx_sendkit_auth_entry_t *entry,
    ngx_sendkit_auth_table_pt is_alive, void *data,
    ngx_sendkit_auth_place_t *chosen)
{
    uint16_t                  tag;
    ngx_uint_t                choice;
    ngx_sendkit_auth_place_t  place;

    tag = ngx_sendkit_auth_table_tag(hash);

    for (choice = 0; choice < NGX_SENDKIT_AUTH_TABLE_CHOICES; choice++) {

        place.set = ngx_sendkit_auth_table_set(table, hash, choice);

        ngx_sendkit_auth_table_place(table, tag, entry, is_alive, data,
                                     &place);

        if (choice == 0 || place.room > chosen->room) {
            *chosen = place;
        }
    }
}


/*
 * Where in its set an entry is to stand: the name's own place, which counts
 * as the most room; one that is empty or dead; or else any.  If it were the
 * oldest, a few more than there is room for, used in turn, would drive each
 * other out, and none would ever be found.
 */

static void
ngx_sendkit_auth_table_place(const ngx_sendkit_auth_table_t *table,
    uint16_t tag, const ngx_sendkit_auth_entry_t *entry,
    ngx_sendkit_auth_table_pt is_alive, void *data,
    ngx_sendkit_auth_place_t *place)
{
    uint16_t                  found;
    uint64_t                 *from;
    ngx_uint_t                way;
    ngx_sendkit_auth_entry_t  other;

    place->lock = __atomic_load_n(&place->set->lock, __ATOMIC_ACQUIRE);
    place->way = ngx_sendkit_auth_table_mix(entry->expires, tag)
                 % NGX_SENDKIT_AUTH_TABLE_WAYS;
    place->room = 0;

    for (way = 0; way < NGX_SENDKIT_AUTH_TABLE_WAYS; way++) {

        from = ngx_sendkit_auth_table_entry(table, place->set, way);
        found = __atomic_load_n(&place->set->tags[way], __ATOMIC_RELAXED);

        ngx_sendkit_auth_table_load(&other, from,
                                    found == tag ? table->size
                                                 : NGX_SENDKIT_AUTH_TABLE_HEAD);

        if (found == tag
            && ngx_memcmp(other.bytes, entry->bytes, table->name_len) == 0)
        {
            place->way = way;
            place->room = NGX_SENDKIT_AUTH_TABLE_WAYS + 1;
            break;
        }

        if (found == 0 || !is_alive(data, &other)) {
            place->way = way;
            place->room++;
        }
    }

    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}


/*
 * Not if somebody has stored to the set meanwhile.  A set is taken over from a
 * process that is gone, and emptied: what it has left may be half an entry.
 * Never from one that lives, however long it takes: it may have been stopped
 * and go on writing later.
 */

static ngx_int_t
ngx_sendkit_auth_table_lock(const ngx_sendkit_auth_place_t *place,
    uint64_t *held)
{
    uint64_t    lock, own;
    ngx_uint_t  way;
    ngx_pid_t   owner;

    lock = place->lock;
    owner = (ngx_pid_t) (lock & NGX_SENDKIT_AUTH_TABLE_OWNER);

    if (owner != 0 && owner != ngx_pid
        && (kill(owner, 0) == 0 || ngx_errno != NGX_ESRCH))
    {
        return NGX_DECLINED;
    }

    own = (lock & ~(uint64_t) NGX_SENDKIT_AUTH_TABLE_OWNER)
          + NGX_SENDKIT_AUTH_TABLE_NEXT + (uint64_t) ngx_pid;

    if (!__atomic_compare_exchange_n(&place->set->lock, &lock, own, 0,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    {
        return NGX_DECLINED;
    }

    __atomic_thread_fence(__ATOMIC_RELEASE);

    if (owner != 0) {
        for (way = 0; way < NGX_SENDKIT_AUTH_TABLE_WAYS; way++) {
            __atomic_store_n(&place->set->tags[way], 0, __ATOMIC_RELAXED);
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
