"""Tests of the tables of other studies' systems in ``reproduce table2``."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from deepvanet.cli import main
from deepvanet.config import Execution, NetworkSettings, Segmenting
from deepvanet.evaluation.estimate import Estimate
from deepvanet.learners import LEARNERS
from deepvanet.learners.published_systems import SYSTEMS
from deepvanet.reporting import plotting
from deepvanet.reproduction.baseline_square import plan_square
from deepvanet.reproduction.budget import leave_out
from deepvanet.reproduction.given import open_stores
from deepvanet.reproduction.plans import SIZES, Size
from deepvanet.reproduction.published import TABLE_2, THIS_WORK
from deepvanet.reproduction.scores import DASH, Cell, RunScores, score_runs
from deepvanet.reproduction.system_figure import list_lines, plot_lines
from deepvanet.reproduction.system_parts import plan_work, show_systems, write_systems
from deepvanet.reproduction.system_scores import (
    ACCURACY,
    SystemRow,
    SystemScore,
    tabulate_runs,
)
from deepvanet.reproduction.system_tables import (
    KINDS,
    escape_latex,
    spell_score,
    write_latex,
    write_markdown,
)
from deepvanet.reproduction.systems import (
    ABSENT,
    AUTHORS,
    COLUMNS,
    SystemRun,
    find_printed,
    list_plans,
    pick_systems,
    plan_systems,
)
from deepvanet.reproduction.table2 import Notes
from deepvanet.reproduction.work import do_work
from deepvanet.schema import UserError
from small_store import write_small_store

NAME = "alhagry2017"
FULL = SIZES["full"]


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Two stores of three subjects and six trials of ten seconds, one of them real."""
    root = tmp_path_factory.mktemp("systems")
    size = {"n_trials": 6, "n_segments": 10, "images": (1, 24), "n_subjects": 3}
    write_small_store(root / "deap", **size)
    write_small_store(root / "mahnob", dataset="mahnob-synthetic", **size)
    paths = {"deap": root / "deap", "mahnob": root / "mahnob"}
    return open_stores(paths, Segmenting())


@pytest.fixture(scope="module")
def planned(given):
    """Every system on both stores at the full size."""
    return plan(given)


@pytest.fixture(scope="module")
def one(given):
    """One system on both stores at the full size."""
    return plan(given, NAME)


def plan(given, *names, size=FULL):
    records = pick_systems(names or ["all"])
    return plan_systems(records, given.values(), size=size, seed=0)


def find(runs, learner, column, key="deap"):
    (run,) = (
        r for r in runs if (r.record.learner, r.column, r.key) == (learner, column, key)
    )
    return run


def fake_score(run, *percents, **more):
    """Return a cell that a run could have had."""
    cells = tuple(Cell(p, leaks="none", n_subjects=3, **more) for p in percents)
    return SystemScore(run, "trial", cells, cells)


def test_every_row_of_table_2_but_the_papers_own_has_a_system():
    others = {row.study for row in TABLE_2 if row.study != THIS_WORK}

    assert others == {record.study for record in SYSTEMS.values()}
    for record in SYSTEMS.values():
        assert any(find_printed(record, key) for key in ("deap", "mahnob"))


def test_less_than_seventy_per_cent_of_a_method_is_an_after_system():
    for record in SYSTEMS.values():
        assert record.is_after == (record.share < 70), record.learner


