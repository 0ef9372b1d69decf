/* Judging what keys give cause for, and flags: revocation, running numbers, histories, deadlines, inspectors.
 */
#include <criterion/criterion.h>

#include "steps.h"

/* ---- keys ---- */

static void revoke(struct world *w, enum device device, micros from)
{
	struct event e = world_event(w, EVENT_KEY_REVOKED);

	e.key_revoked = (struct key_revoked){w->devices[device].keyid, from, span_str("被盗")};
	(void)world_accept(w, SIGN(w, &e, REGISTRAR));
}

Test(judge, a_revoked_key_in_a_step_that_the_other_side_bears_out)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct digest id = step_issue(w, NUMBER(1));
	struct digest other = step_issue(w, NUMBER(2));
	const struct signed_event *in_time = step_load(w, NUMBER(1), &id);
	w->now += HOUR;
	revoke(w, HAULER, w->now);
	const struct signed_event *too_late = step_load(w, NUMBER(2), &other);

	struct verdict v = world_submit(w, too_late);
	check_refused(w, &v, REFUSAL_SIGNATURE, "key.revoked");
	(void)world_accept(w, in_time);
	cr_assert_eq(world_open_flags(w, FLAG_KEY_LAPSED, &flag), 1);
	cr_assert(digest_eq(&flag->row.raised->keyid, &w->devices[HAULER].keyid));
	cr_assert_eq(world_manifest(w, NUMBER(1))->flags[FLAG_KEY_LAPSED], flag->row.flag + 1);
	world_free(w);
}

Test(judge, a_revoked_key_alone_is_refused_whenever_it_signed)
{
	struct world *w = world_new();
	struct event e = world_issued(w, NUMBER(1));
	const struct signed_event *before = SIGN(w, &e, GENERATOR);
	const struct signed_event *accepted;

	e = world_issued(w, NUMBER(2));
	accepted = SIGN(w, &e, GENERATOR);
	(void)world_accept(w, accepted);
	w->now += HOUR;
	revoke(w, GENERATOR, w->now);
	struct verdict v = world_submit(w, before);
	check_refused(w, &v, REFUSAL_SIGNATURE, "key.revoked");
	v = world_submit(w, accepted);
	cr_assert(v.repeated, "what was accepted before is valid for ever");
	world_free(w);
}

Test(judge, both_keys_revoked_bear_nothing_out)
{
	struct world *w = world_new();
	struct digest id = step_issue(w, NUMBER(1));
	const struct signed_event *s = step_load(w, NUMBER(1), &id);

	w->now += HOUR;
	revoke(w, HAULER, w->now);
	revoke(w, GENERATOR, w->now);
	struct verdict v = world_submit(w, s);
	check_refused(w, &v, REFUSAL_SIGNATURE, "key.revoked");
	world_free(w);
}

/* ---- running numbers ---- */

Test(judge, a_number_used_twice_is_flagged_and_both_are_found)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct event a = world_issued(w, NUMBER(1)), b = world_issued(w, NUMBER(2));
	const struct signed_event *first = SIGN(w, &a, GENERATOR);

	w->devices[GENERATOR].number--;
	const struct signed_event *second = SIGN(w, &b, GENERATOR);
	(void)world_accept(w, first);
	(void)world_accept(w, second);
	cr_assert_eq(world_open_flags(w, FLAG_NUMBER_REUSED, &flag), 1);
	cr_assert_eq(flag->row.number, NUMBER(2));
	cr_assert_eq(flag->row.flag, w->entries_n - 1);
	struct verdict v = world_submit(w, first);
	cr_assert(v.repeated);
	cr_assert_eq(v.index, w->entries_n - 3);
	v = world_submit(w, second);
	cr_assert(v.repeated);
	cr_assert_eq(v.index, w->entries_n - 2);

	/* The same in one batch. */
	struct event c = world_issued(w, NUMBER(3)), d = world_issued(w, NUMBER(4));
	const struct signed_event *members[2] = {SIGN(w, &c, GENERATOR), NULL};
	struct verdict vs[2];
	w->devices[GENERATOR].number--;
	members[1] = SIGN(w, &d, GENERATOR);
	world_judge(w, members, 2, vs);
	cr_assert_eq(world_open_flags(w, FLAG_NUMBER_REUSED, &flag), 2);
	cr_assert_eq(vs[1].remarks_n, 1);
	world_free(w);
}

