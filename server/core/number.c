#include "core/number.h"

#include "base/text.h"

#define SERIALS    UINT64_C(1000000) /* a city and year have 10^6, of which 000000 is not used */
#define CITIES     UINT64_C(10000)
#define NUMBER_END UINT64_C(100000000000000)

struct manifest_number_parts manifest_number_parts(uint64_t number)
{
	return (struct manifest_number_parts){
	    .year = (unsigned)(number / (SERIALS * CITIES)),
	    .city = (unsigned)(number / SERIALS % CITIES),
	    .serial = (unsigned)(number % SERIALS),
	};
}

bool manifest_number_make(struct manifest_number_parts parts, uint64_t *ret_number)
{
	if (parts.year < NUMBER_YEAR_MIN || parts.year > NUMBER_YEAR_MAX)
		return false;
	/* Provinces are numbered from 11 (GB/T 2260). */
	if (parts.city < 1101 || parts.city >= CITIES || parts.city % 100 == 0)
		return false;
	if (parts.serial < 1 || parts.serial > NUMBER_SERIAL_MAX)
		return false;
	*ret_number = (parts.year * CITIES + parts.city) * SERIALS + parts.serial;
	return true;
}

bool manifest_number_is_valid(uint64_t number)
{
	uint64_t same;

	return number < NUMBER_END && manifest_number_make(manifest_number_parts(number), &same);
}

bool manifest_number_parse(struct span text, uint64_t *ret_number)
{
	uint64_t number;

	if (text.n != NUMBER_DIGITS || !decimal_parse(text, &number) || !manifest_number_is_valid(number))
		return false;
	*ret_number = number;
	return true;
}

void manifest_number_format(uint64_t number, char ret_text[NUMBER_DIGITS + 1])
{
	for (int i = NUMBER_DIGITS - 1; i >= 0; i--) {
		ret_text[i] = (char)('0' + number % 10);
		number /= 10;
	}
	ret_text[NUMBER_DIGITS] = '\0';
}

bool manifest_number_same_sequence(uint64_t a, uint64_t b)
{
	return a / SERIALS == b / SERIALS;
}

bool manifest_number_city(struct span division, unsigned *ret_city)
{
	uint64_t code;

	if (division.n != 6 || !decimal_parse(division, &code))
		return false;
	*ret_city = (unsigned)(code / 100);
	return true;
}
