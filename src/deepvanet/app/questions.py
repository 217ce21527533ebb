"""What a page shows of a bundle: the words, axes and curves of each task."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deepvanet.bundle import Bundle
from deepvanet.bundle.columns import name_columns
from deepvanet.schema import (
    HIGHEST_RATING,
    LOWEST_RATING,
    QUADRANT_NAMES,
    Goal,
    Stream,
    Target,
    parse_streams,
)

COLOURS = tuple(f"c{number}" for number in range(8))
"""Of curves in ``page.css``; further ones are dashed."""
OTHER_COLOURS = ("c0", "c3", "c4", "c5", "c7")
"""Of targets that share an axis with valence and arousal, and look like neither."""
_MOST_STEPS = 4
_STEPS = (1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0)
"""Between two ticks, in units of a power of ten."""
_NEAR = 1e-6
_LEARNT = "learnt from one rating a trial"


@dataclass(frozen=True)
class Axis:
    """What curves are plotted over.

    Attributes
    ----------
    title, short : str
        What its numbers are, with their unit, and where there is little room.
    low, high : float
        Its ends.
    ticks : tuple of float
        Numbers that are written beside it.
    """

    title: str
    short: str
    low: float
    high: float
    ticks: tuple[float, ...]


@dataclass(frozen=True)
class Curve:
    """One column of a timeline as a line.

    Attributes
    ----------
    name : str
        As legends call it.
    label : str | int
        What the column of labels has where this one is said.
    style : str
        Its class in style sheets.
    """

    column: str
    name: str
    label: str | int
    style: str


@dataclass(frozen=True)
class Question:
    """What is predicted of one target.

    Attributes
    ----------
    name : str
        How texts call the target.
    label : str
        The column of labels; empty of ratings.
    parts, parts_short : str
        What the contributions of streams are, with their unit.
    """

    target: str
    kind: str
    name: str
    label: str
    axis: Axis
    curves: tuple[Curve, ...]
    parts: str
    parts_short: str


def list_questions(
    bundle: Bundle, rows: Sequence[Mapping[str, Any]] = ()
) -> list[Question]:
    """Return what a bundle predicts, in the order of its targets.

    Parameters
    ----------
    bundle : Bundle
        Knows what is predicted, and between which ratings it was trained.
    rows : sequence of mapping
        Of a timeline: an axis of ratings has room for all of them.
    """
    made = []
    for place, (target, goal) in enumerate(bundle.goals.items()):
        if goal.kind == "high-low":
            made.append(_ask_high(target, place))
        elif goal.kind == "classes":
            made.append(_ask_classes(target, goal, bundle.task))
        else:
            known = [row[target] for row in rows if row[target] is not None]
            values = [*_find_rated(bundle, target), *known]
            made.append(_ask_rating(target, place, values))
    return made


def _ask_high(target: str, place: int) -> Question:
    axis = Axis(
        "Probability of a high self-rating", "High self-rating", 0, 1, (0, 0.5, 1)
    )
    return Question(
        target,
        "high-low",
        target,
        f"{target}_label",
        axis,
        (Curve(target, target, 1, _style_target(target, place)),),
        f"Contribution of each stream to high {target} (above 0) or low (below 0), "
        "logit",
        f"Added to high {target}, logit",
    )


def _ask_classes(target: str, goal: Goal, task: str) -> Question:
    name = target.replace("+", " and ") if task == "quadrants" else target
    label, *columns = name_columns(target, goal)
    shown = [_name_class(value, target, task) for value in goal.classes]
    what = "quadrant" if task == "quadrants" else "class"
    axis = Axis(
        f"Probability of each {what} of {name}",
        f"Probability of each {what}",
        0,
        1,
        (0, 0.5, 1),
    )
    curves = tuple(
        Curve(column, said, value, _choose_style(place))
        for place, (column, said, value) in enumerate(
            zip(columns, shown, goal.classes, strict=True)
        )
    )
    return Question(
        target,
        goal.kind,
        name,
        label,
        axis,
        curves,
        f"Contribution of each stream to the likeliest {what} of {name}, log odds",
        f"Added to the likeliest {what}, log odds",
    )


def _name_class(value: str, target: str, task: str) -> str:
    """Return how texts call a class: of quadrants what each of two ratings is."""
    if task != "quadrants" or value not in QUADRANT_NAMES:
        return value
    pairs = zip(value.split("-"), target.split("+"), strict=True)
    return ", ".join(" ".join(pair) for pair in pairs)


def _ask_rating(target: str, place: int, values: Sequence[float]) -> Question:
    low, high = find_ends(values or (LOWEST_RATING, HIGHEST_RATING))
    title = "Self-rating, in the units in which it was rated"
    return Question(
        target,
        "rating",
        target,
        "",
        Axis(title, "Self-rating", low, high, find_ticks(low, high)),
        (Curve(target, target, "", _style_target(target, place)),),
        f"Contribution of each stream to the rating of {target}, in units of the "
        "rating",
        f"Added to {target}, rating units",
    )


def _find_rated(bundle: Bundle, target: str) -> list[float]:
    """Return the lowest and the highest rating of training."""
    mine = [answer for answer in bundle.answers if answer.target == target]
    return [rating for answer in mine for rating in answer.rated]


def _choose_style(place: int, colours: Sequence[str] = COLOURS) -> str:
    """Return the class of a curve in style sheets."""
    dashed = " dashed" if place >= len(colours) else ""
    return colours[place % len(colours)] + dashed


def _style_target(target: str, place: int) -> str:
    """Return the class of a target's curve: valence and arousal keep their colours."""
    is_usual = target in list(Target)
    return target if is_usual else _choose_style(place, OTHER_COLOURS)


