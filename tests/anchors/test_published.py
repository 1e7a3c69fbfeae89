"""Numbers others have published, to half a unit of the last digit they gave."""

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.sparse import csr_array, hstack
from scipy.stats import chi2
from siyu.stats.allocation import allocate, spend, trace_frontier
from siyu.stats.decomposition import kitagawa
from siyu.stats.fixed_effects import dummies, fit_within
from siyu.stats.hazards import fit_hazards
from siyu.stats.intervals import newcombe_difference, wilson
from siyu.stats.many_to_one import compare_with_control
from siyu.stats.migration import find_stationary
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.stats.shifted_beta_geometric import fit, survival
from siyu.stats.shrinkage import fit_prior, shrink
from siyu.stats.survival import cumulative_incidence, log_rank
from siyu.stats.trend import trend_of_shares
from siyu.stats.uplift import qini_coefficient, qini_curve
from statsmodels.duration.hazard_regression import PHReg


class Anchor(NamedTuple):
    name: str
    computed: object
    expected: object
    digits: int
    source: str


def _incidence(time, outcome):
    users = pd.DataFrame({"time": time, "outcome": outcome, "n": 1})
    return cumulative_incidence(users, level=0.95)


TOURIST = np.array(
    # weight, value and pieces of what a tourist can carry
    [(9, 150, 1), (13, 35, 1), (153, 200, 2), (50, 60, 2), (15, 60, 2), (68, 45, 3), (27, 60, 3),
     (39, 40, 3), (23, 30, 1), (52, 10, 3), (11, 70, 1), (32, 30, 1), (24, 15, 2), (48, 10, 2),
     (73, 40, 1), (42, 70, 1), (43, 75, 1), (22, 80, 1), (7, 20, 1), (18, 12, 2), (4, 50, 1),
     (30, 10, 2)]
)  # fmt: skip
BUTCHER = np.array(
    # weight and price of what a thief can cut
    [(3.8, 36), (5.4, 43), (3.6, 90), (2.4, 45), (4.0, 30), (2.5, 56), (3.7, 67), (3.0, 95),
     (5.9, 98)]
)  # fmt: skip


def _bounded_knapsack():
    """Value and weight of the best load of 400 dag in whole pieces."""
    weight, value, pieces = TOURIST.T
    units = allocate(value, weight, pieces, range(len(TOURIST)), budget=400)
    return units @ value, units @ weight


def _continuous_knapsack():
    """Price of the best load of 15 kg, items divisible."""
    one = np.ones(len(BUTCHER))
    frontier = trace_frontier(BUTCHER[:, 1], BUTCHER[:, 0], one, range(len(BUTCHER)))
    return spend(frontier, one, budget=15) @ BUTCHER[:, 1]


def _remission():
    """6-MP arm of the leukaemia trial: survival at each week of relapse, and its interval."""
    curve = _incidence(RELAPSED + STILL_WELL, [1] * 9 + [0] * 12).set_index("time")
    return 1 - curve.loc[sorted(set(RELAPSED))]


