/* The clocks of a manifest: which there are, when they end, and when one must be looked at. */
#include "core/manifest_table.h"

#define PLANNED(name) offsetof(struct manifest, name)
#define SETTING(name) offsetof(struct law_settings, name)

const struct clock_row clock_rows[DEADLINES] = {
    [DEADLINE_COLLECT] = {DEADLINE_COLLECT, FLAG_NOT_COLLECTED, CLOCK_GRACE, PLANNED(collect_by),
			  SETTING(collect_grace), "collect.grace", DETAIL_NOT_COLLECTED},
    [DEADLINE_ARRIVE] = {DEADLINE_ARRIVE, FLAG_OVERDUE, CLOCK_GRACE, PLANNED(arrive_by),
			 SETTING(transit_grace), "transit.grace", DETAIL_NOT_DELIVERED},
    [DEADLINE_CONFIRM] = {DEADLINE_CONFIRM, FLAG_NOT_CONFIRMED, CLOCK_WORKING_DAYS, 0,
			  SETTING(confirm_working_days), "confirm.working_days", DETAIL_NOT_CONFIRMED},
    [DEADLINE_RETURN] = {DEADLINE_RETURN, FLAG_REFUSED_ADRIFT, CLOCK_WORKING_DAYS, 0, SETTING(return_days),
			 "return.days", DETAIL_NOT_BACK},
    [DEADLINE_TREAT] = {DEADLINE_TREAT, FLAG_NOT_TREATED, CLOCK_DAYS, 0, SETTING(storage_days),
			"storage.days", DETAIL_NOT_TREATED},
};

static int64_t number_at(const void *base, size_t offset)
{
	int64_t value;

	memcpy(&value, (const uint8_t *)base + offset, sizeof(value));
	return value;
}

void clock_start(struct manifest *m, enum deadline_kind kind, micros starts_at, const struct registry *r)
{
	const struct clock_row *row = &clock_rows[kind];
	int64_t setting = number_at(registry_settings(r), row->setting);
	struct deadline *deadline = &m->deadlines[kind];
	struct due_time due = {0};

	switch (row->unit) {
	case CLOCK_GRACE: due.due = micros_add(number_at(m, row->planned), setting); break;
	case CLOCK_WORKING_DAYS:
		due = deadline_working_days(reference_calendar(registry_reference(r)), starts_at,
					    (unsigned)setting);
		break;
	case CLOCK_DAYS: due.due = deadline_days(starts_at, (unsigned)setting); break;
	}
	if (deadline->starts_at != starts_at)
		*deadline = (struct deadline){.starts_at = starts_at};
	deadline->due_at = due.due;
	deadline->provisional = due.provisional;
}

bool manifest_recompute_deadlines(struct manifest *m, const struct registry *r)
{
	bool changed = false;

	for (enum deadline_kind kind = 0; kind < DEADLINES; kind++) {
		struct deadline was = m->deadlines[kind];

		if (was.starts_at == 0)
			continue;
		clock_start(m, kind, was.starts_at, r);
		changed |= m->deadlines[kind].due_at != was.due_at ||
			   m->deadlines[kind].provisional != was.provisional;
	}
	return changed;
}

micros manifest_due_at(const struct manifest *m)
{
	micros due_at = 0;

	for (size_t i = 0; i < DEADLINES; i++) {
		const struct deadline *d = &m->deadlines[i];

		if (d->starts_at != 0 && !d->flagged && (due_at == 0 || d->due_at < due_at))
			due_at = d->due_at;
	}
	return due_at;
}
