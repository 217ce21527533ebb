"""Ratings that move with time, from a store to scores, a report, a bundle."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from deepvanet.app.questions import say_meaning
from deepvanet.auditing import audit
from deepvanet.bundle import load_bundle, train_bundle
from deepvanet.cli import main
from deepvanet.config import (
    EvaluateSettings,
    Execution,
    NetworkSettings,
    TrainSettings,
)
from deepvanet.evaluation import evaluate
from deepvanet.evaluation.controls import list_courses, shuffle_ratings
from deepvanet.evaluation.fits import fit_one, plan_task, settle_lag
from deepvanet.evaluation.gap import find_gap
from deepvanet.evaluation.parts import cut_parts, open_task, read_ratings
from deepvanet.evaluation.permutations import (
    PermutationPlan,
    choose_exchange,
    exchange_courses,
    permute,
)
from deepvanet.metrics import find_means, measure
from deepvanet.reporting import write_report
from deepvanet.results import open_run
from deepvanet.schema import ScoreKey, Target, UserError
from deepvanet.store import open_store
from moving_store import RATE, SFREQ, write_moving_store
from small_store import write_small_store

ALONE = Execution()
RIDGE = "bandpower-ridge"
ASKED = EvaluateSettings(
    protocols=("time", "subject"),
    task="trace",
    targets=("valence",),
    streams=("peripheral",),
    learners=(RIDGE,),
    longest_lag=2.0,
    folds=3,
    permutations=0,
    network=NetworkSettings(epochs=2, batch_size=32),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Seven subjects who saw the same eight clips, of two lengths."""
    folder = tmp_path_factory.mktemp("moving") / "store"
    return write_moving_store(
        folder, n_subjects=7, n_trials=8, seconds=(30, 24), lag_s=1.0, noise=0.5
    )


