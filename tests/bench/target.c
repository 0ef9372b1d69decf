/* Owns the server's process: it ends with this one, however that ends. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { START_TENTHS = 600, STOP_TENTHS = 300 };

static void tenth(void)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
}

static void become_server(const struct options *o)
{
	int out = open("/dev/null", O_RDWR);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(out, STDIN_FILENO);
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	(void)execl(o->manifestd, "manifestd", "--config", o->config, "run", (char *)NULL);
	_exit(127);
}

static bool listens(const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bool good = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
	if (fd >= 0)
		(void)close(fd);
	return good;
}

pid_t target_start(const struct options *o)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("no process");
	if (pid == 0)
		become_server(o);
	for (int i = 0; i < START_TENTHS; i++) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			fail("%s ended at its start", o->manifestd);
		if (listens(o->port))
			return pid;
		tenth();
	}
	fail("%s does not listen on port %s", o->manifestd, o->port);
}

void target_stop(pid_t server)
{
	(void)kill(server, SIGTERM);
	for (int i = 0; i < STOP_TENTHS; i++) {
		if (waitpid(server, NULL, WNOHANG) != 0)
			return;
		tenth();
	}
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
	fail("the server did not stop in time");
}

struct stored target_stored(const char *database)
{
	static const char sql[] =
	    "SELECT (SELECT size FROM manifest.log_head), "
	    "(SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = "
	    "c.relnamespace WHERE n.nspname = 'manifest' AND c.relkind = 'r'), "
	    "pg_current_wal_insert_lsn() - '0/0'::pg_lsn";
	PGconn *pg = PQconnectdb(database);
	PGresult *res = PQexec(pg, sql);

	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		fail("%s", PQerrorMessage(pg));
	const struct stored s = {.entries = strtod(PQgetvalue(res, 0, 0), NULL),
				 .bytes = strtod(PQgetvalue(res, 0, 1), NULL),
				 .wal = strtod(PQgetvalue(res, 0, 2), NULL)};
	PQclear(res);
	PQfinish(pg);
	return s;
}

void target_settle(const char *database)
{
	PGconn *pg = PQconnectdb(database);
	PGresult *res = PQexec(pg, "VACUUM (ANALYZE)");

	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		fail("%s", PQerrorMessage(pg));
	PQclear(res);
	PQfinish(pg);
	sync();
}
