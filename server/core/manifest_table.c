/* The state machine of a manifest: one table, and what is answered from it. */
#include "core/manifest_table.h"

#include <stdio.h>

#include "core/words.h"

#define COLLECT (1U << DEADLINE_COLLECT)
#define ARRIVE  (1U << DEADLINE_ARRIVE)
#define CONFIRM (1U << DEADLINE_CONFIRM)
#define RETURN  (1U << DEADLINE_RETURN)
#define TREAT   (1U << DEADLINE_TREAT)

#define ROW(from, step, when, to, stops, starts)                                                             \
	{                                                                                                    \
		STATE_##from, EVENT_##step, RETURN_NO_LEG, WHEN_##when, STATE_##to, stops, starts            \
	}
#define LEG(from, leg, when, to, stops, starts)                                                              \
	{                                                                                                    \
		STATE_##from, EVENT_RETURNED, RETURN_##leg, WHEN_##when, STATE_##to, stops, starts           \
	}
/* A mark: the state stays. A load that left all the same goes on, and is flagged. */
#define MARK(state, stops) ROW(state, CANCELLED, ALWAYS, state, stops, 0)

/* clang-format off */
const struct state_row state_rows[] = {
	/*  state            step         when          next state       stops    starts */
	ROW(NONE,            ISSUED,      ALWAYS,       ISSUED,          0,       COLLECT),
	ROW(ISSUED,          LOADED,      ALWAYS,       IN_TRANSIT,      COLLECT, ARRIVE),
	MARK(ISSUED,                                                     COLLECT),
	ROW(IN_TRANSIT,      HANDED_OVER, ALWAYS,       IN_TRANSIT,      0,       0),
	ROW(IN_TRANSIT,      DELIVERED,   ALWAYS,       DELIVERED,       ARRIVE,  CONFIRM),
	MARK(IN_TRANSIT,                                                 0),
	ROW(DELIVERED,       RECEIVED,    ALL_ACCEPTED, ACCEPTED,        CONFIRM, TREAT),
	ROW(DELIVERED,       RECEIVED,    SOME_REFUSED, PARTLY_ACCEPTED, CONFIRM, TREAT | RETURN),
	ROW(DELIVERED,       RECEIVED,    ALL_REFUSED,  REFUSED,         CONFIRM, RETURN),
	MARK(DELIVERED,                                                  0),
	ROW(ACCEPTED,        TREATED,     TO_TREAT,     ACCEPTED,        0,       0),
	ROW(ACCEPTED,        TREATED,     ALL_TREATED,  CLOSED,          TREAT,   0),
	MARK(ACCEPTED,                                                   0),
	ROW(PARTLY_ACCEPTED, TREATED,     TO_TREAT,     PARTLY_ACCEPTED, 0,       0),
	ROW(PARTLY_ACCEPTED, TREATED,     ALL_TREATED,  REFUSED,         TREAT,   0),
	LEG(PARTLY_ACCEPTED, OUT,         ALWAYS,       RETURNING,       0,       0),
	MARK(PARTLY_ACCEPTED,                                            0),
	LEG(REFUSED,         OUT,         ALWAYS,       RETURNING,       0,       0),
	MARK(REFUSED,                                                    0),
	ROW(RETURNING,       TREATED,     TO_TREAT,     RETURNING,       0,       0),
	ROW(RETURNING,       TREATED,     ALL_TREATED,  RETURNING,       TREAT,   0),
	LEG(RETURNING,       BACK,        TO_TREAT,     RETURNED,        RETURN,  0),
	LEG(RETURNING,       BACK,        ALL_TREATED,  CLOSED,          RETURN,  0),
	MARK(RETURNING,                                                  0),
	ROW(RETURNED,        TREATED,     TO_TREAT,     RETURNED,        0,       0),
	ROW(RETURNED,        TREATED,     ALL_TREATED,  CLOSED,          TREAT,   0),
	MARK(RETURNED,                                                   0),
};
/* clang-format on */
const size_t state_rows_n = ARRAY_LEN(state_rows);

/* The longest way to CLOSED that enters no state twice. */
static const uint8_t steps_left[MANIFEST_STATES] = {
    [STATE_NONE] = 8,     [STATE_ISSUED] = 7,          [STATE_IN_TRANSIT] = 6, [STATE_DELIVERED] = 5,
    [STATE_ACCEPTED] = 1, [STATE_PARTLY_ACCEPTED] = 4, [STATE_REFUSED] = 3,    [STATE_RETURNING] = 2,
    [STATE_RETURNED] = 1, [STATE_CLOSED] = 0,
};

unsigned state_steps_left(enum manifest_state state)
{
	return steps_left[state];
}

