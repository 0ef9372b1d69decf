/* The server's own events: flags raised and cleared, signed and appended behind what caused them. */
#include <inttypes.h>

#include "core/judge_internal.h"
#include "core/words.h"

enum { FLAG_ROW_PARTIES = ARRAY_LEN(((struct flag_row *)NULL)->parties) };

/* Signs the event by the server's key, with its next running number, and appends it. */
static bool append_own(struct judgement *j, struct event *e, struct touched *about)
{
	const struct key_record *server = registry_server_key(j->registry);
	struct span envelope;

	if (server == NULL)
		return false;
	e->occurred_at = judge_next_accepted_at(j);
	e->signers_n = 1;
	e->signers[0] = (struct signer){.keyid = server->keyid, .number = server->high + 1};
	return j->ports.sign(j->ports.self, e, &envelope) && judge_append(j, e, envelope, about);
}

/* ---- raising ---- */

/* Numbers of the parties concerned, and their references for the event. */
static bool name_parties(struct judgement *j, const struct raise *raise, struct flag_row *row,
			 struct flag_raised *said)
{
	const party_no *parties = raise->parties;
	size_t n = raise->parties_n;

	if (n == 0 && raise->key != NULL && raise->key->party != NULL) {
		parties = &raise->key->party->no;
		n = 1;
	}
	struct party_ref *refs = arena_array(j->arena, FLAG_ROW_PARTIES, sizeof(*refs));
	if (refs == NULL)
		return false;
	for (size_t i = 0; i < n && row->parties_n < FLAG_ROW_PARTIES; i++) {
		const struct party_record *party = registry_party_no(j->registry, parties[i]);
		if (party == NULL)
			continue;
		refs[row->parties_n] = party->party.ref;
		row->parties[row->parties_n++] = party->no;
	}
	said->parties = refs;
	said->parties_n = row->parties_n;
	return true;
}

static struct span division_of(const struct judgement *j, party_no no)
{
	const struct party_record *party = registry_party_no(j->registry, no);

	return party == NULL ? (struct span){0} : party->party.division;
}

/* Either end of the transfer; without one, the party concerned. */
static void place(const struct judgement *j, const struct raise *raise, struct flag_row *row)
{
	if (raise->about != NULL) {
		row->number = raise->about->m->number;
		row->division_generator = division_of(j, raise->about->m->generator);
		row->division_facility = division_of(j, raise->about->m->facility);
	} else if (row->parties_n > 0) {
		row->division_generator = division_of(j, row->parties[0]);
	}
}

bool judge_raise(struct judgement *j, const struct raise *raise, uint64_t *ret_flag)
{
	struct event *e = arena_alloc(j->arena, sizeof(*e));
	struct flag_row *row = list_add(j->arena, &j->flags, sizeof(*row));
	uint64_t flag = judge_next_index(j);

	if (e == NULL || row == NULL)
		return false;
	*row = (struct flag_row){
	    .raise = true, .flag = flag, .raised = &e->flag_raised, .at = judge_next_accepted_at(j)};
	e->kind = EVENT_FLAG_RAISED;
	e->flag_raised = (struct flag_raised){
	    .kind = raise->kind,
	    .due_at = raise->due_at,
	    .detail = raise->detail,
	    .provisional = raise->provisional,
	};
	if (raise->key != NULL)
		e->flag_raised.keyid = raise->key->keyid;
	if (raise->cause != NULL)
		e->flag_raised.cause = *raise->cause;
	if (raise->evidence != NULL)
		e->flag_raised.evidence_sha256 = *raise->evidence;
	if (!name_parties(j, raise, row, &e->flag_raised))
		return false;
	place(j, raise, row);
	e->number = row->number;
	if (!append_own(j, e, raise->about))
		return false;
	if (raise->about != NULL && raise->about->m->flags[raise->kind] == 0)
		raise->about->m->flags[raise->kind] = flag + 1;
	*ret_flag = flag;
	return true;
}

/* ---- clearing ---- */

static bool clear(struct judgement *j, uint64_t flag, struct touched *about, const struct digest *cause)
{
	struct event *e = arena_alloc(j->arena, sizeof(*e));
	struct flag_row *row = list_add(j->arena, &j->flags, sizeof(*row));

	if (e == NULL || row == NULL)
		return false;
	*row = (struct flag_row){
	    .flag = flag,
	    .number = about == NULL ? 0 : about->m->number,
	    .at = judge_next_accepted_at(j),
	    .closed_by = judge_next_index(j),
	};
	e->kind = EVENT_FLAG_CLEARED;
	e->flag_cleared.flag = flag;
	if (cause != NULL)
		e->flag_cleared.cause = *cause;
	return append_own(j, e, about);
}

bool judge_gaps_closed(struct judgement *j, const struct event *e)
{
	for (size_t i = 0; i < e->signers_n; i++) {
		const struct key_record *key = registry_key(j->registry, &e->signers[i].keyid);
		if (key != NULL && key->gap_flag != 0 && registry_numbers_complete(key) &&
		    !clear(j, key->gap_flag - 1, NULL, &e->id))
			return false;
	}
	return true;
}

/* ---- what flags.h lists ---- */

static bool carry_out_raise(struct judgement *j, struct touched *about, const struct flag_change *change,
			    const struct digest *cause)
{
	uint64_t flag;
	struct raise raise = {
	    .kind = change->kind,
	    .about = about,
	    .cause = change->by_clock ? NULL : cause,
	    .parties = change->parties,
	    .parties_n = change->parties_n,
	    .due_at = change->due_at,
	    .provisional = change->provisional,
	    .detail = change->detail,
	};

	if (!digest_is_zero(&change->keyid))
		raise.key = registry_key(j->registry, &change->keyid);
	return judge_raise(j, &raise, &flag);
}

static bool carry_out_clear(struct judgement *j, struct touched *about, const struct flag_change *change,
			    const struct digest *cause)
{
	uint64_t *open = &about->m->flags[change->kind];

	if (*open == 0)
		return true;
	uint64_t flag = *open - 1;
	*open = 0;
	return clear(j, flag, about, cause);
}

static bool carry_out_claim(struct judgement *j, struct touched *about, const struct flag_change *change)
{
	uint64_t open = about->m->flags[change->kind];

	if (open == 0)
		return true;
	struct flag_row *row = list_add(j->arena, &j->flags, sizeof(*row));
	if (row == NULL)
		return false;
	*row = (struct flag_row){
	    .flag = open - 1, .number = about->m->number, .at = j->last_accepted_at, .claimed_in_time = true};
	return true;
}

void judge_remark(struct verdict *verdict, enum flag_kind kind)
{
	if (verdict != NULL && verdict->remarks_n < ARRAY_LEN(verdict->remarks))
		verdict->remarks[verdict->remarks_n++] = word_of(flag_words, (int)kind)->en;
}

bool judge_flags(struct judgement *j, struct touched *about, const struct flag_list *list,
		 const struct digest *cause, struct verdict *verdict)
{
	bool done = true;

	for (size_t i = 0; i < list->n && done; i++) {
		const struct flag_change *change = &list->changes[i];
		switch (change->action) {
		case FLAG_RAISE:
			done = carry_out_raise(j, about, change, cause);
			judge_remark(verdict, change->kind);
			break;
		case FLAG_CLEAR: done = carry_out_clear(j, about, change, cause); break;
		case FLAG_CLAIM: done = carry_out_claim(j, about, change); break;
		}
	}
	return done;
}
