/* Owns statuses and header lines. */
#include "web/reply.h"

#include <time.h>

static const struct status {
	int status;
	const char *words;
	const char *fields; /* that the status demands */
} statuses[] = {
    {200, "OK", ""},
    {400, "Bad Request", ""},
    {401, "Unauthorized", "WWW-Authenticate: Bearer realm=\"manifest\"\r\n"},
    {403, "Forbidden", ""},
    {404, "Not Found", ""},
    {405, "Method Not Allowed", "Allow: GET, HEAD\r\n"},
    {413, "Content Too Large", ""},
    {414, "URI Too Long", ""},
    {429, "Too Many Requests", "Retry-After: 1\r\n"},
    {431, "Request Header Fields Too Large", ""},
    {500, "Internal Server Error", ""},
    {503, "Service Unavailable", "Retry-After: 1\r\n"},
    {505, "HTTP Version Not Supported", ""},
};

static void put_date(struct buffer *to, micros now)
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(now / MICROS_PER_SECOND);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		return;
	buffer_printf(to, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday], tm.tm_mday,
		      months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void reply_put(struct buffer *to, const struct reply *reply, micros now)
{
	const struct status *row = &statuses[0];

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (statuses[i].status == reply->status)
			row = &statuses[i];
	buffer_printf(to, "HTTP/1.1 %d %s\r\n", row->status, row->words);
	put_date(to, now);
	buffer_printf(to, "Content-Type: %s\r\nContent-Length: %zu\r\n", reply->type, reply->body.n);
	buffer_put_str(to, row->fields);
	buffer_printf(to, "Cache-Control: %s\r\n", reply->cache == NULL ? "no-store" : reply->cache);
	buffer_put_str(to, "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n");
	if (!reply->head)
		buffer_put_span(to, reply->body);
}