def test_systems_are_picked_by_name_in_the_order_of_the_records():
    assert pick_systems(["none"]) == []
    assert pick_systems(["all"]) == list(SYSTEMS.values())
    picked = pick_systems(["yang2018", "koelstra2012"])
    assert [record.learner for record in picked] == ["koelstra2012", "yang2018"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (["yang18"], "unknown system 'yang18', did you mean 'yang2018'"),
        (["all", "yang2018"], "needs all, none, or names .* got all,yang2018"),
        ([], "needs all, none, or names .* got nothing"),
    ],
)
def test_a_system_that_is_not_known_is_refused(asked, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        pick_systems(asked)

    assert caught.value.field == "systems"


def test_each_store_has_every_system_in_every_column(given, planned):
    runs = planned

    assert len(runs) == len(given) * len(SYSTEMS) * len(COLUMNS)
    for run in runs:
        assert (run.plan is None) == bool(run.why)
        assert run.plan or run.record.learner not in LEARNERS


def test_the_authors_folds_are_as_many_as_there_are_units(given, planned):
    runs = planned

    folds = {run.record.learner: run.n_folds for run in runs if run.column == AUTHORS}
    assert folds["koelstra2012"] == 6  # of 40; a subject has six trials
    assert folds["alhagry2017"] == 4
    assert folds["soleymani2012"] is None
    small = plan({"deap": given["deap"]}, "koelstra2012", size=SIZES["small"])
    assert {run.n_folds for run in small} == {3}


def test_the_authors_segments_are_no_longer_than_a_trial(given, tmp_path):
    write_small_store(tmp_path / "deap", n_trials=4, n_segments=3, images=(1, 24))
    short = open_stores({"deap": tmp_path / "deap"}, Segmenting())

    lengths = [
        find(plan(stores, NAME), NAME, AUTHORS).plan.settings.segment
        for stores in (given, short)
    ]

    assert lengths == [5.0, 3.0]


def test_systems_of_a_small_size_are_small_and_keep_their_own_epochs(given):
    settings = find(plan(given, NAME, size=SIZES["small"]), NAME, "trial").plan.settings

    assert settings.network == NetworkSettings(size="small")
    assert len(settings.subjects) == SIZES["small"].n_subjects
    assert settings.permutations == 0


def test_columns_whose_settings_are_equal_share_a_run(planned):
    runs = planned

    for run in runs:
        if run.column == AUTHORS and run.protocol in COLUMNS and run.plan:
            twin = find(runs, run.record.learner, run.protocol, run.key)
            is_same = twin.plan.settings == run.plan.settings
            assert (run.plan is twin.plan) == is_same
    if "soleymani2012" in LEARNERS:
        names = {r.plan.name for r in runs if r.record.learner == "soleymani2012"}
        assert "soleymani2012-authors-deap" not in names
    assert len({p.name for p in list_plans(runs)}) == len(list_plans(runs))


def test_the_prior_is_the_one_that_knows_what_is_shared(planned):
    runs = planned

    priors = {run.protocol: run.prior for run in runs}
    assert priors["trial"] == "subject-prior"
    assert priors["subject"] == "stimulus-prior"
    assert priors["subject-stimulus"] == "majority"
    assert priors["paper"] == priors["paper-pooled"] == "additive-prior"


def test_the_square_takes_runs_that_are_planned_already(given, planned):
    made = list_plans(planned)

    four = plan_square(given["deap"], made, size=FULL, seed=0)

    assert [(run.baseline, run.protocol) for run in four] == [
        ("waveform", "paper"),
        ("waveform", "trial"),
        ("none", "paper"),
        ("none", "trial"),
    ]
    if "yang2018" in LEARNERS:
        assert four[0].plan.name == "yang2018-authors-deap"
        baselines = [run.plan.settings.baseline for run in four]
        assert baselines == ["waveform", "waveform", "none", "none"]
        assert len({run.plan.name for run in four}) == 4


def test_a_budget_keeps_the_cheapest_and_says_what_it_left_out(given, one):
    runs = one
    plans = list_plans(runs)
    costs = [3.0, 1.0, 2.0, *[9.0] * (len(plans) - 3)]
    estimates = {
        p.name: Estimate(1, hours, 1) for p, hours in zip(plans, costs, strict=True)
    }

    cut, _, kept = leave_out(plans, [], estimates, 4.0)

    assert set(kept) == {plans[1].name, plans[2].name}
    assert [p.name for p in cut[:3]] == [plans[n].name for n in (1, 2, 0)]
    why = "left out by the budget of 4.0 h: it would take about 3.0 h"
    assert [p.obstacle for p in cut[:3]] == ["", "", why]
    scored = RunScores(pd.DataFrame(), {p.name: p.obstacle for p in cut}, tuple(given))
    without = [r for r in runs if r.plan is None or r.plan.name not in kept]
    row = next(
        row
        for row in tabulate_runs(without, scored, ACCURACY)
        if row.record.learner == NAME
    )
    whys = {cell.why for score in row.scores.values() for cell in score.cells}
    assert f"DEAP: {why}" in whys


def test_a_finished_run_is_kept_by_any_budget(one):
    plans = list_plans(one)
    waiting = {plans[0].name: Estimate(1, 1.0, 1)}

    cut, _, kept = leave_out(plans, [], waiting, 0.0)

    assert kept == {}
    assert [p.name for p in cut if p.obstacle] == [plans[0].name]


def test_a_cell_without_a_run_is_a_dash_with_its_reason():
    record = SYSTEMS["yang2018"]
    run = SystemRun(record, "deap", AUTHORS, "paper", None, None, ABSENT)
    empty = (Cell(why=ABSENT),) * 2
    notes = Notes()

    lines = spell_score(SystemScore(run, "segment", empty, empty), notes)

    assert lines == [f"{DASH} (a)", "`paper`, baseline waveform"]
    assert notes.letters == {ABSENT: "a"}


def test_a_cell_names_its_protocol_leak_prior_interval_and_subjects(one):
    run = find(one, NAME, AUTHORS)
    cells = (
        Cell(61.25, 50.0, 70.0, leaks="trial", n_subjects=3),
        Cell(58.0, 49.0, 68.0, leaks="trial", n_subjects=3),
    )
    priors = (Cell(100.0), Cell(99.0))

    lines = spell_score(SystemScore(run, "segment", cells, priors), Notes())

    assert lines == [
        "61.25/58.00",
        "`paper`, 4 folds, segments of 5 s, assumed",
        "[50.0, 70.0]/[49.0, 68.0]",
        "additive-prior 100.00/99.00",
        "3 subjects",
        "leaks: trial",
    ]


def test_an_honest_cell_says_a_leak_that_its_head_does_not(one):
    run = find(one, NAME, "trial")
    cells = (Cell(61.0, leaks="unlabelled", n_subjects=3),) * 2

    lines = spell_score(SystemScore(run, "trial", cells, cells), Notes())

    assert lines[-1] == "leaks: unlabelled"


def make_rows(given, one):
    """Return a row of each store with the same numbers in every column."""
    rows = []
    for key in given:
        runs = [r for r in one if (r.record.learner, r.key) == (NAME, key)]
        printed = find_printed(SYSTEMS[NAME], key)
        published = (Cell(85.65), Cell(85.45)) if printed else (Cell(why="none"),) * 2
        scores = {r.column: fake_score(r, 60, 50) for r in runs}
        rows.append(SystemRow(SYSTEMS[NAME], key, published, "a note", scores))
    return rows


def test_markdown_has_a_cell_for_each_column_and_published_only_where_printed(
    given, one
):
    text = write_markdown(KINDS[0], make_rows(given, one), given, "")

    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 3}
    ours = [line for line in lines if line.startswith(f"| `{NAME}`")]
    assert "85.65/85.45 (a)" in ours[0]
    assert "85.65" not in ours[1]
    assert "(a) a note" in text
    assert "leaks: none" in lines[0]
    assert "mahnob-synthetic: a synthetic store" in text


