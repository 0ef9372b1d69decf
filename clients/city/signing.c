#include "city/signing.h"

#include "libmanifest/sign.h"
#include "wire/envelope.h"

static void fill_signers(struct step *s)
{
	struct event *e = &s->event;

	e->signers_n = s->signers_n;
	for (size_t i = 0; i < s->signers_n; i++) {
		struct terminal *d = s->signers[i];
		/* A device restored from an old copy signs the second step with the number of the first. */
		bool again = s->twist == NUMBER_TWICE && i == 0 && s->previous != NULL;
		uint64_t number = again                ? s->previous->event.signers[0].number
				  : s->twist == FORGED ? d->numbers + 1
						       : ++d->numbers;
		e->signers[i] = (struct signer){.keyid = d->keyid, .number = number, .seen = d->seen};
		if (s->twist == OTHER_SEEN && i == 0)
			e->signers[i].seen.root.b[0] ^= 0xff;
	}
}

/* The same envelope with a signature that its key did not make. */
static bool forge(struct city *c, struct buffer *bytes)
{
	struct arena *arena = arena_new(REQUEST_MEMORY);
	struct problems problems = {.arena = arena};
	struct envelope e;
	bool good =
	    arena != NULL && envelope_decode(buffer_span(bytes), EVENT_PAYLOAD_TYPE, arena, &problems, &e);

	if (good) {
		struct buffer forged = BUFFER_EMPTY;
		dice_bytes(&c->dice, e.signatures[0].sig.b, 31);
		good = envelope_encode(&e, &forged);
		buffer_free(bytes);
		*bytes = forged;
	}
	arena_free(arena);
	return good;
}

bool step_sign(struct city *c, struct step *s)
{
	const struct secret_key *keys[2] = {&s->signers[0]->secret,
					    s->signers_n == 2 ? &s->signers[1]->secret : NULL};
	struct buffer payload = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
	bool good = true;

	if (s->twist == REPLAYED) {
		s->envelope = s->original->envelope;
		s->event = s->original->event;
		s->state = SIGNED;
		return true;
	}
	if (s->previous != NULL)
		s->event.previous = s->previous->event.id;
	if (s->event.kind == EVENT_CONFIRMED)
		s->event.confirmed.attested = s->after->event.id;
	fill_signers(s);
	good = event_encode(&s->event, &payload);
	s->event.id = event_id(buffer_span(&payload));
	good = good && mft_sign(&s->event, keys, s->signers_n, &bytes, NULL);
	if (good && s->twist == FORGED)
		good = forge(c, &bytes);
	if (good && s->twist == CUT_SHORT)
		bytes.n -= 9;
	if (good) {
		s->envelope = arena_copy(c->arena, buffer_span(&bytes));
		good = s->envelope.p != NULL;
	}
	buffer_free(&payload);
	buffer_free(&bytes);
	s->state = SIGNED;
	return good;
}
