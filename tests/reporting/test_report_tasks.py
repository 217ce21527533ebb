"""Tests of reports of classes, quadrants and ratings."""

import re

import pandas as pd
import pytest

from deepvanet.comparison import compare
from deepvanet.config import CompareSettings
from deepvanet.metrics import (
    LEVELS,
    RATING_METRICS,
    TASK_SCORES,
    count_confusion,
    find_means,
    mean_over_trials,
)
from deepvanet.reporting import write_report
from deepvanet.reporting.page import describe_clips, describe_run
from deepvanet.reporting.studies import gather_runs, list_clip_labelled, make_study
from deepvanet.results import open_run
from deepvanet.schema import UserError
from fake_run import CLASSES_OF, write_run

TARGETS = {
    "classes": "valence",
    "quadrants": "valence+arousal",
    "rating": "dominance",
}
SUBJECTS = tuple(f"{number:02d}" for number in range(1, 8))


@pytest.fixture(scope="module", params=TARGETS)
def task(request):
    return request.param


@pytest.fixture(scope="module")
def run(task, tmp_path_factory):
    return write_run(
        tmp_path_factory.mktemp("runs") / "run",
        task=task,
        targets=(TARGETS[task],),
        protocol_names=("paper", "trial", "subject"),
        streams=("bio",),
        subjects=SUBJECTS,
        n_trials=16,
        n_segments=2,
    )


@pytest.fixture(scope="module")
def report(run, tmp_path_factory):
    return write_report([run], tmp_path_factory.mktemp("reports") / "report").parent


