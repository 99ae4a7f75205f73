
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdio.h>

#include "authctl_explain.h"
#include "authctl_output.h"


#define AUTHCTL_EXPLAIN_WORDS_MAX  64


/* a list, as in sendkit_auth_route */

typedef struct {
    char                     text[AUTHCTL_EXPLAIN_WORDS_MAX];
} authctl_explain_words_t;


static int authctl_explain_has_route(const authctl_explain_t *explain);
static int authctl_explain_has_key(const authctl_explain_t *explain);

static void authctl_explain_print_route(const authctl_explain_t *explain);
static void authctl_explain_print_template(const authctl_explain_t *explain);
static void authctl_explain_print_key(const authctl_explain_t *explain);
static void authctl_explain_print_record(const authctl_explain_t *explain,
    const authctl_explain_lookup_t *lookup);
static void authctl_explain_print_role(const authctl_explain_t *explain,
    const authctl_explain_lookup_t *lookup);
static void authctl_explain_print_result(const authctl_explain_t *explain);

static json_t *authctl_explain_json_route(const authctl_explain_t *explain);
static json_t *authctl_explain_json_key(const authctl_explain_t *explain);
static json_t *authctl_explain_json_lookups(const authctl_explain_t *explain);
static json_t *authctl_explain_json_lookup(const authctl_explain_t *explain,
    const authctl_explain_lookup_t *lookup);
static json_t *authctl_explain_json_values(
    const authctl_explain_lookup_t *lookup);
static json_t *authctl_explain_json_result(const authctl_explain_t *explain);
static json_t *authctl_explain_json_word(sendkit_span_t word);

static sendkit_span_t authctl_explain_allow(const authctl_explain_t *explain,
    authctl_explain_words_t *words);
static sendkit_span_t authctl_explain_body(const authctl_explain_t *explain);
static const char *authctl_explain_methods(authctl_explain_words_t *words,
    const sendkit_route_t *route);
static const char *authctl_explain_keys(const sendkit_route_t *route);
static const char *authctl_explain_roles(authctl_explain_words_t *words,
    const sendkit_route_t *route);
static const char *authctl_explain_source(const sendkit_route_t *route);


/* in words, for people */

static const char *const  authctl_explain_reasons[SENDKIT_NREASONS] = {
    "",
    "all that the route asks for is there",
    "a CORS preflight needs no key",
    "the path can be read in different ways",
    "",
    "no template matches the path",
    "the template that matches does not list the method",
    "there is no X-Api-Key",
    "there is more than one X-Api-Key",
    "what X-Api-Key has is not of the form of a key",
    "the route does not take this kind of key",
    "Redis has no record of this key that is of its kind",
    "the key has expired",
    "the status of the key is not \"active\"",
    "X-Workspace-Id does not name one workspace, as the route asks for",
    "the key is not of the workspace that the request names",
    "the route does not take the role that the user has in the workspace",
    "Redis did not answer in time",
    "Redis did not answer",
    "Redis sent an error, or has a record that is malformed",
    ""
};


int
authctl_explain_print(const authctl_explain_t *explain)
{
    size_t             i;
    authctl_escaped_t  method, path;

    printf("request     %s %s\n",
           authctl_escape(&method, authctl_span(explain->method)),
           authctl_escape(&path, explain->path));

    if (authctl_explain_has_route(explain)) {
        authctl_explain_print_route(explain);
    }

    if (authctl_explain_has_key(explain)) {
        authctl_explain_print_key(explain);
    }

    for (i = 0; i < explain->nlookups; i++) {

        if (explain->lookups[i].need == SENDKIT_NEEDS_RECORD) {
            authctl_explain_print_record(explain, &explain->lookups[i]);

        } else {
            authctl_explain_print_role(explain, &explain->lookups[i]);
        }
    }

    authctl_explain_print_result(explain);

    return AUTHCTL_OK;
}


