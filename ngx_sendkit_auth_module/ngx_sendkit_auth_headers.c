
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_sendkit_auth.h"
#include "ngx_sendkit_auth_ctx.h"
#include "ngx_sendkit_auth_headers.h"


/* what a header means to the gateway */

typedef enum {
    NGX_SENDKIT_AUTH_HEADER_OTHER = 0,
    NGX_SENDKIT_AUTH_HEADER_IDENTITY,
    NGX_SENDKIT_AUTH_HEADER_KEY,
    NGX_SENDKIT_AUTH_HEADER_AUTHORIZATION,
    NGX_SENDKIT_AUTH_HEADER_WORKSPACE,
    NGX_SENDKIT_AUTH_HEADER_OVERRIDE,   /* of the method or the target */
    NGX_SENDKIT_AUTH_HEADER_ORIGIN,
    NGX_SENDKIT_AUTH_HEADER_CORS_METHOD
} ngx_sendkit_auth_header_e;


typedef struct {
    ngx_str_t                    name;
    ngx_sendkit_auth_header_e    meaning;
} ngx_sendkit_auth_header_t;


typedef struct {
    ngx_uint_t                   nkeys;
    ngx_uint_t                   nbearers;
    ngx_uint_t                   nworkspaces;
    ngx_uint_t                   norigins;
    ngx_uint_t                   nmethods;
    sendkit_span_t               key;
    sendkit_span_t               bearer;
    sendkit_span_t               workspace;
} ngx_sendkit_auth_credentials_t;


static void ngx_sendkit_auth_headers_count(ngx_table_elt_t *h,
    ngx_sendkit_auth_credentials_t *found);
static void ngx_sendkit_auth_headers_credential(ngx_sendkit_auth_ctx_t *ctx,
    const ngx_sendkit_auth_credentials_t *found);
static void ngx_sendkit_auth_headers_workspace(ngx_sendkit_auth_ctx_t *ctx,
    const ngx_sendkit_auth_credentials_t *found);

static void ngx_sendkit_auth_headers_copy(ngx_http_request_t *r,
    const ngx_sendkit_auth_ctx_t *ctx,
    const ngx_sendkit_auth_loc_conf_t *sacf, ngx_list_part_t *headers);
static void ngx_sendkit_auth_headers_forget(ngx_http_request_t *r);
static ngx_uint_t ngx_sendkit_auth_headers_is_kept(const ngx_table_elt_t *h,
    const ngx_sendkit_auth_ctx_t *ctx,
    const ngx_sendkit_auth_loc_conf_t *sacf);
static void ngx_sendkit_auth_headers_identify(
    const ngx_sendkit_auth_ctx_t *ctx,
    const ngx_sendkit_auth_loc_conf_t *sacf, ngx_list_part_t *headers);
static void ngx_sendkit_auth_headers_set(ngx_table_elt_t *h,
    const ngx_str_t *names);

static const ngx_sendkit_auth_header_t *ngx_sendkit_auth_headers_find(
    const ngx_table_elt_t *h);
static ngx_uint_t ngx_sendkit_auth_headers_is_exact(const ngx_table_elt_t *h,
    const ngx_sendkit_auth_header_t *header);
static ngx_uint_t ngx_sendkit_auth_headers_is_like(const u_char *name,
    const ngx_str_t *like);
static ngx_uint_t ngx_sendkit_auth_headers_is_bearer(
    const ngx_table_elt_t *h, sendkit_span_t *token);


static const ngx_str_t  ngx_sendkit_auth_identity_prefix =
    ngx_string("x-sendkit-");

/* the names begin with "a", "o" or "x", as does the prefix above */

static const ngx_sendkit_auth_header_t  ngx_sendkit_auth_headers[] = {
    { ngx_string("x-api-key"), NGX_SENDKIT_AUTH_HEADER_KEY },
    { ngx_string("authorization"), NGX_SENDKIT_AUTH_HEADER_AUTHORIZATION },
    { ngx_string("x-workspace-id"), NGX_SENDKIT_AUTH_HEADER_WORKSPACE },
    { ngx_string("origin"), NGX_SENDKIT_AUTH_HEADER_ORIGIN },
    { ngx_string("access-control-request-method"),
      NGX_SENDKIT_AUTH_HEADER_CORS_METHOD },
    { ngx_string("x-http-method"), NGX_SENDKIT_AUTH_HEADER_OVERRIDE },
    { ngx_string("x-http-method-override"), NGX_SENDKIT_AUTH_HEADER_OVERRIDE },
    { ngx_string("x-method-override"), NGX_SENDKIT_AUTH_HEADER_OVERRIDE },
    { ngx_string("x-original-url"), NGX_SENDKIT_AUTH_HEADER_OVERRIDE },
    { ngx_string("x-rewrite-url"), NGX_SENDKIT_AUTH_HEADER_OVERRIDE }
};

