/*
 * One manifest: its state, its chain, who holds how many grams and containers of each line, its deadlines and
 * its open flags. The state machine is one table (manifest_table.h); every (state, event) pair that is not in
 * it is refused. Pure values: the registry and the times come in as arguments.
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

/* Line and container limits are the protocol's; a chain keeps room for the steps that must still come. */
enum {
	CHAIN_MAX = 64,
	RIVALS_MAX = 8,
	WASTE_CODE_SIZE = WASTE_CODE_LENGTH,
	PLATE_MAX = 32,
	METHOD_MAX = 8,
	PERMIT_MAX = 64
};

struct quantity {
	int64_t grams;
	uint32_t containers;
};

/*
 * One line by where its grams and containers are. From `loaded` on nothing ends nowhere: each weighing takes
 * the place of the one before (differences are flagged), accepted + refused = delivered, treated goes up to
 * accepted, and all that was refused goes back.
 */
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
	struct quantity returned;  /* as weighed at the generator */
};

enum deadline_kind { /* the clocks that can run; at most one of each: manifest_table.h */
		     DEADLINE_COLLECT,
		     DEADLINE_ARRIVE,
		     DEADLINE_CONFIRM,
		     DEADLINE_RETURN,
		     DEADLINE_TREAT,
		     DEADLINES,
};

struct deadline {
	micros starts_at; /* the effective_at that started the clock; 0: not running */
	micros due_at;    /* exclusive; of a stopped clock: what it was */
	bool provisional;
	bool flagged; /* the flag was raised: the deadline no longer counts for manifest_due_at() */
	/* 1 + place in the chain of a one-sided step that came late and says it was in time; else 0. */
	uint8_t claimed;
};

struct rival { /* a refused event that others may descend from */
	struct digest id;
	key_no key;        /* its first signer's */
	uint32_t position; /* in the chain, of the event that stands in its place */
};

struct manifest {
	uint64_t number;
	enum manifest_state state;
	party_no generator;
	party_no transporter; /* who has or will have the load on the road */
	party_no facility;
	char plate[PLATE_MAX + 1];
	char edition[REFERENCE_EDITION_MAX + 1];
	char permit[PERMIT_MAX + 1];
	micros issued_at;    /* occurred_at of `issued` */
	micros effective_at; /* of the head */
	micros collect_by;
	micros arrive_by;
	micros cancelled_at;        /* accepted_at; 0: not cancelled */
	uint64_t flags[FLAG_KINDS]; /* 1 + index of the open flag's entry; 0: none */
	struct deadline deadlines[DEADLINES];
	uint32_t trail_n; /* entries in its trail, of every kind; kept by judging */
	size_t rivals_n;
	size_t lines_n;
	size_t chain_n;
	struct rival rivals[RIVALS_MAX];
	struct manifest_line lines[MAX_LINES];
	struct digest chain[CHAIN_MAX]; /* ids of the custody events in order; the last is the head */
	/* absent[i]: chain[i] was stated by one side alone, and this party has not confirmed it; else 0. */
	party_no absent[CHAIN_MAX];
};

/* Only of a manifest that was issued. */
static inline const struct digest *manifest_head(const struct manifest *m)
{
	return &m->chain[m->chain_n - 1];
}

/* Copies what is in use and no more; the rest of *to is left as it was. */
void manifest_copy(struct manifest *to, const struct manifest *from);

/* The compact form kept in the database, and back. Versioned; false: not such bytes, or no memory. */
bool manifest_encode(const struct manifest *m, struct buffer *to) MUST_CHECK;
bool manifest_decode(struct span bytes, struct manifest *ret_manifest) MUST_CHECK;

enum chain_answer {                 /* where an event's `previous` leads */
		    CHAIN_FITS,     /* it continues the head (or is `issued` and the manifest is new) */
		    CHAIN_SAME,     /* the event is already in the chain */
		    CHAIN_FORK,     /* another event stands in its place: ret_standing */
		    CHAIN_DESCENDS, /* its predecessor was refused: ret_standing stands in that one's place */
		    CHAIN_UNKNOWN,  /* its predecessor is not known yet */
};

/* Of a custody event. m == NULL: no such manifest. ret_standing is written for FORK and DESCENDS only. */
enum chain_answer manifest_chain(const struct manifest *m, const struct event *e,
				 struct digest *ret_standing);
/*
 * Remembers a custody event refused as FORK or DESCENDS, its first signer's key and what stands in its place
 * (as answered by manifest_chain), so that its successors can be answered. The first for each (place, key) is
 * kept, and RIVALS_MAX in all; the successor of one not kept is asked for its predecessor, and that is
 * answered again. True: it is new and kept, *m has changed.
 */
bool manifest_remember_rival(struct manifest *m, const struct digest *id, key_no key,
			     const struct digest *standing);

/*
 * What an event does to the manifest: a custody event that fits its chain, `cancelled` or `confirmed`. Judges
 * state, parties, vehicle, permit and quantities (for `issued` also the number's block): every problem is
 * added, and then *m is left as it was and false returned. Otherwise *m is what it is after the event:
 * quantities moved, chain extended, clocks started and stopped (flags: see flags.h). For `issued` *m must be
 * zeroed. Signatures and signers have been checked before.
 */
bool manifest_apply(struct manifest *m, const struct event *e, const struct registry *r, micros effective_at,
		    micros accepted_at, struct problems *problems) MUST_CHECK;

/* A step as the state table sees it (an `attested` step is the step it states). NULL: it moves no load. */
enum event_kind manifest_step(const struct event *e, const struct transfer **ret_transfer);

/* The next moment at which the sweep must look at it: the earliest deadline not yet flagged; 0: none. */
micros manifest_due_at(const struct manifest *m);
/* A bit 1 << kind for each open flag. */
uint32_t manifest_open_flags(const struct manifest *m);
/*
 * After a calendar was loaded or a clock's setting changed: computes the running deadlines again. True: *m
 * has changed. Flags that no longer hold: flags_recomputed().
 */
bool manifest_recompute_deadlines(struct manifest *m, const struct registry *r);

const char *manifest_state_name(enum manifest_state state, bool zh);

#endif
