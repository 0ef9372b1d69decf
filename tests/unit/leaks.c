/*
 * Under AddressSanitizer every Criterion test ends with a search for leaked memory: in its children the
 * search at exit never happens. The linker puts this in the place of Criterion's own function (--wrap).
 */
#include <criterion/criterion.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>

void __real_criterion_internal_test_teardown(void);
void __wrap_criterion_internal_test_teardown(void);

void __wrap_criterion_internal_test_teardown(void)
{
	__real_criterion_internal_test_teardown();
	if (__lsan_do_recoverable_leak_check() != 0)
		criterion_test_die("memory was leaked");
}
#endif
