"""Tests of :mod:`deepvanet.reproduction`: the paper's numbers, ours, and dashes."""

import re

import numpy as np
import pandas as pd
import pytest
import torch

from deepvanet import results
from deepvanet.cli import main
from deepvanet.config import (
    EvaluateSettings,
    Execution,
    NetworkSettings,
    ReproduceSettings,
    Segmenting,
)
from deepvanet.learners.network import NetworkLearner
from deepvanet.reporting import plotting
from deepvanet.reproduction import PARTS, reproduce
from deepvanet.reproduction.features import (
    KINDS,
    LEAST_COUNTED,
    LEAST_SEGMENTS,
    NEIGHBOURS,
    Features,
    encode,
    map_vectors,
    measure_purity,
    read_features,
)
from deepvanet.reproduction.fig2 import BLOCKS
from deepvanet.reproduction.fig3 import SHOWN, plan_features, plot_features
from deepvanet.reproduction.given import open_stores
from deepvanet.reproduction.grid import (
    MEAN,
    SearchResult,
    count_choices,
    plot_grid,
)
from deepvanet.reproduction.plans import SIZES, find_obstacle, plan_runs
from deepvanet.reproduction.published import DATASETS, TABLE_2
from deepvanet.reproduction.scores import DASH, Cell
from deepvanet.reproduction.table2 import SEGMENT, TRIAL, Notes, spell_cells
from deepvanet.schema import STREAM_SETS, Stream, UserError
from deepvanet.store import open_store
from segment_blocks import rewrite_trials
from small_store import take_rows, write_small_store

pytestmark = pytest.mark.slow

QUICK = {"n_trials": 6, "n_segments": 2, "images": (1, 24), "effect": 0.2}
WITHOUT_FACE = (Stream.EEG, Stream.PERIPHERAL)
PRINTED = """
deap Inter-subject experiments
Siddharth et al. [28] | Face, EEG, Peripheral | 79.52/78.34
Tang et al. [30] | EEG, Peripheral | 83.82/83.23
This work | Face, EEG, Peripheral | 95.56/95.33
deap Per-subject experiments
Koelstra et al. [17] | EEG, Peripheral | 62.70/62.00
Huang et al. [12] | Face, EEG | 80.30/74.23
Liu et al. [22] | EEG, Peripheral | 85.20/80.50
Alhagry et al. [1] | EEG | 85.65/85.45
Yang et al. [36] | EEG | 90.80/91.03
Anubhav et al. [2] | EEG | 94.69/93.13
This work | Face, EEG, Peripheral | 98.56/98.18
mahnob Inter-subject experiments
Soleymani et al. [29] | EEG, Peripheral | 57.00/52.40
Wiem and Lachiri [33] | EEG, Peripheral | 68.75/64.23
Siddharth et al. [28] | Face, EEG, Peripheral | 85.49/82.93
This work | Face, EEG, Peripheral | 96.82/97.79
mahnob Per-subject experiments
Koelstra et al. [18] | Face, EEG | 74.00/70.00
Huang et al. [12] | Face, EEG | 75.21/75.63
This work | Face, EEG, Peripheral | 99.19/99.22
"""
"""Table 2 as printed, read off the paper once more."""


def run(part, out, *, seed=0, **stores):
    """Return the lines that a small reproduction says."""
    return list(begin(part, out, seed=seed, **stores))


def begin(part, out, *, seed=0, **stores):
    paths = {key: stores.get(key) for key in DATASETS}
    settings = ReproduceSettings(part=part, size="small", seed=seed, systems=("none",))
    return reproduce(out, stores=paths, settings=settings, execution=Execution())


def read_bytes(out):
    """Return what was made, but for what ``evaluate`` wrote."""
    files = [p for p in sorted(out.rglob("*")) if p.is_file()]
    return {
        str(p.relative_to(out)): p.read_bytes()
        for p in files
        if p.relative_to(out).parts[0] != "runs"
    }


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """One subject of DEAP, and one of MAHNOB-HCI who has no video."""
    root = tmp_path_factory.mktemp("stores")
    write_small_store(root / "deap", n_subjects=1, **QUICK)
    write_small_store(
        root / "mahnob", n_subjects=1, dataset="mahnob", streams=WITHOUT_FACE, **QUICK
    )
    return {key: root / key for key in DATASETS}


