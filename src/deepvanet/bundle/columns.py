"""How a timeline calls what a bundle predicts, and which targets it can name.

A target names a folder of the bundle and columns of timelines, so it is a plain name.
"""

import re
from collections.abc import Mapping

from deepvanet.findings import list_some
from deepvanet.schema import HIGH_OR_LOW, Goal, Target, UserError, quote

_NAME = re.compile(r"\w[\w .+-]{0,99}")
_TAKEN = (
    *("time_s", "face_found", "bad_channels", "filter_edge", "streams"),
    *("trial", "stimulus", "onset_s", "n_seconds", "n_answered"),
)


def name_columns(target: str, goal: Goal) -> tuple[str, ...]:
    """Return the columns of one target.

    Examples
    --------
    >>> name_columns("valence", HIGH_OR_LOW), name_columns("liking", Goal("rating"))
    (('valence', 'valence_label'), ('liking',))
    >>> name_columns("mood", Goal("classes", ("glad", "sad")))
    ('mood_label', 'mood_probability_glad', 'mood_probability_sad')
    """
    if goal.kind == "rating":
        return (target,)
    if goal.kind == "high-low":
        return target, f"{target}_label"
    shares = (f"{target}_probability_{name}" for name in goal.classes)
    return (f"{target}_label", *shares)


def name_set_columns(target: str, goal: Goal) -> tuple[str, ...]:
    """Return the columns of the labels, or the interval, that hold the truth.

    Examples
    --------
    >>> name_set_columns("valence", HIGH_OR_LOW)
    ('valence_set',)
    >>> name_set_columns("mood", Goal("rating"))
    ('mood_from', 'mood_to')
    """
    if goal.kind == "rating":
        return f"{target}_from", f"{target}_to"
    return (f"{target}_set",)


def list_columns(goals: Mapping[str, Goal]) -> tuple[str, ...]:
    """Return the columns of all targets.

    Those of valence and arousal stand there together where one is high or low.

    Examples
    --------
    >>> list_columns({"liking": Goal("rating"), "arousal": Goal("rating")})
    ('liking', 'arousal')
    >>> list_columns({"liking": HIGH_OR_LOW, "arousal": HIGH_OR_LOW})
    ('valence', 'arousal', 'valence_label', 'arousal_label', 'liking', 'liking_label')
    """
    shown = {t: name_columns(t, goal) for t, goal in list_shown(goals).items()}
    usual = [shown.pop(t) for t in map(str, Target) if _has_usual(goals)]
    together = [name for names in zip(*usual, strict=True) for name in names]
    return (*together, *(name for names in shown.values() for name in names))


def list_shown(goals: Mapping[str, Goal]) -> dict[str, Goal]:
    """Return what has columns: where valence or arousal is high or low, both have.

    Examples
    --------
    >>> list(list_shown({"liking": HIGH_OR_LOW, "arousal": HIGH_OR_LOW}))
    ['valence', 'arousal', 'liking']
    """
    usual = map(str, Target) if _has_usual(goals) else ()
    return {**dict.fromkeys(usual, HIGH_OR_LOW), **goals}


def _has_usual(goals: Mapping[str, Goal]) -> bool:
    return any(goals.get(target) == HIGH_OR_LOW for target in Target)


def check_targets(goals: Mapping[str, Goal]) -> None:
    """Refuse targets that can name no folder, or no column of their own.

    Raises
    ------
    UserError
        Which names the target.
    """
    for target in goals:
        if not _NAME.fullmatch(target):
            raise UserError(
                f"needs letters, digits and _ . + - in a name, got {quote(target)}",
                field="targets",
            )
    columns = [*_TAKEN, *list_columns(goals)]
    columns += [name for t, goal in goals.items() for name in name_set_columns(t, goal)]
    twice = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
    if twice:
        raise UserError(
            f"a timeline would have two columns of one name: {list_some(twice)}",
            field="targets",
        )
