
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_cache.h"
#include "ngx_sendkit_auth_memory.h"


#define NGX_SENDKIT_AUTH_CACHE_VERSION  2

#define NGX_SENDKIT_AUTH_SLOTS_MAX      65536
#define NGX_SENDKIT_AUTH_SLOTS_SHARE    64      /* of the memory, one part */
#define NGX_SENDKIT_AUTH_MISSES_SHARE   32

/* the bytes of entries: names, and behind them values */

#define NGX_SENDKIT_AUTH_ROLE_NAME      sizeof(ngx_sendkit_auth_role_name_t)
#define NGX_SENDKIT_AUTH_MISS_NAME      sizeof(ngx_sendkit_auth_miss_name_t)

#define NGX_SENDKIT_AUTH_RECORD_SIZE    128
#define NGX_SENDKIT_AUTH_ROLE_SIZE      152
#define NGX_SENDKIT_AUTH_MISS_SIZE      152


typedef struct {
    u_char                        kind;
    u_char                        active;
    u_char                        id_len;
    u_char                        id[SENDKIT_ID_MAX];
    u_char                        expires[sizeof(int64_t)];
} ngx_sendkit_auth_record_value_t;


typedef struct {
    u_char                        workspace_len;
    u_char                        workspace[SENDKIT_ID_MAX];
    u_char                        user_len;
    u_char                        user[SENDKIT_ID_MAX];
} ngx_sendkit_auth_role_name_t;


/* a digest, or what names a role */

typedef struct {
    u_char                        origin;
    u_char                        of_role;
    u_char                        name[NGX_SENDKIT_AUTH_ROLE_NAME];
} ngx_sendkit_auth_miss_name_t;


_Static_assert(offsetof(ngx_sendkit_auth_entry_t, bytes)
               + SENDKIT_DIGEST_LEN + sizeof(ngx_sendkit_auth_record_value_t)
               <= NGX_SENDKIT_AUTH_RECORD_SIZE,
               "a record fits into an entry");
_Static_assert(offsetof(ngx_sendkit_auth_entry_t, bytes)
               + NGX_SENDKIT_AUTH_ROLE_NAME + 1 <= NGX_SENDKIT_AUTH_ROLE_SIZE,
               "a role fits into an entry");
_Static_assert(offsetof(ngx_sendkit_auth_entry_t, bytes)
               + NGX_SENDKIT_AUTH_MISS_NAME <= NGX_SENDKIT_AUTH_MISS_SIZE,
               "a miss fits into an entry");
_Static_assert(NGX_SENDKIT_AUTH_ROLE_SIZE <= sizeof(ngx_sendkit_auth_entry_t)
               && NGX_SENDKIT_AUTH_MISS_SIZE
                  <= sizeof(ngx_sendkit_auth_entry_t),
               "entries fit into their copies");


/* for which it is asked whether an entry is alive */

typedef struct {
    const ngx_sendkit_auth_cache_t  *cache;
    uint64_t                         now;
} ngx_sendkit_auth_moment_t;


static void ngx_sendkit_auth_cache_lay_out(ngx_sendkit_auth_cache_t *cache,
    u_char *memory, size_t size);
static uint32_t ngx_sendkit_auth_cache_nsets(size_t size, size_t set);

static ngx_int_t ngx_sendkit_auth_cache_find(
    const ngx_sendkit_auth_cache_t *cache, uint64_t now,
    ngx_sendkit_auth_table_e which, const void *name,
    ngx_sendkit_auth_entry_t *entry);
static void ngx_sendkit_auth_cache_store(ngx_sendkit_auth_cache_t *cache,
    const ngx_sendkit_auth_fill_t *fill, ngx_sendkit_auth_table_e which,
    const void *name, const void *value, size_t len);
static ngx_uint_t ngx_sendkit_auth_cache_is_alive(void *data,
    const ngx_sendkit_auth_entry_t *entry);

