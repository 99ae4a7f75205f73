
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "authctl.h"
#include "authctl_batch.h"
#include "authctl_lines.h"
#include "authctl_output.h"
#include "authctl_parser.h"
#include "authctl_progress.h"


#define AUTHCTL_IMPORT_SHOWN  100   /* bad lines that are told one by one */


typedef struct {
    authctl_t               *ctl;

    int                      dry_run;
    int                      skip_bad;

    int                      checked;       /* all of it was good */
    int                      writing;       /* in this pass */

    const char              *name;          /* of the file, for messages */
    FILE                    *input;
    FILE                    *spool;         /* of what cannot be read twice */
    off_t                    begin;         /* of input */
    uint64_t                 size;          /* 0: not known */

    uint64_t                 keys;          /* good lines, by what they are */
    uint64_t                 roles;
    uint64_t                 bad;
    json_t                  *errors;        /* the first of them */

    authctl_lines_t          lines;
    authctl_parser_t         parser;
    authctl_batch_t          batch;
    authctl_progress_t       progress;
} authctl_import_t;


static int authctl_import_options(authctl_import_t *import,
    authctl_format_e *format, int argc, char **argv);
static int authctl_import_open(authctl_import_t *import,
    authctl_format_e format, const char *file);
static authctl_format_e authctl_import_guess(const char *file);
static int authctl_import_run(authctl_import_t *import);
static int authctl_import_both(authctl_import_t *import);

static int authctl_import_check(authctl_import_t *import, FILE *file);
static int authctl_import_write(authctl_import_t *import, FILE *file);
static int authctl_import_pass(authctl_import_t *import, FILE *file);
static int authctl_import_line(authctl_import_t *import, sendkit_span_t line);
static int authctl_import_entry(authctl_import_t *import,
    const authctl_entry_t *entry);
static int authctl_import_end(authctl_import_t *import);
static void authctl_import_bad(authctl_import_t *import,
    const authctl_reason_t *reason);

static int authctl_import_report(authctl_import_t *import, int rc);
static json_t *authctl_import_json(authctl_import_t *import);
static void authctl_import_cleanup(authctl_import_t *import);


static const struct option  authctl_import_long[] = {
    { "format", required_argument, NULL, 'f' },
    { "dry-run", no_argument, NULL, 'n' },
    { "skip-bad", no_argument, NULL, 's' },
    { NULL, 0, NULL, 0 }
};


int
authctl_import(authctl_t *ctl, int argc, char **argv)
{
    int                rc;
    authctl_format_e   format;
    authctl_import_t  *import;

    import = calloc(1, sizeof(authctl_import_t));

    if (import == NULL) {
        return authctl_fail(AUTHCTL_USAGE, "no memory");
    }

    import->ctl = ctl;
    import->errors = json_array();

    rc = authctl_import_options(import, &format, argc, argv);

    if (rc == AUTHCTL_OK) {
        rc = authctl_import_open(import, format, argv[optind]);
    }

    if (rc == AUTHCTL_OK) {
        rc = authctl_import_run(import);
    }

    authctl_import_cleanup(import);

    return rc;
}


static int
authctl_import_options(authctl_import_t *import, authctl_format_e *format,
    int argc, char **argv)
{
    int  c;

    *format = AUTHCTL_FORMAT_UNKNOWN;

    for ( ;; ) {
        c = getopt_long(argc, argv, ":", authctl_import_long, NULL);

        switch (c) {

        case -1:
            return authctl_check_arguments(argc, argv, 1);

        case 'f':
            *format = authctl_format(optarg);

            if (*format == AUTHCTL_FORMAT_UNKNOWN) {
                return authctl_fail(AUTHCTL_USAGE, "format \"%s\" is not "
                                    "\"csv\" or \"ndjson\"", optarg);
            }

            break;

        case 'n':
            import->dry_run = 1;
            break;

        case 's':
            import->skip_bad = 1;
            break;

        default:
            return authctl_fail_option(c, argv);
        }
    }
}


/* What cannot be read twice is copied to a file without a name. */

