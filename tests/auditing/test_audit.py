"""Tests of :mod:`deepvanet.auditing`: runs of ours, files of others, and forgeries."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

import audited_files
from deepvanet import results
from deepvanet.auditing import audit
from deepvanet.auditing.looks import COUNTED
from deepvanet.auditing.priors import name_own_prior
from deepvanet.cli import main
from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation import evaluate, refit_control
from deepvanet.protocols import PROTOCOLS
from deepvanet.schema import UserError
from fake_run import write_run

OPEN = "Cannot be seen from these files: "


def write_files(folder, predictions, table):
    folder.mkdir(exist_ok=True)
    files = folder / "predictions.csv", folder / "segments.csv"
    for file, held in zip(files, (predictions, table), strict=True):
        held.to_csv(file, index=False)
    return files


def judge(folder, predictions, table, **options):
    """Audit files of one part; return the audit and its finding."""
    files = write_files(folder, predictions, table)
    made = audit(files[0], table=files[1], **options)
    (finding,) = made.findings
    return made, finding


def find_look(finding, name):
    (look,) = (look for look in finding.looks if look.name.startswith(name))
    return look


# forgeries and honest files


@pytest.mark.slow
@pytest.mark.parametrize("make", audited_files.HONEST, ids=lambda f: f.__name__)
def test_an_honest_file_leaks_nothing(tmp_path, make):
    made, finding = judge(tmp_path, *make())

    assert made.verdict.startswith(("no leak seen in: ", "explained without signals"))
    assert not any(look.leak or look.doubt for look in finding.looks)


LEAKS = {
    audited_files.copy_trials_before_the_split: "the other stimuli have one trial",
    audited_files.copy_every_trial: "two subjects agree on a stimulus in 66% only",
    audited_files.name_pieces_as_trials: "pieces of one recording are named as trials",
    audited_files.overlap_windows: "of the tested rows overlap in time",
    audited_files.rename_subjects_by_case: "subjects 'P0' and 'p0 ' are one subject",
    audited_files.choose_the_epoch_on_the_test: "in 9 of 10 folds the epoch is the one",
    audited_files.score_by_the_labels: "the scores are the labels: 0.05 and 0.95",
    audited_files.list_rows_twice: "384 rows are there twice, and on both sides",
    audited_files.recognise_the_person: "each subject has one label over all",
}


@pytest.mark.slow
@pytest.mark.parametrize("make", audited_files.LEAKING, ids=lambda f: f.__name__)
def test_a_forgery_leaks_and_it_is_said_why(tmp_path, make):
    made, finding = judge(tmp_path, *make())

    assert made.verdict == finding.verdict == "leaks"
    assert LEAKS[make] in finding.sentence
    assert "This score leaks: " in finding.sentence


@pytest.mark.parametrize("make", audited_files.EXPLAINED, ids=lambda f: f.__name__)
def test_a_clip_that_was_recognised_explains_a_score(tmp_path, make):
    made, finding = judge(tmp_path, *make())

    assert made.verdict == "explained without signals"
    own = {"recognise_the_clip": "repeat-prior"}.get(make.__name__, "stimulus-prior")
    assert finding.own_prior == own
    assert f"The {own}, which knows only" in finding.sentence


@pytest.mark.parametrize("make", audited_files.UNSEEN, ids=lambda f: f.__name__)
def test_what_cannot_be_seen_is_listed_and_not_called_clean(tmp_path, make):
    made, _ = judge(tmp_path, *make())

    named = {
        "tune_the_threshold": "a threshold, a size or a learner that was tuned on the",
        "name_one_person_twice": "one person, or one trial, under two names",
    }
    assert made.verdict != "leaks"
    assert made.lines()[-1].startswith(OPEN)
    assert named[make.__name__] in made.lines()[-1]
    assert not re.search(r"\bclean\b", " ".join(made.lines()[1:]))


def test_of_ten_forgeries_seven_at_least_are_seen():
    seen = len(audited_files.LEAKING) + len(audited_files.EXPLAINED)

    assert seen / (seen + len(audited_files.UNSEEN)) >= 0.7
    assert seen >= 7
    assert len(audited_files.HONEST) >= 5
    assert set(LEAKS) == set(audited_files.LEAKING)


# what was looked at


def test_the_verdict_lists_the_looks_and_a_look_that_was_not_made_is_missing(tmp_path):
    predictions, table = audited_files.hold_out_trials()
    bare = table.drop(columns="stimulus")

    made, finding = judge(tmp_path, predictions, bare)

    assert made.verdict == finding.verdict
    assert made.verdict == (
        "no leak seen in: shared trials, labels in training, labels of people, names "
        "that differ by blanks or case, duplicated rows, scores equal to labels, "
        "copied columns of scores, priors"
    )
    assert finding.shared["stimulus"] is None
    assert "stimulus-prior" not in finding.priors
    assert made.lines()[-1].endswith(
        "pieces of one recording (no column recording); overlap in time (no column "
        "start_s or duration_s); trials of one clip (no column stimulus); what chose "
        "the epoch (no column epoch_chosen_on)."
    )


def test_the_sentence_names_metric_level_and_over_whom(tmp_path):
    predictions, table = audited_files.hold_out_trials()

    _, finding = judge(tmp_path, predictions, table)

    trials = predictions.groupby(["subject", "trial"]).agg(
        label=("label", "first"), score=("score", "mean")
    )
    held = table.drop_duplicates(["subject", "trial"]).set_index(["subject", "trial"])
    trials = trials.assign(fold=held["fold"], called=trials["score"] > 0.5)
    segments = predictions.assign(called=predictions["score"] > 0.5)
    by_trial, by_segment = (
        np.mean(
            [
                balanced_accuracy_score(mine["label"], mine["called"])
                for _, mine in rows.groupby("subject")
            ]
        )
        for rows in (trials, segments)
    )
    assert finding.scores["trial"]["balanced_accuracy"] == pytest.approx(by_trial)
    assert finding.scores["segment"]["balanced_accuracy"] == pytest.approx(by_segment)
    assert finding.sentence.startswith(
        f"Balanced accuracy {by_trial:.3f} over trials ({by_segment:.3f} over "
        "segments), AUROC "
    )
    assert ", mean over 8 subjects." in finding.sentence


def test_people_with_one_label_each_are_scored_as_people(tmp_path):
    predictions, table = audited_files.hold_out_subjects_of_two_groups()

    _, finding = judge(tmp_path, predictions, table)

    trials = predictions.groupby(["subject", "trial"])[["label", "score"]].mean()
    people = trials.groupby("subject").mean()
    by_hand = balanced_accuracy_score(people["label"], people["score"] > 0.5)
    assert finding.level == "person"
    assert finding.scores == {
        "person": {
            "balanced_accuracy": pytest.approx(by_hand),
            "auroc": pytest.approx(
                roc_auc_score(people["label"], people["score"]), abs=0.1
            ),
        }
    }
    assert ", of 30 people." in finding.sentence


def test_subjects_alone_with_one_label_each_cannot_be_scored(tmp_path):
    """Within one label everywhere nothing is defined, and NaN passes no comparison."""
    predictions, table = audited_files.hold_out_trials()

    made, finding = judge(tmp_path, predictions.assign(label=1), table)

    assert made.verdict == "cannot be judged"
    assert "none of 8 subjects has both labels" in finding.sentence
    assert np.isnan(finding.explained)


def test_nothing_can_be_learnt_from_one_label(tmp_path):
    predictions, table = audited_files.hold_out_trials()
    by_label = table.assign(fold=predictions["label"])

    made, finding = judge(tmp_path, predictions, by_label)

    assert made.verdict == "cannot be judged"
    assert "no fold trains on rows of both labels" in finding.sentence


# priors


def test_the_prior_is_that_of_what_is_shared_and_not_the_best_one(tmp_path):
    """Where clips tell more than people, a score that shares people alone keeps it."""
    rows = audited_files.make_rows(clip=1.0)
    split = {
        "subject-prior": ["stimulus"],
        "stimulus-prior": ["subject"],
        "additive-prior": ["subject", "trial"],
    }
    for name, unit in split.items():
        rows["fold"] = audited_files.deal(rows, unit, n_folds=4)
        held = rows.assign(score=audited_files.guess(rows, 0.9))

        _, finding = judge(tmp_path, *audited_files.divide(held))

        assert finding.own_prior == name


def test_a_prior_below_chance_explains_nothing(tmp_path):
    """Balanced folds push what a subject's mean says to the wrong side."""
    rows = audited_files.make_rows(n_trials=20)
    number = rows.groupby(["subject", "label"])["trial"].transform(
        lambda trial: trial.factorize()[0]
    )
    rows["fold"] = number % 5
    held = rows.assign(score=audited_files.guess(rows, 0.9)).drop(columns="stimulus")

    made, finding = judge(tmp_path, *audited_files.divide(held))

    assert made.verdict.startswith("no leak seen in: ")
    assert finding.priors["subject-prior"]["trial"]["balanced_accuracy"] <= 0.5
    assert "which knows only the subject, has 0.500 and explains nothing" in (
        finding.sentence
    )
    assert finding.explained == 0


