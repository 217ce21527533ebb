"""Tests of :mod:`deepvanet.audit`: runs of ours, and files of anybody."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from deepvanet.audit import audit
from deepvanet.cli import main
from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation import evaluate, refit_control
from deepvanet.schema import UserError

TWO_JOBS = Execution(jobs=2)


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("audit") / "store"
    return tiny_store(path, n_subjects=3, n_trials=8, n_segments=4, effect=0.0)


@pytest.fixture(scope="module")
def run(store, tmp_path_factory):
    """A run under a protocol that leaks, one that chooses on the test, honest ones."""
    out = tmp_path_factory.mktemp("audit") / "run"
    settings = EvaluateSettings(
        protocols=("paper", "reference", "trial", "subject"),
        targets=("valence",),
        streams=("bio",),
        folds=3,
        network=NetworkSettings(epochs=2, batch_size=16),
    )
    evaluate(store.path, out, settings=settings, execution=TWO_JOBS)
    return out


def find(made, protocol):
    return next(f for f in made.findings if f.protocol == protocol)


def test_a_run_of_the_paper_leaks_and_it_is_said_how_much_that_explains(run):
    found = find(audit(run), "paper")

    assert found.verdict == "leaks"
    assert found.shared["segment"] == 0
    # of four segments in three folds, now and then all are in one
    assert 0.8 < found.shared["trial"] < 1
    assert found.priors["trial"]["balanced_accuracy"] > 0.9
    assert found.epoch_chosen_on == "last"
    assert "% of what was tested is of trials that were trained on" in found.sentence
    alone = found.priors["trial"]["balanced_accuracy"]
    assert f"knowing the trial alone gives {alone:.3f} of the" in found.sentence


def test_a_run_that_chooses_on_the_test_is_told(run):
    found = find(audit(run), "reference")

    assert found.epoch_chosen_on == "test"
    assert "the test rows chose the epoch" in found.sentence


def test_an_honest_run_is_clean_and_what_it_shares_is_said(run):
    trial, subject = (find(audit(run), name) for name in ("trial", "subject"))

    assert (trial.verdict, subject.verdict) == ("clean", "clean")
    assert trial.shared == {"segment": 0, "trial": 0, "subject": 1, "stimulus": 0}
    assert subject.shared == {"segment": 0, "trial": 0, "subject": 0, "stimulus": 1}
    assert re.fullmatch(
        r"trial, valence, bio, network: No trial is on both sides; "
        r"shared are subjects; "
        r"(the score of 0\.\d{3} is not above chance|of 0\.\d{3} the \w+ prior reaches "
        r"0\.\d{3} without a signal|the \w+ prior, .*)\.",
        trial.sentence,
    )
    assert trial.priors["trial"]["balanced_accuracy"] <= 0.5


def test_the_worst_finding_is_the_verdict_and_a_machine_can_read_it(run, tmp_path):
    made = audit(run)

    made.write(tmp_path / "audit.json")

    values = json.loads((tmp_path / "audit.json").read_text())
    assert values["format"] == "deepvanet-audit-1"
    assert values["verdict"] == made.verdict == "leaks"
    assert len(values["findings"]) == 4


def test_shuffled_labels_are_fitted_again_and_judged_by_chance(run, store, tmp_path):
    control = refit_control(run, store.path, tmp_path / "control", execution=TWO_JOBS)

    found = find(audit(run, control=control), "trial")

    bound = 0.5 + 1.645 * np.sqrt(0.25 / 24)
    assert found.control["chance_up_to"] == pytest.approx(bound)
    assert re.search(
        r"shuffled labels it (falls to chance|still scores)", found.sentence
    )


def test_a_control_is_of_the_same_store(run, tiny_store, tmp_path):
    other = tiny_store(tmp_path / "other", n_subjects=1)

    # tiny stores have no input files to tell them apart by, so one gets a record
    record = other.path / "subjects" / "01" / "subject.json"
    record.write_text(json.dumps({"inputs": {"s01.dat": {"sha256": "0"}}}))

    with pytest.raises(UserError, match="was made with another store"):
        refit_control(run, other.path, tmp_path / "control", execution=TWO_JOBS)


def make_files(folder, *, n_subjects=3, n_trials=8, n_segments=5, split="trial"):
    """Write predictions and a table as somebody else might have them."""
    rng = np.random.default_rng(0)
    rows = [
        (f"P{s}", t, f"clip{t}", k)
        for s in range(n_subjects)
        for t in range(n_trials)
        for k in range(n_segments)
    ]
    table = pd.DataFrame(rows, columns=["subject", "trial", "stimulus", "segment"])
    label = rng.integers(0, 2, n_subjects * n_trials).repeat(n_segments)
    units = {
        "trial": table["trial"].to_numpy(),
        "subject": table["subject"].factorize()[0],
        "segment": rng.integers(0, 4, len(table)),
    }
    table["fold"] = units[split] % 4
    score = np.clip(
        0.5 + 0.3 * (label - 0.5) + 0.2 * rng.standard_normal(len(table)), 0, 1
    )
    predictions = table.drop(columns="fold").assign(label=label, score=score)
    folder.mkdir(exist_ok=True)
    for name, held in (("predictions", predictions), ("segments", table)):
        held.to_csv(folder / f"{name}.csv", index=False)
    return folder / "predictions.csv", folder / "segments.csv"


@pytest.mark.parametrize(
    ("split", "verdict", "shared"),
    [
        ("segment", "leaks", {"segment": 0, "trial": 1, "subject": 1, "stimulus": 1}),
        ("trial", "unknown", {"segment": 0, "trial": 0, "subject": 1, "stimulus": 0}),
        ("subject", "unknown", {"segment": 0, "trial": 0, "subject": 0, "stimulus": 1}),
    ],
)
def test_somebody_else_s_folds_are_seen_for_what_they_are(
    tmp_path, split, verdict, shared
):
    predictions, table = make_files(tmp_path / "theirs", split=split)

    made = audit(predictions, table=table)

    assert made.verdict == verdict
    assert made.findings[0].shared == pytest.approx(shared, abs=0.02)
    assert "What chose the epoch is not told." in made.findings[0].sentence


def test_what_chose_the_epoch_is_believed_only_where_the_file_tells(tmp_path):
    predictions, table = make_files(tmp_path / "theirs")
    for told, verdict in (("validation", "clean"), ("test", "leaks")):
        held = pd.read_csv(predictions, dtype=str).assign(epoch_chosen_on=told)
        held.to_csv(predictions, index=False)

        assert audit(predictions, table=table).verdict == verdict


def test_priors_are_refitted_on_the_training_labels_by_hand(tmp_path):
    predictions, table = make_files(tmp_path / "theirs", split="subject")

    found = audit(predictions, table=table).findings[0]

    held = pd.read_csv(predictions)
    scores = []
    for subject, mine in held.groupby("subject"):
        others = held[held["subject"] != subject]
        called = mine["stimulus"].map(others.groupby("stimulus")["label"].mean()) > 0.5
        hits = [(called == v)[mine["label"] == v].mean() for v in (0, 1)]
        scores.append(np.mean(hits))
    assert found.priors["stimulus"]["balanced_accuracy"] == pytest.approx(
        np.mean(scores)
    )


def test_columns_that_are_not_there_are_unknown_and_not_assumed(tmp_path):
    predictions, table = make_files(tmp_path / "theirs")
    for file in (predictions, table):
        held = pd.read_csv(file, dtype=str)
        held[held["segment"] == "0"].drop(columns=["stimulus", "segment"]).to_csv(
            file, index=False
        )

    found = audit(predictions, table=table).findings[0]

    assert found.shared["stimulus"] is None
    assert found.shared["segment"] is None
    assert "stimulus" not in found.priors
    assert "The stimuli are not told" in found.sentence


def test_models_of_one_subject_share_nothing_with_other_subjects(tmp_path):
    predictions, table = make_files(tmp_path / "theirs", split="segment")

    together = audit(predictions, table=table).findings[0]
    alone = audit(predictions, table=table, per_subject=True).findings[0]

    assert together.n_fits == 4
    assert alone.n_fits == 12
    assert together.shared["stimulus"] == 1
    assert alone.shared["trial"] == pytest.approx(1, abs=0.05)


def damage(file, how):
    held = pd.read_csv(file, dtype=str)
    changed = {
        "no label": lambda: held.rename(columns={"label": "Label"}),
        "labels of words": lambda: held.assign(label="high"),
        "scores of 100": lambda: held.assign(score="99.1"),
        "a row twice": lambda: pd.concat([held, held[:1]]),
        "no rows": lambda: held[:0],
        "another trial": lambda: held.assign(trial="99"),
        "no fold": lambda: held.drop(columns="fold"),
    }[how]()
    changed.to_csv(file, index=False)


@pytest.mark.parametrize(
    ("which", "how", "message"),
    [
        (0, "no label", "column label is missing, expected subject, trial, label"),
        (0, "no label", "is label what is meant by label?"),
        (0, "labels of words", "column label: expected 0 or 1, got 'high'"),
        (0, "scores of 100", "expected a probability from 0 to 1, got '99.1'"),
        (0, "a row twice", "is in the predictions more than once"),
        (0, "no rows", "holds no row"),
        (0, "another trial", "is in the predictions more than once"),
        (1, "another trial", "is in the table more than once"),
        (1, "no fold", "column fold is missing (the fold in which a row tests)"),
    ],
)
def test_files_of_another_shape_end_in_a_sentence(tmp_path, which, how, message):
    files = make_files(tmp_path / "theirs")
    damage(files[which], how)

    with pytest.raises(UserError, match=re.escape(message)):
        audit(files[0], table=files[1])


def test_rows_that_no_fold_knows_are_told(tmp_path):
    predictions, table = make_files(tmp_path / "theirs")
    held = pd.read_csv(table, dtype=str)
    held[held["trial"] != "3"].to_csv(table, index=False)

    with pytest.raises(UserError, match="trial 3, segment 0 was predicted but is not"):
        audit(predictions, table=table)


def test_the_command_says_a_verdict_or_a_sentence(tmp_path, capsys):
    predictions, table = make_files(tmp_path / "theirs", split="segment")
    out = tmp_path / "audit.json"
    (tmp_path / "noise").write_bytes(b"\xff\xfe\x00\x01" * 40)

    good = main(["audit", str(predictions), "--table", str(table), "--out", str(out)])
    said = capsys.readouterr().out
    alone = main(["audit", str(predictions)])
    told = capsys.readouterr().err
    noise = main(["audit", str(tmp_path / "noise"), "--table", str(table)])

    assert (good, alone, noise) == (0, 2, 2)
    assert said.splitlines()[0].endswith("predictions.csv: leaks")
    assert json.loads(out.read_text())["verdict"] == "leaks"
    assert "name the table of rows and folds with --table" in told
    assert "cannot be read as a table" in capsys.readouterr().err


def test_the_command_fits_a_control_beside_its_file(run, store, tmp_path, capsys):
    out = tmp_path / "audit.json"

    assert main(["audit", str(run), "--store", str(store.path), "--out", str(out)]) == 0

    assert "shuffled labels" in capsys.readouterr().out
    assert (tmp_path / "control" / "predictions.csv").is_file()
