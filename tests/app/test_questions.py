"""Tests of what the page shows of bundles of each task, without a browser."""

import json
import re
from dataclasses import asdict
from importlib.resources import files
from types import SimpleNamespace

import pytest

from deepvanet.app.questions import (
    COLOURS,
    OTHER_COLOURS,
    describe,
    find_ends,
    find_ticks,
    list_questions,
    say_heading,
    say_meaning,
)
from deepvanet.app.report import write_report
from deepvanet.app.server import make_app
from deepvanet.app.worker import (
    list_attributions,
    list_rows,
    list_thresholds,
    list_worth,
)
from deepvanet.bundle.columns import list_columns
from deepvanet.bundle.loading import Answer
from deepvanet.bundle.reliability import Calibrations
from deepvanet.explanation import attribute_streams
from deepvanet.inference import RecordingInput, predict
from deepvanet.schema import HIGH_OR_LOW, QUADRANT_NAMES, Goal, Stream
from deepvanet.tasks import TASKS
from task_bundles import SETTINGS, train_task, write_rising, write_task_store

RATING = Goal("rating")
MOODS = Goal("classes", ("calm", "glad", "sad"))


def make_bundle(task, goals, *, rated=()):
    """Return what the page asks of a bundle."""
    answers = tuple(
        Answer(
            target, "bio", "bio", "segment", {}, Calibrations(), None, goal, rated=rated
        )
        for target, goal in goals.items()
    )
    return SimpleNamespace(
        task=task,
        goals=goals,
        targets=tuple(goals),
        answers=answers,
        stream_sets=("bio", "face+bio+gaze"),
    )


def describe_goals(task, goals, rows=(), **options):
    return describe(make_bundle(task, goals, **options), rows)


def test_targets_that_are_high_or_low_share_an_axis_of_probability():
    said = describe_goals(
        "high-low", {"dominance": HIGH_OR_LOW, "arousal": HIGH_OR_LOW}
    )

    (panel,) = said["panels"]
    assert panel["axis"]["title"] == "Probability of a high self-rating"
    assert panel["axis"]["ticks"] == (0, 0.5, 1)
    assert [c["column"] for c in panel["curves"]] == ["dominance", "arousal"]
    assert [c["style"] for c in panel["curves"]] == ["c0", "arousal"]
    assert "dashed line" in said["hint"]
    assert said["plane"] is None


def test_ratings_have_an_axis_of_their_scale_and_nothing_binary():
    goals = {"valence": RATING, "arousal": RATING}
    rows = [{"valence": 3.0, "arousal": None}, {"valence": 9.6, "arousal": 2.0}]

    said = describe_goals("rating", goals, rows, rated=(1.0, 9.0))

    high, usual = said["panels"]
    assert (high["axis"]["low"], high["axis"]["high"]) == (1.0, 10.0)
    assert (usual["axis"]["low"], usual["axis"]["high"]) == (1.0, 9.0)
    assert usual["axis"]["ticks"] == (1.0, 3.0, 5.0, 7.0, 9.0)
    assert said["plane"]["x"]["label"] == "rating of valence"
    assert said["hint"] == ""
    assert "valence 1 to 9" in said["meaning"]


def test_ratings_of_other_scales_have_other_axes():
    low = make_bundle("rating", {"pain": RATING}, rated=(0.0, 100.0))

    (question,) = list_questions(low)

    assert (question.axis.low, question.axis.high) == (0.0, 100.0)
    assert question.axis.ticks == (0.0, 25.0, 50.0, 75.0, 100.0)


def test_classes_have_a_curve_each_and_quadrants_say_both_ratings():
    moods = describe_goals("classes", {"mood": MOODS})
    quadrants = describe_goals(
        "quadrants", {"valence+arousal": Goal("classes", QUADRANT_NAMES)}
    )

    names = [curve["name"] for curve in moods["questions"][0]["curves"]]
    assert names == ["calm", "glad", "sad"]
    (question,) = quadrants["questions"]
    assert question["name"] == "valence and arousal"
    assert [c["name"] for c in question["curves"]] == [
        "low valence, low arousal",
        "low valence, high arousal",
        "high valence, low arousal",
        "high valence, high arousal",
    ]
    assert [c["label"] for c in question["curves"]] == list(QUADRANT_NAMES)
    assert moods["plane"] is quadrants["plane"] is None
    assert "log odds" in question["parts"]


def test_many_classes_have_curves_that_differ():
    goal = Goal("classes", tuple(f"class {k}" for k in range(16)))

    (question,) = list_questions(make_bundle("classes", {"state": goal}))

    styles = [curve.style for curve in question.curves]
    assert len(set(styles)) == 16
    assert styles[8:] == [f"{style} dashed" for style in styles[:8]]