def test_priors_are_refitted_on_the_training_labels_by_hand(tmp_path):
    predictions, table = audited_files.recognise_the_clip_in_new_subjects()

    _, finding = judge(tmp_path, predictions, table)

    held = predictions.assign(stimulus=table["stimulus"], fold=table["fold"])
    scores = []
    for fold in range(4):
        train, test = held[held["fold"] != fold], held[held["fold"] == fold]
        called = test["stimulus"].map(train.groupby("stimulus")["label"].mean()) > 0.5
        for _, mine in test.assign(called=called).groupby("subject"):
            scores.append(balanced_accuracy_score(mine["label"], mine["called"]))
    by_hand = finding.priors["stimulus-prior"]["segment"]["balanced_accuracy"]
    assert by_hand == pytest.approx(np.mean(scores))


# times and names


def test_pieces_of_a_recording_are_known_by_their_label_where_no_time_is_told(tmp_path):
    predictions, table = audited_files.name_pieces_as_trials()
    minute = table["trial"].str.partition("-")[0]
    bare = table.drop(columns=["start_s", "duration_s"]).assign(recording=minute)

    made, finding = judge(tmp_path, predictions, bare)

    assert made.verdict == "leaks"
    assert "all trials of a recording have one label" in finding.sentence


def test_times_count_from_the_recording_where_there_is_one(tmp_path):
    """Two trials of one recording at the same second are one; of two, they are not."""
    rows = audited_files.make_rows(n_segments=1).drop(columns="stimulus")
    rows["fold"] = audited_files.deal(rows, ["subject", "trial"])
    rows = rows.assign(score=audited_files.guess(rows, 0.9), duration_s=8.0)
    number = rows["trial"].str[1:].astype(int)
    of_half = 60.0 * (number % 12)
    half = (number >= 12).map({False: "one", True: "two"})
    apart = rows.assign(start_s=of_half, recording=half)
    copied = rows.assign(start_s=of_half, recording="one")

    honest, _ = judge(tmp_path, *audited_files.divide(apart))
    made, finding = judge(tmp_path, *audited_files.divide(copied))

    assert "times" in honest.verdict
    assert made.verdict == "leaks"
    assert "start_s was taken from the start of the recording" in finding.sentence


