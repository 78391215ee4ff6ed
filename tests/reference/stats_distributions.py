"""Reference numbers for crates/whom-stats/src/distribution.rs, to 40 digits with mpmath (pip install mpmath).

Prints two-sided p-values of Student's t, upper tails of the normal and of chi-square, as Rust tuples.
"""

from mpmath import betainc, erfc, gammainc, mp, mpf, nstr, sqrt

mp.dps = 60


def student_two_sided(t, df):
    t, df = mpf(t), mpf(df)
    if df > 20000:  # the incomplete beta function by quadrature of the density instead
        from mpmath import exp, inf, log, loggamma, pi, quad

        constant = exp(loggamma((df + 1) / 2) - loggamma(df / 2)) / sqrt(df * pi)
        scale = 1 / max(t, mpf(1))
        density = lambda x: exp(-(df + 1) / 2 * log(1 + x * x / df))
        points = [t + scale * k for k in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)]
        return 2 * constant * (quad(density, points) + quad(density, [points[-1], inf]))
    return betainc(df / 2, mpf(1) / 2, 0, df / (df + t * t), regularized=True)


def show(name, rows):
    print(f"{name}:")
    for row in rows:
        print("    (" + ", ".join(row) + "),")


show(
    "student_two_sided (t, degrees of freedom, p)",
    [
        (repr(t), repr(df), nstr(student_two_sided(t, df), 17))
        for t, df in [
            (0.5, 1.0), (12.7, 1.0), (2.0, 2.5), (1e6, 3.0), (2.2281388519649385, 10.0), (40.0, 10.0), (1e-3, 30.0),
            (1.0, 99.5), (6.0, 511.0), (38.0, 511.0), (3.3341, 1735.0), (2.0, 999.9), (2.0, 1000.1), (45.0, 1500.0),
            (0.3, 12345.6), (13.98, 42000.0), (36.0, 42000.0), (1.96, 1e6), (37.0, 1e7), (5.0, 1e10),
        ]
    ],
)
show(
    "normal_two_sided (z, p)",
    [(repr(z), nstr(erfc(mpf(z) / sqrt(mpf(2))), 17)) for z in [0.1, 1.959963984540054, 8.0, 37.0]],
)
show(
    "chi_square_upper (x, degrees of freedom, p)",
    [
        (repr(x), repr(df), nstr(gammainc(mpf(df) / 2, mpf(x) / 2, regularized=True), 17))
        for x, df in [
            (3.841458820694124, 1), (0.02, 1), (1200.0, 1), (5.0, 4), (30.0, 2), (1100.0, 1023), (1600.0, 1023),
            (900.0, 1023), (2046.0, 2046), (0.5, 10),
        ]
    ],
)
