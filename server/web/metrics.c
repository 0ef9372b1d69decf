/* Owns the names of what is counted. */
#include "web/metrics.h"

#include <inttypes.h>

#include "core/words.h"
#include "web/health.h"

static const char *refusal_label(size_t i)
{
	return word_of(refusal_words, (int)i)->name;
}

static const char *flag_label(size_t i)
{
	return word_of(flag_words, (int)i)->name;
}

static const char *end_label(size_t i)
{
	return net_end_name((enum net_end)i);
}

static const char *class_label(size_t i)
{
	static const char *const classes[STATUS_CLASSES] = {"", "1xx", "2xx", "3xx", "4xx", "5xx"};

	return classes[i];
}

/* Marks a row whose field counts microseconds. */
static const char *seconds(size_t i)
{
	(void)i;
	return "";
}

#define COUNTER "counter"
#define GAUGE   "gauge"

/* name, type, help, source, the field; for an array also its label's name and the words of its places. */
#define ONE(name, type, help, source, s, field)                                                              \
	{                                                                                                    \
		name, type, help, METRICS_##source, offsetof(struct s, field), 1, NULL, NULL                 \
	}
#define MANY(name, type, help, source, s, field, label, words)                                               \
	{                                                                                                    \
		name, type, help, METRICS_##source, offsetof(struct s, field),                               \
		    sizeof(((struct s *)0)->field) / sizeof(uint64_t), label, words                          \
	}
#define PATH(name, help, field) ONE("manifestd_" name "_total", COUNTER, help, PATH, path_counters, field)
#define SECONDS(name, help, field)                                                                           \
	{                                                                                                    \
		"manifestd_" name "_seconds_total", COUNTER, help, METRICS_PATH,                             \
		    offsetof(struct path_counters, field), 1, NULL, seconds                                  \
	}
#define NET(name, help, field)     ONE("manifestd_device_" name "_total", COUNTER, help, NET, net_counters, field)
#define NET_NOW(name, help, field) ONE("manifestd_device_" name, GAUGE, help, NET, net_counters, field)
#define HTTP(name, help, field)                                                                              \
	ONE("manifestd_http_" name "_total", COUNTER, help, SERVE, serve_counters, field)
#define HTTP_NOW(name, help, field) ONE("manifestd_http_" name, GAUGE, help, SERVE, serve_counters, field)

static const struct metric {
	const char *name, *type, *help;
	enum metrics_source source;
	size_t offset;
	size_t n; /* numbers of 64 bits */
	const char *label;
	const char *(*words)(size_t i); /* "": no sample */
} table[] = {
    PATH("frames", "Frames received from devices.", frames),
    PATH("events_submitted", "Events received.", submits),
    PATH("events_accepted", "Events accepted and durable.", accepted),
    PATH("events_repeated", "Events that had been accepted before.", repeated),
    PATH("queries", "Queries of devices and of HTTP.", queries),
    PATH("tiles", "Tiles and bundles of entries read for HTTP.", tiles),
    PATH("hellos", "Devices that were let in.", hellos),
    PATH("hellos_refused", "Devices that were not let in.", hellos_refused),
    PATH("pushes", "Flags pushed to inspectors.", pushes),
    MANY("manifestd_refused_total", COUNTER, "Requests refused, by the kind of refusal.", PATH, path_counters,
	 refused, "kind", refusal_label),
    PATH("signatures_verified", "Signatures verified.", signatures),
    PATH("server_events", "Events of the server's own: flags raised and cleared.", server_events),
    MANY("manifestd_flags_raised_total", COUNTER, "Flags raised, by kind.", PATH, path_counters, flags_raised,
	 "kind", flag_label),
    PATH("batches", "Batches committed.", batches),
    PATH("batch_members", "Events in committed batches.", batch_members),
    PATH("batch_splits", "Batches halved because the database refused a value.", batch_splits),
    PATH("recoveries", "Times that the log's state was read from the database.", recoveries),
    PATH("read_gate_closed", "Times that reading from devices stopped because too much was under way.",
	 gate_closed),
    PATH("connections_held", "Times that one device was not read, for the events it had under way.",
	 connections_held),
    PATH("sweeps", "Sweeps for deadlines that passed.", sweeps),
    PATH("witness_requests", "Requests to witnesses to cosign a checkpoint.", witness_asked),
    PATH("witness_failures", "Those that were in vain.", witness_failures),
    PATH("witness_quorums", "Checkpoints that enough witnesses cosigned.", quorums),
    PATH("witness_quorums_missed", "Batches whose quorum did not come in time.", quorums_missed),
    SECONDS("witness_wait", "Time that batches waited for their quorum.", witness_wait),
    SECONDS("commit", "Time from the launch of batches to their answer.", commit_time),

    NET("connections", "Connections accepted.", accepted),
    MANY("manifestd_device_connections_ended_total", COUNTER, "Connections ended or refused, by reason.", NET,
	 net_counters, ended, "reason", end_label),
    NET_NOW("connections_open", "Connections open.", open),
    NET_NOW("handshakes", "TLS handshakes in progress.", handshakes),
    NET("greeted", "Connections that said hello.", greeted),
    NET("received_bytes", "Bytes of frames received, before TLS.", bytes_in),
    NET("sent_bytes", "Bytes of frames sent, before TLS.", bytes_out),
    NET("frames_received", "Whole frames received.", frames_in),
    NET("sends", "Writes to connections.", sends),
    NET_NOW("output_queued_bytes", "Bytes queued to connections.", output_queued),
    NET("accept_paused", "Times that accepting stopped.", accept_paused),
    NET("no_descriptors", "Times that accept() found no descriptor.", no_descriptors),
    NET("read_gate_shut", "Times that the read gate was shut.", read_gate_shut),
    NET("write_gate_shut", "Times that a connection was not read because it did not read.", write_gate_shut),

    HTTP("connections", "HTTP connections accepted.", accepted),
    HTTP("connections_late", "HTTP connections cut off at a deadline.", late),
    HTTP("no_descriptors", "Times that accept() found no descriptor for HTTP.", no_descriptors),
    HTTP_NOW("connections_open", "HTTP connections open.", open),
    HTTP_NOW("output_queued_bytes", "Bytes queued to HTTP connections.", output_queued),
    ONE("manifestd_http_requests_total", COUNTER, "HTTP requests received.", WEB, web_counters, requests),
    MANY("manifestd_http_answers_total", COUNTER, "HTTP answers, by class of status.", WEB, web_counters,
	 answers, "status", class_label),
};

