
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdio.h>

#include "authctl.h"
#include "authctl_output.h"
#include "authctl_secret.h"


static int authctl_digest_print(authctl_t *ctl, sendkit_span_t key);
static int authctl_digest_print_json(authctl_t *ctl, const char *digest,
    const char *old);


int
authctl_digest(authctl_t *ctl, int argc, char **argv)
{
    int               status;
    sendkit_key_e     kind;
    authctl_secret_t  key;

    status = authctl_only_arguments(argc, argv, 0);
    if (status != AUTHCTL_OK) {
        return status;
    }

    status = authctl_secret_read_key(&key, &kind);

    if (status == AUTHCTL_OK) {
        status = authctl_digest_print(ctl, authctl_secret_span(&key));
    }

    authctl_secret_cleanse(&key);

    return status;
}


static int
authctl_digest_print(authctl_t *ctl, sendkit_span_t key)
{
    int     status;
    char    hex[AUTHCTL_DIGESTERS][SENDKIT_DIGEST_HEX_LEN + 1];
    size_t  i;

    for (i = 0; i < ctl->ndigesters; i++) {
        hex[i][SENDKIT_DIGEST_HEX_LEN] = '\0';

        status = authctl_digest_hex(ctl, i, key, (unsigned char *) hex[i]);
        if (status != AUTHCTL_OK) {
            return status;
        }
    }

    if (ctl->json) {
        return authctl_digest_print_json(ctl, hex[0],
                                         ctl->ndigesters > 1 ? hex[1] : NULL);
    }

    for (i = 0; i < ctl->ndigesters; i++) {
        puts(hex[i]);
    }

    return AUTHCTL_OK;
}


static int
authctl_digest_print_json(authctl_t *ctl, const char *digest, const char *old)
{
    json_t  *object;

    object = json_pack("{s:s}", "digest", digest);

    if (ctl->ndigesters > 1 && object != NULL) {
        (void) json_object_set_new(object, "old_digest", json_string(old));
    }

    return authctl_print_json(object);
}