def test_rows_that_only_touch_do_not_overlap(tmp_path):
    """Starts of three digits; the same trials, one sample longer, do overlap."""
    rows = audited_files.make_rows(n_segments=1).drop(columns="stimulus")
    rows["fold"] = audited_files.deal(rows, ["subject", "trial"])
    number = rows["trial"].str[1:].astype(int)
    rows = rows.assign(
        score=audited_files.guess(rows, 0.9),
        start_s=(number * 8.0 / 3).round(3),
        duration_s=round(8.0 / 3, 3),
        label=number % 2,
    )

    touching, _ = judge(tmp_path, *audited_files.divide(rows))
    made, _ = judge(tmp_path, *audited_files.divide(rows.assign(duration_s=2.7)))

    assert "times" in touching.verdict
    assert made.verdict == "leaks"


def test_trials_are_one_where_their_names_differ_by_a_blank(tmp_path):
    predictions, table = audited_files.hold_out_trials()
    for held in (predictions, table):
        held["trial"] = held["trial"].where(
            held["segment"] > 0, held["trial"].str.replace("T", "t ")
        )
    number = table.groupby(["subject", "trial"]).ngroup()
    table["fold"] = number % 5

    made, finding = judge(tmp_path, predictions, table)

    assert made.verdict == "leaks"
    assert "are one trial, but stand on both sides as two" in finding.sentence


# copies


