/*
 * What judging is given of the tables and what it leaves for them: rows between the law and the store.
 */
#ifndef CORE_JUDGE_ROWS_H
#define CORE_JUDGE_ROWS_H

#include "core/manifest.h"

/* What the tables hold about what a batch touches, loaded before judging. */
struct loaded_number { /* one stored use of a running number */
	key_no key;
	uint64_t number;
	struct digest event;
	uint64_t index;
};

struct loaded_flag { /* a stored flag that a member names (flag_resolved) or whose keys are concerned */
	uint64_t flag;
	enum flag_kind kind;
	uint64_t number;
	bool open;
	struct span division_generator;
	struct span division_facility;
};

struct loaded {
	const struct manifest *manifests; /* by ascending number */
	size_t manifests_n;
	const struct loaded_number *numbers; /* by ascending (key, number) */
	size_t numbers_n;
	const struct loaded_flag *flags; /* by ascending flag */
	size_t flags_n;
};

/*
 * What must be loaded for a member: see judge_needs(). Of a flag named here the manifest it is on is needed
 * too, which only the store can tell.
 */
struct needs {
	uint64_t *manifests;
	size_t manifests_n;
	struct loaded_number *numbers; /* key and number only */
	size_t numbers_n;
	uint64_t *flags;
	size_t flags_n;
};

/* ---- what a judgement leaves behind for the store; all memory is the arena's ---- */

struct entry_row {
	enum event_kind kind;
	const struct event *event;
	struct span envelope; /* as received, or as the server signed it */
	micros accepted_at;
	/* The manifest it belongs to and its place in that trail; 0: none. */
	uint64_t number;
	uint32_t position;
};

struct number_row {
	key_no key;
	uint64_t number;
	struct digest event;
	uint64_t index;
};

struct flag_row {
	bool raise; /* else close; neither when closed_by is 0: mark it claimed_in_time */
	uint64_t flag;
	const struct flag_raised *raised; /* raise */
	uint64_t number;
	party_no parties[8];
	size_t parties_n;
	struct span division_generator; /* either end, for the inspectors' areas; "" when there is none */
	struct span division_facility;
	micros at;          /* accepted_at of the raising or closing entry */
	uint64_t closed_by; /* close */
	bool claimed_in_time;
	struct span resolution;
};

struct evidence_row { /* a refused envelope with good signatures, kept whole */
	uint64_t number;
	struct digest previous;
	key_no key;
	struct digest event;
	struct span envelope;
	uint64_t flag; /* index of the flag that names it */
};

/*
 * An accepted event that the registry follows from: the store writes the row of its table, if there is one
 * for the kind, and gives the entry again at the start (struct recovery_sink).
 */
struct registry_row {
	const struct event *event;
	uint64_t index;
	uint32_t no; /* of the party or key registered or changed; else 0. Genesis: see registry.h */
};

struct rows {
	const struct entry_row *entries; /* index = first_index + position in this array */
	size_t entries_n;
	uint64_t first_index;
	const struct number_row *numbers;
	size_t numbers_n;
	const struct manifest *const *manifests; /* changed ones, each once, in its last state */
	size_t manifests_n;
	const struct flag_row *flags;
	size_t flags_n;
	const struct evidence_row *evidence;
	size_t evidence_n;
	const struct registry_row *registry;
	size_t registry_n;
};

#endif
