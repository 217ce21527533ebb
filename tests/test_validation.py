"""Tests of what a bundle says of itself: cross-validation, calibration, the card."""

import json
import logging
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.metrics import balanced_accuracy_score, log_loss

from deepvanet.bundle import list_standings, load_bundle, train_bundle
from deepvanet.bundle.reliability import Calibrations, calibrate
from deepvanet.config import (
    EvaluateSettings,
    Execution,
    NetworkSettings,
    TrainSettings,
)
from deepvanet.evaluation import evaluate
from deepvanet.metrics import Calibration, fit_calibration, tabulate_over_priors
from deepvanet.results import open_run
from deepvanet.schema import KEY_COLUMNS, STREAM_SETS, ScoreKey, Target, UserError
from segment_blocks import rewrite_trials
from small_store import write_small_store

ALONE = Execution()
QUICK = TrainSettings(
    targets=("valence",),
    streams=("bio",),
    cross_validate=True,
    network=NetworkSettings(epochs=4, batch_size=8, precision="float32"),
)


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    """Six subjects in whom valence shows a little."""
    return tiny_store(
        tmp_path_factory.mktemp("validation") / "store",
        n_subjects=6,
        n_trials=8,
        effect=0.1,
        images=(2, 24),
    )


@pytest.fixture(scope="module")
def bundle(store, tmp_path_factory):
    """A cross-validated bundle that nobody changes."""
    out = tmp_path_factory.mktemp("validation") / "model"
    return train_bundle(store.path, out, settings=QUICK, execution=ALONE)


@pytest.fixture(scope="module")
def run(store, tmp_path_factory):
    """What ``evaluate`` makes of the same store under the same protocol."""
    out = tmp_path_factory.mktemp("validation") / "run"
    settings = EvaluateSettings(
        protocols=("subject",),
        folds=5,
        targets=("valence",),
        streams=("bio",),
        network=QUICK.network,
    )
    evaluate(store.path, out, settings=settings, execution=ALONE)
    return open_run(out)


def read_card(bundle):
    return (bundle.path / "README.md").read_text()


def read_segments(run):
    rows = run.predictions.query("learner == 'network'")
    weight = 1 / rows.groupby(["subject", "trial"])["score"].transform("size")
    return rows.assign(logit=logit(rows["score"]), weight=weight)


def read_trials(run):
    keys = ["subject", "trial", "label", "fold"]
    rows = read_segments(run).groupby(keys)["score"].mean().reset_index()
    return rows.assign(logit=logit(rows["score"]), weight=1.0)


