/*
 * What can be asked of the stored trail, and the views that are answered: plain values between the store
 * (which fills them from rows), wire (protobuf) and web (JSON). Views borrow their spans and arrays from
 * whoever calls.
 */
#ifndef CORE_QUERY_H
#define CORE_QUERY_H

#include "core/registry_records.h"

enum query_kind {
	QUERY_FLAGS = 1, /* the numbers of proto Query.what */
	QUERY_TRAIL = 2,
	QUERY_SEARCH = 3,
	QUERY_SUMMARY = 4,
	QUERY_CHECKPOINT = 5,
	QUERY_ENTRY = 6,
	QUERY_BLOCKS = 7,
	QUERY_TOKEN = 8,
	QUERY_WATCH = 9,
};

enum {
	QUERY_LIMIT_DEFAULT = 100,
	QUERY_LIMIT_MAX = 500,
	QUERY_NUMBERS_MAX = 200,
};

/* One shape for all kinds; what a kind does not use stays zero. Field meanings: proto FlagQuery, SearchQuery,
 * ... */
struct query {
	enum query_kind kind;
	uint32_t flag_kinds;    /* bit 1 << flag_kind; 0: all */
	struct party_ref party; /* site 0: any */
	struct span division;
	const uint64_t *numbers; /* search; trail has one */
	size_t numbers_n;
	struct span plate;
	struct span waste_code;
	int state; /* 0: any */
	micros from;
	micros until;
	bool open_only;
	bool keys;        /* trail: also the entries of the keys that signed in it */
	uint64_t after;   /* cursor: rows with a smaller key only (newest first); 0: from the newest */
	uint32_t limit;   /* 0: QUERY_LIMIT_DEFAULT */
	uint64_t index;   /* entry */
	uint64_t size;    /* checkpoint: consistency from this size; 0: none */
	uint64_t to_size; /* checkpoint: of this size; 0: the latest */
	uint32_t seconds; /* token */
};

/*
 * Who asks, and therefore what may be seen: filled in by the authorisation table (path/access.c), turned into
 * WHERE clauses by the store. Exactly one of the three holds.
 */
struct scope {
	bool all;             /* auditor, registrar */
	struct span division; /* inspector: manifests and flags of which either end lies here */
	party_no party;       /* a party: its own manifests and flags; 0: none */
};

struct flag_view {
	uint64_t flag; /* index of the FlagRaised entry */
	enum flag_kind kind;
	uint64_t number;
	struct digest keyid; /* zero: none */
	const struct party_ref *parties;
	size_t parties_n;
	struct span division;
	micros raised_at;
	micros due_at;
	struct span detail;
	bool provisional;
	bool open;
	micros closed_at;
	uint64_t closed_by;
	bool claimed_in_time;
	struct span resolution;
};

struct line_view {
	uint32_t line;
	struct span code;
	int64_t planned_grams;
	int64_t shipped_grams;
	int64_t delivered_grams;
	int64_t accepted_grams;
	int64_t refused_grams;
	int64_t treated_grams;
	int64_t returned_grams;
};

struct manifest_view {
	uint64_t number;
	int state;
	struct party_ref generator;
	struct party_ref transporter;
	struct party_ref facility;
	struct span plate;
	micros issued_at;
	micros changed_at;
	micros due_at;
	bool cancelled;
	uint32_t open_flags;
	struct digest head;
	const struct line_view *lines;
	size_t lines_n;
};

struct summary_view {
	struct party party;
	uint64_t manifests[10]; /* by state */
	uint64_t open_flags;
	int64_t shipped_grams;
	int64_t received_grams;
	int64_t treated_grams;
	int64_t stock_grams;
};

struct block_view {
	uint64_t first;
	uint64_t last;
	uint32_t used;
	uint64_t next; /* 0: none left */
};

struct entry_view {
	uint64_t index;
	struct span entry; /* the serialized LogEntry */
};

#endif