@pytest.mark.parametrize(
    ("task", "goals", "heading"),
    [
        ("high-low", dict.fromkeys(("valence", "arousal"), HIGH_OR_LOW), "Valence and"),
        ("rating", dict.fromkeys(("a", "b", "c"), RATING), "A, b and c of a recording"),
        ("classes", {"mood": MOODS}, "Mood of a recording"),
    ],
)
def test_a_page_is_called_by_its_targets(task, goals, heading):
    assert say_heading(make_bundle(task, goals)).startswith(heading)


@pytest.mark.parametrize("task", TASKS)
def test_each_task_says_what_its_numbers_are_and_are_not(task):
    goal = {"high-low": HIGH_OR_LOW, "rating": RATING}.get(TASKS[task].goal, MOODS)

    meaning = say_meaning(make_bundle(task, {"valence": goal}))

    assert meaning.endswith("; not how strong a feeling was.")
    assert ("high" in meaning) == (task == "high-low")
    assert ("moment by moment" in meaning) == (task == "trace")


@pytest.mark.parametrize(
    "values", [(0.0, 1e-7), (-1e9, 1e9), (5.0,), (2.0, 2.1), (-3.0, 4.0), (0.0, 7.0)]
)
def test_an_axis_holds_all_ratings_and_has_two_to_five_ticks(values):
    low, high = find_ends(values)
    ticks = find_ticks(low, high)

    assert low <= min(values) <= max(values) <= high
    assert 2 <= len(ticks) <= 5
    assert all(low <= tick <= high for tick in ticks)


def test_every_stream_and_curve_has_a_colour_in_light_and_in_dark():
    styles = (files("deepvanet.app") / "static" / "page.css").read_text()
    report = (files("deepvanet.app") / "static" / "report.html").read_text()

    light, dark = styles.split("@media (prefers-color-scheme: dark)")
    names = [*map(str, Stream), "valence", "arousal", *COLOURS, *OTHER_COLOURS]
    for name in names:
        assert f"--{name}: #" in light
        assert f"--{name}: #" in dark
        assert f".{name} {{ color: var(--{name}); }}" in styles
        assert name in map(str, Stream) or f".{name} {{ color: #" in report


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_task_store(tmp_path_factory.mktemp("questions") / "store")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return write_rising(tmp_path_factory.mktemp("questions") / "signals_raw.fif")


@pytest.mark.parametrize("name", ["classes", "quadrants", "rating of one"])
def test_a_report_of_each_task_has_its_curves_and_nothing_of_high(
    store, recording, tmp_path, name
):
    bundle = train_task(store, name, tmp_path / "model")
    made = predict(bundle.path, RecordingInput(bio=recording))
    spoke = attribute_streams(bundle.path, RecordingInput(bio=recording))
    rows = list_rows(made.table)
    result = {
        **describe(bundle, rows),
        "rows": rows,
        "notes": [],
        "attributions": list_attributions(spoke, made.table["time_s"]),
        "thresholds": list_thresholds(bundle),
        "segment_s": bundle.grid.length_s,
        "step_s": bundle.grid.step_s,
        "is_example": False,
        "worth": list_worth(bundle, made.table["streams"].tolist()),
        "lacking": [],
        "files": ["me.fif"],
        "model": "m",
        "made": "2026-01-01 12:00",
    }

    write_report(tmp_path / "report.html", result, heading=say_heading(bundle))
    make_app(bundle.path)

    report = (tmp_path / "report.html").read_text()
    text = re.sub(r"<style>.*?</style>", "", report, flags=re.DOTALL)
    assert "threshold" not in text
    assert "dashed line" not in text
    assert f"<h1>{say_heading(bundle)}</h1>" in text
    curves = [c for q in list_questions(bundle) for c in q.curves]
    assert text.count("<polyline") == len(curves)
    assert {c.column for c in curves} <= set(list_columns(bundle.goals)) <= set(rows[0])
    assert set(result["attributions"]) == set(bundle.targets)
    assert "mostly" not in text
    assert "never scored" in text
    assert all(said in text for said in ("me.fif", "2026-01-01 12:00"))
    assert "<table" not in text
    if name != "quadrants":
        assert "high" not in text
    if name == "rating of one":
        assert [row["time_s"] for row in rows] == list(range(11))
        assert "on average" in text
    json.dumps([asdict(q) for q in list_questions(bundle, rows)], allow_nan=False)


def test_every_task_is_shown_here():
    # a rating that moves is shown as one that does not
    asked = {settings.task for settings in SETTINGS.values()}
    assert asked == set(TASKS) - {"trace"}
