/* Owns the syntax of a request's head. */
#include "web/head.h"

#include <strings.h>

enum { METHOD_MAX_LENGTH = 16 };

size_t head_end(struct span arrived)
{
	const uint8_t *at = arrived.n == 0 ? NULL : memmem(arrived.p, arrived.n, "\r\n\r\n", 4);

	return at == NULL ? 0 : (size_t)(at - arrived.p) + 4;
}

/* Cuts a line that ends in CR LF. */
static bool take_line(struct span *rest, struct span *ret_line)
{
	const uint8_t *at = rest->n == 0 ? NULL : memmem(rest->p, rest->n, "\r\n", 2);

	if (at == NULL)
		return false;
	*ret_line = span_of(rest->p, (size_t)(at - rest->p));
	*rest = span_of(at + 2, rest->n - ret_line->n - 2);
	return true;
}

static bool is_token_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_token_byte(s.p[i]))
			return false;
	return s.n > 0;
}

static bool is_visible(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return false;
	return true;
}

static enum head_fault parse_request_line(struct span line, struct head *head, bool *ret_host_needed)
{
	struct span method, target;

	if (!span_cut(&line, ' ', &method) || !is_token(method) || method.n > METHOD_MAX_LENGTH)
		return HEAD_SYNTAX;
	if (!span_cut(&line, ' ', &target) || target.n == 0 || target.p[0] != '/' || !is_visible(target) ||
	    memchr(target.p, '#', target.n) != NULL)
		return HEAD_SYNTAX;
	head->method = method;
	head->query = target;
	if (!span_cut(&head->query, '?', &head->path)) {
		head->path = target;
		head->query = span_of(NULL, 0);
	}
	*ret_host_needed = span_eq_str(line, "HTTP/1.1");
	if (*ret_host_needed || span_eq_str(line, "HTTP/1.0"))
		return HEAD_GOOD;
	return line.n == 8 && memcmp(line.p, "HTTP/", 5) == 0 ? HEAD_VERSION : HEAD_SYNTAX;
}

static struct span trim(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_of(s.p + 1, s.n - 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static bool is_value(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return true;
}

/* Headers that matter. Each may come once. */
enum known { AUTHORIZATION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, KNOWN };
static const char *const known_names[KNOWN] = {"authorization", "content-length", "host",
					       "transfer-encoding"};

static enum known which(struct span name)
{
	for (int i = 0; i < KNOWN; i++)
		if (name.n == strlen(known_names[i]) &&
		    strncasecmp((const char *)name.p, known_names[i], name.n) == 0)
			return (enum known)i;
	return KNOWN;
}

static void take_authorization(struct span value, struct head *head)
{
	static const char scheme[] = "bearer";
	struct span word;

	if (!span_cut(&value, ' ', &word) || word.n != sizeof(scheme) - 1 ||
	    strncasecmp((const char *)word.p, scheme, word.n) != 0)
		return;
	head->token = trim(value);
	head->bearer = head->token.n > 0 && is_visible(head->token);
}

static bool take_header(struct span line, struct head *head, bool seen[KNOWN])
{
	struct span name;

	if (!span_cut(&line, ':', &name) || !is_token(name) || !is_value(line))
		return false;
	struct span value = trim(line);
	enum known header = which(name);
	if (header == KNOWN)
		return true;
	if (seen[header])
		return false;
	seen[header] = true;
	if (header == AUTHORIZATION)
		take_authorization(value, head);
	else if (header != HOST)
		head->body |= header == TRANSFER_ENCODING || !span_eq_str(value, "0");
	return true;
}

enum head_fault head_parse(struct span bytes, struct head *ret_head)
{
	bool seen[KNOWN] = {false};
	bool host_needed = false;
	struct span line;

	*ret_head = (struct head){0};
	if (!take_line(&bytes, &line))
		return bytes.n >= HEAD_MAX ? HEAD_TARGET : HEAD_SYNTAX;
	enum head_fault fault = parse_request_line(line, ret_head, &host_needed);
	if (fault != HEAD_GOOD)
		return fault;
	for (;;) {
		if (!take_line(&bytes, &line))
			return HEAD_TOO_LONG;
		if (line.n == 0)
			break;
		if (!take_header(line, ret_head, seen))
			return HEAD_SYNTAX;
	}
	return bytes.n == 0 && (seen[HOST] || !host_needed) ? HEAD_GOOD : HEAD_SYNTAX;
}
