/*
 * What is wrong with a request: a list of problems, all of them at once, each a field, the rule it breaks,
 * what was found and what is allowed. Rules are rows of static tables, from which the documentation is
 * printed.
 */
#ifndef BASE_PROBLEM_H
#define BASE_PROBLEM_H

#include "base/arena.h"

/* A law or a document, as one cites it. */
struct source {
	const char *zh; /* "《危险废物转移管理办法》（部令第23号，2021）第九条" */
	const char *en; /* "decree 23 (2021), art. 9" */
};

/* One rule, static for the life of the program. */
struct rule {
	const char *id; /* stable, machine-readable: "number.unknown" */
	const struct source *source;
	const char *zh; /* what is demanded, and what to do */
	const char *en;
};

struct problem {
	struct problem *next;
	const struct rule *rule;
	const char *path;    /* field path in the event, protobuf names: "issued.lines[2].code" */
	const char *found;   /* what was found, as text; may be "" */
	const char *allowed; /* what is allowed, as text; may be "" */
};

/* A list in the order of discovery. At most PROBLEMS_MAX are kept; `more` counts the rest. */
enum { PROBLEMS_MAX = 64 };
struct problems {
	struct arena *arena; /* where problems and their texts live; not owned */
	struct problem *first;
	struct problem *last;
	unsigned count;
	unsigned more;
};

/* Path, found and allowed are copied; found and allowed may be NULL. Never fails: out of memory counts as
 * `more`. */
void problem_add(struct problems *list, const struct rule *rule, const char *path, const char *found,
		 const char *allowed);
/* Keeps one of those that are of the same rule in the same place, whichever parts of judging came upon them.
 */
void problems_once(struct problems *list);
/* The same as problem_add() with a formatted `found`. */
void problem_addf(struct problems *list, const struct rule *rule, const char *path, const char *allowed,
		  const char *fmt, ...) PRINTF_LIKE(5, 6);

static inline bool problems_any(const struct problems *list)
{
	return list->count + list->more > 0;
}

#endif