def test_steps_are_the_median_of_those_that_the_folds_of_evaluate_took(bundle, run):
    history = pd.read_csv(run.path / "history.csv").query("learner == 'network'")
    chosen = history.query("chosen == 1").set_index("fold")["epoch"]
    [part] = [p for p in run.leakage["parts"] if p["learner"] == "network"]

    (answer,) = bundle.answers

    batches = {
        fold["fold"]: -(-(fold["n_first"] or fold["n_train"]) // 8)
        for fold in part["folds"]
    }
    steps = sorted(chosen[fold] * n for fold, n in batches.items())
    assert len(chosen) == 5
    assert {fold["epoch_chosen_on"] for fold in part["folds"]} == {"validation"}
    assert answer.plan == {"steps": steps[2]}


def test_a_bundle_has_the_margin_over_its_prior_that_evaluate_finds(bundle, run):
    keys = run.predictions[list(KEY_COLUMNS)].drop_duplicates().to_numpy()
    sharing = {ScoreKey(*key): ("none", "stimulus") for key in keys}
    margins = tabulate_over_priors(run.predictions, dataset="", sharing=sharing)
    (wanted,) = margins.query(
        "learner == 'network' and metric == 'balanced_accuracy'"
    ).to_dict("records")

    (answer,) = bundle.answers

    found = answer.validation.prior
    assert found.name == wanted["prior"] == "stimulus-prior"
    for name in ("difference", "ci_low", "ci_high", "p_value"):
        assert getattr(found, name) == pytest.approx(wanted[name])
    assert found.score == pytest.approx(
        answer.validation.scores["balanced_accuracy"] - found.difference
    )
    (standing,) = list_standings(bundle)
    assert standing.sentence in read_card(bundle)
    assert load_bundle(bundle.path).answers == bundle.answers


def start_at(rows):
    """Return what is expected of a network that weighted its classes alike."""
    return Calibration(1.0, logit(np.average(rows["label"], weights=rows["weight"])))


def fit_to(rows):
    columns = [rows[name].to_numpy() for name in ("logit", "label", "weight")]
    return fit_calibration(
        columns[0], columns[1], weight=columns[2], start=start_at(rows)
    )


def calibrate_folds(rows, find):
    """Return rows with probabilities by what is found on the other folds."""
    return pd.concat(
        mine.assign(
            calibrated=find(rows[rows["fold"] != fold]).find_probability(
                mine["logit"].to_numpy()
            )
        )
        for fold, mine in rows.groupby("fold")
    )


def choose_for(rows):
    """Return a fit if it lowers the log loss by half its standard error, else not."""
    losses = []
    for find in (start_at, fit_to):
        scored = calibrate_folds(rows, find)
        right = np.where(
            scored["label"] == 1, scored["calibrated"], 1 - scored["calibrated"]
        )
        scored["loss"] = -np.log(right) * scored["weight"]
        losses.append(scored.groupby(["subject", "trial"])["loss"].sum())
    gain = losses[0] - losses[1]
    return (fit_to if gain.mean() > 0.5 * gain.sem() else start_at)(rows)


@pytest.mark.parametrize("level", ["segment", "trial"])
def test_probabilities_are_found_on_rows_that_their_fold_never_saw(bundle, run, level):
    rows = (read_segments if level == "segment" else read_trials)(run)

    (answer,) = bundle.answers

    made, wanted = getattr(answer.calibrations, level), choose_for(rows)
    assert made.slope == pytest.approx(wanted.slope, rel=1e-3)
    assert made.offset == pytest.approx(wanted.offset, abs=1e-3)
    described = json.loads((bundle.path / "bundle.json").read_text())
    stored = described["networks"][0]["answers"][0]["calibration"][level]
    assert stored["threshold"] == pytest.approx(expit(made.offset))
    assert stored["slope"] == made.slope


@pytest.mark.parametrize("level", ["segment", "trial"])
def test_how_good_they_are_is_measured_on_folds_that_did_not_calibrate(
    bundle, run, level
):
    rows = (read_segments if level == "segment" else read_trials)(run)
    scored = calibrate_folds(rows, choose_for)

    found = getattr(bundle.answers[0].validation, level)

    for loss, column in ((found.loss, "score"), (found.loss_calibrated, "calibrated")):
        wanted = log_loss(
            scored["label"], scored[column], sample_weight=scored["weight"]
        )
        assert loss == pytest.approx(wanted, rel=1e-3)
    # 48 trials have two bins of equally many
    halves = scored.sort_values("calibrated", kind="stable")
    halves = np.array_split(halves[["calibrated", "label"]].to_numpy(), 2)
    error = np.mean([abs(np.diff(half.mean(axis=0))[0]) for half in halves])
    assert found.ece == pytest.approx(error, abs=2e-3)
    assert 0 < found.ece_if_calibrated < 0.2


def test_scores_are_of_trials_as_fitted_by_subject(bundle, run):
    trials = read_trials(run)
    by_subject = [
        balanced_accuracy_score(mine["label"], mine["score"] > 0.5)
        for _, mine in trials.groupby("subject")
    ]

    validation = bundle.answers[0].validation

    assert validation.protocol == "subject"
    assert (validation.n_folds, validation.n_subjects) == (5, 6)
    assert validation.n_trials == len(trials) == 48
    assert validation.scores["balanced_accuracy"] == pytest.approx(np.mean(by_subject))
    assert validation.share_high == trials["label"].mean()
    assert validation.ci_low <= np.mean(by_subject) <= validation.ci_high


def test_the_final_network_is_trained_on_all_rows_for_those_steps(bundle, store):
    plain = replace(
        QUICK,
        cross_validate=False,
        network=replace(QUICK.network, steps=bundle.answers[0].plan["steps"]),
    )
    out = bundle.path.parent / "plain"

    train_bundle(store.path, out, settings=plain, execution=ALONE)

    for name in ("network.safetensors", "network.json"):
        files = [
            folder / "networks" / "valence" / "bio" / name
            for folder in (bundle.path, out)
        ]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_few_subjects_are_divided_by_trials(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store", n_subjects=2, n_trials=6)

    made = train_bundle(store.path, tmp_path / "m", settings=QUICK, execution=ALONE)

    assert made.answers[0].validation.protocol == "trial-pooled"
    assert "`trial-pooled`: Whole trials are held out" in read_card(made)


def test_what_cannot_be_divided_is_trained_all_the_same_and_says_so(
    tiny_store, tmp_path, caplog
):
    store = tiny_store(tmp_path / "store", n_subjects=1, n_trials=2)

    with caplog.at_level(logging.WARNING):
        made = train_bundle(store.path, tmp_path / "m", settings=QUICK, execution=ALONE)

    said = "not cross-validated, so neither scored nor calibrated: 2 trials cannot be"
    assert said in caplog.text
    assert made.answers[0].validation is None
    assert "(no cross-validation: 2 trials cannot be divided)" in read_card(made)


def test_a_fold_of_one_class_is_no_reason_to_stop(tiny_store, tmp_path, caplog):
    store = tiny_store(tmp_path / "store", n_subjects=1, n_trials=4)
    rewrite_trials(
        store.path, "01", valence=lambda t: np.where(t["trial"] == "01", "7.0", "3.0")
    )

    train_bundle(store.path, tmp_path / "m", settings=QUICK, execution=ALONE)

    assert "a fold would train on one class" in caplog.text


@pytest.mark.slow
def test_an_interrupted_cross_validation_goes_on_to_the_same_bundle(
    bundle, store, tmp_path
):
    out = shutil.copytree(bundle.path, tmp_path / "model")
    (out / "bundle.json").unlink()
    shutil.rmtree(out / "networks")
    folds = sorted((out / "cross-validation" / "valence" / "bio").iterdir())
    kept = folds.pop().stat().st_mtime_ns
    for file in folds:
        file.unlink()

    train_bundle(store.path, out, settings=QUICK, execution=ALONE)

    def read(folder):
        return {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    made, wanted = read(out), read(bundle.path)
    assert made == wanted
    after = sorted((out / "cross-validation" / "valence" / "bio").iterdir())[-1]
    assert after.stat().st_mtime_ns == kept


def rewrite_calibration(bundle, folder, change):
    out = shutil.copytree(bundle.path, folder)
    values = json.loads((out / "bundle.json").read_text())
    change(values["networks"][0]["answers"][0]["calibration"])
    (out / "bundle.json").write_text(json.dumps(values))
    return out


@pytest.mark.parametrize("level", ["segment", "trial"])
@pytest.mark.parametrize("name", ["slope", "offset", "threshold"])
@pytest.mark.parametrize("value", ["1", None, float("nan"), True])
def test_a_calibration_that_is_none_is_refused(bundle, tmp_path, level, name, value):
    out = rewrite_calibration(
        bundle, tmp_path / "model", lambda made: made[level].update({name: value})
    )

    with pytest.raises(UserError, match=rf"{level}\.{name}: needs a|NaN is no"):
        load_bundle(out)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"slope": 0.0}, "slope: needs"), ({"threshold": 0.9}, "threshold: needs")],
)
def test_a_calibration_that_turns_scores_or_labels_around_is_refused(
    bundle, tmp_path, change, message
):
    out = rewrite_calibration(
        bundle, tmp_path / "model", lambda made: made["trial"].update(change)
    )

    with pytest.raises(UserError, match=rf"calibration\.trial\.{message}"):
        load_bundle(out)


