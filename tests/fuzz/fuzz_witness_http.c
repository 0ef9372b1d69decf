/* Heads of requests to a witness, from strangers: whatever is accepted lies within the bytes and its limits.
 */
#include <stdlib.h>

#include "manifest/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 262144 };

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static bool lies_in(struct span s, struct span whole)
{
	return s.p >= whole.p && s.p + s.n <= whole.p + whole.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = span_of(data, size);
	size_t end = http_head_end(input);
	struct http_request r = {.body_n = 7};

	expect(end <= size && (end == 0 || memcmp(data + end - 4, "\r\n\r\n", 4) == 0));
	if (end == 0)
		return 0;
	struct span head = span_of(data, end);
	int status = http_head_parse(head, BODY_MAX, &r);
	if (status != 0) {
		expect(status >= 400 && status < 600 && r.body_n == 7);
		return 0;
	}
	expect(r.method.n > 0 && lies_in(r.method, head));
	expect(r.target.n > 0 && lies_in(r.target, head) && r.target.p[0] == '/');
	expect(r.body_n <= BODY_MAX && (r.has_length || r.body_n == 0));
	return 0;
}
