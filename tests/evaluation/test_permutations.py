"""Tests of :mod:`deepvanet.evaluation.permutations`."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from deepvanet.cli import main
from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation import evaluate, permutations
from deepvanet.evaluation.fits import find_traits
from deepvanet.evaluation.parts import cut_parts
from deepvanet.evaluation.permutations import (
    PermutationPlan,
    choose_exchange,
    exchange_ratings,
    permute,
    plan_permutations,
)
from deepvanet.evaluation.statement import state_sharing
from deepvanet.metrics import METRICS, PERMUTATION_COLUMNS, measure, tabulate_scores
from deepvanet.results import (
    open_run,
    read_permutations,
    sharing_of,
    training_sizes_of,
)
from deepvanet.schema import ScoreKey, Stream, Target, UserError
from deepvanet.store import open_store
from segment_blocks import rewrite_trials

QUICK = EvaluateSettings(
    protocols=("subject",),
    targets=("valence",),
    streams=("eeg",),
    learners=("bandpower-nb",),
    folds=3,
    network=NetworkSettings(epochs=1),
)
ALONE = Execution()
KEY = ScoreKey("subject", "valence", "eeg", "bandpower-nb")
PLAN = PermutationPlan(4, (KEY,), {KEY: "clips"})


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    """Seven subjects who saw the same nine clips."""
    return tiny_store(
        tmp_path_factory.mktemp("permutations") / "store",
        n_subjects=7,
        n_trials=9,
        n_segments=2,
        streams=[Stream.EEG],
        effect=0.3,
    )


def make_table(*rows):
    """Trials of one segment: subject, trial, stimulus, valence."""
    columns = ["subject", "trial", "stimulus", "valence"]
    return pd.DataFrame(list(rows), columns=columns)


def test_one_exchange_of_clips_holds_for_all_subjects(store):
    table = store.table

    ratings = exchange_ratings(table, Target.VALENCE, how="clips", number=3)

    rated = table.set_index(["subject", "stimulus", "segment"])["valence"]
    got = table.assign(valence=ratings).groupby("stimulus", sort=True)
    partners = []
    for clip, rows in got:
        fitting = [
            other
            for other in table["stimulus"].unique()
            if all(
                rated[row.subject, other, row.segment] == row.valence
                for row in rows.itertuples()
            )
        ]
        partners.append((clip, fitting))
    assert all(fitting for _, fitting in partners)
    assert any(clip not in fitting for clip, fitting in partners)
    again = exchange_ratings(table, Target.VALENCE, how="clips", number=3)
    other = exchange_ratings(table, Target.VALENCE, how="clips", number=4)
    np.testing.assert_array_equal(ratings, again)
    assert not np.array_equal(ratings, other)


def test_a_trial_whose_new_clip_was_not_rated_drops_out():
    names = "abcdefghij"
    table = make_table(
        *(("1", clip, clip, float(k)) for k, clip in enumerate(names)),
        *(("2", clip, clip, float(k)) for k, clip in enumerate(names) if clip != "c"),
    )

    ratings = exchange_ratings(table, Target.VALENCE, how="clips", number=0)

    first, second = ratings[:10], ratings[10:]
    missing = np.flatnonzero(first == names.index("c")).item()
    expected = np.delete(np.where(np.arange(10) == missing, np.nan, first), 2)
    np.testing.assert_array_equal(second, expected)


def test_a_clip_that_was_seen_twice_has_two_ratings():
    table = make_table(
        *(
            (s, f"{place}", "ab"[place % 2], float(place))
            for s in "12"
            for place in range(4)
        )
    )

    drawn = [
        exchange_ratings(table, Target.VALENCE, how="clips", number=draw).tolist()
        for draw in range(20)
    ]

    # either both clips stay, or each has the other's first and second rating
    assert {tuple(ratings[:4]) for ratings in drawn} == {(0, 1, 2, 3), (1, 0, 3, 2)}
    assert all(ratings[:4] == ratings[4:] for ratings in drawn)


def test_within_subjects_each_keeps_its_ratings():
    table = make_table(
        *((s, str(k), f"{s}{k}", 10.0 * int(s) + k) for s in "12" for k in range(6))
    )

    ratings = exchange_ratings(table, Target.VALENCE, how="trials", number=0)

    for subject in "12":
        mine = (table["subject"] == subject).to_numpy()
        assert sorted(ratings[mine]) == sorted(table["valence"][mine])
    assert not np.array_equal(ratings, table["valence"])


def test_labels_of_people_go_from_person_to_person():
    table = make_table(
        *((s, str(k), f"clip{k}", float(s)) for s in "123456" for k in range(3))
    )

    ratings = exchange_ratings(table, Target.VALENCE, how="people", number=0)

    people = table.assign(valence=ratings).groupby("subject")["valence"]
    assert (people.nunique() == 1).all()
    assert sorted(people.first()) == [1, 2, 3, 4, 5, 6]
    assert people.first().tolist() != [1, 2, 3, 4, 5, 6]


def cut_part(store, **changes):
    return cut_parts(store, replace(QUICK, **changes))[0]


def test_clips_are_exchanged_where_eight_are_shared(store, tiny_store, tmp_path):
    few = tiny_store(tmp_path / "few", n_subjects=3, n_trials=7, streams=[Stream.EEG])

    assert choose_exchange(cut_part(store)) == "clips"
    assert choose_exchange(cut_part(few)) == "trials"
    alone = cut_part(store, protocols=("trial",), subjects=("01",))
    assert choose_exchange(alone) == "trials"


def test_labels_that_belong_to_people_are_exchanged_over_people(store):
    part = cut_part(store)
    high = part.table["subject"].isin(["01", "02", "03"]).to_numpy()

    assert (
        choose_exchange(
            replace(part, rows=replace(part.rows, label=high.astype(np.int64)))
        )
        == "people"
    )


def test_clips_that_few_saw_are_not_exchanged(store):
    part = cut_part(store)
    number = part.table.groupby("subject").ngroup() // 2
    table = part.table.assign(stimulus=part.table["stimulus"] + number.astype(str))

    assert (
        choose_exchange(replace(part, rows=replace(part.rows, table=table))) == "trials"
    )


def find_ratings(rows):
    """Return the rating of each trial of a subject, in their order."""
    return rows.drop_duplicates("trial")["valence"].to_numpy()


def write_exchanged(store, folder, draw):
    """Copy a store with the ratings of a draw."""
    shutil.copytree(store.path, folder)
    ratings = exchange_ratings(store.table, Target.VALENCE, how="clips", number=draw)
    for subject, rows in store.table.assign(valence=ratings).groupby("subject"):
        rewrite_trials(folder, subject, valence=find_ratings(rows))
    return open_store(folder).cut()


@pytest.mark.parametrize("protocol", ["subject", "subject-stimulus"])
def test_a_draw_is_the_whole_evaluation_of_a_store_with_other_ratings(
    store, tmp_path, protocol
):
    """Oracle: ``evaluate`` on a store whose ratings were exchanged on disk."""
    settings = replace(QUICK, protocols=(protocol,), permutations=0)
    key = KEY._replace(protocol=protocol)

    table = permute(
        store,
        tmp_path / "run",
        PermutationPlan(1, (key,), {key: "clips"}),
        settings,
        run="",
        execution=ALONE,
    )

    other = write_exchanged(store, tmp_path / "store", 0)
    evaluate(other.path, tmp_path / "by-hand", settings=settings, execution=ALONE)
    predictions = open_run(tmp_path / "by-hand").predictions
    mine = predictions[predictions["learner"] == "bandpower-nb"]
    expected = {m: found.mean for m, found in measure(mine, "trial").items()}
    assert table.iloc[0][list(METRICS)].to_dict() == pytest.approx(expected, abs=1e-6)


def test_several_seeds_are_cut_anew_and_averaged(store, tmp_path):
    tables = [
        permute(
            store,
            tmp_path / str(number),
            PermutationPlan(2, (KEY,), {KEY: "clips"}),
            replace(QUICK, seeds=seeds),
            run="",
            execution=ALONE,
        )[list(METRICS)].to_numpy()
        for number, seeds in enumerate([(0,), (1,), (0, 1)])
    ]

    np.testing.assert_allclose(tables[2], (tables[0] + tables[1]) / 2)
    assert not np.allclose(tables[0], tables[1])


def test_what_was_interrupted_goes_on_to_the_same_draws(store, tmp_path, monkeypatch):
    monkeypatch.setattr(permutations, "PERMUTATIONS_AT_ONCE", 2)
    go = {"run": "", "execution": ALONE}
    whole = permute(store, tmp_path, PLAN, QUICK, **go)
    first, second = sorted((tmp_path / "permutations").glob("*.npz"))
    before = first.stat().st_mtime_ns
    second.unlink()

    again = permute(store, tmp_path, PLAN, QUICK, **go)

    assert first.stat().st_mtime_ns == before
    pd.testing.assert_frame_equal(again, whole)
    assert tuple(whole) == PERMUTATION_COLUMNS
    assert whole["permutation"].tolist() == [0, 1, 2, 3]


def test_a_draw_whose_trials_are_too_few_for_the_folds_has_no_score(store, tmp_path):
    settings = replace(QUICK, protocols=("trial",), folds=9)
    lacking = store.table["valence"].where(
        (store.table["subject"] != "01") | (store.table["trial"] != "03")
    )
    folder = tmp_path / "store"
    shutil.copytree(store.path, folder)
    for subject, rows in store.table.assign(valence=lacking).groupby("subject"):
        rewrite_trials(folder, subject, valence=find_ratings(rows))
    key = KEY._replace(protocol="trial")

    table = permute(
        open_store(folder).cut(),
        tmp_path / "run",
        PermutationPlan(1, (key,), {key: "clips"}),
        settings,
        run="",
        execution=ALONE,
    )

    assert table[list(METRICS)].isna().all(axis=None)


def plan(store, **changes):
    settings = replace(QUICK, **changes)
    parts = cut_parts(store, settings)
    return plan_permutations(
        parts, state_sharing(parts, settings, artefacts="none"), settings
    )


def test_quick_learners_are_permuted_unasked_and_others_when_asked(store):
    unasked = plan(store, learners=("bandpower-nb", "eegnet"))
    asked = plan(store, learners=("bandpower-nb", "eegnet"), permutations=250)

    assert unasked.n_permutations == 199
    assert {key[3] for key in unasked.permuted} == {"bandpower-nb"}
    assert asked.n_permutations == 250
    assert {key[3] for key in asked.permuted} == {"bandpower-nb", "eegnet"}
    assert plan(store, permutations=0).permuted == {}
    assert (
        "not permuted, so that p-values are those of a t-test: eegnet"
        in (unasked.lines()[-1])
    )
    assert "no p-value below 0.0050 can be reached" in unasked.lines()[0]


def test_leaks_controls_and_priors_are_no_tests(store):
    made = plan(
        store, protocols=("paper", "trial-matched", "trial"), learners=("majority",)
    )
    tests = plan(store, protocols=("paper", "trial-matched", "trial")).tests

    assert made.tests == ()
    assert made.lines() == []
    assert {key[0] for key in tests} == {"trial"}


def test_every_test_adds_forty_permutations(store):
    names = ("bandpower-nb", "bandpower-logistic", "bandpower-svm", "riemann")
    many = plan(store, protocols=("trial", "subject"), learners=names)

    assert many.n_permutations == 320
    with pytest.raises(UserError, match="for 8 tests at least 320 are needed, got 199"):
        plan(store, protocols=("trial", "subject"), learners=names, permutations=199)


def test_a_run_that_takes_long_is_not_permuted_unasked(store, monkeypatch):
    part = cut_part(store)
    work = sum(permutations.WORK_OF_A_FIT + len(fold.train) for fold in part.folds)

    monkeypatch.setattr(permutations, "MOST_WORK", 199 * work)
    assert plan(store).permuted
    monkeypatch.setattr(permutations, "MOST_WORK", 199 * work - 1)
    assert not plan(store).permuted


def test_controls_of_a_run_test_nothing(store):
    assert not plan(store, control="shuffled-labels").permuted
    with pytest.raises(UserError, match="a run of shuffled-labels tests nothing"):
        plan(store, control="shuffled-labels", permutations=199)


def test_where_clips_are_few_it_says_these_stimuli_only():
    said = PermutationPlan(199, (KEY,), {KEY: "trials"}).lines()

    assert any("these stimuli only" in line for line in said)


@pytest.mark.slow
def test_the_command_permutes_and_the_scores_say_so(store, tmp_path, capsys):
    """From the command line to a p-value; more permutations need no new fits."""
    out = tmp_path / "run"
    command = ["evaluate", str(store.path), "--out", str(out), "--folds", "3"]
    command += ["--protocol", "subject", "--streams", "eeg", "--target", "valence"]
    command += ["--learner", "bandpower-nb", "--jobs", "1"]

    assert main([*command, "--permutations", "0"]) == 0
    assert not (out / "permutations.csv").exists()
    assert main(command) == 0

    assert "permutations: 199 of bandpower-nb, for 1 test" in capsys.readouterr().out
    assert len(read_permutations(out / "permutations.csv")) == 199
    run = open_run(out)
    table = tabulate_scores(
        run.predictions,
        dataset="deap",
        sharing=sharing_of(run.leakage),
        n_train=training_sizes_of(run.leakage),
        permutations=run.permutations,
    )
    rows = table[(table["learner"] == "bandpower-nb") & (table["level"] == "trial")]
    assert set(rows["p_kind"]) == {"permutation"}
    assert rows["p_value"].between(1 / 200, 1).all()
    assert main([*command, "--permutations", "100"]) == 2
    assert "for 1 test at least 199 are needed, got 100" in capsys.readouterr().err


def test_what_a_learner_fits_inside_counts(store, monkeypatch):
    logistic = {"learners": ("trial-logistic",)}
    part = cut_part(store)
    work = sum(permutations.WORK_OF_A_FIT + len(fold.train) for fold in part.folds)
    n_fits = find_traits("trial-logistic", QUICK).n_fits

    assert n_fits == 1 + 7 * 3
    monkeypatch.setattr(permutations, "MOST_WORK", 199 * work * n_fits)
    assert plan(store, **logistic).permuted
    monkeypatch.setattr(permutations, "MOST_WORK", 199 * work * n_fits - 1)
    assert not plan(store, **logistic).permuted
