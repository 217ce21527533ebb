"""What training and test shared, and what could not be treated like the rest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepvanet.metrics import HIGH_LOW, LEAST_RATINGS, LEAST_TRIALS
from deepvanet.protocols import PROTOCOLS, UNITS
from deepvanet.protocols.sharing import name_count
from deepvanet.reporting.studies import Study


@dataclass(frozen=True)
class LeakRow:
    """What training and test shared under one protocol, over all its folds."""

    protocol: str
    leaks: str
    shares: str
    streams: Sequence[str]
    learners: Sequence[str]
    statement: str
    n_folds: int
    counts: Mapping[str, str]
    chosen_on: str
    whose: str


@dataclass(frozen=True)
class Count:
    """Something that was counted so as not to be hidden."""

    what: str
    number: int
    of: int
    names: str = ""


SHARED_COUNTS = {
    **{name_count(name): unit.plural for name, unit in UNITS.items()},
    "overlapping_samples_s": "signal (s)",
}
SIZES = {
    "n_train": "training",
    "n_validation": "of these validated",
    "n_test": "test",
    "n_discarded": "discarded",
}
"""What ``leakage.json`` counts in each fold, and the heads of the columns."""


def list_counted(studies: Iterable[Study]) -> dict[str, str]:
    """Return those of ``SHARED_COUNTS`` that some run counted."""
    folds = (f for s in studies for p in s.leakage["parts"] for f in p["folds"])
    counted = set().union(*folds)
    return {name: head for name, head in SHARED_COUNTS.items() if name in counted}


def list_leaks(study: Study) -> list[LeakRow]:
    """Return what training and test shared, a row for each kind of fold."""
    kinds: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for part in study.leakage["parts"]:
        kinds.setdefault((part["protocol"], part["leaks"], part["shares"]), []).append(
            part
        )
    return [
        _make_leak_row(*key, parts, _say_whose(study, key[0], parts))
        for key, parts in sorted(
            kinds.items(), key=lambda item: _rank(study.protocols, item[0][0])
        )
    ]


def _rank(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def _make_leak_row(
    protocol: str,
    leaks: str,
    shares: str,
    parts: Sequence[Mapping[str, Any]],
    whose: str,
) -> LeakRow:
    folds = list(_distinct_folds(parts).values())
    chosen = dict.fromkeys(
        fold["epoch_chosen_on"]
        for part in parts
        for fold in part["folds"]
        if fold["epoch_chosen_on"] != "none"
    )
    return LeakRow(
        protocol,
        leaks,
        shares,
        list(dict.fromkeys(part["streams"] for part in parts)),
        list(dict.fromkeys(part["learner"] for part in parts)),
        " ".join(dict.fromkeys(part["statement"] for part in parts)),
        len(folds),
        {
            name: _span(fold[name] for fold in folds if name in fold)
            for name in (*SHARED_COUNTS, *SIZES)
        },
        ", ".join(chosen) or "no epochs",
        whose,
    )


def _say_whose(study: Study, protocol: str, parts: Sequence[Mapping[str, Any]]) -> str:
    """Name the learners and stream sets of a row, in words where these are all."""
    mine = [part for part in study.leakage["parts"] if part["protocol"] == protocol]
    said = []
    for name, all_of_them in (
        ("learner", "all learners"),
        ("streams", "all stream sets"),
    ):
        names = list(dict.fromkeys(part[name] for part in parts))
        is_all = len(names) > 1 and set(names) == {part[name] for part in mine}
        said.append(all_of_them if is_all else ", ".join(names))
    return " on ".join(said)


def _distinct_folds(
    parts: Iterable[Mapping[str, Any]],
) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    """Return each fold once, though several learners were fitted on it."""
    return {
        (
            *(part[name] for name in ("protocol", "target", "streams")),
            *(fold[name] for name in ("seed", "scope", "fold")),
        ): fold
        for part in parts
        for fold in part["folds"]
    }


def _span(numbers: Iterable[int | float]) -> str:
    """Write numbers as their range, and nothing where none was counted.

    Examples
    --------
    >>> _span([3, 3, 7]), _span([0, 0]), _span([])
    ('3–7', '0', '')
    """
    found = sorted(numbers)
    if not found:
        return ""
    low, high = f"{found[0]:.9g}", f"{found[-1]:.9g}"
    return low if low == high else f"{low}\N{EN DASH}{high}"


def list_counts(study: Study) -> list[Count]:
    """Count subjects, folds and fits that could not be treated like the others."""
    folds = _distinct_folds(study.leakage["parts"]).values()
    one_class = sum(bool(fold["one_class_training"]) for fold in folds)
    asked, failed = _count_epochs(study)
    counts = [_count_one_class(study, target) for target in study.targets]
    counts.append(
        Count(
            f"Folds whose training part held one {_name_label(study)}, so that their "
            "test segments got the base rate",
            one_class,
            len(folds),
        )
    )
    if asked:
        counts.append(
            Count(
                f"Fits with too few trials{_name_either(study)} to choose an epoch on, "
                "so that the last epoch was used",
                failed,
                asked,
            )
        )
    return counts


def _name_label(study: Study) -> str:
    return "rating" if study.form.is_rating else "class"


def _name_either(study: Study) -> str:
    if study.form.is_rating:
        return ""
    return " of either class" if study.form.task == HIGH_LOW else " of each class"


def _count_one_class(study: Study, target: str) -> Count:
    scores = study.subject_scores
    scores = scores[scores["target"] == target]
    subjects = sorted(set(scores.loc[scores["one_class"].astype(bool), "subject"]))
    said = (
        f"Subjects whose {target} labels are all equal, so that they count for "
        "accuracy only"
    )
    if study.form.moves:
        said = (
            f"Subjects whose {target} never moves within a trial, so that they count "
            "in pooled scores only"
        )
    elif study.form.is_rating:
        said = (
            f"Subjects with fewer than {LEAST_TRIALS} trials or {LEAST_RATINGS} "
            f"different ratings of {target}, so that they count in pooled scores only"
        )
    return Count(
        said,
        len(subjects),
        scores["subject"].nunique(),
        ", ".join(map(str, subjects)),
    )


def _count_epochs(study: Study) -> tuple[int, int]:
    """Return how many fits were to choose an epoch, and how many could not."""
    chosen = [
        fold["epoch_chosen_on"]
        for part in study.leakage["parts"]
        if part["protocol"] in PROTOCOLS
        and PROTOCOLS[part["protocol"]].chooses_on == "validation"
        for fold in part["folds"]
        if fold["epoch_chosen_on"] != "none"
    ]
    return len(chosen), chosen.count("last")


def list_without_video(study: Study) -> list[str]:
    """Return the subjects none of whose trials has a video."""
    has_video = study.trials.groupby("subject", sort=True)["has_video"].max()
    return [str(name) for name, has in has_video.items() if not has]
