#include <criterion/criterion.h>

#include "rig.h"

static const struct signed_event *issue(struct rig *r, uint64_t number)
{
	struct event e = world_issued(r->w, number);

	return SIGN(r->w, &e, GENERATOR);
}

/* ---- events ---- */

Test(path, an_event_gets_a_receipt_that_holds)
{
	struct rig *r = rig_writing();
	conn_id conn = rig_connect(r, GENERATOR, ROLE_GENERATOR);
	const struct signed_event *e = issue(r, NUMBER(1));
	uint64_t size = r->store->head.size;

	rig_submit(r, conn, 7, e);
	rig_drain(r);
	cr_assert(rig_accepted(r, conn, 7), "%s", rig_words(r, conn, 7));
	const struct receipt *receipt = &rig_answer(r, conn, 7)->receipt;
	struct log_entry entry;
	cr_assert(log_entry_decode(receipt->entry, &entry));
	cr_assert(span_eq(entry.envelope, e->envelope));
	cr_assert_eq(receipt->index, size);
	cr_assert_not(receipt->repeated);
	cr_assert_eq(path_status(r->path).under_way, 0);
	cr_assert_eq(path_counters(r->path)->accepted, 1);
	rig_free(r);
}