def _competing():
    time = [1, 1, 2, 4, 4, 4, 6, 6, 7, 8, 9, 9, 9, 1, 2, 2, 4, 4]
    cause = [1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    return np.array(time), np.array(cause)


def _competing_incidence(event):
    time, cause = _competing()
    outcome = np.where(cause == event, 1, np.where(cause > 0, 2, 0))
    return _incidence(time, outcome)["incidence"]


def _competing_error(event):
    """Read the standard error at the end back from the interval on the scale log(-log(1 - F))."""
    time, cause = _competing()
    last = _incidence(time, np.where(cause == event, 1, np.where(cause > 0, 2, 0))).iloc[-1]
    scale = np.log(-np.log1p(-last[["ci_lower", "ci_upper"]].astype(float)))
    left = 1 - last["incidence"]
    return (scale["ci_upper"] - scale["ci_lower"]) / (2 * 1.959963985) * -left * np.log(left)


RELAPSED, STILL_WELL = (
    [6, 6, 6, 7, 10, 13, 16, 22, 23],
    [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35],
)
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def _gehan():
    """Leukaemia trial: the hazard of relapse with placebo to that with 6-MP."""
    rows = [
        *((0, t, 1) for t in RELAPSED),
        *((0, t, 0) for t in STILL_WELL),
        *((1, t, 1) for t in PLACEBO),
    ]
    patients = pd.DataFrame(rows, columns=["row", "time", "outcome"]).assign(n=1)
    return fit_hazards(np.array([[0.0], [1.0]]), patients)


def _rossi():
    """Hazard of an arrest in the year after the release of 432 convicts.

    The file is that of lifelines (MIT licence), which has it from Allison (1995) by way of R's
    carData: the recorded facts of an experiment, without any of the code or texts around them.
    """
    convicts = pd.read_csv(Path(__file__).with_name("rossi.csv"))
    convicts = convicts.rename(columns={"week": "time", "arrest": "outcome"})
    names = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    design = convicts[names].to_numpy(dtype=float)
    return fit_hazards(design, convicts.assign(row=range(len(convicts)), n=1))


def _renewals(there):
    """Fit 1,000 customers of whom so many were there after 0, 1, ... and 7 renewals."""
    left = [(t, 1, before - after) for t, (before, after) in enumerate(pairwise(there), start=1)]
    table = pd.DataFrame([*left, (7, 0, there[-1])], columns=["time", "outcome", "n"])
    return fit(table)


def _investment(*, firms_and_years):
    """Grunfeld's ten firms over 20 years: investment on value and capital, clustered by firm."""
    data = sm.datasets.grunfeld.load_pandas().data
    data = data[data["firm"] != "American Steel"]
    firm, year = data["firm"].to_numpy(), (data["year"] - 1935).to_numpy()
    features = csr_array(data[["value", "capital"]].to_numpy())
    names = ["value", "capital"]
    if firms_and_years:
        features = csr_array(hstack([features, dummies(year, 20)]))
        names += [f"year {i}" for i in range(1, 20)]
    return fit_within(
        features,
        names=names,
        n=np.ones(len(data)),
        total=data["invest"],
        group=firm if firms_and_years else np.zeros(len(data)),
        cluster=firm,
    )


REMISSION = _remission()
GEHAN, ROSSI = _gehan(), _rossi()
INVESTMENT = _investment(firms_and_years=False)
HIGH_END = _renewals([1000, 869, 743, 653, 593, 551, 517, 491])
REGULAR = _renewals([1000, 631, 468, 382, 326, 289, 262, 241])
FIFTEEN = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0),
]
NEWCOMBE_A = "Newcombe (1998), Stat. Med. 17, 857-872, method 3"
NEWCOMBE_B = "Newcombe (1998), Stat. Med. 17, 873-890, method 10"
KLEINBAUM = "Kleinbaum and Klein, Survival Analysis, ch. 2"
STATA = "Stata sts list, Freireich et al. (1963) data"
STCOMPET = "Stata stcompet, in statsmodels duration/tests/test_survfunc.py"
COX = "R survival coxph, ties = efron; tests of lifelines"
RENEWALS = "Fader and Hardie (2007), J. Interactive Marketing 21(1), 76-90"
GRUNFELD = "Baltagi, Econometric Analysis of Panel Data, Grunfeld data; R plm: within, two ways"
CLUSTERED = "Stata: regress invest value capital, cluster(firm), Grunfeld data"
KEMENY = "Kemeny, Snell and Thompson (1974), Introduction to Finite Mathematics, chapter 4"
BENJAMINI = "Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57, 289-300"

TARONE = (
    "Tarone (1982), Biometrics 38, 215-220; in Gelman et al., Bayesian Data Analysis, table 5.1"
)
RATS = [
    *[20] * 7, *[19] * 4, 18, 18, 17, *[20] * 4, 19, 19, 18, 18, 25, 24, 23, *[20] * 6, 10, 49, 19,
    46, 27, 17, 49, 47, 20, 20, 13, 48, 50, *[20] * 7, 48, 19, 19, 19, 22, 46, 49, 20, 20, 23, 19,
    22, 20, 20, 20, 52, 46, 47, 24, 14,
]  # fmt: skip
TUMOURS = [
    *[0] * 14, *[1] * 8, *[2] * 9, 1, 5, 2, 5, 3, 2, 7, 7, 3, 3, 2, 9, 10, *[4] * 7, 10, 4, 4, 4, 5,
    11, 12, 5, 5, 6, 5, 6, 6, 6, 6, 16, 15, 15, 9, 4,
]  # fmt: skip
"""Rats with a tumour in 70 groups of earlier experiments, and 4 of 14 in the newest."""


