#include "samples.h"

#define S(text)                                                                                              \
	{                                                                                                    \
		(const uint8_t *)(text), sizeof(text) - 1                                                    \
	}
#define HASH(c)                                                                                              \
	{                                                                                                    \
		{                                                                                            \
			c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,    \
			    23, 24, 25, 26, 27, 28, 29, 30, c                                                \
		}                                                                                            \
	}
#define PARTY(n)                                                                                             \
	{                                                                                                    \
		"91210106MA0P0000" n, 1                                                                      \
	}
#define GENERATOR   PARTY("1X")
#define TRANSPORTER PARTY("2Y")
#define FACILITY    PARTY("3T")
#define NOW         INT64_C(1767225600000000)
#define NUMBER      UINT64_C(20262101000001)
#define PLATE       S("辽A12345")
#define REASON      S("按规定办理")

static const enum role party_roles[] = {ROLE_GENERATOR, ROLE_FACILITY};
static const struct span waste_codes[] = {S("900-041-49"), S("HW08")};
static const struct span methods[] = {S("D10"), S("R4")};
static const struct waste_line waste_lines[] = {
    {1, S("900-041-49"), S("废包装桶"), 1200000, 12, 1, 1, S("D10")},
    {2, S("900-214-08"), S("废矿物油"), 3400000, 20, 4, 3, S("R9")},
};
static const struct line_quantity quantities[] = {{1, 1200000, 12}, {2, 3400000, 20}};
static const struct line_decision decisions[] = {
    {1, DECISION_PARTLY, {1, 1000000, 10}, {1, 200000, 2}, S("D10"), S("两桶标签不符")},
    {2, DECISION_ACCEPTED, {2, 3400000, 20}, {0}, S("R9"), {0}},
};
static const struct line_treatment treatments[] = {{1, 1000000, 10, S("D10")}, {2, 400000, 0, S("R9")}};
static const struct foreign_party foreign_parties[] = {
    {ROLE_GENERATOR, S("VAD000532119"), S("Example Works")},
    {ROLE_FACILITY, {0}, S("Treatment Inc.")},
};
static const struct span foreign_codes[] = {S("D001"), S("F003")};
static const struct foreign_line foreign_lines[] = {
    {1, foreign_codes, 2, S("Waste flammable liquids"), S("480 G (Gallons)"), S("480 G"), S("478 G"),
     S("12 DM"), S("H141")},
    {2, NULL, 0, {0}, {0}, {0}, {0}, {0}, {0}},
};
static const struct party_ref flag_parties[] = {GENERATOR, FACILITY};

#define PARTY_VALUE                                                                                          \
	{                                                                                                    \
		.ref = GENERATOR, .name = S("沈阳某化工有限公司"), .roles = party_roles, .roles_n = 2,       \
		.division = S("210106"), .address = S("沈阳市铁西区某路1号"), .generator_class = 2,          \
		.valid_from = NOW, .valid_until = NOW + 1                                                    \
	}
#define PERMIT_VALUE                                                                                         \
	{                                                                                                    \
		.number = S("LN2101060001"), .facility = FACILITY, .waste_codes = waste_codes,               \
		.waste_codes_n = 2, .methods = methods, .methods_n = 2, .grams_per_year = 50000000000,       \
		.valid_from = NOW, .valid_until = NOW + 1                                                    \
	}
#define POSITION                                                                                             \
	{                                                                                                    \
		.known = true, .latitude = 418000000, .longitude = -1, .accuracy = 12                        \
	}
#define LOADED                                                                                               \
	{                                                                                                    \
		.to = TRANSPORTER, .plate = PLATE, .lines = quantities, .lines_n = 2, .driver = S("P-17"),   \
		.position = POSITION                                                                         \
	}
#define HANDED_OVER                                                                                          \
	{                                                                                                    \
		.from = TRANSPORTER, .to = PARTY("4Z"), .plate = PLATE, .lines = quantities, .lines_n = 2,   \
		.driver = S("P-18"), .position = POSITION                                                    \
	}
#define DELIVERED                                                                                            \
	{                                                                                                    \
		.from = TRANSPORTER, .to = FACILITY, .lines = quantities, .lines_n = 2, .position = POSITION \
	}
#define RETURNED                                                                                             \
	{                                                                                                    \
		.from = FACILITY, .to = TRANSPORTER, .plate = PLATE, .lines = quantities, .lines_n = 1,      \
		.leg = RETURN_OUT                                                                            \
	}
