#include <stdio.h>
#include "city/report.h"
void report_print(struct report *r)
{
	(void)printf("flags %zu manifests %zu trail %zu p50 %lld\n", r->flags.n, r->manifests.n, r->trail.n, (long long)tally_percentile(r->day, 500));
}
bool report_json(struct report *r) { report_print(r); return true; }
