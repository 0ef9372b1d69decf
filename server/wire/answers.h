/*
 * What the server says, as values; flags, manifests and the like are the views of core/query.h. Field
 * meanings are those of proto/manifest.proto; spans and arrays are borrowed.
 */
#ifndef WIRE_ANSWERS_H
#define WIRE_ANSWERS_H

#include "core/judge.h"
#include "core/query.h"

struct challenge {
	struct digest nonce;
	struct span origin;
	uint32_t version;
	micros server_time;
};

struct welcome {
	struct span checkpoint;
	const struct digest *consistency;
	size_t consistency_n;
	uint64_t next_number;
	uint32_t max_frame;
	micros server_time;
};

struct receipt {
	struct span entry;
	uint64_t index;
	struct span proof;
	bool repeated;
	const struct span *remarks;
	size_t remarks_n;
};

struct problem_view {
	struct span path, rule, source, found, allowed, zh, en, source_zh;
};

struct refusal {
	enum refusal_kind kind;
	const struct problem_view *problems;
	size_t problems_n;
	struct digest standing; /* zero: none; so the next */
	struct digest needed;
	micros retry_after;
	struct span writer;
	struct digest event;
};

enum answer_kind { /* the numbers of proto Answer.what */
		   ANSWER_FLAG = 1,
		   ANSWER_ENTRY = 2,
		   ANSWER_MANIFEST = 3,
		   ANSWER_SUMMARY = 4,
		   ANSWER_CHECKPOINT = 5,
		   ANSWER_BLOCK = 6,
		   ANSWER_TOKEN = 7,
		   ANSWER_END = 8,
};

struct checkpoint_view {
	struct span checkpoint;
	const struct digest *consistency;
	size_t consistency_n;
};

struct token_view {
	struct span token;
	micros expires_at;
};

struct end_view {
	uint64_t next; /* cursor of the next page; 0: nothing more */
	uint32_t count;
};

struct answer {
	enum answer_kind kind;
	union {
		struct flag_view flag;
		struct receipt entry;
		struct manifest_view manifest;
		struct summary_view summary;
		struct checkpoint_view checkpoint;
		struct block_view block;
		struct token_view token;
		struct end_view end;
	};
};

#endif
