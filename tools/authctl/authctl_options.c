
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "authctl.h"
#include "authctl_options.h"


#define AUTHCTL_TIMEOUT      5          /* s */
#define AUTHCTL_TIMEOUT_MAX  3600
#define AUTHCTL_DB_MAX       1000000


/* the values of the options that have no letter */

typedef enum {
    AUTHCTL_OPTION_PASS = 256,
    AUTHCTL_OPTION_USER,
    AUTHCTL_OPTION_PASSWORD_FILE,
    AUTHCTL_OPTION_TIMEOUT,
    AUTHCTL_OPTION_TLS,
    AUTHCTL_OPTION_CACERT,
    AUTHCTL_OPTION_CERT,
    AUTHCTL_OPTION_TLS_KEY,
    AUTHCTL_OPTION_SNI,
    AUTHCTL_OPTION_INSECURE,
    AUTHCTL_OPTION_PREFIX,
    AUTHCTL_OPTION_PEPPER_FILE,
    AUTHCTL_OPTION_OLD_PEPPER_FILE,
    AUTHCTL_OPTION_JSON,
    AUTHCTL_OPTION_HELP,
    AUTHCTL_OPTION_VERSION
} authctl_option_e;


static int authctl_options_set(authctl_options_t *options, int c, char **argv);
static int authctl_options_set_conn(authctl_options_t *options, int c,
    char **argv);
static int authctl_options_set_tls(authctl_options_t *options, int c,
    char **argv);
static int authctl_options_set_number(const char *name, const char *value,
    long min, long max, long *number);
static int authctl_options_set_db(authctl_options_t *options,
    const char *value);
static int authctl_options_set_timeout(authctl_options_t *options,
    const char *value);
static int authctl_options_set_uri(authctl_options_t *options, char *uri);
static int authctl_options_set_address(authctl_options_t *options,
    char *address);
static int authctl_options_check(const authctl_options_t *options);
static int authctl_options_check_tls(const authctl_conn_conf_t *conn);


static const struct option  authctl_long_options[] = {
    { "pass", required_argument, NULL, AUTHCTL_OPTION_PASS },
    { "user", required_argument, NULL, AUTHCTL_OPTION_USER },
    { "password-file", required_argument, NULL, AUTHCTL_OPTION_PASSWORD_FILE },
    { "timeout", required_argument, NULL, AUTHCTL_OPTION_TIMEOUT },
    { "tls", no_argument, NULL, AUTHCTL_OPTION_TLS },
    { "cacert", required_argument, NULL, AUTHCTL_OPTION_CACERT },
    { "cert", required_argument, NULL, AUTHCTL_OPTION_CERT },
    { "tls-key", required_argument, NULL, AUTHCTL_OPTION_TLS_KEY },
    { "sni", required_argument, NULL, AUTHCTL_OPTION_SNI },
    { "insecure", no_argument, NULL, AUTHCTL_OPTION_INSECURE },
    { "prefix", required_argument, NULL, AUTHCTL_OPTION_PREFIX },
    { "pepper-file", required_argument, NULL, AUTHCTL_OPTION_PEPPER_FILE },
    { "old-pepper-file", required_argument, NULL,
      AUTHCTL_OPTION_OLD_PEPPER_FILE },
    { "json", no_argument, NULL, AUTHCTL_OPTION_JSON },
    { "help", no_argument, NULL, AUTHCTL_OPTION_HELP },
    { "version", no_argument, NULL, AUTHCTL_OPTION_VERSION },
    { NULL, 0, NULL, 0 }
};


int
authctl_options_parse(authctl_options_t *options, int argc, char **argv)
{
    int  c, status;

    memset(options, 0, sizeof(authctl_options_t));

    options->prefix = "sendkit:";
    options->redis.conn.host = "127.0.0.1";
    options->redis.conn.port = "6379";
    options->redis.conn.timeout = AUTHCTL_TIMEOUT * 1000;

    opterr = 0;

    for ( ;; ) {

        /* "+": what follows the command is its own */

        c = getopt_long(argc, argv, "+:h:p:s:n:u:a:", authctl_long_options,
                        NULL);

        if (c == -1) {
            return authctl_options_check(options);
        }

        status = authctl_options_set(options, c, argv);

        if (status != AUTHCTL_OK || options->what != AUTHCTL_OPTIONS_RUN) {
            return status;
        }
    }
}


