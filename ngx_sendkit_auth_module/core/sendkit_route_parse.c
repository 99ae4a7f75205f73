
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_alphabet.h"
#include "sendkit_path.h"
#include "sendkit_route.h"


/* the options a route has been given */

#define SENDKIT_ROUTE_KEYS       0x01
#define SENDKIT_ROUTE_ROLES      0x02
#define SENDKIT_ROUTE_WORKSPACE  0x04


typedef struct {
    sendkit_span_t   word;
    unsigned         value;
} sendkit_choice_t;


static const char *sendkit_route_parse_methods(sendkit_route_t *route,
    sendkit_span_t words);
static const char *sendkit_route_parse_template(sendkit_route_t *route,
    sendkit_span_t template);
static const char *sendkit_route_parse_segment(sendkit_span_t segment,
    sendkit_span_t rest);
static const char *sendkit_route_parse_option(sendkit_route_t *route,
    unsigned *seen, sendkit_span_t word);
static int sendkit_route_parse_roles(sendkit_route_t *route,
    sendkit_span_t words);
static const char *sendkit_route_set_defaults(sendkit_route_t *route,
    unsigned seen);
static int sendkit_route_next_word(sendkit_span_t *rest, sendkit_span_t *word);
static const sendkit_choice_t *sendkit_route_choice(
    const sendkit_choice_t *choices, sendkit_span_t word);
static int sendkit_route_take_prefix(sendkit_span_t *word,
    sendkit_span_t prefix);


static const sendkit_choice_t  sendkit_route_keys[] = {
    { SENDKIT_SPAN("platform"), SENDKIT_KEY_PLATFORM },
    { SENDKIT_SPAN("workspace"), SENDKIT_KEY_WORKSPACE },
    { SENDKIT_SPAN("any"), SENDKIT_KEY_ANY },
    { { NULL, 0 }, 0 }
};


static const sendkit_choice_t  sendkit_route_workspaces[] = {
    { SENDKIT_SPAN("path"), SENDKIT_WORKSPACE_PATH },
    { SENDKIT_SPAN("header"), SENDKIT_WORKSPACE_HEADER },
    { SENDKIT_SPAN("none"), SENDKIT_WORKSPACE_NONE },
    { { NULL, 0 }, 0 }
};


static const sendkit_span_t  sendkit_route_all = SENDKIT_SPAN("*");
static const sendkit_span_t  sendkit_route_any = SENDKIT_SPAN("any");
static const sendkit_span_t  sendkit_route_none = SENDKIT_SPAN("none");
static const sendkit_span_t  sendkit_route_rest = SENDKIT_SPAN("**");
static const sendkit_span_t  sendkit_route_workspace_id =
    SENDKIT_SPAN("{workspaceId}");

static const sendkit_span_t  sendkit_option_keys = SENDKIT_SPAN("keys=");
static const sendkit_span_t  sendkit_option_roles = SENDKIT_SPAN("roles=");
static const sendkit_span_t  sendkit_option_workspace =
    SENDKIT_SPAN("workspace=");


const char *
sendkit_route_parse(sendkit_route_t *route, const sendkit_span_t *words,
    size_t nwords, size_t *bad)
{
    size_t       i;
    unsigned     seen;
    const char  *error;

    memset(route, 0, sizeof(sendkit_route_t));

    *bad = 0;

    if (nwords < 2) {
        return "is not followed by a template";
    }

    error = sendkit_route_parse_methods(route, words[0]);
    if (error != NULL) {
        return error;
    }

    *bad = 1;

    error = sendkit_route_parse_template(route, words[1]);
    if (error != NULL) {
        return error;
    }

    seen = 0;

    for (i = 2; i < nwords; i++) {
        *bad = i;

        error = sendkit_route_parse_option(route, &seen, words[i]);
        if (error != NULL) {
            return error;
        }
    }

    *bad = 1;

    return sendkit_route_set_defaults(route, seen);
}


static const char *
sendkit_route_parse_methods(sendkit_route_t *route, sendkit_span_t words)
{
    unsigned        bit;
    sendkit_span_t  word;

    if (sendkit_span_equal(words, sendkit_route_all)) {
        route->methods = SENDKIT_METHOD_ANY;
        return NULL;
    }

    while (sendkit_route_next_word(&words, &word)) {

        bit = sendkit_route_method(word);

        if (bit == SENDKIT_METHOD_OTHER) {
            return "is not \"*\" or a list of GET, HEAD, POST, PUT, PATCH, "
                   "DELETE, OPTIONS";
        }

        route->methods |= bit;
    }

    return NULL;
}


static const char *
sendkit_route_parse_template(sendkit_route_t *route, sendkit_span_t template)
{
    size_t           nworkspaces;
    const char      *error;
    sendkit_span_t   rest, segment;

    if (template.len == 0 || template.data[0] != '/') {
        return "does not begin with \"/\"";
    }

    rest = template;
    nworkspaces = 0;

    while (sendkit_path_next_segment(&rest, &segment)) {

        error = sendkit_route_parse_segment(segment, rest);
        if (error != NULL) {
            return error;
        }

        route->nsegments++;

        if (sendkit_span_equal(segment, sendkit_route_workspace_id)) {
            route->workspace_at = route->nsegments;
            nworkspaces++;
        }
    }

    if (nworkspaces > 1) {
        return "has more than one \"{workspaceId}\"";
    }

    route->template = template;

    return NULL;
}