#define STEP(k) .kind = k, .number = NUMBER, .previous = HASH(7)
#define ALONE(k, ...)                                                                                        \
	{                                                                                                    \
		STEP(EVENT_ATTESTED), .attested = {                                                          \
			.step = k,                                                                           \
			.reason = 1,                                                                         \
			.note = S("对方拒绝签字"),                                                           \
			.transfer = __VA_ARGS__                                                              \
		}                                                                                            \
	}

static const struct event events[] = {
    {.kind = EVENT_GENESIS,
     .genesis = {.origin = S("log.example.org/shenyang"),
		 .city = S("210100"),
		 .log_key = HASH(21),
		 .server_key = HASH(22),
		 .authority = PARTY("5A"),
		 .authority_name = S("沈阳市生态环境局"),
		 .registrar_key = HASH(23),
		 .recovery_key = HASH(24),
		 .rules_version = 1,
		 .continues = S("a\n1\nb\n\n— a b\n")}},
    {.kind = EVENT_SETTING_CHANGED,
     .setting_changed = {.key = S("judging.skew"), .value = S("300s"), .reason = REASON}},
    {.kind = EVENT_REFERENCE_LOADED,
     .reference_loaded =
	 {.kind = REFERENCE_WASTE_CODES, .edition = S("2021"), .sha256 = HASH(9), .size = 48895}},
    {.kind = EVENT_REGISTRAR_ADDED, .registrar_added = {.key = HASH(31), .name = S("登记处二号终端")}},
    {.kind = EVENT_REGISTRAR_REMOVED, .registrar_removed = {.keyid = HASH(32), .reason = REASON}},
    {.kind = EVENT_PARTY_REGISTERED, .party = {.party = PARTY_VALUE}},
    {.kind = EVENT_PARTY_CHANGED, .party = {.party = PARTY_VALUE, .reason = REASON}},
    {.kind = EVENT_KEY_ENROLLED,
     .key_enrolled = {.key = HASH(33),
		      .party = TRANSPORTER,
		      .role = ROLE_TRANSPORTER,
		      .device = S("车载终端"),
		      .valid_from = NOW}},
    {.kind = EVENT_KEY_REVOKED, .key_revoked = {.keyid = HASH(34), .revoked_from = NOW, .reason = REASON}},
    {.kind = EVENT_PERSON_REGISTERED,
     .person_registered = {.person = S("P-17"), .party = TRANSPORTER, .digest = HASH(35)}},
    {.kind = EVENT_VEHICLE_REGISTERED,
     .vehicle_registered = {.plate = PLATE,
			    .transporter = TRANSPORTER,
			    .licence = S("辽交运管许可沈字 210100000001号"),
			    .capacity_grams = 20000000,
			    .valid_from = NOW,
			    .valid_until = NOW + 1}},
    {.kind = EVENT_PERMIT_GRANTED, .permit = {.permit = PERMIT_VALUE}},
    {.kind = EVENT_PERMIT_CHANGED, .permit = {.permit = PERMIT_VALUE, .reason = REASON}},
    {.kind = EVENT_PERMIT_REVOKED,
     .permit_revoked = {.number = S("LN2101060001"), .revoked_from = NOW, .reason = REASON}},
    {.kind = EVENT_NUMBER_BLOCK_GRANTED,
     .number_block_granted = {.generator = GENERATOR, .first = NUMBER, .last = NUMBER + 999}},
    {.kind = EVENT_ISSUED,
     .number = NUMBER,
     .issued = {.generator = GENERATOR,
		.transporter = TRANSPORTER,
		.facility = FACILITY,
		.plate = PLATE,
		.edition = S("2021"),
		.lines = waste_lines,
		.lines_n = 2,
		.collect_by = NOW,
		.arrive_by = NOW + 1,
		.permit = S("LN2101060001"),
		.destination = S("沈阳市沈北新区某路2号"),
		.emergency = S("泄漏时用沙土覆盖")}},
    {STEP(EVENT_LOADED), .transfer = LOADED},
    {STEP(EVENT_HANDED_OVER), .transfer = HANDED_OVER},
    {STEP(EVENT_DELIVERED), .transfer = DELIVERED},
    {STEP(EVENT_RECEIVED), .received = {.facility = FACILITY, .lines = decisions, .lines_n = 2}},
    {STEP(EVENT_RETURNED), .transfer = RETURNED},
    {STEP(EVENT_TREATED), .treated = {.facility = FACILITY, .lines = treatments, .lines_n = 2}},
    ALONE(EVENT_LOADED, LOADED),
    ALONE(EVENT_HANDED_OVER, HANDED_OVER),
    ALONE(EVENT_DELIVERED, DELIVERED),
    ALONE(EVENT_RETURNED, RETURNED),
    {.kind = EVENT_CONFIRMED, .number = NUMBER, .confirmed = {.attested = HASH(41)}},
    {.kind = EVENT_CANCELLED, .number = NUMBER, .cancelled = {.reason = REASON}},
    {.kind = EVENT_IMPORTED,
     .imported = {.scheme = S("us-emanifest-json"),
		  .foreign_number = S("100033134ELC"),
		  .source_sha256 = HASH(42),
		  .record = 1,
		  .status = S("Signed"),
		  .issued = S("2018-04-18"),
		  .shipped = S("2018-04-19"),
		  .received = S("2018-04-20"),
		  .parties = foreign_parties,
		  .parties_n = 2,
		  .lines = foreign_lines,
		  .lines_n = 2,
		  .remark = S("as published")}},
    {.kind = EVENT_VOIDED, .voided = {.running_number = 17, .reason = REASON}},
    {.kind = EVENT_VOIDED, .number = NUMBER, .voided = {.reason = REASON}},
    {.kind = EVENT_FLAG_RAISED,
     .number = NUMBER,
     .flag_raised = {.kind = FLAG_OVERDUE,
		     .keyid = HASH(43),
		     .parties = flag_parties,
		     .parties_n = 2,
		     .cause = HASH(44),
		     .due_at = NOW,
		     .evidence_sha256 = HASH(45),
		     .detail = S("line 2: 1200000 g loaded"),
		     .provisional = true}},
    {.kind = EVENT_FLAG_CLEARED, .flag_cleared = {.flag = 77, .cause = HASH(46)}},
    {.kind = EVENT_FLAG_RESOLVED, .flag_resolved = {.flag = 77, .resolution = 1, .reason = REASON}},
};
const size_t sample_events_n = ARRAY_LEN(events);