def find_ends(values: Sequence[float]) -> tuple[float, float]:
    """Return round numbers between which all of some ratings lie.

    Examples
    --------
    >>> find_ends([1.2, 8.9]), find_ends([0.0, 97.5]), find_ends([3.0])
    ((1.0, 9.0), (0.0, 100.0), (2.0, 4.0))
    """
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 1, high + 1
    unit = _find_unit(low, high)
    ends = math.floor(low / unit + _NEAR) * unit, math.ceil(high / unit - _NEAR) * unit
    return float(f"{ends[0]:.9g}"), float(f"{ends[1]:.9g}")


def find_ticks(low: float, high: float) -> tuple[float, ...]:
    """Return a few numbers at equal distances, the first of a range and others.

    Examples
    --------
    >>> find_ticks(1, 9), find_ticks(0, 100), find_ticks(1, 8)
    ((1.0, 3.0, 5.0, 7.0, 9.0), (0.0, 25.0, 50.0, 75.0, 100.0), (1.0, 3.0, 5.0, 7.0))
    """
    unit = _find_unit(low, high)
    few = [s * unit for s in _STEPS if (high - low) / (s * unit) <= _MOST_STEPS + _NEAR]
    whole = [s for s in few if abs((high - low) / s - round((high - low) / s)) < _NEAR]
    step = (whole or few)[0]
    count = math.floor((high - low) / step + _NEAR) + 1
    return tuple(float(f"{low + k * step:.9g}") for k in range(count))


def _find_unit(low: float, high: float) -> float:
    """Return the power of ten of which a range has a few or some ten."""
    return float(10.0 ** math.floor(math.log10((high - low) / _MOST_STEPS)))


def say_meaning(bundle: Bundle) -> str:
    """Say what the numbers are, and what they are not."""
    names = _join_names(bundle)
    says = {
        "high-low": f"Probability of a high self-rating, {_LEARNT}",
        "rating": (
            f"Self-rating of {names} that would be given after a whole trial like "
            f"this, {_LEARNT}{_say_rated(bundle)}"
        ),
        "classes": (
            f"Probability of each class of {names}, learnt from one label a trial"
        ),
        "quadrants": f"Probability of each quadrant of {names}, {_LEARNT}",
        "trace": (
            f"Rating of {names} moment by moment, as a person would give it "
            f"{_say_lags(bundle)} later, learnt from ratings that move with time"
            f"{_say_rated(bundle)}"
        ),
    }
    kind = next(iter(bundle.goals.values())).kind
    return f"{says.get(bundle.task, says[kind])}; not how strong a feeling was."


def _say_lags(bundle: Bundle) -> str:
    """Say how much later than the signals a rating that moves is given."""
    lags = sorted({a.lag_s for a in bundle.answers if a.lag_s is not None})
    return " or ".join(f"{lag:g} s" for lag in lags)


def _say_rated(bundle: Bundle) -> str:
    """Say between which ratings a bundle was trained, in brackets."""
    said = []
    for target in bundle.targets:
        rated = _find_rated(bundle, target)
        if rated:
            said.append(f"{target} {min(rated):g} to {max(rated):g}")
    return f" (in training: {', '.join(said)})" if said else ""


def _join_names(bundle: Bundle) -> str:
    """Return the names of what is asked, in words."""
    names = [question.name for question in list_questions(bundle)]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def say_heading(bundle: Bundle) -> str:
    """Return what a page is called.

    Examples
    --------
    >>> say_heading(bundle)  # doctest: +SKIP
    'Valence and arousal of a recording'
    """
    names = _join_names(bundle)
    return f"{names[:1].upper()}{names[1:]} of a recording"


THRESHOLDS = (
    "Above its dashed line a probability is called high: the line is the probability "
    "that belongs to a score of 0.5."
)


def describe(bundle: Bundle, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a page needs to know of a bundle to plot a timeline.

    Parameters
    ----------
    bundle : Bundle
        What was asked.
    rows : sequence of mapping
        Of the timeline.

    Returns
    -------
    dict
        Plain values: ``meaning``, ``hint``, ``targets``, ``questions``, ``panels``,
        ``plane``, ``streams`` and ``sets``.
    """
    questions = list_questions(bundle, rows)
    return {
        "meaning": say_meaning(bundle),
        "hint": THRESHOLDS if any(q.kind == "high-low" for q in questions) else "",
        "targets": [question.target for question in questions],
        "questions": [asdict(question) for question in questions],
        "panels": _list_panels(questions),
        "plane": _find_plane(questions),
        "streams": [{"name": str(s), "title": s.spec.title} for s in Stream],
        "sets": {
            name: [str(s) for s in parse_streams(name)] for name in bundle.stream_sets
        },
    }


def _list_panels(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """Return which curves share an axis."""
    panels: dict[Axis, list[dict[str, Any]]] = {}
    for question in questions:
        curves = [asdict(c) | {"target": question.target} for c in question.curves]
        panels.setdefault(question.axis, []).extend(curves)
    return [{"axis": asdict(a), "curves": curves} for a, curves in panels.items()]


def _find_plane(questions: Sequence[Question]) -> dict[str, Any] | None:
    """Return the axes of the plane of valence and arousal, where both are numbers."""
    asked = {question.target: question for question in questions}
    pair = [asked.get(str(target)) for target in (Target.VALENCE, Target.AROUSAL)]
    if any(question is None or question.kind == "classes" for question in pair):
        return None
    is_high = {"high-low": "probability of high", "rating": "rating of"}
    x, y = (
        {"column": q.target, "label": f"{is_high[q.kind]} {q.target}"}
        | {"axis": asdict(q.axis)}
        for q in pair
        if q is not None
    )
    return {"x": x, "y": y}