def test_a_trial_with_the_scores_of_another_one_is_its_copy(tmp_path):
    predictions, table = audited_files.hold_out_trials()
    score = predictions["score"].to_numpy(copy=True)
    pairs = [(n, n + 4) for n in range(0, 40, 8)]
    for one, other in pairs:
        score[other : other + 4] = score[one : one + 4]
    same_side = table.assign(fold=np.arange(len(table)) // 8 % 5)
    copied = predictions.assign(score=score)

    apart, finding = judge(tmp_path, copied, table)
    together, doubted = judge(tmp_path, copied, same_side)

    assert apart.verdict == "leaks"
    assert "5 trials have, row by row, the scores of another one" in finding.sentence
    assert together.verdict == "cannot be judged"
    assert "they are copies and count twice" in doubted.sentence


def test_a_column_of_scores_that_is_another_one_s_is_told(tmp_path):
    """The honest protocol's scores are those of the one that leaks."""
    rows = audited_files.make_rows()
    score = audited_files.guess(rows, 1.5)
    parts = []
    for protocol, unit in (("mixed", ["segment", "trial"]), ("held", ["trial"])):
        fold = audited_files.deal(rows, ["subject", *unit])
        parts.append(rows.assign(fold=fold, score=score, protocol=protocol))
    held = pd.concat(parts, ignore_index=True)
    predictions = held.drop(columns=["fold", "stimulus"])
    files = write_files(tmp_path, predictions, held.drop(columns=["score", "label"]))

    made = audit(files[0], table=files[1])

    verdicts = {f.protocol: f.verdict for f in made.findings}
    assert verdicts == {"mixed": "leaks", "held": "leaks"}
    assert "to the last digit, those of mixed, which leaks" in made.findings[1].sentence


@pytest.mark.parametrize(
    ("column", "verdict", "says"),
    [
        ("seed", "no leak seen in: ", "as seeds the two count once"),
        ("learner", "cannot be judged", "to the last digit, those of one."),
    ],
)
def test_equal_columns_of_equal_folds_are_seeds_that_count_once_or_no_learners(
    tmp_path, column, verdict, says
):
    predictions, table = audited_files.hold_out_trials()
    both = [predictions.assign(**{column: name}) for name in ("one", "two")]

    made = audit(
        write_files(tmp_path, pd.concat(both), table)[0],
        table=tmp_path / "segments.csv",
    )

    assert all(f.verdict.startswith(verdict) for f in made.findings)
    assert says.replace("one", "one") in made.findings[1].sentence


# what chose the epoch


def test_epochs_that_meet_by_chance_accuse_no_validation(tmp_path):
    """All folds are best between 9 and 12, so that they often meet."""
    predictions, table = audited_files.hold_out_trials()
    rng = np.random.default_rng(4)
    for name in audited_files.EPOCHS:
        predictions[name] = rng.integers(9, 13, 5)[table["fold"]]
    predictions["epoch_chosen_on"] = "validation"

    made, finding = judge(tmp_path, predictions, table)

    assert made.verdict.startswith("no leak seen in: ")
    assert find_look(finding, "choice of epoch").name == "choice of epoch"


def test_what_chose_the_epoch_is_believed_where_it_speaks_against_a_file(tmp_path):
    predictions, table = audited_files.hold_out_trials()
    verdicts = {
        told: judge(tmp_path, predictions.assign(epoch_chosen_on=told), table)[
            0
        ].verdict
        for told in ("validation", "last", "test")
    }

    assert "choice of epoch (as stated)" in verdicts["validation"]
    assert "choice of epoch (as stated)" in verdicts["last"]
    assert verdicts["test"] == "leaks"


def spell(table, *, validates):
    """Write folds as letters, R, W and E."""
    letters = [
        "".join(
            "E"
            if fold == mine
            else "W"
            if validates and fold == (mine + 1) % 5
            else "R"
            for fold in range(5)
        )
        for mine in table["fold"]
    ]
    return table.drop(columns="fold").assign(folds=letters)


def test_protocols_of_one_file_may_have_unlike_numbers_of_folds(tmp_path):
    predictions, table = audited_files.hold_out_trials()
    five = spell(table, validates=True).assign(protocol="five")
    two = five.assign(
        protocol="two", folds=(table["fold"] > 2).map({True: "RE", False: "ER"})
    )
    both = [predictions.assign(protocol=name) for name in ("five", "two")]
    files = write_files(tmp_path, pd.concat(both), pd.concat([five, two]))

    made = audit(files[0], table=files[1])

    assert [finding.n_fits for finding in made.findings] == [5, 2]


def test_validation_that_no_row_took_part_in_cannot_be_judged(tmp_path):
    predictions, table = audited_files.hold_out_trials()
    predictions["epoch_chosen_on"] = "validation"

    good, _ = judge(tmp_path, predictions, spell(table, validates=True))
    made, finding = judge(tmp_path, predictions, spell(table, validates=False))

    assert good.verdict.startswith("no leak seen in: ")
    assert made.verdict == "cannot be judged"
    assert "but no row validated" in finding.sentence


def test_rows_that_validated_and_then_trained_were_seen(tmp_path):
    predictions, table = audited_files.hold_out_trials()
    letters = spell(table, validates=True)
    letters["folds"] = letters["folds"].where(
        letters["segment"] > 0, letters["folds"].str.replace("E", "W")
    )
    tested = letters["folds"].str.contains("E")

    made, finding = judge(tmp_path, predictions[tested], letters)

    assert made.verdict == "leaks"
    assert finding.shared["trial"] == 1


# files of another shape


def damage(file, how):
    held = pd.read_csv(file, dtype=str)
    changed = {
        "no label": lambda: held.rename(columns={"label": "Label"}),
        "labels of words": lambda: held.assign(label="high"),
        "no number": lambda: held.assign(score=""),
        "scores of 100": lambda: held.assign(score="99.1"),
        "a row twice": lambda: pd.concat([held, held[:1]]),
        "no rows": lambda: held[:0],
        "another trial": lambda: held.assign(trial="99"),
        "no fold": lambda: held.drop(columns="fold"),
        "blank folds": lambda: held.assign(fold=""),
        "one fold": lambda: held.assign(fold="0"),
        "ragged folds": lambda: held.assign(
            folds=["RE", "R", *["ER"] * (len(held) - 2)]
        ),
        "odd letters": lambda: held.assign(folds="RX"),
        "folds that never test": lambda: held.assign(folds="RV"),
        "folds that never train": lambda: held.assign(folds="E-"),
        "other labels": lambda: held.assign(label="1"),
        "labels that are none": lambda: held.assign(label="yes"),
        "a start of words": lambda: held.assign(start_s="early", duration_s="1"),
        "no duration": lambda: held.assign(start_s="0", duration_s="0"),
    }[how]()
    changed.to_csv(file, index=False)


@pytest.mark.parametrize(
    ("which", "how", "message"),
    [
        (0, "no label", "column label is missing, expected subject, trial, label"),
        (0, "no label", "is label what is meant by label?"),
        (0, "labels of words", "column label: expected 0 or 1, got 'high'"),
        (0, "no number", "column score: expected a probability from 0 to 1, got ''"),
        (0, "scores of 100", "expected a probability from 0 to 1, got '99.1'"),
        (0, "a row twice", "is in the predictions more than once"),
        (0, "no rows", "holds no row"),
        (0, "another trial", "is in the predictions more than once"),
        (1, "another trial", "is in the table more than once"),
        (1, "a row twice", "is in the table more than once"),
        (1, "no fold", "column fold is missing (the fold in which a row tests)"),
        (1, "blank folds", "segments.csv: no row tests in any fold"),
        (1, "one fold", "no row trains in a fold that tests"),
        (
            1,
            "ragged folds",
            "segment 1: column folds: expected a letter for each of 2 folds, got 'R'",
        ),
        (1, "odd letters", "expected letters of R, V, W, E, -, got 'RX'"),
        (1, "folds that never test", "no row tests in any fold"),
        (1, "folds that never train", "no row trains in a fold that tests"),
        (1, "other labels", "in the table of rows and folds"),
        (
            1,
            "labels that are none",
            "column label: expected 0, 1 or nothing, got 'yes'",
        ),
        (1, "a start of words", "column start_s: expected seconds, got 'early'"),
        (1, "no duration", "column duration_s: expected seconds, got '0'"),
    ],
)
def test_files_of_another_shape_end_in_a_sentence(tmp_path, which, how, message):
    files = write_files(tmp_path, *audited_files.hold_out_trials())
    damage(files[which], how)

    with pytest.raises(UserError, match=re.escape(message)):
        audit(files[0], table=files[1])


def test_a_table_may_hold_labels_and_scores_of_its_own(tmp_path):
    """Labels of rows that train only are known from there; a score is not read."""
    predictions, table = audited_files.hold_out_subjects_at_chance()
    told = table.assign(label=predictions["label"], score="-")
    always = told["subject"] == "P7"
    told["fold"] = told["fold"].astype(str).where(~always, "")

    _, finding = judge(tmp_path, predictions[~always], told)
    _, unknown = judge(tmp_path, predictions[~always], told.drop(columns="label"))

    assert finding.n_subjects == 7
    assert finding.priors["stimulus-prior"] != unknown.priors["stimulus-prior"]


def test_a_cross_validation_that_was_repeated_needs_its_seeds(tmp_path):
    predictions, table = audited_files.hold_out_trials()
    again = predictions.assign(score=predictions["score"] * 0.9)
    both = pd.concat([predictions, again]), pd.concat([table, table])
    files = write_files(tmp_path, *both)

    with pytest.raises(UserError, match="as all rows are; a cross-validation that was"):
        audit(files[0], table=files[1])

    seeds = [held.assign(seed=np.repeat([0, 1], len(table))) for held in both]
    files = write_files(tmp_path, *seeds)
    made = audit(files[0], table=files[1])
    assert [finding.seed for finding in made.findings] == ["0", "1"]
    assert all("seed" in finding.sentence for finding in made.findings)


def test_rows_that_no_fold_knows_are_told(tmp_path):
    predictions, table = audited_files.hold_out_trials()
    lacking = table[table["trial"] != "T3"]
    idle = table.assign(
        fold=table["fold"].astype(str).where(table["trial"] != "T3", "")
    )

    for held, says in (
        (lacking, "was predicted but is not"),
        (idle, "tests in no fold"),
    ):
        files = write_files(tmp_path, predictions, held)
        with pytest.raises(
            UserError, match=f"trial T3, segment 0 was predicted|{says}"
        ):
            audit(files[0], table=files[1])


def test_tested_rows_without_a_score_are_counted(tmp_path):
    predictions, table = audited_files.hold_out_trials()

    _, finding = judge(tmp_path, predictions[predictions["trial"] != "T3"], table)

    assert finding.n_unscored == 32
    assert "32 rows that test have no score." in finding.sentence


def test_models_of_one_subject_share_nothing_with_other_subjects(tmp_path):
    predictions, table = audited_files.hold_out_trials()

    _, together = judge(tmp_path, predictions, table)
    _, alone = judge(tmp_path, predictions, table, per_subject=True)

    assert (together.n_fits, alone.n_fits) == (5, 40)
    assert (together.shared["stimulus"], alone.shared["stimulus"]) == (1, 0)
    assert (together.own_prior, alone.own_prior) == ("additive-prior", "subject-prior")


def test_the_command_says_a_verdict_or_a_sentence(tmp_path, capsys):
    predictions, table = write_files(tmp_path, *audited_files.list_rows_twice())
    out = tmp_path / "audit.json"
    (tmp_path / "noise").write_bytes(b"\xff\xfe\x00\x01" * 40)

    good = main(["audit", str(predictions), "--table", str(table), "--out", str(out)])
    said = capsys.readouterr().out.splitlines()
    alone = main(["audit", str(predictions)])
    told = capsys.readouterr().err
    noise = main(["audit", str(tmp_path / "noise"), "--table", str(table)])

    assert (good, alone, noise) == (0, 2, 2)
    assert said[0].endswith("predictions.csv: leaks")
    assert said[-2].startswith("Looked at: shared trials, ")
    assert said[-1].startswith(OPEN)
    values = json.loads(out.read_text())
    assert values["format"] == "deepvanet-audit-2"
    assert values["verdict"] == values["findings"][0]["verdict"] == "leaks"
    assert "a threshold, a size" in values["unseen"][0]
    assert "name the table of rows and folds too" in told
    assert "cannot be read as a table" in capsys.readouterr().err


# runs of ours


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
    evaluate(store.path, out, settings=settings, execution=Execution())
    return out


@pytest.fixture(scope="module")
def seeds(store, tmp_path_factory):
    """A run of two seeds under an honest protocol, of one subject."""
    out = tmp_path_factory.mktemp("audit") / "seeds"
    settings = EvaluateSettings(
        protocols=("trial",),
        targets=("valence",),
        streams=("peripheral",),
        folds=3,
        seeds=(0, 1),
        subjects=("01", "02"),
        network=NetworkSettings(epochs=1, batch_size=16),
    )
    evaluate(store.path, out, settings=settings, execution=Execution())
    return out


@pytest.fixture(scope="module")
def audited(run):
    """What is seen of that run."""
    return audit(run)


def find(made, protocol):
    return next(f for f in made.findings if f.protocol == protocol)


def test_a_run_of_the_paper_leaks_and_it_is_said_how_much_that_explains(audited):
    found = find(audited, "paper")

    assert found.verdict == "leaks"
    assert found.shared["segment"] == 0
    # of four segments in three folds, now and then all are in one
    assert 0.8 < found.shared["trial"] < 1
    assert found.own_prior == "trial-prior"
    alone = found.priors["trial-prior"]["trial"]["balanced_accuracy"]
    assert alone > 0.9
    assert found.epoch_chosen_on == "last"
    assert "of the tested rows are of trials that were trained on" in found.sentence


def test_a_run_that_chooses_on_the_test_is_told(audited):
    found = find(audited, "reference")

    assert found.epoch_chosen_on == "test"
    assert "the test rows chose the epoch" in found.sentence


def test_no_leak_is_seen_in_an_honest_run_and_what_it_shares_is_said(audited):
    trial, subject = (find(audited, name) for name in ("trial", "subject"))

    for finding in (trial, subject):
        assert finding.verdict.startswith("no leak seen in: shared trials, ")
    assert trial.shared == {
        "segment": 0,
        "trial": 0,
        "session": None,
        "subject": 1,
        "stimulus": 0,
        "repeat": 0,
    }
    assert subject.shared == {
        "segment": 0,
        "trial": 0,
        "session": None,
        "subject": 0,
        "stimulus": 1,
        "repeat": 0,
    }
    assert trial.own_prior == "subject-prior"
    assert subject.own_prior == "stimulus-prior"
    assert trial.sentence.startswith("trial, valence, bio, network, seed 0: Balanced")
    assert "No leak was seen where it was looked." in trial.sentence
    assert "Training and test share subjects." in trial.sentence


def test_the_worst_finding_is_the_verdict(audited):
    assert audited.verdict == "leaks"
    assert len(audited.findings) == 4


@pytest.fixture(scope="module")
def control(seeds, store, tmp_path_factory):
    """The run of two seeds on shuffled labels."""
    out = tmp_path_factory.mktemp("audit") / "control"
    return refit_control(seeds, store.path, out, execution=Execution())


def test_shuffled_labels_are_fitted_again_and_judged_by_chance_seed_by_seed(
    seeds, control
):
    made = audit(seeds, control=control)

    first, second = made.findings
    assert (first.seed, second.seed) == ("0", "1")
    # four trials of each label, two subjects
    bound = 0.5 + 3.09 * np.sqrt(2 * (0.25 / 4 + 0.25 / 4) / 4) / 2
    assert first.control["chance_up_to"] == pytest.approx(bound)
    assert "on shuffled labels it scores" in first.sentence.replace("F", "f")
    assert "shuffled labels" in made.looked_at


def test_a_control_that_scores_on_shuffled_labels_leaks(seeds, tmp_path):
    """A control whose scores are its labels, of one seed: that seed alone leaks."""
    control = tmp_path / "control"
    shutil.copytree(seeds, control)
    held = results.read_predictions(control / "predictions.csv")
    held["score"] = held["score"].where(held["seed"] == 1, held["label"])
    results.write_predictions(control / "predictions.csv", held)

    first, second = audit(seeds, control=control).findings

    assert first.verdict == "leaks"
    assert "fitted again on shuffled labels it scores 1.000" in first.sentence
    assert second.verdict != "leaks"


def test_a_control_is_of_the_same_store(run, tiny_store, tmp_path):
    other = tiny_store(tmp_path / "other", n_subjects=1)

    # tiny stores have no input files to tell them apart by, so one gets a record
    record = other.path / "subjects" / "01" / "subject.json"
    record.write_text(json.dumps({"inputs": {"s01.dat": {"sha256": "0"}}}))

    with pytest.raises(UserError, match="is of another store"):
        refit_control(run, other.path, tmp_path / "control", execution=Execution())


def test_the_command_completes_a_control_beside_its_file(
    seeds, store, control, tmp_path, capsys
):
    out = tmp_path / "audit.json"
    shutil.copytree(control, tmp_path / "control")
    (tmp_path / "control" / "predictions.csv").unlink()

    assert (
        main(["audit", str(seeds), "--store", str(store.path), "--out", str(out)]) == 0
    )

    assert "shuffled labels" in capsys.readouterr().out
    assert (tmp_path / "control" / "predictions.csv").is_file()


def write_fake_run(path, **options):
    """Write a run under ``trial`` whose scores are sampled, and its segments."""
    write_run(
        path,
        protocol_names=("trial",),
        targets=("valence",),
        streams=("bio",),
        **options,
    )
    held = results.read_predictions(path / "predictions.csv")
    rows = held[held["learner"] == "network"]
    n_folds = rows["fold"].max() + 1
    letters = {
        fold: "".join(
            "E" if k == fold else "W" if k == (fold + 1) % n_folds else "R"
            for k in range(n_folds)
        )
        for fold in range(n_folds)
    }
    segments = rows.assign(folds=rows["fold"].map(letters))
    results.write_table(path / "segments.csv", [segments], results.SEGMENT_COLUMNS)
    return path


def test_a_run_is_believed_where_it_admits_a_leak(tmp_path):
    """Whatever is unmixed over training and test is known to the run alone."""
    path = write_fake_run(tmp_path / "run", unmixed_whole=True)

    (finding,) = audit(path).findings

    assert finding.verdict == "leaks"
    assert "the run says that test signals, without their labels" in finding.sentence


@pytest.mark.slow
@pytest.mark.parametrize("how", ["honest", "same rows", "fitted again"])
def test_a_run_whose_watched_rows_were_the_test_s_is_found_by_its_losses(tmp_path, how):
    path = write_fake_run(tmp_path / "run", n_trials=40)
    run = results.open_run(path)
    history = run.history
    keys = ["subject", "fold"]
    chosen = history["chosen"] == 1
    mine = run.predictions[run.predictions["learner"] == "network"]
    right = mine["score"].where(mine["label"] == 1, 1 - mine["score"])
    loss = (-np.log(right)).groupby([mine["subject"], mine["fold"]]).mean()
    of_test = loss.loc[pd.MultiIndex.from_frame(history[keys])].to_numpy()
    noise = np.random.default_rng(0).normal(0, 0.2 * loss.std(), len(history))
    if how != "honest":
        history["watched_loss"] = of_test + (noise if how == "fitted again" else 0)
    results.write_table(path / "history.csv", [history], results.HISTORY_COLUMNS)

    (finding,) = audit(path).findings

    assert chosen.any()
    assert (finding.verdict == "leaks") is (how != "honest")
    says = {
        "honest": "No leak was seen",
        "same rows": "the loss that chose the epoch is, to five digits, that of the",
        "fitted again": "the loss that chose the epoch goes with that of the test rows",
    }
    assert says[how] in finding.sentence


@pytest.mark.parametrize(
    ("protocol", "prior"),
    [
        ("trial", "subject-prior"),
        ("trial-pooled", "additive-prior"),
        ("subject", "stimulus-prior"),
        ("stimulus", "subject-prior"),
        ("subject-stimulus", "majority"),
    ],
)
def test_every_honest_protocol_has_a_prior_of_its_own(protocol, prior):
    shares = PROTOCOLS[protocol].shares
    shared = {unit: float(unit in shares) for unit in COUNTED}

    assert name_own_prior(shared) == prior == PROTOCOLS[protocol].prior


# tables of others, of any columns


def small_files():
    rows = [(f"s{s}", str(t), 0, (s + t) % 2) for s in range(4) for t in range(4)]
    table = pd.DataFrame(rows, columns=["subject", "trial", "segment", "label"])
    predictions = table.assign(score=0.25 + table["label"] / 2)
    return predictions, table.assign(fold=table["subject"])


def test_further_columns_of_any_name_and_order_change_nothing(tmp_path):
    predictions, table = small_files()
    names = ["score", "copy", "label_told", "written_subject", "epoch_chosen", "tests"]
    more = table.assign(**dict.fromkeys(names, "x"))[[*names[:3], *table, *names[3:]]]
    told = predictions.assign(copy="y", fold=3, seen="z")[::-1]

    made, finding = judge(tmp_path / "more", told, more)

    plain, expected = judge(tmp_path / "plain", predictions[::-1], table)
    assert made.verdict == plain.verdict
    assert finding.verdict == expected.verdict


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("subject,trial,fold,fold\ns1,1,0,1\n", "two columns are called 'fold'"),
        ("subject,trial,fold\ns1,1,0,1\n", "cannot be read as a table"),
        ("subject,trial,folds\ns1,1,RE\ns1,2,R\n", "a letter for each of 2 folds"),
        ("subject,trial,folds\ns1\n", "column folds: expected letters"),
        ("subject,trial,fold\ns1,1,\n", "no row tests in any fold"),
        ("", "cannot be read as a table"),
        ("\0", "column subject is missing"),
    ],
)
def test_a_table_that_says_no_folds_is_refused_in_a_sentence(tmp_path, text, said):
    predictions, table = small_files()
    first = (predictions["subject"] == "s1") & predictions["trial"].isin(["1", "2"])
    files = write_files(
        tmp_path,
        predictions[first if "2" in text else first & (table.trial == "1")],
        table,
    )
    files[1].write_text(text)

    with pytest.raises(UserError, match=re.escape(said)) as caught:
        audit(files[0], table=files[1])

    assert "\n" not in str(caught.value)


