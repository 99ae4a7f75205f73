
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* Which status and which bytes a refused request is answered with. */


#include "sendkit_error.h"
#include "tap.h"


typedef struct {
    const char         *name;
    sendkit_reason_e    reason;
    unsigned            status;
} test_status_t;


typedef struct {
    unsigned            status;
    const char         *error;
    const char         *code;
} test_body_t;


static void test_status(tap_t *tap);
static void test_documented(tap_t *tap);
static void test_forms(tap_t *tap);
static void test_form(tap_t *tap, const test_body_t *t);
static int test_has_prefix(sendkit_span_t span, const char *prefix);
static int test_has_suffix(sendkit_span_t span, const char *suffix);


static const test_status_t  test_statuses[] = {
    { "an undecided request", SENDKIT_REASON_UNDECIDED, 503 },
    { "bad_path", SENDKIT_REASON_BAD_PATH, 400 },
    { "no_route", SENDKIT_REASON_NO_ROUTE, 404 },
    { "method", SENDKIT_REASON_METHOD, 405 },
    { "no_key", SENDKIT_REASON_NO_KEY, 401 },
    { "duplicate_key", SENDKIT_REASON_DUPLICATE_KEY, 401 },
    { "bad_key", SENDKIT_REASON_BAD_KEY, 401 },
    { "key_kind", SENDKIT_REASON_KEY_KIND, 403 },
    { "unknown_key", SENDKIT_REASON_UNKNOWN_KEY, 401 },
    { "expired_key", SENDKIT_REASON_EXPIRED_KEY, 401 },
    { "inactive_key", SENDKIT_REASON_INACTIVE_KEY, 401 },
    { "no_workspace", SENDKIT_REASON_NO_WORKSPACE, 400 },
    { "other_workspace", SENDKIT_REASON_OTHER_WORKSPACE, 403 },
    { "role", SENDKIT_REASON_ROLE, 403 },
    { "store_timeout", SENDKIT_REASON_STORE_TIMEOUT, 503 },
    { "store_down", SENDKIT_REASON_STORE_DOWN, 503 },
    { "store_error", SENDKIT_REASON_STORE_ERROR, 503 },
    { "overload", SENDKIT_REASON_OVERLOAD, 503 }
};


static const test_body_t  test_bodies[] = {
    { 400, "Bad Request", "BAD_REQUEST" },
    { 401, "Unauthorized", "UNAUTHORIZED" },
    { 403, "Forbidden", "FORBIDDEN" },
    { 404, "Not Found", "NOT_FOUND" },
    { 405, "Method Not Allowed", "METHOD_NOT_ALLOWED" },
    { 408, "Request Timeout", "REQUEST_TIMEOUT" },
    { 413, "Content Too Large", "CONTENT_TOO_LARGE" },
    { 503, "Service Unavailable", "SERVICE_UNAVAILABLE" }
};


int
main(void)
{
    tap_t  tap;

    memset(&tap, 0, sizeof(tap_t));

    test_status(&tap);
    test_documented(&tap);
    test_forms(&tap);

    return tap_done(&tap);
}


static void
test_status(tap_t *tap)
{
    int                   i;
    size_t                k;
    unsigned              status, refused;
    const test_status_t  *t;

    for (k = 0; k < sizeof(test_statuses) / sizeof(test_status_t); k++) {
        t = &test_statuses[k];

        tap_number(tap, sendkit_error_status(t->reason), t->status,
                   "%s is answered with %u", t->name, t->status);
    }

    refused = 1;

    for (i = 0; i < SENDKIT_NREASONS + 2; i++) {
        status = sendkit_error_status((sendkit_reason_e) i);
        refused = refused && status >= 400 && status <= 599;
    }

    tap_ok(tap, (int) refused, "no reason at all gives a status below 400");
}


