/*
 * A configuration file, of any bytes: it is read or refused with words, and what was read prints in its own
 * form.
 */
#include <stdlib.h>

#include "conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf conf;
	char error[CONF_ERROR_SIZE] = "";
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (!conf_default(&conf, error))
		abort();
	if (!conf_text(&conf, text, error) && error[0] == '\0')
		abort();
	for (size_t i = 0; i < conf_rows_n; i++) {
		struct buffer value = BUFFER_EMPTY;
		char why[SETTING_ERROR_SIZE];
		setting_format(&conf_rows[i], &conf, &value);
		if (!setting_parse(&conf_rows[i], &conf, buffer_span(&value), why))
			abort();
		buffer_free(&value);
	}
	free(text);
	return 0;
}