@pytest.fixture(scope="module")
def run(path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    summary = evaluate(path, folder, settings=ASKED, execution=ALONE)
    return summary, open_run(folder)


def select(run, protocol, learner=RIDGE):
    rows = run.predictions
    return rows[(rows["protocol"] == protocol) & (rows["learner"] == learner)]


def test_the_course_of_a_rating_is_found_and_the_lag_is_told(run):
    summary, held = run

    for protocol in ("time", "subject"):
        mine = select(held, protocol)
        assert find_means(mine, "trial")["ccc"] > 0.5
        assert mine["lag_s"].between(0.5, 1.5).all()
    [lag] = [line for line in summary.lines() if line.startswith("lag: ")]
    assert re.match(r"lag: valence follows peripheral by (0\.75|1|1\.25) s", lag)
    assert any(note.startswith("Lag: valence") for note in held.leakage["notes"])


def test_what_is_rated_stands_at_its_time(run, path):
    _, held = run
    traces, rate = open_store(path).cut().list_traces("valence")
    mine = select(held, "subject").query("subject == '02' and trial == '03'")

    for row in mine.itertuples():
        first = round((row.start_s + row.lag_s) * rate)
        wanted = traces[8 + 2][first : first + round(rate)].mean()
        assert row.truth == pytest.approx(wanted, rel=1e-6)


def test_no_prior_knows_the_course_but_that_of_the_clip_where_clips_are_shared(run):
    _, held = run
    ccc = {
        (protocol, learner): find_means(select(held, protocol, learner), "trial")["ccc"]
        for protocol in ("time", "subject")
        for learner in ("majority", "stimulus-prior", "last-value")
    }

    assert ccc["subject", "stimulus-prior"] > 0.2
    for key in [("subject", "majority"), ("time", "last-value"), ("time", "majority")]:
        assert -0.25 < ccc[key] < 0.1


def test_the_last_value_is_what_was_rated_when_training_ended(run, path):
    _, held = run
    mine = select(held, "time", "last-value").query("subject == '01' and trial == '01'")
    [part] = cut_parts(open_store(path).cut(), replace(ASKED, protocols=("time",)))
    fold = next(fold for fold in part.folds if fold.scope == "01")
    rows = part.table.iloc[fold.train]
    last = rows[rows["trial"] == "01"].index[-1]
    lag = mine["lag_s"].iloc[0]
    wanted = part.task.encode_at(part.rows.ratings, lag)[last]

    first_fold = mine[mine["fold"] == mine["fold"].min()]
    assert first_fold["prediction"].unique() == pytest.approx([wanted], rel=1e-6)


def test_what_training_and_test_share_is_stated_with_the_gap(run):
    _, held = run
    parts = {p["protocol"]: p for p in held.leakage["parts"] if p["learner"] == RIDGE}

    assert parts["subject"]["leaks"] == "none"
    # a gap of four seconds, in whole segments; features are of the whole trial
    assert parts["time"]["leaks"] == "unlabelled"
    assert all(fold["gap_s"] == 5 for fold in parts["time"]["folds"])
    assert "all that trains ends at least 5 s before" in parts["time"]["statement"]
    assert "gap_s" not in parts["subject"]["folds"][0]
    assert any("the longest lag need 4 s" in note for note in held.leakage["notes"])


def test_a_gap_covers_segment_filter_and_lag_and_says_what_it_does_not(tmp_path):
    store = open_store(write_moving_store(tmp_path / "store")).cut()
    task = open_task(store, ASKED, "valence")

    gap = find_gap(store, task)

    assert gap.needed_s == 1 + 1 + 2
    assert gap.used_s == gap.needed_s
    assert "Ratings are alike for" in gap.tell()
    assert "longer: the first test rows are easier" not in gap.tell()
    slow = replace(gap, decorrelation_s=9.0)
    assert "9 s, 5 s longer" in slow.tell()


def test_clips_exchange_their_courses_and_nothing_is_found_then(run, path, tmp_path):
    _, held = run
    key = ScoreKey("subject", "valence", "peripheral", RIDGE)
    asked = replace(ASKED, protocols=("subject",))
    store = open_store(path).cut()
    [part] = cut_parts(store, asked)

    assert choose_exchange(part) == "clips"
    table = permute(
        store,
        tmp_path,
        PermutationPlan(10, (key,), {key: "clips"}),
        asked,
        run="",
        execution=ALONE,
    )

    observed = find_means(select(held, "subject"), "trial")["ccc"]
    assert (table["ccc"] < observed / 2).all()
    assert abs(table["ccc"].mean()) < 0.1


def test_below_eight_clips_nothing_is_exchanged(tmp_path):
    store = open_store(write_moving_store(tmp_path / "store", n_trials=7)).cut()
    [part] = cut_parts(store, replace(ASKED, protocols=("trial",)))[:1]

    assert choose_exchange(part) == ""


def test_an_exchanged_course_is_that_of_the_partner_cut_to_the_shorter(path):
    store = open_store(path).cut()
    task = open_task(store, ASKED, "valence")
    own = read_ratings(store, task)

    made = exchange_courses(store.table, own, number=0, least_turn_s=2.0)

    courses = list_courses(store.table)
    clip_of = [store.table["stimulus"].iloc[rows[0]] for rows in courses]
    of_subject = [store.table["subject"].iloc[rows[0]] for rows in courses]
    partners = set()
    for rows, clip, subject in zip(courses, clip_of, of_subject, strict=True):
        found = made[rows]
        n_known = int(np.isfinite(found).all(axis=1).sum())
        for other, theirs, whose in zip(courses, clip_of, of_subject, strict=True):
            n = min(len(rows), len(other))
            if whose == subject and np.array_equal(
                found[:n], own[other[:n]], equal_nan=True
            ):
                partners.add((clip, theirs))
                break
        else:
            # its clip stays: its own course, turned
            known = np.isfinite(own[rows]).all(axis=1)
            assert n_known in (0, int(known.sum()))
            assert np.sort(found[known], axis=0) == pytest.approx(
                np.sort(own[rows][known], axis=0), nan_ok=True
            )
            partners.add((clip, clip))
    # one exchange for all subjects
    assert len(partners) == 8


def test_shuffled_labels_are_whole_courses_of_other_trials(path):
    store = open_store(path).cut()
    task = open_task(store, ASKED, "valence")
    own = read_ratings(store, task)

    shuffled = shuffle_ratings(store.table, task, own, seed=1)

    rows = list_courses(store.table)[0]
    mine = [
        r
        for r in list_courses(store.table)
        if store.table["subject"].iloc[r[0]] == "01"
    ]
    n = min(map(len, mine))
    matches = [
        np.allclose(shuffled[rows[:n]], own[other[:n]], equal_nan=True)
        for other in mine
    ]
    assert sum(matches) == 1


def test_the_network_follows_a_course_too(path, tmp_path):
    asked = replace(ASKED, protocols=("time",), learners=("network",), subjects=("01",))

    evaluate(path, tmp_path / "run", settings=asked, execution=ALONE)

    held = open_run(tmp_path / "run")
    mine = select(held, "time", "network")
    assert np.isfinite(mine["prediction"]).all()
    parts = {p["learner"]: p["leaks"] for p in held.leakage["parts"]}
    assert parts["network"] == "none"


def fit_future(path, folder):
    """Fit the network on the first half of a subject's trials; return what it saw."""
    asked = replace(
        ASKED, protocols=("time",), learners=("network",), subjects=("01",), folds=2
    )
    store = open_store(path).cut()
    [part] = cut_parts(store, asked)
    [fold] = part.folds
    job = settle_lag(store, plan_task(part, fold, folder, asked, ""))
    fit = fit_one(store, asked, None, job, "network")
    return part.table.iloc[fold.test], job.lag, fit["history"], fit["chosen"]


def test_garbage_in_the_future_changes_no_lag_and_no_fit(path, tmp_path):
    tested, lag, history, scores = fit_future(path, tmp_path)
    shutil.copytree(path, tmp_path / "store")
    folder = tmp_path / "store" / "subjects" / "01"
    trials = pd.read_csv(folder / "trials.csv", dtype={"trial": str})
    begins_s = tested.groupby("trial")["start_s"].min()
    for stream, rate in (("peripheral", SFREQ), ("traces", RATE)):
        name = "trace" if stream == "traces" else stream
        array = np.load(folder / f"{stream}.npy")
        for row in trials.itertuples():
            first = getattr(row, f"first_{name}")
            start = first + round(begins_s[row.trial] * rate)
            end = first + getattr(row, f"length_{name}")
            noise = np.random.default_rng(0).normal(50, 90, array[start:end].shape)
            array[start:end] = noise
        np.save(folder / f"{stream}.npy", array)

    _, lag_then, history_then, scores_then = fit_future(tmp_path / "store", tmp_path)

    assert lag_then == lag
    assert history_then.tobytes() == history.tobytes()
    assert not np.array_equal(scores_then, scores)


def test_a_report_shows_courses_and_nothing_of_high_or_of_segments(run, tmp_path):
    _, held = run

    write_report([held.path], tmp_path / "report")

    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "Courses over time" in page
    assert "valence (trace)" in page
    assert "last-value" in page
    assert (
        tmp_path / "report" / "figures" / "courses-valence-bandpower_ridge.svg"
    ).is_file()
    shown = re.sub(r"<[^>]+>", " ", page)
    assert not re.search(r"segment level|balanced accuracy|rated high", shown, re.I)
    table = pd.read_csv(tmp_path / "report" / "scores.csv")
    assert set(table["level"]) == {"trial"}
    assert set(table["task"]) == {"trace"}


def test_an_audit_sees_that_the_past_of_a_trial_trains_and_its_future_tests(run):
    _, held = run
    report = audit(held.path)

    verdicts = {found.protocol: found for found in report.findings}
    assert verdicts["subject"].verdict.startswith("no leak seen in")
    assert verdicts["subject"].own_prior == "stimulus-prior"
    said = verdicts["time"].sentence
    assert (
        "of a trial on both sides the past trains and the future tests" in said.lower()
    )
    assert "trials that were trained on" not in said


def test_a_bundle_knows_its_lag_and_is_scored_over_courses(path, tmp_path):
    settings = TrainSettings(
        task="trace",
        targets=("valence",),
        streams=("peripheral",),
        learner=RIDGE,
        longest_lag=2.0,
    )
    bundle = train_bundle(path, tmp_path / "model", settings=settings, execution=ALONE)

    [answer] = bundle.answers
    assert answer.lag_s == pytest.approx(1.0, abs=0.25)
    assert answer.goal.moves
    assert answer.validation.scores["ccc"] > 0.5
    assert "as it moves, 1" in answer.line()
    assert re.search(r"as a person would give it [\d.]+ s later", say_meaning(bundle))
    card = (bundle.path / "README.md").read_text(encoding="utf-8")
    assert "rating that moves with time" in card
    assert "A trial is scored over its course" in card
    assert load_bundle(bundle.path).answers == bundle.answers

    described = json.loads((bundle.path / "bundle.json").read_text())
    for change, said in (
        ({"lag_s": None}, "lag_s: is missing"),
        ({"lag_s": -1.0}, "0 or more"),
        ({"goal": None}, "lag_s: only a rating that moves has one"),
    ):
        broken = json.loads(json.dumps(described))
        broken["networks"][0] |= change
        (bundle.path / "bundle.json").write_text(json.dumps(broken))
        with pytest.raises(UserError, match=said):
            load_bundle(bundle.path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"targets": ("liking",)}, "unknown target 'liking'. Known: valence, arousal"),
        ({"learners": ("trial-ridge",)}, "trial-ridge cannot do task trace; those"),
        ({"learners": ("bandpower-nb",)}, "cannot do task trace"),
        ({"task": "rating"}, "time divides trials in time, and needs a rating that"),
        ({"longest_lag": 40.0}, "no trial of .* moves with time up to 40 s later"),
        ({"folds": 8}, "8 folds need at least 8 subjects, got 7"),
    ],
)
def test_what_cannot_be_asked_ends_in_a_sentence(path, tmp_path, change, said):
    asked = replace(ASKED, **change)

    with pytest.raises(UserError, match=said):
        evaluate(path, tmp_path / "run", settings=asked, execution=ALONE)

    assert not (tmp_path / "run").exists()


