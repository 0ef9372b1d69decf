/*
 * The Merkle tree of RFC 6962, section 2.1, over SHA-256: hashes, roots, and the two proofs as their readers
 * check them. A size is the number of leaves, an index the place of a leaf; both reach 2^64 - 1. Proofs go
 * from the leaf's sibling upward. Pure.
 */
#ifndef CORE_MERKLE_H
#define CORE_MERKLE_H

#include "crypto/digest.h"

/* The longest proof there can be: one hash for each height, and the consistency proof's first. */
enum { MERKLE_HEIGHTS = 64, MERKLE_PROOF_MAX = 65 };

struct digest merkle_leaf(struct span data);
struct digest merkle_node(const struct digest *left, const struct digest *right);

/* The root over `n` leaf hashes (or over any row of complete nodes of one height). SHA-256("") for none. */
struct digest merkle_root(const struct digest *leaves, size_t n);

/*
 * The right edge of a tree whose size is no power of two. For every set bit h of `size`, peaks[h] is the last
 * complete node of height h; the others are not read. ret_rests[h], 1 to 64, is the hash of the last
 * size mod 2^h leaves, and is written when there are any: ret_rests[64] is the root.
 */
void merkle_rests(uint64_t size, const struct digest peaks[MERKLE_HEIGHTS],
		  struct digest ret_rests[MERKLE_HEIGHTS + 1]);

/* Does the proof show that `leaf` is the leaf at `index` of the tree of `size` leaves with this root? */
bool merkle_inclusion_holds(uint64_t index, uint64_t size, const struct digest *leaf,
			    const struct digest *proof, size_t proof_n, const struct digest *root) MUST_CHECK;

/*
 * Does the proof show that the tree of `m` leaves is the beginning of the tree of `n` leaves? Nothing is said
 * of m == 0 or m > n: that never holds.
 */
bool merkle_consistency_holds(uint64_t m, uint64_t n, const struct digest *proof, size_t proof_n,
			      const struct digest *root_m, const struct digest *root_n) MUST_CHECK;
/*
 * Does the proof show that the tree of `n` leaves begins with another tree of `m` leaves than the one with
 * root_m? A proof that is merely wrong does not; nor does any when `m` is a power of two, since it holds then
 * no other root.
 */
bool merkle_consistency_differs(uint64_t m, uint64_t n, const struct digest *proof, size_t proof_n,
				const struct digest *root_m, const struct digest *root_n) MUST_CHECK;

#endif