@pytest.fixture(scope="module")
def made(stores, tmp_path_factory):
    """Everything of the paper, of both stores, and what was said."""
    out = tmp_path_factory.mktemp("paper")
    return out, run("all", out, **stores)


@pytest.fixture(scope="module")
def table(made):
    return pd.read_csv(made[0] / "table2.csv", dtype=str, keep_default_na=False)


def test_beside_published_numbers_stand_split_recipe_folds_and_epochs(made):
    folder, _ = made
    text = (folder / "table2.md").read_text()

    assert "Published (10 folds, of what is not said; 50 epochs)" in text
    assert "`paper` / `paper-pooled` (seconds, shuffled; leaks: trial)" in text
    assert "`trial` (whole trials held out; leaks: none)" in text
    assert "recipe default, but epochs 2; 3 folds; 2 epochs" in text
    page = (folder / "index.html").read_text()
    assert page.count("recipe default, but epochs 2; 3 folds; 2 epochs") == 2
    assert '<span class="what">seconds, shuffled</span>' in page


def test_the_published_numbers_are_those_of_table_2():
    rows, head = [], ()
    for line in PRINTED.strip().splitlines():
        if found := re.fullmatch(r"(\w+) (.*) experiments", line):
            head = found[1], found[2].lower()
            continue
        study, modalities, accuracy = line.split(" | ")
        valence, arousal = map(float, accuracy.split("/"))
        rows.append((*head, study, modalities, valence, arousal))

    listed = [tuple(vars(row).values()) for row in TABLE_2]
    assert listed == rows
    assert len(rows) == 17


def test_table_2_has_the_papers_rows_in_the_papers_order(table):
    papers = table[table["learner"].isin(["", "network"])]

    study = papers["study"].str.removesuffix(", feature-level fusion").tolist()
    assert study == [row.study for row in TABLE_2]
    assert papers["modalities"].tolist() == [row.modalities for row in TABLE_2]
    for target in ("valence", "arousal"):
        printed = [f"{row.of(target):.2f}" for row in TABLE_2]
        assert papers[f"published_{target}"].tolist() == printed


def test_both_fusions_stand_beside_feature_level_fusion(table):
    ours = table[(table["data"] == "DEAP") & (table["experiment"] == "per-subject")]
    fused = ours[ours["learner"].str.startswith("decision-fusion")]

    assert fused["learner"].tolist() == [
        "decision-fusion:adaboost",
        "decision-fusion:adaboost-published",
    ]
    for column in ("paper_valence", "reference_arousal", "trial_balanced_valence"):
        assert fused[column].str.fullmatch(r"\d+\.\d\d").all()


def test_our_numbers_are_the_mean_over_subjects_of_segments_right(made, table):
    predictions = results.read_predictions(
        made[0] / "runs" / "paper-face+bio-deap" / "predictions.csv"
    )
    chosen = predictions[
        (predictions["protocol"] == "reference")
        & (predictions["target"] == "arousal")
        & (predictions["learner"] == "network")
    ]
    right = (chosen["score"] > 0.5) == (chosen["label"] == 1)
    wanted = 100 * right.groupby(chosen["subject"]).mean().mean()

    row = table[
        (table["data"] == "DEAP")
        & (table["experiment"] == "per-subject")
        & (table["learner"] == "network")
    ].iloc[0]
    assert row["reference_arousal"] == f"{wanted:.2f}"


def test_the_stimulus_prior_shows_what_the_published_protocol_gives_away(table):
    row = table[
        (table["data"] == "DEAP")
        & (table["experiment"] == "per-subject")
        & (table["learner"] == "stimulus-prior")
    ].iloc[0]

    assert row["paper_valence"] == "100.00"
    assert float(row["trial_valence"]) < 100


