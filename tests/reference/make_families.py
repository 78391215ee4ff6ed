#!/usr/bin/env python3
"""Expected numbers for families of tests, heterogeneity, shrinkage, power, confidence sequences and replication in whom-stats.

    venv/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
    venv/bin/python tests/reference/make_families.py      # writes families_cohorts.csv and families_expected.csv beside this file

Published procedures come from statsmodels and scipy; the Bayesian model is integrated here on a linear grid of tau (the crate
works on a logarithmic one), with the probability of the largest effect by Gauss-Hermite and a fine grid.
"""

import csv
from pathlib import Path

import numpy as np
from scipy import optimize, special, stats
from statsmodels.regression.linear_model import WLS
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.oneway import anova_oneway
from statsmodels.stats.power import TTestIndPower

HERE = Path(__file__).resolve().parent
EXPECTED: list[tuple[str, str, str, float]] = []


def expect(topic: str, case: str, quantity: str, value: float) -> None:
    EXPECTED.append((topic, case, quantity, float(value)))


def small_samples() -> list[np.ndarray]:
    generator = np.random.default_rng(20261127)
    return [generator.normal(mean, sd, n) for mean, sd, n in [(0, 1, 6), (1.0, 3, 9), (0.5, 2, 14), (2.5, 1.5, 7)]]


def all_cases() -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    samples = small_samples()
    generator = np.random.default_rng(7)
    errors = generator.uniform(0.2, 1.0, 12)
    return {
        # Rubin 1981: effect and standard error of coaching in eight schools.
        "eight_schools": (np.array([28.0, 8, -3, 7, -1, 1, 18, 12]), np.array([15.0, 10, 16, 11, 9, 11, 10, 18]), np.full(8, np.inf)),
        # Hillstrom, women's campaign on visits, by earlier purchases of women's goods.
        "two_cohorts": (np.array([0.0111, 0.0731]), np.array([0.0044, 0.0046]), np.array([9000.0, 8500.0])),
        "small_groups": (
            np.array([sample.mean() for sample in samples]),
            np.array([sample.std(ddof=1) / np.sqrt(len(sample)) for sample in samples]),
            np.array([len(sample) - 1.0 for sample in samples]),
        ),
        "twelve": (generator.normal(1.0, 0.8, 12) + errors * generator.standard_normal(12), errors, np.full(12, 400.0)),
        "alike": (np.array([1.0, 1.1, 0.9, 1.05]), np.array([0.5, 0.6, 0.4, 0.8]), np.full(4, 100.0)),
    }


# ---------------------------------------------------------------------------------------------------------- heterogeneity


