
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authctl.h"
#include "authctl_options.h"
#include "authctl_secret.h"


#define AUTHCTL_VERSION     "0.2.0"
#define AUTHCTL_PEPPER_MIN  16          /* bytes, as in the gateway */


/* what lives as long as the process */

typedef struct {
    authctl_t                ctl;
    authctl_secret_t         password;
    authctl_secret_t         peppers[AUTHCTL_DIGESTERS];
} authctl_process_t;


static int authctl_start(authctl_process_t *process,
    authctl_options_t *options);
static int authctl_read_password(authctl_process_t *process,
    authctl_options_t *options);
static int authctl_init_digesters(authctl_process_t *process,
    const authctl_options_t *options);
static int authctl_init_digester(authctl_process_t *process,
    const char *file);
static int authctl_finish(int status);
static void authctl_cleanup(authctl_process_t *process);


static const authctl_command_t  authctl_commands[] = {
    { "digest", authctl_digest },
    { "key", authctl_key },
    { "role", authctl_role },
    { "import", authctl_import },
    { "export", authctl_export },
    { "check", authctl_check },
    { "explain", authctl_explain },
    { NULL, NULL }
};


static const char  authctl_usage[] =
    "Usage: sendkit-authctl [OPTION ...] COMMAND [ARGUMENT ...]\n"
    "\n"
    "Keys and roles of ngx_sendkit_auth_module, in Redis.  A key is read from\n"
    "stdin, or asked for without showing it.\n"
    "\n"
    "  digest                      print the digest of a key\n"
    "  key add --user ID [--workspace ID] [--expires SECONDS] [--status WORD]\n"
    "          [--generate | --digest HEX]\n"
    "  key show [--digest HEX | --workspace ID]\n"
    "  key status WORD [--digest HEX | --workspace ID]\n"
    "  key revoke [--digest HEX | --workspace ID]\n"
    "  key list\n"
    "  role set WORKSPACE USER owner|admin|member\n"
    "  role unset WORKSPACE USER\n"
    "  role list WORKSPACE\n"
    "  import FILE|- [OPTION ...]  add keys and roles, from CSV or NDJSON\n"
    "  export [--csv]              print all keys and roles\n"
    "  check                       look for mistakes in what Redis holds\n"
    "  explain METHOD PATH [OPTION ...]\n"
    "                              how the gateway decides, step by step\n"
    "\n"
    "Options, all before the command:\n"
    "  -h HOST, -p PORT, -s SOCKET, -n DB, -u URI, --timeout SECONDS\n"
    "  --user NAME, --password-file FILE (or REDISCLI_AUTH)\n"
    "  --tls, --cacert FILE, --cert FILE, --tls-key FILE, --sni NAME,\n"
    "  --insecure\n"
    "  --prefix PREFIX, --pepper-file FILE, --old-pepper-file FILE\n"
    "  --json, --help, --version\n"
    "\n"
    "Exit status: 0 done or yes, 1 a clear no, 2 usage or bad input, 3 Redis.\n"
    "More in sendkit-authctl(1).\n";


int
main(int argc, char **argv)
{
    int                       status;
    authctl_options_t         options;
    static authctl_process_t  process;

    /* a pipe that nobody reads is an error of a write */

    (void) signal(SIGPIPE, SIG_IGN);

    status = authctl_options_parse(&options, argc, argv);

    if (status == AUTHCTL_OK && options.what == AUTHCTL_OPTIONS_HELP) {
        fputs(authctl_usage, stdout);
        return authctl_finish(AUTHCTL_OK);
    }

    if (status == AUTHCTL_OK && options.what == AUTHCTL_OPTIONS_VERSION) {
        puts("sendkit-authctl " AUTHCTL_VERSION);
        return authctl_finish(AUTHCTL_OK);
    }

    if (status == AUTHCTL_OK) {
        status = authctl_start(&process, &options);
    }

    if (status == AUTHCTL_OK) {
        status = authctl_run(authctl_commands, NULL, &process.ctl,
                             argc - optind + 1, argv + optind - 1);
    }

    authctl_cleanup(&process);

    return authctl_finish(status);
}