def test_what_a_store_has_not_is_a_dash_with_the_reason(made, table):
    ours = table[table["learner"] == "network"].set_index(["data", "experiment"])
    pooled, alone = (ours.loc["DEAP", f"{name}-subject"] for name in ("inter", "per"))

    assert pooled["subject_valence"] == DASH
    assert "at least 3 subjects, got 1" in pooled["why"]
    assert "trial: a protocol of one subject at a time" in pooled["why"]
    assert "subject: a protocol of all subjects together" in alone["why"]
    silent = ours.loc["MAHNOB-HCI", "per-subject"]
    assert silent["published_valence"] == "99.19"
    assert silent["paper_valence"] == silent["trial_balanced_arousal"] == DASH
    assert "no segment of" in silent["why"]
    assert any("left out: streams: no segment" in line for line in made[1])


def test_a_store_that_was_not_given_is_a_dash(stores, tmp_path):
    run("table2", tmp_path, mahnob=stores["mahnob"])

    table = pd.read_csv(tmp_path / "table2.csv", dtype=str, keep_default_na=False)
    row = table[(table["data"] == "DEAP") & (table["learner"] == "network")].iloc[0]
    assert (row["published_valence"], row["paper_valence"]) == ("95.56", DASH)
    assert "paper: no store of DEAP was given" in row["why"]
    assert f"{DASH} (" in (tmp_path / "table2.md").read_text()


def test_fig_2_has_seven_stream_sets_and_both_fusions(made):
    bars = pd.read_csv(made[0] / "figures" / "fig2-deap.csv")
    whole = bars[(bars["protocol"] == "paper") & (bars["target"] == "valence")]

    feature = whole[whole["learner"] == "network"]
    assert feature["streams"].tolist() == list(STREAM_SETS)
    fused = whole[whole["learner"] == "decision-fusion:adaboost"]
    assert fused["streams"].tolist() == ["face+eeg", "face+peripheral", "face+bio"]
    assert len(whole) == sum(len(sets) for _, _, sets in BLOCKS) == 13
    assert bars["percent"].between(0, 100).all()


def test_fig_2_marks_the_published_numbers_where_the_protocol_is_the_papers(made):
    bars = pd.read_csv(made[0] / "figures" / "fig2-deap.csv")

    marked = bars.dropna(subset="published")
    assert set(marked["protocol"]) == {"paper", "reference"}
    assert set(zip(marked["streams"], marked["learner"], strict=True)) == {
        ("face+bio", "network")
    }
    assert marked.groupby("target")["published"].unique().to_dict() == {
        "arousal": [98.18],
        "valence": [98.56],
    }


def test_fig_2_says_of_every_bar_what_leaks(made):
    bars = pd.read_csv(made[0] / "figures" / "fig2-deap.csv")
    network = bars[bars["learner"] == "network"]

    leaks = network.groupby("protocol")["leaks"].unique().map(list).to_dict()
    assert leaks == {
        "paper": ["trial"],
        "reference": ["trial+epoch"],
        "trial": ["none"],
    }
    drawn = (made[0] / "figures" / "fig2-deap.svg").read_text()
    assert "reference: accuracy of segments; leaks: trial, epoch" in drawn


def test_fig_3_compares_neighbours_with_chance(made):
    files = (made[0] / "figures" / f"fig3-deap-{name}.csv" for name in SHOWN)
    table = pd.concat(map(pd.read_csv, files))

    assert set(table["features"]) == {"face", "bio", "fused"}
    assert set(table["same"]) == {"label", "trial"}
    assert set(table["protocol"]) == {"paper", "trial"}
    drawn = (made[0] / "figures" / "fig3-deap-paper.svg").read_text()
    assert "coloured by trial" in drawn


def test_fig_3_tells_no_share_of_a_few_points(made):
    table = pd.read_csv(made[0] / "figures" / "fig3-deap-paper.csv")
    drawn = (made[0] / "figures" / "fig3-deap-paper.svg").read_text()

    assert set(table["n_segments"]) == {4}
    assert table["percent"].isna().all()
    assert table["why"].str.contains("4 points are too few: a share needs 16").all()
    assert "only 4 points" in drawn
    assert "100 %" not in drawn


