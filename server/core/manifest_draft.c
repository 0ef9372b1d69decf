/* What judging a step needs again and again: problems at a path, parties, vehicles, signers. */
#include <stdio.h>

#include "core/credit_code.h"
#include "core/manifest_draft.h"

enum { PATH_SIZE = 128 };

void draft_refuse(struct draft *d, const struct rule *rule, const char *path, const char *found,
		  const char *allowed)
{
	char at[PATH_SIZE];

	(void)snprintf(at, sizeof(at), "%s.%s", d->prefix, path);
	problem_add(d->problems, rule, at, found, allowed);
}

void draft_refuse_line(struct draft *d, const struct rule *rule, size_t i, const char *field,
		       const char *found, const char *allowed)
{
	char at[PATH_SIZE];

	(void)snprintf(at, sizeof(at), "%s.lines[%zu]%s%s", d->prefix, i, field == NULL ? "" : ".",
		       field == NULL ? "" : field);
	problem_add(d->problems, rule, at, found, allowed);
}

const struct party_record *draft_party(struct draft *d, const struct party_ref *ref, enum role role,
				       const char *path)
{
	const struct party_record *party = registry_party(d->r, ref);
	const struct rule *broken = NULL;
	char found[PARTY_REF_TEXT_SIZE];

	if (party == NULL)
		broken = RULE(PARTY_UNKNOWN);
	else if (role != ROLE_NONE && !party_has_role(&party->party, role))
		broken = RULE(PARTY_ROLE);
	if (broken == NULL)
		return party;
	party_ref_format(ref, found);
	draft_refuse(d, broken, path, found, NULL);
	return NULL;
}

const struct vehicle_record *draft_vehicle(struct draft *d, struct span plate,
					   const struct party_record *transporter)
{
	const struct vehicle_record *vehicle = registry_vehicle(d->r, plate);
	const struct rule *broken = NULL;
	char found[PLATE_MAX + 1];

	if (vehicle == NULL)
		broken = RULE(VEHICLE_UNKNOWN);
	else if (transporter != NULL && vehicle->transporter != transporter)
		broken = RULE(VEHICLE_TRANSPORTER);
	if (broken == NULL)
		return vehicle;
	text_store(found, sizeof(found), plate);
	draft_refuse(d, broken, "plate", found, NULL);
	return NULL;
}

party_no draft_signer(const struct draft *d, size_t i)
{
	if (i >= d->e->signers_n)
		return 0;
	const struct key_record *key = registry_key(d->r, &d->e->signers[i].keyid);
	return key == NULL || key->party == NULL ? 0 : key->party->no;
}

void text_store(char *to, size_t size, struct span text)
{
	size_t n = text.n < size ? text.n : size - 1;

	if (n > 0)
		memcpy(to, text.p, n);
	memset(to + n, 0, size - n);
}
