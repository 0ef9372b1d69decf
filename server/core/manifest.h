/*
 * One manifest: its state, its chain, who holds how many grams and containers of each line, its deadlines and
 * its open flags. The state machine is one table (manifest_table.c); every (state, event) pair that is not in
 * it is refused. Pure values: the registry and the clock come in as arguments.
 */
#ifndef CORE_MANIFEST_H
#define CORE_MANIFEST_H

#include "base/buffer.h"
#include "core/registry.h"

enum manifest_state { /* the numbers of proto ManifestState */
		      STATE_NONE = 0,
		      STATE_ISSUED = 1,
		      STATE_IN_TRANSIT = 2,
		      STATE_DELIVERED = 3,
		      STATE_ACCEPTED = 4,
		      STATE_PARTLY_ACCEPTED = 5,
		      STATE_REFUSED = 6,
		      STATE_RETURNING = 7,
		      STATE_RETURNED = 8,
		      STATE_CLOSED = 9,
		      MANIFEST_STATES = 10,
};

enum { CHAIN_MAX = 64, RIVALS_MAX = 8, WASTE_CODE_SIZE = 10, PLATE_MAX = 32, METHOD_MAX = 8 };

/* Grams and containers of one line, by where they are. Their sum is conserved from `loaded` on. */
struct quantity {
	int64_t grams;
	uint32_t containers;
};

struct manifest_line {
	char code[WASTE_CODE_SIZE + 1];
	char method[METHOD_MAX + 1]; /* planned */
	struct quantity planned;
	struct quantity shipped;   /* as loaded */
	struct quantity moving;    /* as of the last hand-over: what is on the road to the facility */
	struct quantity delivered; /* as weighed at the gate */
	struct quantity accepted;
	struct quantity refused;
	struct quantity treated;
	struct quantity returning; /* on the road back */
	struct quantity returned;
};

/* The clocks that can run on a manifest; at most one deadline of each. */
enum deadline_kind {
	DEADLINE_COLLECT, /* -> FLAG_NOT_COLLECTED */
	DEADLINE_ARRIVE,  /* -> FLAG_OVERDUE */
	DEADLINE_CONFIRM, /* -> FLAG_NOT_CONFIRMED */
	DEADLINE_RETURN,  /* -> FLAG_REFUSED_ADRIFT */
	DEADLINE_TREAT,   /* -> FLAG_NOT_TREATED */
	DEADLINES,
};

struct deadline {
	micros starts_at; /* the effective_at that started the clock; 0: not running */
	micros due_at;
	bool provisional;
	bool flagged; /* the flag was raised: the deadline no longer counts for due_at */
};

struct manifest {
	uint64_t number;
	enum manifest_state state;
	party_no generator;
	party_no transporter; /* who has or will have the load on the road */
	party_no facility;
	char plate[PLATE_MAX + 1];
	char edition[33];
	char permit[65];
	micros issued_at;    /* occurred_at of `issued` */
	micros effective_at; /* of the head */
	micros collect_by;
	micros arrive_by;
	micros cancelled_at; /* accepted_at; 0: not cancelled */
	struct manifest_line lines[MAX_LINES];
	size_t lines_n;
	struct digest chain[CHAIN_MAX]; /* ids of the custody events in order; the last is the head */
	size_t chain_n;
	struct digest rivals[RIVALS_MAX]; /* refused events that others may descend from */
	size_t rivals_n;
	key_no rival_keys[RIVALS_MAX]; /* rivals[i]'s first signer, and the place in the chain it claims: */
	uint32_t rival_places[RIVALS_MAX]; /* the first rival of each (place, key) is kept, no other */
	uint32_t trail_n;                  /* entries in its trail, of every kind; kept by judging */
	struct digest attested;            /* the attested event still to be confirmed; zero: none */
	party_no attested_absent;
	uint64_t flags[FLAG_KINDS]; /* 1 + index of the open flag's entry; 0: none */
	struct deadline deadlines[DEADLINES];
};

static inline const struct digest *manifest_head(const struct manifest *m)
{
	return &m->chain[m->chain_n - 1];
}

/* The compact form kept in the database, and back. Versioned; false: not such bytes, or no memory. */
bool manifest_encode(const struct manifest *m, struct buffer *to) MUST_CHECK;
bool manifest_decode(struct span bytes, struct manifest *ret_manifest) MUST_CHECK;

/* Where an event's `previous` leads. */
enum chain_answer {
	CHAIN_FITS,     /* it continues the head (or is `issued` and the manifest is new) */
	CHAIN_SAME,     /* the event is already in the chain */
	CHAIN_FORK,     /* another event stands in its place: ret_standing */
	CHAIN_DESCENDS, /* its predecessor was refused for good: ret_standing stands in that one's place */
	CHAIN_UNKNOWN,  /* its predecessor is not known yet */
};
/* m == NULL: no such manifest. */
enum chain_answer manifest_chain(const struct manifest *m, const struct event *e,
				 struct digest *ret_standing);

/* The next moment at which the sweep must look at it: the earliest deadline not yet flagged; 0: none. */
micros manifest_due_at(const struct manifest *m);
uint32_t manifest_open_flags(const struct manifest *m);

/* A step as the state table sees it (an `attested` step counts as the step it states). */
enum event_kind manifest_step(const struct event *e, const struct transfer **ret_transfer);

/*
 * What a custody event does to the manifest. Judges state, parties and quantities: every problem is added,
 * and then *m is left as it was. Otherwise *m becomes the state after it: quantities moved, chain extended,
 * deadlines set and stopped (not flags: see flags.h). For `issued` *m must be zeroed. `effective_at` is the
 * event's. False: refused (problems were added).
 */
bool manifest_apply(struct manifest *m, const struct event *e, const struct registry *r, micros effective_at,
		    struct problems *problems) MUST_CHECK;

const char *manifest_state_name(enum manifest_state state, bool zh);

#endif
