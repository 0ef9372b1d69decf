/* Owns what is checked. */
#include "web/health.h"

#include "core/time_text.h"
#include "web/json.h"

static const micros warn_ahead = 60 * MICROS_PER_DAY;

const char *path_state_word(enum path_state state)
{
	static const char *const words[] = {
	    [PATH_RECOVERING] = "recovering", [PATH_WRITING] = "writing",
	    [PATH_STANDBY] = "standby",       [PATH_STOPPED] = "stopped",
	    [PATH_DRAINING] = "draining",     [PATH_WITNESSES] = "waiting_for_witnesses",
	};

	return words[state];
}

struct finding {
	bool ok;
	bool warning;
	const char *detail;
	micros until; /* 0: has no end */
};

static struct finding check_state(const struct health *h)
{
	bool ok = h->status.state == PATH_WRITING || h->status.state == PATH_STANDBY;
	const char *word = path_state_word(h->status.state);

	return (struct finding){.ok = ok,
				.detail = h->status.state == PATH_STOPPED ? h->status.reason : word};
}

static struct finding check_checkpoint(const struct health *h)
{
	return (struct finding){.ok = h->checkpoint,
				.detail = h->checkpoint ? "there is one" : "none has been read yet"};
}

/* That they are required and cannot be had shows in the state. */
static struct finding check_witnesses(const struct health *h)
{
	const struct witnesses_status *w = &h->status.witnesses;
	bool waits = h->status.state == PATH_WITNESSES;
	struct finding f = {.ok = !waits, .warning = !waits && w->reachable < w->configured};

	if (w->configured == 0)
		f.detail = "none are configured";
	else if (w->detail != NULL && w->detail[0] != '\0')
		f.detail = w->detail;
	else
		f.detail = waits ? "not enough have answered yet" : "all cosign";
	return f;
}

static struct finding ends(const struct health *h, micros until, const char *none)
{
	struct finding f = {.ok = true, .until = until};

	f.warning = until == 0 ? none[0] != '\0' : until - h->now < warn_ahead;
	if (until == 0)
		f.detail = none[0] != '\0' ? none : "not known";
	else if (until <= h->now)
		f.detail = "has ended";
	else
		f.detail = f.warning ? "ends in less than 60 days" : "ends in 60 days or more";
	return f;
}

/* Beyond its end working days are guessed: load the next year's notice. */
static struct finding check_calendar(const struct health *h)
{
	return ends(h, h->status.calendar_end, "no calendar has been loaded");
}

static struct finding check_certificate(const struct health *h)
{
	return ends(h, h->certificate_until, "");
}

static const struct {
	const char *name;
	struct finding (*check)(const struct health *h);
} checks[] = {
    {"state", check_state},       {"checkpoint", check_checkpoint},   {"witnesses", check_witnesses},
    {"calendar", check_calendar}, {"certificate", check_certificate},
};

bool health_is_ready(const struct health *h)
{
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (!checks[i].check(h).ok)
			return false;
	return true;
}

bool health_put(const struct health *h, struct buffer *to)
{
	struct making m = {0};
	json_t *o = json_begin(&m);
	json_t *list = json_begin_list(&m);

	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		struct finding f = checks[i].check(h);
		json_t *check = json_begin(&m);
		json_set_text(&m, check, "name", span_str(checks[i].name));
		json_set(&m, check, "ok", json_boolean(f.ok));
		json_set(&m, check, "warning", json_boolean(f.warning));
		json_set_text(&m, check, "detail", span_str(f.detail));
		json_set_time(&m, check, "until", f.until);
		json_append(&m, list, check);
	}
	json_set(&m, o, "ready", json_boolean(health_is_ready(h)));
	json_set_text(&m, o, "state", span_str(path_state_word(h->status.state)));
	json_set_u64(&m, o, "size", h->status.head.size);
	json_set(&m, o, "checks", list);
	return json_finish(&m, o, to);
}
