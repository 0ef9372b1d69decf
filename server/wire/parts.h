/* The messages that events and frames are made of, as tables in schema_parts.c. Internal to wire/. */
#ifndef WIRE_PARTS_H
#define WIRE_PARTS_H

#include "core/event.h"
#include "wire/rows.h"

/* Roles that a party may be registered for and a device key enrolled for. */
#define ROLES_OF_PARTIES                                                                                     \
	(1 << ROLE_GENERATOR | 1 << ROLE_TRANSPORTER | 1 << ROLE_FACILITY | 1 << ROLE_INSPECTOR |            \
	 1 << ROLE_AUDITOR)

extern const struct message signer_message;
extern const struct message party_ref_message;
extern const struct message instant_message;
extern const struct message position_message;
extern const struct message party_message;
extern const struct message permit_message;
extern const struct message waste_line_message;
extern const struct message line_quantity_message;
extern const struct message line_decision_message;
extern const struct message line_treatment_message;
extern const struct message foreign_party_message;
extern const struct message foreign_line_message;

#endif