int
authctl_explain_print_json(const authctl_explain_t *explain)
{
    return authctl_print_json(
               json_pack("{s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o}",
                         "method",
                         authctl_json_string(authctl_span(explain->method)),
                         "path", authctl_json_string(explain->path),
                         "canonical", explain->facts.canonical_path,
                         "preflight", explain->facts.preflight,
                         "route", authctl_explain_json_route(explain),
                         "key", authctl_explain_json_key(explain),
                         "lookups", authctl_explain_json_lookups(explain),
                         "decision", authctl_explain_json_result(explain)));
}


/* what is looked at, before the gateway has decided */

static int
authctl_explain_has_route(const authctl_explain_t *explain)
{
    return explain->nginx == 0 && explain->facts.canonical_path
           && !explain->facts.preflight;
}


static int
authctl_explain_has_key(const authctl_explain_t *explain)
{
    return authctl_explain_has_route(explain)
           && explain->facts.match.route != NULL;
}


static void
authctl_explain_print_route(const authctl_explain_t *explain)
{
    authctl_escaped_t         file;
    const sendkit_route_t    *route;
    authctl_explain_words_t   words;

    route = explain->facts.match.route;

    if (route == NULL) {
        authctl_explain_print_template(explain);
        return;
    }

    printf("route       %s ", authctl_explain_methods(&words, route));
    printf("%.*s keys=%s", (int) route->template.len, route->template.data,
           authctl_explain_keys(route));
    printf(" roles=%s workspace=%s\n", authctl_explain_roles(&words, route),
           authctl_explain_source(route));
    printf("            line %zu of %s\n",
           authctl_routes_line(&explain->routes, route),
           authctl_escape(&file, authctl_span(explain->file)));
}


/* the one that has the path, but not the method */

static void
authctl_explain_print_template(const authctl_explain_t *explain)
{
    sendkit_route_match_t  match;

    /* its routes have other methods: one of these finds one of them */

    sendkit_route_find(&match, &explain->routes.root,
                       explain->facts.match.methods
                       & ~(explain->facts.match.methods - 1), explain->path);

    if (match.route == NULL) {
        printf("route       none\n");
        return;
    }

    printf("route       none for this method, but %.*s\n",
           (int) match.route->template.len, match.route->template.data);
}


static void
authctl_explain_print_key(const authctl_explain_t *explain)
{
    sendkit_span_t  type;

    type = sendkit_key_name(explain->facts.key);

    if (explain->ndigests != 0) {
        printf("key         %.*s, key id %.*s\n", (int) type.len, type.data,
               AUTHCTL_EXPLAIN_KEY_ID, explain->digests[0]);

    } else if (type.len != 0) {
        printf("key         %.*s\n", (int) type.len, type.data);

    } else {
        printf("key         %s\n", explain->nkeys == 0 ? "none"
               : explain->nkeys == 1 ? "malformed" : "more than one");
    }
}


static void
authctl_explain_print_record(const authctl_explain_t *explain,
    const authctl_explain_lookup_t *lookup)
{
    size_t             i, n;
    authctl_escaped_t  shown;

    printf("record      %s%s\n", authctl_escape(&shown, lookup->name),
           lookup == explain->lookups ? "" : ", by the old pepper");
    printf("            ");

    if (lookup->store != SENDKIT_STORE_OK) {
        printf("not known\n");
        return;
    }

    n = 0;

    for (i = 0; i < SENDKIT_RECORD_NFIELDS; i++) {

        if (lookup->values[i].data != NULL) {
            printf("%s%.*s %s", n++ != 0 ? ", " : "",
                   (int) sendkit_record_fields[i].len,
                   sendkit_record_fields[i].data,
                   authctl_escape(&shown, lookup->values[i]));
        }
    }

    printf("%s\n", n != 0 ? "" : "none");
}


