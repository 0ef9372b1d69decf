/*
 * The whole path in a test: lanes whose works run and end when the test says so, a network that keeps what
 * it is told to send, a clock that stands still, and the fake store. What is answered is decoded, and counted
 * by request: a second last answer ends the program, and so does a receipt that does not hold.
 */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include "core/proof.h"
#include "fake_store.h"
#include "fake_witness.h"
#include "path/path.h"
#include "wire/envelope.h"
#include "wire/messages.h"

#define RIG_ORIGIN "shenyang.example/manifest"

enum rig_lane { LANE_VERIFY, LANE_WRITER, LANE_READER, LANE_WITNESS, LANES };
enum { LANE_MAX = 4096, CONNS_MAX = 1024 };

/* Works of a lane: [0, ran) have run and wait for done(), the rest wait to run. */
struct rig_queue {
	struct rig *rig;
	enum rig_lane lane;
	struct work *works[LANE_MAX];
	size_t n;
	size_t ran;
};

struct rig_frame {
	conn_id conn;
	struct frame frame;
};

struct rig_conn {
	bool open, greeted, held;
	const char *closed_by_path; /* the reason */
	struct digest nonce;
};

struct rig {
	struct world *w;
	struct fake_store *store;
	struct path *path;
	struct path_config config;
	struct net_port net;
	struct net_sink sink;
	struct rig_queue lanes[LANES];
	struct arena *arena;
	micros now;
	struct rig_conn conns[CONNS_MAX]; /* by id */
	size_t conns_n;
	struct rig_frame *frames; /* all that were sent, in order */
	size_t frames_n;
	bool gate_open;
	unsigned gate_moves;
	unsigned notices[3];
	char last_notice[768];
	struct note_key log_key;
	struct fake_witnesses *witnesses; /* NULL: none; the test's own */
	struct path_witnesses witness_settings;
	bool hold_receipts; /* do not check them as they come */
};

/* The city of world_new(), in a store; the path is not started. Settings may be changed, then rig_start(). */
struct rig *rig_new(struct world *w);
void rig_start(struct rig *r);
/* Has them asked, with the rest of the settings as given. Before rig_start() and again at any time. */
void rig_witness(struct rig *r, struct fake_witnesses *w, struct path_witnesses settings);
/* Stops the path as it is, and frees it: works under way are let go. */
void rig_crash(struct rig *r);
void rig_free(struct rig *r);
/* All but the above in one, until it writes. */
struct rig *rig_writing(void);

/* One work of the lane: runs the next, or ends the one that ran i-th. False: there is none. */
bool rig_run(struct rig *r, enum rig_lane lane);
bool rig_end(struct rig *r, enum rig_lane lane, size_t i);
/* Runs and ends everything there is, in order, without a tick. */
void rig_drain(struct rig *r);
/* Ticks and drains, until nothing more comes of it. */
void rig_settle(struct rig *r);

conn_id rig_open(struct rig *r);
/* Net noticed that the connection is gone. */
void rig_close(struct rig *r, conn_id conn);
/* The hello that the device ought to say, as a frame with id 1. */
struct hello rig_hello(const struct rig *r, conn_id conn, enum device device, enum role role);
void rig_say_hello(struct rig *r, conn_id conn, enum device device, const struct hello *hello);
/* Opens and greets; must be welcome. */
conn_id rig_connect(struct rig *r, enum device device, enum role role);

void rig_send(struct rig *r, conn_id conn, const struct frame *frame);
void rig_submit(struct rig *r, conn_id conn, uint64_t id, const struct signed_event *e);
void rig_query(struct rig *r, conn_id conn, uint64_t id, const struct query *q);

/* The generator's `issued`, to be submitted. */
const struct signed_event *rig_issue(struct rig *r, uint64_t number);
/* NEW_DEVICE becomes a key of the generator, as the registrar enters it. */
const struct signed_event *rig_enrolment(struct rig *r);
/* The store's next calls of this kind fail so. */
void rig_fail_next(struct rig *r, enum fake_call call, enum fake_fault fault, unsigned times);
/* So many seconds go by, and what comes of each. */
void rig_seconds(struct rig *r, int n);

/* The last answer to a request; NULL: there is none yet. */
const struct frame *rig_answer(const struct rig *r, conn_id conn, uint64_t id);
/* How many frames of a kind the connection got. */
size_t rig_count(const struct rig *r, conn_id conn, enum frame_kind kind);
bool rig_accepted(const struct rig *r, conn_id conn, uint64_t id);
/* It was refused so; `rule`: and for this one among others. NULL: any. */
bool rig_refused(const struct rig *r, conn_id conn, uint64_t id, enum refusal_kind kind, const char *rule);
/* For messages. */
const char *rig_words(const struct rig *r, conn_id conn, uint64_t id);
/* The receipt holds, and its checkpoint is of the log as it is stored. */
bool rig_receipt_holds(const struct rig *r, const struct receipt *receipt);

#endif