static void ngx_sendkit_auth_cache_role_name(
    ngx_sendkit_auth_role_name_t *name, const sendkit_id_t *workspace,
    const sendkit_id_t *user);
static void ngx_sendkit_auth_cache_miss_name(
    ngx_sendkit_auth_miss_name_t *miss, ngx_uint_t origin,
    ngx_uint_t of_role, const void *name, size_t len);


ngx_sendkit_auth_cache_t *
ngx_sendkit_auth_cache_create(ngx_pool_t *pool,
    const ngx_sendkit_auth_cache_conf_t *conf)
{
    ngx_sendkit_auth_cache_t  *cache;

    cache = ngx_pcalloc(pool, sizeof(ngx_sendkit_auth_cache_t));
    if (cache == NULL) {
        return NULL;
    }

    cache->conf = *conf;

    return cache;
}


ngx_int_t
ngx_sendkit_auth_cache_attach(ngx_sendkit_auth_cache_t *cache, u_char *memory,
    size_t size, uint64_t seed)
{
    ngx_uint_t                        i;
    ngx_sendkit_auth_cache_shared_t  *shared;

    if (size < NGX_SENDKIT_AUTH_CACHE_MIN / 2) {
        return NGX_ERROR;
    }

    ngx_sendkit_auth_cache_lay_out(cache, memory, size);

    for (i = 0; i < NGX_SENDKIT_AUTH_NTABLES; i++) {
        if (cache->tables[i].nsets == 0) {
            return NGX_ERROR;
        }
    }

    shared = cache->shared;

    if (shared->version == 0) {
        shared->version = NGX_SENDKIT_AUTH_CACHE_VERSION;
        shared->size = size;
        shared->seed = seed;
    }

    for (i = 0; i < NGX_SENDKIT_AUTH_NTABLES; i++) {
        cache->tables[i].seed = shared->seed;
    }

    return shared->version == NGX_SENDKIT_AUTH_CACHE_VERSION
           && shared->size == size ? NGX_OK : NGX_ERROR;
}


/* head, generations, misses; the rest for as many records as roles */

static void
ngx_sendkit_auth_cache_lay_out(ngx_sendkit_auth_cache_t *cache,
    u_char *memory, size_t size)
{
    size_t                     left, record, role;
    u_char                    *p, *end;
    ngx_uint_t                 i;
    ngx_sendkit_auth_table_t  *tables;

    static const ngx_sendkit_auth_table_t  shape[NGX_SENDKIT_AUTH_NTABLES] = {
        { NULL, 0, NGX_SENDKIT_AUTH_RECORD_SIZE, SENDKIT_DIGEST_LEN, 0 },
        { NULL, 0, NGX_SENDKIT_AUTH_ROLE_SIZE, NGX_SENDKIT_AUTH_ROLE_NAME, 0 },
        { NULL, 0, NGX_SENDKIT_AUTH_MISS_SIZE, NGX_SENDKIT_AUTH_MISS_NAME, 0 }
    };

    end = memory + size;
    p = memory;

    cache->shared = (ngx_sendkit_auth_cache_shared_t *) p;
    p += sizeof(ngx_sendkit_auth_cache_shared_t);

    cache->generations = (uint32_t *) p;
    cache->nslots = NGX_SENDKIT_AUTH_SLOTS_MAX;

    while (cache->nslots * sizeof(uint32_t)
           > size / NGX_SENDKIT_AUTH_SLOTS_SHARE)
    {
        cache->nslots /= 2;
    }

    p += cache->nslots * sizeof(uint32_t);

    tables = cache->tables;
    ngx_memcpy(tables, shape, sizeof(shape));

    tables[NGX_SENDKIT_AUTH_TABLE_MISSES].nsets = ngx_max(1,
        ngx_sendkit_auth_cache_nsets(size / NGX_SENDKIT_AUTH_MISSES_SHARE,
                                     NGX_SENDKIT_AUTH_MISS_SIZE));
    record = ngx_sendkit_auth_table_set_size(NGX_SENDKIT_AUTH_RECORD_SIZE);
    role = ngx_sendkit_auth_table_set_size(NGX_SENDKIT_AUTH_ROLE_SIZE);

    left = (size_t) (end - p)
           - tables[NGX_SENDKIT_AUTH_TABLE_MISSES].nsets
             * ngx_sendkit_auth_table_set_size(NGX_SENDKIT_AUTH_MISS_SIZE);

    tables[NGX_SENDKIT_AUTH_TABLE_RECORDS].nsets = left / (record + role);
    tables[NGX_SENDKIT_AUTH_TABLE_ROLES].nsets = left / (record + role);

    for (i = 0; i < NGX_SENDKIT_AUTH_NTABLES; i++) {
        tables[i].sets = p;
        p += tables[i].nsets * ngx_sendkit_auth_table_set_size(tables[i].size);
    }
}


