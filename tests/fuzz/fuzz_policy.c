/* Policies from strangers, and a cosigned checkpoint held against them: two ways of counting a quorum agree.
 */
#include <stdlib.h>

#include "core/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Signed by the keys of the corpus: the log's, and one witness's. */
#define NOTE                                                                                                 \
	"shenyang.example/log\n7\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n"                          \
	"\xe2\x80\x94 shenyang.example/log "                                                                 \
	"D817Mf/9ePwKOdxG7FfExe092hrMQT3EgnXw6Cw3Wteu8H24CPCIKurrpxkyVSuu3G/gqG04mtHMB9C5xFbe1xSDyw8=\n"     \
	"\xe2\x80\x94 witness.example/沈阳 "                                                               \
	"6ycSWAAAAABpJIEA9o+4i2087ApWa6bH3kCBld4eTqq8yYyBizG/s0+m/B/MKAtt9bxuhBlCuyPoVnO2V4QXYNUyRvUKDh+"    \
	"hkJ5kBw==\n"

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static bool counts(const struct policy *p, const struct policy_facts *f, size_t m)
{
	size_t held = 0;

	if (!p->members[m].group)
		return f->cosigned[p->members[m].witness];
	for (size_t i = 0; i < m; i++)
		held += p->members[i].parent == m && counts(p, f, i) ? 1 : 0;
	return held >= p->members[m].need;
}

static void check_form(const struct policy *p)
{
	expect(p->logs_n <= POLICY_LOGS_MAX && p->witnesses_n <= POLICY_WITNESSES_MAX);
	expect(p->quorum_none || p->quorum < p->members_n);
	for (size_t i = 0; i < p->members_n; i++) {
		const struct policy_member *m = &p->members[i];
		expect(m->parent == POLICY_MEMBERS_MAX || (m->parent > i && m->parent < p->members_n));
		expect(!m->group || (m->need >= 1 && m->need <= m->members_n));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy p;
	struct policy_fault fault = {.line = 0};
	struct policy_facts facts;
	struct buffer missing = BUFFER_EMPTY;

	expect(crypto_start());
	if (!policy_parse(span_of(data, size), &p, &fault)) {
		expect(fault.id != NULL && fault.zh != NULL && fault.en != NULL && fault.line <= size + 1);
		return 0;
	}
	check_form(&p);
	enum log_failure failure = policy_check(&p, NULL, span_str(NOTE), &facts);
	if (failure != LOG_HOLDS && failure != LOG_QUORUM_MISSING)
		return 0;
	expect(facts.checkpoint.size == 7 && facts.cosigned_n <= 1);
	expect(facts.quorum == (p.quorum_none || counts(&p, &facts, p.quorum)));
	policy_put_missing(&p, &facts, &missing);
	expect(!buffer_ok(&missing) || facts.quorum == (missing.n == 0));
	buffer_free(&missing);
	return 0;
}
