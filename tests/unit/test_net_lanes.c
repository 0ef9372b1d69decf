/* Lanes. A plain main(), so that it runs under ThreadSanitizer.
 *
 * Every work runs once, comes back once, in the order of completion and on the loop's thread; threads have
 * what they own; draining and ending.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/lanes.h"

enum { WORKS = 20000, THREADS = 4, SUBMITTERS = 3 };

static unsigned passed, failed;

static void check(bool good, const char *what)
{
	printf("%s - %s\n", good ? "ok" : "not ok", what);
	*(good ? &passed : &failed) += 1;
}

struct job {
	struct work work; /* first */
	struct lane *lane;
	unsigned runs, dones, again;
	uint64_t in, out;
	int *own;
};

static struct loop *loop;
static pthread_t main_thread;
static unsigned done_total, done_elsewhere, rounds;
static uint64_t finish_order, last_order, out_of_order;

static void run(struct work *w, void *thread)
{
	struct job *j = (struct job *)w;

	j->runs++;
	j->own = thread;
	if (thread != NULL)
		++*j->own;
	j->out = j->in * j->in;
}

static void done(struct work *w)
{
	struct job *j = (struct job *)w;

	j->dones++;
	done_total++;
	if (!pthread_equal(pthread_self(), main_thread))
		done_elsewhere++;
	if (j->again > 0) {
		struct lane_port port = lane_port(j->lane);

		j->again--;
		port.submit(port.self, w);
	}
}

static int begun, ended; /* under the lock */
static pthread_mutex_t begun_lock = PTHREAD_MUTEX_INITIALIZER;

static void *begin_thread(void *arg)
{
	pthread_mutex_lock(&begun_lock);
	begun++;
	pthread_mutex_unlock(&begun_lock);
	return calloc(1, *(size_t *)arg);
}

static void end_thread(void *arg, void *own)
{
	(void)arg;
	pthread_mutex_lock(&begun_lock);
	ended += *(int *)own;
	pthread_mutex_unlock(&begun_lock);
	free(own);
}

static bool all_once(const struct job *jobs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (jobs[i].runs != 1 || jobs[i].dones != 1 || jobs[i].out != jobs[i].in * jobs[i].in)
			return false;
	return true;
}

static struct job *new_jobs(struct lane *lane, unsigned n)
{
	struct job *jobs = calloc(n, sizeof(*jobs));

	if (jobs == NULL)
		abort();
	for (unsigned i = 0; i < n; i++) {
		jobs[i].work.run = run;
		jobs[i].work.done = done;
		jobs[i].lane = lane;
		jobs[i].in = i;
	}
	return jobs;
}

static void test_loop_delivers(void)
{
	size_t size = sizeof(int);
	struct lane_threads each = {.arg = &size, .begin = begin_thread, .end = end_thread};
	struct lane *lane = lane_new(loop, "verify", THREADS, &each);
	struct lane_port port = lane_port(lane);
	struct job *jobs = new_jobs(lane, WORKS);

	done_total = 0;
	for (unsigned i = 0; i < WORKS; i++)
		port.submit(port.self, &jobs[i].work);
	for (rounds = 0; done_total < WORKS && loop_turn(loop, true); rounds++)
		;
	check(all_once(jobs, WORKS), "every work runs once and is done once");
	check(done_elsewhere == 0, "done() is called on the loop's thread");
	check(rounds < WORKS / 2, "one wake-up serves many");
	check(lane_depth(lane) == 0, "nothing is left");
	lane_free(lane);
	check(begun == THREADS, "every thread begins");
	check(ended == WORKS, "every thread ends with what it owns");
	free(jobs);
}

/* With one thread, works finish in the order of their submission. */
static void run_in_order(struct work *w, void *thread)
{
	struct job *j = (struct job *)w;

	(void)thread;
	j->out = ++finish_order;
}

static void done_in_order(struct work *w)
{
	struct job *j = (struct job *)w;

	out_of_order += j->out != ++last_order;
	done_total++;
}

