/* Owns the requests of one thread, and the flag that ends them. */
#include "witness/witness.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_bool stopping;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void library_begin(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

void *witness_begin(void *arg)
{
	(void)arg;
	(void)pthread_once(&once, library_begin);
	return curl_easy_init();
}

void witness_end(void *arg, void *thread)
{
	(void)arg;
	curl_easy_cleanup(thread);
}

void witness_stop(void)
{
	atomic_store(&stopping, true);
}

static int on_progress(void *self, curl_off_t down, curl_off_t down_now, curl_off_t up, curl_off_t up_now)
{
	(void)self;
	(void)down;
	(void)down_now;
	(void)up;
	(void)up_now;
	return atomic_load(&stopping) ? 1 : 0;
}

struct taking {
	struct buffer *to;
	size_t left;
};

static size_t on_bytes(char *bytes, size_t size, size_t n, void *self)
{
	struct taking *t = self;

	n *= size;
	if (n > t->left)
		return 0; /* ends the request */
	t->left -= n;
	buffer_put(t->to, bytes, n);
	return buffer_ok(t->to) ? n : 0;
}

/* No "Expect: 100-continue" and its second of waiting, and no form's type. */
static struct curl_slist *headers(void)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	struct curl_slist *both =
	    list == NULL ? NULL : curl_slist_append(list, "Content-Type: text/plain; charset=utf-8");

	if (both == NULL)
		curl_slist_free_all(list);
	return both;
}

/* A lookup of a name that outlasts its request is left behind: without QUICK_EXIT libcurl would wait for its
 * thread, which the C library lets nobody end. */
static bool set_up(CURL *curl, const char *url, struct span body, micros within, struct curl_slist *list,
		   struct taking *taking, char *error)
{
	long ms = (long)(within / 1000);

	curl_easy_reset(curl);
	return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ms < 1 ? 1L : ms) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, ms < 1 ? 1L : ms) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEDATA, taking) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list) == CURLE_OK &&
	       (body.n == 0 ||
		(curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
		 curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n) == CURLE_OK &&
		 curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)body.p) == CURLE_OK));
}

static int ask(void *thread, const char *url, struct span body, micros within, struct buffer *ret_answer,
	       char ret_error[WITNESS_ERROR_SIZE])
{
	char error[CURL_ERROR_SIZE] = "";
	struct taking taking = {.to = ret_answer, .left = WITNESS_ANSWER_MAX};
	struct curl_slist *list = headers();
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long status = 0;

	if (thread != NULL && list != NULL && set_up(thread, url, body, within, list, &taking, error)) {
		code = curl_easy_perform(thread);
		if (code == CURLE_OK)
			(void)curl_easy_getinfo(thread, CURLINFO_RESPONSE_CODE, &status);
		/* What it points to goes away. */
		curl_easy_reset(thread);
	}
	curl_slist_free_all(list);
	if (code != CURLE_OK)
		(void)snprintf(ret_error, WITNESS_ERROR_SIZE, "%.200s",
			       error[0] == '\0' ? curl_easy_strerror(code) : error);
	return (int)status;
}

struct witness_port witness_port(void)
{
	return (struct witness_port){.ask = ask};
}
