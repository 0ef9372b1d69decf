"""RFC 6962, section 2.1: leaves, and the two proofs as proto/README.md, section 5, writes them down."""
import hashlib

U64 = 1 << 64


def leaf_hash(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves):
    """The root over all leaf hashes, by definition and without proofs: slow, to compare with."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root_of(leaves[:k]), root_of(leaves[k:]))


def _hashes(*values):
    return all(len(v) == 32 for v in values)


def inclusion_holds(index, size, leaf, proof, root):
    if not 0 <= index < size < U64 or not _hashes(leaf, root, *proof):
        return False
    fn, sn, r = index, size - 1, leaf
    for c in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(c, r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def consistency_holds(old, new, proof, old_root, new_root):
    if not 0 < old <= new < U64 or not _hashes(old_root, new_root, *proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    if not proof:
        return False
    proof = list(proof)
    if old & (old - 1) == 0:
        proof.insert(0, old_root)
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root


def roots(leaves):
    """The root of every size, from 1 on, in one pass."""
    peaks = []  # of the complete trees, the largest first
    for size, node in enumerate(leaves, 1):
        while size & 1 == 0:
            node, size = node_hash(peaks.pop(), node), size >> 1
        peaks.append(node)
        root = node
        for peak in peaks[-2::-1]:
            root = node_hash(peak, root)
        yield root
