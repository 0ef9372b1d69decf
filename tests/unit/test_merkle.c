/* merkle: the published vectors, good and bad, and the roots and proofs of RFC 6962 against its definition.
 */
#include <criterion/criterion.h>

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "core/merkle.h"

/* RFC 6962, 2.1, word for word: the other opinion on roots. */
static struct digest naive_root(const struct digest *leaves, size_t n)
{
	size_t k = 1;

	if (n == 0)
		return digest_of(span_of(NULL, 0));
	if (n == 1)
		return leaves[0];
	while (2 * k < n)
		k *= 2;
	struct digest left = naive_root(leaves, k);
	struct digest right = naive_root(leaves + k, n - k);
	return merkle_node(&left, &right);
}

static struct digest numbered(uint64_t i)
{
	return merkle_leaf(span_of(&i, sizeof(i)));
}

/* ---- the vectors ---- */

struct tally {
	unsigned good;
	unsigned bad;
	unsigned other_length; /* good ones that our types cannot hold */
};

static struct span json_bytes(json_t *value, uint8_t *to, size_t cap)
{
	size_t n = 0;
	const char *text = json_string_value(value);

	cr_assert(text == NULL || base64_decode(span_str(text), to, cap, &n));
	return span_of(to, n);
}

/* False: it is not 32 bytes long. */
static bool json_digest(json_t *of, const char *key, struct digest *ret_digest)
{
	uint8_t bytes[128];
	struct span s = json_bytes(json_object_get(of, key), bytes, sizeof(bytes));

	if (s.n == DIGEST_SIZE)
		memcpy(ret_digest->b, s.p, DIGEST_SIZE);
	return s.n == DIGEST_SIZE;
}

/* The vectors go to 2^64 - 1, and jansson's integers do not: numbers are read from the text. */
static uint64_t json_number(const char *text, const char *key)
{
	uint64_t v = 0;
	size_t n = 0;
	const char *at = strstr(text, key);

	cr_assert_not_null(at, "%s", key);
	at += strlen(key);
	at += strspn(at, "\": ");
	n = strspn(at, "0123456789");
	cr_assert(decimal_parse(span_of(at, n), &v));
	return v;
}

static bool json_proof(json_t *of, struct digest *ret_proof, size_t *ret_n)
{
	size_t i = 0;
	json_t *item = NULL;
	bool all = true;
	uint8_t bytes[256];
	json_t *list = json_object_get(of, "proof");

	json_array_foreach(list, i, item)
	{
		struct span s = json_bytes(item, bytes, sizeof(bytes));
		cr_assert_lt(i, (size_t)MERKLE_PROOF_MAX);
		if (s.n == DIGEST_SIZE)
			memcpy(ret_proof[i].b, s.p, DIGEST_SIZE);
		all = all && s.n == DIGEST_SIZE;
	}
	*ret_n = json_array_size(list);
	return all;
}

static bool vector_holds(json_t *v, const char *text, bool inclusion, bool *ret_fits)
{
	struct digest proof[MERKLE_PROOF_MAX];
	struct digest a = {{0}};
	struct digest b = {{0}};
	size_t n = 0;
	bool fits = json_proof(v, proof, &n);

	fits = json_digest(v, inclusion ? "leafHash" : "root1", &a) && fits;
	fits = json_digest(v, inclusion ? "root" : "root2", &b) && fits;
	*ret_fits = fits;
	if (!fits)
		return false;
	if (inclusion)
		return merkle_inclusion_holds(json_number(text, "\"leafIdx\""),
					      json_number(text, "\"treeSize\""), &a, proof, n, &b);
	return merkle_consistency_holds(json_number(text, "\"size1\""), json_number(text, "\"size2\""), proof,
					n, &a, &b);
}

static json_t *load(const char *path, char *ret_text, size_t cap)
{
	FILE *f = fopen(path, "r");

	cr_assert_not_null(f, "%s", path);
	size_t n = fread(ret_text, 1, cap - 1, f);
	(void)fclose(f);
	ret_text[n] = '\0';
	json_t *v = json_loadb(ret_text, n, JSON_DECODE_INT_AS_REAL, NULL);
	cr_assert_not_null(v, "%s", path);
	return v;
}

static void run_file(const char *path, bool inclusion, struct tally *t)
{
	char text[4096];
	bool fits = false;
	json_t *v = load(path, text, sizeof(text));
	bool bad = json_is_true(json_object_get(v, "wantErr"));
	bool holds = vector_holds(v, text, inclusion, &fits);

	if (!bad && !fits)
		t->other_length++;
	else
		cr_expect_eq(holds, !bad, "%s", path);
	t->good += !bad;
	t->bad += bad;
	json_decref(v);
}

static void run_folder(const char *folder, bool inclusion, struct tally *t)
{
	DIR *d = opendir(folder);

	cr_assert_not_null(d, "%s", folder);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		char path[512];
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (e->d_name[0] == '.')
			continue;
		if (e->d_type == DT_DIR)
			run_folder(path, inclusion, t);
		else
			run_file(path, inclusion, t);
	}
	closedir(d);
}