def _moments():
    """Mean and standard deviation of the 70 earlier rates, and the beta distribution of both."""
    rates = np.divide(TUMOURS, RATS)[:70]
    mean, spread = rates.mean(), rates.std(ddof=1)
    size = mean * (1 - mean) / spread**2 - 1
    return mean, spread, mean * size, (1 - mean) * size


def _dunnett():
    """Blood counts of animals on two drugs and none, with one common variance."""
    groups = [
        [7.40, 8.50, 7.20, 8.24, 9.84, 8.32],
        [9.76, 8.80, 7.68, 9.36],
        [12.80, 9.68, 12.16, 9.20, 10.55],
    ]
    sizes = np.array([len(one) for one in groups])
    common = sum((len(one) - 1) * np.var(one, ddof=1) for one in groups) / (sizes.sum() - 3)
    return compare_with_control(
        [np.mean(one) for one in groups], common / sizes, degrees=sizes.sum() - 3, level=0.95
    )


NONE, MENS, WOMENS = 21_306, 21_307, 21_387
"""Customers without a mail, and with that of men's or women's goods (Hillstrom 2008)."""
MAILED = np.array([NONE, MENS, WOMENS])


def _spend():
    """Spend per customer by mail, with one common variance; from sums and standard deviations."""
    means = np.array([13_908.33, 30_311.69, 23_038.11]) / MAILED
    squares = (MAILED - 1) * np.array([11.5882, 17.7542, 15.1161]) ** 2
    common = squares.sum() / (MAILED.sum() - 3)
    return compare_with_control(means, common / MAILED, degrees=MAILED.sum() - 3, level=0.95)


def _shares(counts, *, pooled):
    """Differences of the share who did from those without a mail, one mail at a time."""
    rates, rows = np.array(counts) / MAILED, []
    for mail in (1, 2):
        both = [0, mail]
        rate = rates[both]
        if pooled:
            rate = np.full(2, np.array(counts)[both].sum() / MAILED[both].sum())
        variances = rate * (1 - rate) / MAILED[both]
        rows.append(compare_with_control(rates[both], variances, degrees=np.inf, level=0.95))
    return pd.concat(rows)


def _chi_square(counts):
    """That all three shares are alike: what a line through them explains, and what it leaves."""
    found = trend_of_shares(counts, MAILED, [0, 1, 2], level=0.95)
    return chi2.isf(found.p, 1) + chi2.isf(found.p_departure, 1)


def _womens_buyers():
    """Who bought women's goods before, who got their mail, and who came: 42,693 customers."""
    counts = {
        (0, 0, 0): 8_676, (0, 0, 1): 962, (0, 1, 0): 8_555, (0, 1, 1): 1_067,
        (1, 0, 0): 10_368, (1, 0, 1): 1_300, (1, 1, 0): 9_594, (1, 1, 1): 2_171,
    }  # fmt: skip
    rows = np.repeat(np.array(list(counts)), list(counts.values()), axis=0)
    return rows[:, 0], rows[:, 1], rows[:, 2]


def _uplift(bought_before):
    """What their mail adds to the share who came, of those who did or did not buy such goods."""
    own = BUYERS[0] == bought_before
    came = [BUYERS[2][own & (BUYERS[1] == mailed)] for mailed in (1, 0)]
    sizes = [len(each) for each in came]
    return newcombe_difference(came[0].sum(), sizes[0], came[1].sum(), sizes[1], level=0.95)[0]


def _uplift_area():
    """Area under the uplift curve less that of lots, over that of the best order of scikit-uplift.

    The uplift curve is that of Qini over the share of the treated; a treatment that is itself the
    outcome counts them.
    """
    score, treated, came = BUYERS
    lost, kept = ((came == side) & (treated != side) for side in (1, 0))
    best = 2 * (came == treated) + (came if lost.sum() > kept.sum() else treated)
    areas = []
    for each in (score, best):
        units, gain = qini_curve(each, treated, came)
        n_treated = qini_curve(each, treated, treated)[1]
        curve = np.divide(gain * units, n_treated, out=np.zeros(len(units)), where=n_treated > 0)
        areas.append(np.trapezoid(curve, units) - units[-1] * curve[-1] / 2)
    return areas[0] / areas[1]


