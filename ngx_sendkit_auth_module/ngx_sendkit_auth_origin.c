
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/sendkit_answer.h"
#include "ngx_sendkit_auth.h"
#include "ngx_sendkit_auth_ctx.h"
#include "ngx_sendkit_auth_headers.h"
#include "ngx_sendkit_auth_origin.h"


/* Host and these */
#define NGX_SENDKIT_AUTH_ORIGIN_NHEADERS  6


/* what the origin is told */

typedef enum {
    NGX_SENDKIT_AUTH_ORIGIN_DIGEST = 0,
    NGX_SENDKIT_AUTH_ORIGIN_TYPE,
    NGX_SENDKIT_AUTH_ORIGIN_WORKSPACE,
    NGX_SENDKIT_AUTH_ORIGIN_USER,
    NGX_SENDKIT_AUTH_ORIGIN_KEY
} ngx_sendkit_auth_origin_e;


static ngx_int_t ngx_sendkit_auth_origin_subrequest(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx, const ngx_sendkit_auth_loc_conf_t *sacf);
static ngx_int_t ngx_sendkit_auth_origin_headers(ngx_http_request_t *r,
    ngx_http_headers_in_t *headers);
static ngx_sendkit_auth_question_t *ngx_sendkit_auth_origin_question(
    ngx_http_request_t *r, ngx_sendkit_auth_ctx_t *ctx);
static ngx_int_t ngx_sendkit_auth_origin_describe(ngx_list_t *headers,
    const ngx_sendkit_auth_question_t *question,
    const ngx_sendkit_auth_loc_conf_t *sacf);

static ngx_int_t ngx_sendkit_auth_origin_handler(ngx_http_request_t *sr,
    void *data, ngx_int_t rc);
static void ngx_sendkit_auth_origin_answer(ngx_http_request_t *sr,
    const ngx_sendkit_auth_question_t *question, ngx_int_t rc,
    sendkit_answer_t *answer);
static const char *ngx_sendkit_auth_origin_fault(ngx_http_request_t *sr,
    ngx_int_t rc, sendkit_span_t *values);
static ngx_uint_t ngx_sendkit_auth_origin_is_cached(ngx_http_request_t *sr);
static ngx_int_t ngx_sendkit_auth_origin_values(ngx_http_request_t *sr,
    sendkit_span_t *values);
static ngx_int_t ngx_sendkit_auth_origin_value(const ngx_table_elt_t *h,
    sendkit_span_t *values);


/* as sent, and in lower case */

static ngx_str_t  ngx_sendkit_auth_origin_names[][2] = {
    { ngx_string("X-Sendkit-Key-Digest"),
      ngx_string("x-sendkit-key-digest") },
    { ngx_string("X-Sendkit-Key-Type"), ngx_string("x-sendkit-key-type") },
    { ngx_string("X-Sendkit-Workspace-Id"),
      ngx_string("x-sendkit-workspace-id") },
    { ngx_string("X-Sendkit-User-Id"), ngx_string("x-sendkit-user-id") },
    { ngx_string("X-Api-Key"), ngx_string("x-api-key") }
};


ngx_uint_t
ngx_sendkit_auth_origin_is_question(ngx_http_request_t *r)
{
    return r->post_subrequest != NULL
           && r->post_subrequest->handler == ngx_sendkit_auth_origin_handler;
}


void
ngx_sendkit_auth_origin_ask(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx)
{
    sendkit_answer_t              answer;
    ngx_sendkit_auth_loc_conf_t  *sacf;

    if (ctx->waiter.asking == NULL) {
        return;
    }

    sacf = ngx_http_get_module_loc_conf(r, ngx_sendkit_auth_module);

    if (ngx_sendkit_auth_origin_subrequest(r, ctx, sacf) == NGX_OK) {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "sendkit auth could not ask origin \"%V\"", &sacf->origin);

    ngx_memzero(&answer, sizeof(sendkit_answer_t));
    answer.store = SENDKIT_STORE_OVERLOAD;

    ngx_sendkit_auth_lookup_answer(&ctx->waiter, &answer);
}


/*
 * Nothing of the client's request goes to the origin, and no variable of one
 * of them is seen by the other.  All that could fail is done before there is
 * a subrequest.
 */