# classes and ratings


CLASSES = np.array(["<4", "4-6", ">6"])


def hold_out_trials_of(task, *, strength=0.9, unit=("subject", "trial"), seed=0):
    """Predictions of classes or ratings by folds of whole units, and their table."""
    rows = audited_files.make_rows(n_trials=24)
    rng = np.random.default_rng(seed)
    trial = rows.groupby(["subject", "trial"], sort=False).ngroup().to_numpy()
    n_trials = int(trial.max()) + 1
    rows["fold"] = audited_files.deal(rows, list(unit))
    if task == "rating":
        truth = rng.normal(5, 1.5, n_trials).round(1)[trial]
        near = 5 + strength * (truth - 5) + rng.normal(0, 0.8, len(rows))
        told = {"truth": truth, "prediction": near.round(6)}
    else:
        number = rng.integers(0, 3, n_trials)[trial]
        logits = rng.normal(0, 0.7, (len(rows), 3))
        logits += rng.normal(0, 1, (n_trials, 3))[trial]
        logits[np.arange(len(rows)), number] += 2 * strength
        shares = np.exp(logits)
        shares = (shares / shares.sum(axis=1, keepdims=True)).round(6)
        names = [f"probability_{name}" for name in CLASSES]
        told = {"truth": CLASSES[number], "prediction": CLASSES[shares.argmax(axis=1)]}
        told |= dict(zip(names, shares.T, strict=True))
    rows = rows.drop(columns="label")
    identity = ["subject", "trial", "segment"]
    return rows[identity].assign(**told), rows