def test_the_card_says_what_a_number_is_and_how_good(bundle):
    card = read_card(bundle)
    (answer,) = bundle.answers

    assert "probability of a **high self-rating**" in card
    assert "learnt from **one rating a trial**" in card
    assert "intensity" not in card
    assert "| valence | bio | 6 | 48 | 50% | 192 | 3 to 7 |" in card
    balanced = answer.validation.scores["balanced_accuracy"]
    assert f"| valence | bio | subject | 48 | {balanced:.2f} |" in card
    for level, name in (("segment", "seconds"), ("trial", "trials")):
        made = getattr(answer.calibrations, level)
        found = getattr(answer.validation, level)
        assert (
            f"| valence | bio | {name} | {made.slope:.2f} | {made.offset:+.2f} | "
            f"{made.threshold:.2f} | {found.loss:.3f} | {found.loss_calibrated:.3f} | "
            f"{found.ece:.3f} | {found.ece_if_calibrated:.3f} |"
        ) in card
    assert "Balanced accuracy of trials that the scored model never saw" in card
    assert "baseline: mean, of each trial's own 1 s of baseline before it" in card
    assert "It is not for decisions about a person" in card
    assert "DEAP may be used for academic research only" in card
    assert "- eeg, 128 Hz: Fp1 (uV), Cz (uV), Oz (uV)" in card
    assert "mean image" not in card  # it reads no face
    assert bundle.lines()[1] == (
        f"valence from bio: balanced accuracy {balanced:.2f} of 48 trials, mean over "
        f"subjects (protocol subject), {answer.plan['steps']} steps; high is above "
        f"{answer.calibrations.segment.threshold:.2f} (seconds), "
        f"{answer.calibrations.trial.threshold:.2f} (trials)"
    )


