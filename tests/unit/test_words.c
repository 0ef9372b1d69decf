/* core/words: every number of the protocol has one word, that of proto/manifest.proto, and texts for people.
 */
#include <criterion/criterion.h>
#include <ctype.h>

#include "core/words.h"
#include "manifest.pb-c.h"

static const struct {
	const ProtobufCEnumDescriptor *proto;
	const struct word *words;
} lists[] = {
    {&manifest__v1__role__descriptor, role_words},
    {&manifest__v1__manifest_state__descriptor, state_words},
    {&manifest__v1__flag_kind__descriptor, flag_words},
    {&manifest__v1__generator_class__descriptor, class_words},
    {&manifest__v1__packaging__descriptor, packaging_words},
    {&manifest__v1__form__descriptor, form_words},
    {&manifest__v1__decision__descriptor, decision_words},
    {&manifest__v1__attest_reason__descriptor, attest_words},
    {&manifest__v1__resolution__descriptor, resolution_words},
    {&manifest__v1__refusal_kind__descriptor, refusal_words},
    {&manifest__v1__return_leg__descriptor, leg_words},
    {&manifest__v1__reference_kind__descriptor, reference_words},
};

static void expect_texts(const struct word *w)
{
	cr_expect_str_neq(w->en, "", "%s", w->name);
	cr_expect_str_neq(w->zh, "", "%s", w->name);
}

Test(words, are_those_of_the_protocol)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const ProtobufCEnumDescriptor *e = lists[i].proto;
		size_t prefix = strlen(e->values[0].name) - strlen("UNSPECIFIED");
		unsigned n = 0;
		for (const struct word *w = lists[i].words; w->name != NULL; w++, n++)
			expect_texts(w);
		cr_expect_eq(n, e->n_values - 1, "%s", e->short_name);
		for (unsigned k = 1; k < e->n_values; k++) {
			const struct word *w = word_of(lists[i].words, e->values[k].value);
			char name[64] = "";
			for (size_t c = 0; e->values[k].name[prefix + c] != '\0'; c++)
				name[c] = (char)tolower(e->values[k].name[prefix + c]);
			cr_expect_str_eq(w->name, name, "%s", e->short_name);
			cr_expect_eq(word_named(lists[i].words, span_str(name)), w, "%s", name);
		}
	}
}

Test(words, events_are_named_as_their_fields)
{
	size_t n = 0;

	for (unsigned i = 0; i < manifest__v1__event__descriptor.n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &manifest__v1__event__descriptor.fields[i];
		if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
			continue;
		const struct word *w = word_named(event_words, span_str(f->name));
		cr_assert_not_null(w, "%s", f->name);
		expect_texts(w);
		n++;
	}
	for (const struct word *w = event_words; w->name != NULL; w++)
		n--;
	cr_expect_eq(n, 0);
}

Test(words, none)
{
	cr_expect_str_eq(word_of(flag_words, 0)->name, "");
	cr_expect_str_eq(word_of(flag_words, 10000)->zh, "");
	cr_expect_null(word_named(flag_words, span_str("")));
	cr_expect_null(word_named(flag_words, span_str("not_collecte")));
}
