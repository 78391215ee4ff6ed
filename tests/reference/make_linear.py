#!/usr/bin/env python3
"""Linear models of published experiments by independent programs: the numbers that `whom_stats::linear` has to meet.

    venv/bin/pip install numpy==2.4.6 pyarrow==26.0.1 statsmodels==0.15.0
    venv/bin/python tests/reference/make_linear.py

writes, beside this file, `linear.csv` (every coefficient with every kind of standard error), `linear_predictions.csv` (effects that models
predict for profiles of units, with their errors) and the rows that both sides read, `linear_rows_*.csv`. Classical and HC0 to HC3 and CR1 are statsmodels'. CR0, CR2 and Bell and McCaffrey's degrees of freedom are computed
here from their definitions, with the full matrices (I - H_gg)^(-1/2) of each cluster's rows and the projection of all rows.

Of the retention data, tags and outcome are rounded to five decimals so that the rows stay small; what the lecture prints is met
on the original values too, which is asserted here, as is every published number.
"""

import csv
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import statsmodels.api as sm
from scipy import stats

HERE = Path(__file__).resolve().parent
ORIGINALS = HERE.parent / "data"
TAGS = ["risk_score", "usage_z", "log_customer_value", "tenure_months", "enterprise_plan", "support_tickets"]
COLUMNS = ["rows", "model", "errors", "term", "estimate", "std_err", "degrees_of_freedom", "p_value"]
found: list[list] = []
predicted: list[list] = []


def read(path: str) -> dict[str, np.ndarray]:
    table = pq.read_table(ORIGINALS / path)
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


def write(name: str, columns: dict[str, np.ndarray]) -> None:
    with open(HERE / name, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(column.tolist() for column in columns.values())))


def record(place: tuple[str, str], errors: str, names: list[str], numbers) -> None:
    for name, estimate, std_err, degrees in zip(names, *numbers):
        p = 2 * stats.t.sf(abs(estimate / std_err), degrees)
        found.append([*place, errors, name, repr(float(estimate)), repr(float(std_err)), repr(float(degrees)), repr(float(p))])


def predict(place: tuple[str, str], errors: str, name: str, estimate: float, std_err: float, degrees: float) -> None:
    p = 2 * stats.t.sf(abs(estimate / std_err), degrees)
    predicted.append([*place, errors, name, repr(float(estimate)), repr(float(std_err)), repr(float(degrees)), repr(float(p))])