@pytest.mark.slow
def test_without_cross_validation_the_card_says_so(store, tmp_path):
    settings = replace(QUICK, cross_validate=False, streams=("face",))

    made = train_bundle(store.path, tmp_path / "m", settings=settings, execution=ALONE)

    card = read_card(made)
    assert "valence from face: **not calibrated, never scored**" in card
    assert "nothing chose them" in card
    assert "Scores are as fitted: above 0.5 is called high." in card
    assert made.find(Target.VALENCE, "face").calibrations == Calibrations()
    assert "hold the mean image of all faces" in card
    assert made.lines()[1] == "valence from face: not calibrated, never scored"


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("deap-synthetic", "The recordings are synthetic"),
        ("amigos-long", "AMIGOS may be used for academic research only"),
        ("mine", "ask before passing them on"),
    ],
)
def test_the_card_names_the_terms_of_its_recordings(
    tiny_store, tmp_path, dataset, said
):
    store = tiny_store(tmp_path / "store", dataset=dataset)
    settings = replace(QUICK, cross_validate=False)

    made = train_bundle(store.path, tmp_path / "m", settings=settings, execution=ALONE)

    assert said in read_card(made)


@pytest.mark.slow
def test_one_network_with_stream_dropout_is_scored_from_every_subset(store, tmp_path):
    settings = replace(QUICK, streams=("face", "bio", "face+bio"), stream_dropout=0.3)

    made = train_bundle(store.path, tmp_path / "m", settings=settings, execution=ALONE)

    assert made.networks == ((Target.VALENCE, "face+bio"),)
    assert set(made.stream_sets) == set(STREAM_SETS)
    card = read_card(made)
    for streams, held in STREAM_SETS.items():
        there = [name for name, its in STREAM_SETS.items() if {*its} <= {*held}]
        best = max(made.find_score(name) for name in there)
        assert made.find_score(made.pick(frozenset(held))) == best
        answer = made.find(Target.VALENCE, streams)
        assert answer.validation.n_trials == 48
        assert f"| valence | {streams} | subject |" in card
    assert len({a.validation.segment.loss for a in made.answers}) == len(STREAM_SETS)
    assert "each row lost a stream with probability 0.3" in card
    with pytest.raises(KeyError, match="arousal from bio"):
        made.find(Target.AROUSAL, "bio")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"streams": ("face",), "stream_dropout": 0.3}, "two streams or more, got fac"),
        ({"stream_dropout": 1.0}, "stream_dropout: must lie between 0 and 1, got 1"),
    ],
)
def test_a_stream_dropout_that_makes_no_sense_is_refused(
    store, tmp_path, change, message
):
    settings = replace(QUICK, **change)

    with pytest.raises(UserError, match=message):
        train_bundle(store.path, tmp_path / "m", settings=settings, execution=ALONE)

    assert not (tmp_path / "m").exists()