def test_a_store_without_moving_ratings_ends_in_a_sentence(tmp_path, capsys):
    store = write_small_store(tmp_path / "store", n_subjects=1)
    options = ["--task", "trace", "--learner", RIDGE, "--streams", "bio"]

    status = main(["evaluate", str(store.path), "--out", str(tmp_path / "r"), *options])

    assert status == 2
    assert "trace needs ratings that move with time" in capsys.readouterr().err


def test_a_lag_that_is_given_is_used_by_all_folds(path, tmp_path):
    asked = replace(ASKED, protocols=("subject",), lag=0.5, subjects=("01", "02", "03"))

    summary = evaluate(path, tmp_path / "run", settings=asked, execution=ALONE)

    held = open_run(tmp_path / "run")
    assert set(held.predictions["lag_s"]) == {0.5}
    assert not [line for line in summary.lines() if line.startswith("lag: ")]


def test_targets_of_both_kinds_are_asked_apart(path):
    store = open_store(path).cut()

    rating = open_task(store, replace(ASKED, task="rating"), "valence")
    moving = open_task(store, ASKED, "valence")

    assert read_ratings(store, rating).shape[1] == 1
    assert read_ratings(store, moving).shape[1] == 9
    assert set(map(str, Target)) <= set(store.rating_columns)


def test_scores_of_both_seeds_are_averaged_first(path, tmp_path):
    asked = replace(ASKED, protocols=("subject",), seeds=(0, 1), lag=1.0)

    evaluate(path, tmp_path / "run", settings=asked, execution=ALONE)

    rows = select(open_run(tmp_path / "run"), "subject")
    each = [measure(mine, "trial")["ccc"].mean for _, mine in rows.groupby("seed")]
    assert measure(rows, "trial")["ccc"].mean == pytest.approx(np.mean(each))