static void
authctl_explain_print_role(const authctl_explain_t *explain,
    const authctl_explain_lookup_t *lookup)
{
    sendkit_span_t     user;
    authctl_escaped_t  shown;

    user = sendkit_id_span(&explain->facts.record.user);

    printf("role        %s, user %.*s\n",
           authctl_escape(&shown, lookup->name), (int) user.len, user.data);
    printf("            %s\n", lookup->store != SENDKIT_STORE_OK ? "not known"
           : lookup->values[0].data == NULL ? "none"
           : authctl_escape(&shown, lookup->values[0]));
}


static void
authctl_explain_print_result(const authctl_explain_t *explain)
{
    unsigned                 status;
    sendkit_span_t           name;
    authctl_explain_words_t  words;

    status = authctl_explain_status(explain);

    if (explain->nginx != 0) {
        printf("decision    %u, by nginx: the gateway does not see such a "
               "method\n", status);
        return;
    }

    name = sendkit_reason_name(explain->reason);

    if (status == 0) {
        printf("decision    forward");

    } else {
        printf("decision    %u", status);
    }

    printf(", %.*s: %s\n", (int) name.len, name.data,
           authctl_explain_reasons[explain->reason]);

    authctl_print_field("allow", authctl_explain_allow(explain, &words));
    authctl_print_field("body", authctl_explain_body(explain));
}


static json_t *
authctl_explain_json_route(const authctl_explain_t *explain)
{
    const sendkit_route_t    *route;
    authctl_explain_words_t   methods, roles;

    if (!authctl_explain_has_key(explain)) {
        return json_null();
    }

    route = explain->facts.match.route;

    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:o, s:I}",
                     "methods", authctl_explain_methods(&methods, route),
                     "template", authctl_json_string(route->template),
                     "keys", authctl_explain_keys(route),
                     "roles", authctl_explain_roles(&roles, route),
                     "workspace", authctl_explain_source(route),
                     "file", authctl_json_string(authctl_span(explain->file)),
                     "line", (json_int_t) authctl_routes_line(
                                              &explain->routes, route));
}


static json_t *
authctl_explain_json_key(const authctl_explain_t *explain)
{
    sendkit_span_t  digest, id;

    if (!authctl_explain_has_key(explain) || explain->nkeys == 0) {
        return json_null();
    }

    digest.data = explain->ndigests != 0 ? explain->digests[0] : NULL;
    digest.len = SENDKIT_DIGEST_HEX_LEN;

    id.data = digest.data;
    id.len = AUTHCTL_EXPLAIN_KEY_ID;

    return json_pack("{s:o, s:o, s:o}",
                     "type", authctl_explain_json_word(
                                 sendkit_key_name(explain->facts.key)),
                     "key_id", authctl_json_string(id),
                     "digest", authctl_json_string(digest));
}


static json_t *
authctl_explain_json_lookups(const authctl_explain_t *explain)
{
    size_t   i;
    json_t  *lookups;

    lookups = json_array();

    for (i = 0; i < explain->nlookups; i++) {

        if (json_array_append_new(lookups,
                authctl_explain_json_lookup(explain, &explain->lookups[i]))
            == -1)
        {
            json_decref(lookups);
            return NULL;
        }
    }

    return lookups;
}


static json_t *
authctl_explain_json_lookup(const authctl_explain_t *explain,
    const authctl_explain_lookup_t *lookup)
{
    json_t           *known;
    sendkit_span_t    user;

    known = json_boolean(lookup->store == SENDKIT_STORE_OK);

    if (lookup->need == SENDKIT_NEEDS_RECORD) {
        return json_pack("{s:o, s:o, s:o}",
                         "name", authctl_json_string(lookup->name),
                         "known", known,
                         "record", authctl_explain_json_values(lookup));
    }

    user = sendkit_id_span(&explain->facts.record.user);

    return json_pack("{s:o, s:o, s:o, s:o}",
                     "name", authctl_json_string(lookup->name),
                     "known", known,
                     "user", authctl_json_string(user),
                     "role", authctl_json_string(lookup->values[0]));
}


