/* What the audit's files share: audit.c (what is read, judged and compared in which order), audit_checks.c
 * (what each difference is called), audit_compare.c (the tables side by side). */
#ifndef MANIFEST_AUDIT_INTERNAL_H
#define MANIFEST_AUDIT_INTERNAL_H

#include "manifest/audit.h"
#include "manifest/audit_source.h"
#include "manifest/findings.h"
#include "store/projection.h"

enum { WINDOW = 2048, NOTED = 16384 };

/* A (size, root) that somebody kept outside the database. Read before the database is, which may grow
 * meanwhile. */
struct kept {
	const char *what;
	const char *table; /* it is kept in; "" for none */
	const char *path;
	struct span note; /* of a checkpoint */
	uint64_t size;
	struct digest root;
};

struct audit {
	struct app *app;
	const struct order *order;
	struct findings findings;
	struct store_conn *conn; /* the snapshot's */
	char snapshot[SNAPSHOT_SIZE];
	struct span genesis_entry;
	struct event genesis;
	bool has_genesis;
	struct note_key log_key;
	struct scratch *scratch;
	struct projection *projection;
	struct audit_source *source;
	struct feed *feed;
	struct replay *replay;
	const struct feed_item *window[WINDOW]; /* by index */
	uint64_t next;                          /* index that must come */
	uint64_t checked;                       /* size of the last checkpoint that fits */
	uint64_t noted[NOTED];                  /* sizes of which one is stored, the newest */
	uint64_t noted_from;                    /* the first of all; 0: none yet */
	uint64_t entries;
	struct log_head stored;
	bool has_head;
	bool unfinished; /* a rebuild of this database is */
	struct kept kept[ORDER_FILES_MAX + 1];
	size_t kept_n;
	uint64_t under_way; /* manifests whose deadlines are still to be computed again */
	unsigned threads;
	micros grace;
	micros begun_at, shown_at;
	bool progress;
	char error[STORE_MESSAGE_SIZE];
};

/* Of an entry, while they are judged, or of none: FINDING_NO_ENTRY. */
void audit_found(struct audit *a, uint64_t place, const struct finding *finding);
void audit_add(struct audit *a, const char *what, const char *table, uint64_t key, const char *column,
	       uint64_t entry, const char *en, const char *zh);
/* Keeps why the database cannot be audited; false. */
bool audit_unavailable(struct audit *a, const char *why);
/* `n` of what there is was done, on a terminal; now and then, or the last time. */
void audit_show(struct audit *a, const char *what, uint64_t n, bool last);

/* An entry as it comes; and again when everything up to it was judged. */
void audit_check_item(struct audit *a, const struct feed_item *i);
void audit_check_judged(void *self, const struct feed_item *i);
/* The evidence that a fork's flag names by its hash. */
void audit_check_evidence(struct audit *a, const struct replay_item *flag, struct span kept);
/* When all is judged. */
void audit_check_strays(struct audit *a);
void audit_check_head(struct audit *a);
void audit_check_kept(struct audit *a, const struct kept *k);
bool audit_check_cosigned(struct audit *a) MUST_CHECK;
/* Every table; how many rows each has. */
bool audit_compare(struct audit *a, json_t *rows) MUST_CHECK;

#endif
