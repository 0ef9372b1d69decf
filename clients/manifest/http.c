/* The bytes of HTTP requests and answers. */
#include "manifest/http.h"

#include <strings.h>

#include "base/text.h"

static const struct {
	int status;
	const char *words;
} statuses[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {422, "Unprocessable Content"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {505, "HTTP Version Not Supported"},
};

size_t http_head_end(struct span arrived)
{
	const void *at = arrived.n == 0 ? NULL : memmem(arrived.p, arrived.n, "\r\n\r\n", 4);

	return at == NULL ? 0 : (size_t)((const uint8_t *)at - arrived.p) + 4;
}

static bool is_token(struct span s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter && (c == 0 || strchr(others, c) == NULL))
			return false;
	}
	return s.n > 0;
}

/* Printable ASCII without spaces. */
static bool is_target(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return false;
	return s.n > 0 && s.p[0] == '/';
}

static bool is_value(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return true;
}

/* Takes a line that ends in CR LF, of which neither stands in it. */
static bool take_line(struct span *rest, struct span *ret_line)
{
	if (!span_cut(rest, '\n', ret_line) || ret_line->n == 0 || ret_line->p[ret_line->n - 1] != '\r')
		return false;
	ret_line->n--;
	return true;
}

static struct span trimmed(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_of(s.p + 1, s.n - 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static int parse_first(struct span line, struct http_request *r)
{
	static const char versions[] = "HTTP/1.";
	struct span rest = line;

	if (!span_cut(&rest, ' ', &r->method) || !span_cut(&rest, ' ', &r->target) || !is_token(r->method) ||
	    !is_target(r->target))
		return 400;
	if (rest.n != sizeof(versions) || memcmp(rest.p, "HTTP/", 5) != 0)
		return 400;
	uint8_t minor = rest.p[rest.n - 1];
	if (memcmp(rest.p, versions, sizeof(versions) - 1) != 0 || (minor != '0' && minor != '1'))
		return 505;
	return 0;
}

static bool is_named(struct span name, const char *wanted)
{
	return name.n == strlen(wanted) && strncasecmp((const char *)name.p, wanted, name.n) == 0;
}

static int parse_field(struct span line, size_t body_max, struct http_request *r)
{
	struct span rest = line;
	struct span name;
	uint64_t n = 0;

	if (!span_cut(&rest, ':', &name) || !is_token(name) || !is_value(rest))
		return 400;
	struct span value = trimmed(rest);
	if (is_named(name, "transfer-encoding"))
		return 501;
	if (is_named(name, "expect"))
		r->expects = is_named(value, "100-continue");
	if (!is_named(name, "content-length"))
		return 0;
	if (r->has_length || !decimal_parse(value, &n))
		return 400;
	if (n > body_max)
		return 413;
	r->has_length = true;
	r->body_n = (size_t)n;
	return 0;
}

int http_head_parse(struct span head, size_t body_max, struct http_request *ret_request)
{
	struct http_request r = {.has_length = false};
	struct span rest = head;
	struct span line;

	if (!take_line(&rest, &line))
		return 400;
	int status = parse_first(line, &r);
	while (status == 0) {
		if (!take_line(&rest, &line))
			return 400;
		if (line.n == 0)
			break;
		status = parse_field(line, body_max, &r);
	}
	if (status == 0 && rest.n != 0)
		status = 400;
	if (status == 0)
		*ret_request = r;
	return status;
}

void http_reply_put(struct buffer *to, const struct http_reply *reply)
{
	const char *words = "";

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (statuses[i].status == reply->status)
			words = statuses[i].words;
	buffer_printf(to, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n", reply->status,
		      words, reply->type, reply->body.n);
	if (reply->allow != NULL)
		buffer_printf(to, "Allow: %s\r\n", reply->allow);
	buffer_put_str(
	    to, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n");
	if (!reply->head_only)
		buffer_put_span(to, reply->body);
}