@pytest.mark.parametrize("n_points", [LEAST_COUNTED - 1, LEAST_COUNTED])
def test_fig_3_tells_shares_from_sixteen_points_on(stores, n_points):
    given = list(open_stores({"deap": stores["deap"]}, Segmenting()).values())
    shown = plan_features(given, **HOW)[:2]
    rng = np.random.default_rng(0)
    vectors = {kind: rng.normal(size=(n_points, 3)) for kind in KINDS}
    maps = {kind: rng.normal(size=(n_points, 2)) for kind in KINDS}
    group = np.arange(n_points) % 2
    found = Features(vectors, maps, group, group)

    with plotting.house_style():
        drawn = plot_features(shown, {one.file: found for one in shown})

    is_told = n_points >= LEAST_COUNTED
    pure, _ = found.purity["face", "trial"]
    assert (f"same trial {pure:.0f} %" in drawn.svg) == is_told
    assert drawn.numbers["percent"].notna().all() == is_told


def test_fig_3_without_features_says_why(made):
    table = pd.read_csv(made[0] / "figures" / "fig3-mahnob-paper.csv")

    assert table["why"].str.contains("no segment of").all()
    assert (
        "no segment of" in (made[0] / "figures" / "fig3-mahnob-trial.svg").read_text()
    )


def test_the_grid_marks_one_cell_a_target_as_best_on_test_folds(made):
    table = pd.read_csv(made[0] / "figures" / "grid-deap.csv")

    assert len(table) == 2 * len(SIZES["small"].grid) ** 2
    for _, cells in table.groupby("target"):
        best = cells[cells["is_best_on_test"]]
        assert best["paper_percent"].tolist() == [cells["paper_percent"].max()]
    assert "chosen on test folds" in (made[0] / "figures" / "grid-deap.svg").read_text()


def test_the_page_shows_every_part_and_loads_nothing(made):
    page = (made[0] / "index.html").read_text()

    assert all(f'id="{part}"' in page for part in PARTS)
    assert page.count("<svg") == 2 + 4 + 2
    assert "98.56/98.18" in page
    assert "This is <code>--size small</code>" in page
    assert not re.findall(r'(?:src|href)="(?!#)', re.sub(r"<svg.*?</svg>", "", page))


def test_the_estimate_comes_before_anything_is_fitted(stores, tmp_path):
    first = next(begin("table2", tmp_path, deap=stores["deap"]))

    assert re.match(r"estimate: [\d,]+ fits, .* of one process", first)
    assert list(tmp_path.rglob("*.npz")) == []


def test_a_second_call_fits_nothing_and_writes_the_same_bytes(made, stores):
    before = read_bytes(made[0])
    fits = {p: p.stat().st_mtime_ns for p in made[0].rglob("*.npz")}

    lines = run("all", made[0], **stores)

    assert "runs are finished: nothing is left to fit" in lines[0]
    counted = [line for line in lines if "new fits of" in line]
    assert counted
    assert all(": 0 new fits of" in line for line in counted)
    assert {p: p.stat().st_mtime_ns for p in made[0].rglob("*.npz")} == fits
    assert read_bytes(made[0]) == before


def test_parts_share_their_runs(made, stores):
    given = open_stores(stores, Segmenting()).values()
    asked = {part: {p.name for p in plan_runs([part], given, **HOW)} for part in PARTS}

    assert "paper-face+bio-deap" in asked["table2"] & asked["fig2"]
    assert {p.name for p in (made[0] / "runs").iterdir()} <= {
        *set().union(*asked.values()),
        "features-deap",
        "features-mahnob",
    }


HOW = {"size": SIZES["small"], "seed": 0}


def test_an_interrupted_call_goes_on_to_the_same_bytes(stores, tmp_path):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    run("grid", whole, deap=stores["deap"])
    begun = begin("grid", halves, deap=stores["deap"])
    for line in begun:
        if "new fits" in line:
            break
    begun.close()

    lines = run("grid", halves, deap=stores["deap"])

    assert any(re.match(r"grid-paper-deap: 0 new fits", line) for line in lines)
    assert any(re.match(r"grid-trial-deap: [1-9]\d* new fits", line) for line in lines)
    assert read_bytes(halves) == read_bytes(whole)


def test_without_a_store_nothing_can_be_made(tmp_path):
    with pytest.raises(UserError, match="needs a store of DEAP or MAHNOB-HCI"):
        run("all", tmp_path)