struct secret_key sample_key(size_t i)
{
	uint8_t seed[SEED_SIZE] = {(uint8_t)(i + 1)};
	struct secret_key secret;
	struct public_key public;

	key_from_seed(seed, &secret, &public);
	return secret;
}

static struct digest sample_keyid(size_t i)
{
	struct secret_key secret = sample_key(i);
	struct public_key public = key_public(&secret);

	return key_id(&public);
}

struct event sample_event(size_t i)
{
	static const struct checkpoint_ref seen = {S("log.example.org/shenyang"), 12, HASH(5)};
	struct event e = events[i];

	e.occurred_at = NOW;
	e.signers_n = 2;
	for (size_t s = 0; s < e.signers_n; s++)
		e.signers[s] = (struct signer){.keyid = sample_keyid(s), .number = s + 1, .seen = seen};
	return e;
}

/* ---- frames ---- */

static const struct digest hashes[] = {HASH(51), HASH(52)};
static const struct span remarks[] = {S("quantity: line 1 is 10 % light")};
static const struct problem_view problems[] = {
    {S("issued.lines[1].code"), S("waste.code.unknown"), S("list"), S("999-999-99"), S("a code of 2021"),
     S("请更正"), S("Correct it"), S("名录")},
};
static const uint64_t numbers[] = {NUMBER, NUMBER + 1};
static const struct line_view line_views[] = {{1, S("900-041-49"), 7, 6, 5, 4, 3, 2, -1}};

#define FLAG_VIEW                                                                                            \
	{                                                                                                    \
		.flag = 9, .kind = FLAG_QUANTITY, .number = NUMBER, .keyid = HASH(61),                       \
		.parties = flag_parties, .parties_n = 2, .division = S("210106"), .raised_at = NOW,          \
		.due_at = NOW, .detail = S("light"), .provisional = true, .open = true, .closed_at = NOW,    \
		.closed_by = 10, .claimed_in_time = true, .resolution = S("looked at")                       \
	}
#define RECEIPT                                                                                              \
	{                                                                                                    \
		.entry = S("entry"), .index = 5, .proof = S("c2sp.org/tlog-proof@v1\nindex 5\n"),            \
		.repeated = true, .remarks = remarks, .remarks_n = 1                                         \
	}
#define CHECKPOINT S("origin\n12\nroot\n\n— origin sig\n")
#define QUERY(k, ...)                                                                                        \
	{                                                                                                    \
		.kind = FRAME_QUERY, .query = {.kind = k, __VA_ARGS__ }                                      \
	}
#define ANSWER(k, ...)                                                                                       \
	{                                                                                                    \
		.kind = FRAME_ANSWER, .answer = {.kind = k, __VA_ARGS__ }                                    \
	}

