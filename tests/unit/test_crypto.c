/* crypto: SHA-256, Ed25519 and DSSE's pre-authentication encoding, against published vectors. */
#include <criterion/criterion.h>

#include "base/text.h"
#include "crypto/sign.h"

static void start(void)
{
	cr_assert(crypto_start());
}

TestSuite(digest, .init = start);
TestSuite(signing, .init = start);

/* FIPS 180-4 examples. */
Test(digest, vectors)
{
	static const char *const rows[][2] = {
	    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct digest d = digest_of(span_str(rows[r][0]));
		char text[DIGEST_HEX + 1];
		digest_hex(&d, text);
		cr_expect_str_eq(text, rows[r][1]);
	}
}

Test(digest, prefixed_is_the_digest_of_the_joined_bytes)
{
	struct digest joined = digest_of(span_of("\x01left"
						 "right",
						 10));
	struct digest apart = digest_prefixed(1, span_str("left"), span_str("right"));
	struct digest moved = digest_prefixed(1, span_str("leftr"), span_str("ight"));
	struct digest other = digest_prefixed(0, span_str("left"), span_str("right"));
	struct digest alone = digest_prefixed(1, span_str("leftright"), (struct span){0});

	cr_expect(digest_eq(&joined, &apart));
	cr_expect(digest_eq(&joined, &moved));
	cr_expect(digest_eq(&joined, &alone));
	cr_expect_not(digest_eq(&joined, &other));
	cr_expect_not(digest_is_zero(&joined));
	cr_expect(digest_is_zero(&(struct digest){{0}}));
}

/* RFC 8032, section 7.1, tests 1 to 3. */
static const struct {
	const char *seed, *key, *message, *signature;
} ed25519[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
     "d25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
     "4a7c15e9716ed28dc027beceea1ec40a"},
};

static void from_hex(const char *text, void *ret_bytes, size_t n)
{
	cr_assert(hex_decode(span_str(text), ret_bytes, n));
}

Test(signing, vectors_of_rfc_8032)
{
	for (size_t r = 0; r < ARRAY_LEN(ed25519); r++) {
		uint8_t seed[SEED_SIZE];
		uint8_t message[2];
		struct signature want;
		struct public_key want_key;
		struct secret_key secret;
		struct public_key key;
		size_t n = strlen(ed25519[r].message) / 2;

		from_hex(ed25519[r].seed, seed, sizeof(seed));
		from_hex(ed25519[r].key, want_key.b, sizeof(want_key.b));
		from_hex(ed25519[r].message, message, n);
		from_hex(ed25519[r].signature, want.b, sizeof(want.b));
		key_from_seed(seed, &secret, &key);
		struct signature got = sign(&secret, span_of(message, n));
		struct public_key derived = key_public(&secret);
		cr_expect_arr_eq(key.b, want_key.b, sizeof(key.b));
		cr_expect_arr_eq(derived.b, want_key.b, sizeof(key.b));
		cr_expect_arr_eq(got.b, want.b, sizeof(got.b));
		cr_expect(signature_holds(&key, span_of(message, n), &got));
	}
}

Test(signing, no_changed_bit_is_accepted)
{
	struct secret_key secret;
	struct public_key key;
	uint8_t message[] = "40 drums of 900-041-49";

	key_generate(&secret, &key);
	struct signature good = sign(&secret, span_of(message, sizeof(message)));
	for (size_t bit = 0; bit < 8 * sizeof(good.b); bit++) {
		struct signature bad = good;
		bad.b[bit / 8] ^= (uint8_t)(1U << bit % 8);
		cr_expect_not(signature_holds(&key, span_of(message, sizeof(message)), &bad), "bit %zu", bit);
	}
	for (size_t bit = 0; bit < 8 * sizeof(message); bit++) {
		message[bit / 8] ^= (uint8_t)(1U << bit % 8);
		cr_expect_not(signature_holds(&key, span_of(message, sizeof(message)), &good), "bit %zu",
			      bit);
		message[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	cr_expect_not(signature_holds(&key, span_of(message, sizeof(message) - 1), &good));
	secret_key_wipe(&secret);
	cr_expect_arr_eq(secret.b, ((uint8_t[SECRET_KEY_SIZE]){0}), SECRET_KEY_SIZE);
}

/* Who could sign with such a key would sign everything: the identity and other small-order points are
 * refused. */
Test(signing, small_order_and_non_canonical_keys_are_refused)
{
	static const char *const keys[] = {
	    "0100000000000000000000000000000000000000000000000000000000000000",
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	};
	struct signature trivial = {{1}};

	for (size_t r = 0; r < ARRAY_LEN(keys); r++) {
		struct public_key key;
		from_hex(keys[r], key.b, sizeof(key.b));
		cr_expect_not(signature_holds(&key, span_str("anything"), &trivial), "%s", keys[r]);
	}
}

Test(signing, the_group_order_added_to_s_is_refused)
{
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
					  0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
	struct public_key key;
	struct signature sig;
	unsigned carry = 0;

	from_hex(ed25519[1].key, key.b, sizeof(key.b));
	from_hex(ed25519[1].signature, sig.b, sizeof(sig.b));
	cr_assert(signature_holds(&key, span_str("r"), &sig));
	for (size_t i = 0; i < sizeof(order); i++) {
		carry += (unsigned)sig.b[32 + i] + order[i];
		sig.b[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	cr_expect_not(signature_holds(&key, span_str("r"), &sig));
}

/* The vector of the DSSE specification, and the ambiguity that the lengths take away. */
Test(signing, dsse_pre_authentication_encoding)
{
	static const char *const rows[][3] = {
	    {"http://example.com/HelloWorld", "hello world",
	     "DSSEv1 29 http://example.com/HelloWorld 11 hello world"},
	    {"", "", "DSSEv1 0  0 "},
	    {"a b", "c", "DSSEv1 3 a b 1 c"},
	    {"a", "b 1 c", "DSSEv1 1 a 5 b 1 c"},
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct buffer b = BUFFER_EMPTY;
		dsse_pae(&b, span_str(rows[r][0]), span_str(rows[r][1]));
		cr_expect(span_eq_str(buffer_span(&b), rows[r][2]), "row %zu", r);
		buffer_free(&b);
	}
}

Test(signing, key_id_is_the_digest_of_the_raw_key)
{
	struct public_key key;
	char text[DIGEST_HEX + 1];

	from_hex(ed25519[0].key, key.b, sizeof(key.b));
	struct digest id = key_id(&key);
	struct digest same = digest_of(span_of(key.b, sizeof(key.b)));
	digest_hex(&id, text);
	cr_expect(digest_eq(&id, &same));
	cr_expect_str_eq(text, "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9");
}
