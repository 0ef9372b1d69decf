/*
 * For the benchmark alone: `manifestd-without-log` is manifestd with these in the place of its own (--wrap),
 * so that what the log costs can be measured. Leaves are not hashed, there is no tree, no proof, no
 * checkpoint and no high-water file; entries are stored and answered all the same. What it writes proves
 * nothing, and no server starts on it again.
 */
#include "core/checkpoint.h"
#include "core/proof.h"
#include "core/tree.h"
#include "store/high_water.h"

/* Of the same types: what is renamed or changed there does not compile here. */
__typeof__(merkle_leaf) __real_merkle_leaf, __wrap_merkle_leaf;
__typeof__(tree_append) __wrap_tree_append;
__typeof__(tree_prove) __wrap_tree_prove;
__typeof__(tree_commit) __wrap_tree_commit;
__typeof__(proof_put) __wrap_proof_put;
__typeof__(checkpoint_sign) __wrap_checkpoint_sign;
__typeof__(high_water_raise) __wrap_high_water_raise;

static uint64_t size; /* entries, once some were appended */

/* The start still looks at what an earlier server stored. */
struct digest __wrap_merkle_leaf(struct span data)
{
	return size == 0 ? __real_merkle_leaf(data) : (struct digest){{0}};
}

struct tree_append *__wrap_tree_append(struct arena *arena, const struct tree *t, const struct digest *leaves,
				       size_t n)
{
	struct tree_append *a = arena_array(arena, 1, sizeof(*a));

	(void)leaves;
	if (size == 0)
		size = tree_size(t);
	if (a != NULL)
		*a = (struct tree_append){.old_size = size, .size = size + n};
	return a;
}

size_t __wrap_tree_prove(const struct tree_append *a, uint64_t index,
			 struct digest ret_proof[MERKLE_PROOF_MAX])
{
	(void)a;
	(void)index;
	(void)ret_proof;
	return 0;
}

void __wrap_tree_commit(struct tree *t, const struct tree_append *a)
{
	(void)t;
	size = a->size;
}

void __wrap_proof_put(struct buffer *to, uint64_t index, const struct digest *hashes, size_t hashes_n,
		      struct span checkpoint)
{
	(void)to;
	(void)index;
	(void)hashes;
	(void)hashes_n;
	(void)checkpoint;
}

/* Something, since nothing would mean that there was no memory. */
void __wrap_checkpoint_sign(struct buffer *to, const struct checkpoint *c, const struct note_key *key,
			    const struct secret_key *secret)
{
	(void)c;
	(void)key;
	(void)secret;
	buffer_put_u8(to, '-');
}

/* As the true one is. NOLINTBEGIN(readability-non-const-parameter) */
bool __wrap_high_water_raise(struct high_water *h, uint64_t to, const struct digest *root,
			     char ret_error[HIGH_WATER_ERROR_SIZE])
{
	(void)h;
	(void)to;
	(void)root;
	(void)ret_error;
	return true;
}
/* NOLINTEND(readability-non-const-parameter) */