Test(judge, a_gap_is_flagged_after_the_grace_and_cleared_when_filled)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct event a = world_issued(w, NUMBER(1)), b = world_issued(w, NUMBER(2));
	const struct signed_event *late = SIGN(w, &a, GENERATOR);

	(void)world_accept(w, SIGN(w, &b, GENERATOR));
	w->now += registry_settings(w->registry)->number_gap_grace - HOUR;
	world_sweep(w);
	cr_assert_eq(world_open_flags(w, FLAG_NUMBER_GAP, &flag), 0);
	w->now += 2 * HOUR;
	world_sweep(w);
	world_sweep(w);
	cr_assert_eq(world_open_flags(w, FLAG_NUMBER_GAP, &flag), 1);
	cr_assert(digest_eq(&flag->row.raised->keyid, &w->devices[GENERATOR].keyid));
	cr_assert(span_eq_str(flag->row.division_generator, "210106"));
	world_restart(w);
	w->now += 2 * HOUR;
	world_sweep(w);
	cr_assert_eq(world_open_flags(w, FLAG_NUMBER_GAP, &flag), 1, "not raised again after a restart");
	uint64_t raised = flag->row.flag;
	(void)world_accept(w, late);
	cr_assert_eq(world_open_flags(w, FLAG_NUMBER_GAP, &flag), 0);
	cr_assert_eq(w->entries[w->entries_n - 1].row.event->flag_cleared.flag, raised);
	world_restart(w);
	cr_assert_eq(registry_key(w->registry, &w->devices[GENERATOR].keyid)->gap_flag, 0);
	world_free(w);
}

Test(judge, a_gap_beside_a_flagged_one_has_no_flag_of_its_own)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	const struct signed_event *late[2];

	for (unsigned i = 0; i < 2; i++) {
		struct event a = world_issued(w, NUMBER(2 * i + 1)), b = world_issued(w, NUMBER(2 * i + 2));
		late[i] = SIGN(w, &a, GENERATOR);
		(void)world_accept(w, SIGN(w, &b, GENERATOR));
		w->now += 10 * DAY;
		world_sweep(w);
		cr_assert_eq(world_open_flags(w, FLAG_NUMBER_GAP, &flag), 1);
	}
	(void)world_accept(w, late[0]);
	cr_assert_eq(world_open_flags(w, FLAG_NUMBER_GAP, &flag), 1);
	(void)world_accept(w, late[1]);
	cr_assert_eq(world_open_flags(w, FLAG_NUMBER_GAP, &flag), 0);
	world_free(w);
}

Test(judge, a_gap_that_an_inspector_resolved_stays_resolved)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct event e = world_issued(w, NUMBER(1));

	w->devices[GENERATOR].number++;
	(void)world_accept(w, SIGN(w, &e, GENERATOR));
	w->now += 10 * DAY;
	world_sweep(w);
	cr_assert_eq(world_open_flags(w, FLAG_NUMBER_GAP, &flag), 1);
	struct event resolved = world_event(w, EVENT_FLAG_RESOLVED);
	resolved.flag_resolved = (struct flag_resolved){flag->row.flag, 1, span_str("设备送修")};
	(void)world_accept(w, SIGN(w, &resolved, INSPECTOR));
	w->now += 10 * DAY;
	world_sweep(w);
	world_restart(w);
	world_sweep(w);
	cr_assert_eq(world_open_flags(w, FLAG_NUMBER_GAP, &flag), 0);
	world_free(w);
}

static struct event void_running(const struct world *w, uint64_t number)
{
	struct event e = world_event(w, EVENT_VOIDED);

	e.voided = (struct voided){number, span_str("签名后放弃")};
	return e;
}

Test(judge, a_running_number_given_up_leaves_no_gap)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct event e = world_issued(w, NUMBER(1));
	uint64_t lost = ++w->devices[GENERATOR].number;
	struct event voided = void_running(w, lost);

	const struct signed_event *issued = SIGN(w, &e, GENERATOR);
	(void)world_accept(w, issued);
	(void)world_accept(w, SIGN(w, &voided, GENERATOR));
	cr_assert(registry_numbers_complete(registry_key(w->registry, &w->devices[GENERATOR].keyid)));
	world_restart(w);
	cr_assert(registry_numbers_complete(registry_key(w->registry, &w->devices[GENERATOR].keyid)));
	voided.voided.running_number = issued->event.signers[0].number;
	struct verdict v = world_submit(w, SIGN(w, &voided, GENERATOR));
	check_refused(w, &v, REFUSAL_RULE, "signers.number.used");
	/* Used after all: accepted, and flagged. */
	e = world_issued(w, NUMBER(2));
	w->devices[GENERATOR].number = lost - 1;
	(void)world_accept(w, SIGN(w, &e, GENERATOR));
	cr_assert_eq(world_open_flags(w, FLAG_NUMBER_REUSED, &flag), 1);
	world_free(w);
}