@pytest.mark.parametrize("task", ["classes", "rating"])
def test_honest_predictions_of_other_tasks_leak_nothing(tmp_path, task):
    made, finding = judge(tmp_path, *hold_out_trials_of(task))

    assert made.verdict.startswith("no leak seen in: ")
    assert (finding.task, finding.metric) == {
        "classes": ("classes", "balanced_accuracy"),
        "rating": ("rating", "ccc"),
    }[task]
    assert finding.chance == pytest.approx(0 if task == "rating" else 1 / 3)
    title = "CCC" if task == "rating" else "Balanced accuracy"
    assert finding.sentence.startswith(title)
    assert "and explains nothing" in finding.sentence
    predictions = results_of(finding)
    assert predictions["trial"] > finding.chance + 0.3


def results_of(finding):
    return {level: held[finding.metric] for level, held in finding.scores.items()}


@pytest.mark.parametrize("task", ["classes", "rating"])
def test_shared_trials_of_other_tasks_leak(tmp_path, task):
    forged = hold_out_trials_of(task, unit=("subject", "trial", "segment"))

    made, finding = judge(tmp_path, *forged)

    assert made.verdict == "leaks"
    assert "of the tested rows are of trials that were trained on" in finding.sentence
    assert finding.own_prior == "trial-prior"
    assert results_of(finding)["trial"] < 1
    assert finding.priors["trial-prior"]["trial"][finding.metric] > 0.95


