/*
 * Keys as text, for files and command lines: one line, a word that says what it is, a colon, base64.
 */
#ifndef CRYPTO_KEY_TEXT_H
#define CRYPTO_KEY_TEXT_H

#include "crypto/sign.h"

/* "MANIFEST-SECRET-KEY-1:<seed>\n" and "MANIFEST-PUBLIC-KEY-1:<key>\n", with their NUL. */
enum { KEY_TEXT_SIZE = 96 };

void secret_key_text(const struct secret_key *key, char ret_text[KEY_TEXT_SIZE]);
void public_key_text(const struct public_key *key, char ret_text[KEY_TEXT_SIZE]);
/* Accept exactly what is written above; the line feed may be missing. */
bool secret_key_parse(struct span text, struct secret_key *ret_key) MUST_CHECK;
bool public_key_parse(struct span text, struct public_key *ret_key) MUST_CHECK;

#endif