Test(judge, a_manifest_number_given_up_is_never_used)
{
	struct world *w = world_new();
	struct event voided = world_event(w, EVENT_VOIDED);
	struct event e = world_issued(w, NUMBER(5));

	voided.number = NUMBER(5);
	voided.voided.reason = span_str("填写错误");
	struct verdict v = world_submit(w, SIGN(w, &voided, OTHER_GENERATOR));
	check_refused(w, &v, REFUSAL_RULE, "number.block");
	(void)world_accept(w, SIGN(w, &voided, GENERATOR));
	v = world_submit(w, SIGN(w, &voided, GENERATOR));
	check_refused(w, &v, REFUSAL_RULE, "voided.already");
	v = world_submit(w, SIGN(w, &e, GENERATOR));
	check_refused(w, &v, REFUSAL_RULE, "number.voided");
	world_restart(w);
	v = world_submit(w, SIGN(w, &e, GENERATOR));
	check_refused(w, &v, REFUSAL_RULE, "number.voided");
	(void)step_issue(w, NUMBER(6));
	voided.number = NUMBER(6);
	v = world_submit(w, SIGN(w, &voided, GENERATOR));
	check_refused(w, &v, REFUSAL_RULE, "voided.used");
	world_free(w);
}

/* ---- two histories ---- */

Test(judge, another_history_is_accepted_and_flagged_once_for_each)
{
	struct world *w = world_new();
	const struct stored_flag *flag;

	w->seen = SEEN_OTHER;
	for (unsigned i = 1; i <= 3; i++) {
		struct event e = world_issued(w, NUMBER(i));
		e.signers[0].seen = (struct checkpoint_ref){
		    span_str("shenyang.example/manifest"), 5, {{(uint8_t)(i == 3 ? 2 : 1)}}};
		(void)world_accept(w, SIGN(w, &e, GENERATOR));
	}
	cr_assert_eq(world_open_flags(w, FLAG_TWO_HISTORIES, &flag), 2);
	cr_assert_eq(flag->row.number, NUMBER(3));
	w->seen = SEEN_OURS;
	world_free(w);
}

Test(judge, another_history_is_not_told_of_again_after_a_restart_nor_without_end)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	unsigned cap = (unsigned)registry_settings(w->registry)->fork_evidence_per_day;

	w->seen = SEEN_OTHER;
	for (unsigned i = 1; i <= 3; i++) {
		struct event e = world_issued(w, NUMBER(i));
		e.signers[0].seen = (struct checkpoint_ref){span_str("shenyang.example/manifest"), 5, {{1}}};
		(void)world_accept(w, SIGN(w, &e, GENERATOR));
		world_restart(w);
	}
	cr_assert_eq(world_open_flags(w, FLAG_TWO_HISTORIES, &flag), 1);
	for (unsigned i = 4; i <= cap + 10; i++) { /* a new history each time */
		struct event e = world_issued(w, NUMBER(i));
		e.signers[0].seen =
		    (struct checkpoint_ref){span_str("shenyang.example/manifest"), 5, {{(uint8_t)i}}};
		(void)world_accept(w, SIGN(w, &e, GENERATOR));
	}
	cr_assert_eq(world_open_flags(w, FLAG_TWO_HISTORIES, &flag), cap);
	w->seen = SEEN_OURS;
	world_free(w);
}

/* ---- deadlines and inspectors ---- */

Test(judge, the_sweep_raises_and_the_next_step_clears)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct digest id = step_issue(w, NUMBER(1));

	world_sweep(w);
	cr_assert_eq(w->flags_n, 0);
	w->now = manifest_due_at(world_manifest(w, NUMBER(1)));
	size_t entries = w->entries_n;
	world_sweep(w);
	world_sweep(w);
	cr_assert_eq(w->entries_n, entries + 1);
	cr_assert_eq(world_open_flags(w, FLAG_NOT_COLLECTED, &flag), 1);
	cr_assert_eq(flag->row.flag, entries);
	cr_assert(digest_is_zero(&flag->row.raised->cause));
	w->now += HOUR;
	(void)world_accept(w, step_load(w, NUMBER(1), &id));
	cr_assert_eq(world_open_flags(w, FLAG_NOT_COLLECTED, &flag), 0);
	cr_assert_eq(world_manifest(w, NUMBER(1))->flags[FLAG_NOT_COLLECTED], 0);
	world_free(w);
}

