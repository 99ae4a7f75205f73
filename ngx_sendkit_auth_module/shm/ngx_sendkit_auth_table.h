
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_TABLE_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_TABLE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * A set-associative table in memory that processes share.  A name has two
 * sets, and is in the one that had more room.  Each set has a sequence lock:
 * readers copy an entry and see afterwards whether a writer was there, and
 * write nothing; a writer that finds another one at work gives up.  A writer
 * that dies leaves a set that is always a miss until another writer clears
 * it, and no process ever waits for another.
 */

#define NGX_SENDKIT_AUTH_TABLE_WAYS       16
#define NGX_SENDKIT_AUTH_TABLE_LINE       64    /* bytes of a cache line */
#define NGX_SENDKIT_AUTH_TABLE_BYTES_MAX  132


/* name, value and padding are zero up to the end of an entry of the table */

typedef struct {
    uint64_t     expires;       /* ms */
    uint32_t     sum;           /* of the table */
    uint32_t     generation;
    uint16_t     slots[2];
    u_char       bytes[NGX_SENDKIT_AUTH_TABLE_BYTES_MAX];
} ngx_sendkit_auth_entry_t;


/* of one process; the sets are shared */

typedef struct {
    u_char      *sets;
    uint32_t     nsets;
    uint32_t     size;          /* bytes of an entry, a multiple of 8 */
    uint32_t     name_len;      /* bytes of its name, the same for all */
    uint64_t     seed;
} ngx_sendkit_auth_table_t;


/*
 * 1 if the entry could still be found by somebody: it is evicted last.  Only
 * what comes before its bytes may be looked at, and may be that of two entries
 * while another process writes.
 */

typedef ngx_uint_t (*ngx_sendkit_auth_table_pt)(void *data,
    const ngx_sendkit_auth_entry_t *entry);


/* bytes of one set with entries of that size */

size_t ngx_sendkit_auth_table_set_size(size_t entry);

/* seed: chosen at random, so that nobody outside knows what collides */

uint64_t ngx_sendkit_auth_table_hash(uint64_t seed, const u_char *data,
    size_t len);

/*
 * Copies the entry of a name to *entry.  NGX_OK, or NGX_DECLINED: there is
 * none, or it is being written.
 */

ngx_int_t ngx_sendkit_auth_table_lookup(const ngx_sendkit_auth_table_t *table,
    const u_char *name, ngx_sendkit_auth_entry_t *entry);

/*
 * Stores an entry, in place of the one with its name, or of one that is
 * empty, dead by the handler, or else any; *evicted is set to 1 in the last
 * case, and else to 0.
 *
 * NGX_OK, or NGX_DECLINED: another process writes to the set.
 */

ngx_int_t ngx_sendkit_auth_table_store(const ngx_sendkit_auth_table_t *table,
    ngx_sendkit_auth_entry_t *entry, ngx_sendkit_auth_table_pt is_alive,
    void *data, ngx_uint_t *evicted);


#endif /* _NGX_SENDKIT_AUTH_TABLE_H_INCLUDED_ */