def test_a_store_of_the_other_data_set_is_refused(stores, tmp_path):
    sentence = "deap: .*: expected a store of DEAP, got one of mahnob"

    with pytest.raises(UserError, match=sentence):
        run("all", tmp_path, deap=stores["mahnob"])


@pytest.mark.parametrize(
    ("part", "size", "sentence"),
    [
        ("table3", "small", "part: unknown 'table3', did you mean 'table2'"),
        ("all", "tiny", "size: unknown 'tiny'"),
    ],
)
def test_an_unknown_part_or_size_is_refused(part, size, sentence):
    with pytest.raises(UserError, match=sentence):
        ReproduceSettings(part=part, size=size)


def test_another_seed_in_the_same_folder_is_refused(made, stores):
    with pytest.raises(UserError, match="this run was made with other settings"):
        run("grid", made[0], seed=1, deap=stores["deap"])


def test_the_command_refuses_in_one_sentence(stores, tmp_path, capfd):
    status = main(
        ["reproduce", "fig2", "--deap", str(stores["mahnob"]), "--out", str(tmp_path)]
    )

    assert status == 2
    assert capfd.readouterr().err.startswith("deepvanet: --deap: ")


def test_subjects_without_video_are_left_out_as_in_the_paper(tmp_path):
    write_small_store(tmp_path / "deap", n_subjects=3, without_face=["02"], **QUICK)

    given = open_stores({"deap": tmp_path / "deap"}, Segmenting())["deap"]

    assert given.subjects == ("01", "03")


def test_a_store_with_one_class_is_an_obstacle(tmp_path):
    store = write_small_store(tmp_path / "deap", n_subjects=1, **QUICK)
    rewrite_trials(store.path, "01", valence="9.0")
    store = open_store(store.path).cut()
    settings = EvaluateSettings(protocols=("paper",), targets=("valence",), folds=3)

    said = find_obstacle(store, settings)

    assert "valence does not vary" in said


def test_the_head_of_the_network_on_the_features_gives_its_score(tmp_path):
    store = write_small_store(tmp_path / "deap", n_subjects=1, **QUICK)
    rows = take_rows(store)
    fitted = NetworkLearner(NetworkSettings(epochs=1), 0).fit(rows)

    features = encode(fitted, rows, last=True)

    fused = np.concatenate([features["face"], features["bio"]], axis=1)
    assert fused.shape == (len(rows), 16 + 64)
    with torch.inference_mode():
        scores = fitted.last.head(torch.from_numpy(fused)).squeeze(1).sigmoid()
    np.testing.assert_allclose(scores, fitted.score(rows, epoch="last"), atol=1e-6)


def test_saved_features_are_read_as_they_were(made):
    file = next((made[0] / "runs" / "features-deap").glob("*.npz"))

    features = read_features(file)

    fused = features.vectors["fused"]
    np.testing.assert_array_equal(fused[:, :16], features.vectors["face"])
    assert features.maps["fused"].shape == (len(fused), 2)
    assert len(features.label) == len(features.trial) == len(fused)


def test_purity_is_the_share_of_the_nearest_others_of_the_same_group():
    rng = np.random.default_rng(0)
    vectors, group = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    near = []
    for one in range(30):
        distance = ((vectors - vectors[one]) ** 2).sum(axis=1)
        others = [int(i) for i in np.argsort(distance) if i != one][:NEIGHBOURS]
        near.append(np.mean(group[others] == group[one]))
    alike = [(np.sum(group == group[one]) - 1) / 29 for one in range(30)]

    pure, chance = measure_purity(vectors, group)

    assert pure == pytest.approx(100 * np.mean(near))
    assert chance == pytest.approx(100 * np.mean(alike))


def test_trials_that_lie_apart_are_pure():
    trial = np.repeat(np.arange(4), 6)
    vectors = 100.0 * trial[:, None] + np.random.default_rng(0).normal(size=(24, 3))

    pure, chance = measure_purity(vectors, trial)

    assert pure == 100
    assert chance == pytest.approx(100 * 5 / 23)


