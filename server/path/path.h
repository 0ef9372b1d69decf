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
#include "core/tile.h"
#include "path/bucket.h"
#include "ports.h"

struct path;

enum { PATH_ERROR_SIZE = 256 };

struct path_config {
	const char *origin;           /* the log's name; "" takes what the log says */
	const char *writer_address;   /* told to clients of a standby server: this server's own address */
	struct secret_key log_key;    /* signs checkpoints */
	struct secret_key server_key; /* signs the server's own events */
	uint8_t token_key[32];        /* authenticates HTTP tokens */
	size_t batch_max;             /* members of one transaction */
	size_t requests_max;          /* requests under way before the read gate shuts */
	micros request_timeout;       /* how long an event waits for a database that is away */
	micros sweep_interval;
	micros token_life;                            /* at most */
	struct bucket_rate key_events, key_bytes;     /* of one key */
	struct bucket_rate party_events, party_bytes; /* of one party */
};

/* The part of it that may change while the server runs. */
struct path_tuning {
	micros request_timeout, sweep_interval, token_life;
	struct bucket_rate key_events, key_bytes, party_events, party_bytes;
};

enum path_state {
	PATH_RECOVERING, /* reads what is stored; events wait */
	PATH_WRITING,
	PATH_STANDBY,   /* another server writes; reads are served */
	PATH_WITNESSES, /* the quorum of witnesses cannot be had, and is required; reads are served */
	PATH_STOPPED,   /* what is stored is not to be trusted: see the notice */
	PATH_DRAINING,
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
	struct lane_port lane; /* a thread for each witness */
	struct witness_port port;
};

struct witnesses_status {
	size_t configured;
	size_t reachable;   /* whose last request was not in vain */
	uint64_t cosigned;  /* size of the newest checkpoint with a quorum; 0: none */
	bool quorum;        /* of those that are reachable */
	const char *detail; /* who does not cosign, and why; valid until the loop's next turn */
};

struct path_counters {
	uint64_t frames, submits, accepted, repeated, queries, tiles, hellos, hellos_refused, pushes;
	uint64_t refused[REFUSAL_FAULT + 1];
	uint64_t signatures;    /* verified */
	uint64_t server_events; /* flags raised and cleared */
	uint64_t flags_raised[FLAG_KINDS];
	uint64_t batches, batch_members, batch_splits, recoveries, gate_closed, sweeps;
	uint64_t connections_held; /* not read for a while, for the events that they had under way */
	micros commit_time;        /* sum over batches, from launch to answer */
	uint64_t witness_asked, witness_failures, quorums, quorums_missed;
	micros witness_wait; /* sum over batches: how long their answers waited for the quorum */
};

struct path_status {
	enum path_state state;
	struct log_head head;
	size_t queued;    /* events waiting for a batch */
	size_t under_way; /* requests of all kinds */
	size_t sessions;
	micros calendar_end; /* start of the day after the calendar's last; 0: no calendar */
	const char *reason;  /* of PATH_STOPPED; else "" */
	struct witnesses_status witnesses;
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
/* Takes no new event; true when nothing is under way any more. Ask again after each turn of the loop. */
bool path_drained(struct path *p);

/* Joins the network, whose port must outlive the path; before any connection is made. */
void path_attach(struct path *p, const struct net_port *net);
/* The functions that net calls. */
struct net_sink path_sink(struct path *p);

const struct path_counters *path_counters(const struct path *p);
struct path_status path_status(const struct path *p);
/* The latest signed checkpoint; valid until the loop's next turn. */
struct span path_checkpoint(const struct path *p);

/*
 * An event that does not come over the network (the log's first ones): `answer` gets the encoded frame, a
 * receipt or a refusal, on the main thread. False: no memory, or the path is not writing.
 */
typedef void (*local_answer)(void *self, struct span frame);
bool path_submit(struct path *p, struct span envelope, local_answer answer, void *self) MUST_CHECK;

/*
 * A read for HTTP. `ret` values live until the callback returns. receipts: for QUERY_TRAIL and QUERY_ENTRY,
 * the proof text of each entry, in order.
 */
struct read_result {
	enum refusal_kind refused; /* REFUSAL_NONE: here it is */
	const struct query *query;
	struct answers answers;
	const struct span *proofs;
	struct span checkpoint;
	const struct digest *consistency;
	size_t consistency_n;
};
typedef void (*read_answer)(void *self, const struct read_result *result);

/* Who a bearer token speaks for. False: not a token of this server, expired, or its key was revoked since. */
struct reader_identity {
	key_no key;
	enum role role;
	struct party_ref party;
	struct scope scope;
};
bool path_token(const struct path *p, struct span token, struct reader_identity *ret_identity) MUST_CHECK;
/* False: no memory, or not allowed for the identity (then *ret_refused says why). The query is copied. */
bool path_read(struct path *p, const struct reader_identity *who, const struct query *query,
	       read_answer answer, void *self, enum refusal_kind *ret_refused) MUST_CHECK;

/*
 * A tile of the committed log, or with `entries` a bundle of its entries: what it is never changes. `who` may
 * be NULL: tiles are for everybody, bundles for auditors. False: *ret_refused says why, NOT_FOUND when the
 * log is not that large. `bytes` live until the callback returns.
 */
typedef void (*tile_answer)(void *self, enum refusal_kind refused, struct span bytes);
bool path_read_tile(struct path *p, const struct reader_identity *who, const struct tile_id *id, bool entries,
		    tile_answer answer, void *self, enum refusal_kind *ret_refused) MUST_CHECK;

#endif