static bool holds(enum state_condition when, const struct manifest_line *lines, size_t lines_n)
{
	bool accepted = false;
	bool refused = false;
	bool to_treat = false;

	for (size_t i = 0; i < lines_n; i++) {
		accepted |= lines[i].accepted.grams > 0;
		refused |= lines[i].refused.grams > 0;
		to_treat |= lines[i].treated.grams < lines[i].accepted.grams;
	}
	switch (when) {
	case WHEN_ALWAYS: return true;
	case WHEN_ALL_ACCEPTED: return accepted && !refused;
	case WHEN_SOME_REFUSED: return accepted && refused;
	case WHEN_ALL_REFUSED: return !accepted;
	case WHEN_TO_TREAT: return to_treat;
	case WHEN_ALL_TREATED: return !to_treat;
	case STATE_CONDITIONS: break;
	}
	return false;
}

static bool row_is(const struct state_row *row, enum manifest_state state, enum event_kind step,
		   enum return_leg leg)
{
	return row->from == state && row->step == step && row->leg == leg;
}

const struct state_row *state_row_find(enum manifest_state state, enum event_kind step, enum return_leg leg)
{
	for (size_t i = 0; i < state_rows_n; i++)
		if (row_is(&state_rows[i], state, step, leg))
			return &state_rows[i];
	return NULL;
}

const struct state_row *state_row_choose(enum manifest_state state, enum event_kind step, enum return_leg leg,
					 const struct manifest_line *lines, size_t lines_n)
{
	for (size_t i = 0; i < state_rows_n; i++)
		if (row_is(&state_rows[i], state, step, leg) && holds(state_rows[i].when, lines, lines_n))
			return &state_rows[i];
	return NULL;
}

void state_allowed(enum manifest_state state, char *ret_text, size_t size)
{
	const struct state_row *last = NULL;
	size_t n = 0;

	(void)snprintf(ret_text, size, "nothing");
	for (size_t i = 0; i < state_rows_n && n < size; i++) {
		const struct state_row *row = &state_rows[i];

		if (row->from != state || (last != NULL && row_is(last, state, row->step, row->leg)))
			continue;
		n += (size_t)snprintf(ret_text + n, size - n, "%s%s", last == NULL ? "" : ", ",
				      state_step_name(row->step, row->leg, false));
		last = row;
	}
}

struct names {
	const char *en;
	const char *zh;
};

const char *manifest_state_name(enum manifest_state state, bool zh)
{
	static const struct word none = {STATE_NONE, "", "not issued", "未开具"};
	const struct word *w = state == STATE_NONE ? &none : word_of(state_words, (int)state);

	return zh ? w->zh : w->en;
}

static const struct step_name {
	enum event_kind step;
	enum return_leg leg;
	struct names names;
} step_names[] = {
    {EVENT_ISSUED, RETURN_NO_LEG, {"issued", "开具"}},
    {EVENT_LOADED, RETURN_NO_LEG, {"loaded", "启运"}},
    {EVENT_HANDED_OVER, RETURN_NO_LEG, {"handed over", "转运交接"}},
    {EVENT_DELIVERED, RETURN_NO_LEG, {"delivered", "运抵"}},
    {EVENT_RECEIVED, RETURN_NO_LEG, {"received", "接收确认"}},
    {EVENT_RETURNED, RETURN_OUT, {"returned (out)", "退运"}},
    {EVENT_RETURNED, RETURN_BACK, {"returned (back)", "退回移出人"}},
    {EVENT_TREATED, RETURN_NO_LEG, {"treated", "利用处置"}},
    {EVENT_CANCELLED, RETURN_NO_LEG, {"cancelled", "作废"}},
};

const char *state_step_name(enum event_kind step, enum return_leg leg, bool zh)
{
	for (size_t i = 0; i < ARRAY_LEN(step_names); i++)
		if (step_names[i].step == step && step_names[i].leg == leg)
			return zh ? step_names[i].names.zh : step_names[i].names.en;
	return "";
}

const char *state_condition_name(enum state_condition when, bool zh)
{
	static const struct names names[STATE_CONDITIONS] = {
	    [WHEN_ALWAYS] = {"always", "任何情况"},
	    [WHEN_ALL_ACCEPTED] = {"all was accepted", "全部接受"},
	    [WHEN_SOME_REFUSED] = {"part was refused", "部分拒收"},
	    [WHEN_ALL_REFUSED] = {"all was refused", "全部拒收"},
	    [WHEN_TO_TREAT] = {"some of it is still to be treated", "尚有未利用处置的"},
	    [WHEN_ALL_TREATED] = {"nothing is left to treat", "已全部利用处置"},
	};

	if ((size_t)when >= STATE_CONDITIONS)
		return "";
	return zh ? names[when].zh : names[when].en;
}
