/* What the path is given: lanes, network, clock; and what a test does with it. */
#include "rig.h"

/* ---- lanes ---- */

static void submit(void *self, struct work *w)
{
	struct rig_queue *q = self;

	MUST(q->n < LANE_MAX);
	q->works[q->n++] = w;
}

bool rig_run(struct rig *r, enum rig_lane lane)
{
	struct rig_queue *q = &r->lanes[lane];
	void *const threads[LANES] = {[LANE_WRITER] = &r->store->writer,
				      [LANE_READER] = &r->store->reader,
				      [LANE_WITNESS] = r->witnesses};

	if (q->ran == q->n)
		return false;
	struct work *w = q->works[q->ran++];
	w->run(w, threads[lane]);
	return true;
}

bool rig_end(struct rig *r, enum rig_lane lane, size_t i)
{
	struct rig_queue *q = &r->lanes[lane];

	if (i >= q->ran)
		return false;
	struct work *w = q->works[i];
	q->ran--;
	q->n--;
	memmove(&q->works[i], &q->works[i + 1], (q->n - i) * sizeof(struct work *));
	w->done(w);
	return true;
}

void rig_drain(struct rig *r)
{
	bool any = true;

	while (any) {
		any = false;
		for (enum rig_lane lane = LANE_VERIFY; lane < LANES; lane++) {
			any = rig_run(r, lane) || any;
			any = rig_end(r, lane, 0) || any;
		}
	}
}

void rig_settle(struct rig *r)
{
	for (int i = 0; i < 4; i++) {
		path_tick(r->path);
		rig_drain(r);
	}
}

/* ---- network ---- */

static struct rig_conn *conn_of(struct rig *r, conn_id conn)
{
	MUST(conn > 0 && conn < CONNS_MAX);
	return &r->conns[conn];
}

static void take_frame(struct rig *r, conn_id conn, struct span bytes)
{
	struct problems problems = {.arena = r->arena};

	if (r->frames_n == 0 || (r->frames_n & (r->frames_n - 1)) == 0) {
		struct rig_frame *grown =
		    arena_array(r->arena, r->frames_n == 0 ? 1 : 2 * r->frames_n, sizeof(*grown));
		MUST(grown != NULL);
		if (r->frames_n > 0)
			memcpy(grown, r->frames, r->frames_n * sizeof(*grown));
		r->frames = grown;
	}
	struct rig_frame *f = &r->frames[r->frames_n];
	*f = (struct rig_frame){.conn = conn};
	bytes = arena_copy(r->arena, bytes);
	MUST(bytes.p != NULL);
	if (!frame_decode(bytes, r->arena, &problems, &f->frame)) {
		(void)fputs(world_problems(r->w, &problems), stderr);
		MUST(!"a frame that no client can read");
	}
	MUST(f->frame.id == 0 || rig_answer(r, conn, f->frame.id) == NULL); /* answered once */
	if (f->frame.kind == FRAME_RECEIPT && !r->hold_receipts)
		MUST(rig_receipt_holds(r, &f->frame.receipt));
	if (f->frame.kind == FRAME_CHALLENGE)
		conn_of(r, conn)->nonce = f->frame.challenge.nonce;
	r->frames_n++;
}

static void net_send(void *self, conn_id conn, struct span bytes)
{
	struct rig *r = self;

	while (bytes.n > 0) {
		struct span frame;
		size_t need;
		MUST(frame_next(bytes, &frame, &need) == FRAME_HERE);
		if (conn_of(r, conn)->open)
			take_frame(r, conn, frame);
		bytes = span_of(bytes.p + FRAME_HEAD + frame.n, bytes.n - FRAME_HEAD - frame.n);
	}
}

static void net_close(void *self, conn_id conn, const char *reason)
{
	conn_of(self, conn)->closed_by_path = reason;
}

static void net_greeted(void *self, conn_id conn)
{
	conn_of(self, conn)->greeted = true;
}

static void net_gate(void *self, bool open)
{
	struct rig *r = self;

	MUST(open != r->gate_open);
	r->gate_open = open;
	r->gate_moves++;
}

static void net_hold(void *self, conn_id conn, bool held)
{
	struct rig_conn *c = conn_of(self, conn);

	MUST(c->held != held);
	c->held = held;
}