def test_latex_has_as_many_cells_in_each_row_as_columns(given, one):
    text = write_latex(KINDS[1], make_rows(given, one), given, "")

    (columns,) = re.findall(r"\\begin\{tabular\}\{(l+)\}", text)
    table = text[text.index(r"\hline") : text.index(r"\end{tabular}")]
    rows = [r for r in re.split(r"\\\\(?:\[2pt\])?\n", table) if "&" in r]
    assert len(rows) == 3
    assert all(row.count("&") == len(columns) - 1 for row in rows)
    assert text.count("{") == text.count("}")
    assert DASH not in text


def test_latex_signs_are_escaped_once():
    assert escape_latex("50 % of a_b & `c_d` ~ \\") == (
        r"50 \% of a\_b \& \texttt{c\_d} \textasciitilde{} \textbackslash{}"
    )


def test_a_synthetic_store_has_no_published_mark(given, one):
    scored = RunScores(pd.DataFrame(columns=["run"]), {}, tuple(given))
    rows = [
        replace(row, published=(Cell(80.0), Cell(70.0)))
        for row in make_rows(given, one)
    ]
    empty = [
        replace(
            row,
            scores={
                name: replace(
                    score,
                    run=replace(score.run, plan=None, why=ABSENT),
                    cells=(Cell(why=ABSENT),) * 2,
                )
                for name, score in row.scores.items()
            },
        )
        for row in rows
    ]

    lines = list_lines(empty, scored, given)

    marks = {(line.target, line.published) for line in lines[::2]}
    assert marks == {("valence", 80.0), ("arousal", 70.0)}
    assert all(np.isnan(line.published) for line in lines[1::2])
    with plotting.house_style():
        drawn = plot_lines(lines[::2], given["deap"])
        other = plot_lines(lines[1::2], given["mahnob"])
    assert "published (Table 2)" in drawn.svg
    assert "published (Table 2)" not in other.svg
    assert "synthetic, so no published number is marked" in other.svg
    assert f"{DASH} {ABSENT}" in drawn.svg
    assert drawn.numbers["authors_percent"].isna().all()


