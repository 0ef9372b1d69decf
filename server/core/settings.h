/*
 * The settings that judging reads. They change only by `setting_changed` events in the log, so that anyone
 * who has the log judges alike. One static table; the documentation is printed from it.
 */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include "base/setting.h"
#include "core/event.h"

struct law_settings {
	micros collect_grace;
	micros transit_grace;
	int64_t confirm_working_days;
	int64_t return_days;
	int64_t storage_days;
	int64_t difference_permille;
	int64_t difference_containers;
	micros clock_skew;
	micros number_gap_grace;
	int64_t fork_evidence_per_day;
};

extern const struct setting_row law_setting_rows[];
extern const size_t law_setting_rows_n;

struct law_settings law_settings_default(void);

/* The row of a key, or NULL: unknown (RULE(SETTING_UNKNOWN)). */
const struct setting_row *law_setting_find(struct span key);

/*
 * Sets one by key and text. False: unchanged, and ret_error says what was found and what is allowed
 * (RULE(SETTING_UNKNOWN) when law_setting_find() knows no such key, else RULE(SETTING_VALUE)).
 */
bool law_setting_set(struct law_settings *settings, struct span key, struct span value,
		     char ret_error[SETTING_ERROR_SIZE]) MUST_CHECK;

#endif
