/* Owns the run of `manifest log audit` over the log that the benchmark has made. */
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rounds.h"

static void become_auditor(const struct options *o, int out)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(out, STDOUT_FILENO);
	(void)execl(o->manifest, "manifest", "log", "audit", "--json", "--lang", "en", "--log", o->vkey,
		    "--database", o->reader, (char *)NULL);
	_exit(127);
}

/* 64-bit integers are written as strings. */
static double number_in(const json_t *report, const char *name)
{
	const json_t *value = json_object_get(report, name);

	if (json_is_string(value))
		return strtod(json_string_value(value), NULL);
	if (!json_is_number(value))
		fail("the audit's report has no %s", name);
	return json_number_value(value);
}

/* What the machine can verify is not the same after a minute of full load: looks at it take turns with the
 * audit, which stands still for each, until it has something to say. Returns the seconds that it stood. */
static double take_turns(struct bench *b, pid_t audit, int out, double first_look, double *ret_ceiling)
{
	enum { TURN_MS = 5000 };
	struct pollfd said = {.fd = out, .events = POLLIN};
	double sum = first_look, stood = 0;
	unsigned looks = 1;

	for (; poll(&said, 1, TURN_MS) == 0; looks++) {
		double begin = seconds_now();
		(void)kill(audit, SIGSTOP);
		sum += look_at_ceiling(b);
		(void)kill(audit, SIGCONT);
		stood += seconds_now() - begin;
	}
	*ret_ceiling = sum / looks;
	return stood;
}

void audit(struct bench *b, struct audited *ret_audited)
{
	int ends[2];
	int status = 0;
	double first_look = look_at_ceiling(b);

	if (pipe(ends) != 0)
		fail("no pipe");
	pid_t pid = fork();
	if (pid < 0)
		fail("no process");
	if (pid == 0)
		become_auditor(&b->o, ends[1]);
	(void)close(ends[1]);
	double stood = take_turns(b, pid, ends[0], first_look, &ret_audited->ceiling);
	json_t *report = json_loadfd(ends[0], JSON_DISABLE_EOF_CHECK, NULL);
	(void)close(ends[0]);
	if (waitpid(pid, &status, 0) != pid || report == NULL || status != 0 ||
	    !json_is_true(json_object_get(report, "holds")))
		fail("the audit does not hold: status %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	ret_audited->entries = number_in(report, "entries");
	ret_audited->signatures = number_in(report, "signatures");
	ret_audited->seconds = number_in(report, "seconds") - stood;
	json_decref(report);
}