static const struct frame frames[] = {
    {.kind = FRAME_CHALLENGE,
     .challenge =
	 {.nonce = HASH(1), .origin = S("log.example.org/shenyang"), .version = 1, .server_time = NOW}},
    {.kind = FRAME_HELLO, .hello = S("an envelope")},
    {.kind = FRAME_WELCOME,
     .welcome = {.checkpoint = CHECKPOINT,
		 .consistency = hashes,
		 .consistency_n = 2,
		 .next_number = 18,
		 .max_frame = FRAME_MAX,
		 .server_time = NOW}},
    {.kind = FRAME_SUBMIT, .submit = S("an envelope")},
    {.kind = FRAME_RECEIPT, .receipt = RECEIPT},
    {.kind = FRAME_REFUSAL,
     .refusal = {.kind = REFUSAL_FORK,
		 .problems = problems,
		 .problems_n = 1,
		 .standing = HASH(2),
		 .needed = HASH(3),
		 .retry_after = 5,
		 .writer = S("10.0.0.1:7443"),
		 .event = HASH(4)}},
    QUERY(QUERY_FLAGS, .flag_kinds = 1 << FLAG_FORK | 1 << FLAG_OVER_CAPACITY, .party = GENERATOR,
	  .division = S("210100"), .from = 1, .until = 2, .open_only = true, .after = 3, .limit = 500),
    QUERY(QUERY_TRAIL, .numbers = numbers, .numbers_n = 1, .keys = true),
    QUERY(QUERY_SEARCH, .numbers = numbers, .numbers_n = 2, .party = FACILITY, .plate = PLATE,
	  .waste_code = S("900-041-49"), .state = 3, .from = 1, .until = 2, .after = 3, .limit = 4),
    QUERY(QUERY_SUMMARY, .party = FACILITY),
    QUERY(QUERY_CHECKPOINT, .size = 12, .to_size = 14),
    QUERY(QUERY_ENTRY, .index = 12),
    QUERY(QUERY_BLOCKS, .index = 0),
    QUERY(QUERY_TOKEN, .seconds = 3600),
    QUERY(QUERY_WATCH, .index = 0),
    ANSWER(ANSWER_FLAG, .flag = FLAG_VIEW),
    ANSWER(ANSWER_ENTRY, .entry = RECEIPT),
    ANSWER(ANSWER_MANIFEST, .manifest = {.number = NUMBER,
					 .state = 3,
					 .generator = GENERATOR,
					 .transporter = TRANSPORTER,
					 .facility = FACILITY,
					 .plate = PLATE,
					 .issued_at = NOW,
					 .changed_at = NOW,
					 .due_at = NOW,
					 .cancelled = true,
					 .open_flags = 2,
					 .head = HASH(6),
					 .lines = line_views,
					 .lines_n = 1}),
    ANSWER(ANSWER_SUMMARY, .summary = {.party = PARTY_VALUE,
				       .manifests = {0, 5, 0, 300},
				       .open_flags = 1,
				       .shipped_grams = 2,
				       .received_grams = 3,
				       .treated_grams = 4,
				       .stock_grams = -5}),
    ANSWER(ANSWER_CHECKPOINT,
	   .checkpoint = {.checkpoint = CHECKPOINT, .consistency = hashes, .consistency_n = 2}),
    ANSWER(ANSWER_BLOCK, .block = {.first = NUMBER, .last = NUMBER + 9, .used = 3, .next = NUMBER + 3}),
    ANSWER(ANSWER_TOKEN, .token = {.token = S("abc.def"), .expires_at = NOW}),
    ANSWER(ANSWER_END, .end = {.next = 17, .count = 300}),
    {.kind = FRAME_PUSH, .push = FLAG_VIEW},
    {.kind = FRAME_PING},
};
const size_t sample_frames_n = ARRAY_LEN(frames);

struct frame sample_frame(size_t i)
{
	struct frame f = frames[i];

	f.id = i + 1;
	f.last = true;
	return f;
}

struct hello sample_hello(void)
{
	return (struct hello){.nonce = HASH(71),
			      .binding = HASH(72),
			      .role = ROLE_GENERATOR,
			      .keyid = sample_keyid(0),
			      .agent = S("manifest 0.1"),
			      .size = 12};
}

void sample_envelope(struct span payload, const char *payload_type, size_t n, struct buffer *to)
{
	struct envelope e = {.payload = payload, .payload_type = span_str(payload_type), .signatures_n = n};
	struct buffer pae = BUFFER_EMPTY;

	envelope_pae(&e, &pae);
	for (size_t i = 0; i < n; i++) {
		struct secret_key secret = sample_key(i);
		e.signatures[i].sig = sign(&secret, buffer_span(&pae));
		e.signatures[i].keyid = sample_keyid(i);
	}
	if (!envelope_encode(&e, to))
		to->broken = true;
	buffer_free(&pae);
}
