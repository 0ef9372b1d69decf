/* Owns the run of `manifest log audit` over the log that the benchmark has made. */
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

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

void audit(const struct options *o, struct audited *ret_audited)
{
	int ends[2];
	int status = 0;

	if (pipe(ends) != 0)
		fail("no pipe");
	pid_t pid = fork();
	if (pid < 0)
		fail("no process");
	if (pid == 0)
		become_auditor(o, ends[1]);
	(void)close(ends[1]);
	json_t *report = json_loadfd(ends[0], JSON_DISABLE_EOF_CHECK, NULL);
	(void)close(ends[0]);
	if (waitpid(pid, &status, 0) != pid || report == NULL || status != 0 ||
	    !json_is_true(json_object_get(report, "holds")))
		fail("the audit does not hold: status %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	*ret_audited = (struct audited){number_in(report, "entries"), number_in(report, "signatures"),
					number_in(report, "seconds")};
	json_decref(report);
}