/* ---- the world around ---- */

static micros now(void *self)
{
	return ((struct rig *)self)->now;
}

static void random_bytes(void *self, void *bytes, size_t n)
{
	struct rig *r = self;
	uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(r->conns_n + i);
}

static void notice(void *self, enum notice_level level, const char *what, const char *detail)
{
	struct rig *r = self;

	r->notices[level]++;
	(void)snprintf(r->last_notice, sizeof(r->last_notice), "%s: %s", what, detail);
}

struct rig *rig_new(struct world *w)
{
	struct rig *r = calloc(1, sizeof(*r));
	uint8_t seed[SEED_SIZE] = {0xff};
	struct public_key log_public;

	MUST(r != NULL);
	r->w = w;
	r->store = fake_store_new(w);
	r->store->high_water = r->store->head;
	r->arena = arena_new(SIZE_MAX / 2);
	MUST(r->arena != NULL);
	r->now = w->now;
	r->net = (struct net_port){.self = r,
				   .send = net_send,
				   .close = net_close,
				   .greeted = net_greeted,
				   .gate = net_gate,
				   .hold = net_hold,
				   .binding = digest_of(span_str("the certificate"))};
	r->config = (struct path_config){
	    .origin = "",
	    .writer_address = "writer.example:8443",
	    .server_key = w->devices[SERVER].secret,
	    .token_key = {1},
	    .batch_max = 8,
	    .requests_max = 64,
	    .tuning = {.request_timeout = 10 * MICROS_PER_SECOND,
		       .sweep_interval = 60 * MICROS_PER_SECOND,
		       .token_life = 3600 * MICROS_PER_SECOND},
	};
	key_from_seed(seed, &r->config.log_key, &log_public);
	MUST(note_key_make(span_str(RIG_ORIGIN), NOTE_ED25519, &log_public, &r->log_key));
	return r;
}

void rig_witness(struct rig *r, struct fake_witnesses *w, struct path_witnesses settings)
{
	char error[PATH_ERROR_SIZE];

	settings.lane = (struct lane_port){&r->lanes[LANE_WITNESS], submit};
	settings.port = fake_witness_port();
	settings.policy = w == NULL ? (struct span){0} : buffer_span(&w->policy);
	r->witnesses = w;
	r->witness_settings = settings;
	if (w != NULL)
		w->now = &r->now;
	MUST(path_witnesses_check(&settings, error));
	MUST(r->path == NULL || path_set_witnesses(r->path, &settings));
}

void rig_start(struct rig *r)
{
	struct path_ports ports = {.net = &r->net,
				   .store = fake_store_port(),
				   .self = r,
				   .now = now,
				   .random = random_bytes,
				   .notice = notice};

	for (enum rig_lane lane = LANE_VERIFY; lane < LANES; lane++) {
		r->lanes[lane].rig = r;
		r->lanes[lane].lane = lane;
	}
	ports.verify = (struct lane_port){&r->lanes[LANE_VERIFY], submit};
	ports.writer = (struct lane_port){&r->lanes[LANE_WRITER], submit};
	ports.reader = (struct lane_port){&r->lanes[LANE_READER], submit};
	r->store->writer.recovered = false;
	r->store->reader.recovered = true;
	r->path = path_new(&r->config, &ports);
	MUST(r->path != NULL);
	if (r->witnesses != NULL)
		rig_witness(r, r->witnesses, r->witness_settings);
	r->sink = path_sink(r->path);
	r->gate_open = true;
	path_start(r->path);
}

/* What was on its way to the database ends there; nobody hears of it. */
void rig_crash(struct rig *r)
{
	for (size_t i = 1; i <= r->conns_n; i++)
		r->conns[i].open = false;
	rig_drain(r);
	path_free(r->path);
	r->path = NULL;
}

void rig_free(struct rig *r)
{
	if (r->path != NULL)
		rig_crash(r);
	fake_store_free(r->store);
	arena_free(r->arena);
	world_free(r->w);
	free(r);
}

struct rig *rig_writing(void)
{
	struct rig *r = rig_new(world_new());

	rig_start(r);
	rig_settle(r);
	MUST(path_status(r->path).state == PATH_WRITING);
	return r;
}