def heterogeneity(case: str, y: np.ndarray, s: np.ndarray, df: np.ndarray) -> None:
    v, k = s**2, len(y)
    topic = "heterogeneity"

    def q(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float((w * (y - (w * y).sum() / w.sum()) ** 2).sum())

    def solve(target: float) -> float:
        return 0.0 if q(0) <= target else optimize.brentq(lambda t: q(t) - target, 0, 1e6 * (v.max() + np.ptp(y) ** 2), xtol=1e-15, rtol=1e-14)

    moments = combine_effects(y, v, method_re="chi2")
    mandel = combine_effects(y, v, method_re="iterated")
    expect(topic, case, "q", moments.q)
    expect(topic, case, "q_p", stats.chi2.sf(moments.q, k - 1))
    expect(topic, case, "tau_squared_moments", max(0.0, moments.tau2))
    expect(topic, case, "tau_squared", solve(k - 1))
    assert abs(solve(k - 1) - max(0.0, mandel.tau2)) < 1e-4 * (1 + solve(k - 1)), (case, solve(k - 1), mandel.tau2)
    lower, upper = solve(stats.chi2.isf(0.025, k - 1)), solve(stats.chi2.isf(0.975, k - 1))
    expect(topic, case, "tau_squared_lower", lower)
    expect(topic, case, "tau_squared_upper", upper)
    w = 1 / v
    typical = (k - 1) * w.sum() / (w.sum() ** 2 - (w**2).sum())
    expect(topic, case, "i_squared", max(0.0, 1 - (k - 1) / moments.q))
    expect(topic, case, "i_squared_lower", lower / (lower + typical))
    expect(topic, case, "i_squared_upper", upper / (upper + typical))
    expect(topic, case, "common", moments.mean_effect_fe)
    expect(topic, case, "common_std_err", 1 / np.sqrt(w.sum()))
    w = 1 / (v + solve(k - 1))
    expect(topic, case, "average", (w * y).sum() / w.sum())
    expect(topic, case, "average_std_err", 1 / np.sqrt(w.sum()))


def welch() -> None:
    test = anova_oneway(small_samples(), use_var="unequal", welch_correction=True)
    expect("welch", "small_groups", "f", test.statistic)
    expect("welch", "small_groups", "denominator", test.df_denom)
    expect("welch", "small_groups", "p", test.pvalue)


# ---------------------------------------------------------------------------------------------------------------- Bayes


def prior(name: str, scale: float, tau: np.ndarray) -> np.ndarray:
    if name == "rayleigh":
        return stats.rayleigh.pdf(tau, scale=scale)
    if name == "half_normal":
        return stats.norm.pdf(tau, scale=scale)
    if name == "half_cauchy":
        return stats.cauchy.pdf(tau, scale=scale)
    return np.ones_like(tau)


def bayes(case: str, y: np.ndarray, s: np.ndarray, name: str, scale: float) -> None:
    key = f"{case} {name}"
    # Linear grid in u, tau = c u / (1 - u): Gauss-Legendre, 4,000 points.
    u, weight = np.polynomial.legendre.leggauss(4000)
    u, weight = (u + 1) / 2, weight / 2
    c = np.median(s)
    tau = c * u / (1 - u)
    weight = weight * c / (1 - u) ** 2
    total = s[:, None] ** 2 + tau**2
    precision = (1 / total).sum(0)
    mu = (y[:, None] / total).sum(0) / precision
    log = -0.5 * np.log(precision) - 0.5 * np.log(total).sum(0) - 0.5 * ((y[:, None] - mu) ** 2 / total).sum(0)
    p = weight * prior(name, scale, tau) * np.exp(log - log.max())
    p /= p.sum()

    def mixture(quantity: str, mean: np.ndarray, sd: np.ndarray) -> None:
        expect("bayes", key, f"{quantity} mean", (p * mean).sum())
        expect("bayes", key, f"{quantity} positive", (p * stats.norm.sf(0, mean, sd)).sum())
        bracket = 1e3 * (np.abs(y).max() + s.max())
        for label, at in [("lower", 0.025), ("median", 0.5), ("upper", 0.975)]:
            below = lambda x, at=at: (p * special.ndtr((x - mean) / sd)).sum() - at
            expect("bayes", key, f"{quantity} {label}", optimize.brentq(below, -bracket, bracket, xtol=1e-14))

    mixture("mu", mu, np.sqrt(1 / precision))
    for j in range(len(y)):
        b = s[j] ** 2 / total[j]
        mean, variance = b * mu + (1 - b) * y[j], (1 - b) * s[j] ** 2 + b**2 / precision
        mixture(f"theta{j}", mean, np.sqrt(variance))
        m = (p * mean).sum()
        expect("bayes", key, f"theta{j} std_dev", np.sqrt((p * (variance + (mean - m) ** 2)).sum()))
    below = np.cumsum(p) - p / 2
    for label, at in [("lower", 0.025), ("median", 0.5), ("upper", 0.975)]:
        expect("bayes", key, f"tau {label}", np.interp(at, below, tau))
    for j, value in enumerate(largest(y, s, (tau, p, mu, precision))):
        expect("bayes", key, f"theta{j} largest", value)


def largest(y: np.ndarray, s: np.ndarray, posterior: tuple[np.ndarray, ...]) -> np.ndarray:
    tau, p, mu, precision = posterior
    # 400 slices of equal probability, by the distribution function.
    slices = np.interp((np.arange(400) + 0.5) / 400, np.cumsum(p) - p / 2, tau)
    nodes, weights = np.polynomial.hermite_e.hermegauss(30)
    weights = weights / weights.sum()
    grid = np.linspace(-8, 8, 321)
    density = stats.norm.pdf(grid) * (grid[1] - grid[0])
    found = np.zeros(len(y))
    for t in slices:
        total = s**2 + t**2
        precision_t = (1 / total).sum()
        m = (y / total).sum() / precision_t
        sd = s * t / np.sqrt(total)
        for node, weight in zip(nodes, weights):
            centre = (s**2 * (m + node / np.sqrt(precision_t)) + t**2 * y) / total
            for j in range(len(y)):
                x = centre[j] + sd[j] * grid
                product = np.ones_like(grid)
                for k in range(len(y)):
                    if k != j:
                        product = product * special.ndtr((x - centre[k]) / sd[k])
                found[j] += weight * (density * product).sum() / len(slices)
    assert abs(found.sum() - 1) < 2e-3, found.sum()
    return found / found.sum()


# ---------------------------------------------------------------------------------------------------- families and power


def multiplicity() -> None:
    p = np.array([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216])  # Benjamini and Hochberg's kind of list
    for i, value in enumerate(p):
        expect("multiplicity", "ten", f"p{i}", value)
    for name, method in [("holm", "holm"), ("hochberg", "fdr_bh"), ("yekutieli", "fdr_by")]:
        for i, value in enumerate(multipletests(p, method=method)[1]):
            expect("multiplicity", "ten", f"{name}{i}", value)


def distributions() -> None:
    for f, d1, d2 in [(3.0, 2.0, 7.5), (1.2, 5.0, 200.0), (0.4, 3.0, 12.0), (12.0, 4.0, 5000.0), (30.0, 9.0, 60.0), (2.5, 3.0, 3e9)]:
        expect("f", f"{f} {d1} {d2}", "p", stats.f.sf(f, d1, d2) if d2 < 1e8 else stats.chi2.sf(d1 * f, d1))
    for t, nu, delta in [(2.0, 5.0, 1.0), (1.96, 126.0, 2.8), (2.5, 3.0, 4.0), (-1.0, 12.0, 0.5), (2.0, 20000.0, 3.0), (3.0, 1.5, 0.7)]:
        expect("noncentral_t", f"{t} {nu} {delta}", "p", stats.nct.sf(t, nu, delta))


def power() -> None:
    solver = TTestIndPower()
    for n, ratio, alpha, sides in [(64, 1, 0.05, "two-sided"), (20, 1, 0.05, "two-sided"), (500, 9, 0.01, "two-sided"), (15, 2, 0.05, "larger"), (3000, 0.5, 0.0025, "larger"), (5, 1, 0.05, "two-sided")]:
        case = f"{n} {ratio} {alpha} {'two' if sides == 'two-sided' else 'one'}"
        expect("power", case, "detectable", solver.solve_power(None, n, alpha, 0.8, ratio, sides))
        expect("power", case, "power_at_half", solver.power(0.5, n, alpha, ratio=ratio, alternative=sides))
    for d, alpha, wanted, sides in [(0.5, 0.05, 0.8, "two-sided"), (0.1, 0.01, 0.9, "two-sided"), (0.02, 0.05, 0.8, "larger"), (1.5, 0.05, 0.8, "two-sided")]:
        case = f"{d} {alpha} {wanted} {'two' if sides == 'two-sided' else 'one'}"
        expect("units", case, "per_arm", solver.solve_power(d, None, alpha, wanted, 1, sides))


# ------------------------------------------------------------------------------------------- sequences, slices, replication


def sequences() -> None:
    for alpha, planned, n in [(0.05, 10000, 10000), (0.05, 10000, 100), (0.05, 10000, 3000000), (0.001, 500, 800)]:
        # Waudby-Smith et al., appendix: rho that minimises the width at `planned`, by Lambert's W.
        rho2 = (-special.lambertw(-(alpha**2) * np.exp(-1), -1).real - 1) / planned
        margin = np.sqrt(2 * (n * rho2 + 1) / (n**2 * rho2) * np.log(np.sqrt(n * rho2 + 1) / alpha))
        case = f"{alpha} {planned} {n}"
        expect("sequence", case, "critical_value", margin * np.sqrt(n))
        for z in [1.0, 3.0, 6.0]:
            # The p-value is the alpha at which the interval with this rho just touches zero.
            touch = lambda ln_a: 2 * (n * rho2 + 1) / (n * rho2) * (np.log(n * rho2 + 1) / 2 - ln_a) - z**2
            expect("sequence", case, f"ln_p {z}", min(0.0, optimize.brentq(touch, -200, 200)))
    for alpha, planned, n in [(0.05, 10000, 10000), (0.05, 10000, 100), (0.05, 10000, 3000000), (0.001, 500, 800)]:
        # Robbins' mixture over a half-normal, by Gauss and Legendre; where the boundary is least in s, the mixture's derivative in s is zero.
        nodes, weights = np.polynomial.legendre.leggauss(200)

        def integral(z: float, s: float, of) -> float:
            middle, width = z * np.sqrt(s) / (1 + s), 1 / np.sqrt(1 + s)
            x = (nodes + 1) / 2 * (middle + 12 * width)
            density = 2 * np.exp(-((x - middle) ** 2) / (2 * width**2)) / np.sqrt(2 * np.pi)
            return float((weights * of(x) * density).sum() * (middle + 12 * width) / 2)

        ln_mixture = lambda z, s: np.log(integral(z, s, np.ones_like)) + z**2 * s / (2 * (1 + s))
        boundary = lambda s: optimize.brentq(lambda z: ln_mixture(z, s) + np.log(alpha), 0, 60, xtol=1e-14)

        def slope(s: float) -> float:
            z = boundary(s)
            return integral(z, s, lambda x: x * z / (2 * np.sqrt(s)) - x**2 / 2)

        best = optimize.brentq(slope, 0.5, 60, xtol=1e-13)
        case, s = f"{alpha} {planned} {n}", best * n / planned
        expect("one_sided_sequence", case, "critical_value", boundary(s))
        for z in [1.0, 3.0, 6.0]:
            expect("one_sided_sequence", case, f"ln_p {z}", min(0.0, -ln_mixture(z, s)))
    for units, weights in [((21306, 20307), (0.5, 0.5)), ((5000, 5100, 9900), (1, 1, 2)), ((3, 0), (0.5, 0.5)), ((100000, 102000), (0.5, 0.5))]:
        w = np.array(weights) / sum(weights)
        n = np.array(units)
        log_factor = stats.dirichlet_multinomial.logpmf(n, 10000 * w, n.sum()) - stats.multinomial.logpmf(n, n.sum(), w)
        expect("sample_ratio", " ".join(map(str, units)), "p", min(1.0, np.exp(-log_factor)))


def slices(y: np.ndarray, s: np.ndarray) -> None:
    fit = WLS(y, np.column_stack([np.ones(len(y)), np.arange(len(y))]), 1 / s**2).fit(cov_type="fixed scale")
    expect("trend", "twelve", "slope", fit.params[1])
    expect("trend", "twelve", "std_err", fit.bse[1])


def main() -> None:
    cases = all_cases()
    with (HERE / "families_cohorts.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "value", "std_err", "degrees_of_freedom"])
        for case, columns in cases.items():
            writer.writerows((case, *(repr(float(x)) for x in row)) for row in zip(*columns))
    for case, (y, s, df) in cases.items():
        heterogeneity(case, y, s, df)
    welch()
    y, s, _ = cases["eight_schools"]
    bayes("eight_schools", y, s, "flat", 0.0)
    bayes("eight_schools", y, s, "half_cauchy", 5.0)
    bayes("eight_schools", y, s, "half_normal", 10.0)
    bayes("two_cohorts", *cases["two_cohorts"][:2], "half_normal", 0.01)
    bayes("eight_schools", y, s, "rayleigh", 10.0)
    bayes("two_cohorts", *cases["two_cohorts"][:2], "rayleigh", 0.01)
    bayes("twelve", *cases["twelve"][:2], "half_cauchy", 0.5)
    multiplicity()
    distributions()
    power()
    sequences()
    slices(*cases["twelve"][:2])
    with (HERE / "families_expected.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["topic", "case", "quantity", "value"])
        writer.writerows((*row, repr(value)) for *row, value in EXPECTED)


if __name__ == "__main__":
    main()
