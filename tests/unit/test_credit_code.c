/* core/credit_code: unified social credit codes (GB 32100-2015) and references to parties. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "core/credit_code.h"

static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/* Codes of companies that everyone can look up, and the example of the standard. */
static const char *const known[] = {"91110000600037341L", "91440300708461136T", "9144030071526726XG",
				    "91350100M000100Y43"};

Test(credit_code, known_ones_are_good)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		cr_expect_eq(credit_code_check(span_str(known[i])), CREDIT_CODE_GOOD, "%s", known[i]);
}

/* ISO 7064 with modulus 31 finds every single wrong character and every swap of neighbours that differ. */
Test(credit_code, finds_single_errors_and_swaps)
{
	for (size_t k = 0; k < ARRAY_LEN(known); k++) {
		for (size_t i = 0; i < CREDIT_CODE_SIZE; i++) {
			char code[CREDIT_CODE_SIZE + 1];
			for (const char *c = alphabet; *c != '\0'; c++) {
				memcpy(code, known[k], sizeof(code));
				if (code[i] == *c)
					continue;
				code[i] = *c;
				cr_expect_neq(credit_code_check(span_str(code)), CREDIT_CODE_GOOD, "%s",
					      code);
			}
			memcpy(code, known[k], sizeof(code));
			if (i + 1 < CREDIT_CODE_SIZE && code[i] != code[i + 1]) {
				char c = code[i];
				code[i] = code[i + 1];
				code[i + 1] = c;
				cr_expect_neq(credit_code_check(span_str(code)), CREDIT_CODE_GOOD, "%s",
					      code);
			}
		}
	}
}

Test(credit_code, faults)
{
	static const struct {
		const char *code;
		enum credit_code_fault fault;
	} rows[] = {
	    {"", CREDIT_CODE_LENGTH},
	    {"91110000600037341", CREDIT_CODE_LENGTH},
	    {"91110000600037341L1", CREDIT_CODE_LENGTH},
	    {"91110000600037341l", CREDIT_CODE_ALPHABET},
	    {"9111000060003734IL", CREDIT_CODE_ALPHABET},
	    {"9111000060003734OL", CREDIT_CODE_ALPHABET},
	    {"9111000060003734SL", CREDIT_CODE_ALPHABET},
	    {"9111000060003734VL", CREDIT_CODE_ALPHABET},
	    {"9111000060003734ZL", CREDIT_CODE_ALPHABET},
	    {"9111000060003734 L", CREDIT_CODE_ALPHABET},
	    {"94110000600037341L", CREDIT_CODE_AUTHORITY},
	    {"B1110000600037341L", CREDIT_CODE_AUTHORITY},
	    {"Y2110000600037341L", CREDIT_CODE_AUTHORITY},
	    {"9111A000600037341L", CREDIT_CODE_DIVISION},
	    {"91110000600037341M", CREDIT_CODE_CHECK},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum credit_code_fault fault = credit_code_check(span_str(rows[i].code));
		cr_expect_eq(fault, rows[i].fault, "%s: %s", rows[i].code, credit_code_fault_text(fault));
	}
	char nul[CREDIT_CODE_SIZE + 1] = "91110000600037341L";
	nul[9] = '\0';
	cr_expect_eq(credit_code_check(span_of(nul, CREDIT_CODE_SIZE)), CREDIT_CODE_ALPHABET);
}

Test(credit_code, make)
{
	char code[CREDIT_CODE_SIZE + 1] = "untouched";

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		cr_assert(credit_code_make(span_of(known[i], 16), code));
		cr_expect_str_eq(code, known[i]);
	}
	for (unsigned i = 0; i < 20000; i++) {
		char head[24];
		(void)snprintf(head, sizeof(head), "9121010%uMA0%05u", i % 10, i * 4 % 100000);
		cr_assert(credit_code_make(span_str(head), code), "%s", head);
		cr_assert_eq(credit_code_check(span_str(code)), CREDIT_CODE_GOOD, "%s", code);
		cr_assert_eq(memcmp(code, head, 16), 0);
	}
	memcpy(code, "untouched", 10);
	cr_expect_not(credit_code_make(span_str("912101061234567"), code));
	cr_expect_not(credit_code_make(span_str("94210106MA012345"), code));
	cr_expect_not(credit_code_make(span_str("91210106MAO12345"), code));
	cr_expect_str_eq(code, "untouched");
}

Test(party_ref, both_ways)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
	    {"91110000600037341L-1", true},
	    {"91110000600037341L-9999", true},
	    {"91110000600037341L-0", false},
	    {"91110000600037341L-01", false},
	    {"91110000600037341L-10000", false},
	    {"91110000600037341L-", false},
	    {"91110000600037341L", false},
	    {"91110000600037341L 1", false},
	    {"91110000600037341M-1", false},
	    {"91110000600037341L-1 ", false},
	    {"-1", false},
	    {"", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct party_ref ref = {.site = 5};
		char text[PARTY_REF_TEXT_SIZE];
		bool good = party_ref_parse(span_str(rows[i].text), &ref);
		cr_expect_eq(good, rows[i].good, "%s", rows[i].text);
		if (!good) {
			cr_expect_eq(ref.site, 5);
			continue;
		}
		cr_expect_not(party_ref_is_absent(&ref));
		party_ref_format(&ref, text);
		cr_expect_str_eq(text, rows[i].text);
	}
}