Test(judge, a_longer_clock_clears_the_flag_of_the_shorter)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct digest id = step_issue(w, NUMBER(1));
	struct event e = world_event(w, EVENT_SETTING_CHANGED);

	id = world_accept(w, step_load(w, NUMBER(1), &id));
	id = world_accept(w, step_deliver(w, NUMBER(1), &id));
	micros due = manifest_due_at(world_manifest(w, NUMBER(1)));
	w->now += 20 * DAY;
	world_sweep(w);
	cr_assert_eq(world_open_flags(w, FLAG_NOT_CONFIRMED, &flag), 1);
	world_recompute(w);
	cr_assert_eq(world_open_flags(w, FLAG_NOT_CONFIRMED, &flag), 1, "nothing has changed");
	e.setting_changed =
	    (struct setting_changed){span_str("confirm.working_days"), span_str("60"), span_str("疫情")};
	(void)world_accept(w, SIGN(w, &e, REGISTRAR));
	world_recompute(w);
	cr_assert_eq(world_open_flags(w, FLAG_NOT_CONFIRMED, &flag), 0);
	cr_assert_gt(manifest_due_at(world_manifest(w, NUMBER(1))), due);
	world_free(w);
}

Test(judge, claimed_in_time_and_arrived_late)
{
	struct world *w = world_new();
	const struct stored_flag *flag;
	struct digest id = step_issue(w, NUMBER(1));

	id = world_accept(w, step_load(w, NUMBER(1), &id));
	id = world_accept(w, step_deliver(w, NUMBER(1), &id));
	const struct signed_event *received = step_by_facility(w, EVENT_RECEIVED, NUMBER(1), &id);
	w->now += 30 * DAY;
	world_sweep(w);
	cr_assert_eq(world_open_flags(w, FLAG_NOT_CONFIRMED, &flag), 1);
	(void)world_accept(w, received);
	cr_assert_eq(world_open_flags(w, FLAG_NOT_CONFIRMED, &flag), 1);
	cr_assert(flag->claimed_in_time);
	struct event e = world_event(w, EVENT_FLAG_RESOLVED);
	e.flag_resolved = (struct flag_resolved){flag->row.flag, 1, span_str("已核实")};
	struct verdict v = world_submit(w, SIGN(w, &e, FAR_INSPECTOR));
	check_refused(w, &v, REFUSAL_RULE, "flag.area");
	(void)world_accept(w, SIGN(w, &e, INSPECTOR));
	cr_assert_eq(world_open_flags(w, FLAG_NOT_CONFIRMED, &flag), 0);
	cr_assert_eq(world_manifest(w, NUMBER(1))->flags[FLAG_NOT_CONFIRMED], 0);
	v = world_submit(w, SIGN(w, &e, INSPECTOR));
	check_refused(w, &v, REFUSAL_RULE, "flag.closed");
	e.flag_resolved.flag = 3;
	v = world_submit(w, SIGN(w, &e, INSPECTOR));
	check_refused(w, &v, REFUSAL_RULE, "flag.unknown");
	world_free(w);
}

Test(judge, a_flag_raised_in_the_batch_is_resolved_in_it_once)
{
	struct world *w = world_new();
	struct event a = world_issued(w, NUMBER(1)), b = world_issued(w, NUMBER(2));
	struct event e = world_event(w, EVENT_FLAG_RESOLVED);
	struct verdict v[4];
	const struct signed_event *members[4];

	members[0] = SIGN(w, &a, GENERATOR);
	w->devices[GENERATOR].number--;
	members[1] = SIGN(w, &b, GENERATOR);
	e.flag_resolved = (struct flag_resolved){w->entries_n + 2, 1, span_str("备份恢复")};
	members[2] = SIGN(w, &e, INSPECTOR);
	members[3] = SIGN(w, &e, INSPECTOR);
	world_judge(w, members, 4, v);
	cr_assert_eq(v[2].refused, REFUSAL_NONE, "%s", world_problems(w, &v[2].problems));
	check_refused(w, &v[3], REFUSAL_RULE, "flag.closed");
	cr_assert(!w->flags[0].open);
	world_free(w);
}

/* ---- the server's own running number ---- */

Test(judge, the_server_numbers_its_events_without_gaps)
{
	struct world *w = world_new();

	for (unsigned i = 1; i <= 3; i++) {
		(void)step_issue(w, NUMBER(i));
		w->now += 3 * DAY;
		world_sweep(w);
		world_restart(w);
	}
	const struct key_record *server = registry_server_key(w->registry);
	cr_assert_eq(server->contiguous, server->high);
	cr_assert_eq(server->high, 1 + 4 + w->flags_n, "genesis, four files, and the flags");
	world_free(w);
}
