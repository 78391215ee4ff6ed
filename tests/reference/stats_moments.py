"""The variance of 1e9 plus small noise over 2^34 units in Python's unbounded integers, for crates/whom-stats/src/moments.rs."""

from fractions import Fraction

noise = [3, -1, 4, -1, 5, -9, 2, -6]
values = [10**13 + x for x in noise]
copies = 2**34 // len(values)
n = copies * len(values)
centred = n * copies * sum(v * v for v in values) - (copies * sum(values)) ** 2
print("centred second moment", centred)
print("variance", repr(float(Fraction(centred, n * (n - 1) * 10**8))))