#define NGX_SENDKIT_AUTH_NHEADERS                                             \
    (sizeof(ngx_sendkit_auth_headers) / sizeof(ngx_sendkit_auth_header_t))


static const ngx_sendkit_auth_header_t  ngx_sendkit_auth_other = {
    ngx_null_string, NGX_SENDKIT_AUTH_HEADER_OTHER
};


static const ngx_sendkit_auth_header_t  ngx_sendkit_auth_identity = {
    ngx_null_string, NGX_SENDKIT_AUTH_HEADER_IDENTITY
};


static ngx_str_t  ngx_sendkit_auth_identity_names
    [NGX_SENDKIT_AUTH_NIDENTITY][2] = {
    { ngx_string("X-Sendkit-Key-Type"), ngx_string("x-sendkit-key-type") },
    { ngx_string("X-Sendkit-Key-Id"), ngx_string("x-sendkit-key-id") },
    { ngx_string("X-Sendkit-User-Id"), ngx_string("x-sendkit-user-id") },
    { ngx_string("X-Sendkit-Workspace-Id"),
      ngx_string("x-sendkit-workspace-id") },
    { ngx_string("X-Sendkit-Role"), ngx_string("x-sendkit-role") }
};


ngx_table_elt_t *
ngx_sendkit_auth_headers_init(ngx_pool_t *pool)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *h;

    h = ngx_palloc(pool, NGX_SENDKIT_AUTH_NIDENTITY * sizeof(ngx_table_elt_t));
    if (h == NULL) {
        return NULL;
    }

    for (i = 0; i < NGX_SENDKIT_AUTH_NIDENTITY; i++) {
        ngx_sendkit_auth_headers_set(&h[i],
                                     ngx_sendkit_auth_identity_names[i]);
    }

    return h;
}


void
ngx_sendkit_auth_headers_read(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx, ngx_uint_t bearer)
{
    ngx_uint_t                       i;
    ngx_list_part_t                 *part;
    ngx_table_elt_t                 *h;
    ngx_sendkit_auth_credentials_t   found;

    ngx_memzero(&found, sizeof(ngx_sendkit_auth_credentials_t));

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            ngx_sendkit_auth_headers_count(&h[i], &found);
        }
    }

    if (!bearer) {
        found.nbearers = 0;
    }

    ngx_sendkit_auth_headers_credential(ctx, &found);
    ngx_sendkit_auth_headers_workspace(ctx, &found);

    ctx->preflight = found.norigins != 0 && found.nmethods != 0;
}


