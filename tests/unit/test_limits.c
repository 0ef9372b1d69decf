/*
 * The limits that proto/manifest.proto states in its comments are those of the schema's rows: the file that
 * people write clients from and the table that refuses them cannot drift apart.
 */
#include <criterion/criterion.h>

#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/schema.h"

/* What a comment says; -1: nothing. */
struct stated {
	int64_t min;
	int64_t max;
};

static regex_t range_of_bytes, bytes_alone, range, from_one, zero_too, declaration, message_begins;

static void compile(regex_t *re, const char *pattern)
{
	cr_assert_eq(regcomp(re, pattern, REG_EXTENDED), 0, "%s", pattern);
}

#define NUMBER "(-?[0-9][0-9,^]*)"

static void start(void)
{
	compile(&range_of_bytes, NUMBER " to " NUMBER " (bytes|characters)");
	compile(&bytes_alone, "(^|[^0-9,-])" NUMBER " (bytes|characters)");
	compile(&range, NUMBER " to " NUMBER);
	compile(&from_one, "(from|at least) 1([^0-9]|$)");
	compile(&zero_too, "; 0:|; 0 on ");
	compile(&declaration, "^ +(repeated )?[A-Za-z0-9]+ ([a-zA-Z_0-9]+) = [0-9]+; *// (.*)$");
	compile(&message_begins, "^message ([A-Za-z]+) ");
}

static void stop(void)
{
	regex_t *const all[] = {&range_of_bytes, &bytes_alone, &range,         &from_one,
				&zero_too,       &declaration, &message_begins};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		regfree(all[i]);
}

TestSuite(limits, .init = start, .fini = stop);

/* "57,344", "10^9", "-900000000". */
static int64_t number_at(const char *text, regmatch_t at)
{
	int64_t value = 0;
	int64_t sign = text[at.rm_so] == '-' ? -1 : 1;

	for (regoff_t i = at.rm_so; i < at.rm_eo; i++) {
		if (text[i] == '^') {
			int64_t base = value;
			for (long n = strtol(text + i + 1, NULL, 10); n > 1; n--)
				value *= base;
			break;
		}
		if (text[i] >= '0' && text[i] <= '9')
			value = value * 10 + (text[i] - '0');
	}
	return sign * value;
}

static bool two_numbers(const regex_t *re, const char *comment, struct stated *ret_stated)
{
	regmatch_t m[4];

	if (regexec(re, comment, 4, m, 0) != 0)
		return false;
	*ret_stated = (struct stated){number_at(comment, m[1]), number_at(comment, m[2])};
	return true;
}

static bool length_stated(const char *comment, struct stated *ret_stated)
{
	regmatch_t m[4];

	if (two_numbers(&range_of_bytes, comment, ret_stated))
		return true;
	if (regexec(&bytes_alone, comment, 4, m, 0) != 0)
		return false;
	*ret_stated = (struct stated){-1, number_at(comment, m[2])};
	return true;
}

static bool number_stated(const char *comment, struct stated *ret_stated)
{
	struct stated s = {1, -1};

	if (!two_numbers(&range, comment, &s) && regexec(&from_one, comment, 0, NULL, 0) != 0)
		return false;
	if (regexec(&zero_too, comment, 0, NULL, 0) == 0)
		s.min = 0;
	*ret_stated = s;
	return true;
}

static bool takes_length(enum shape shape)
{
	return shape == SHAPE_TEXT || shape == SHAPE_BYTES || shape == SHAPE_FIXED || shape == SHAPE_CREDIT ||
	       shape == SHAPE_HEX;
}

static bool takes_range(enum shape shape)
{
	return shape == SHAPE_U32 || shape == SHAPE_U64 || shape == SHAPE_S32 || shape == SHAPE_I64;
}

static void expect_stated(const struct message *m, const struct field *f, int64_t is, int64_t stated,
			  const char *what)
{
	cr_expect_eq(is, stated, "%s.%s: %s is %" PRId64 ", stated %" PRId64, m->descriptor->short_name,
		     f->name, what, is, stated);
}

/* How many statements of the comment were compared. */
static size_t compare(const struct message *m, const struct field *f, const ProtobufCFieldDescriptor *d,
		      const char *comment)
{
	struct stated s;
	size_t compared = 0;

	if (d->label == PROTOBUF_C_LABEL_REPEATED && two_numbers(&range, comment, &s)) {
		expect_stated(m, f, f->least, s.min, "least");
		expect_stated(m, f, f->most, s.max, "most");
		compared++;
	}
	bool found = (takes_length(f->shape) && length_stated(comment, &s)) ||
		     (takes_range(f->shape) && number_stated(comment, &s));
	if (!found)
		return compared;
	if (s.min >= 0 || f->shape == SHAPE_S32)
		expect_stated(m, f, f->min, s.min, "min");
	if (s.max >= 0)
		expect_stated(m, f, f->max, s.max, "max");
	return compared + 1;
}

/* Looks for the field in every message of that name that can be reached. */
static size_t compare_all(const struct message *m, const char *message, const char *field,
			  const char *comment, int depth)
{
	size_t compared = 0;

	cr_assert_lt(depth, 10);
	for (size_t i = 0; i < m->fields_n; i++) {
		const struct field *f = &m->fields[i];
		if (strcmp(m->descriptor->short_name, message) == 0 && strcmp(f->name, field) == 0)
			compared += compare(m, f, &m->descriptor->fields[i], comment);
		if (f->shape == SHAPE_MESSAGE)
			compared += compare_all(f->message, message, field, comment, depth + 1);
	}
	return compared;
}

Test(limits, are_those_of_the_proto)
{
	static const struct message *const roots[] = {&event_message, &envelope_message, &hello_message,
						      &frame_message};
	FILE *proto = fopen("proto/manifest.proto", "r");
	char *line = NULL;
	size_t cap = 0;
	char message[64] = "";
	size_t fields = 0;

	cr_assert_not_null(proto);
	while (getline(&line, &cap, proto) > 0) {
		regmatch_t m[4];
		line[strcspn(line, "\n")] = '\0';
		if (regexec(&message_begins, line, 4, m, 0) == 0)
			(void)snprintf(message, sizeof(message), "%.*s", (int)(m[1].rm_eo - m[1].rm_so),
				       line + m[1].rm_so);
		if (regexec(&declaration, line, 4, m, 0) != 0)
			continue;
		char field[64];
		(void)snprintf(field, sizeof(field), "%.*s", (int)(m[2].rm_eo - m[2].rm_so),
			       line + m[2].rm_so);
		size_t compared = 0;
		for (size_t i = 0; i < ARRAY_LEN(roots); i++)
			compared += compare_all(roots[i], message, field, line + m[3].rm_so, 0);
		fields += compared > 0 ? 1 : 0;
	}
	cr_expect_gt(fields, 90, "%zu fields with a limit in their comment", fields);
	free(line);
	(void)fclose(proto);
}
