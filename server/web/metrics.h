/*
 * What is counted, in Prometheus' text format: every counter of the path, of the network and of HTTP, and
 * what is so now. One table; a struct's field without a row is found by a test. Pure.
 */
#ifndef WEB_METRICS_H
#define WEB_METRICS_H

#include "net/listener.h"
#include "path/path.h"
#include "web/serve.h"

enum { STATUS_CLASSES = 6 }; /* 1xx is [1] */

struct web_counters {
	uint64_t requests;
	uint64_t answers[STATUS_CLASSES]; /* by the status' first digit */
};

struct metrics {
	const struct path_counters *path;
	const struct path_status *status;
	const struct net_counters *net; /* NULL: left out */
	const struct serve_counters *serve;
	const struct web_counters *web;
	micros now;
	micros certificate_until; /* 0: left out */
	size_t reads;             /* under way */
};

void metrics_put(const struct metrics *m, struct buffer *to);

/* How many bytes of a source's struct the table covers. */
enum metrics_source { METRICS_PATH, METRICS_NET, METRICS_SERVE, METRICS_WEB, METRICS_SOURCES };
size_t metrics_covered(enum metrics_source source);

#endif
