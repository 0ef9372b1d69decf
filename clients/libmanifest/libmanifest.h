/*
 * libmanifest: the client's side of manifestd, the log of hazardous waste transfers.
 *
 *	failure.h  errors as values, in two languages
 *	view.h     what is known of the log: key, newest checkpoint        (pure)
 *	session.h  the protocol: bytes in, bytes out, proofs checked       (pure)
 *	sign.h     events signed by one side or two                        (pure)
 *	state.h    running numbers and checkpoints on disk
 *	conn.h     a session over TLS 1.3, non-blocking, for event loops
 *	client.h   a session that waits: connect, submit, ask
 *
 * Events and queries are the plain values of core/event.h and core/query.h; crypto/key_text.h reads a key's
 * file. Call crypto_start() first.
 */
#ifndef LIBMANIFEST_H
#define LIBMANIFEST_H

#include "crypto/key_text.h"
#include "libmanifest/client.h"
#include "libmanifest/sign.h"

#endif
