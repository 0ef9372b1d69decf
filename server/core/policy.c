/* Reading policies line by line, and holding a checkpoint against one. */
#include "core/policy.h"

#include "base/text.h"

enum { WORDS_MAX = 3 + POLICY_MEMBERS_MAX };

enum fault {
	FAULT_NONE = 0,
	FAULT_SIZE,
	FAULT_END,
	FAULT_BYTES,
	FAULT_KEYWORD,
	FAULT_WORDS,
	FAULT_KEY,
	FAULT_KEY_TYPE,
	FAULT_KEY_TWICE,
	FAULT_NAME_TAKEN,
	FAULT_NAME_NONE,
	FAULT_UNKNOWN,
	FAULT_MEMBER_TWICE,
	FAULT_THRESHOLD,
	FAULT_TOO_MANY,
	FAULT_QUORUM_TWICE,
	FAULT_QUORUM_ABSENT,
	FAULTS
};

static const struct policy_fault texts[FAULTS] = {
    [FAULT_SIZE] = {0, "policy.size", "策略文件过大：至多 262144 字节",
		    "the file is longer than 262144 bytes"},
    [FAULT_END] = {0, "policy.end", "最后一行没有换行符：文件可能被截断",
		   "the last line has no line feed: the file may be cut short"},
    [FAULT_BYTES] =
	{0, "policy.bytes", "含有控制字符（仅允许空格与制表符；换行为 LF，不用 CR）",
	 "there is a control character (blanks and tabs are allowed; lines end in LF, not CR LF)"},
    [FAULT_KEYWORD] = {0, "policy.keyword", "行首应为 log、witness、group、quorum 或 #",
		       "a line begins with log, witness, group, quorum or #"},
    [FAULT_WORDS] = {0, "policy.words",
		     "词数不符：log 公钥 [网址]；witness 名称 公钥 [网址]；group 名称 all|any|K "
		     "成员...；quorum 名称|none",
		     "wrong number of words: log VKEY [URL]; witness NAME VKEY [URL]; group NAME all|any|K "
		     "MEMBER...; quorum NAME|none"},
    [FAULT_KEY] = {0, "policy.key", "公钥书写不正确，或其编号与公钥不符：请重新复制整个公钥",
		   "the written key is malformed, or its id is not the key's: copy the whole key again"},
    [FAULT_KEY_TYPE] = {0, "policy.key_type",
			"公钥类型不符：日志须为 Ed25519（01），见证人须为 cosignature/v1（04）",
			"wrong type of key: a log's is Ed25519 (01), a witness's is cosignature/v1 (04)"},
    [FAULT_KEY_TWICE] = {0, "policy.key_twice", "同一公钥列出两次", "the same key is listed twice"},
    [FAULT_NAME_TAKEN] = {0, "policy.name_taken", "该名称已用于前面的见证人或组",
			  "a witness or a group above has this name"},
    [FAULT_NAME_NONE] = {0, "policy.name_none", "“none”只能用于 quorum",
			 "`none` can only stand after quorum"},
    [FAULT_UNKNOWN] = {0, "policy.unknown", "前面没有该名称的见证人或组",
		       "no witness and no group of this name is defined above"},
    [FAULT_MEMBER_TWICE] = {0, "policy.member_twice", "该名称已是某组成员：每个见证人只能算一次",
			    "this name is a member already: each counts in one place only"},
    [FAULT_THRESHOLD] = {0, "policy.threshold", "门限应为 all、any 或 1 至成员数之间的整数",
			 "the threshold is all, any, or a number from 1 to that of the members"},
    [FAULT_TOO_MANY] = {0, "policy.too_many", "过多：至多 32 个日志、32 个见证人、64 个组",
			"too many: at most 32 logs, 32 witnesses, 64 groups"},
    [FAULT_QUORUM_TWICE] = {0, "policy.quorum_twice", "quorum 行只能有一行", "there is a second quorum line"},
    [FAULT_QUORUM_ABSENT] = {0, "policy.quorum_absent", "没有 quorum 行：不要求见证时须写明 quorum none",
			     "there is no quorum line: write `quorum none` when no witness is demanded"},
};

