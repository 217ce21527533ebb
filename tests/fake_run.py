"""Finished runs whose predictions are drawn instead of trained.

Folds, and what they share, come from the real protocols; only the scores of the
learners are invented: better where a protocol leaks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepvanet import results
from deepvanet.config import EvaluateSettings, NetworkSettings, to_dict, write_toml
from deepvanet.protocols import PROTOCOLS, Protocol
from deepvanet.protocols.folds import Fold, can_choose_epoch, cut_folds
from deepvanet.protocols.sharing import (
    Sharing,
    check_sharing,
    find_leaks,
    find_shares,
    number_all_units,
)

PRIORS = ("majority", "subject-prior", "stimulus-prior")
N_EPOCHS = 6


def write_run(
    path: Path,
    *,
    protocol_names: Sequence[str] = ("paper", "trial"),
    targets: Sequence[str] = ("valence", "arousal"),
    streams: Sequence[str] = ("face", "bio", "face+bio"),
    learners: Sequence[str] = ("network",),
    subjects: Sequence[str] = tuple(f"{number:02d}" for number in range(1, 9)),
    n_trials: int = 12,
    n_segments: int = 5,
    without_video: Sequence[str] = (),
    one_class: Sequence[str] = (),
    dataset: str = "deap",
    store_digest: str = "0123456789abcdef",
    seeds: Sequence[int] = (0,),
    unmixed_whole: bool = False,
    control: str = "none",
    task: str = "high-low",
    clip_labels: bool = False,
    epochs: int = N_EPOCHS,
    trains_by_epochs: bool = True,
    seed: int = 0,
) -> Path:
    """Write a run's files; return its folder.

    Parameters
    ----------
    task : str
        What is predicted; ``CLASSES_OF`` has the classes.
    clip_labels : bool
        Whether each clip has one label for all subjects.
    unmixed_whole : bool
        Whether all trials of a subject lay in one recording that was unmixed.
    control : str
        What the settings say was taken away.
    epochs : int
        What the settings say.
    trains_by_epochs : bool
        Whether the learners do.
    """
    path.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    table = _make_table(subjects, n_trials, n_segments)
    if unmixed_whole:
        table["recording"] = table["subject"]
    predictions, history, parts = [], [], []
    for target in targets:
        rated = _rate(task, len(subjects), n_trials, rng, clip_labels=clip_labels)
        label = np.repeat(rated, n_segments)
        label[table["subject"].isin(one_class)] = 1
        for name in protocol_names:
            for stream_set in streams:
                keep = np.flatnonzero(
                    ~table["subject"].isin(
                        without_video if "face" in stream_set else ()
                    )
                )
                made = _fake_part(
                    table.iloc[keep].reset_index(drop=True),
                    label[keep],
                    PROTOCOLS[name],
                    {"protocol": name, "target": target, "streams": stream_set},
                    [*learners, *PRIORS],
                    seeds,
                    rng,
                    unmixed=unmixed_whole and stream_set != "face",
                    task=task,
                )
                predictions += made[0]
                history += made[1]
                parts += made[2]
    settings = EvaluateSettings(
        protocols=tuple(protocol_names),
        targets=tuple(targets),
        streams=tuple(streams),
        learners=tuple(learners) or PRIORS[:1],
        seeds=tuple(seeds),
        control=control,
        task=task,
        network=NetworkSettings(epochs=epochs),
    )
    write_toml(
        path / "settings.toml",
        {
            "format": results.RUN_FORMAT,
            "dataset": dataset,
            "store_digest": store_digest,
            "prepare": {"face": "dlib5"},
            "evaluate": to_dict(settings),
        },
    )
    _write_tables(path, predictions, history if trains_by_epochs else [], parts)
    _make_trials(subjects, without_video, n_trials, n_segments).to_csv(
        path / "trials.csv", index=False
    )
    return path


CLASSES_OF = {
    "classes": ("<4", "4-6", ">6"),
    "quadrants": ("low-low", "low-high", "high-low", "high-high"),
}


def _rate(
    task: str,
    n_subjects: int,
    n_trials: int,
    rng: np.random.Generator,
    *,
    clip_labels: bool,
) -> np.ndarray:
    """Invent the label or rating of each trial."""
    n_rows = n_trials if clip_labels else n_subjects * n_trials
    if task == "rating":
        rated = np.clip(rng.normal(5.5, 1.8, n_rows), 1, 9).round(1)
    elif task == "high-low":
        rated = rng.integers(0, 2, n_rows)
        rated[::n_trials], rated[1::n_trials] = 0, 1
    else:
        n_classes = len(CLASSES_OF[task])
        rated = rng.permutation(np.arange(n_rows) % n_classes)
    return np.tile(rated, n_subjects) if clip_labels else rated


def _make_table(
    subjects: Sequence[str], n_trials: int, n_segments: int
) -> pd.DataFrame:
    rows = pd.MultiIndex.from_product(
        [subjects, range(1, n_trials + 1), range(n_segments)],
        names=["subject", "number", "segment"],
    ).to_frame(index=False)
    number = rows.pop("number")
    return rows.assign(
        trial=[f"{n:02d}" for n in number],
        recording=[f"{n:02d}" for n in number],
        stimulus=[f"clip-{n}" for n in number],
        start_s=rows["segment"].astype(float),
        duration_s=1.0,
    )


def _fake_part(
    table: pd.DataFrame,
    label: np.ndarray,
    protocol: Protocol,
    key: Mapping[str, str],
    learners: Sequence[str],
    seeds: Sequence[int],
    rng: np.random.Generator,
    *,
    unmixed: bool,
    task: str,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Cut real folds and invent what each learner said of them."""
    predictions, history = [], []
    columns = {
        name: table[name].to_numpy()
        for name in ("subject", "trial", "stimulus", "segment")
    }
    parts = {
        learner: {**key, "learner": learner, "leaks": [], "shares": [], "folds": []}
        for learner in learners
    }
    numbers = number_all_units(table)
    for seed in seeds:
        n_folds = 3 if protocol.scope == "all" else 4
        balanced = (label > 5.5).astype(int) if task == "rating" else label
        for fold in cut_folds(table, balanced, protocol, n_folds=n_folds, seed=seed):
            sharing = check_sharing(table, fold, numbers)
            for learner, part in parts.items():
                chosen_on = _add_fold(
                    part,
                    table,
                    balanced,
                    protocol,
                    fold,
                    seed,
                    sharing,
                    unmixed=unmixed,
                )
                whose = {**key, "learner": learner, "seed": seed, "fold": fold.number}
                rows = {name: column[fold.test] for name, column in columns.items()}
                right = label[fold.test]
                if task == "high-low":
                    score = _invent(learner, key, right, rows["subject"], rng)
                    found = {"label": right, "score": score}
                else:
                    found = _predict(task, learner, key, right, rows["subject"], rng)
                predictions.append({**whose, **rows, **found})
                if chosen_on != "none":
                    history += _invent_history(
                        whose, fold.scope, protocol, chosen_on, rng
                    )
    for part in parts.values():
        part["leaks"] = "+".join(part["leaks"]) or "none"
        part["shares"] = "+".join(part["shares"]) or "none"
        part["statement"] = protocol.summary
    return predictions, history, list(parts.values())