DUNNETT, SPEND, BUYERS = _dunnett(), _spend(), _womens_buyers()
VISITS, CONVERSIONS = (2_262, 3_894, 3_238), (122, 267, 189)
DUNNETT_1955 = "Dunnett (1955), J. Am. Stat. Assoc. 50, 1096-1121; documentation of scipy"
HILLSTROM = "Hillstrom (2008), MineThatData E-Mail Analytics Challenge; computed by scipy"
UPLIFT = "scikit-uplift 0.5.1 on Hillstrom's data: score = women's goods before, outcome = visit"
ROSETTA = "Rosetta Code, Knapsack problem/Bounded and /Continuous"


ANCHORS = [
    Anchor(
        "weather in the Land of Oz: rain, nice, snow",
        find_stationary([[0.5, 0.25, 0.25], [0.5, 0, 0.5], [0.25, 0.25, 0.5]]),
        (0.4, 0.2, 0.4),
        6,
        KEMENY,
    ),
    Anchor("Knapsack of whole pieces", _bounded_knapsack(), (1010, 396), 0, ROSETTA),
    Anchor("Knapsack of divisible items", _continuous_knapsack(), 349.38, 2, ROSETTA),
    Anchor("Dunnett: t of two drugs", DUNNETT["statistic"], (0.857, 3.694), 3, DUNNETT_1955),
    Anchor("its p of the first drug", DUNNETT["p_joint"][0], 0.620, 3, DUNNETT_1955),
    Anchor("its p of the second drug", DUNNETT["p_joint"][1], 0.0058, 4, DUNNETT_1955),
    Anchor(
        "mails: share who came",
        np.divide(VISITS, MAILED),
        (0.10617, 0.18276, 0.15140),
        5,
        HILLSTROM,
    ),
    Anchor(
        "mails: share who bought",
        np.divide(CONVERSIONS, MAILED),
        (0.005726, 0.012531, 0.008837),
        6,
        HILLSTROM,
    ),
    Anchor(
        "mails: further visits",
        _shares(VISITS, pooled=False)["difference"],
        (0.07659, 0.04523),
        5,
        HILLSTROM,
    ),
    Anchor(
        "their lower limits",
        _shares(VISITS, pooled=False)["ci_lower"],
        (0.06995, 0.03889),
        5,
        HILLSTROM,
    ),
    Anchor(
        "their upper limits",
        _shares(VISITS, pooled=False)["ci_upper"],
        (0.08323, 0.05157),
        5,
        HILLSTROM,
    ),
    Anchor("their z", _shares(VISITS, pooled=True)["statistic"], (22.486, 13.949), 3, HILLSTROM),
    Anchor(
        "mails: further buyers",
        _shares(CONVERSIONS, pooled=False)["difference"],
        (0.006805, 0.003111),
        6,
        HILLSTROM,
    ),
    Anchor("their z", _shares(CONVERSIONS, pooled=True)["statistic"], (7.385, 3.780), 3, HILLSTROM),
    Anchor(
        "their p of women's goods",
        _shares(CONVERSIONS, pooled=True)["p"].iloc[1],
        1.57e-4,
        6,
        HILLSTROM,
    ),
    Anchor("mails: chi-square of visits", _chi_square(VISITS), 504.46, 2, HILLSTROM),
    Anchor("mails: chi-square of buyers", _chi_square(CONVERSIONS), 55.26, 2, HILLSTROM),
    Anchor("mails: further spend", SPEND["difference"], (0.7698, 0.4244), 4, HILLSTROM),
    Anchor("their t by Dunnett", SPEND["statistic"], (5.285, 2.917), 3, HILLSTROM),
    Anchor("its p of women's goods", SPEND["p_joint"][1], 0.007, 3, HILLSTROM),
    Anchor("uplift of visits: no women's goods before", _uplift(0), 0.01108, 5, UPLIFT),
    Anchor("uplift of visits: women's goods before", _uplift(1), 0.0731, 4, UPLIFT),
    Anchor("area under the uplift curve", _uplift_area(), 0.0294312, 7, UPLIFT),
    Anchor("Qini coefficient", qini_coefficient(*BUYERS), 0.0640155, 7, UPLIFT),
    Anchor("Wilson 81 of 263", wilson(81, 263, level=0.95), (0.2553, 0.3662), 4, NEWCOMBE_A),
    Anchor("Wilson 15 of 148", wilson(15, 148, level=0.95), (0.0624, 0.1605), 4, NEWCOMBE_A),
    Anchor("Wilson 0 of 20", wilson(0, 20, level=0.95), (0.0, 0.1611), 4, NEWCOMBE_A),
    Anchor("Wilson 1 of 29", wilson(1, 29, level=0.95), (0.0061, 0.1718), 4, NEWCOMBE_A),
    Anchor(
        "difference 56/70 and 48/80",
        newcombe_difference(56, 70, 48, 80, level=0.95)[1:],
        (0.0524, 0.3339),
        4,
        NEWCOMBE_B,
    ),
    Anchor(
        "difference 9/10 and 3/10",
        newcombe_difference(9, 10, 3, 10, level=0.95)[1:],
        (0.1705, 0.8090),
        4,
        NEWCOMBE_B,
    ),
    Anchor(
        "difference 10/10 and 0/10",
        newcombe_difference(10, 10, 0, 10, level=0.95)[1:],
        (0.6075, 1.0),
        4,
        NEWCOMBE_B,
    ),
    Anchor("Holm rejects 3 of 15", (holm(FIFTEEN) <= 0.05).sum(), 3, 0, BENJAMINI),
    Anchor(
        "Bonferroni rejects 3 of 15",
        (np.array(FIFTEEN) <= 1 - bonferroni_level(0.95, 15)).sum(),
        3,
        0,
        BENJAMINI,
    ),
    Anchor(
        "remission at 6, 7, 10, 13, 16, 22, 23 weeks",
        REMISSION["incidence"],
        (0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482),
        4,
        KLEINBAUM,
    ),
    Anchor(
        "its lower limits",
        REMISSION["ci_upper"],
        (0.6197, 0.5631, 0.5032, 0.4316, 0.3675, 0.2678, 0.1881),
        4,
        STATA,
    ),
    Anchor(
        "its upper limits",
        REMISSION["ci_lower"],
        (0.9516, 0.9228, 0.8894, 0.8491, 0.8049, 0.7468, 0.6801),
        4,
        STATA,
    ),
    Anchor(
        "incidence of the first of three causes",
        _competing_incidence(1),
        (0.11111111, *[0.17037037] * 6),
        8,
        STCOMPET,
    ),
    Anchor(
        "incidence of the third of three causes",
        _competing_incidence(3),
        (0, 0, 0, 0.17777778, *[0.26666667] * 3),
        8,
        STCOMPET,
    ),
    Anchor(
        "standard errors of three causes at the end",
        [_competing_error(event) for event in (1, 2, 3)],
        (0.08976251, 0.10610391, 0.12787781),
        8,
        STCOMPET,
    ),
    Anchor(
        "log hazard ratio of relapse, placebo to 6-MP, and its error",
        (GEHAN.coefficients[0], GEHAN.errors[0]),
        (1.5721, 0.4124),
        4,
        COX,
    ),
    Anchor(
        "log hazard ratios of arrest",
        ROSSI.coefficients,
        (-0.3794222, -0.0574377, 0.3138998, -0.1497957, -0.4337039, -0.0848711, 0.0914971),
        7,
        COX,
    ),
    Anchor(
        "their standard errors",
        ROSSI.errors,
        (0.19138, 0.02200, 0.30799, 0.21222, 0.38187, 0.19576, 0.02865),
        5,
        COX,
    ),
    Anchor("their log-likelihood", ROSSI.log_likelihood, -658.7477, 4, COX),
    Anchor(
        "High End customers: alpha and beta",
        (HIGH_END.alpha, HIGH_END.beta),
        (0.668, 3.806),
        3,
        RENEWALS,
    ),
    Anchor("their log-likelihood", HIGH_END.log_likelihood, -1611.16, 2, RENEWALS),
    Anchor(
        "their share after 12 renewals", survival(HIGH_END, 12, level=0.95)[0], 0.378, 3, RENEWALS
    ),
    Anchor(
        "Regular customers: alpha and beta",
        (REGULAR.alpha, REGULAR.beta),
        (0.704, 1.182),
        3,
        RENEWALS,
    ),
    Anchor("their log-likelihood", REGULAR.log_likelihood, -1680.27, 2, RENEWALS),
    Anchor(
        "their share after 12 renewals", survival(REGULAR, 12, level=0.95)[0], 0.17, 3, RENEWALS
    ),
    Anchor("tumour rates: mean and standard deviation", _moments()[:2], (0.136, 0.103), 3, TARONE),
    Anchor("tumour rates: beta distribution by moments", _moments()[2:], (1.4, 8.6), 1, TARONE),
    Anchor(
        "tumour rates of 71 groups: alpha and beta",
        fit_prior(TUMOURS, RATS)[:2],
        (2.34, 14.11),
        2,
        TARONE,
    ),
    Anchor(
        "Grunfeld, effects of firm and year: value and capital",
        _investment(firms_and_years=True).coefficients[:2],
        (0.117716, 0.357916),
        6,
        GRUNFELD,
    ),
    Anchor(
        "Grunfeld, pooled: value and capital",
        INVESTMENT.coefficients[:2],
        (0.11556, 0.23068),
        5,
        CLUSTERED,
    ),
    Anchor("its constant", INVESTMENT.coefficients[2], -42.71437, 5, CLUSTERED),
    Anchor(
        "its errors clustered by firm",
        np.sqrt(np.diag(INVESTMENT.covariance))[:2],
        (0.01589, 0.08497),
        5,
        CLUSTERED,
    ),
    Anchor(
        "the error of its constant",
        np.sqrt(INVESTMENT.covariance[2, 2]),
        20.4252,
        4,
        CLUSTERED,
    ),
    Anchor(
        "Berkeley 1973: women's crude admission rate less men's, 30.35% - 44.52%",
        kitagawa(
            [825, 560, 325, 417, 191, 373],
            [512, 353, 120, 138, 53, 22],
            [108, 25, 593, 375, 393, 341],
            [89, 17, 202, 131, 94, 24],
        )
        .to_numpy()
        .sum(),
        -0.1416,
        4,
        "Bickel, Hammel, O'Connell (1975), Science 187, 398-404; R: UCBAdmissions",
    ),
]


