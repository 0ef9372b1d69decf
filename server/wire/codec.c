#include "wire/codec.h"

#include "wire/schema.h"

bool event_decode(struct span payload, struct arena *arena, struct problems *problems,
		  struct event *ret_event)
{
	return message_decode(&event_message, payload, arena, problems, ret_event);
}

bool event_encode(const struct event *event, struct buffer *to)
{
	return message_encode(&event_message, event, to);
}