def simulate_segments(
    seed, *, n_subjects=20, n_trials=12, n_segments=4, is_balanced=False
):
    """Return what a network says, too surely or shyly, of trials of several people.

    People differ in what is added to their logits, and so do folds. Some stores show
    nothing, some networks are off by half a logit, some weighted classes alike.
    """
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        [
            (f"{subject:02d}", f"{trial:02d}", str(trial), subject % 5)
            for subject in range(n_subjects)
            for trial in range(n_trials)
        ],
        columns=["subject", "trial", "stimulus", "fold"],
    )
    slope, shows = rng.choice([0.7, 1.0, 2.0, 5.0]), rng.choice([0.0, 0.6, 1.5])
    truth = shows * rng.normal(size=len(table)) - rng.choice([0.0, 0.4, 0.8])
    table["label"] = (rng.random(len(table)) < expit(truth)).astype(int)
    subject = pd.factorize(table["subject"])[0]
    said = truth + rng.normal(0, 0.3, n_subjects)[subject] + rng.choice([0.0, 0.5])
    if is_balanced:
        said -= logit(table["label"].mean())
    logits = slope * (said[:, None] + rng.normal(0, 0.7, (len(table), n_segments)))
    rows = table.loc[table.index.repeat(n_segments)].reset_index(drop=True)
    return rows.assign(logit=logits.ravel())


@pytest.mark.slow
@pytest.mark.parametrize("is_balanced", [False, True])
def test_calibrated_on_other_folds_scores_become_no_worse(is_balanced):
    gains = []
    for seed in range(10):
        segments = simulate_segments(seed, is_balanced=is_balanced)
        _, found = calibrate(segments, is_balanced=is_balanced)
        levels = found["segment"], found["trial"]
        gains.append([level.loss - level.loss_calibrated for level in levels])

    assert (np.mean(gains, axis=0) > 0.01).all()
    assert np.min(gains) > -0.02


def test_weighted_classes_change_no_probability_even_of_few_trials():
    rows = simulate_segments(2, n_subjects=5, n_trials=3)
    share = rows["label"].mean()
    weighted = rows.assign(logit=rows["logit"] - logit(share))

    plain, balanced = (
        calibrate(table, is_balanced=is_balanced)[0].segment.find_probability(
            table["logit"].to_numpy()
        )
        for table, is_balanced in ((rows, False), (weighted, True))
    )

    assert abs(share - 0.5) > 0.1
    np.testing.assert_allclose(balanced, plain)
    np.testing.assert_allclose(plain, expit(rows["logit"]))


def write_noisy_store(root, seed):
    """Write a store of ten people, in which half of the ratings have nothing to tell.

    A fifth to a half of these is high.
    """
    store = write_small_store(
        root,
        n_subjects=10,
        n_trials=12,
        effect=0.15,
        streams=STREAM_SETS["bio"],
        seed=seed,
    )
    rng = np.random.default_rng(seed)
    rate = rng.uniform(0.2, 0.5)
    for file in sorted(store.path.glob("subjects/*/trials.csv")):
        table = pd.read_csv(file, dtype=str)
        for trial in table["trial"].unique():
            other = "7.0" if rng.random() < rate else "3.0"
            if rng.random() < 0.5:
                table.loc[table["trial"] == trial, "valence"] = other
        table.to_csv(file, index=False)
    return store


@pytest.mark.long
@pytest.mark.parametrize("class_weight", ["balanced", "none"])
def test_calibrated_on_other_folds_real_networks_become_no_worse(
    tmp_path, class_weight
):
    network = replace(QUICK.network, epochs=8, class_weight=class_weight)
    settings = replace(QUICK, network=network)
    gains = []
    for seed in range(10):
        store = write_noisy_store(tmp_path / f"store{seed}", seed)
        made = train_bundle(
            store.path, tmp_path / f"model{seed}", settings=settings, execution=ALONE
        )
        validation = made.answers[0].validation
        found = validation.segment, validation.trial
        gains.append([level.loss - level.loss_calibrated for level in found])

    assert (np.mean(gains, axis=0) >= 0).all()
    assert np.min(gains) > -0.02
