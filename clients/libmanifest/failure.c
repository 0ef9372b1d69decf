/* Owns how failures are put together from words and a detail. */
#include "libmanifest/failure.h"

#include <stdio.h>

void mft_fail(struct mft_failure *f, enum mft_fault fault, const char *id, const char *en, const char *zh,
	      const char *detail)
{
	bool more = detail != NULL && detail[0] != '\0';

	if (f == NULL)
		return;
	f->fault = fault;
	f->id = id;
	(void)snprintf(f->en, sizeof(f->en), "%s%s%s", en, more ? ": " : "", more ? detail : "");
	(void)snprintf(f->zh, sizeof(f->zh), "%s%s%s", zh, more ? "：" : "", more ? detail : "");
}

void mft_fail_log(struct mft_failure *f, enum log_failure failure, const char *detail)
{
	const struct log_failure_text *text = log_failure_text(failure);

	mft_fail(f, MFT_FAULT_DISPROVED, text->id, text->en, text->zh, detail);
}
