/* Sockets to listen on. Internal to the HTTP port. */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include "web/serve.h"

/* As serve_new(). -1: ret_error says why. The descriptor listens and does not block. */
int listen_on(const char *address, uint16_t port, uint16_t *ret_port,
	      char ret_error[SERVE_ERROR_SIZE]) MUST_CHECK;

#endif