static uint32_t
ngx_sendkit_auth_cache_nsets(size_t size, size_t entry)
{
    return (uint32_t) (size / ngx_sendkit_auth_table_set_size(entry));
}


ngx_int_t
ngx_sendkit_auth_cache_find_record(ngx_sendkit_auth_cache_t *cache,
    uint64_t now, const sendkit_digest_t *digest, ngx_uint_t origin,
    sendkit_record_t *record)
{
    sendkit_id_t                     *id;
    ngx_sendkit_auth_entry_t          entry;
    ngx_sendkit_auth_miss_name_t      miss;
    ngx_sendkit_auth_record_value_t  *value;

    ngx_memzero(record, sizeof(sendkit_record_t));

    if (ngx_sendkit_auth_cache_find(cache, now,
                                    NGX_SENDKIT_AUTH_TABLE_RECORDS,
                                    digest->bytes, &entry)
        != NGX_OK)
    {
        ngx_sendkit_auth_cache_miss_name(&miss, origin, 0, digest->bytes,
                                         SENDKIT_DIGEST_LEN);

        record->state = SENDKIT_RECORD_ABSENT;

        return ngx_sendkit_auth_cache_find(cache, now,
                                           NGX_SENDKIT_AUTH_TABLE_MISSES, &miss,
                                           &entry);
    }

    value = (ngx_sendkit_auth_record_value_t *)
                (entry.bytes + SENDKIT_DIGEST_LEN);

    if (value->id_len == 0 || value->id_len > SENDKIT_ID_MAX) {
        return NGX_DECLINED;
    }

    record->kind = value->kind;
    record->active = value->active;
    ngx_memcpy(&record->expires, value->expires, sizeof(int64_t));

    id = record->kind == SENDKIT_KEY_PLATFORM ? &record->user
                                              : &record->workspace;
    id->len = value->id_len;
    ngx_memcpy(id->data, value->id, value->id_len);

    record->state = SENDKIT_RECORD_FOUND;

    return NGX_OK;
}


ngx_int_t
ngx_sendkit_auth_cache_find_role(ngx_sendkit_auth_cache_t *cache,
    uint64_t now, const sendkit_id_t *workspace, const sendkit_id_t *user,
    ngx_uint_t origin, sendkit_role_e *role)
{
    ngx_sendkit_auth_entry_t      entry;
    ngx_sendkit_auth_miss_name_t  miss;
    ngx_sendkit_auth_role_name_t  name;

    *role = SENDKIT_ROLE_NONE;

    ngx_sendkit_auth_cache_role_name(&name, workspace, user);

    if (ngx_sendkit_auth_cache_find(cache, now, NGX_SENDKIT_AUTH_TABLE_ROLES,
                                    &name, &entry)
        == NGX_OK)
    {
        *role = entry.bytes[NGX_SENDKIT_AUTH_ROLE_NAME];
        return NGX_OK;
    }

    ngx_sendkit_auth_cache_miss_name(&miss, origin, 1, &name, sizeof(name));

    return ngx_sendkit_auth_cache_find(cache, now,
                                       NGX_SENDKIT_AUTH_TABLE_MISSES, &miss,
                                       &entry);
}


