
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_MAIN_CONF_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_MAIN_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_sendkit_auth.h"


/* Makes and checks what is set once for all locations: its only writer. */

void *ngx_sendkit_auth_create_main_conf(ngx_conf_t *cf);
char *ngx_sendkit_auth_init_main_conf(ngx_conf_t *cf, void *conf);

/* setters of directives that nginx has none for */

char *ngx_sendkit_auth_conf_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_sendkit_auth_conf_prefix(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_sendkit_auth_conf_password_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_sendkit_auth_conf_pepper_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_SENDKIT_AUTH_MAIN_CONF_H_INCLUDED_ */
