/*
 * Unified social credit codes (GB 32100-2015) and the references to parties made of one and a site number:
 * "91210106MA0P00001X-1". 18 characters of an alphabet without I, O, S, V, Z: registering authority (1),
 * category of the organization (1), division of registration (6 digits), organization code (9, GB 11714, its
 * last a check character), check character (ISO 7064, modulus 31).
 */
#ifndef CORE_CREDIT_CODE_H
#define CORE_CREDIT_CODE_H

#include "core/event.h"

/* What is wrong with a code, the first thing found from the left; CREDIT_CODE_GOOD is 0. */
enum credit_code_fault {
	CREDIT_CODE_GOOD = 0,
	CREDIT_CODE_LENGTH,    /* not 18 characters */
	CREDIT_CODE_ALPHABET,  /* a character that the standard does not use */
	CREDIT_CODE_AUTHORITY, /* authority and category are no pair of the standard's table 2 */
	CREDIT_CODE_DIVISION,  /* characters 3 to 8 are not digits */
	CREDIT_CODE_CHECK,     /* the check character does not match */
};

enum { PARTY_SITE_MAX = 9999, PARTY_REF_TEXT_SIZE = CREDIT_CODE_SIZE + 1 + 4 + 1 };

/*
 * The organization code's own check character is not demanded: codes were issued that lack it, and character
 * 18 covers it. Whether the division exists is not judged either: codes outlive the divisions in them.
 */
enum credit_code_fault credit_code_check(struct span code) MUST_CHECK;
/* The fault in English, for people: "the check character is X, must be L" needs the code, this does not. */
const char *credit_code_fault_text(enum credit_code_fault fault);

/*
 * Completes the first 16 characters (authority, category, division, 8 of the organization code) with both
 * check characters and a NUL. False: not 16 characters, or the head is faulty.
 */
bool credit_code_make(struct span first16, char ret_code[CREDIT_CODE_SIZE + 1]) MUST_CHECK;
/* The check character of 17 characters of the alphabet; '\0' if they are not. */
char credit_code_check_character(struct span first17);

/* "CODE-SITE". The reference must not be absent; site at most 9999. */
void party_ref_format(const struct party_ref *ref, char ret_text[PARTY_REF_TEXT_SIZE]);
/* A good credit code, a hyphen, a site from 1 to 9999 without leading zeros. */
bool party_ref_parse(struct span text, struct party_ref *ret_ref) MUST_CHECK;

static inline bool party_ref_is_absent(const struct party_ref *ref)
{
	return ref->site == 0;
}

#endif
