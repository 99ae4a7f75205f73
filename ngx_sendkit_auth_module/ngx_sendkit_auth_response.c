
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_sendkit_auth.h"
#include "ngx_sendkit_auth_response.h"


static ngx_int_t ngx_sendkit_auth_response_body(ngx_http_request_t *r,
    unsigned status, const ngx_str_t *body);
static ngx_int_t ngx_sendkit_auth_response_headers(ngx_http_request_t *r,
    const ngx_sendkit_auth_loc_conf_t *sacf, unsigned status,
    unsigned methods);
static ngx_int_t ngx_sendkit_auth_response_allow(ngx_http_request_t *r,
    unsigned methods);
static ngx_table_elt_t *ngx_sendkit_auth_response_header(
    ngx_http_request_t *r, const ngx_str_t *key, const ngx_str_t *value);


static ngx_str_t  ngx_sendkit_auth_json = ngx_string("application/json");

static const ngx_str_t  ngx_sendkit_auth_cache_control =
    ngx_string("Cache-Control");
static const ngx_str_t  ngx_sendkit_auth_no_store = ngx_string("no-store");
static const ngx_str_t  ngx_sendkit_auth_www_authenticate =
    ngx_string("WWW-Authenticate");
static const ngx_str_t  ngx_sendkit_auth_allow = ngx_string("Allow");
static const ngx_str_t  ngx_sendkit_auth_retry_after =
    ngx_string("Retry-After");
static const ngx_str_t  ngx_sendkit_auth_one_second = ngx_string("1");


ngx_int_t
ngx_sendkit_auth_response_send(ngx_http_request_t *r,
    const ngx_sendkit_auth_loc_conf_t *sacf, sendkit_reason_e reason,
    unsigned methods)
{
    ngx_int_t  rc;

    if (r->header_sent) {

        /* post_action: the client has its answer, there is nothing to say */

        ngx_http_finalize_request(r, NGX_OK);
        return NGX_DONE;
    }

    /* no error_page for what may go wrong from here */

    r->error_page = 1;

    rc = ngx_sendkit_auth_response_error(r, sacf, sendkit_error_status(reason),
                                         methods);

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


ngx_int_t
ngx_sendkit_auth_response_error(ngx_http_request_t *r,
    const ngx_sendkit_auth_loc_conf_t *sacf, unsigned status,
    unsigned methods)
{
    ngx_str_t       json;
    sendkit_span_t  body;

    /* nothing of an answer that an internal redirect has given up */

    ngx_http_clean_header(r);

    if (ngx_sendkit_auth_response_headers(r, sacf, status, methods)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body = sendkit_error_body(status,
                              (sendkit_error_format_e) sacf->error_format);

    json.data = (u_char *) body.data;
    json.len = body.len;

    return ngx_sendkit_auth_response_body(r, status, &json);
}


ngx_int_t
ngx_sendkit_auth_response_json(ngx_http_request_t *r, unsigned status,
    const ngx_str_t *body)
{
    if (ngx_sendkit_auth_response_header(r, &ngx_sendkit_auth_cache_control,
                                         &ngx_sendkit_auth_no_store)
        == NULL)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_sendkit_auth_response_body(r, status, body);
}


static ngx_int_t
ngx_sendkit_auth_response_body(ngx_http_request_t *r, unsigned status,
    const ngx_str_t *body)
{
    ngx_http_complex_value_t  cv;

    /*
     * no "100 Continue", not the status of an error_page, and not 304 or 412
     * for what is no selected representation (RFC 9110, section 13.1)
     */

    r->expect_tested = 1;
    r->err_status = 0;
    r->disable_not_modified = 1;

    ngx_memzero(&cv, sizeof(ngx_http_complex_value_t));
    cv.value = *body;

    return ngx_http_send_response(r, status, &ngx_sendkit_auth_json, &cv);
}


static ngx_int_t
ngx_sendkit_auth_response_headers(ngx_http_request_t *r,
    const ngx_sendkit_auth_loc_conf_t *sacf, unsigned status,
    unsigned methods)
{
    ngx_table_elt_t  *h;

    if (ngx_sendkit_auth_response_header(r, &ngx_sendkit_auth_cache_control,
                                         &ngx_sendkit_auth_no_store)
        == NULL)
    {
        return NGX_ERROR;
    }

    switch (status) {

    case NGX_HTTP_UNAUTHORIZED:

        h = ngx_sendkit_auth_response_header(r,
                                             &ngx_sendkit_auth_www_authenticate,
                                             &sacf->challenge);
        r->headers_out.www_authenticate = h;

        return h != NULL ? NGX_OK : NGX_ERROR;

    case NGX_HTTP_NOT_ALLOWED:
        return ngx_sendkit_auth_response_allow(r, methods);

    case NGX_HTTP_SERVICE_UNAVAILABLE:

        h = ngx_sendkit_auth_response_header(r, &ngx_sendkit_auth_retry_after,
                                             &ngx_sendkit_auth_one_second);

        return h != NULL ? NGX_OK : NGX_ERROR;

    default:
        return NGX_OK;
    }
}


static ngx_int_t
ngx_sendkit_auth_response_allow(ngx_http_request_t *r, unsigned methods)
{
    ngx_str_t  value;

    value.data = ngx_pnalloc(r->pool, SENDKIT_ROUTE_ALLOW_MAX);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = sendkit_route_allow(methods, (char *) value.data);

    return ngx_sendkit_auth_response_header(r, &ngx_sendkit_auth_allow, &value)
           != NULL ? NGX_OK : NGX_ERROR;
}


static ngx_table_elt_t *
ngx_sendkit_auth_response_header(ngx_http_request_t *r, const ngx_str_t *key,
    const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NULL;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key = *key;
    h->value = *value;

    return h;
}