def _add_fold(
    part: dict[str, Any],
    table: pd.DataFrame,
    label: np.ndarray,
    protocol: Protocol,
    fold: Fold,
    seed: int,
    sharing: Sharing,
    *,
    unmixed: bool,
) -> str:
    chosen_on, note = protocol.chooses_on, ""
    one_class = len(np.unique(label[fold.train])) == 1
    if part["learner"] in PRIORS:
        chosen_on, note = "none", "no epochs"
    elif chosen_on == "validation" and not can_choose_epoch(table, label, fold):
        chosen_on, note = "last", "too few validation trials, or one class"
    unlabelled = unmixed and part["learner"] not in PRIORS
    unlabelled = unlabelled and sharing.shared_recordings > 0
    leaks = find_leaks(
        sharing, epoch_chosen_on=chosen_on, unlabelled_test_signals=unlabelled
    )
    shares = find_shares(sharing)
    part["leaks"] += [leak for leak in leaks if leak not in part["leaks"]]
    part["shares"] += [share for share in shares if share not in part["shares"]]
    part["folds"].append(
        {
            "seed": seed,
            "scope": fold.scope,
            "fold": fold.number,
            **{name: n for name, n in asdict(sharing).items() if n is not None},
            "epoch_chosen_on": chosen_on,
            "epoch_note": note,
            "fitted_on_test_labels": False,
            "unlabelled_test_signals": unlabelled,
            "one_class_training": one_class,
        }
    )
    return chosen_on


