"""The bootstrap weights of the first buckets, for the unit test of `whom-stats`.

    pip install xxhash
    python3 tests/reference/stats_weights.py

A weight is the quantile of the Poisson(1) distribution at the bucket's hash over 2^64; the hash is XXH3 of (bucket, replicate)
with the hash of (experiment, purpose) as its seed, all little-endian.
"""

import math
import struct

import xxhash


def weights(experiment, purpose, replicate, buckets):
    key = struct.pack("<Q", len(experiment)) + experiment.encode() + purpose.encode()
    seed = xxhash.xxh3_64_intdigest(key)
    for bucket in buckets:
        uniform = xxhash.xxh3_64_intdigest(struct.pack("<HQ", bucket, replicate), seed) / 2**64
        weight, probability = 0, math.exp(-1)
        below = probability
        while uniform >= below:
            weight += 1
            probability /= weight
            below += probability
        yield weight


print(list(weights("checkout_v3", "search", 0, range(16))))