ngx_int_t
ngx_sendkit_auth_headers_forward(ngx_http_request_t *r,
    const ngx_sendkit_auth_ctx_t *ctx, const ngx_sendkit_auth_loc_conf_t *sacf)
{
    ngx_list_t        headers;
    ngx_uint_t        n;
    ngx_list_part_t  *part;

    n = NGX_SENDKIT_AUTH_NIDENTITY;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        n += part->nelts;
    }

    /*
     * A new list in one part with room for all: what nginx remembers of the
     * old one, as r->headers_in.host, goes on pointing at good memory.
     */

    if (ngx_list_init(&headers, r->pool, n, sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_sendkit_auth_headers_copy(r, ctx, sacf, &headers.part);

    if (ctx != NULL && ctx->reason == SENDKIT_REASON_ALLOWED) {
        ngx_sendkit_auth_headers_identify(ctx, sacf, &headers.part);
    }

    r->headers_in.headers = headers;
    r->headers_in.headers.last = &r->headers_in.headers.part;

    ngx_sendkit_auth_headers_forget(r);

    return NGX_OK;
}


static void
ngx_sendkit_auth_headers_count(ngx_table_elt_t *h,
    ngx_sendkit_auth_credentials_t *found)
{
    const ngx_sendkit_auth_header_t  *header;

    header = ngx_sendkit_auth_headers_find(h);

    switch (header->meaning) {

    case NGX_SENDKIT_AUTH_HEADER_KEY:

        if (ngx_sendkit_auth_headers_is_exact(h, header)) {
            found->nkeys++;
            found->key.data = h->value.data;
            found->key.len = h->value.len;
        }

        break;

    case NGX_SENDKIT_AUTH_HEADER_AUTHORIZATION:

        found->nbearers += ngx_sendkit_auth_headers_is_bearer(h,
                                                          &found->bearer);
        break;

    case NGX_SENDKIT_AUTH_HEADER_WORKSPACE:

        /* under another spelling it counts as one line too many */

        found->nworkspaces += ngx_sendkit_auth_headers_is_exact(h, header)
                              ? 1 : 2;
        found->workspace.data = h->value.data;
        found->workspace.len = h->value.len;
        break;

    case NGX_SENDKIT_AUTH_HEADER_ORIGIN:
        found->norigins++;
        break;

    case NGX_SENDKIT_AUTH_HEADER_CORS_METHOD:
        found->nmethods++;
        break;

    default:
        break;
    }
}


static void
ngx_sendkit_auth_headers_credential(ngx_sendkit_auth_ctx_t *ctx,
    const ngx_sendkit_auth_credentials_t *found)
{
    ctx->facts.key = SENDKIT_KEY_MALFORMED;

    if (found->nkeys == 0 && found->nbearers == 0) {
        ctx->facts.credential = SENDKIT_CREDENTIAL_NONE;
        return;
    }

    if (found->nkeys > 1 || found->nbearers > 1
        || (found->nkeys == 1 && found->nbearers == 1
            && !sendkit_span_equal(found->key, found->bearer)))
    {
        ctx->facts.credential = SENDKIT_CREDENTIAL_DUPLICATE;
        return;
    }

    ctx->key = found->nkeys == 1 ? found->key : found->bearer;

    ctx->facts.credential = SENDKIT_CREDENTIAL_ONE;
    ctx->facts.key = sendkit_key_kind(ctx->key);
}


static void
ngx_sendkit_auth_headers_workspace(ngx_sendkit_auth_ctx_t *ctx,
    const ngx_sendkit_auth_credentials_t *found)
{
    if (found->nworkspaces == 0) {
        ctx->facts.asked = SENDKIT_ASKED_NONE;
        return;
    }

    ctx->facts.asked = SENDKIT_ASKED_MALFORMED;

    if (found->nworkspaces == 1
        && sendkit_id_set_workspace(&ctx->facts.asked_workspace,
                                    found->workspace))
    {
        ctx->facts.asked = SENDKIT_ASKED_ONE;
    }
}


static void
ngx_sendkit_auth_headers_copy(ngx_http_request_t *r,
    const ngx_sendkit_auth_ctx_t *ctx,
    const ngx_sendkit_auth_loc_conf_t *sacf, ngx_list_part_t *headers)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *copy;

    copy = headers->elts;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (!ngx_sendkit_auth_headers_is_kept(&h[i], ctx, sacf)) {

                if (r->headers_in.authorization == &h[i]) {
                    r->headers_in.authorization = NULL;
                }

                continue;
            }

            copy[headers->nelts++] = h[i];
        }
    }
}


/* $http_ variables that were evaluated before hold the old headers */

static void
ngx_sendkit_auth_headers_forget(ngx_http_request_t *r)
{
    ngx_uint_t                  i;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {

        if ((r->variables[i].valid || r->variables[i].not_found)
            && v[i].name.len > 5
            && ngx_strncmp(v[i].name.data, "http_", 5) == 0)
        {
            r->variables[i].valid = 0;
            r->variables[i].not_found = 0;
        }
    }
}


static ngx_uint_t
ngx_sendkit_auth_headers_is_kept(const ngx_table_elt_t *h,
    const ngx_sendkit_auth_ctx_t *ctx, const ngx_sendkit_auth_loc_conf_t *sacf)
{
    sendkit_span_t                    token;
    const ngx_sendkit_auth_header_t  *header;

    header = ngx_sendkit_auth_headers_find(h);

    if (header->meaning == NGX_SENDKIT_AUTH_HEADER_IDENTITY) {
        return 0;
    }

    if (sacf->mode == NGX_SENDKIT_AUTH_REPORT) {
        return 1;
    }

    switch (header->meaning) {

    case NGX_SENDKIT_AUTH_HEADER_KEY:
        return !sacf->hide_credentials
               && ngx_sendkit_auth_headers_is_exact(h, header);

    case NGX_SENDKIT_AUTH_HEADER_AUTHORIZATION:
        return !sacf->hide_credentials || !sacf->bearer
               || !ngx_sendkit_auth_headers_is_bearer(h, &token);

    case NGX_SENDKIT_AUTH_HEADER_WORKSPACE:

        /* a backend may rely on it where the route does, not elsewhere */

        return ctx->reason == SENDKIT_REASON_ALLOWED
               && ctx->facts.match.route->workspace
                  == SENDKIT_WORKSPACE_HEADER
               && sendkit_decision_scope_is_checked(&ctx->facts);

    case NGX_SENDKIT_AUTH_HEADER_OVERRIDE:
        return 0;

    default:
        return 1;
    }
}


