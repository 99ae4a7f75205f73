
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_CONF_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_CONF_H_INCLUDED_


#include "ngx_sendkit_auth.h"


/* Makes, merges and checks what is set for locations: its only writer. */

void *ngx_sendkit_auth_create_loc_conf(ngx_conf_t *cf);
char *ngx_sendkit_auth_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);

/* setters of directives that nginx has none for */

/* as ngx_conf_set_enum_slot(), but the message also names the directive */
char *ngx_sendkit_auth_conf_enum(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

char *ngx_sendkit_auth_conf_route(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_sendkit_auth_conf_realm(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_sendkit_auth_conf_origin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_SENDKIT_AUTH_CONF_H_INCLUDED_ */