@pytest.mark.parametrize("task", ["classes", "rating"])
def test_predictions_that_are_the_truth_leak(tmp_path, task):
    predictions, table = hold_out_trials_of(task)
    if task == "rating":
        predictions["prediction"] = predictions["truth"]
    else:
        for name in CLASSES:
            is_it = (predictions["truth"] == name).astype(float)
            predictions[f"probability_{name}"] = is_it

    made, finding = judge(tmp_path, predictions, table)

    assert made.verdict == "leaks"
    assert find_look(finding, "scores equal to labels").leak


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classes", "rating"])
def test_chance_is_known_for_other_tasks(tmp_path, task):
    """Predictions of nothing lie beyond its bound in one study of twenty."""
    beyond = 0
    for seed in range(20):
        files = hold_out_trials_of(task, strength=0, seed=seed)
        _, finding = judge(tmp_path, *files)
        score = results_of(finding)["trial"]
        beyond += score > finding.chance + 1.645 * finding.chance_sd

    assert beyond <= 4


def test_names_of_classes_need_no_probabilities(tmp_path):
    predictions, table = hold_out_trials_of("classes")

    _, whole = judge(tmp_path / "a", predictions, table)
    bare = predictions[["subject", "trial", "segment", "truth", "prediction"]]
    _, finding = judge(tmp_path / "b", bare, table)

    assert finding.task == "classes"
    assert finding.scores["segment"]["balanced_accuracy"] == pytest.approx(
        whole.scores["segment"]["balanced_accuracy"], abs=0.01
    )


