/*
 * A store in memory behind the port that the path sees: the log's head with its epoch, entries, running
 * numbers, manifests as the bytes a database would hold, flags, tiles, reference files and the high-water
 * file. Every function can be made to fail in every way it may, by a script or by a seed. It is strict: a
 * commit that breaks what the schema forbids, or a call on a connection that must recover first, ends the
 * program.
 */
#ifndef TESTS_FAKE_STORE_H
#define TESTS_FAKE_STORE_H

#include "fixture.h"
#include "ports.h"

enum fake_call {
	CALL_RECOVER,
	CALL_LOAD,
	CALL_COMMIT,
	CALL_COSIGNED,
	CALL_REFERENCE,
	CALL_HIGH_WATER_READ,
	CALL_HIGH_WATER,
	CALL_DUE,
	CALL_OPEN_MANIFESTS,
	CALL_QUERY,
	CALL_HASHES,
	CALL_ENTRIES,
	CALLS,
};

enum fake_fault {
	FAULT_NONE,
	FAULT_AWAY,        /* STORE_UNAVAILABLE */
	FAULT_LOST,        /* STORE_UNKNOWN, and nothing was stored */
	FAULT_LOST_STORED, /* STORE_UNKNOWN, and all was stored */
	FAULT_DATA,        /* STORE_DATA */
	FAULT_CORRUPT,     /* STORE_CORRUPT */
	FAULT_SLOW,        /* STORE_SLOW */
};

struct fake_entry {
	struct span bytes;
	struct digest leaf;
	micros accepted_at;
	uint64_t number;
	uint32_t position;
	bool registry; /* the registry follows from it */
};

struct fake_manifest {
	uint64_t number;
	struct span body;
	micros due_at;
	bool closed;
};

struct fake_flag {
	uint64_t flag;
	enum flag_kind kind;
	uint64_t number;
	bool open;
	char division_generator[7];
	char division_facility[7];
};

struct fake_tile {
	uint8_t level;
	uint64_t n;
	struct digest hashes[256];
	struct digest root;
};

/* A connection of a lane's thread. */
struct fake_conn {
	struct fake_store *store;
	bool writer;
	bool recovered;
};

struct fake_store {
	struct arena *arena;
	struct fake_conn writer, reader;
	struct log_head head;
	struct fake_entry *entries;
	size_t entries_n;
	struct loaded_number *numbers; /* ascending */
	size_t numbers_n;
	struct fake_manifest *manifests; /* ascending */
	size_t manifests_n;
	struct fake_flag *flags;
	size_t flags_n;
	struct fake_tile **tiles;
	size_t tiles_n;
	struct span checkpoint; /* the newest */
	uint64_t checkpoint_size;
	struct span cosigned; /* the largest kept one */
	uint64_t cosigned_size;
	struct log_head high_water;
	struct span files[REFERENCE_CALENDAR + 1]; /* the reference files */
	bool leased_away;                          /* another server writes */

	/* The script: the next `times` calls fail so. */
	struct {
		enum fake_fault fault;
		unsigned times;
	} script[CALLS];
	const struct digest *poison; /* an event that the database refuses for its data */
	/* The seed: how many of a thousand calls fail; 0: none. */
	uint64_t seed;
	unsigned per_mille;

	unsigned calls[CALLS];
	unsigned read_whole; /* recoveries that were told everything */
	unsigned failed[CALLS];
	struct query last_query;
	struct scope last_scope;
	char last_division[7];
};

/* Holds what the world holds. The world must outlive it. */
struct fake_store *fake_store_new(struct world *w);
/* Only the reference files of another: for a log that is made again. */
struct fake_store *fake_store_empty(const struct fake_store *like);
void fake_store_free(struct fake_store *s);
struct store_port fake_store_port(void);
/* The root that whoever reads the first `size` entries computes. */
struct digest fake_store_root(const struct fake_store *s, uint64_t size);

/* A number below `below` from a seed that moves on. */
uint64_t seed_next(uint64_t *seed, uint64_t below);

#endif
