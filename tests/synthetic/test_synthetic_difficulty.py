"""Tests of :mod:`deepvanet.synthetic.difficulty`."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import beta, norm, rankdata
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from deepvanet.cli import main
from deepvanet.datasets import DATASETS
from deepvanet.schema import Target
from deepvanet.synthetic import Knobs
from deepvanet.synthetic.deap import SubjectsPlan
from deepvanet.synthetic.difficulty import (
    bound_chance,
    describe_difficulty,
    find_difficulty,
    whiten_shifts,
)
from deepvanet.synthetic.knobs import (
    TRAITS,
    Purpose,
    State,
    Trait,
    centre,
    generator,
    sample_state,
)
from deepvanet.synthetic.peripherals import (
    simulate_resistance,
    simulate_temperature,
)
from deepvanet.synthetic.ratings import list_quantiles, sample_ratings
from trial_features import measure_subject

NAMES = list(TRAITS)
SECONDS = 60.0


def generate_traits(knobs, *, n_subjects, seed, seconds=SECONDS):
    """Return each trial's mean traits beside the person's own, and its ratings."""
    traits, rated = [], []
    risen = np.array([TRAITS[name].mean_rise(seconds) for name in NAMES])
    for subject in range(1, n_subjects + 1):
        ratings = sample_ratings(subject=subject, n_trials=40, knobs=knobs, seed=seed)
        own = generator(seed, Purpose.SUBJECT, subject).standard_normal(len(NAMES))
        own *= [TRAITS[name].subject for name in NAMES]
        for stimulus, row in enumerate(ratings[:, :2], start=1):
            state = sample_state(
                dict(zip(Target, row, strict=True)),
                subject=subject,
                stimulus=stimulus,
                knobs=knobs,
                seed=seed,
            )
            rest, added = (
                np.array([part[name] for name in NAMES])
                for part in (state.rest, state.added)
            )
            traits.append(rest + risen * added - own)
            rated.append(row)
    return np.array(traits), np.array(rated)


def take_likelihood_ratio(traits, target, knobs, *, seconds=SECONDS):
    """Return the log likelihood ratio of high and low, summed over all rating pairs."""
    spread = measure_spread(knobs, seconds)
    shifts = whiten_shifts(NAMES, knobs, seconds)
    steps = {high: list_quantiles(20, is_high=high) for high in (True, False)}
    steps = {high: np.array([centre(r) for r in at]) for high, at in steps.items()}
    other = np.concatenate(list(steps.values()))
    likelihoods = []
    for high in (True, False):
        pairs = np.array([(a, b) for a in steps[high] for b in other])
        middles = (pairs if target == 0 else pairs[:, ::-1]) @ shifts.T
        x = traits / spread
        logarithm = x @ middles.T - 0.5 * (middles**2).sum(axis=1)
        likelihoods.append(np.logaddexp.reduce(logarithm, axis=1))
    return likelihoods[0] - likelihoods[1]


def measure_spread(knobs, seconds):
    """Return each trait's sd over a subject's trials, written out once more."""
    spread = []
    for name in NAMES:
        trait = TRAITS[name]
        clip = 0.5 * knobs.stimulus_effect * max(trait.reaction, trait.trial)
        added = trait.mean_rise(seconds) ** 2 * (trait.reaction**2 + clip**2)
        spread.append(np.sqrt(trait.trial**2 + added))
    return np.array(spread)


def score_alone(columns, is_high):
    """Return the AUROC of each column, in whichever direction it tells."""
    ranks = rankdata(columns, axis=0)
    n_high, n_low = is_high.sum(), (~is_high).sum()
    auroc = (ranks[is_high].sum(axis=0) - n_high * (n_high + 1) / 2) / n_high / n_low
    return np.maximum(auroc, 1 - auroc)


# --- what is computed


@pytest.fixture(scope="module")
def generated():
    """Traits of 2,000 trials, with the clips of ten data sets."""
    parts = [generate_traits(Knobs(), n_subjects=5, seed=seed) for seed in range(10)]
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


@pytest.mark.parametrize("target", [0, 1], ids=["valence", "arousal"])
def test_generated_traits_have_the_computed_difficulty(target, generated):
    traits, ratings = generated
    is_high = ratings[:, target] >= 5
    expected = list(find_difficulty(Knobs(), seconds=SECONDS).values())[target]

    alone = score_alone(traits, is_high)
    ratio = take_likelihood_ratio(traits, target, Knobs())
    linear = cross_val_predict(
        LinearDiscriminantAnalysis(), traits, is_high, cv=5, method="decision_function"
    )

    assert alone[NAMES.index(expected.trait)] == pytest.approx(expected.best, abs=0.03)
    assert alone.max() < expected.best + 0.03
    assert roc_auc_score(is_high, ratio) == pytest.approx(expected.ideal, abs=0.015)
    assert roc_auc_score(is_high, linear) == pytest.approx(expected.ideal, abs=0.02)


def test_the_ideal_of_one_target_alone_is_a_known_integral(monkeypatch):
    """Of one target, the sum of squared shifts is all that counts."""
    monkeypatch.setattr(
        "deepvanet.synthetic.difficulty.TRAITS",
        {"one": Trait(0.8, 0.0, 0.3), "other": Trait(-1.1, 0.0, 0.2)},
    )
    found = find_difficulty(Knobs(stimulus_effect=0.0), seconds=SECONDS)
    risen = 1 - 1 / SECONDS / 2
    squares = (
        (0.8 * 0.3 * risen) ** 2 / (0.1**2 + (0.3 * risen) ** 2),
        (1.1 * 0.2 * risen) ** 2 / (0.1**2 + (0.2 * risen) ** 2),
    )
    high, low = np.linspace(0.0, 1.0, 801), np.linspace(-1.0, -0.0025, 801)
    density = np.outer(beta.pdf(high, 1.8, 2.0), beta.pdf((low + 1) / 0.9975, 2.0, 1.8))
    density /= density.sum()

    def integrate(square):
        apart = (high[:, None] - low) * np.sqrt(square / 2)
        return (density * norm.cdf(apart)).sum()

    valence, arousal = found.values()
    assert valence.ideal == pytest.approx(integrate(sum(squares)), abs=0.002)
    assert valence.best == pytest.approx(integrate(max(squares)), abs=0.002)
    assert valence.trait == "other"
    assert arousal.ideal == pytest.approx(0.5, abs=1e-9)


def test_the_default_is_hard_for_one_trait_and_not_for_all():
    for one in find_difficulty(Knobs(), seconds=SECONDS).values():
        assert one.best < 0.72
        assert one.ideal > 0.9


def test_a_larger_effect_is_easy_and_none_leaves_nothing():
    easy, nothing, enormous = (
        find_difficulty(Knobs(effect=effect), seconds=4.0).values()
        for effect in (3.0, 0.0, 100.0)
    )

    assert all(one.ideal > 0.98 for one in easy)
    assert all((one.ideal, one.best) == pytest.approx((0.5, 0.5)) for one in nothing)
    assert all(one.ideal == pytest.approx(1.0) for one in enormous)


def test_what_rises_slowly_tells_nothing_in_a_short_trial():
    only = set(TRAITS) - {"temperature", "light"}
    long, short = (
        find_difficulty(Knobs(), seconds=s, unseen=only)[Target.VALENCE].ideal
        for s in (60.0, 3.0)
    )

    assert long > 0.65
    assert short < 0.54


def test_guesses_exceed_the_bound_in_one_run_of_twenty_and_not_much_less_often():
    rng = np.random.default_rng(0)
    right = rng.random((20_000, 4, 2, 4)) < 0.5  # run, subject, label, trial
    accuracy = right.mean(axis=3).mean(axis=(1, 2))

    bound = bound_chance(4, 8)

    assert (accuracy > bound).mean() <= 0.05
    assert (accuracy >= bound).mean() > 0.05


# --- what synth says


def test_synth_says_how_hard_its_recordings_are(tmp_path, capsys):
    size = ("--subjects", "1", "--trials", "2", "--seconds", "2", "--with-video", "0")
    root = str(tmp_path / "ROOT")
    assert main(["synth", "deap", root, *size, "--effect", "2", "--jobs", "1"]) == 0
    said = capsys.readouterr().out.splitlines()

    valence, arousal = find_difficulty(
        Knobs(effect=2.0), seconds=2.0, unseen=DATASETS["deap"].unseen_traits
    ).values()
    assert said[-2] == (
        "AUROC of high against low ratings at effect 2: an ideal observer of all "
        f"traits valence {valence.ideal:.2f}, arousal {arousal.ideal:.2f}; the best "
        f"single trait valence {valence.best:.2f} ({valence.trait}), "
        f"arousal {arousal.best:.2f} ({arousal.trait})"
    )
    assert said[-1] == (
        "guesses on 1 x 2 trials stay at or below a balanced accuracy of 1.00 in "
        "95 % of runs"
    )


def test_what_a_data_set_does_not_record_does_not_count():
    of_deap, of_mahnob, of_amigos = (
        find_difficulty(Knobs(), seconds=SECONDS, unseen=DATASETS[layout].unseen_traits)
        for layout in ("deap", "mahnob", "amigos")
    )

    for target in Target:
        assert of_deap[target].ideal > of_mahnob[target].ideal > of_amigos[target].ideal
    assert f"valence {of_amigos[Target.VALENCE].ideal:.2f}," in describe_difficulty(
        Knobs(), seconds=SECONDS, unseen=DATASETS["amigos"].unseen_traits
    )


# --- how it is generated


def test_each_trait_rises_from_the_onset_as_fast_as_its_organ():
    state = State(dict.fromkeys(TRAITS, 0.0), dict.fromkeys(TRAITS, 1.0))
    time = np.array([-3.0, 0.0, 1.0, 3.0, 60.0])
    shown = {name: state.follow(name, time) for name in TRAITS}

    for course in shown.values():
        assert list(course[[0, 1, 4]]) == [0.0, 0.0, 1.0]
    for name in ("smile", "brows", "alpha", "zygomaticus"):
        assert shown[name][2] == 1.0
    assert 0.05 < shown["heart_rate"][2] < 0.3 < shown["heart_rate"][3] < 1.0
    assert shown["conductance"][3] < 0.15
    assert shown["temperature"][3] < 0.05


@pytest.mark.parametrize("name", ["smile", "heart_rate", "temperature"])
@pytest.mark.parametrize("seconds", [2.0, 7.0, 60.0])
def test_the_mean_rise_is_that_of_the_course(name, seconds):
    trait, time = TRAITS[name], np.linspace(0, seconds, 20_001)

    expected = np.trapezoid(trait.rise(time), time) / seconds
    assert trait.mean_rise(seconds) == pytest.approx(expected, abs=1e-6)


def test_the_skin_and_the_finger_take_their_time_in_the_signals():
    added = dict.fromkeys(TRAITS, 0.0) | {"conductance": 2.0, "temperature": 2.0}
    state = State(dict.fromkeys(TRAITS, 0.0), added)
    time = np.arange(-3 * 64, 60 * 64) / 64
    ohm, millikelvin = (
        simulate(state, time, np.random.default_rng(0), sfreq=64.0)
        for simulate in (simulate_resistance, simulate_temperature)
    )

    def between(course, start, stop):
        return course[(time >= start) & (time < stop)].mean()

    drop = np.log(between(ohm, -3, 0)) - np.log(
        [between(ohm, 2, 3), between(ohm, 50, 60)]
    )
    warming = between(millikelvin, 50, 60) - between(millikelvin, -3, 0)
    assert drop[0] < 0.3
    assert drop[1] == pytest.approx(2.0, abs=0.3)
    assert between(millikelvin, 2, 3) - between(millikelvin, -3, 0) < 0.1 * warming
    assert warming == pytest.approx(2000.0, abs=200.0)


def test_a_reaction_belongs_to_a_trial_and_not_to_its_rating():
    rated = {Target.VALENCE: 8.0, Target.AROUSAL: 2.0}
    knobs = Knobs(stimulus_effect=0.0)
    added = np.array(
        [
            [
                sample_state(rated, subject=s, stimulus=k, knobs=knobs, seed=0).added[n]
                for n in ("alpha", "smile")
            ]
            for s in range(1, 11)
            for k in range(1, 41)
        ]
    )
    expected = [
        TRAITS[name].reaction
        * (0.75 * TRAITS[name].valence - 0.75 * TRAITS[name].arousal)
        for name in ("alpha", "smile")
    ]

    assert added.mean(axis=0) == pytest.approx(expected, abs=0.05)
    assert added.std(axis=0) == pytest.approx([0.3, 0.2], rel=0.1)
    assert abs(np.corrcoef(added.T)[0, 1]) < 0.1


# --- the signals themselves


@pytest.mark.long
def test_no_feature_of_the_signals_tells_alone_and_an_ideal_observer_does():
    """On 2,000 trials of 60 s at the default effect: about six minutes."""
    n_subjects = 50
    plan = SubjectsPlan(Path(), 40, round(SECONDS), Knobs(), 0)
    measured = [measure_subject(plan, s) for s in range(1, n_subjects + 1)]
    names = measured[0][0]
    features = np.stack([features for _, features, _ in measured])
    own = features.mean(axis=1, keepdims=True), features.std(axis=1, keepdims=True)
    within = (features - own[0]) / (own[1] + 1e-12)
    raw, within = (part.reshape(-1, len(names)) for part in (features, within))
    traits, ratings = generate_traits(Knobs(), n_subjects=n_subjects, seed=0)
    groups = np.repeat(np.arange(n_subjects), 40)

    assert len(raw) == 2000
    assert len(names) > 500
    assert np.array_equal(ratings, np.concatenate([rated for *_, rated in measured]))
    for target, said in enumerate(find_difficulty(Knobs(), seconds=SECONDS).values()):
        is_high = ratings[:, target] >= 5
        alone = np.stack([score_alone(part, is_high) for part in (raw, within)])
        ideal = roc_auc_score(is_high, take_likelihood_ratio(traits, target, Knobs()))
        guessed = cross_val_predict(
            LogisticRegression(C=0.01, max_iter=500),
            within,
            is_high,
            cv=GroupKFold(5),
            groups=groups,
            method="decision_function",
        )
        all_features = roc_auc_score(is_high, guessed)
        best = names[np.unravel_index(alone.argmax(), alone.shape)[1]]
        assert 0.6 < alone.max() < 0.75, best
        assert ideal >= 0.9
        assert ideal == pytest.approx(said.ideal, abs=0.02)
        assert 0.8 < all_features < ideal