static const char *
sendkit_route_parse_segment(sendkit_span_t segment, sendkit_span_t rest)
{
    sendkit_span_t  literal, name;

    if (sendkit_span_equal(segment, sendkit_route_rest)) {
        return rest.len == 0 ? NULL : "has \"**\" before its last segment";
    }

    if (segment.len > 2
        && segment.data[0] == '{' && segment.data[segment.len - 1] == '}')
    {
        name.data = segment.data + 1;
        name.len = segment.len - 2;

        return sendkit_alphabet_spells(SENDKIT_ALPHABET_WORD, name)
               ? NULL : "has a bad name in braces";
    }

    /* a literal, with the "/" before it, is a path of its own */

    literal.data = segment.data - 1;
    literal.len = segment.len + 1;

    if ((segment.len == 0 && rest.len != 0)
        || !sendkit_path_is_canonical(literal, literal)
        || (segment.len != 0 && memchr(segment.data, '*', segment.len) != NULL))
    {
        return "has a segment that is not a literal, \"{name}\" or \"**\"";
    }

    return NULL;
}


static const char *
sendkit_route_parse_option(sendkit_route_t *route, unsigned *seen,
    sendkit_span_t word)
{
    unsigned                 option;
    const sendkit_choice_t  *choice;

    choice = NULL;

    if (sendkit_route_take_prefix(&word, sendkit_option_keys)) {
        option = SENDKIT_ROUTE_KEYS;

        choice = sendkit_route_choice(sendkit_route_keys, word);
        if (choice == NULL) {
            return "is not keys=platform, workspace or any";
        }

        route->keys = choice->value;

    } else if (sendkit_route_take_prefix(&word, sendkit_option_roles)) {
        option = SENDKIT_ROUTE_ROLES;

        if (!sendkit_route_parse_roles(route, word)) {
            return "is not roles=any, none or a list of owner, admin, member";
        }

    } else if (sendkit_route_take_prefix(&word, sendkit_option_workspace)) {
        option = SENDKIT_ROUTE_WORKSPACE;

        choice = sendkit_route_choice(sendkit_route_workspaces, word);
        if (choice == NULL) {
            return "is not workspace=path, header or none";
        }

        route->workspace = (sendkit_workspace_e) choice->value;

    } else {
        return "is not keys=, roles= or workspace=";
    }

    if ((*seen & option) != 0) {
        return "is duplicate";
    }

    *seen |= option;

    return NULL;
}


static int
sendkit_route_parse_roles(sendkit_route_t *route, sendkit_span_t words)
{
    sendkit_role_e  role;
    sendkit_span_t  word;

    if (sendkit_span_equal(words, sendkit_route_none)) {
        return 1;
    }

    if (sendkit_span_equal(words, sendkit_route_any)) {
        route->roles = SENDKIT_ROLE_ANY;
        return 1;
    }

    while (sendkit_route_next_word(&words, &word)) {

        role = sendkit_role_parse(word);

        if (role == SENDKIT_ROLE_NONE) {
            return 0;
        }

        route->roles |= role;
    }

    return 1;
}


/* sets what was left out, and tells what cannot be */

static const char *
sendkit_route_set_defaults(sendkit_route_t *route, unsigned seen)
{
    int  in_path;

    in_path = route->workspace_at != 0;

    if ((seen & SENDKIT_ROUTE_WORKSPACE) == 0 && in_path) {
        route->workspace = SENDKIT_WORKSPACE_PATH;
    }

    if ((seen & SENDKIT_ROUTE_KEYS) == 0) {
        route->keys = in_path ? SENDKIT_KEY_PLATFORM : SENDKIT_KEY_ANY;
    }

    if ((seen & SENDKIT_ROUTE_ROLES) == 0
        && route->workspace == SENDKIT_WORKSPACE_PATH)
    {
        route->roles = SENDKIT_ROLE_OWNER|SENDKIT_ROLE_ADMIN;
    }

    if (route->workspace == SENDKIT_WORKSPACE_PATH && !in_path) {
        return "has no \"{workspaceId}\" for workspace=path";
    }

    if (route->workspace == SENDKIT_WORKSPACE_NONE && route->roles != 0) {
        return "has roles but no workspace to hold them in";
    }

    return NULL;
}


/* takes the next word off a list with commas; 0: none left */

static int
sendkit_route_next_word(sendkit_span_t *rest, sendkit_span_t *word)
{
    const unsigned char  *comma;

    if (rest->data == NULL) {
        return 0;
    }

    word->data = rest->data;
    word->len = rest->len;

    comma = rest->len != 0 ? memchr(rest->data, ',', rest->len) : NULL;

    if (comma == NULL) {
        rest->data = NULL;
        return 1;
    }

    word->len = (size_t) (comma - rest->data);

    rest->data += word->len + 1;
    rest->len -= word->len + 1;

    return 1;
}


static const sendkit_choice_t *
sendkit_route_choice(const sendkit_choice_t *choices, sendkit_span_t word)
{
    for ( /* void */ ; choices->word.data != NULL; choices++) {
        if (sendkit_span_equal(word, choices->word)) {
            return choices;
        }
    }

    return NULL;
}


static int
sendkit_route_take_prefix(sendkit_span_t *word, sendkit_span_t prefix)
{
    if (word->len < prefix.len
        || memcmp(word->data, prefix.data, prefix.len) != 0)
    {
        return 0;
    }

    word->data += prefix.len;
    word->len -= prefix.len;

    return 1;
}