@pytest.mark.parametrize("anchor", ANCHORS, ids=lambda anchor: anchor.name)
def test_a_published_number_is_reproduced(anchor):
    half_a_unit = 0.5 * 10.0**-anchor.digits

    # The sliver allows for a number that ends in a five beyond the last published digit.
    np.testing.assert_allclose(
        anchor.computed, anchor.expected, rtol=0, atol=half_a_unit + 1e-12, err_msg=anchor.source
    )


@pytest.mark.parametrize(
    ("fitted", "found_later"),
    [
        (HIGH_END, (0.468, 0.445, 0.427, 0.409, 0.394)),
        (REGULAR, (0.223, 0.207, 0.194, 0.183, 0.173)),
    ],
)
def test_renewals_8_to_12_are_found_in_the_range_that_the_first_7_predict(fitted, found_later):
    """Fader and Hardie's hold-out: of those there after 7 renewals, so many later."""
    there, lower, upper = survival(fitted, range(8, 13), level=0.95)
    assert np.abs(there - found_later).max() < 0.02
    assert (lower < found_later).all()
    assert (upper > found_later).all()


def test_the_newest_group_of_rats_leans_on_the_others_as_published():
    """4 of 14 is 28.6%, the others 13.6%: between them, at about 21% (Gelman et al., fig. 5.4)."""
    found = shrink(TUMOURS, RATS, level=0.95)
    assert 0.20 < found.rate[-1] < 0.22
    assert found.ci_lower[-1] < 4 / 14 < found.ci_upper[-1]


def test_gehan_log_rank():
    """Leukaemia trial, 6-MP against placebo: chi-square 16.793, p 4.17e-5 (R, survdiff)."""
    treated = [*((t, 1) for t in RELAPSED), *((t, 0) for t in STILL_WELL)]
    groups = [
        pd.DataFrame(rows, columns=["time", "outcome"]).assign(n=1)
        for rows in (treated, [(t, 1) for t in PLACEBO])
    ]
    statistic, p = log_rank(groups)
    assert round(statistic, 3) == 16.793
    assert f"{p:.2e}" == "4.17e-05"


def test_what_statsmodels_does_with_ties_unless_told_is_not_what_is_published():
    """Breslow's way: 1.5092 (R, ties = breslow)."""
    placebo = np.repeat([0.0, 0.0, 1.0], [len(RELAPSED), len(STILL_WELL), len(PLACEBO)])
    relapsed = np.repeat([1, 0, 1], [len(RELAPSED), len(STILL_WELL), len(PLACEBO)])
    times = [*RELAPSED, *STILL_WELL, *PLACEBO]
    (told,) = PHReg(times, placebo, status=relapsed).fit().params
    assert round(told, 4) == 1.5092
    assert GEHAN.coefficients[0] - told > 0.05
