/* The printed page of a checked trail: what a court or a driver holds in hand, and how to check it again. */
#ifndef MANIFEST_PAGE_H
#define MANIFEST_PAGE_H

#include "manifest/account.h"

/* Everything that the page tells; `w` NULL: no policy was demanded. */
struct page_facts {
	const struct account *account;
	const struct verified *verified;
	const struct witnessed *witnessed;
	const struct note_key *log_key;
	struct digest file; /* SHA-256 of the file that was checked */
};

/* Writes the PDF and says so. EXIT_DONE, or why not. */
int page_write(struct app *app, const struct page_facts *facts, const char *path);

#endif
