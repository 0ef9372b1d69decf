/* Owns the words of enums. */
#include "web/words.h"

#include "path/path.h"

static const char *const flag_kinds[] = {
    [FLAG_NOT_COLLECTED] = "not_collected",
    [FLAG_OVERDUE] = "overdue",
    [FLAG_NOT_CONFIRMED] = "not_confirmed",
    [FLAG_REFUSED_ADRIFT] = "refused_adrift",
    [FLAG_NOT_TREATED] = "not_treated",
    [FLAG_QUANTITY] = "quantity",
    [FLAG_CONTAINERS] = "containers",
    [FLAG_CANCELLED_LOADED] = "cancelled_loaded",
    [FLAG_FORK] = "fork",
    [FLAG_ATTESTED] = "attested",
    [FLAG_KEY_LAPSED] = "key_lapsed",
    [FLAG_PERMIT_LAPSED] = "permit_lapsed",
    [FLAG_CLOCK] = "clock",
    [FLAG_NUMBER_GAP] = "number_gap",
    [FLAG_NUMBER_REUSED] = "number_reused",
    [FLAG_TWO_HISTORIES] = "two_histories",
    [FLAG_OVER_CAPACITY] = "over_capacity",
};
_Static_assert(sizeof(flag_kinds) / sizeof(flag_kinds[0]) == FLAG_KINDS, "a word for each kind of flag");

static const char *const states[] = {
    [STATE_ISSUED] = "issued",
    [STATE_IN_TRANSIT] = "in_transit",
    [STATE_DELIVERED] = "delivered",
    [STATE_ACCEPTED] = "accepted",
    [STATE_PARTLY_ACCEPTED] = "partly_accepted",
    [STATE_REFUSED] = "refused",
    [STATE_RETURNING] = "returning",
    [STATE_RETURNED] = "returned",
    [STATE_CLOSED] = "closed",
};
_Static_assert(sizeof(states) / sizeof(states[0]) == MANIFEST_STATES, "a word for each state");

static const char *const roles[] = {
    [ROLE_GENERATOR] = "generator", [ROLE_TRANSPORTER] = "transporter", [ROLE_FACILITY] = "facility",
    [ROLE_REGISTRAR] = "registrar", [ROLE_INSPECTOR] = "inspector",     [ROLE_AUDITOR] = "auditor",
    [ROLE_SERVER] = "server",
};

static const char *const classes[] = {[1] = "none", [2] = "key", [3] = "simplified", [4] = "registered"};

static const char *const refusals[] = {
    [REFUSAL_MALFORMED] = "malformed",
    [REFUSAL_SIGNATURE] = "signature",
    [REFUSAL_RULE] = "rule",
    [REFUSAL_FORK] = "fork",
    [REFUSAL_DESCENDS] = "descends",
    [REFUSAL_PREDECESSOR] = "predecessor",
    [REFUSAL_LATER] = "later",
    [REFUSAL_UNAVAILABLE] = "unavailable",
    [REFUSAL_NOT_WRITER] = "not_writer",
    [REFUSAL_FORBIDDEN] = "forbidden",
    [REFUSAL_NOT_FOUND] = "not_found",
    [REFUSAL_FAULT] = "fault",
};

static const char *const path_states[] = {
    [PATH_RECOVERING] = "recovering", [PATH_WRITING] = "writing",   [PATH_STANDBY] = "standby",
    [PATH_STOPPED] = "stopped",       [PATH_DRAINING] = "draining",
};

#define LIST(words)                                                                                          \
	{                                                                                                    \
		words, ARRAY_LEN(words)                                                                      \
	}
static const struct {
	const char *const *words;
	size_t n;
} lists[WORD_LISTS] = {
    [WORDS_FLAG_KIND] = LIST(flag_kinds), [WORDS_STATE] = LIST(states),
    [WORDS_ROLE] = LIST(roles),           [WORDS_CLASS] = LIST(classes),
    [WORDS_REFUSAL] = LIST(refusals),     [WORDS_PATH_STATE] = LIST(path_states),
};

const char *word_of(enum word_list list, int number)
{
	if (number < 0 || (size_t)number >= lists[list].n || lists[list].words[number] == NULL)
		return "";
	return lists[list].words[number];
}

bool word_parse(enum word_list list, struct span word, int *ret_number)
{
	for (size_t i = 0; i < lists[list].n; i++) {
		if (lists[list].words[i] == NULL || !span_eq_str(word, lists[list].words[i]))
			continue;
		*ret_number = (int)i;
		return true;
	}
	return false;
}

void words_put(enum word_list list, struct buffer *to)
{
	const char *before = "";

	for (size_t i = 0; i < lists[list].n; i++) {
		if (lists[list].words[i] == NULL)
			continue;
		buffer_printf(to, "%s%s", before, lists[list].words[i]);
		before = ", ";
	}
}
