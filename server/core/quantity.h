/*
 * Quantities of waste as text: tonnes, kilograms or grams, exactly, as int64 grams without floating point.
 */
#ifndef CORE_QUANTITY_H
#define CORE_QUANTITY_H

#include "base/span.h"

enum { QUANTITY_TEXT_SIZE = 32 };

enum mass_unit { MASS_GRAM, MASS_KILOGRAM, MASS_TONNE };

/* The shortest exact form in the largest unit that is reached: "1.25 t", "800 kg", "500 g", "0 g", "-2.5 kg".
 */
void grams_format(int64_t grams, char ret_text[QUANTITY_TEXT_SIZE]);

/*
 * Digits, perhaps a point and digits, one space or none, and a unit: t, kg, g, 吨, 千克, 公斤, 克. Not
 * signed. False for anything else, for what is not whole grams, and for more than 9.2 * 10^18 g.
 */
bool grams_parse(struct span text, int64_t *ret_grams) MUST_CHECK;
/* The same without a unit in the text: exports state tonnes in a column of their own. */
bool grams_parse_in(struct span text, enum mass_unit unit, int64_t *ret_grams) MUST_CHECK;

#endif
