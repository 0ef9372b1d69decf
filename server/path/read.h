/* A read: what is asked, and what the answer is made of. Private to read.c and read_run.c. */
#ifndef PATH_READ_H
#define PATH_READ_H

#include "path/internal.h"

enum read_kind { READ_QUERY, READ_REPEATED, READ_WELCOME, READ_CALLBACK };

struct read {
	struct work work;
	struct path *path;
	enum read_kind kind;
	struct arena *arena;
	conn_id conn;
	uint64_t id;
	key_no key;              /* whose share it counts in; 0: nobody's */
	struct request *request; /* READ_REPEATED */
	struct query query;
	struct scope scope;
	uint64_t size; /* of the tree under the checkpoint */
	struct span checkpoint;
	uint64_t cosigned_size; /* of an older one with a quorum; 0: none */
	struct span cosigned;
	uint64_t next_number; /* READ_WELCOME */
	read_answer answer;   /* READ_CALLBACK */
	void *answer_self;
	enum store_result result;
	bool fault;
	struct answers answers;
	struct tiles tiles;
	struct span *proofs;
	struct digest *consistency;
	size_t consistency_n;
	struct buffer out;
};

/*
 * All that the answer needs is in memory: read_run() will ask no database. For what is most often asked,
 * whether the log goes on from a checkpoint; on the main thread.
 */
bool read_is_at_hand(const struct read *r) MUST_CHECK;
/* The answer, as far as it can be had: the work of a thread of the reader lane. */
void read_run(struct work *w, void *thread);

#endif