def _invent(
    learner: str,
    key: Mapping[str, str],
    label: np.ndarray,
    subject: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw scores: a network that recognises trials where it has seen them."""
    if learner == "majority":
        return np.full(len(label), 0.55)
    if learner == "subject-prior":
        return np.array([0.35 + 0.3 * (len(name) % 2) for name in subject])
    if learner == "stimulus-prior":
        return np.clip(
            0.5 + 0.25 * (label - 0.5) + rng.normal(0, 0.2, len(label)), 0, 1
        )
    protocol = PROTOCOLS[key["protocol"]]
    strength = {"face": 0.3, "bio": 0.1}.get(key["streams"], 0.5)
    if protocol.leaks:
        strength = 3.0
    elif protocol.kind == "control":  # reads the last epoch, not a chosen one
        strength += 0.3
    return 1 / (1 + np.exp(-strength * (2 * label - 1) - rng.normal(0, 1, len(label))))


def _predict(
    task: str,
    learner: str,
    key: Mapping[str, str],
    right: np.ndarray,
    subject: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Invent predictions of classes or ratings: those of priors hang on a name."""
    strength = 1.0 if PROTOCOLS[key["protocol"]].leaks else 0.4
    strength = {"majority": 0.0, "subject-prior": 0.0}.get(learner, strength)
    noise = 0.0 if learner in PRIORS else 1.0
    of_subject = np.array([len(name) + int(name, 36) % 3 for name in subject])
    if task == "rating":
        level = 5.5 + 0.3 * (of_subject if learner == "subject-prior" else 0)
        near = strength * (right - 5.5) + rng.normal(0, noise, len(right))
        return {"truth": right, "prediction": level + near}
    names = np.array(CLASSES_OF[task])
    logits = rng.normal(0, noise, (len(right), len(names)))
    logits[np.arange(len(right)), right] += 3 * strength
    if learner == "subject-prior":
        logits[np.arange(len(right)), of_subject % len(names)] += 1
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    return {
        "truth": names[right],
        "prediction": names[shares.argmax(axis=1)],
        **{f"probability_{name}": shares[:, k] for k, name in enumerate(names)},
    }


def _invent_history(
    whose: Mapping[str, Any],
    scope: str,
    protocol: Protocol,
    chosen_on: str,
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    epochs = np.arange(1, N_EPOCHS + 1)
    train = 0.7 * np.exp(-epochs / 3) + rng.uniform(0, 0.05, N_EPOCHS)
    watched = 0.69 + 0.02 * (epochs - 3) ** 2 + rng.normal(0, 0.02, N_EPOCHS)
    if protocol.chooses_on == "last":
        watched = np.full(N_EPOCHS, np.nan)
    best = N_EPOCHS - 1 if chosen_on == "last" else int(np.argmin(watched))
    return [
        {
            **whose,
            "subject": scope,
            "epoch": int(epochs[i]),
            "train_loss": train[i],
            "watched_loss": watched[i],
            "watched_accuracy": np.nan if np.isnan(watched[i]) else 0.5,
            "chosen": int(i == best),
        }
        for i in range(N_EPOCHS)
    ]


def _make_trials(
    subjects: Sequence[str],
    without_video: Sequence[str],
    n_trials: int,
    n_segments: int,
) -> pd.DataFrame:
    rows = []
    for place, subject in enumerate(subjects):
        seen = subject not in without_video
        n_frames = 5 * n_segments if seen else 0
        filled, padded = (min(place, 4), 1) if seen else (0, 0)
        lost = 3 if seen and place % 4 == 3 else 0
        rows += [
            {
                "subject": subject,
                "trial": f"{number:02d}",
                "stimulus": f"clip-{number}",
                "n_segments": n_segments,
                "has_video": int(seen),
                "n_frames": n_frames,
                "n_faces_found": n_frames - filled - padded - lost,
                "n_faces_filled": filled,
                "n_faces_lost": lost,
                "n_frames_padded": padded,
            }
            for number in range(1, n_trials + 1)
        ]
    return pd.DataFrame(rows)


def _write_tables(
    path: Path,
    predictions: Sequence[Mapping[str, Any]],
    history: Sequence[Mapping[str, Any]],
    parts: Sequence[Mapping[str, Any]],
) -> None:
    tables = {
        "history": (
            [pd.DataFrame(history)] if history else [],
            results.HISTORY_COLUMNS,
        ),
        "segments": ([], results.SEGMENT_COLUMNS),
    }
    results.write_predictions(path / "predictions.csv", _join(predictions))
    for name, (held, columns) in tables.items():
        results.write_table(path / f"{name}.csv", held, columns)
    results.write_leakage(
        path / "leakage.json",
        notes=["One number a channel was subtracted: it marks the trial."],
        parts=parts,
    )
    machine = {"python": "3.12", "packages": {"torch": "2.13.0"}}
    results.write_json(path / "environment.json", machine)


def _join(parts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Put parts of a table below each other; a single value fills its column."""
    sizes = [len(part["subject"]) for part in parts]
    return pd.DataFrame(
        {
            name: np.repeat([part[name] for part in parts], sizes)
            if np.ndim(parts[0][name]) == 0
            else np.concatenate([part[name] for part in parts])
            for name in parts[0]
        }
    )