struct line {
	struct span words[WORDS_MAX];
	size_t n;
};

struct reader {
	struct policy *policy;
	bool quorum;
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_text(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return true;
}

/* False: more words than any line can have. */
static bool cut_words(struct span text, struct line *ret_line)
{
	size_t at = 0;

	ret_line->n = 0;
	for (;;) {
		while (at < text.n && is_blank(text.p[at]))
			at++;
		if (at == text.n)
			return true;
		size_t from = at;
		while (at < text.n && !is_blank(text.p[at]))
			at++;
		if (ret_line->n == WORDS_MAX)
			return false;
		ret_line->words[ret_line->n++] = span_of(text.p + from, at - from);
	}
}

static size_t find_member(const struct policy *p, struct span name)
{
	size_t i = 0;

	while (i < p->members_n && !span_eq(p->members[i].name, name))
		i++;
	return i;
}

static enum fault check_name(const struct policy *p, struct span name)
{
	if (span_eq_str(name, "none"))
		return FAULT_NAME_NONE;
	return find_member(p, name) < p->members_n ? FAULT_NAME_TAKEN : FAULT_NONE;
}

/* Two lines for one key would let one party count twice. */
static enum fault add_key(struct policy_key *keys, size_t *n, size_t max, enum note_key_type type,
			  const struct span *words, size_t words_n)
{
	struct policy_key k = {.url = words_n > 1 ? words[1] : span_str("")};

	if (!note_key_parse(words[0], &k.key))
		return FAULT_KEY;
	if (k.key.type != type)
		return FAULT_KEY_TYPE;
	for (size_t i = 0; i < *n; i++) {
		bool same = memcmp(keys[i].key.key.b, k.key.key.b, PUBLIC_KEY_SIZE) == 0;
		if (same || (keys[i].key.id == k.key.id && span_eq(keys[i].key.name, k.key.name)))
			return FAULT_KEY_TWICE;
	}
	if (*n == max)
		return FAULT_TOO_MANY;
	keys[(*n)++] = k;
	return FAULT_NONE;
}

static enum fault read_log(struct reader *r, const struct line *line)
{
	struct policy *p = r->policy;

	return add_key(p->logs, &p->logs_n, POLICY_LOGS_MAX, NOTE_ED25519, line->words + 1, line->n - 1);
}

static enum fault read_witness(struct reader *r, const struct line *line)
{
	struct policy *p = r->policy;
	struct span name = line->words[1];
	enum fault fault = check_name(p, name);

	if (fault == FAULT_NONE)
		fault = add_key(p->witnesses, &p->witnesses_n, POLICY_WITNESSES_MAX, NOTE_COSIGNATURE,
				line->words + 2, line->n - 2);
	if (fault == FAULT_NONE)
		p->members[p->members_n++] = (struct policy_member){
		    .name = name, .witness = p->witnesses_n - 1, .parent = POLICY_MEMBERS_MAX};
	return fault;
}

static bool read_threshold(struct span word, size_t members, size_t *ret_need)
{
	uint64_t need = 0;

	if (span_eq_str(word, "any"))
		need = 1;
	else if (span_eq_str(word, "all"))
		need = members;
	else if (!decimal_parse(word, &need) || need == 0 || need > members)
		return false;
	*ret_need = (size_t)need;
	return true;
}

static enum fault read_group(struct reader *r, const struct line *line)
{
	struct policy *p = r->policy;
	struct policy_member group = {
	    .name = line->words[1], .group = true, .members_n = line->n - 3, .parent = POLICY_MEMBERS_MAX};
	enum fault fault = check_name(p, group.name);

