/*
 * Policies (C2SP tlog-policy): which logs are believed, which witnesses are known, and how many of them, from
 * which groups, must have cosigned a checkpoint before it is accepted. Two of three sides that do not trust
 * each other are one line: the operator alone then cannot make an accepted checkpoint. Pure.
 *
 * The file is lines of words between blanks and tabs; `#` begins a comment line:
 *	log VKEY [URL]			whose origin is the key's name
 *	witness NAME VKEY [URL]
 *	group NAME all|any|K MEMBER...	names of lines before it; no name is a member twice
 *	quorum NAME|none		exactly one line
 */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include "core/checkpoint.h"

enum {
	POLICY_SIZE_MAX = 256 * 1024,
	POLICY_LOGS_MAX = 32,
	POLICY_WITNESSES_MAX = 32,
	POLICY_GROUPS_MAX = 64
};
enum { POLICY_MEMBERS_MAX = POLICY_WITNESSES_MAX + POLICY_GROUPS_MAX };

struct policy_key {
	struct note_key key;
	struct span url; /* or empty */
};

/* A witness, or a group: what may stand in a group or be the quorum. */
struct policy_member {
	struct span name;
	bool group;
	size_t witness;   /* which one; groups: not read */
	size_t need;      /* how many of its members; witnesses: 0 */
	size_t members_n; /* witnesses: 0 */
	size_t parent; /* the group that it is in, always further on in the list; POLICY_MEMBERS_MAX: none */
};

/* Spans are borrowed from the text, and may hold any bytes but ASCII's control characters. */
struct policy {
	struct policy_key logs[POLICY_LOGS_MAX];
	size_t logs_n; /* 0: which log is known from elsewhere */
	struct policy_key witnesses[POLICY_WITNESSES_MAX];
	size_t witnesses_n;
	struct policy_member members[POLICY_MEMBERS_MAX]; /* in the order of their lines */
	size_t members_n;
	bool quorum_none;
	size_t quorum; /* which member, unless quorum_none */
};

struct policy_fault {
	size_t line; /* from 1; 0: the file as a whole */
	const char *id;
	const char *zh;
	const char *en;
};

bool policy_parse(struct span text, struct policy *ret_policy, struct policy_fault *ret_fault) MUST_CHECK;

struct policy_facts {
	struct checkpoint checkpoint;  /* its origin is borrowed from the note */
	struct note_key log;           /* that signed it; its name is borrowed */
	bool held[POLICY_MEMBERS_MAX]; /* which members of the policy have witnessed it */
	bool cosigned[POLICY_WITNESSES_MAX];
	uint64_t time[POLICY_WITNESSES_MAX]; /* when they say they did, seconds since 1970 */
	size_t cosigned_n;
	bool quorum;
};

/*
 * Checks a checkpoint's note: the signature of the log that it names, all cosignatures of known witnesses,
 * and the quorum. `log_key` is the one log that is believed; NULL: those of the policy. Fails as
 * checkpoint_open(), or with QUORUM_MISSING, when ret_facts is written all the same.
 */
enum log_failure policy_check(const struct policy *policy, const struct note_key *log_key, struct span note,
			      struct policy_facts *ret_facts) MUST_CHECK;

/* What follows from facts->cosigned: which members are held, and the quorum. */
void policy_settle(const struct policy *policy, struct policy_facts *facts);

/* What keeps the quorum from being reached, one line for each group: "sides: 1 of 2, missing a b". Nothing is
 * written when it is reached. */
void policy_put_missing(const struct policy *policy, const struct policy_facts *facts, struct buffer *to);

/*
 * When the cosignatures made up to then were enough: the checkpoint, and what is in it, existed by that time,
 * unless as many witnesses dated back as the policy trusts together. The earliest of all, while they are not
 * enough or none is demanded. 0: nobody cosigned.
 */
uint64_t policy_earliest(const struct policy *policy, const struct policy_facts *facts);

#endif