static void test_order(void)
{
	struct lane *lane = lane_new(loop, "a name that is too long", 1, NULL);
	struct lane_port port = lane_port(lane);
	struct job *jobs = new_jobs(lane, WORKS);

	for (unsigned i = 0; i < WORKS; i++) {
		jobs[i].work.run = run_in_order;
		jobs[i].work.done = done_in_order;
		port.submit(port.self, &jobs[i].work);
	}
	lane_drain(lane);
	check(last_order == WORKS && out_of_order == 0, "works come back in the order they finished");
	lane_free(lane);
	free(jobs);
}

/* Goes to the other lane, and back, until it is enough. */
static void done_across(struct work *w)
{
	struct job *j = (struct job *)w;
	struct job *other = j->again-- > 0 ? (struct job *)(void *)j->own : NULL;

	j->dones++;
	if (other != NULL) {
		struct lane_port port = lane_port(other->lane);
		port.submit(port.self, &other->work);
	}
}

static void run_across(struct work *w, void *thread)
{
	(void)w;
	(void)thread;
}

static void test_drain_all(void)
{
	struct lane *lanes[] = {lane_new(loop, "one", 1, NULL), NULL, lane_new(loop, "two", 1, NULL)};
	struct job jobs[2] = {{.lane = lanes[0], .again = 20}, {.lane = lanes[2], .again = 20}};
	struct lane_port port = lane_port(lanes[2]);

	for (int i = 0; i < 2; i++) {
		jobs[i].work = (struct work){.run = run_across, .done = done_across};
		jobs[i].own = (int *)(void *)&jobs[1 - i];
	}
	port.submit(port.self, &jobs[1].work);
	lanes_drain(lanes, 3);
	check(jobs[0].dones == 20 && jobs[1].dones == 21, "lanes that give each other work are emptied");
	check(lane_depth(lanes[0]) == 0 && lane_depth(lanes[2]) == 0, "and nothing is left on any");
	lane_free(lanes[0]);
	lane_free(lanes[2]);
}

static void test_resubmit(void)
{
	struct lane *lane = lane_new(loop, "again", 2, NULL);
	struct lane_port port = lane_port(lane);
	struct job *jobs = new_jobs(lane, 100);

	for (unsigned i = 0; i < 100; i++) {
		jobs[i].again = 50;
		port.submit(port.self, &jobs[i].work);
	}
	lane_drain(lane);
	bool all = true;
	for (unsigned i = 0; i < 100; i++)
		all &= jobs[i].runs == 51 && jobs[i].dones == 51;
	check(all, "draining waits for what done() submits");
	for (unsigned i = 0; i < 100; i++)
		port.submit(port.self, &jobs[i].work);
	lane_free(lane);
	for (unsigned i = 0; i < 100; i++)
		all &= jobs[i].dones == 52;
	check(all, "freeing drains");
	free(jobs);
}

struct submitter {
	pthread_t thread;
	struct lane_port port;
	struct job *jobs;
};

static void *submit_all(void *arg)
{
	struct submitter *s = arg;

	for (unsigned i = 0; i < WORKS / 4; i++)
		s->port.submit(s->port.self, &s->jobs[i].work);
	return NULL;
}

static void test_many_submitters(void)
{
	struct lane *lane = lane_new(loop, "many", THREADS, NULL);
	struct submitter s[SUBMITTERS];
	bool all = true;

	done_total = 0;
	for (unsigned i = 0; i < SUBMITTERS; i++) {
		s[i].port = lane_port(lane);
		s[i].jobs = new_jobs(lane, WORKS / 4);
		pthread_create(&s[i].thread, NULL, submit_all, &s[i]);
	}
	while (done_total < SUBMITTERS * (WORKS / 4) && loop_turn(loop, true))
		;
	for (unsigned i = 0; i < SUBMITTERS; i++) {
		pthread_join(s[i].thread, NULL);
		all &= all_once(s[i].jobs, WORKS / 4);
	}
	check(all, "several threads may submit");
	lane_free(lane);
	for (unsigned i = 0; i < SUBMITTERS; i++)
		free(s[i].jobs);
}

int main(void)
{
	main_thread = pthread_self();
	loop = loop_new();
	if (loop == NULL)
		return 1;
	test_loop_delivers();
	test_order();
	test_drain_all();
	test_resubmit();
	test_many_submitters();
	for (int i = 0; i < 50; i++)
		lane_free(lane_new(loop, "idle", THREADS, NULL));
	check(true, "lanes without work begin and end");
	loop_free(loop);
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 ? 0 : 1;
}