def effects_at(arms: list[str], profiles: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """For each arm and profile of covariates, the weights of the coefficients in the arm's effect: 1 and, of its interactions, the covariates."""
    weights = {}
    for number, arm in enumerate(arms):
        for name, covariates in profiles.items():
            of_arms, of_interactions = np.zeros(len(arms)), np.zeros((len(arms), len(covariates)))
            of_arms[number], of_interactions[number] = 1, covariates
            weights[f"{arm}@{name}"] = np.concatenate([[0], of_arms, np.zeros(len(covariates)), of_interactions.ravel()])
    return weights


def robust(place: tuple[str, str], names: list[str], x: np.ndarray, y: np.ndarray, asked: dict[str, np.ndarray] = {}) -> dict[str, np.ndarray]:
    design = sm.add_constant(x)
    by_kind = {}
    for kind in ["nonrobust", "HC0", "HC1", "HC2", "HC3"]:
        fit = sm.OLS(y, design).fit(cov_type=kind, use_t=True)
        record(place, kind.lower(), names, (fit.params, fit.bse, [fit.df_resid] * len(names)))
        by_kind[kind] = np.column_stack([fit.params, fit.bse, fit.pvalues])
        if kind in ("HC2", "HC3") and asked and fit.get_influence().hat_matrix_diag.max() > 1 - 1e-9:
            continue  # a row alone decides a coefficient, and these errors divide by 1 less its leverage
        for name, weights in asked.items():
            tested = fit.t_test(weights)
            predict(place, kind.lower(), name, tested.effect[0], tested.sd[0, 0], tested.df_denom)
    return by_kind


def clustered(place: tuple[str, str], names: list[str], x: np.ndarray, y: np.ndarray, clusters: np.ndarray, asked: dict[str, np.ndarray] = {}) -> None:
    design = sm.add_constant(x)
    numbers = np.unique(clusters, return_inverse=True)[1]
    count = numbers.max() + 1
    fit = sm.OLS(y, design).fit(cov_type="cluster", cov_kwds={"groups": numbers}, use_t=True)
    record(place, "cr1", names, (fit.params, fit.bse, [count - 1] * len(names)))
    for name, weights in asked.items():
        tested = fit.t_test(weights)
        predict(place, "cr1", name, tested.effect[0], tested.sd[0, 0], count - 1)

    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ y
    residual = y - design @ beta
    plain, adjusted = np.zeros_like(bread), np.zeros_like(bread)
    pushed = []  # for each cluster (I - H)_g' A_g X_g (X'X)^-1: rows by coefficients
    for cluster in range(count):
        inside = numbers == cluster
        rows = design[inside]
        values, vectors = np.linalg.eigh(np.eye(inside.sum()) - rows @ bread @ rows.T)
        inverse_roots = np.where(values > 1e-9, 1 / np.sqrt(np.maximum(values, 1e-9)), 0.0)
        root = (vectors * inverse_roots) @ vectors.T
        score, adjusted_score = rows.T @ residual[inside], rows.T @ root @ residual[inside]
        plain += np.outer(score, score)
        adjusted += np.outer(adjusted_score, adjusted_score)
        inner = root @ rows @ bread
        of_all = -design @ (bread @ (rows.T @ inner))
        of_all[inside] += inner
        pushed.append(of_all)
    cr0, cr2 = bread @ plain @ bread, bread @ adjusted @ bread

    def bell_mccaffrey(weights: np.ndarray) -> float:
        products = np.column_stack([of_all @ weights for of_all in pushed])
        products = products.T @ products
        return np.trace(products) ** 2 / (products**2).sum()

    degrees = [bell_mccaffrey(coefficient) for coefficient in np.eye(len(names))]
    for name, weights in asked.items():
        for kind, covariance, of_kind in [("cr0", cr0, count - 1), ("cr2", cr2, bell_mccaffrey(weights))]:
            predict(place, kind, name, weights @ beta, np.sqrt(weights @ covariance @ weights), of_kind)
    record(place, "cr0", names, (beta, np.sqrt(np.diag(cr0)), [count - 1] * len(names)))
    record(place, "cr2", names, (beta, np.sqrt(np.diag(cr2)), degrees))


def interactions(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Columns of the model y ~ w * x: arms, covariates, and each arm's interactions."""
    w, x = w.reshape(len(w), -1), x.reshape(len(x), -1)
    return np.column_stack([w, x, *(arm[:, None] * x for arm in w.T)]).astype(float)


def names_of(arms: list[str], covariates: list[str]) -> list[str]:
    return ["intercept", *arms, *covariates, *(f"{arm}:{covariate}" for arm in arms for covariate in covariates)]


def assert_printed(numbers, printed: list[str]) -> None:
    for number, text in zip(numbers, printed, strict=True):
        decimals = len(text.split(".")[1])
        assert f"{number:.{decimals}f}".replace("0.", ".", 1) == text, (number, text)


def esti() -> None:
    rows = read("esti/esti.parquet")
    w, y = rows["w"], rows["y"].astype(float)
    age20, age25 = (rows["age"] >= 20) & (rows["age"] <= 24), rows["age"] >= 25
    columns = {"y": rows["y"], "w": w, "female": rows["gender_female"], "age20": age20.astype(int), "age25": age25.astype(int)}
    write("linear_rows_esti.csv", columns)

    by_kind = robust(("esti", "female"), names_of(["w"], ["female"]), interactions(w, columns["female"]), y)["HC2"]
    assert_printed(by_kind[:, :2].ravel(), ".2157434 .0222426 .1789934 .0335429 -.0073224 .0290309 .1467815 .0439771".split())
    assert_printed([by_kind[3, 2]], [".0008627"])
    groups = np.column_stack([age20, age25]).astype(float)
    by_kind = robust(("esti", "age"), names_of(["w"], ["age20", "age25"]), interactions(w, groups), y)["HC2"]
    assert_printed(by_kind[4:, :2].ravel(), ".04351246 .05733158 .16857652 .05892980".split())
    assert_printed(2 * by_kind[4:, 2], [".895958", ".0085573"])
    assert_printed(by_kind[4:, 2], [".447979", ".0042786"])
    fit = robust(("esti", "average"), ["intercept", "w"], w.reshape(-1, 1).astype(float), y)["HC2"]
    assert_printed(fit[1, :2], [".26516", ".02180"])

    gender = np.column_stack([rows["gender_male"], rows["gender_transgender"]])
    together = np.column_stack([rows["age"], gender]).astype(float)
    mean = together.mean(axis=0)
    profiles = {"average": mean, "woman_of_20": np.array([20.0, 0, 0]), "of_25": np.array([25.0, *mean[1:]]), "man": np.array([mean[0], 1, 0])}
    robust(("esti", "together"), names_of(["w"], ["age", "male", "transgender"]), interactions(w, together), y, effects_at(["w"], profiles))
    some = rows["gender_transgender"] == 0
    pair = together[some][:, :2]
    mean = pair.mean(axis=0)
    profiles = {"average": mean, "woman_of_20": np.array([20.0, 0]), "of_25": np.array([25.0, mean[1]]), "man": np.array([mean[0], 1])}
    robust(("esti", "women_and_men"), names_of(["w"], ["age", "male"]), interactions(w[some], pair), y[some], effects_at(["w"], profiles))


def retention() -> None:
    rows = read("retention/retention.parquet")
    rounded = {tag: np.round(rows[tag], 5) for tag in TAGS[:4]} | {tag: rows[tag] for tag in TAGS[4:]}
    train = rows["fold35"] == "train"
    columns = rounded | {
        "treatment": rows["treatment"],
        "outcome": np.round(rows["outcome"], 5),
        "true_cate": np.round(rows["true_cate"], 4),
        "train": train.astype(int),
    }
    write("linear_rows_retention.csv", columns)
    for place, source in [(("retention", "original"), rows), (("retention", "rounded"), columns)]:
        x = np.column_stack([source[tag] for tag in TAGS]).astype(float)
        z = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
        w, y = source["treatment"], source["outcome"]
        names = names_of(["treatment"], TAGS)
        table = robust(place, names, interactions(w[train], z[train]), y[train])["HC3"]
        assert_printed(table[1, :2], ["3.676", ".152"])
        printed = "3.342 .161 -.488 .163 .196 .222 -.214 .155 1.363 .150 .610 .166".split()
        assert_printed(table[8:, :2].ravel(), printed)
        cate, truth = table[1, 0] + z[~train] @ table[8:, 0], source["true_cate"][~train]
        correlation, rmse = np.corrcoef(cate, truth)[0, 1], np.sqrt(np.mean((cate - truth) ** 2))
        assert_printed([correlation, rmse], [".979", ".841"])
        measured = {"correlation": correlation, "rmse": rmse}
        ranks = np.argsort(np.argsort(cate, kind="stable"), kind="stable")
        deciles = ranks * 10 // len(cate)
        for decile in range(10):
            inside = deciles == decile
            w_test, y_test = w[~train][inside], y[~train][inside]
            measured[f"decile_{decile + 1}_predicted"] = cate[inside].mean()
            measured[f"decile_{decile + 1}_true"] = truth[inside].mean()
            measured[f"decile_{decile + 1}_observed"] = y_test[w_test == 1].mean() - y_test[w_test == 0].mean()
        for name, value in measured.items():
            found.append([*place, "test_fold", name, repr(float(value)), "", "", ""])


def karlan_list() -> None:
    rows = read("karlan_list/karlan_list.parquet")
    known = rows["state"] != "unknown"
    treated = (rows["arm"][known] != "control").astype(int)
    red, gave = (rows["state"][known] == "red").astype(int), rows["out_gavedum"][known]
    cells, counts = np.unique(np.column_stack([treated, red, gave]), axis=0, return_counts=True)
    write("linear_rows_karlan_list.csv", dict(zip(["treatment", "red", "gave"], cells.T)) | {"donors": counts})
    columns, y = interactions(treated, red), gave.astype(float)
    table = robust(("karlan_list", "red"), names_of(["treatment"], ["red"]), columns, y)
    # The published +.009 (.003) is no least squares but Stata's dprobit: the change at the means as the interaction goes from 0 to 1. The linear
    # model gives the difference of the effects in the two groups, .00880 - .00104.
    assert_printed(table["HC2"][3, :2], [".0078", ".0026"])
    design = sm.add_constant(columns)
    probit = sm.Probit(y, design).fit(disp=0)
    at_means = design.mean(axis=0) @ probit.params
    without = at_means - design.mean(axis=0)[3] * probit.params[3]
    assert_printed([stats.norm.cdf(without + probit.params[3]) - stats.norm.cdf(without)], [".009"])
    assert_printed([stats.norm.pdf(at_means) * probit.bse[3]], [".003"])


def star() -> None:
    rows = read("star/star_kindergarten.parquet")
    known = ~np.isnan(rows["scorek"])
    columns = {
        "school": rows["schoolidk"][known].astype(int),
        "small": (rows["stark"][known] == "small").astype(int),
        "aide": (rows["stark"][known] == "regular+aide").astype(int),
        "girl": (rows["gender"][known] == "female").astype(int),
        "score": rows["scorek"][known].astype(int),
    }
    assert known.sum() == 5786
    write("linear_rows_star.csv", columns)
    school, girl, y = columns["school"], columns["girl"], columns["score"].astype(float)
    arms = np.column_stack([columns["small"], columns["aide"]]).astype(float)
    names, arm_names = ["intercept", "small", "aide"], ["small", "aide"]
    table = robust(("star", "arms"), names, arms, y)["HC1"]
    assert_printed(table[1:, :2].ravel(), "13.899 2.454 .314 2.271".split())
    clustered(("star", "arms"), names, arms, y, school)
    asked = effects_at(arm_names, {"average": np.array([girl.mean()]), "girl": np.array([1.0])})
    clustered(("star", "girl"), names_of(arm_names, ["girl"]), interactions(arms, girl), y, school, asked)
    few = school <= 15
    clustered(("star", "girl_few"), names_of(arm_names, ["girl"]), interactions(arms[few], girl[few]), y[few], school[few])
    schools = np.unique(school[few])[1:]
    within = np.column_stack([arms[few], *(school[few] == number for number in schools)]).astype(float)
    names = [*names, *(f"school_{number}" for number in schools)]
    before = len(found)
    clustered(("star", "within_few"), names, within, y[few], school[few])
    found[before:] = [row for row in found[before:] if row[3] in arm_names]


def main() -> None:
    esti()
    retention()
    karlan_list()
    star()
    for name, rows in [("linear.csv", found), ("linear_predictions.csv", predicted)]:
        with open(HERE / name, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(rows)


if __name__ == "__main__":
    main()