static ngx_int_t
ngx_sendkit_auth_cache_find(const ngx_sendkit_auth_cache_t *cache,
    uint64_t now, ngx_sendkit_auth_table_e which, const void *name,
    ngx_sendkit_auth_entry_t *entry)
{
    if (ngx_sendkit_auth_table_lookup(&cache->tables[which], name, entry)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (entry->expires <= now
        || entry->generation
           != ngx_sendkit_auth_cache_generation(cache, entry->slots))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_sendkit_auth_cache_is_usable(const ngx_sendkit_auth_cache_t *cache,
    uint64_t now)
{
    return ngx_sendkit_auth_cache_channel(cache, now)
           != NGX_SENDKIT_AUTH_CHANNEL_DOWN;
}


void
ngx_sendkit_auth_cache_start(const ngx_sendkit_auth_cache_t *cache,
    uint64_t now, ngx_sendkit_auth_fill_t *fill)
{
    ngx_memzero(fill, sizeof(ngx_sendkit_auth_fill_t));

    fill->usable = ngx_sendkit_auth_cache_is_usable(cache, now);
    fill->since = now;
    fill->life = cache->conf.ttl;
    fill->generation = ngx_sendkit_auth_cache_generation(cache, fill->slots);
}


void
ngx_sendkit_auth_cache_watch(const ngx_sendkit_auth_cache_t *cache,
    ngx_sendkit_auth_fill_t *fill, sendkit_span_t name)
{
    uint16_t  slot;

    if (fill->nnames == 2) {
        fill->usable = 0;
        return;
    }

    slot = ngx_sendkit_auth_cache_slot(cache, name);

    fill->slots[fill->nnames++] = slot;
    fill->generation += __atomic_load_n(&cache->generations[slot],
                                        __ATOMIC_ACQUIRE);
}


ngx_uint_t
ngx_sendkit_auth_cache_is_current(const ngx_sendkit_auth_cache_t *cache,
    const ngx_sendkit_auth_fill_t *fill)
{
    return fill->generation
           == ngx_sendkit_auth_cache_generation(cache, fill->slots);
}


void
ngx_sendkit_auth_cache_store_record(ngx_sendkit_auth_cache_t *cache,
    const ngx_sendkit_auth_fill_t *fill, const sendkit_digest_t *digest,
    ngx_uint_t origin, const sendkit_record_t *record)
{
    const sendkit_id_t               *id;
    ngx_sendkit_auth_miss_name_t      miss;
    ngx_sendkit_auth_record_value_t   value;

    if (record->state == SENDKIT_RECORD_ABSENT) {
        ngx_sendkit_auth_cache_miss_name(&miss, origin, 0, digest->bytes,
                                         SENDKIT_DIGEST_LEN);
        ngx_sendkit_auth_cache_store(cache, fill,
                                     NGX_SENDKIT_AUTH_TABLE_MISSES, &miss,
                                     NULL, 0);
    }

    if (record->state != SENDKIT_RECORD_FOUND) {
        return;
    }

    ngx_memzero(&value, sizeof(ngx_sendkit_auth_record_value_t));

    id = record->kind == SENDKIT_KEY_PLATFORM ? &record->user
                                              : &record->workspace;
    value.kind = (u_char) record->kind;
    value.active = (u_char) record->active;
    value.id_len = id->len;
    ngx_memcpy(value.id, id->data, id->len);
    ngx_memcpy(value.expires, &record->expires, sizeof(int64_t));

    ngx_sendkit_auth_cache_store(cache, fill,
                                 NGX_SENDKIT_AUTH_TABLE_RECORDS,
                                 digest->bytes, &value, sizeof(value));
}


void
ngx_sendkit_auth_cache_store_role(ngx_sendkit_auth_cache_t *cache,
    const ngx_sendkit_auth_fill_t *fill, const sendkit_id_t *workspace,
    const sendkit_id_t *user, ngx_uint_t origin, sendkit_role_e role)
{
    u_char                        value;
    ngx_sendkit_auth_miss_name_t  miss;
    ngx_sendkit_auth_role_name_t  name;

    ngx_sendkit_auth_cache_role_name(&name, workspace, user);

    if (role == SENDKIT_ROLE_NONE) {
        ngx_sendkit_auth_cache_miss_name(&miss, origin, 1, &name,
                                         sizeof(name));
        ngx_sendkit_auth_cache_store(cache, fill,
                                     NGX_SENDKIT_AUTH_TABLE_MISSES, &miss,
                                     NULL, 0);
        return;
    }

    value = (u_char) role;

    ngx_sendkit_auth_cache_store(cache, fill, NGX_SENDKIT_AUTH_TABLE_ROLES,
                                 &name, &value, 1);
}


/* an entry that cannot be stored now is none; nobody waits for it */

static void
ngx_sendkit_auth_cache_store(ngx_sendkit_auth_cache_t *cache,
    const ngx_sendkit_auth_fill_t *fill, ngx_sendkit_auth_table_e which,
    const void *name, const void *value, size_t len)
{
    uint64_t                         life;
    ngx_uint_t                       evicted;
    ngx_sendkit_auth_entry_t         entry;
    ngx_sendkit_auth_moment_t        moment;
    const ngx_sendkit_auth_table_t  *table;

    if (!fill->usable || fill->nnames == 0) {
        return;
    }

    table = &cache->tables[which];
    life = fill->life;

    if (which == NGX_SENDKIT_AUTH_TABLE_MISSES) {
        life = ngx_min(life, cache->conf.negative_ttl);
    }

    ngx_memzero(&entry, sizeof(ngx_sendkit_auth_entry_t));

    entry.expires = fill->since + life;
    entry.generation = fill->generation;
    ngx_memcpy(entry.slots, fill->slots, sizeof(entry.slots));
    ngx_memcpy(entry.bytes, name, table->name_len);

    if (len != 0) {
        ngx_memcpy(entry.bytes + table->name_len, value, len);
    }

    moment.cache = cache;
    moment.now = fill->since;

    (void) ngx_sendkit_auth_table_store(table, &entry,
                                        ngx_sendkit_auth_cache_is_alive,
                                        &moment, &evicted);
    if (evicted) {
        ngx_sendkit_auth_cache_count(cache, NGX_SENDKIT_AUTH_EVICTIONS);
    }
}


static ngx_uint_t
ngx_sendkit_auth_cache_is_alive(void *data,
    const ngx_sendkit_auth_entry_t *entry)
{
    ngx_sendkit_auth_moment_t *moment = data;

    return entry->expires > moment->now
           && entry->generation
              == ngx_sendkit_auth_cache_generation(moment->cache,
                                                   entry->slots);
}


static void
ngx_sendkit_auth_cache_role_name(ngx_sendkit_auth_role_name_t *name,
    const sendkit_id_t *workspace, const sendkit_id_t *user)
{
    ngx_memzero(name, sizeof(ngx_sendkit_auth_role_name_t));

    name->workspace_len = workspace->len;
    name->user_len = user->len;

    ngx_memcpy(name->workspace, workspace->data, workspace->len);
    ngx_memcpy(name->user, user->data, user->len);
}


static void
ngx_sendkit_auth_cache_miss_name(ngx_sendkit_auth_miss_name_t *miss,
    ngx_uint_t origin, ngx_uint_t of_role, const void *name, size_t len)
{
    ngx_memzero(miss, sizeof(ngx_sendkit_auth_miss_name_t));

    miss->origin = (u_char) origin;
    miss->of_role = (u_char) of_role;

    ngx_memcpy(miss->name, name, len);
}