static void put_head(struct buffer *to, const char *name, const char *type, const char *help)
{
	buffer_printf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_metric(const struct metric *row, const void *source, struct buffer *to)
{
	const uint64_t *values = (const uint64_t *)(const void *)((const char *)source + row->offset);

	put_head(to, row->name, row->type, row->help);
	for (size_t i = 0; i < row->n; i++) {
		if (row->words == seconds)
			buffer_printf(to, "%s %" PRIu64 ".%06" PRIu64 "\n", row->name, values[i] / 1000000,
				      values[i] % 1000000);
		else if (row->label == NULL)
			buffer_printf(to, "%s %" PRIu64 "\n", row->name, values[i]);
		else if (row->words(i)[0] != '\0')
			buffer_printf(to, "%s{%s=\"%s\"} %" PRIu64 "\n", row->name, row->label, row->words(i),
				      values[i]);
	}
}

static void put_gauge(struct buffer *to, const char *name, const char *help, uint64_t value)
{
	put_head(to, name, GAUGE, help);
	buffer_printf(to, "%s %" PRIu64 "\n", name, value);
}

static void put_days(struct buffer *to, const char *name, const char *help, micros until, micros now)
{
	if (until == 0)
		return;
	put_head(to, name, GAUGE, help);
	buffer_printf(to, "%s %" PRId64 "\n", name, (until - now) / MICROS_PER_DAY);
}

static void put_status(const struct metrics *m, struct buffer *to)
{
	static const char state[] = "manifestd_state";

	put_gauge(to, "manifestd_log_size", "Entries in the log.", m->status->head.size);
	put_gauge(to, "manifestd_log_epoch", "Epoch of the log's writer.", m->status->head.epoch);
	put_gauge(to, "manifestd_events_queued", "Events waiting for a batch.", m->status->queued);
	put_gauge(to, "manifestd_requests_under_way", "Requests of all kinds under way.",
		  m->status->under_way);
	put_gauge(to, "manifestd_sessions", "Devices that are connected and said hello.",
		  m->status->sessions);
	put_gauge(to, "manifestd_witnesses", "Witnesses that are asked to cosign.",
		  m->status->witnesses.configured);
	put_gauge(to, "manifestd_witnesses_reachable", "Those whose last request was not in vain.",
		  m->status->witnesses.reachable);
	put_gauge(to, "manifestd_cosigned_size",
		  "Size of the newest checkpoint that enough witnesses cosigned.",
		  m->status->witnesses.cosigned);
	put_gauge(to, "manifestd_http_reads", "Queries over HTTP under way.", m->reads);
	put_head(to, state, GAUGE, "What the server does; 1 for the state it is in.");
	for (int i = PATH_RECOVERING; i <= PATH_DRAINING; i++)
		buffer_printf(to, "%s{state=\"%s\"} %d\n", state, path_state_word((enum path_state)i),
			      m->status->state == (enum path_state)i);
	put_days(to, "manifestd_calendar_days_left", "Days until the calendar of working days ends.",
		 m->status->calendar_end, m->now);
	put_days(to, "manifestd_certificate_days_left", "Days until the certificate expires.",
		 m->certificate_until, m->now);
}

void metrics_put(const struct metrics *m, struct buffer *to)
{
	const void *const sources[METRICS_SOURCES] = {
	    [METRICS_PATH] = m->path,
	    [METRICS_NET] = m->net,
	    [METRICS_SERVE] = m->serve,
	    [METRICS_WEB] = m->web,
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (sources[table[i].source] != NULL)
			put_metric(&table[i], sources[table[i].source], to);
	put_status(m, to);
}

size_t metrics_covered(enum metrics_source source)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].source == source)
			n += table[i].n * sizeof(uint64_t);
	return n;
}
