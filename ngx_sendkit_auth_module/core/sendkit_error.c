
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_error.h"


typedef struct {
    unsigned         status;
    sendkit_span_t   bodies[SENDKIT_ERROR_ENVELOPE + 1];
} sendkit_error_t;


static const sendkit_error_t  sendkit_errors[] = {
    { 400,
      { SENDKIT_SPAN("{\"error\":\"Bad Request\","
                     "\"message\":\"The request is not valid\","
                     "\"code\":400}"),
        SENDKIT_SPAN("{\"success\":false,\"error\":{\"code\":\"BAD_REQUEST\","
                     "\"message\":\"The request is not valid\"}}") } },

    { 401,
      { SENDKIT_SPAN("{\"error\":\"Unauthorized\","
                     "\"message\":\"A valid API key is required\","
                     "\"code\":401}"),
        SENDKIT_SPAN("{\"success\":false,\"error\":{\"code\":\"UNAUTHORIZED\","
                     "\"message\":\"A valid API key is required\"}}") } },

    { 403,
      { SENDKIT_SPAN("{\"error\":\"Forbidden\","
                     "\"message\":\"You don't have permission to access "
                     "this resource\",\"code\":403}"),
        SENDKIT_SPAN("{\"success\":false,\"error\":{\"code\":\"FORBIDDEN\","
                     "\"message\":\"You don't have permission to access "
                     "this resource\"}}") } },

    { 404,
      { SENDKIT_SPAN("{\"error\":\"Not Found\","
                     "\"message\":\"The requested resource was not found\","
                     "\"code\":404}"),
        SENDKIT_SPAN("{\"success\":false,\"error\":{\"code\":\"NOT_FOUND\","
                     "\"message\":\"The requested resource was not found"
                     "\"}}") } },

    { 405,
      { SENDKIT_SPAN("{\"error\":\"Method Not Allowed\","
                     "\"message\":\"The method is not allowed for this "
                     "resource\",\"code\":405}"),
        SENDKIT_SPAN("{\"success\":false,\"error\":{\"code\":"
                     "\"METHOD_NOT_ALLOWED\","
                     "\"message\":\"The method is not allowed for this "
                     "resource\"}}") } },

    { 408,
      { SENDKIT_SPAN("{\"error\":\"Request Timeout\","
                     "\"message\":\"The request took too long\","
                     "\"code\":408}"),
        SENDKIT_SPAN("{\"success\":false,\"error\":{\"code\":"
                     "\"REQUEST_TIMEOUT\","
                     "\"message\":\"The request took too long\"}}") } },

    { 409,
      { SENDKIT_SPAN("{\"error\":\"Conflict\","
                     "\"message\":\"The request conflicts with the current "
                     "state of the resource\",\"code\":409,"
                     "\"details\":\"Resource already exists\"}"),
        SENDKIT_SPAN("{\"success\":false,\"error\":{\"code\":\"CONFLICT\","
                     "\"message\":\"The request conflicts with the current "
                     "state of the resource\","
                     "\"details\":\"Resource already exists\"}}") } },

    { 413,
      { SENDKIT_SPAN("{\"error\":\"Content Too Large\","
                     "\"message\":\"The request body is too large\","
                     "\"code\":413}"),
        SENDKIT_SPAN("{\"success\":false,\"error\":{\"code\":"
                     "\"CONTENT_TOO_LARGE\","
                     "\"message\":\"The request body is too large\"}}") } },

    { 503,
      { SENDKIT_SPAN("{\"error\":\"Service Unavailable\","
                     "\"message\":\"The service is temporarily unavailable\","
                     "\"code\":503}"),
        SENDKIT_SPAN("{\"success\":false,\"error\":{\"code\":"
                     "\"SERVICE_UNAVAILABLE\","
                     "\"message\":\"The service is temporarily unavailable"
                     "\"}}") } }
};

#define SENDKIT_NERRORS                                                       \
    (sizeof(sendkit_errors) / sizeof(sendkit_error_t))


unsigned
sendkit_error_status(sendkit_reason_e reason)
{
    switch (reason) {

    case SENDKIT_REASON_BAD_PATH:
    case SENDKIT_REASON_NO_WORKSPACE:
        return 400;

    case SENDKIT_REASON_NO_KEY:
    case SENDKIT_REASON_DUPLICATE_KEY:
    case SENDKIT_REASON_BAD_KEY:
    case SENDKIT_REASON_UNKNOWN_KEY:
    case SENDKIT_REASON_EXPIRED_KEY:
    case SENDKIT_REASON_INACTIVE_KEY:
        return 401;

    case SENDKIT_REASON_SUBREQUEST:
    case SENDKIT_REASON_KEY_KIND:
    case SENDKIT_REASON_OTHER_WORKSPACE:
    case SENDKIT_REASON_ROLE:
        return 403;

    case SENDKIT_REASON_NO_ROUTE:
        return 404;

    case SENDKIT_REASON_METHOD:
        return 405;

    default:
        return 503;
    }
}


sendkit_span_t
sendkit_error_body(unsigned status, sendkit_error_format_e format)
{
    size_t  i;

    for (i = 0; i < SENDKIT_NERRORS - 1; i++) {
        if (sendkit_errors[i].status == status) {
            break;
        }
    }

    return sendkit_errors[i].bodies[format];
}
