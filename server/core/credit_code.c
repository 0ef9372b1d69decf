#include "core/credit_code.h"

#include <stdio.h>

#include "base/text.h"

static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/* Registering authority, and the categories of organizations it registers (table 2 with amendment 1). */
static const struct {
	char authority;
	const char *categories;
} authorities[] = {
    {'1', "1239"},   /* office of staffing: state organ, public institution, mass organization */
    {'2', "19"},     /* foreign affairs: foreign news agency */
    {'3', "123459"}, /* justice: law firm, notary, legal service, forensic institute, arbitration */
    {'4', "19"},     /* culture: foreign cultural centre */
    {'5', "1239"},   /* civil affairs: association, private institution, foundation */
    {'6', "129"},    /* tourism */
    {'7', "129"},    /* religion */
    {'8', "19"},     /* trade unions */
    {'9', "123"},    /* market regulation: company, individual business, farmers' cooperative */
    {'A', "19"},     /* military */
    {'N', "1239"},   /* agriculture: collective of a group, a village, a township */
    {'Y', "1"},      /* others */
};

static int value_of(uint8_t c)
{
	const char *at = c == '\0' ? NULL : strchr(alphabet, c);

	return at == NULL ? -1 : (int)(at - alphabet);
}

static enum credit_code_fault check_head(struct span code)
{
	for (size_t i = 0; i < code.n; i++)
		if (value_of(code.p[i]) < 0)
			return CREDIT_CODE_ALPHABET;
	bool known = false;
	for (size_t i = 0; i < ARRAY_LEN(authorities); i++)
		if (code.p[0] == (uint8_t)authorities[i].authority)
			known = strchr(authorities[i].categories, code.p[1]) != NULL;
	if (!known)
		return CREDIT_CODE_AUTHORITY;
	for (size_t i = 2; i < 8; i++)
		if (code.p[i] > '9')
			return CREDIT_CODE_DIVISION;
	return CREDIT_CODE_GOOD;
}

char credit_code_check_character(struct span first17)
{
	int sum = 0, weight = 1;

	if (first17.n != CREDIT_CODE_SIZE - 1)
		return '\0';
	for (size_t i = 0; i < first17.n; i++) {
		int value = value_of(first17.p[i]);
		if (value < 0)
			return '\0';
		sum += value * weight;
		weight = weight * 3 % 31;
	}
	return alphabet[(31 - sum % 31) % 31];
}

enum credit_code_fault credit_code_check(struct span code)
{
	if (code.n != CREDIT_CODE_SIZE)
		return CREDIT_CODE_LENGTH;
	enum credit_code_fault fault = check_head(code);
	if (fault == CREDIT_CODE_GOOD &&
	    code.p[CREDIT_CODE_SIZE - 1] !=
		(uint8_t)credit_code_check_character(span_of(code.p, CREDIT_CODE_SIZE - 1)))
		fault = CREDIT_CODE_CHECK;
	return fault;
}

const char *credit_code_fault_text(enum credit_code_fault fault)
{
	static const char *const texts[] = {
	    [CREDIT_CODE_GOOD] = "good",
	    [CREDIT_CODE_LENGTH] = "not 18 characters",
	    [CREDIT_CODE_ALPHABET] =
		"a character other than digits and capital letters without I, O, S, V, Z",
	    [CREDIT_CODE_AUTHORITY] = "no such registering authority and category (characters 1 and 2)",
	    [CREDIT_CODE_DIVISION] = "characters 3 to 8 are not digits",
	    [CREDIT_CODE_CHECK] = "the check character (the last) does not match",
	};

	return texts[fault];
}

/* GB 11714: modulus 11 with fixed weights; letters count from A = 10 in the whole alphabet. */
static char organization_check_character(const uint8_t *first8)
{
	static const int weights[8] = {3, 7, 9, 10, 5, 8, 4, 2};
	int sum = 0;

	for (size_t i = 0; i < 8; i++)
		sum += weights[i] * (first8[i] <= '9' ? first8[i] - '0' : first8[i] - 'A' + 10);
	return "0123456789X"[(11 - sum % 11) % 11];
}

bool credit_code_make(struct span first16, char ret_code[CREDIT_CODE_SIZE + 1])
{
	if (first16.n != CREDIT_CODE_SIZE - 2 || check_head(first16) != CREDIT_CODE_GOOD)
		return false;
	memcpy(ret_code, first16.p, first16.n);
	ret_code[16] = organization_check_character(first16.p + 8);
	ret_code[17] = credit_code_check_character(span_of(ret_code, 17));
	ret_code[18] = '\0';
	return true;
}

void party_ref_format(const struct party_ref *ref, char ret_text[PARTY_REF_TEXT_SIZE])
{
	(void)snprintf(ret_text, PARTY_REF_TEXT_SIZE, "%.*s-%u", CREDIT_CODE_SIZE, ref->credit_code,
		       ref->site % (PARTY_SITE_MAX + 1));
}

bool party_ref_parse(struct span text, struct party_ref *ret_ref)
{
	uint64_t site;

	if (text.n < CREDIT_CODE_SIZE + 2 || text.p[CREDIT_CODE_SIZE] != '-')
		return false;
	if (credit_code_check(span_of(text.p, CREDIT_CODE_SIZE)) != CREDIT_CODE_GOOD)
		return false;
	if (!decimal_parse(span_of(text.p + CREDIT_CODE_SIZE + 1, text.n - CREDIT_CODE_SIZE - 1), &site) ||
	    site < 1 || site > PARTY_SITE_MAX)
		return false;
	*ret_ref = (struct party_ref){.site = (uint32_t)site};
	memcpy(ret_ref->credit_code, text.p, CREDIT_CODE_SIZE);
	return true;
}
