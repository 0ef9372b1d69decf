#include "core/event.h"

#include "core/words.h"

const char *event_kind_name(enum event_kind kind)
{
	return word_of(event_words, (int)kind)->name;
}
