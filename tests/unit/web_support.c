#include "web_support.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS_MAX = 64 };

struct loop *loop;
static int fds[CLIENTS_MAX];
static size_t fds_n;

void web_loop(void)
{
	loop = loop_new();
	cr_assert_not_null(loop);
}

void web_loop_end(void (*stop)(void))
{
	while (fds_n > 0)
		hang_up(fds[0]);
	stop();
	loop_free(loop);
}

int keep_open(int fd)
{
	cr_assert_lt(fds_n, CLIENTS_MAX);
	fds[fds_n++] = fd;
	return fd;
}

void hang_up(int fd)
{
	for (size_t i = 0; i < fds_n; i++)
		if (fds[i] == fd)
			fds[i--] = fds[--fds_n];
	close(fd);
}

void web_turn(void)
{
	cr_assert(loop_turn(loop, false));
	usleep(500);
}

void web_turns(int n)
{
	while (n-- > 0)
		web_turn();
}

int open_to(uint16_t at)
{
	const struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons(at), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return keep_open(fd);
}

void say(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

char got[1 << 16];
static size_t got_n;

void forget(void)
{
	got_n = 0;
	got[0] = '\0';
}

/* True: the server has closed. */
bool drain(int fd)
{
	ssize_t n;

	while ((n = recv(fd, got + got_n, sizeof(got) - 1 - got_n, 0)) > 0)
		got_n += (size_t)n;
	got[got_n] = '\0';
	return n == 0 || (n < 0 && errno != EAGAIN);
}

const char *hear(int fd)
{
	forget();
	WAIT(drain(fd));
	return got;
}