	if (fault != FAULT_NONE)
		return fault;
	if (!read_threshold(line->words[2], group.members_n, &group.need))
		return FAULT_THRESHOLD;
	if (p->members_n - p->witnesses_n == POLICY_GROUPS_MAX)
		return FAULT_TOO_MANY;
	for (size_t i = 3; i < line->n; i++) {
		size_t m = find_member(p, line->words[i]);
		if (m == p->members_n)
			return span_eq_str(line->words[i], "none") ? FAULT_NAME_NONE : FAULT_UNKNOWN;
		if (p->members[m].parent != POLICY_MEMBERS_MAX)
			return FAULT_MEMBER_TWICE;
		p->members[m].parent = p->members_n;
	}
	p->members[p->members_n++] = group;
	return FAULT_NONE;
}

static enum fault read_quorum(struct reader *r, const struct line *line)
{
	struct policy *p = r->policy;

	if (r->quorum)
		return FAULT_QUORUM_TWICE;
	r->quorum = true;
	p->quorum_none = span_eq_str(line->words[1], "none");
	p->quorum = find_member(p, line->words[1]);
	return p->quorum_none || p->quorum < p->members_n ? FAULT_NONE : FAULT_UNKNOWN;
}

static const struct {
	const char *word;
	size_t least, most; /* words of the line */
	enum fault (*read)(struct reader *, const struct line *);
} keywords[] = {
    {"log", 2, 3, read_log},
    {"witness", 3, 4, read_witness},
    {"group", 4, WORDS_MAX, read_group},
    {"quorum", 2, 2, read_quorum},
};

static enum fault read_line(struct reader *r, struct span text)
{
	struct line line;

	if (!is_text(text))
		return FAULT_BYTES;
	size_t blanks = 0;
	while (blanks < text.n && is_blank(text.p[blanks]))
		blanks++;
	if (blanks == text.n || text.p[blanks] == '#')
		return FAULT_NONE;
	if (!cut_words(text, &line))
		return FAULT_WORDS;
	/* They are shown to people: what a comment holds is not. */
	for (size_t i = 0; i < line.n; i++)
		if (!text_is_clean(line.words[i]))
			return FAULT_BYTES;
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		if (!span_eq_str(line.words[0], keywords[i].word))
			continue;
		if (line.n < keywords[i].least || line.n > keywords[i].most)
			return FAULT_WORDS;
		return keywords[i].read(r, &line);
	}
	return FAULT_KEYWORD;
}

bool policy_parse(struct span text, struct policy *ret_policy, struct policy_fault *ret_fault)
{
	struct policy p = {.logs_n = 0};
	struct reader r = {.policy = &p};
	struct span rest = text;
	struct span line;
	enum fault fault = text.n > POLICY_SIZE_MAX ? FAULT_SIZE : FAULT_NONE;
	size_t lines = 0;

	while (fault == FAULT_NONE && span_cut(&rest, '\n', &line)) {
		lines++;
		fault = read_line(&r, line);
	}
	if (fault == FAULT_NONE && rest.n != 0) {
		lines++;
		fault = FAULT_END;
	} else if (fault == FAULT_NONE && !r.quorum) {
		lines = 0;
		fault = FAULT_QUORUM_ABSENT;
	}
	if (fault != FAULT_NONE) {
		*ret_fault = texts[fault];
		ret_fault->line = lines;
		return false;
	}
	*ret_policy = p;
	return true;
}

/* ---- a checkpoint against a policy ---- */

/* Members stand before their group: one walk settles all. */
void policy_settle(const struct policy *policy, struct policy_facts *facts)
{
	size_t witnessed[POLICY_MEMBERS_MAX] = {0};

	for (size_t i = 0; i < policy->members_n; i++) {
		const struct policy_member *m = &policy->members[i];
		facts->held[i] = m->group ? witnessed[i] >= m->need : facts->cosigned[m->witness];
		if (facts->held[i] && m->parent < policy->members_n)
			witnessed[m->parent]++;
	}
	facts->quorum = policy->quorum_none || facts->held[policy->quorum];
}