static void
ngx_sendkit_auth_headers_identify(const ngx_sendkit_auth_ctx_t *ctx,
    const ngx_sendkit_auth_loc_conf_t *sacf, ngx_list_part_t *headers)
{
    ngx_uint_t        i;
    sendkit_span_t    value;
    ngx_table_elt_t  *h;

    h = headers->elts;

    for (i = 0; i < NGX_SENDKIT_AUTH_NIDENTITY; i++) {

        /* no workspace and no role goes upstream that was not looked at */

        if (i >= NGX_SENDKIT_AUTH_WORKSPACE
            && !sendkit_decision_scope_is_checked(&ctx->facts))
        {
            break;
        }

        value = ngx_sendkit_auth_ctx_identity(ctx,
                                             (ngx_sendkit_auth_identity_e) i);

        if (value.len == 0) {
            continue;
        }

        h[headers->nelts] = sacf->identity[i];
        h[headers->nelts].value.data = (u_char *) value.data;
        h[headers->nelts].value.len = value.len;
        headers->nelts++;
    }
}


ngx_int_t
ngx_sendkit_auth_headers_add(ngx_list_t *headers, const ngx_str_t *names,
    sendkit_span_t value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_sendkit_auth_headers_set(h, names);

    h->value.data = (u_char *) value.data;
    h->value.len = value.len;

    return NGX_OK;
}


static void
ngx_sendkit_auth_headers_set(ngx_table_elt_t *h, const ngx_str_t *names)
{
    /* all of it: since nginx 1.23 an element also has a "next" */

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->key = names[0];
    h->lowcase_key = names[1].data;
    h->hash = ngx_hash_key(names[1].data, names[1].len);
}


static const ngx_sendkit_auth_header_t *
ngx_sendkit_auth_headers_find(const ngx_table_elt_t *h)
{
    ngx_uint_t                        i;
    const ngx_sendkit_auth_header_t  *header;

    /* most headers are told by their first letter */

    switch (h->key.data[0] | 0x20) {

    case 'a':
    case 'o':
    case 'x':
        break;

    default:
        return &ngx_sendkit_auth_other;
    }

    if (h->key.len > ngx_sendkit_auth_identity_prefix.len
        && ngx_sendkit_auth_headers_is_like(h->key.data,
                                            &ngx_sendkit_auth_identity_prefix))
    {
        return &ngx_sendkit_auth_identity;
    }

    for (i = 0; i < NGX_SENDKIT_AUTH_NHEADERS; i++) {
        header = &ngx_sendkit_auth_headers[i];

        if (h->key.len == header->name.len
            && ngx_sendkit_auth_headers_is_like(h->key.data, &header->name))
        {
            return header;
        }
    }

    return &ngx_sendkit_auth_other;
}


/* of one that is like it */

static ngx_uint_t
ngx_sendkit_auth_headers_is_exact(const ngx_table_elt_t *h,
    const ngx_sendkit_auth_header_t *header)
{
    size_t  i;

    for (i = 0; i < header->name.len; i++) {
        if (header->name.data[i] == '-' && h->key.data[i] != '-') {
            return 0;
        }
    }

    return 1;
}


/*
 * Equal to one of the names above, which are of lower-case letters and "-",
 * for a backend that, as CGI does (RFC 3875, section 4.1.18), turns names into
 * variables: letters lose their case, and "-", "_" and whatever else is no
 * letter or digit fall together.
 */

static ngx_uint_t
ngx_sendkit_auth_headers_is_like(const u_char *name, const ngx_str_t *like)
{
    u_char  c;
    size_t  i;

    for (i = 0; i < like->len; i++) {

        c = name[i] | 0x20;

        if (like->data[i] != '-') {
            if (c != like->data[i]) {
                return 0;
            }

        } else if ((c >= 'a' && c <= 'z')
                   || (name[i] >= '0' && name[i] <= '9'))
        {
            return 0;
        }
    }

    return 1;
}


/*
 * "Bearer" and a token (RFC 6750, section 2.1), the scheme in any case.  A tab
 * between them, which a backend may take for a space, is of the token, and so
 * makes it malformed.
 */

static ngx_uint_t
ngx_sendkit_auth_headers_is_bearer(const ngx_table_elt_t *h,
    sendkit_span_t *token)
{
    size_t                  i, n;
    static const ngx_str_t  scheme = ngx_string("bearer");

    if (h->value.len < scheme.len
        || ngx_strncasecmp(h->value.data, scheme.data, scheme.len) != 0)
    {
        return 0;
    }

    i = scheme.len;
    n = h->value.len;

    if (i < n && h->value.data[i] != ' ' && h->value.data[i] != '\t') {
        return 0;
    }

    while (i < n && h->value.data[i] == ' ') {
        i++;
    }

    token->data = h->value.data + i;
    token->len = n - i;

    return 1;
}