def test_a_map_is_the_same_every_time_and_keeps_neighbours():
    trial = np.repeat(np.arange(3), 10)
    vectors = np.float32(50 * np.eye(3)[trial])
    vectors += np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)

    first, again = map_vectors(vectors, 0), map_vectors(vectors, 0)

    np.testing.assert_array_equal(first, again)
    assert measure_purity(first, trial)[0] > 90


def test_features_that_are_all_alike_stay_in_one_place():
    places = map_vectors(np.ones((LEAST_SEGMENTS + 1, 3), np.float32), 0)

    assert not places.any()


def test_choices_are_counted_by_fold():
    key = {"protocol": "trial", "streams": "face+bio", "learner": "network", "seed": 0}
    rows = [
        {**key, "target": target, "subject": "1", "fold": fold, "name": n, "value": v}
        for target, fold, face, bio, chosen in (
            ("valence", 0, 16, 64, 1),
            ("valence", 1, 16, 64, 1),
            ("arousal", 0, 64, 16, 1),
            ("arousal", 1, 16, 64, 0),
        )
        for n, v in (
            ("face_features", face),
            ("bio_features", bio),
            ("is_chosen", chosen),
        )
    ]

    counts, n_unchosen = count_choices(pd.DataFrame(rows), (16, 64))

    assert counts["valence"].tolist() == [[0, 2], [0, 0]]
    assert counts["arousal"].tolist() == [[0, 0], [1, 0]]
    assert n_unchosen == 1


def test_a_grid_in_which_no_fold_could_choose_says_so_and_has_no_zeros():
    accuracy = {name: np.full((2, 2), 50.0) for name in ("valence", "arousal", MEAN)}
    chosen = {"valence": np.zeros((2, 2)), "arousal": np.eye(2)}
    nested = {(target, m): Cell(50.0) for target in chosen for m in (SEGMENT, TRIAL)}
    why = {"paper": "", "trial": ""}
    searched = SearchResult("deap", (16, 64), accuracy, chosen, 6, nested, why)

    with plotting.house_style():
        drawn = plot_grid(searched)

    counts = drawn.numbers.groupby("target")["n_folds_chose"]
    assert counts.apply(list)["arousal"] == [1, 0, 0, 1]
    assert (
        drawn.numbers.loc[lambda t: t["target"] == "valence"]["n_folds_chose"]
        .isna()
        .all()
    )
    assert drawn.svg.count("could choose") == 1


def test_the_best_cell_of_equals_is_the_smaller():
    accuracy = {MEAN: np.array([[1.0, 3.0], [3.0, 2.0]])}
    searched = SearchResult("deap", (16, 64), accuracy, {}, 0, {}, {"paper": ""})

    assert searched.find_best(MEAN) == (16, 64)


def test_a_leak_that_the_column_does_not_say_is_noted():
    notes = Notes()
    cells = (Cell(60.0, leaks="trial+unlabelled"), Cell(50.0, leaks="trial"))

    text = spell_cells([cells], notes, declared="trial")

    assert text == "60.00/50.00 (a)"
    assert next(iter(notes.letters)).startswith("leaks unlabelled too")


@pytest.mark.long
def test_the_whole_paper_on_synthetic_recordings(tmp_path):
    for layout in DATASETS:
        size = ["--subjects", "3", "--trials", "6", "--seconds", "2"]
        assert main(["synth", layout, str(tmp_path / layout), *size]) == 0
        store = str(tmp_path / f"{layout}-store")
        face = ["--face", "yunet", "--artefacts", "none"]
        root = str(tmp_path / layout)
        assert main(["prepare", layout, root, "--out", store, *face]) == 0
    given = [f"--{key}={tmp_path / key}-store" for key in DATASETS]

    status = main(
        [
            *("reproduce", "all", "--size", "small", "--systems", "none"),
            *(*given, "--out", str(tmp_path / "out")),
        ]
    )

    assert status == 0
    table = pd.read_csv(tmp_path / "out" / "table2.csv", dtype=str)
    ours = table[table["learner"] == "network"]
    per = ours[ours["experiment"] == "per-subject"]
    assert per["paper_valence"].str.fullmatch(r"\d+\.\d\d").all()