def read_words(report):
    """The words of a page, without figures, styles and tags."""
    text = (report / "index.html").read_text()
    text = re.sub(r"<(svg|style|code)\b.*?</\1>", "", text, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_scores_have_the_metrics_of_their_task(report, task):
    scores = pd.read_csv(report / "scores.csv")

    assert set(scores["task"]) == {task}
    assert set(scores["metric"]) == set(TASK_SCORES[task].metrics)
    assert set(scores["level"]) == set(LEVELS)


def test_the_headline_is_that_of_the_task(run, report, task):
    predictions = open_run(run).predictions
    mine = predictions[
        (predictions["protocol"] == "trial") & (predictions["learner"] == "network")
    ]
    mean = find_means(mine, "trial")[TASK_SCORES[task].headline]

    words = read_words(report)

    if task == "rating":
        assert f"{mean:.3f} CCC of trials" in words
        assert "Skill against each prior" in words
        assert "pooled" in words
    else:
        assert f"{100 * mean:.1f} % balanced accuracy of trials" in words
        assert "Skill" not in words


def test_nothing_binary_is_left_in_words(report, task):
    # the table of recipes says where published settings come from
    words = read_words(report).partition("Settings and environment")[0]
    for name in CLASSES_OF.get(task, ()):
        words = words.replace(name, "")

    assert len(words) > 5000
    assert not re.search(r"\b(high|low|both classes)\b", words)


def test_figures_say_task_and_target(report, task):
    figures = sorted(path.name for path in (report / "figures").glob("*.svg"))
    target = TARGETS[task]
    kind = "rated" if task == "rating" else "confusion"

    assert f"{kind}-{target}-network.svg" in figures
    assert any(name.startswith("calibration") for name in figures) == (task != "rating")
    for name in (f"bars-{target}-network.svg", f"subjects-{target}-bio.svg"):
        text = (report / "figures" / name).read_text()
        assert f"{target} ({task})" in text
        assert (">CCC<" if task == "rating" else "balanced accuracy (%)") in text


def test_confusions_have_a_row_and_a_column_for_each_class(run, report, task):
    file = report / "figures" / f"confusion-{TARGETS[task]}-network.csv"
    assert file.is_file() == (task in CLASSES_OF)
    if not file.is_file():
        return
    table = pd.read_csv(file)

    mine = table[table["protocol"] == "trial"]
    counts = mine.pivot_table(index="label", columns="predicted", values="n_trials")

    predictions = open_run(run).predictions
    rows = predictions[
        (predictions["protocol"] == "trial") & (predictions["learner"] == "network")
    ]
    names = list(CLASSES_OF[task])
    expected = count_confusion(rows, "trial")
    assert counts.loc[names, names].to_numpy().tolist() == expected.tolist()


def test_predicted_is_plotted_against_rated(tmp_path):
    run = write_run(
        tmp_path / "run",
        task="rating",
        targets=("dominance",),
        streams=("bio",),
        subjects=SUBJECTS[:3],
        n_segments=2,
    )
    report = write_report([run], tmp_path / "report").parent

    figure = (report / "figures" / "rated-dominance-network.svg").read_text()
    table = pd.read_csv(report / "figures" / "rated-dominance-network.csv")

    rated = open_run(run).predictions["truth"]
    assert f">dominance, rated {rated.min():g} to {rated.max():g}<" in figure
    assert ">predicted dominance<" in figure
    predictions = open_run(run).predictions
    rows = predictions[
        (predictions["protocol"] == "trial") & (predictions["learner"] == "network")
    ]
    mine = table[table["protocol"] == "trial"]
    assert mine["prediction"].tolist() == pytest.approx(
        mean_over_trials(rows)["prediction"].tolist()
    )


def test_a_run_is_described_by_its_task(run, task):
    [held] = gather_runs([run])

    said = describe_run(make_study(held))

    wanted = {
        "classes": "to predict valence as < 4, 4-6 or > 6,",
        "quadrants": "to predict the quadrant of valence and arousal,",
        "rating": "to predict ratings of dominance,",
    }
    assert wanted[task] in said


@pytest.mark.parametrize("clip_labels", [False, True])
def test_a_clip_that_has_one_label_is_said_to_be_known_by_its_prior(
    tmp_path, clip_labels
):
    run = write_run(
        tmp_path / "run",
        task="classes",
        targets=("arousal",),
        streams=("bio",),
        subjects=SUBJECTS[:3],
        n_segments=1,
        clip_labels=clip_labels,
    )
    [held] = gather_runs([run])
    study = make_study(held)

    assert list_clip_labelled(study) == (["arousal"] if clip_labels else [])
    assert ("the stimulus prior is 100 %" in describe_clips(study)) == clip_labels


def test_tasks_are_shown_apart(tmp_path):
    small = {"streams": ("bio",), "subjects": SUBJECTS[:3], "n_segments": 1}
    runs = [
        write_run(tmp_path / name, task=name, targets=("valence",), **small)
        for name in ("classes", "rating")
    ]

    page = write_report(runs, tmp_path / "report")

    scores = pd.read_csv(page.parent / "scores.csv")
    assert set(scores["task"]) == {"classes", "rating"}
    assert page.read_text().count('class="study"') == 2


def test_compare_is_about_the_headline_of_the_task(run, task):
    made = compare(run, "network", "subject-prior")

    rows = made.table.to_dict("records")
    assert {row["metric"] for row in rows} == {TASK_SCORES[task].headline}
    assert {row["unit"] for row in rows} == {"subject"}
    assert all(row["difference"] > 0 for row in rows)
    assert " is higher " in made.lines()[0]


def test_a_metric_of_another_task_cannot_be_compared(run, task):
    other = "auroc" if task == "rating" else "ccc"
    settings = CompareSettings(metric=other)

    with pytest.raises(UserError, match=f"{other} is none of the metrics of {task}: "):
        compare(run, "network", "subject-prior", settings=settings)


@pytest.mark.parametrize("metric", ["rmse", "pooled_ccc"])
def test_errors_and_pooled_scores_are_compared_too(tmp_path, metric):
    run = write_run(
        tmp_path / "run", task="rating", targets=("valence",), streams=("bio",)
    )
    settings = CompareSettings(metric=metric)

    [row] = compare(
        run, "trial,network", "trial,majority", settings=settings
    ).table.to_dict("records")

    predictions = open_run(run).predictions
    mine = predictions[predictions["protocol"] == "trial"]
    means = [
        find_means(mine[mine["learner"] == name], "trial")[metric]
        for name in ("network", "majority")
    ]
    assert metric in RATING_METRICS
    assert row["difference"] == pytest.approx(means[0] - means[1])
    assert row["ci_low"] < row["difference"] < row["ci_high"]


def test_a_gap_of_ratings_is_no_percentage(tmp_path):
    run = write_run(
        tmp_path / "run", task="rating", targets=("valence",), streams=("bio",)
    )

    said = compare(run, "paper", "trial").lines()[-1]

    assert "(CCC of trials, mean over 8 subjects): a gap of +0." in said
    assert "%" not in said.replace("95 % interval", "")
    assert "points" not in said
