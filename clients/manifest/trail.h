/*
 * A manifest's trail as a file that stands alone: its entries and those that enrolled the keys in it, each
 * with its proof under a signed checkpoint. Checking needs the file and the log's key, nothing else. Pure.
 */
#ifndef MANIFEST_TRAIL_H
#define MANIFEST_TRAIL_H

#include "core/proof.h"
#include "libmanifest/failure.h"
#include "wire/envelope.h"

struct trail_entry {
	uint64_t index;
	struct span entry; /* the serialized LogEntry */
	struct span proof; /* C2SP tlog-proof */
};

struct trail {
	uint64_t number; /* the manifest */
	struct trail_entry *entries;
	size_t n;
};

enum { TRAIL_FILE_MAX = 64 * 1024 * 1024, TRAIL_ENTRIES_MAX = 4096 };

/* Appends the file's text. */
bool trail_put(const struct trail *trail, struct buffer *to) MUST_CHECK;
/* Values live in the arena. */
bool trail_parse(struct span text, struct arena *arena, struct trail *ret_trail,
		 struct mft_failure *ret_failure) MUST_CHECK;

/* One thing that does not hold, or a remark. */
struct finding {
	uint64_t index; /* of the entry concerned */
	bool bad;       /* false: a remark */
	const char *id;
	const char *en;
	const char *zh;
	const char *detail; /* language-neutral; "" when there is none */
};

/* A key that an entry of the file enrolled, and a party that one registered; both entries are proved. */
struct trail_key {
	struct public_key key;
	struct digest keyid;
	enum role role;
	struct party_ref party; /* absent: the authority's, or the server's */
	struct span device;
	micros valid_from;
	micros revoked_from; /* 0: never */
	uint64_t index;
	uint64_t revoked; /* the entry that says so */
};

struct trail_party {
	struct party_ref ref;
	struct span name;
};

struct verified {
	struct finding *findings;
	size_t findings_n;
	size_t bad;
	struct event *events; /* of those entries that could be read, with their place */
	uint64_t *indexes;
	micros *accepted_at;
	size_t events_n;
	struct trail_key *keys;
	size_t keys_n;
	struct trail_party *parties; /* the last of a party tells */
	size_t parties_n;
	size_t signatures;            /* that hold */
	size_t proofs;                /* that hold */
	struct checkpoint checkpoint; /* the largest */
};

/*
 * Checks every proof, signature, link and running number, by the log's key. False: no memory. A trail that
 * holds has ret_verified->bad == 0.
 */
bool trail_verify(const struct trail *trail, const struct note_key *log_key, struct arena *arena,
		  struct verified *ret_verified) MUST_CHECK;

#endif
