
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_VARIABLES_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_VARIABLES_H_INCLUDED_


#include "ngx_sendkit_auth.h"


/* Adds the $sendkit_auth_ variables; for preconfiguration. */

ngx_int_t ngx_sendkit_auth_variables_init(ngx_conf_t *cf);


#endif /* _NGX_SENDKIT_AUTH_VARIABLES_H_INCLUDED_ */
