/* Reference files: the first byte chooses the kind, the rest is the file. Reads CSV underneath. */
#include <stdlib.h>

#include "core/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reference_error error = {0};

	if (size == 0)
		return 0;
	struct reference *base = reference_new();
	struct reference *r = reference_with(base, (enum reference_kind)(data[0] & 7), span_str("2021"),
					     span_of(data + 1, size - 1), &error);
	if (r == NULL && error.text[0] == '\0')
		abort(); /* a refusal says why */
	if (r != NULL) {
		const struct waste_list *list = reference_waste_list(r, span_str("2021"));
		size_t n = 0;
		const struct waste_code *codes = list == NULL ? NULL : waste_list_codes(list, &n);
		for (size_t i = 0; i < n; i++)
			if (waste_list_find(list, span_str(codes[i].code)) != &codes[i])
				abort();
		(void)deadline_working_days(reference_calendar(r), 0, 5);
	}
	reference_unref(r);
	reference_unref(base);
	return 0;
}
