"""Predictions and tables of folds as others might write them: honest ones, forgeries.

Each function returns predictions and table. People rate clips: a rating has a part of
the clip, one of the person, and one of the moment; scores know something of the moment,
or, in a forgery, what they should not know.
"""

import numpy as np
import pandas as pd

N_FOLDS = 5
EPOCHS = ("epoch_chosen", "epoch_best_on_test")


def make_rows(
    *, n_subjects=8, n_trials=24, n_segments=4, clip=0.4, repeats=1, seed=0
) -> pd.DataFrame:
    """Return a row a segment, with a label and what was felt in the trial."""
    rng = np.random.default_rng(seed)
    of_clip = rng.standard_normal(n_trials // repeats)
    rows = []
    for subject in range(n_subjects):
        order = rng.permutation(np.repeat(np.arange(n_trials // repeats), repeats))
        felt = clip * of_clip[order] + (1 - clip) * rng.standard_normal(n_trials)
        high = felt > np.median(felt)
        rows += [
            (f"P{subject}", f"T{trial}", f"clip{order[trial]}", segment, high[trial])
            for trial in range(n_trials)
            for segment in range(n_segments)
        ]
    table = pd.DataFrame(
        rows, columns=["subject", "trial", "stimulus", "segment", "label"]
    )
    return table.assign(label=table["label"].astype(int))


def deal(rows: pd.DataFrame, unit: list[str], *, n_folds=N_FOLDS, seed=0) -> pd.Series:
    """Return each row's fold, units being shuffled and kept whole."""
    number = rows.groupby(unit, sort=False).ngroup().to_numpy()
    order = np.random.default_rng(seed).permutation(number.max() + 1)
    return pd.Series(order[number] % n_folds, index=rows.index)


def guess(rows: pd.DataFrame, strength: float, *, seed=0) -> np.ndarray:
    """Return scores that know the label of a trial with some strength."""
    rng = np.random.default_rng(seed)
    trial = rows.groupby(["subject", "trial"], sort=False).ngroup().to_numpy()
    of_trial = rng.standard_normal(trial.max() + 1)[trial]
    knows = strength * (2 * rows["label"] - 1) + of_trial
    logit = knows + 0.7 * rng.standard_normal(len(rows))
    return np.asarray(1 / (1 + np.exp(-logit))).round(6)


def guess_by_clip(rows: pd.DataFrame, *, seed=0) -> np.ndarray:
    """Return scores that know how other subjects labelled a clip, and nothing else."""
    rng = np.random.default_rng(seed)
    label = rows.groupby("stimulus")["label"]
    of_subject = rows.groupby(["subject", "stimulus"])["label"]
    n_others = label.transform("size") - of_subject.transform("size")
    mean = (label.transform("sum") - of_subject.transform("sum")) / n_others
    logit = 3 * (mean - 0.5) + 0.3 * rng.standard_normal(len(rows))
    return np.asarray(1 / (1 + np.exp(-logit))).round(6)


def divide(rows: pd.DataFrame, **more) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return predictions and table of rows that have a fold and a score."""
    identity = ["subject", "trial", "segment"]
    told = [name for name in (*EPOCHS, "epoch_chosen_on") if name in rows]
    predictions = rows[[*identity, "label", "score", *told]].assign(**more)
    return predictions, rows.drop(columns=["label", "score", *told])


# honest files


def hold_out_trials():
    """Whole trials of all subjects; every subject saw a clip once."""
    rows = make_rows()
    rows["fold"] = deal(rows, ["subject", "trial"])
    return divide(rows.assign(score=guess(rows, 0.9)))


def hold_out_subjects_at_chance():
    """Whole subjects, of whom nothing was recognised."""
    rows = make_rows()
    rows["fold"] = deal(rows, ["subject"], n_folds=4)
    return divide(rows.assign(score=guess(rows, 0.0)))


def hold_out_subjects_of_two_groups():
    """Whole subjects, each of whom has one label: half are patients."""
    rows = make_rows(n_subjects=30, n_trials=6, n_segments=3)
    rows["label"] = rows["subject"].str[1:].astype(int) % 2
    rows["fold"] = deal(rows, ["subject"])
    return divide(rows.assign(score=guess(rows, 0.8)))


def hold_out_trials_on_one_clock():
    """Trials of one recording a subject, with rest between them, and all times."""
    rows = make_rows()
    rows["fold"] = deal(rows, ["subject", "trial"])
    number = rows["trial"].str[1:].astype(int)
    rows["recording"] = "session"
    rows["start_s"] = 90.0 * number + 10.0 * rows["segment"]
    rows["duration_s"] = 10.0
    return divide(rows.assign(score=guess(rows, 0.9)))


def hold_out_trials_with_late_starts():
    """Starts from the trial's own start, none of them twice: a response came late."""
    rows = make_rows(n_segments=1)
    rows["fold"] = deal(rows, ["subject", "trial"])
    late = np.random.default_rng(3).permutation(len(rows)) * 1e-3
    rows = rows.assign(start_s=0.5 + late, duration_s=8.0)
    return divide(rows.assign(score=guess(rows, 0.9)))


def hold_out_trials_of_repeated_clips():
    """Each clip four times a subject, who does not always say the same of it."""
    rows = make_rows(repeats=4, clip=0.7)
    rows["fold"] = deal(rows, ["subject", "trial"])
    return divide(rows.assign(score=guess(rows, 1.2)))


HONEST = (
    hold_out_trials,
    hold_out_subjects_at_chance,
    hold_out_subjects_of_two_groups,
    hold_out_trials_on_one_clock,
    hold_out_trials_with_late_starts,
    hold_out_trials_of_repeated_clips,
)


# forgeries


def copy_trials_before_the_split():
    """High trials were copied under new names to make up for few, then dealt."""
    rows = make_rows()
    some = (rows["label"] == 1) & (rows["trial"].str[1:].astype(int) < 12)
    copies = rows[some].assign(trial=rows["trial"] + " copy")
    rows = pd.concat([rows, copies], ignore_index=True)
    rows["fold"] = deal(rows, ["subject", "trial"])
    return divide(rows.assign(score=guess(rows, 2.5)))


def copy_every_trial():
    """Every trial twice, under two names: by its stimulus it would be a repetition."""
    rows = make_rows()
    rows = pd.concat([rows, rows.assign(trial=rows["trial"] + "b")], ignore_index=True)
    rows["fold"] = deal(rows, ["subject", "trial"])
    return divide(rows.assign(score=guess(rows, 2.5)))


def name_pieces_as_trials():
    """Trials of a minute were cut into six, each of which is called a trial."""
    rows = make_rows(n_segments=6)
    piece = rows["segment"]
    number = rows["trial"].str[1:].astype(int)
    rows = rows.assign(
        trial=rows["trial"] + "-" + piece.astype(str),
        segment=0,
        recording="session",
        start_s=100.0 * number + 10.0 * piece,
        duration_s=10.0,
    ).drop(columns="stimulus")
    rows["fold"] = deal(rows, ["subject", "trial"])
    return divide(rows.assign(score=guess(rows, 2.0)))


def overlap_windows():
    """Windows of 8 s every 4 s of one recording, each called a trial, no recording."""
    rows = make_rows(n_segments=6).drop(columns="stimulus")
    start = 60.0 * rows["trial"].str[1:].astype(int) + 4.0 * rows["segment"]
    rows = rows.assign(
        trial=rows["trial"] + "-" + rows["segment"].astype(str),
        segment=0,
        start_s=start,
        duration_s=8.0,
    )
    rows["fold"] = deal(rows, ["subject", "trial"])
    return divide(rows.assign(score=guess(rows, 2.0)))


def rename_subjects_by_case():
    """Second visits are written 'p1 ' and not 'P1': people are said to be held out."""
    rows = make_rows()
    late = rows["trial"].str[1:].astype(int) >= 12
    rows["subject"] = rows["subject"].where(~late, rows["subject"].str.lower() + " ")
    rows["fold"] = deal(rows, ["subject"])
    return divide(rows.assign(score=guess(rows, 1.5)))


def choose_the_epoch_on_the_test():
    """The epoch is the test's best; the column says validation."""
    rows = make_rows()
    rows["fold"] = deal(rows, ["subject", "trial"], n_folds=10)
    best = np.random.default_rng(1).integers(5, 50, 10)[rows["fold"]]
    chosen = np.where(rows["fold"] == 3, best + 1, best)
    rows = rows.assign(epoch_chosen=chosen, epoch_best_on_test=best)
    return divide(rows.assign(score=guess(rows, 0.9)), epoch_chosen_on="validation")


def score_by_the_labels():
    """What is written as the probability is the label, pulled in a little."""
    rows = make_rows()
    rows["fold"] = deal(rows, ["subject", "trial"])
    return divide(rows.assign(score=0.05 + 0.9 * rows["label"]))


def list_rows_twice():
    """Low rows are there twice, as a sampler left them, before folds were dealt."""
    rows = make_rows()
    rows = pd.concat([rows, rows[rows["label"] == 0]], ignore_index=True)
    rows["fold"] = np.random.default_rng(2).integers(0, N_FOLDS, len(rows))
    return divide(rows.assign(score=guess(rows, 2.5)))


def recognise_the_clip():
    """Each clip four times a subject and of one label: the model knows the clip."""
    rows = make_rows(repeats=4, clip=1.0)
    rows["fold"] = deal(rows, ["subject", "trial"])
    return divide(rows.assign(score=guess(rows, 1.5)))


def recognise_the_clip_in_new_subjects():
    """Subjects are held out, and what is scored is which clip was playing."""
    rows = make_rows(clip=0.6)
    rows["fold"] = deal(rows, ["subject"], n_folds=4)
    return divide(rows.assign(score=guess_by_clip(rows)))


def recognise_the_person():
    """Half are patients; trials are held out, and the patients known again."""
    rows = make_rows(n_subjects=20, n_trials=10)
    rows["label"] = rows["subject"].str[1:].astype(int) % 2
    rows["fold"] = deal(rows, ["subject", "trial"])
    return divide(rows.assign(score=guess(rows, 2.0)))


def tune_the_threshold():
    """Scores of each fold were moved so that .5 cuts its test rows best."""
    rows = make_rows()
    rows["fold"] = deal(rows, ["subject", "trial"])
    score = pd.Series(guess(rows, 0.3))
    for fold in range(N_FOLDS):
        mine = rows["fold"] == fold
        cuts = np.quantile(score[mine], np.linspace(0.1, 0.9, 17))
        right = [((score[mine] > c) == rows["label"][mine]).mean() for c in cuts]
        score[mine] = (score[mine] - cuts[np.argmax(right)] + 0.5).clip(0, 1)
    return divide(rows.assign(score=score))


def name_one_person_twice():
    """Second visits have a number of their own: 'P1' is 'Q17' on the other side."""
    rows = make_rows()
    late = rows["trial"].str[1:].astype(int) >= 12
    other = "Q" + (rows["subject"].str[1:].astype(int) + 16).astype(str)
    rows["subject"] = rows["subject"].where(~late, other)
    rows["fold"] = deal(rows, ["subject"])
    return divide(rows.assign(score=guess(rows, 1.5)))


LEAKING = (
    copy_trials_before_the_split,
    copy_every_trial,
    name_pieces_as_trials,
    overlap_windows,
    rename_subjects_by_case,
    choose_the_epoch_on_the_test,
    score_by_the_labels,
    list_rows_twice,
    recognise_the_person,
)
EXPLAINED = (recognise_the_clip, recognise_the_clip_in_new_subjects)
UNSEEN = (tune_the_threshold, name_one_person_twice)
