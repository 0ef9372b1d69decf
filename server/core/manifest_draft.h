/*
 * What the files that judge a step share (manifest.c, manifest_issue.c, manifest_steps.c): the step as a
 * draft. Quantities move in the draft; the manifest takes it over only when there is no problem.
 */
#ifndef CORE_MANIFEST_DRAFT_H
#define CORE_MANIFEST_DRAFT_H

#include "core/manifest_table.h"
#include "core/rules.h"

struct draft {
	const struct manifest *m;
	const struct event *e;
	const struct registry *r;
	struct problems *problems;
	const char *prefix; /* of field paths: "loaded", "attested.loaded" */
	micros effective_at;
	bool late; /* it arrives so late that a lapse flags and does not refuse */

	/* What becomes of the manifest. */
	party_no transporter;
	struct span plate; /* empty: stays */
	party_no absent;   /* attested: who did not sign; else 0 */
	struct manifest_line lines[MAX_LINES];
	size_t lines_n;
};

/* Adds a problem at prefix.path; found and allowed may be NULL. */
void draft_refuse(struct draft *d, const struct rule *rule, const char *path, const char *found,
		  const char *allowed);
/* The same at prefix.lines[i].field, or prefix.lines[i] when field is NULL. */
void draft_refuse_line(struct draft *d, const struct rule *rule, size_t i, const char *field,
		       const char *found, const char *allowed);

/* The registered party, with that role (ROLE_NONE: any); NULL: a problem was added at path. */
const struct party_record *draft_party(struct draft *d, const struct party_ref *ref, enum role role,
				       const char *path);
/* The registered vehicle if it is the transporter's; NULL: a problem was added at "plate". */
const struct vehicle_record *draft_vehicle(struct draft *d, struct span plate,
					   const struct party_record *transporter);
/* Of the first signer's key; 0: none (the server's, or not enrolled). */
party_no draft_signer(const struct draft *d, size_t i);

/* `issued`: judges it, and makes the manifest when nothing is wrong. */
void manifest_issue(struct manifest *m, struct draft *d);

/* The other steps: parties, vehicle and quantities, in the draft. */
void draft_transfer(struct draft *d, enum event_kind kind, const struct transfer *transfer);
void draft_received(struct draft *d, const struct received *received);
void draft_treated(struct draft *d, const struct treated *treated);

/* Copies text of limited length into a zero-terminated field of `size` bytes. */
void text_store(char *to, size_t size, struct span text);

#endif