def test_a_table_may_tell_the_truth_of_rows_that_are_not_predicted(tmp_path):
    predictions, table = hold_out_trials_of("classes")
    table = table.assign(truth=predictions["truth"])
    predictions = predictions[table["fold"] == 0]

    made, finding = judge(tmp_path, predictions, table)

    assert not made.verdict.startswith("leaks")
    assert finding.n_unscored > 0
    table.loc[0, "truth"] = "5"
    with pytest.raises(UserError, match="column truth: expected one of <4, 4-6, >6"):
        judge(tmp_path, predictions, table)


def test_a_damaged_class_is_said(tmp_path):
    predictions, table = hold_out_trials_of("classes")
    predictions.loc[7, "truth"] = "6"

    with pytest.raises(UserError, match="column truth: expected one of <4, 4-6, >6"):
        judge(tmp_path, predictions, table)


@pytest.mark.parametrize("task", ["classes", "quadrants", "rating"])
def test_a_run_of_another_task_is_audited(tmp_path, task):
    run = write_run(
        tmp_path / "run",
        task=task,
        protocol_names=("paper", "trial"),
        targets=("valence",),
        streams=("bio",),
    )
    predictions = results.open_run(run).predictions
    keys = ["protocol", "target", "streams", "seed", "subject", "trial", "stimulus"]
    rows = predictions[predictions["learner"] == "network"]
    letters = [
        "".join("E" if k == fold else "R" for k in range(4)) for fold in rows["fold"]
    ]
    rows[[*keys, "segment"]].assign(folds=letters).to_csv(
        run / "segments.csv", index=False
    )

    made = audit(run)

    verdicts = {finding.protocol: finding for finding in made.findings}
    assert verdicts["paper"].verdict == "leaks"
    assert verdicts["trial"].verdict != "leaks"
    assert {finding.task for finding in made.findings} == {task}
