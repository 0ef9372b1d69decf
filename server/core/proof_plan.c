/* Which nodes a proof consists of, which tiles hold them, and how they come out of the tiles again. */
#include "core/proof_plan.h"

size_t proof_path(unsigned height, uint64_t index, uint64_t size,
		  struct proof_step ret_steps[MERKLE_PROOF_MAX])
{
	size_t n = 0;

	for (unsigned h = height; h < MERKLE_HEIGHTS && (size - 1) >> h != 0; h++) {
		uint64_t sibling = index >> (h - height) ^ 1;
		uint64_t complete = size >> h;
		if (sibling > (size - 1) >> h)
			continue; /* the last node goes up alone */
		ret_steps[n++] =
		    (struct proof_step){.height = h, .rest = sibling == complete, .index = sibling};
	}
	return n;
}

/* The tile that holds the hashes below a node. */
static struct tile_id tile_of(unsigned height, uint64_t index, uint64_t size)
{
	struct tile_id id = {.level = height / TILE_HEIGHT};

	id.n = index >> (TILE_HEIGHT - height % TILE_HEIGHT);
	id.width = tile_width(id.level, id.n, size);
	return id;
}

/* Its place among the plan's tiles; tiles_n when it is not there. */
static size_t find_tile(const struct proof_plan *plan, const struct tile_id *id)
{
	size_t i = 0;

	while (i < plan->tiles_n && !(plan->tiles[i].level == id->level && plan->tiles[i].n == id->n))
		i++;
	return i;
}

static void need_node(struct proof_plan *plan, unsigned height, uint64_t index)
{
	struct tile_id id = tile_of(height, index, plan->size);

	if (find_tile(plan, &id) == plan->tiles_n)
		plan->tiles[plan->tiles_n++] = id;
}

static void need_tiles(struct proof_plan *plan)
{
	for (size_t i = 0; i < plan->steps_n; i++) {
		const struct proof_step *step = &plan->steps[i];
		if (!step->rest)
			need_node(plan, step->height, step->index);
		for (unsigned h = 0; step->rest && h < step->height; h++)
			if ((plan->size >> h & 1) != 0)
				need_node(plan, h, (plan->size >> h) - 1);
	}
}

bool plan_inclusion(uint64_t index, uint64_t size, struct proof_plan *ret_plan)
{
	if (index >= size)
		return false;
	*ret_plan = (struct proof_plan){.size = size};
	ret_plan->steps_n = proof_path(0, index, size, ret_plan->steps);
	need_tiles(ret_plan);
	return true;
}

/* The last complete node of the largest height that fills up the old tree is also in the new one; the proof
 * is its path, after the node itself where it is not the whole old tree. */
bool plan_consistency(uint64_t m, uint64_t n, struct proof_plan *ret_plan)
{
	if (m == 0 || m > n)
		return false;
	*ret_plan = (struct proof_plan){.size = n};
	if (m < n) {
		unsigned height = (unsigned)__builtin_ctzll(m);
		uint64_t index = (m >> height) - 1;
		size_t own = index != 0;
		ret_plan->steps[0] = (struct proof_step){.height = height, .index = index};
		ret_plan->steps_n = own + proof_path(height, index, n, ret_plan->steps + own);
		need_tiles(ret_plan);
	}
	return true;
}

bool plan_root(uint64_t size, struct proof_plan *ret_plan)
{
	if (size == 0)
		return false;
	*ret_plan = (struct proof_plan){.size = size, .steps_n = 1};
	ret_plan->steps[0] = (struct proof_step){.height = MERKLE_HEIGHTS, .rest = true};
	need_tiles(ret_plan);
	return true;
}

void tile_hash_nodes(struct digest nodes[TILE_NODES], unsigned width)
{
	for (unsigned within = 1; width >> within != 0; within++)
		for (unsigned i = 0; i < width >> within; i++)
			nodes[tile_node(within, i)] = merkle_node(&nodes[tile_node(within - 1, 2 * i)],
								  &nodes[tile_node(within - 1, 2 * i + 1)]);
}

static struct digest node_from(const struct proof_plan *plan, const struct digest *const *tiles,
			       unsigned height, uint64_t index)
{
	struct tile_id id = tile_of(height, index, plan->size);
	unsigned within = height % TILE_HEIGHT;

	return tiles[find_tile(plan, &id)][tile_node(within, index % (TILE_WIDTH >> within))];
}

static struct digest rest_from(const struct proof_plan *plan, const struct digest *const *tiles,
			       unsigned height)
{
	struct digest peaks[MERKLE_HEIGHTS];
	struct digest rests[MERKLE_HEIGHTS + 1];
	uint64_t below = height < 64 ? plan->size & ((UINT64_C(1) << height) - 1) : plan->size;

	for (unsigned h = 0; h < height; h++)
		if ((below >> h & 1) != 0)
			peaks[h] = node_from(plan, tiles, h, (plan->size >> h) - 1);
	merkle_rests(below, peaks, rests);
	return rests[MERKLE_HEIGHTS];
}

void plan_build(const struct proof_plan *plan, const struct digest *const *tiles, struct digest *ret_proof)
{
	for (size_t i = 0; i < plan->steps_n; i++) {
		const struct proof_step *step = &plan->steps[i];
		ret_proof[i] = step->rest ? rest_from(plan, tiles, step->height)
					  : node_from(plan, tiles, step->height, step->index);
	}
}
