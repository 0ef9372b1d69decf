/* The hashes of the Merkle tree, and the verification of its proofs. How trees are kept: tree.c. */
#include "core/merkle.h"

enum { PREFIX_LEAF = 0, PREFIX_NODE = 1 };

struct digest merkle_leaf(struct span data)
{
	return digest_prefixed(PREFIX_LEAF, data, span_of(NULL, 0));
}

struct digest merkle_node(const struct digest *left, const struct digest *right)
{
	return digest_prefixed(PREFIX_NODE, digest_span(left), digest_span(right));
}

/* Keeps one hash for each set bit of the count so far, as a log does. */
struct digest merkle_root(const struct digest *leaves, size_t n)
{
	struct digest peaks[MERKLE_HEIGHTS];
	struct digest rests[MERKLE_HEIGHTS + 1];

	if (n == 0)
		return digest_of(span_of(NULL, 0));
	for (size_t i = 0; i < n; i++) {
		struct digest node = leaves[i];
		unsigned h = 0;
		for (; (i >> h & 1) != 0; h++)
			node = merkle_node(&peaks[h], &node);
		peaks[h] = node;
	}
	merkle_rests(n, peaks, rests);
	return rests[MERKLE_HEIGHTS];
}

void merkle_rests(uint64_t size, const struct digest peaks[MERKLE_HEIGHTS],
		  struct digest ret_rests[MERKLE_HEIGHTS + 1])
{
	bool any = false;

	for (unsigned h = 0; h < MERKLE_HEIGHTS; h++) {
		bool peak = (size >> h & 1) != 0;
		if (peak && any)
			ret_rests[h + 1] = merkle_node(&peaks[h], &ret_rests[h]);
		else if (peak)
			ret_rests[h + 1] = peaks[h];
		else if (any)
			ret_rests[h + 1] = ret_rests[h];
		any = any || peak;
	}
}

/* Where a proof's reader stands: the node's index and the last index, at one height. */
struct climb {
	uint64_t fn;
	uint64_t sn;
};

/*
 * Takes one step up, past one hash of the proof. False: the proof is too long. *ret_left: the hash belongs to
 * the left of ours.
 */
static bool climb_step(struct climb *at, bool *ret_left)
{
	if (at->sn == 0)
		return false;
	bool left = (at->fn & 1) != 0 || at->fn == at->sn;
	while (left && at->fn != 0 && (at->fn & 1) == 0) {
		at->fn >>= 1;
		at->sn >>= 1;
	}
	at->fn >>= 1;
	at->sn >>= 1;
	*ret_left = left;
	return true;
}

bool merkle_inclusion_holds(uint64_t index, uint64_t size, const struct digest *leaf,
			    const struct digest *proof, size_t proof_n, const struct digest *root)
{
	if (index >= size)
		return false;
	struct climb at = {.fn = index, .sn = size - 1};
	struct digest r = *leaf;
	for (size_t i = 0; i < proof_n; i++) {
		bool left = false;
		if (!climb_step(&at, &left))
			return false;
		r = left ? merkle_node(&proof[i], &r) : merkle_node(&r, &proof[i]);
	}
	return at.sn == 0 && digest_eq(&r, root);
}

/* The roots of both trees as the proof has them; of the old one as it is given when its size is a power of
 * two. */
static bool consistency_roots(uint64_t m, uint64_t n, const struct digest *proof, size_t proof_n,
			      const struct digest *root_m, struct digest *ret_old, struct digest *ret_new)
{
	if (m == 0 || m >= n || proof_n == 0)
		return false;

	/* The old tree is whole within the new one when its size is a power of two; else the proof says which
	 * node both have in common. */
	bool whole = (m & (m - 1)) == 0;
	struct climb at = {.fn = m - 1, .sn = n - 1};
	while ((at.fn & 1) != 0) {
		at.fn >>= 1;
		at.sn >>= 1;
	}
	struct digest fr = whole ? *root_m : proof[0];
	struct digest sr = fr;
	for (size_t i = whole ? 0 : 1; i < proof_n; i++) {
		bool left = false;
		if (!climb_step(&at, &left))
			return false;
		if (left)
			fr = merkle_node(&proof[i], &fr);
		sr = left ? merkle_node(&proof[i], &sr) : merkle_node(&sr, &proof[i]);
	}
	*ret_old = fr;
	*ret_new = sr;
	return at.sn == 0;
}

bool merkle_consistency_holds(uint64_t m, uint64_t n, const struct digest *proof, size_t proof_n,
			      const struct digest *root_m, const struct digest *root_n)
{
	struct digest old, new;

	if (m != 0 && m == n)
		return proof_n == 0 && digest_eq(root_m, root_n);
	return consistency_roots(m, n, proof, proof_n, root_m, &old, &new) && digest_eq(&old, root_m) &&
	       digest_eq(&new, root_n);
}

bool merkle_consistency_differs(uint64_t m, uint64_t n, const struct digest *proof, size_t proof_n,
				const struct digest *root_m, const struct digest *root_n)
{
	struct digest old, new;

	return consistency_roots(m, n, proof, proof_n, root_m, &old, &new) && !digest_eq(&old, root_m) &&
	       digest_eq(&new, root_n);
}