def test_the_command_refuses_an_unknown_system_in_one_sentence(given, tmp_path, capfd):
    store = str(given["deap"].path)

    status = main(
        [
            "reproduce",
            "table2",
            "--deap",
            store,
            "--systems",
            "x",
            "--out",
            str(tmp_path),
        ]
    )

    assert status == 2
    assert capfd.readouterr().err.startswith("deepvanet: --systems: unknown system 'x'")


TINY = Size(
    NetworkSettings(), folds=2, grid=(16,), n_subjects=1, n_pooled=3, systems="small"
)


@pytest.fixture(scope="module")
def made(given, tmp_path_factory):
    """One system, run on one store, and what was written of it."""
    out = tmp_path_factory.mktemp("made")
    one = {"deap": given["deap"]}
    work = plan_work(pick_systems([NAME]), one, size=TINY, seed=0)
    lines = list(
        do_work(out, work.plans, [], {}, execution=Execution(), face_weights=None)
    )
    scored = score_runs(out, work.plans, given=tuple(one))
    with plotting.house_style():
        shown = show_systems(work, scored, one, small="")
    list(write_systems(out, shown))
    return out, work, lines, shown


@pytest.mark.slow
def test_the_tables_hold_the_scores_of_the_runs(made):
    out, _, _, _ = made
    table = pd.read_csv(out / "systems-accuracy.csv")
    mine = table[(table["system"] == NAME) & (table["target"] == "valence")]

    assert mine["column"].tolist() == list(COLUMNS)
    assert mine["published"].tolist() == [85.65] * 4
    assert mine["percent"].between(0, 100).all()
    assert mine["n_subjects"].tolist() == [1, 1, 3, 3]
    assert mine["leaks"].tolist() == ["trial", "none", "none", "none"]
    assert mine["prior_percent"].notna().all()
    predictions = pd.read_csv(out / f"{NAME}-trial-deap" / "predictions.csv")
    chosen = predictions[
        (predictions["learner"] == NAME) & (predictions["target"] == "valence")
    ]
    right = (chosen["score"] > 0.5) == (chosen["label"] == 1)
    assert mine["percent"].iloc[1] == pytest.approx(100 * right.mean())
    others = table[table["system"] != NAME]
    assert others["percent"].isna().all()
    assert others["why"].str.contains("not asked for").all()
    balanced = pd.read_csv(out / "systems-balanced.csv")
    assert set(balanced["level"]) == {"trial"}
    assert balanced["published"].isna().all()


@pytest.mark.slow
def test_the_figure_starts_and_ends_at_the_scores_of_the_table(made):
    out, _, _, shown = made
    table = pd.read_csv(out / "systems-accuracy.csv").set_index(
        ["system", "target", "column"]
    )
    figure = shown.figures[0].numbers.set_index(["system", "target"])

    for target in ("valence", "arousal"):
        row = figure.loc[(NAME, target)]
        percent = table["percent"]
        assert row["authors_percent"] == pytest.approx(percent[NAME, target, AUTHORS])
        assert row["honest_percent"] == pytest.approx(percent[NAME, target, "trial"])
        assert row["honest_priors_low"] <= row["honest_priors_high"]
    assert shown.squares == []


@pytest.mark.slow
def test_an_estimate_alone_names_the_systems_and_writes_nothing(given, tmp_path, capfd):
    out = tmp_path / "out"
    store = str(given["deap"].path)
    asked = ["--systems", NAME, "--size", "small", "--estimate", "--out", str(out)]

    status = main(["reproduce", "table2", "--deap", store, *asked])

    said = capfd.readouterr().out
    assert status == 0
    assert re.search(r"^estimate: [\d,]+ fits", said)
    assert re.search(rf"of that: {NAME} [\d.]+ (s|min|h)\n", said)
    assert "new fits" not in said
    assert not out.exists()


@pytest.mark.slow
def test_a_system_that_is_finished_is_not_fitted_again(made):
    out, work, lines, _ = made

    again = list(
        do_work(out, work.plans, [], {}, execution=Execution(), face_weights=None)
    )

    assert all(re.search(r": [1-9]\d* new fits of", line) for line in lines)
    assert all(": 0 new fits of" in line for line in again)
