/* The newest cosigned checkpoint, and its keeping in the database. Private to path/. */
#ifndef PATH_WITNESSES_H
#define PATH_WITNESSES_H

#include "path/path.h"

/* The newest checkpoint with a quorum of cosignatures. */
struct cosigned {
	uint64_t size; /* 0: none yet */
	struct buffer note;
	uint64_t stored; /* the size in the database */
	micros stored_at;
	bool storing; /* the writer lane has it */
};

/* The newest cosigned checkpoint is stored now and then, while no batch is in flight. */
bool cosigned_due(const struct path *p) MUST_CHECK;
void cosigned_store(struct path *p);

#endif
