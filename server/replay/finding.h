/*
 * A finding: one thing in which a log, or what was computed from it, is not as it must be, in words for a
 * person and fields for a program.
 */
#ifndef REPLAY_FINDING_H
#define REPLAY_FINDING_H

#include "base/span.h"

enum { FINDING_KEY_SIZE = 160, FINDING_TEXT_SIZE = 480 };
#define FINDING_NO_ENTRY UINT64_MAX

struct finding {
	const char *what;           /* "flag.missing": see `manifest help log audit` */
	const char *table;          /* "" for none */
	char key[FINDING_KEY_SIZE]; /* of the row, as text */
	const char *column;         /* "" for the whole row */
	uint64_t entry;             /* FINDING_NO_ENTRY: none */
	uint64_t number;            /* of the manifest concerned; 0: none */
	char en[FINDING_TEXT_SIZE];
	char zh[FINDING_TEXT_SIZE];
};

#endif
