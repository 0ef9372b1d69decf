"""The log in pieces (C2SP tlog-tiles): paths of tiles and bundles, what is in them, and the root that they make."""
import struct

from . import merkle
from .note import Invalid

WIDTH = 256


def _number(n):
    groups = [f"{n % 1000:03d}"]
    while n >= 1000:
        n //= 1000
        groups.insert(0, f"x{n % 1000:03d}")
    return "/".join(groups)


def path(level, n, width=WIDTH):
    """`level` is a number, or "entries"."""
    return f"/tile/{level}/{_number(n)}" + (f".p/{width}" if width < WIDTH else "")


def widths(level, size):
    """(n, width) of every tile of a level in a tree of this size; "entries" as level 0."""
    hashes = size >> (8 * (0 if level == "entries" else level))
    full, partial = divmod(hashes, WIDTH)
    return [(n, WIDTH) for n in range(full)] + ([(full, partial)] if partial else [])


def hashes_in(tile, width):
    if len(tile) != 32 * width:
        raise Invalid(f"a tile of {len(tile)} bytes for {width} hashes")
    return [tile[i:i + 32] for i in range(0, len(tile), 32)]


def entries_in(bundle, width):
    entries, at = [], 0
    while at < len(bundle):
        length, = struct.unpack_from(">H", bundle, at)
        entries.append(bundle[at + 2:at + 2 + length])
        at += 2 + length
    if at != len(bundle) or len(entries) != width:
        raise Invalid(f"a bundle of {len(entries)} entries for {width}")
    return entries


def root(fetch, size):
    """The root by nothing but tiles: every level must be what the level below it makes, and level 0 makes the root."""
    leaves = [h for n, w in widths(0, size) for h in hashes_in(fetch(path(0, n, w)), w)]
    below = leaves
    for level in range(1, 8):
        here = [h for n, w in widths(level, size) for h in hashes_in(fetch(path(level, n, w)), w)]
        made = [merkle.root_of(below[i:i + WIDTH]) for i in range(0, len(below) - WIDTH + 1, WIDTH)]
        if here != made:
            raise Invalid(f"level {level} is not what level {level - 1} makes")
        below = here
    return merkle.root_of(leaves)
