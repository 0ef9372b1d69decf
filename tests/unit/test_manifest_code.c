/* core/manifest_code: the bytes of a manifest read back as they were written, and only those do. */
#include <criterion/criterion.h>

#include "life.h"

static void read_back(const struct life *l)
{
	struct buffer bytes = BUFFER_EMPTY;
	struct manifest *m = calloc(1, sizeof(*m));

	cr_assert_not_null(m);
	cr_assert(manifest_encode(&l->m, &bytes));
	cr_assert(manifest_decode(buffer_span(&bytes), m));
	cr_expect(life_same(m, &l->m), "read back");
	cr_expect_eq(m->state, l->m.state);
	cr_expect_eq(m->chain_n, l->m.chain_n);
	cr_expect_arr_eq(m->chain, l->m.chain, m->chain_n * sizeof(m->chain[0]));
	cr_expect_arr_eq(m->absent, l->m.absent, m->chain_n * sizeof(m->absent[0]));
	cr_expect_arr_eq(m->flags, l->m.flags, sizeof(m->flags));
	cr_expect_str_eq(m->plate, l->m.plate);
	cr_expect_eq(manifest_due_at(m), manifest_due_at(&l->m));
	for (size_t i = 0; i < m->lines_n; i++) {
		cr_expect_str_eq(m->lines[i].code, l->m.lines[i].code);
		cr_expect_eq(m->lines[i].treated.grams, l->m.lines[i].treated.grams);
		cr_expect_eq(m->lines[i].returned.containers, l->m.lines[i].returned.containers);
	}
	for (size_t n = 0; n < bytes.n; n++)
		cr_expect_not(manifest_decode(span_of(bytes.p, n), m), "cut at %zu of %zu", n, bytes.n);
	buffer_put_u8(&bytes, 0);
	cr_expect_not(manifest_decode(buffer_span(&bytes), m), "one byte more");
	bytes.n--;
	/* Any changed byte is either refused or reads as something else, never as the same. */
	for (size_t at = 0; at < bytes.n; at++) {
		bytes.p[at] ^= 0x01;
		if (manifest_decode(buffer_span(&bytes), m)) {
			struct buffer again = BUFFER_EMPTY;
			cr_assert(manifest_encode(m, &again));
			cr_expect(span_eq(buffer_span(&again), buffer_span(&bytes)), "byte %zu", at);
			buffer_free(&again);
		}
		bytes.p[at] ^= 0x01;
	}
	bytes.p[0] = 2;
	cr_expect_not(manifest_decode(buffer_span(&bytes), m), "another version");
	buffer_free(&bytes);
	free(m);
}

Test(manifest_code, bytes_read_back_in_every_state)
{
	struct life *l = life_new();

	for (enum manifest_state state = STATE_ISSUED; state < MANIFEST_STATES; state++) {
		life_again(l);
		life_until(l, state);
		l->m.trail_n = 9;
		(void)manifest_remember_rival(&l->m, &(struct digest){{7}}, 300, manifest_head(&l->m));
		read_back(l);
		life_sweep(l, l->now + 3000 * DAY);
		read_back(l);
	}
	life_again(l);
	life_until(l, STATE_ISSUED);
	struct event e = life_attested(l, EVENT_LOADED, RETURN_NO_LEG, HAULER);
	life_do(l, &e);
	read_back(l);
	life_free(l);
}

/* The state's byte written in two, and a NUL within the plate. */
Test(manifest_code, bytes_in_another_form_are_refused)
{
	struct life *l = life_new();
	struct buffer bytes = BUFFER_EMPTY, longer = BUFFER_EMPTY;
	struct manifest m;

	life_until(l, STATE_IN_TRANSIT);
	cr_assert(manifest_encode(&l->m, &bytes));
	cr_assert(manifest_decode(buffer_span(&bytes), &m));
	buffer_put_u8(&longer, bytes.p[0]);
	buffer_put_u8(&longer, bytes.p[1] | 0x80);
	buffer_put_u8(&longer, 0);
	buffer_put(&longer, bytes.p + 2, bytes.n - 2);
	cr_expect_not(manifest_decode(buffer_span(&longer), &m));
	uint8_t *plate = memmem(bytes.p, bytes.n, PLATE, strlen(PLATE));
	cr_assert_not_null(plate);
	plate[4] = '\0';
	cr_expect_not(manifest_decode(buffer_span(&bytes), &m));
	cr_expect_not(manifest_decode(span_of(NULL, 0), &m));
	buffer_free(&bytes);
	buffer_free(&longer);
	life_free(l);
}