static int
authctl_options_set(authctl_options_t *options, int c, char **argv)
{
    switch (c) {

    case AUTHCTL_OPTION_PREFIX:
        options->prefix = optarg;
        break;

    case AUTHCTL_OPTION_PEPPER_FILE:
        options->pepper_file = optarg;
        break;

    case AUTHCTL_OPTION_OLD_PEPPER_FILE:
        options->old_pepper_file = optarg;
        break;

    case AUTHCTL_OPTION_JSON:
        options->json = 1;
        break;

    case AUTHCTL_OPTION_HELP:
        options->what = AUTHCTL_OPTIONS_HELP;
        break;

    case AUTHCTL_OPTION_VERSION:
        options->what = AUTHCTL_OPTIONS_VERSION;
        break;

    default:
        return authctl_options_set_conn(options, c, argv);
    }

    return AUTHCTL_OK;
}


static int
authctl_options_set_conn(authctl_options_t *options, int c, char **argv)
{
    long  number;

    switch (c) {

    case 'h':
        options->redis.conn.host = optarg;
        return AUTHCTL_OK;

    case 'p':
        options->redis.conn.port = optarg;
        return authctl_options_set_number("-p", optarg, 1, 65535, &number);

    case 's':
        options->redis.conn.socket = optarg;
        return AUTHCTL_OK;

    case 'n':
        return authctl_options_set_db(options, optarg);

    case 'u':
        return authctl_options_set_uri(options, optarg);

    case 'a':
    case AUTHCTL_OPTION_PASS:

        /* those of redis-cli; the second would be taken for a file */

        return authctl_fail(AUTHCTL_USAGE, "a password on the command line "
                            "can be seen by others, use \"--password-file\" "
                            "or REDISCLI_AUTH");

    case AUTHCTL_OPTION_USER:
        options->redis.user = optarg;
        return AUTHCTL_OK;

    case AUTHCTL_OPTION_PASSWORD_FILE:
        options->password_file = optarg;
        return AUTHCTL_OK;

    case AUTHCTL_OPTION_TIMEOUT:
        return authctl_options_set_timeout(options, optarg);

    default:
        return authctl_options_set_tls(options, c, argv);
    }
}


static int
authctl_options_set_tls(authctl_options_t *options, int c, char **argv)
{
    authctl_conn_conf_t  *conn;

    conn = &options->redis.conn;

    switch (c) {

    case AUTHCTL_OPTION_TLS:
        conn->tls = 1;
        break;

    case AUTHCTL_OPTION_CACERT:
        conn->ca = optarg;
        break;

    case AUTHCTL_OPTION_CERT:
        conn->cert = optarg;
        break;

    case AUTHCTL_OPTION_TLS_KEY:
        conn->key = optarg;
        break;

    case AUTHCTL_OPTION_SNI:
        conn->sni = optarg;
        break;

    case AUTHCTL_OPTION_INSECURE:
        conn->insecure = 1;
        break;

    default:
        return authctl_fail_option(c, argv);
    }

    return AUTHCTL_OK;
}


static int
authctl_options_set_number(const char *name, const char *value, long min,
    long max, long *number)
{
    char  *end;

    /* at most 9 digits, so that a long is enough */

    *number = strtol(value, &end, 10);

    if (value[strspn(value, "0123456789")] != '\0' || strlen(value) > 9
        || end == value || *number < min || *number > max)
    {
        return authctl_fail(AUTHCTL_USAGE, "\"%s\" in \"%s\" is not a number "
                            "from %ld to %ld", value, name, min, max);
    }

    return AUTHCTL_OK;
}


static int
authctl_options_set_db(authctl_options_t *options, const char *value)
{
    int   status;
    long  db;

    status = authctl_options_set_number("-n", value, 0, AUTHCTL_DB_MAX, &db);

    if (status == AUTHCTL_OK) {
        options->redis.db = (unsigned) db;
    }

    return status;
}