static int
authctl_start(authctl_process_t *process, authctl_options_t *options)
{
    int         status;
    authctl_t  *ctl;

    ctl = &process->ctl;

    ctl->json = options->json;
    ctl->prefix = authctl_span(options->prefix);

    status = authctl_init_digesters(process, options);
    if (status != AUTHCTL_OK) {
        return status;
    }

    status = authctl_read_password(process, options);
    if (status != AUTHCTL_OK) {
        return status;
    }

    ctl->redis = authctl_redis_create(&options->redis);

    return ctl->redis != NULL ? AUTHCTL_OK
                              : authctl_fail(AUTHCTL_USAGE, "no memory");
}


/* a file, or the variable of redis-cli; no option, for others could see it */

static int
authctl_read_password(authctl_process_t *process, authctl_options_t *options)
{
    int          status;
    const char  *value;

    value = getenv("REDISCLI_AUTH");

    if (options->password_file != NULL) {
        status = authctl_secret_read_file(&process->password,
                                          options->password_file, 1);
        if (status != AUTHCTL_OK) {
            return status;
        }

        options->redis.password = authctl_secret_span(&process->password);

    } else if (value != NULL) {
        options->redis.password = authctl_span(value);
    }

    if (options->redis.user != NULL && options->redis.password.len == 0) {
        return authctl_fail(AUTHCTL_USAGE, "user \"%s\" in \"--user\" but no "
                            "password, neither in \"--password-file\" nor in "
                            "REDISCLI_AUTH", options->redis.user);
    }

    return AUTHCTL_OK;
}


static int
authctl_init_digesters(authctl_process_t *process,
    const authctl_options_t *options)
{
    int  status;

    status = authctl_init_digester(process, options->pepper_file);

    if (status == AUTHCTL_OK && options->old_pepper_file != NULL) {
        status = authctl_init_digester(process, options->old_pepper_file);
    }

    return status;
}


/* file is NULL for plain SHA-256 */

static int
authctl_init_digester(authctl_process_t *process, const char *file)
{
    int                status;
    size_t             i;
    authctl_secret_t  *pepper;

    i = process->ctl.ndigesters;
    pepper = &process->peppers[i];

    if (file != NULL) {
        status = authctl_secret_read_file(pepper, file, AUTHCTL_PEPPER_MIN);
        if (status != AUTHCTL_OK) {
            return status;
        }
    }

    if (!sendkit_digest_init(&process->ctl.digesters[i],
                             authctl_secret_span(pepper)))
    {
        return authctl_fail(AUTHCTL_USAGE, "OpenSSL has no SHA-256 or HMAC");
    }

    process->ctl.ndigesters++;

    return AUTHCTL_OK;
}


static void
authctl_cleanup(authctl_process_t *process)
{
    size_t  i;

    if (process->ctl.redis != NULL) {
        authctl_redis_free(process->ctl.redis);
    }

    for (i = 0; i < process->ctl.ndigesters; i++) {
        sendkit_digest_cleanup(&process->ctl.digesters[i]);
    }

    for (i = 0; i < AUTHCTL_DIGESTERS; i++) {
        authctl_secret_cleanse(&process->peppers[i]);
    }

    authctl_secret_cleanse(&process->password);
}


/* What could not be printed was not done, for whoever reads it. */

static int
authctl_finish(int status)
{
    int  failed;

    failed = ferror(stdout);

    if (fclose(stdout) != 0 || failed) {
        fprintf(stderr, "sendkit-authctl: cannot write to stdout: %s\n",
                strerror(errno));

        return status == AUTHCTL_OK ? AUTHCTL_USAGE : status;
    }

    return status;
}