static ngx_int_t
ngx_sendkit_auth_origin_subrequest(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx, const ngx_sendkit_auth_loc_conf_t *sacf)
{
    ngx_str_t                     uri;
    ngx_http_request_t           *sr;
    ngx_http_headers_in_t         headers;
    ngx_http_request_body_t      *body;
    ngx_http_core_main_conf_t    *cmcf;
    ngx_http_variable_value_t    *variables;
    ngx_http_post_subrequest_t   *ps;
    ngx_sendkit_auth_question_t  *question;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    question = ngx_sendkit_auth_origin_question(r, ctx);
    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
    body = ngx_pcalloc(r->pool, sizeof(ngx_http_request_body_t));
    variables = ngx_pcalloc(r->pool, cmcf->variables.nelts
                                     * sizeof(ngx_http_variable_value_t));

    if (question == NULL || ps == NULL || body == NULL || variables == NULL
        || ngx_sendkit_auth_origin_headers(r, &headers) != NGX_OK
        || ngx_sendkit_auth_origin_describe(&headers.headers, question, sacf)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ps->handler = ngx_sendkit_auth_origin_handler;
    ps->data = question;

    uri = sacf->origin;

    if (ngx_http_subrequest(r, &uri, NULL, &sr, ps,
                            NGX_HTTP_SUBREQUEST_BACKGROUND)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    sr->header_only = 1;
    sr->variables = variables;
    sr->headers_in = headers;
    sr->headers_in.headers.last = &sr->headers_in.headers.part;

    /* the client's is neither read nor sent if there is one already */

    sr->request_body = body;

    ctx->question = question;

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_origin_headers(ngx_http_request_t *r,
    ngx_http_headers_in_t *headers)
{
    ngx_table_elt_t  *h;

    ngx_memzero(headers, sizeof(ngx_http_headers_in_t));

    headers->server = r->headers_in.server;
    headers->content_length_n = -1;
    headers->keep_alive_n = -1;

    if (ngx_list_init(&headers->headers, r->pool,
                      NGX_SENDKIT_AUTH_ORIGIN_NHEADERS, sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (r->headers_in.host == NULL) {
        return NGX_OK;
    }

    h = ngx_list_push(&headers->headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = *r->headers_in.host;
    headers->host = h;

    return NGX_OK;
}


static ngx_sendkit_auth_question_t *
ngx_sendkit_auth_origin_question(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx)
{
    ngx_sendkit_auth_question_t  *question;

    question = ngx_palloc(r->pool, sizeof(ngx_sendkit_auth_question_t));
    if (question == NULL) {
        return NULL;
    }

    question->ctx = ctx;
    question->subject = ctx->waiter.asking->subject;

    sendkit_digest_hex(&question->subject.digest, question->digest);

    return question;
}


static ngx_int_t
ngx_sendkit_auth_origin_describe(ngx_list_t *headers,
    const ngx_sendkit_auth_question_t *question,
    const ngx_sendkit_auth_loc_conf_t *sacf)
{
    ngx_uint_t                         i;
    sendkit_span_t                     values[NGX_SENDKIT_AUTH_ORIGIN_KEY + 1];
    const ngx_sendkit_auth_ctx_t      *ctx;
    const ngx_sendkit_auth_subject_t  *subject;

    ctx = question->ctx;
    subject = &question->subject;

    values[NGX_SENDKIT_AUTH_ORIGIN_DIGEST].data = question->digest;
    values[NGX_SENDKIT_AUTH_ORIGIN_DIGEST].len = SENDKIT_DIGEST_HEX_LEN;
    values[NGX_SENDKIT_AUTH_ORIGIN_TYPE] = sendkit_key_name(ctx->facts.key);
    values[NGX_SENDKIT_AUTH_ORIGIN_WORKSPACE] =
                                         sendkit_id_span(&subject->workspace);
    values[NGX_SENDKIT_AUTH_ORIGIN_USER] = sendkit_id_span(&subject->user);
    values[NGX_SENDKIT_AUTH_ORIGIN_KEY].len = 0;

    if (sacf->origin_send_key) {
        values[NGX_SENDKIT_AUTH_ORIGIN_KEY] = ctx->key;
    }

    for (i = 0; i <= NGX_SENDKIT_AUTH_ORIGIN_KEY; i++) {

        if (values[i].len != 0
            && ngx_sendkit_auth_headers_add(headers,
                                            ngx_sendkit_auth_origin_names[i],
                                            values[i])
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Called when the subrequest is finalized.  NGX_OK ends it: there is nobody to
 * send an error page to, nor is the client's request at fault.
 */

static ngx_int_t
ngx_sendkit_auth_origin_handler(ngx_http_request_t *sr, void *data,
    ngx_int_t rc)
{
    ngx_sendkit_auth_question_t *question = data;

    sendkit_answer_t         answer;
    ngx_sendkit_auth_ctx_t  *ctx;

    ctx = question->ctx;

    if (ctx->question != question || ctx->waiter.asking == NULL) {

        /* nobody wants to know any more, or somebody something else */

        return NGX_OK;
    }

    if (sr->connection->error) {

        /* no answer, but no fault of the origin: another one may ask */

        ngx_sendkit_auth_waiter_cancel(&ctx->waiter);
        return rc;
    }

    ngx_sendkit_auth_origin_answer(sr, question, rc, &answer);
    ngx_sendkit_auth_lookup_answer(&ctx->waiter, &answer);

    return NGX_OK;
}


static void
ngx_sendkit_auth_origin_answer(ngx_http_request_t *sr,
    const ngx_sendkit_auth_question_t *question, ngx_int_t rc,
    sendkit_answer_t *answer)
{
    unsigned         status;
    const char      *fault;
    sendkit_span_t   values[SENDKIT_ANSWER_NHEADERS];

    status = rc == NGX_OK ? (unsigned) sr->headers_out.status : (unsigned) rc;
    fault = ngx_sendkit_auth_origin_fault(sr, rc, values);

    sendkit_answer_parse(answer, fault == NULL ? status : 0, values,
                         question->ctx->facts.key,
                         sendkit_id_span(&question->subject.workspace),
                         sendkit_id_span(&question->subject.user));

    if (answer->store != SENDKIT_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, sr->connection->log, 0,
                      "sendkit auth got no good answer from origin \"%V\": "
                      "status %ui%s", &sr->uri, (ngx_uint_t) status,
                      fault != NULL ? fault : "");
    }
}


/*
 * Only the origin can say that there is no such key: 404 of nginx itself, for
 * a location that is missing as an example, comes as rc.  And it must say so
 * now: the key of a cache is the URI of the client, not the question.
 */

static const char *
ngx_sendkit_auth_origin_fault(ngx_http_request_t *sr, ngx_int_t rc,
    sendkit_span_t *values)
{
    ngx_memzero(values, SENDKIT_ANSWER_NHEADERS * sizeof(sendkit_span_t));

    if (rc == NGX_HTTP_BAD_GATEWAY || rc == NGX_HTTP_SERVICE_UNAVAILABLE
        || rc == NGX_HTTP_GATEWAY_TIME_OUT)
    {
        return NULL;
    }

    if (rc != NGX_OK || sr->upstream == NULL) {
        return ", not sent by an upstream server";
    }

    if (ngx_sendkit_auth_origin_is_cached(sr)) {
        return ", and the location has a cache";
    }

    if (ngx_sendkit_auth_origin_values(sr, values) != NGX_OK) {
        return ", with a header twice";
    }

    return NULL;
}


#if (NGX_HTTP_CACHE)

static ngx_uint_t
ngx_sendkit_auth_origin_is_cached(ngx_http_request_t *sr)
{
    return sr->cache != NULL;
}

#else


static ngx_uint_t
ngx_sendkit_auth_origin_is_cached(ngx_http_request_t *sr)
{
    return 0;
}

#endif


/* NGX_ERROR: one of them is there more than once */

static ngx_int_t
ngx_sendkit_auth_origin_values(ngx_http_request_t *sr, sendkit_span_t *values)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &sr->headers_out.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NGX_OK;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].hash != 0
            && ngx_sendkit_auth_origin_value(&h[i], values) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }
}


static ngx_int_t
ngx_sendkit_auth_origin_value(const ngx_table_elt_t *h,
    sendkit_span_t *values)
{
    ngx_uint_t             i;
    const sendkit_span_t  *name;

    for (i = 0; i < SENDKIT_ANSWER_NHEADERS; i++) {
        name = &sendkit_answer_headers[i];

        if (name->len == 0 || h->key.len != name->len
            || ngx_strncasecmp(h->key.data, (u_char *) name->data, name->len)
               != 0)
        {
            continue;
        }

        if (values[i].data != NULL) {
            return NGX_ERROR;
        }

        values[i].data = h->value.data;
        values[i].len = h->value.len;
    }

    return NGX_OK;
}
