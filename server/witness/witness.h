/*
 * Witnesses asked over HTTP, by libcurl: the witness_port of ports.h. Each thread of the lane has a handle of
 * its own, which keeps connections open. A request has one deadline from its beginning, the lookup of the
 * name included, to the answer's last byte; nothing is followed to elsewhere, and no more is read than an
 * answer may have.
 */
#ifndef WITNESS_WITNESS_H
#define WITNESS_WITNESS_H

#include "ports.h"

/* What each thread of the lane owns; begin's value may be NULL: then nothing can be asked. */
void *witness_begin(void *arg);
void witness_end(void *arg, void *thread);

struct witness_port witness_port(void);

/* Requests under way end without an answer, soon, and so do all after it: the program is about to end. */
void witness_stop(void);

#endif
