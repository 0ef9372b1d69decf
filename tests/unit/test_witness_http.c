/* http: heads good and bad, and the bytes of an answer. */
#include <criterion/criterion.h>

#include "manifest/http.h"

enum { BODY_MAX = 1000 };

#define POST "POST /a HTTP/1.1\r\n"

Test(witness_http, heads)
{
	static const struct {
		const char *head;
		int status;
		size_t body_n;
	} rows[] = {
	    {"GET / HTTP/1.1\r\n\r\n", 0, 0},
	    {"GET / HTTP/1.0\r\nHost: x\r\nAccept:\r\n\r\n", 0, 0},
	    {POST "Content-Length: 1000\r\n\r\n", 0, 1000},
	    {POST "content-LENGTH:\t 7\t \r\n\r\n", 0, 7},
	    {POST "Content-Length: 1001\r\n\r\n", 413, 0},
	    {POST "Content-Length: 18446744073709551615\r\n\r\n", 413, 0},
	    {POST "Content-Length: 18446744073709551616\r\n\r\n", 400, 0},
	    {POST "Content-Length: 7, 7\r\n\r\n", 400, 0},
	    {POST "Content-Length: 07\r\n\r\n", 400, 0},
	    {POST "Content-Length:\r\n\r\n", 400, 0},
	    {POST "Content-Length: 7\r\nContent-Length: 7\r\n\r\n", 400, 0},
	    {POST "Transfer-Encoding: identity\r\n\r\n", 501, 0},
	    {POST "Content-Length : 7\r\n\r\n", 400, 0},
	    {POST " Content-Length: 7\r\n\r\n", 400, 0},
	    {POST ": 7\r\n\r\n", 400, 0},
	    {POST "no colon\r\n\r\n", 400, 0},
	    {POST "A: \x01\r\n\r\n", 400, 0},
	    {POST "A: x\n\r\n", 400, 0},
	    {POST "A: x\ry\r\n\r\n", 400, 0},
	    {"GET / HTTP/1.2\r\n\r\n", 505, 0},
	    {"GET / HTTP/2.0\r\n\r\n", 505, 0},
	    {"GET / http/1.1\r\n\r\n", 400, 0},
	    {"GET / HTTP/1.1 \r\n\r\n", 400, 0},
	    {"GET  / HTTP/1.1\r\n\r\n", 400, 0},
	    {"GET / \r\n\r\n", 400, 0},
	    {"GET /\r\n\r\n", 400, 0},
	    {"GET x HTTP/1.1\r\n\r\n", 400, 0},
	    {"GET http://h/ HTTP/1.1\r\n\r\n", 400, 0},
	    {"GET /\x7f HTTP/1.1\r\n\r\n", 400, 0},
	    {"G(T / HTTP/1.1\r\n\r\n", 400, 0},
	    {" / HTTP/1.1\r\n\r\n", 400, 0},
	    {"\r\n\r\n", 400, 0},
	    {"GET / HTTP/1.1\r\n\r\nmore\r\n\r\n", 400, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_request r = {.body_n = 99};
		cr_expect_eq(http_head_parse(span_str(rows[i].head), BODY_MAX, &r), rows[i].status, "row %zu",
			     i);
		cr_expect_eq(r.body_n, rows[i].status == 0 ? rows[i].body_n : 99, "row %zu", i);
	}
}

Test(witness_http, what_is_read)
{
	struct http_request r;

	cr_assert_eq(
	    http_head_parse(span_str("POST /x?y HTTP/1.1\r\nExpect: 100-Continue\r\n\r\n"), BODY_MAX, &r), 0);
	cr_expect(span_eq_str(r.method, "POST") && span_eq_str(r.target, "/x?y") && r.expects &&
		  !r.has_length);
}

Test(witness_http, where_a_head_ends)
{
	static const char head[] = "GET / HTTP/1.1\r\nA: b\r\n\r\nbody";

	for (size_t n = 0; n < sizeof(head); n++)
		cr_expect_eq(http_head_end(span_of(head, n)), n < 24 ? 0u : 24u, "%zu", n);
	cr_expect_eq(http_head_end(span_of(NULL, 0)), 0u);
	cr_expect_eq(http_head_end(span_str("A\n\nB\r\r\n\n")), 0u);
}

Test(witness_http, answers)
{
	struct buffer b = BUFFER_EMPTY;
	struct http_reply reply = {.status = 409, .type = "text/x.tlog.size", .body = span_str("7\n")};

	http_reply_put(&b, &reply);
	cr_expect(
	    span_eq_str(buffer_span(&b),
			"HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size\r\nContent-Length: 2\r\n"
			"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: "
			"close\r\n\r\n7\n"));
	buffer_clear(&b);
	reply = (struct http_reply){
	    .status = 405, .type = "t/t", .body = span_str("no\n"), .allow = "POST", .head_only = true};
	http_reply_put(&b, &reply);
	cr_expect(span_eq_str(buffer_span(&b),
			      "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: t/t\r\nContent-Length: "
			      "3\r\nAllow: POST\r\nCache-Control: no-store\r\nX-Content-Type-Options: "
			      "nosniff\r\nConnection: close\r\n\r\n"));
	buffer_free(&b);
}
