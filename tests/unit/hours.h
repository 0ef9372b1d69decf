/* Lengths of time, as micros. */
#ifndef TESTS_HOURS_H
#define TESTS_HOURS_H

#include "core/event.h"

#define HOUR (INT64_C(3600) * MICROS_PER_SECOND)
#define DAY  (24 * HOUR)

#endif
