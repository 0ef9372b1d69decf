#include <criterion/criterion.h>

#include "crypto/multiset.h"

static struct multiset_key key;

static struct multiset bag(const char *const *strings, size_t n)
{
	struct multiset m = {.n = 0};

	for (size_t i = 0; i < n; i++)
		multiset_add(&m, &key, span_str(strings[i]), 1);
	return m;
}

#define BAG(...)                                                                                             \
	bag((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

Test(multiset, is_the_same_in_any_order_and_differs_in_anything_else)
{
	multiset_new_key(&key);
	const struct multiset m = BAG("a", "b", "b", "");
	const struct multiset same[] = {BAG("b", "a", "", "b"), BAG("", "b", "b", "a")};
	const struct multiset other[] = {BAG("a", "b", ""),          BAG("a", "a", "b", ""),
					 BAG("a", "b", "b", "", ""), BAG("a", "bb", "", ""),
					 BAG("a", "b", "c", ""),     BAG("ab", "b", ""),
					 (struct multiset){.n = 0},  (struct multiset){.n = 4}};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		cr_assert(multiset_eq(&m, &same[i]), "%zu", i);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		cr_assert(!multiset_eq(&m, &other[i]), "%zu", i);
}

Test(multiset, adds_as_often_as_it_is_told)
{
	multiset_new_key(&key);
	struct multiset times = {.n = 0};
	const struct multiset each = BAG("a", "b", "b", "b");

	multiset_add(&times, &key, span_str("b"), 3);
	multiset_add(&times, &key, span_str("c"), 0);
	multiset_add(&times, &key, span_str("a"), 1);
	cr_assert(multiset_eq(&times, &each));
}

Test(multiset, has_a_key_of_its_own)
{
	multiset_new_key(&key);
	const struct multiset before = BAG("a");

	multiset_new_key(&key);
	const struct multiset after = BAG("a");
	cr_assert(!multiset_eq(&before, &after));
}
