/*
 * What is stored is read again: at the start, and whenever something went wrong. Nothing is undone step by
 * step. Private to path/.
 */
#ifndef PATH_RECOVERY_H
#define PATH_RECOVERY_H

#include "path/path.h"

struct recovery;

/* At once, unless it is under way or the server has stopped. */
void recovery_begin(struct path *p);
/* The same at once if it is the first failure in a row, else after a wait that grows. */
void recovery_begin_later(struct path *p, const char *why);
/* Goes on when the witnesses have been heard, whom it had asked: see cosign_ask_all(). */
void recovery_resume(struct recovery *r);
void recovery_free(struct recovery *r);
/* For good, until an operator has looked; the text says what to do. */
void path_stop(struct path *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
