/*
 * What the registrar asks when the day is over: flags, manifests, one trail. Answers are copied into an arena
 * and live with it; entries of a trail are proved before they are taken.
 */
#ifndef CITY_ASK_H
#define CITY_ASK_H

#include "city/model.h"
#include "libmanifest/client.h"

struct seen_flag {
	uint64_t flag;
	enum flag_kind kind;
	uint64_t number;
	struct party_ref party; /* the first concerned; site 0: none */
	micros raised_at;
	micros due_at;
	const char *detail;
	bool open;
	bool claimed_in_time;
};

struct seen_flags {
	struct seen_flag *items;
	size_t n;
	size_t cap;
};

struct seen_manifest {
	uint64_t number;
	int state;
	struct party_ref generator;
	struct party_ref facility;
	const char *plate;
	micros issued_at;
	struct line_view *lines; /* their codes are C strings too */
	size_t lines_n;
};

struct seen_manifests {
	struct seen_manifest *items;
	size_t n;
	size_t cap;
};

struct trail_entry {
	uint64_t index;
	micros accepted_at;
	struct event event;
};

struct trail {
	struct trail_entry *items;
	size_t n;
	size_t cap;
};

/* Each empties the list first. False: mft_client_failure() says why, or it is MFT_FAULT_NONE: no memory. */
bool ask_flags(struct mft_client *client, struct arena *arena, struct seen_flags *ret_flags) MUST_CHECK;
bool ask_manifests(struct mft_client *client, struct arena *arena,
		   struct seen_manifests *ret_manifests) MUST_CHECK;
bool ask_trail(struct mft_client *client, struct arena *arena, uint64_t number,
	       struct trail *ret_trail) MUST_CHECK;

#endif
