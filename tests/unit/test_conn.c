/* A client's connection to a name with several addresses: each is tried, and the last one's failure is told.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libmanifest/conn.h"
#include "net_support.h"

static struct sockaddr_in places[2];
static struct addrinfo rows[2];
static int sockets[2];
static struct mft_tls *tls;
static char dir[64], cert[128], key[128];

/* In the place of the system's: whatever the name, these two. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret_list)
{
	(void)name;
	(void)service;
	(void)hints;
	for (int i = 0; i < 2; i++)
		rows[i] = (struct addrinfo){.ai_family = AF_INET,
					    .ai_socktype = SOCK_STREAM,
					    .ai_addr = (struct sockaddr *)&places[i],
					    .ai_addrlen = sizeof(places[i]),
					    .ai_next = i == 0 ? &rows[1] : NULL};
	*ret_list = rows;
	return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
	cr_assert_eq(list, rows);
}

static void begin(void)
{
	struct digest hash;
	struct mft_failure failure;

	/* Bound, so that no other program gets the port, but nobody listens: refused. */
	for (int i = 0; i < 2; i++) {
		socklen_t n = sizeof(places[i]);
		sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		places[i] =
		    (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		cr_assert_eq(bind(sockets[i], (struct sockaddr *)&places[i], n), 0);
		cr_assert_eq(getsockname(sockets[i], (struct sockaddr *)&places[i], &n), 0);
	}
	snprintf(dir, sizeof(dir), "%s", make_directory());
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	cr_assert(make_certificate(dir, CERT_P256_SHA256, &hash));
	tls = mft_tls_new(cert, &failure);
	cr_assert_not_null(tls);
}

static void end(void)
{
	mft_tls_free(tls);
	for (int i = 0; i < 2; i++)
		close(sockets[i]);
	unlink(cert);
	unlink(key);
	rmdir(dir);
}

/* Until one of the sockets is connected to, or the connection is over (-1). */
static int connected_to(struct mft_conn *c)
{
	for (;;) {
		struct pollfd p = {.fd = mft_conn_fd(c), .events = mft_conn_wants(c)};
		cr_assert_eq(poll(&p, 1, 5000), 1, "nothing happens");
		if (!mft_conn_turn(c))
			return -1;
		for (int i = 0; i < 2; i++) {
			int fd = accept4(sockets[i], NULL, NULL, SOCK_CLOEXEC);
			if (fd < 0)
				continue;
			close(fd);
			return i;
		}
	}
}

static struct mft_conn *open_conn(void)
{
	struct mft_failure failure;
	struct mft_session_config config = {.agent = "test"};
	struct mft_conn *c = mft_conn_open(tls, "localhost", "7310", &config, &failure);

	cr_assert_not_null(c);
	return c;
}

Test(conn, the_second_address, .init = begin, .fini = end)
{
	cr_assert_eq(listen(sockets[1], 1), 0);
	struct mft_conn *c = open_conn();
	cr_assert_eq(connected_to(c), 1);
	mft_conn_close(c);
}

Test(conn, the_first_address, .init = begin, .fini = end)
{
	cr_assert_eq(listen(sockets[0], 1), 0);
	cr_assert_eq(listen(sockets[1], 1), 0);
	struct mft_conn *c = open_conn();
	cr_assert_eq(connected_to(c), 0);
	mft_conn_close(c);
}

Test(conn, no_address, .init = begin, .fini = end)
{
	struct mft_conn *c = open_conn();
	cr_assert_eq(connected_to(c), -1);
	cr_assert_str_eq(mft_conn_failure(c)->id, "connect");
	cr_assert_not_null(strstr(mft_conn_failure(c)->en, "localhost:7310: Connection refused"), "%s",
			   mft_conn_failure(c)->en);
	mft_conn_close(c);
}
