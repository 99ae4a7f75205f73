
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <getopt.h>
#include <string.h>

#include "authctl.h"
#include "authctl_output.h"


static const char *authctl_command_name(const char *group, const char *name);


int
authctl_run(const authctl_command_t *commands, const char *group,
    authctl_t *ctl, int argc, char **argv)
{
    authctl_escaped_t         escaped;
    const authctl_command_t  *command;

    if (argc < 2) {
        return authctl_fail(AUTHCTL_USAGE, "no command after \"%s\", see "
                            "\"sendkit-authctl --help\"",
                            authctl_command_name(group, "sendkit-authctl"));
    }

    for (command = commands; command->name != NULL; command++) {

        if (strcmp(command->name, argv[1]) == 0) {
            optind = 0;
            return command->run(ctl, argc - 1, argv + 1);
        }
    }

    return authctl_fail(AUTHCTL_USAGE, "unknown command \"%s%s%s\", see "
                        "\"sendkit-authctl --help\"",
                        authctl_command_name(group, ""),
                        group != NULL ? " " : "",
                        authctl_escape_hidden(&escaped,
                                              authctl_span(argv[1])));
}


static const char *
authctl_command_name(const char *group, const char *name)
{
    return group != NULL ? group : name;
}


int
authctl_fail_option(int c, char **argv)
{
    int          len;
    char         letter[3] = "-?";
    const char  *option;

    option = argv[optind - 1];

    /* unknown letters may stand in one argument with known ones */

    if (c == '?' && optopt > ' ' && optopt < 127 && strchr(option, '=') == NULL)
    {
        letter[1] = (char) optopt;
        option = letter;
    }

    /* without its value, which might be a secret */

    len = (int) strcspn(option, "=");

    if (c == ':') {
        return authctl_fail(AUTHCTL_USAGE, "option \"%.*s\" needs a value",
                            len, option);
    }

    if (option[len] == '=' && optopt != 0) {
        return authctl_fail(AUTHCTL_USAGE, "option \"%.*s\" takes no value",
                            len, option);
    }

    return authctl_fail(AUTHCTL_USAGE, "option \"%.*s\" is unknown here; those "
                        "for all commands stand before the command", len,
                        option);
}


int
authctl_check_arguments(int argc, char **argv, int n)
{
    if (argc - optind == n) {
        return AUTHCTL_OK;
    }

    if (argc - optind < n) {
        return authctl_fail(AUTHCTL_USAGE, "\"%s\" needs %d argument%s more",
                            argv[0], n - (argc - optind),
                            n - (argc - optind) == 1 ? "" : "s");
    }

    /* not shown, for it might be a key */

    return authctl_fail(AUTHCTL_USAGE, "\"%s\" takes %d argument%s, not %d",
                        argv[0], n, n == 1 ? "" : "s", argc - optind);
}


int
authctl_only_arguments(int argc, char **argv, int n)
{
    int                         c;
    static const struct option  none[] = { { NULL, 0, NULL, 0 } };

    c = getopt_long(argc, argv, ":", none, NULL);

    return c == -1 ? authctl_check_arguments(argc, argv, n)
                   : authctl_fail_option(c, argv);
}


int
authctl_digest_hex(authctl_t *ctl, size_t i, sendkit_span_t key,
    unsigned char *hex)
{
    sendkit_digest_t  digest;

    if (!sendkit_digest_key(&ctl->digesters[i], key, &digest)) {
        return authctl_fail(AUTHCTL_USAGE, "OpenSSL could not make the digest "
                            "of a key");
    }

    sendkit_digest_hex(&digest, hex);

    return AUTHCTL_OK;
}


sendkit_span_t
authctl_name(const authctl_t *ctl, authctl_name_t *name,
    sendkit_schema_e kind, sendkit_span_t id)
{
    sendkit_span_t  none = { NULL, 0 };

    return sendkit_schema_name(name->data, ctl->prefix, kind, id, none);
}