static int
authctl_import_open(authctl_import_t *import, authctl_format_e format,
    const char *file)
{
    struct stat  st;

    import->name = strcmp(file, "-") == 0 ? "stdin" : file;
    import->input = import->name == file ? fopen(file, "r") : stdin;

    if (import->input == NULL || fstat(fileno(import->input), &st) == -1) {
        return authctl_fail(AUTHCTL_USAGE, "cannot open \"%s\": %s", file,
                            strerror(errno));
    }

    if (S_ISREG(st.st_mode)) {
        import->begin = ftello(import->input);
        import->size = (uint64_t) (st.st_size - import->begin);

    } else if (!import->dry_run && !import->skip_bad) {
        import->spool = tmpfile();

        if (import->spool == NULL) {
            return authctl_fail(AUTHCTL_USAGE, "cannot make a temporary file: "
                                "%s", strerror(errno));
        }
    }

    if (format == AUTHCTL_FORMAT_UNKNOWN) {
        format = authctl_import_guess(import->name);
    }

    if (!authctl_parser_init(&import->parser, format)) {
        return authctl_fail(AUTHCTL_USAGE, "no memory");
    }

    return AUTHCTL_OK;
}


static authctl_format_e
authctl_import_guess(const char *file)
{
    const char  *dot;

    dot = strrchr(file, '.');

    return dot == NULL ? AUTHCTL_FORMAT_UNKNOWN : authctl_format(dot + 1);
}


static int
authctl_import_run(authctl_import_t *import)
{
    int  rc;

    if (import->dry_run) {
        rc = authctl_import_check(import, import->input);

    } else if (import->skip_bad) {
        rc = authctl_import_write(import, import->input);

    } else {
        rc = authctl_import_both(import);
    }

    return authctl_import_report(import, rc);
}


/* Nothing is written before all of it was found good. */

static int
authctl_import_both(authctl_import_t *import)
{
    int    rc;
    FILE  *file;

    rc = authctl_import_check(import, import->input);

    if (rc != AUTHCTL_OK) {
        return rc;
    }

    import->checked = 1;

    file = import->input;

    if (import->spool != NULL) {
        file = import->spool;
        import->spool = NULL;
        import->begin = 0;
        import->size = import->lines.bytes;
    }

    if (fseeko(file, import->begin, SEEK_SET) == -1) {
        rc = authctl_fail(AUTHCTL_USAGE, "cannot read \"%s\" again: %s",
                          import->name, strerror(errno));

    } else {
        rc = authctl_import_write(import, file);
    }

    if (file != import->input) {
        fclose(file);
    }

    return rc;
}


static int
authctl_import_check(authctl_import_t *import, FILE *file)
{
    import->writing = 0;

    authctl_progress_start(&import->progress, "checking", import->size);

    return authctl_import_pass(import, file);
}


static int
authctl_import_write(authctl_import_t *import, FILE *file)
{
    import->writing = 1;

    authctl_progress_start(&import->progress, "writing ", import->size);

    return authctl_import_pass(import, file);
}


static int
authctl_import_pass(authctl_import_t *import, FILE *file)
{
    int               rc;
    sendkit_span_t    line;
    authctl_line_e    found;
    authctl_reason_t  reason;

    authctl_lines_init(&import->lines, file, import->spool);
    authctl_parser_restart(&import->parser);
    authctl_batch_init(&import->batch, import->ctl);

    do {
        rc = AUTHCTL_OK;

        found = authctl_lines_next(&import->lines, &line, &reason);

        switch (found) {

        case AUTHCTL_LINE_GOOD:
            rc = authctl_import_line(import, line);
            break;

        case AUTHCTL_LINE_BAD:
            authctl_import_bad(import, &reason);
            break;

        case AUTHCTL_LINE_END:
            rc = authctl_import_end(import);
            break;
        }

        authctl_progress_update(&import->progress, import->lines.bytes,
                                import->lines.number);

    } while (rc == AUTHCTL_OK && found != AUTHCTL_LINE_END);

    authctl_progress_clear(&import->progress);

    return rc;
}


