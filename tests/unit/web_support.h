/*
 * For tests of HTTP: a loop, and clients over plain sockets that never block, so that server and client run
 * in one thread and a test says exactly what happens when.
 */
#ifndef TESTS_WEB_SUPPORT_H
#define TESTS_WEB_SUPPORT_H

#include "net/loop.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"

/* Of one test: web_loop() ... web_loop_end(), which closes the clients before `stop` and the loop after it.
 */
extern struct loop *loop;
void web_loop(void);
void web_loop_end(void (*stop)(void));

void web_turn(void);
void web_turns(int n);
#define WAIT(condition)                                                                                      \
	do {                                                                                                 \
		for (int turns_ = 0; turns_ < 20000 && !(condition); turns_++)                               \
			web_turn();                                                                          \
		cr_assert(condition);                                                                        \
	} while (0)

/* A descriptor; it stays open until the end unless hang_up() closes it. */
int open_to(uint16_t port);
int keep_open(int fd);
void hang_up(int fd);
void say(int fd, const char *text);
/* Reads what is there. True: the server has closed, and `got` is all it said since forget(). */
extern char got[1 << 16];
void forget(void);
bool drain(int fd);
const char *hear(int fd);

#endif