/* the fields that there are; null, if there are none */

static json_t *
authctl_explain_json_values(const authctl_explain_lookup_t *lookup)
{
    size_t   i;
    json_t  *record;

    record = json_object();

    for (i = 0; i < SENDKIT_RECORD_NFIELDS; i++) {

        if (lookup->values[i].data != NULL
            && json_object_setn_new(record,
                              (const char *) sendkit_record_fields[i].data,
                              sendkit_record_fields[i].len,
                              authctl_json_string(lookup->values[i]))
               == -1)
        {
            json_decref(record);
            return NULL;
        }
    }

    if (json_object_size(record) == 0) {
        json_decref(record);
        return json_null();
    }

    return record;
}


static json_t *
authctl_explain_json_result(const authctl_explain_t *explain)
{
    unsigned                  status;
    sendkit_span_t            reason = { NULL, 0 };
    authctl_explain_words_t   words;

    status = authctl_explain_status(explain);

    if (explain->nginx == 0) {
        reason = sendkit_reason_name(explain->reason);
    }

    return json_pack("{s:b, s:o, s:o, s:o, s:o}",
                     "forward", status == 0,
                     "status", status == 0 ? json_null()
                                           : json_integer(status),
                     "reason", authctl_json_string(reason),
                     "allow", authctl_json_string(
                                  authctl_explain_allow(explain, &words)),
                     "body", authctl_json_string(
                                 authctl_explain_body(explain)));
}


static json_t *
authctl_explain_json_word(sendkit_span_t word)
{
    return word.len == 0 ? json_null() : authctl_json_string(word);
}


/* the header of a 405; data == NULL with all other answers */

static sendkit_span_t
authctl_explain_allow(const authctl_explain_t *explain,
    authctl_explain_words_t *words)
{
    sendkit_span_t  allow = { NULL, 0 };

    if (explain->nginx == 0 && explain->reason == SENDKIT_REASON_METHOD) {
        allow.data = (const unsigned char *) words->text;
        allow.len = sendkit_route_allow(explain->facts.match.methods,
                                        words->text);
    }

    return allow;
}


/* data == NULL where the gateway does not answer */

static sendkit_span_t
authctl_explain_body(const authctl_explain_t *explain)
{
    unsigned        status;
    sendkit_span_t  none = { NULL, 0 };

    status = authctl_explain_status(explain);

    return explain->nginx != 0 || status == 0
           ? none : sendkit_error_body(status, explain->format);
}


/* as in an Allow header */

static const char *
authctl_explain_methods(authctl_explain_words_t *words,
    const sendkit_route_t *route)
{
    size_t  len;

    if (route->methods == SENDKIT_METHOD_ANY) {
        return "*";
    }

    len = sendkit_route_allow(route->methods, words->text);
    words->text[len] = '\0';

    return words->text;
}


static const char *
authctl_explain_keys(const sendkit_route_t *route)
{
    static const char *const  keys[] = { "none", "platform", "workspace",
                                         "any" };

    return keys[route->keys];
}


static const char *
authctl_explain_roles(authctl_explain_words_t *words,
    const sendkit_route_t *route)
{
    unsigned        bit;
    sendkit_span_t  name;

    if (route->roles == SENDKIT_ROLE_NONE) {
        return "none";
    }

    if (route->roles == SENDKIT_ROLE_ANY) {
        return "any";
    }

    words->text[0] = '\0';

    for (bit = 1; bit <= SENDKIT_ROLE_MEMBER; bit <<= 1) {

        if ((route->roles & bit) != 0) {
            name = sendkit_role_name((sendkit_role_e) bit);

            strcat(words->text, words->text[0] == '\0' ? "" : ",");
            strncat(words->text, (const char *) name.data, name.len);
        }
    }

    return words->text;
}


static const char *
authctl_explain_source(const sendkit_route_t *route)
{
    static const char *const  sources[] = { "none", "path", "header" };

    return sources[route->workspace];
}
