
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/sendkit_decision.h"
#include "core/sendkit_digest.h"
#include "core/sendkit_error.h"
#include "ngx_sendkit_auth_lookup.h"
#include "ngx_sendkit_auth_tls_conf.h"


/* What the units above the lookup share: configuration and request state. */

#define NGX_SENDKIT_AUTH_OFF     0
#define NGX_SENDKIT_AUTH_ON      1
#define NGX_SENDKIT_AUTH_REPORT  2

#define NGX_SENDKIT_AUTH_KEY_ID_LEN  12


/* written by ngx_sendkit_auth_conf.c only */

typedef struct {
    ngx_sendkit_auth_lookup_conf_t    lookup;
    ngx_str_t                         zone;     /* its name; len 0: none */
    size_t                            zone_size;
    ngx_sendkit_auth_tls_conf_t       ssl;
    ngx_str_t                         rediss;   /* the address, if it is one */
    ngx_uint_t                        guarded;  /* locations not "off" */
} ngx_sendkit_auth_main_conf_t;


typedef struct {
    ngx_uint_t                        mode;
    sendkit_route_node_t             *routes;
    ngx_table_elt_t                  *identity;     /* headers.h */
    ngx_flag_t                        bearer;
    ngx_flag_t                        hide_credentials;
    ngx_flag_t                        preflight;
    ngx_uint_t                        error_format;
    ngx_str_t                         realm;
    ngx_str_t                         challenge;    /* WWW-Authenticate */
    ngx_str_t                         origin;       /* len 0: off */
    ngx_flag_t                        origin_send_key;
} ngx_sendkit_auth_loc_conf_t;


/* a subrequest to the origin: what its answer is for */

typedef struct ngx_sendkit_auth_ctx_s  ngx_sendkit_auth_ctx_t;

typedef struct {
    ngx_sendkit_auth_ctx_t           *ctx;
    ngx_sendkit_auth_subject_t        subject;
    u_char                            digest[SENDKIT_DIGEST_HEX_LEN];
} ngx_sendkit_auth_question_t;


/*
 * new -> deciding <-> waiting
 *           |
 *           v
 *        decided -> deciding, after an internal redirect
 */

typedef enum {
    NGX_SENDKIT_AUTH_NEW = 0,
    NGX_SENDKIT_AUTH_DECIDING,
    NGX_SENDKIT_AUTH_WAITING,
    NGX_SENDKIT_AUTH_DECIDED
} ngx_sendkit_auth_state_e;


/* one for a client's request, kept through its internal redirects */

struct ngx_sendkit_auth_ctx_s {
    ngx_http_request_t               *request;
    ngx_sendkit_auth_state_e          state;
    sendkit_need_e                    need;         /* what is asked for */
    sendkit_facts_t                   facts;
    sendkit_reason_e                  reason;

    sendkit_span_t                    key;          /* in the header */
    ngx_uint_t                        preflight;    /* its headers are there */

    ngx_uint_t                        ndigests;     /* 0: not made yet */
    ngx_uint_t                        tries;        /* to find its record */
    sendkit_digest_t                  digests[NGX_SENDKIT_AUTH_PEPPERS];
    u_char                            key_id[NGX_SENDKIT_AUTH_KEY_ID_LEN];

    sendkit_id_t                      role_workspace;   /* of facts.role */

    ngx_sendkit_auth_waiter_t         waiter;
    ngx_uint_t                        ask;          /* the origin is to be */
    ngx_sendkit_auth_question_t      *question;     /* the last one */
    ngx_uint_t                        lookups;
    ngx_sendkit_auth_cache_use_e      cache;        /* for all of them */
    ngx_msec_t                        started;      /* the last of them */
    ngx_msec_t                        deadline;
    ngx_msec_t                        waited;       /* ms, for all of them */
};


extern ngx_module_t  ngx_sendkit_auth_module;


#endif /* _NGX_SENDKIT_AUTH_H_INCLUDED_ */
