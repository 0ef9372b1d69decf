/* Owns how a listening socket is made. */
#include "web/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128, SOCKET_FLAGS = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC };

static int failed(int fd, const char *address, char ret_error[SERVE_ERROR_SIZE])
{
	(void)snprintf(ret_error, SERVE_ERROR_SIZE, "cannot listen on %.150s: %s", address, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* A socket file that a dead process left behind; never anything else. */
static void remove_dead(const struct sockaddr_un *at)
{
	struct stat st;
	int fd = socket(AF_UNIX, SOCKET_FLAGS, 0);

	if (fd >= 0 && lstat(at->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 && errno == ECONNREFUSED)
		(void)unlink(at->sun_path);
	if (fd >= 0)
		(void)close(fd);
}

static int listen_unix(const char *path, char ret_error[SERVE_ERROR_SIZE])
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(at.sun_path)) {
		errno = ENAMETOOLONG;
		return failed(-1, path, ret_error);
	}
	memcpy(at.sun_path, path, strlen(path));
	remove_dead(&at);
	int fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
	/* The file's mode is that of the socket, from its first moment on. */
	if (fd < 0 || fchmod(fd, 0660) != 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
	    chmod(path, 0660) != 0 || listen(fd, BACKLOG) != 0)
		return failed(fd, path, ret_error);
	return fd;
}

static int listen_tcp(const char *address, uint16_t port, uint16_t *ret_port,
		      char ret_error[SERVE_ERROR_SIZE])
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				       .ai_socktype = SOCK_STREAM};
	struct addrinfo *at = NULL;
	struct sockaddr_storage bound;
	socklen_t n = sizeof(bound);
	char service[8];
	const int on = 1;

	(void)snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address, service, &hints, &at) != 0) {
		(void)snprintf(ret_error, SERVE_ERROR_SIZE, "'%.150s' is not a numeric address", address);
		return -1;
	}
	int fd = socket(at->ai_family, SOCKET_FLAGS, 0);
	bool good =
	    fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0 &&
	    getsockname(fd, (struct sockaddr *)&bound, &n) == 0 &&
	    getnameinfo((struct sockaddr *)&bound, n, NULL, 0, service, sizeof(service), NI_NUMERICSERV) == 0;
	freeaddrinfo(at);
	if (!good)
		return failed(fd, address, ret_error);
	unsigned long number = strtoul(service, NULL, 10);
	*ret_port = (uint16_t)number;
	return fd;
}

int listen_on(const char *address, uint16_t port, uint16_t *ret_port, char ret_error[SERVE_ERROR_SIZE])
{
	if (address[0] != '/')
		return listen_tcp(address, port, ret_port, ret_error);
	int fd = listen_unix(address, ret_error);
	if (fd >= 0)
		*ret_port = 0;
	return fd;
}