static void
test_documented(tap_t *tap)
{
    tap_span(tap, sendkit_error_body(403, SENDKIT_ERROR_FLAT),
             tap_text("{\"error\":\"Forbidden\",\"message\":\"You don't have "
                      "permission to access this resource\",\"code\":403}"),
             "the flat body of 403 is the documented one");
    tap_span(tap, sendkit_error_body(403, SENDKIT_ERROR_ENVELOPE),
             tap_text("{\"success\":false,\"error\":{\"code\":\"FORBIDDEN\","
                      "\"message\":\"You don't have permission to access this "
                      "resource\"}}"),
             "the envelope of 403 has the same words");
    tap_span(tap, sendkit_error_body(409, SENDKIT_ERROR_FLAT),
             tap_text("{\"error\":\"Conflict\",\"message\":\"The request "
                      "conflicts with the current state of the resource\","
                      "\"code\":409,\"details\":\"Resource already exists"
                      "\"}"),
             "the flat body of 409 is the documented one");
    tap_span(tap, sendkit_error_body(409, SENDKIT_ERROR_ENVELOPE),
             tap_text("{\"success\":false,\"error\":{\"code\":\"CONFLICT\","
                      "\"message\":\"The request conflicts with the current "
                      "state of the resource\",\"details\":\"Resource already "
                      "exists\"}}"),
             "the envelope of 409 has the same words");
    tap_span(tap, sendkit_error_body(404, SENDKIT_ERROR_FLAT),
             tap_text("{\"error\":\"Not Found\",\"message\":\"The requested "
                      "resource was not found\",\"code\":404}"),
             "the flat body of 404 is the documented one");
    tap_span(tap, sendkit_error_body(500, SENDKIT_ERROR_FLAT),
             sendkit_error_body(503, SENDKIT_ERROR_FLAT),
             "an unknown status has the flat body of 503");
    tap_span(tap, sendkit_error_body(0, SENDKIT_ERROR_ENVELOPE),
             sendkit_error_body(503, SENDKIT_ERROR_ENVELOPE),
             "an unknown status has the envelope of 503");
}


static void
test_forms(tap_t *tap)
{
    size_t  i;

    for (i = 0; i < sizeof(test_bodies) / sizeof(test_body_t); i++) {
        test_form(tap, &test_bodies[i]);
    }
}


static void
test_form(tap_t *tap, const test_body_t *t)
{
    char            expected[128];
    size_t          i;
    unsigned        quotes, other;
    sendkit_span_t  flat, envelope;

    flat = sendkit_error_body(t->status, SENDKIT_ERROR_FLAT);
    envelope = sendkit_error_body(t->status, SENDKIT_ERROR_ENVELOPE);

    snprintf(expected, sizeof(expected), "{\"error\":\"%s\",\"message\":\"",
             t->error);
    tap_ok(tap, test_has_prefix(flat, expected),
           "the flat body of %u begins with its error", t->status);

    snprintf(expected, sizeof(expected), "\",\"code\":%u}", t->status);
    tap_ok(tap, test_has_suffix(flat, expected),
           "the flat body of %u ends with its code", t->status);

    snprintf(expected, sizeof(expected), "{\"success\":false,\"error\":"
             "{\"code\":\"%s\",\"message\":\"", t->code);
    tap_ok(tap, test_has_prefix(envelope, expected),
           "the envelope of %u begins with its code", t->status);
    tap_ok(tap, test_has_suffix(envelope, "\"}}"),
           "the envelope of %u is closed", t->status);

    quotes = 0;
    other = 0;

    for (i = 0; i < flat.len; i++) {
        quotes += flat.data[i] == '"';
        other += flat.data[i] < 0x20 || flat.data[i] > 0x7e
                 || flat.data[i] == '\\';
    }

    tap_ok(tap, quotes == 10 && other == 0,
           "the flat body of %u needs no escapes", t->status);
}


static int
test_has_prefix(sendkit_span_t span, const char *prefix)
{
    span.len = span.len < strlen(prefix) ? span.len : strlen(prefix);

    return sendkit_span_equal(span, tap_text(prefix));
}


static int
test_has_suffix(sendkit_span_t span, const char *suffix)
{
    size_t  len;

    len = strlen(suffix);

    if (span.len < len) {
        return 0;
    }

    span.data += span.len - len;
    span.len = len;

    return sendkit_span_equal(span, tap_text(suffix));
}