static int
authctl_options_set_timeout(authctl_options_t *options, const char *value)
{
    int   status;
    long  seconds;

    status = authctl_options_set_number("--timeout", value, 1,
                                        AUTHCTL_TIMEOUT_MAX, &seconds);

    if (status == AUTHCTL_OK) {
        options->redis.conn.timeout = (int) seconds * 1000;
    }

    return status;
}


/* what sendkit_auth_redis takes, and the same over TLS */

static int
authctl_options_set_uri(authctl_options_t *options, char *uri)
{
    char                 *db;
    authctl_conn_conf_t  *conn;

    conn = &options->redis.conn;

    if (strchr(uri, '@') != NULL) {

        /* not shown: it is where others put a password */

        return authctl_fail(AUTHCTL_USAGE, "\"-u\" takes no credentials, use "
                            "\"--user\" and \"--password-file\"");
    }

    if (strncmp(uri, "unix:", 5) == 0 && uri[5] != '\0') {
        conn->socket = uri + 5;
        db = strstr(uri + 5, ":/");

        if (db == NULL) {
            return AUTHCTL_OK;
        }

        *db = '\0';

        return authctl_options_set_db(options, db + 2);
    }

    conn->socket = NULL;

    if (strncmp(uri, "rediss://", 9) == 0) {
        conn->tls = 1;
        return authctl_options_set_address(options, uri + 9);
    }

    if (strncmp(uri, "redis://", 8) == 0) {
        return authctl_options_set_address(options, uri + 8);
    }

    return authctl_fail(AUTHCTL_USAGE, "\"%s\" in \"-u\" is not "
                        "\"redis://host:port/db\", \"rediss://host:port/db\" "
                        "or \"unix:/path:/db\"", uri);
}


/* host[:port][/db], where an IPv6 address stands in brackets */

static int
authctl_options_set_address(authctl_options_t *options, char *address)
{
    char  *db, *port, *end;
    long   number;

    db = strchr(address, '/');

    if (db != NULL) {
        *db++ = '\0';
    }

    end = address[0] == '[' ? strchr(address, ']') : NULL;
    port = strchr(end != NULL ? end : address, ':');

    if (port != NULL) {
        *port++ = '\0';
        options->redis.conn.port = port;

        if (authctl_options_set_number("-u", port, 1, 65535, &number)
            != AUTHCTL_OK)
        {
            return AUTHCTL_USAGE;
        }
    }

    if (end != NULL) {
        *end = '\0';
        address++;
    }

    if (address[0] == '\0') {
        return authctl_fail(AUTHCTL_USAGE, "\"-u\" has no host");
    }

    options->redis.conn.host = address;

    return db == NULL || *db == '\0' ? AUTHCTL_OK
                                     : authctl_options_set_db(options, db);
}


static int
authctl_options_check(const authctl_options_t *options)
{
    if (strlen(options->prefix) > SENDKIT_SCHEMA_PREFIX_MAX) {
        return authctl_fail(AUTHCTL_USAGE, "\"%s\" in \"--prefix\" is longer "
                            "than %d bytes", options->prefix,
                            SENDKIT_SCHEMA_PREFIX_MAX);
    }

    if (options->old_pepper_file != NULL && options->pepper_file == NULL) {
        return authctl_fail(AUTHCTL_USAGE, "\"--old-pepper-file\" without "
                            "\"--pepper-file\"");
    }

    return authctl_options_check_tls(&options->redis.conn);
}


/* Nobody shall believe in TLS where there is none. */

static int
authctl_options_check_tls(const authctl_conn_conf_t *conn)
{
    if (!conn->tls && (conn->ca != NULL || conn->cert != NULL
                       || conn->key != NULL || conn->sni != NULL
                       || conn->insecure))
    {
        return authctl_fail(AUTHCTL_USAGE, "\"--cacert\", \"--cert\", "
                            "\"--tls-key\", \"--sni\" and \"--insecure\" are "
                            "for \"--tls\" only");
    }

    if (conn->tls && conn->socket != NULL) {
        return authctl_fail(AUTHCTL_USAGE, "\"--tls\" is not for a "
                            "UNIX-domain socket");
    }

    if ((conn->cert == NULL) != (conn->key == NULL)) {
        return authctl_fail(AUTHCTL_USAGE, "\"--cert\" and \"--tls-key\" must "
                            "be used together");
    }

    return AUTHCTL_OK;
}