enum log_failure policy_check(const struct policy *policy, const struct note_key *log_key, struct span note,
			      struct policy_facts *ret_facts)
{
	struct note_key keys[POLICY_LOGS_MAX + POLICY_WITNESSES_MAX];
	struct policy_facts facts = {.cosigned_n = 0};
	struct note_signatures by;
	struct span text;
	const struct note_key *log = NULL;
	size_t logs_n = 0;
	size_t n = 0;

	if (log_key != NULL)
		keys[logs_n++] = *log_key;
	else
		for (; logs_n < policy->logs_n; logs_n++)
			keys[logs_n] = policy->logs[logs_n].key;
	for (n = 0; n < policy->witnesses_n; n++)
		keys[logs_n + n] = policy->witnesses[n].key;
	enum log_failure failure = note_open(note, keys, logs_n + n, &text, &by);
	if (failure != LOG_HOLDS)
		return failure;
	if (!checkpoint_parse_text(text, &facts.checkpoint))
		return LOG_CHECKPOINT_MALFORMED;
	bool signed_by_a_log = false;
	for (size_t i = 0; i < by.n; i++) {
		const struct note_signature *s = &by.good[i];
		if (s->key >= logs_n) {
			facts.cosigned[s->key - logs_n] = true;
			facts.time[s->key - logs_n] = s->time;
			facts.cosigned_n++;
			continue;
		}
		signed_by_a_log = true;
		if (span_eq(keys[s->key].name, facts.checkpoint.origin))
			log = log_key != NULL ? log_key : &policy->logs[s->key].key;
	}
	if (log == NULL)
		return signed_by_a_log ? LOG_ORIGIN_DIFFERS : LOG_KEY_MISSING;
	facts.log = *log;
	policy_settle(policy, &facts);
	*ret_facts = facts;
	return facts.quorum ? LOG_HOLDS : LOG_QUORUM_MISSING;
}

/* Is this group one that the quorum is short of: not held, and under no other group that is held or unused?
 */
static bool is_wanting(const struct policy *policy, const struct policy_facts *facts, size_t i)
{
	while (!facts->held[i] && i != policy->quorum && policy->members[i].parent < policy->members_n)
		i = policy->members[i].parent;
	return !facts->held[i] && i == policy->quorum;
}

void policy_put_missing(const struct policy *policy, const struct policy_facts *facts, struct buffer *to)
{
	for (size_t i = policy->members_n; i-- > 0 && !facts->quorum;) {
		const struct policy_member *m = &policy->members[i];
		size_t held = 0;
		if (!is_wanting(policy, facts, i) || (!m->group && i != policy->quorum))
			continue;
		for (size_t k = 0; k < i; k++)
			held += policy->members[k].parent == i && facts->held[k] ? 1 : 0;
		buffer_put_span(to, m->name);
		buffer_printf(to, ": %zu of %zu, missing", held, m->group ? m->need : 1);
		for (size_t k = 0; k <= i; k++) {
			if (facts->held[k] || (m->group ? policy->members[k].parent != i : k != i))
				continue;
			buffer_put_u8(to, ' ');
			buffer_put_span(to, policy->members[k].name);
		}
		buffer_put_u8(to, '\n');
	}
}

uint64_t policy_earliest(const struct policy *policy, const struct policy_facts *facts)
{
	uint64_t earliest = 0;

	for (size_t i = 0; i < POLICY_WITNESSES_MAX; i++) {
		struct policy_facts until = *facts;
		if (!facts->cosigned[i] || (earliest != 0 && facts->time[i] >= earliest))
			continue;
		for (size_t k = 0; k < POLICY_WITNESSES_MAX; k++)
			until.cosigned[k] = facts->cosigned[k] && facts->time[k] <= facts->time[i];
		policy_settle(policy, &until);
		if (until.quorum || !facts->quorum)
			earliest = facts->time[i];
	}
	return earliest;
}
