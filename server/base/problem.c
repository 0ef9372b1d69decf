#include "base/problem.h"

#include <stdarg.h>
#include <stdio.h>

void problem_add(struct problems *list, const struct rule *rule, const char *path, const char *found,
		 const char *allowed)
{
	struct problem *p = NULL;

	if (list->count < PROBLEMS_MAX)
		p = arena_alloc(list->arena, sizeof(*p));
	if (p == NULL) {
		list->more++;
		return;
	}
	struct span at = arena_copy(list->arena, span_str(path));
	struct span was = arena_copy(list->arena, span_str(found));
	struct span may = arena_copy(list->arena, span_str(allowed));
	*p = (struct problem){
	    .rule = rule,
	    .path = at.p == NULL ? "" : (const char *)at.p,
	    .found = was.p == NULL ? "" : (const char *)was.p,
	    .allowed = may.p == NULL ? "" : (const char *)may.p,
	};
	if (list->last == NULL)
		list->first = p;
	else
		list->last->next = p;
	list->last = p;
	list->count++;
}

static bool is_told_before(const struct problem *first, const struct problem *p)
{
	for (const struct problem *q = first; q != p; q = q->next)
		if (q->rule == p->rule && strcmp(q->path, p->path) == 0)
			return true;
	return false;
}

void problems_once(struct problems *list)
{
	struct problem **at = &list->first;

	list->last = NULL;
	while (*at != NULL) {
		if (is_told_before(list->first, *at)) {
			*at = (*at)->next;
			list->count--;
			continue;
		}
		list->last = *at;
		at = &(*at)->next;
	}
}

void problem_addf(struct problems *list, const struct rule *rule, const char *path, const char *allowed,
		  const char *fmt, ...)
{
	char found[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(found, sizeof(found), fmt, args);
	va_end(args);
	problem_add(list, rule, path, found, allowed);
}