static int
authctl_import_line(authctl_import_t *import, sendkit_span_t line)
{
    authctl_entry_t   entry;
    authctl_reason_t  reason;

    switch (authctl_parser_line(&import->parser, line, &entry, &reason)) {

    case AUTHCTL_PARSED_HEADER:
        return AUTHCTL_OK;

    case AUTHCTL_PARSED_ENTRY:
        return authctl_import_entry(import, &entry);

    case AUTHCTL_PARSED_BAD_HEADER:
        authctl_import_bad(import, &reason);
        return AUTHCTL_NO;

    default:
        authctl_import_bad(import, &reason);
        return AUTHCTL_OK;
    }
}


static int
authctl_import_entry(authctl_import_t *import, const authctl_entry_t *entry)
{
    if (!import->checked) {
        import->keys += entry->kind == AUTHCTL_ENTRY_KEY;
        import->roles += entry->kind == AUTHCTL_ENTRY_ROLE;
    }

    if (!import->writing) {
        return AUTHCTL_OK;
    }

    return authctl_batch_add(&import->batch, entry, import->lines.number);
}


static int
authctl_import_end(authctl_import_t *import)
{
    int               rc;
    authctl_reason_t  reason;

    if (import->lines.error != 0) {
        return authctl_fail(AUTHCTL_USAGE, "cannot %s \"%s\": %s",
                            ferror(import->lines.file) ? "read" : "copy",
                            import->name, strerror(import->lines.error));
    }

    if (!authctl_parser_is_complete(&import->parser)) {
        authctl_reason_set(&reason, "header is missing");
        authctl_import_bad(import, &reason);
    }

    if (import->writing) {
        rc = authctl_batch_flush(&import->batch);

        if (rc != AUTHCTL_OK) {
            return rc;
        }
    }

    return import->bad == 0 ? AUTHCTL_OK : AUTHCTL_NO;
}


static void
authctl_import_bad(authctl_import_t *import, const authctl_reason_t *reason)
{
    if (import->bad++ >= AUTHCTL_IMPORT_SHOWN) {
        return;
    }

    authctl_progress_clear(&import->progress);

    (void) authctl_fail(AUTHCTL_NO, "%s:%llu: %s", import->name,
                        (unsigned long long) import->lines.number,
                        reason->text);

    (void) json_array_append_new(import->errors,
                      json_pack("{s:I, s:s}",
                                "line", (json_int_t) import->lines.number,
                                "reason", reason->text));
}


static int
authctl_import_report(authctl_import_t *import, int rc)
{
    int  printed;

    if (rc == AUTHCTL_USAGE) {
        return rc;
    }

    if (import->bad > AUTHCTL_IMPORT_SHOWN) {
        (void) authctl_fail(AUTHCTL_NO, "%llu bad lines more in \"%s\"",
                            (unsigned long long) import->bad
                            - AUTHCTL_IMPORT_SHOWN, import->name);
    }

    if (rc == AUTHCTL_REDIS) {
        (void) authctl_fail(AUTHCTL_REDIS, "stopped at line %llu of \"%s\"; "
                            "lines before it are written, some behind it may "
                            "be; repeat the import",
                            (unsigned long long) import->batch.stopped,
                            import->name);
    }

    if (import->ctl->json) {
        printed = authctl_print_json(authctl_import_json(import));
        return printed == AUTHCTL_OK ? rc : printed;
    }

    printf("%llu keys, %llu roles, %llu bad lines: %llu written\n",
           (unsigned long long) import->keys,
           (unsigned long long) import->roles,
           (unsigned long long) import->bad,
           (unsigned long long) import->batch.written);

    return rc;
}


static json_t *
authctl_import_json(authctl_import_t *import)
{
    json_t  *stopped;

    stopped = import->batch.stopped == 0 ? json_null()
              : json_integer((json_int_t) import->batch.stopped);

    return json_pack("{s:I, s:I, s:I, s:I, s:o, s:O}",
                     "keys", (json_int_t) import->keys,
                     "roles", (json_int_t) import->roles,
                     "bad", (json_int_t) import->bad,
                     "written", (json_int_t) import->batch.written,
                     "stopped", stopped,
                     "errors", import->errors);
}


static void
authctl_import_cleanup(authctl_import_t *import)
{
    if (import->input != NULL && import->input != stdin) {
        fclose(import->input);
    }

    if (import->spool != NULL) {
        fclose(import->spool);
    }

    authctl_parser_cleanup(&import->parser);
    json_decref(import->errors);
    free(import);
}
