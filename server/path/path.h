/*
 * The path of a request from a frame to a durable, provable answer. path.c holds the table of stages; who
 * reads it knows the server. Pure: bytes, values, time and randomness come in through the ports, nothing
 * waits, nothing logs.
 *
 * All functions are called on the main thread. A request belongs to a connection by id, never by pointer.
 */
#ifndef PATH_PATH_H
#define PATH_PATH_H

#include "base/buffer.h"
#include "path/bucket.h"
#include "path/reads.h"
#include "path/status.h"

struct path;

enum { PATH_ERROR_SIZE = 256 };

/* What may change while the server runs. */
struct path_tuning {
	micros request_timeout; /* how long an event waits for a database that is away */
	micros sweep_interval;
	micros token_life;                            /* at most */
	struct bucket_rate key_events, key_bytes;     /* of one key */
	struct bucket_rate party_events, party_bytes; /* of one party */
};

struct path_config {
	const char *origin;           /* the log's name; "" takes what the log says */
	const char *writer_address;   /* told to clients of a standby server: this server's own address */
	struct secret_key log_key;    /* signs checkpoints */
	struct secret_key server_key; /* signs the server's own events */
	uint8_t token_key[32];        /* authenticates HTTP tokens */
	size_t batch_max;             /* members of one transaction */
	size_t requests_max;          /* requests under way before the read gate shuts */
	struct path_tuning tuning;
};

enum notice_level { NOTICE_INFO, NOTICE_WARNING, NOTICE_ERROR };

struct path_ports {
	const struct net_port *net; /* NULL: no network yet, see path_attach() */
	struct store_port store;
	struct lane_port verify, writer, reader;
	void *self;
	micros (*now)(void *self);
	void (*random)(void *self, void *bytes, size_t n);
	/* Something an operator should know; what and detail are words for the log. */
	void (*notice)(void *self, enum notice_level level, const char *what, const char *detail);
};

/* Who cosigns checkpoints, and what that means for answers. */
struct path_witnesses {
	struct span policy;    /* C2SP tlog-policy, as in its file; n 0: there are no witnesses */
	micros wait;           /* how long answers wait for the quorum; 0: they do not */
	micros timeout;        /* of one request to a witness */
	bool required;         /* without the quorum nothing is acknowledged */
	struct lane_port lane; /* where they are asked */
	struct witness_port port;
};

/* The table of stages, for documentation. */
struct path_stage {
	const char *name, *where, *runs_on, *does, *may_end_as;
};
extern const struct path_stage path_stages[];
extern const size_t path_stages_n;

/* NULL: no memory. The configuration is copied; the ports' tables too. Free with path_free() after the lanes
 * stopped. */
struct path *path_new(const struct path_config *config, const struct path_ports *ports) MUST_CHECK;
void path_free(struct path *p);
void path_reconfigure(struct path *p, const struct path_tuning *tuning);
/*
 * What is wrong with these, for the operator: not a policy, a witness without an address, too many for an
 * answer's length, a quorum that is required and not waited for.
 */
bool path_witnesses_check(const struct path_witnesses *w, char ret_error[PATH_ERROR_SIZE]) MUST_CHECK;
/* From now on these. They must have been checked; the policy is copied. False: no memory, all is as it was.
 */
bool path_set_witnesses(struct path *p, const struct path_witnesses *w) MUST_CHECK;
/* Begins to read what is stored; events are taken from then on. */
void path_start(struct path *p);
/* Call every 20 to 100 ms: deadlines, sweep, retries. */
void path_tick(struct path *p);
/* Takes no new event; true when nothing is under way any more that could still be answered. Ask again after
 * each turn of the loop. */
bool path_drained(struct path *p);

/* Joins the network, whose port must outlive the path; before any connection is made. */
void path_attach(struct path *p, const struct net_port *net);
/* The functions that net calls. */
struct net_sink path_sink(struct path *p);

/* The latest signed checkpoint; valid until the loop's next turn. */
struct span path_checkpoint(const struct path *p);

/*
 * An event that does not come over the network (the log's first ones): `answer` gets the encoded frame, a
 * receipt or a refusal, on the main thread. False: no memory, or the path is not writing.
 */
typedef void (*local_answer)(void *self, struct span frame);
bool path_submit(struct path *p, struct span envelope, local_answer answer, void *self) MUST_CHECK;

#endif