Test(merkle, vectors)
{
	struct tally t = {0};

	run_folder("tests/data/tlog/merkle/inclusion", true, &t);
	run_folder("tests/data/tlog/merkle/consistency", false, &t);
	cr_expect_eq(t.good + t.bad, 196u);
	cr_expect_eq(t.good, 12u);
	cr_expect_eq(t.other_length, 1u);
}

/* ---- against the definition ---- */

Test(merkle, the_empty_tree)
{
	char hex[DIGEST_HEX + 1];
	struct digest d = merkle_root(NULL, 0);

	digest_hex(&d, hex);
	cr_expect_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

Test(merkle, roots_are_those_of_the_definition)
{
	struct digest leaves[600];

	for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
		leaves[i] = numbered(i);
	for (size_t n = 0; n <= ARRAY_LEN(leaves); n++) {
		struct digest a = merkle_root(leaves, n);
		struct digest b = naive_root(leaves, n);
		cr_assert(digest_eq(&a, &b), "%zu leaves", n);
	}
}

/* PATH(m, D[n]) of RFC 6962, 2.1.1, word for word. */
static size_t naive_path(const struct digest *leaves, size_t m, size_t n, struct digest *proof)
{
	size_t k = 1;

	if (n <= 1)
		return 0;
	while (2 * k < n)
		k *= 2;
	bool left = m < k;
	size_t length = left ? naive_path(leaves, m, k, proof) : naive_path(leaves + k, m - k, n - k, proof);
	proof[length] = left ? naive_root(leaves + k, n - k) : naive_root(leaves, k);
	return length + 1;
}

Test(merkle, a_changed_proof_never_holds)
{
	struct digest leaves[33];
	struct digest proof[MERKLE_PROOF_MAX];

	for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
		leaves[i] = numbered(i);
	for (size_t n = 1; n <= ARRAY_LEN(leaves); n++) {
		struct digest root = naive_root(leaves, n);
		for (size_t m = 0; m < n; m++) {
			size_t length = naive_path(leaves, m, n, proof);
			cr_assert(merkle_inclusion_holds(m, n, &leaves[m], proof, length, &root));
			cr_assert_not(merkle_inclusion_holds(m, n, &root, proof, length, &leaves[m]) &&
				      n > 1);
			cr_assert_not(merkle_inclusion_holds(n, n, &leaves[m], proof, length, &root));
			proof[length] = root;
			cr_assert_not(merkle_inclusion_holds(m, n, &leaves[m], proof, length + 1, &root));
			if (length == 0)
				continue;
			cr_assert_not(merkle_inclusion_holds(m, n, &leaves[m], proof, length - 1, &root));
			cr_assert_not(merkle_inclusion_holds(m, n, &leaves[m], proof + 1, length - 1, &root));
			for (size_t i = 0; i < length; i++) {
				proof[i].b[i % DIGEST_SIZE] ^= 0x10;
				cr_assert_not(merkle_inclusion_holds(m, n, &leaves[m], proof, length, &root));
				proof[i].b[i % DIGEST_SIZE] ^= 0x10;
			}
		}
	}
}

Test(merkle, the_largest_sizes)
{
	struct digest proof[MERKLE_PROOF_MAX];
	struct digest r = numbered(1);
	struct digest leaf = r;

	/* The last leaf of 2^64 - 1: alone at height 0, then a right child at every height. */
	for (size_t i = 0; i < 63; i++) {
		proof[i] = numbered(i);
		r = merkle_node(&proof[i], &r);
	}
	cr_expect(merkle_inclusion_holds(UINT64_MAX - 1, UINT64_MAX, &leaf, proof, 63, &r));
	cr_expect_not(merkle_inclusion_holds(UINT64_MAX - 1, UINT64_MAX, &leaf, proof, 62, &r));
	cr_expect_not(merkle_inclusion_holds(UINT64_MAX, UINT64_MAX, &leaf, proof, 63, &r));

	/* The first: a left child at every height. */
	r = leaf;
	for (size_t i = 0; i < 64; i++) {
		proof[i] = numbered(i);
		r = merkle_node(&r, &proof[i]);
	}
	cr_expect(merkle_inclusion_holds(0, UINT64_MAX, &leaf, proof, 64, &r));
	cr_expect_not(merkle_inclusion_holds(0, UINT64_MAX, &leaf, proof, 65, &r));

	/* From 2^63 to 2^64 - 1: the old root and the rest. */
	struct digest root_n = merkle_node(&leaf, &proof[0]);
	cr_expect(merkle_consistency_holds(UINT64_C(1) << 63, UINT64_MAX, proof, 1, &leaf, &root_n));
	cr_expect(merkle_consistency_holds(UINT64_MAX, UINT64_MAX, proof, 0, &leaf, &leaf));
	cr_expect_not(merkle_consistency_holds(UINT64_MAX, UINT64_MAX - 1, proof, 0, &leaf, &leaf));
	cr_expect_not(merkle_consistency_holds(0, 0, proof, 0, &leaf, &leaf));
}
