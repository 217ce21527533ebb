"""Tests of :mod:`deepvanet.reporting`."""

import dataclasses
import math
import re
from collections import Counter
from importlib.resources import files
from xml.etree import ElementTree

import matplotlib as mpl
import pandas as pd
import pytest

from deepvanet.metrics import LEVELS, METRICS
from deepvanet.protocols import PROTOCOLS, SHARES
from deepvanet.recipes import list_recipes
from deepvanet.reporting import write_report
from deepvanet.reporting.page import render_page, write_p
from deepvanet.reporting.plotting import house_style
from deepvanet.reporting.studies import gather_runs, make_study
from deepvanet.schema import UserError
from fake_run import PRIORS, write_run

SUBJECTS = tuple(f"{number:02d}" for number in range(1, 8))
SMALL = {"n_trials": 8, "n_segments": 3}
CONTRACT = (
    "dataset,protocol,task,target,streams,learner,level,metric,mean,sd,ci_low,ci_high,"
    "p_value,p_kind,p_corrected,n_tests,n_train,n_subjects,leaks,shares"
)
MISSING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
STATISTICS = ["mean", "sd", "ci_low", "ci_high"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(
        tmp_path_factory.mktemp("runs") / "run",
        protocol_names=("paper", "reference", "trial", "subject"),
        targets=("valence",),
        streams=("bio", "face+bio"),
        subjects=SUBJECTS,
        without_video=("07",),
        one_class=("05",),
        **SMALL,
    )


@pytest.fixture(scope="module")
def report(run, tmp_path_factory):
    page = write_report([run], tmp_path_factory.mktemp("reports") / "report")
    assert page.name == "index.html"
    return page.parent


@pytest.fixture(scope="module")
def page(report):
    return parse(report / "index.html")


@pytest.fixture(scope="module")
def scores(report):
    return pd.read_csv(report / "scores.csv")


def parse(path):
    """Read a page or a figure; both are well-formed XML, or this fails."""
    return parse_text(path.read_text())


def parse_text(text):
    root = ElementTree.fromstring(text)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def find(root, path):
    """Find elements by ``tag.class`` or ``tag#id``, in all that is inside."""
    tag, mark, name = re.fullmatch(r"(\w*)([.#]?)(.*)", path).groups()
    return [
        element
        for element in root.iter()
        if (not tag or element.tag == tag)
        and (mark != "." or name in element.get("class", "").split())
        and (mark != "#" or element.get("id") == name)
    ]


def first(root, path):
    return find(root, path)[0]


def text_of(element):
    return "".join(element.itertext()).strip()


def report_small(tmp_path, **options):
    """Report a small run; return its page."""
    return parse(
        write_report([make_small(tmp_path / "run", **options)], tmp_path / "out")
    )


def show_page(runs, plot=None):
    """Return the page of runs with the figures of ``plot`` alone, or without any."""
    studies = [make_study(held) for held in gather_runs(runs)]
    with house_style():
        plots = [plot(study) if plot else [] for study in studies]
    return parse_text(render_page(studies, plots))


def show_small(tmp_path, **options):
    """Return the page of a small run, without figures."""
    return show_page([make_small(tmp_path / "run", **options)])


def make_small(path, **options):
    small = {"targets": ("valence",), "streams": ("bio",), "subjects": SUBJECTS[:3]}
    return write_run(path, **{**small, **SMALL, **options})


def test_scores_are_written_as_the_contract_says(report, scores):
    header = (report / "scores.csv").read_text().splitlines()[0]

    assert header == CONTRACT
    n_parts = 4 * 2 * 4  # protocols, stream sets, learners
    assert len(scores) == n_parts * len(LEVELS) * len(METRICS)
    assert set(scores["level"]) == set(LEVELS)
    assert set(scores["metric"]) == set(METRICS)
    assert set(scores["leaks"]) == {"trial", "trial+epoch", "none"}


def test_page_is_well_formed_and_its_links_arrive(report, page):
    text = re.sub(r"<svg.*?</svg>", "", (report / "index.html").read_text(), flags=re.S)

    # XML lets any element close itself, HTML only some
    assert set(re.findall(r"<(\w+)[^<>]*/>", text)) == {"meta"}
    ids = Counter(element.get("id") for element in page.iter() if element.get("id"))
    assert [name for name, count in ids.items() if count > 1] == []
    links = [link.get("href") for link in find(page, "a")]
    assert len(links) > 5
    arrived = [
        link.removeprefix("#") in ids if link[0] == "#" else (report / link).is_file()
        for link in links
    ]
    assert all(arrived)


def test_page_needs_nothing_from_elsewhere(report, page):
    text = (report / "index.html").read_text()

    tags = {element.tag for element in page.iter()}
    assert not tags & {"script", "link", "iframe", "img", "image", "object", "embed"}
    names = ("src", "href", "{http://www.w3.org/1999/xlink}href")
    links = [element.get(name, "#") for element in page.iter() for name in names]
    assert all(re.match(r"#|(figures|tables)/[^/]+$", link) for link in links)
    assert all(url.startswith("#") for url in re.findall(r"url\(([^)]*)\)", text))
    assert "@import" not in text


def test_sections_come_in_the_order_of_the_story(page):
    heads = [text_of(head) for head in find(page, "h2")]

    assert heads == [
        "Do the signals say more than a prior without signals?",
        "The published protocol and the honest one",
        "Scores",
        "Every subject",
        "Confusion matrices",
        "Calibration",
        "Learning curves",
        "Face coverage",
        "What leaked",
        "How to read this",
        "Settings and environment",
    ]


def test_a_sentence_says_what_was_run(page):
    said = text_of(first(page, ".lead"))

    assert said == (
        "deap: 7 subjects, 56 trials and 168 segments of one second; network (6 "
        "epochs) beside the priors majority, subject-prior and stimulus-prior, on bio "
        "and face+bio, to split high valence (rating ≥ 5) from low, under 4 protocols, "
        "seed 0."
    )


def test_headline_shows_one_metric_at_one_level_on_both_sides(page, scores):
    published, honest = find(first(page, ".pair"), ".card")
    mine = scores.query(
        "target == 'valence' and streams == 'face+bio' and level == 'trial' "
        "and metric == 'balanced_accuracy'"
    ).set_index(["protocol", "learner"])["mean"]

    for card, protocol, leaks in (
        (published, "paper", "leaks: trial"),
        (honest, "trial", "leaks: none"),
    ):
        assert text_of(first(card, "code")) == protocol
        assert text_of(first(card, ".badge")) == leaks
        assert "shares: subject" in text_of(card)
        assert text_of(first(card, ".what")) == "balanced accuracy of trials"
        number = text_of(first(card, ".big")).removesuffix("%").strip()
        assert number == f"{100 * mine[protocol, 'network']:.1f}"
        rows = {text_of(row[0]): text_of(row[1]) for row in find(card, "tr")[1:]}
        assert list(rows.values()) == [
            f"{100 * mine[protocol, prior]:.1f}" for prior in PRIORS
        ]


def test_each_side_of_the_headline_says_how_its_number_came_about(page):
    published, honest = find(first(page, ".pair"), ".card")
    said = [
        dict(zip(*(map(text_of, find(card, tag)) for tag in ("dt", "dd")), strict=True))
        for card in (published, honest)
    ]

    assert said[0]["split"] == "seconds, shuffled, a model for each subject"
    assert said[1]["split"] == "whole trials held out, a model for each subject"
    assert said[0]["epochs"] == "the last of 6 epochs"
    assert re.fullmatch(
        r"chosen on validation rows among 6 epochs, median [\d.]+; "
        r"(\d+) of (\d+) fits could not choose( and took the last)?",
        said[1]["epochs"],
    )
    for facts in said:
        assert facts["recipe"] == "default, but epochs 6"
        assert facts["folds"] == "4"
        assert int(facts["training rows of a fold"].split("\N{EN DASH}")[0]) > 0


def test_the_prior_that_knows_what_a_protocol_shares_is_named_and_no_other(page):
    published, honest = find(first(page, ".pair"), ".card")

    assert find(published, "tr.own") == []
    (own,) = find(honest, "tr.own")
    assert text_of(own[0]).startswith("subject-prior")
    rows = find(first(page, "table.over"), "tr")[1:]
    named = {text_of(row[0]): text_of(row[4]) for row in rows}
    assert named == {"trial": "subject-prior", "subject": "stimulus-prior"}


def test_the_gap_of_the_headline_is_said_and_tabulated_from_the_same_numbers(tmp_path):
    page = show_small(
        tmp_path, protocol_names=("paper", "trial-matched", "trial"), n_trials=20
    )

    said = text_of(first(page, "p.gap"))
    rows = [
        [text_of(cell) for cell in find(row, "td")]
        for row in find(first(page, "table.gaps"), "tr")
        if find(row, "td")
    ]
    steps = {row[0].replace(MINUS, "minus"): row for row in rows}
    assert list(steps) == [
        "paper minus trial-matched",
        "trial-matched minus trial",
        "paper minus trial",
    ]
    assert steps["paper minus trial-matched"][1] == "leakage"
    for pair, row in steps.items():
        points = row[2].replace(MINUS, "-")
        assert f"{points} points" in said, pair
    total = [float(steps[pair][2].replace(MINUS, "-")) for pair in steps]
    assert total[2] == pytest.approx(total[0] + total[1], abs=0.11)


def test_without_its_control_the_headline_says_what_it_cannot_split(page):
    said = text_of(first(page, "p.gap"))

    assert "no control separates these apart" in said or "alone" in said
    assert "trial-matched minus" not in said


def test_a_control_is_never_a_headline(tmp_path):
    page = show_small(tmp_path, protocol_names=("trial-matched", "trial"))

    assert [
        text_of(first(c, "code")) for c in find(page, ".card") if find(c, "code")
    ] == ["trial"]
    assert "The published protocol was not run" in text_of(first(page, "#headline-1"))


def test_the_recipes_are_listed_with_their_sources(page):
    rows = find(first(page, "table.recipes"), "tr")[1:]

    assert [text_of(row[0]) for row in rows] == [r["setting"] for r in list_recipes()]
    assert "class_weight" in [text_of(row[0]) for row in rows]


def write_score(metric, value):
    """Write a score as a page does: shares in per cent, correlations as they are."""
    if not math.isfinite(value):
        return MISSING
    text = f"{value:.3f}" if metric == "mcc" else f"{100 * value:.1f}"
    return text.replace("-", MINUS)


def test_numbers_on_the_page_are_those_of_the_table(page, scores):
    keys = ["target", "level", "protocol", "streams", "learner", "metric"]
    rows = scores.set_index(keys).sort_index()
    seen = []

    for table in find(page, "table.scores"):
        for row in find(table, "tr.score"):
            for streams in row.get("data-streams").split():
                place = table.get("data-target"), table.get("data-level")
                place += row.get("data-protocol"), streams, row.get("data-learner")
                cells = find(row, "td")
                for cell, metric in zip(cells[3:8], METRICS, strict=True):
                    score = rows.loc[(*place, metric)]
                    mean, sd, low, high = (
                        write_score(metric, score[name]) for name in STATISTICS
                    )
                    assert cell.text == f"{mean} ± {sd}"
                    interval = text_of(first(cell, ".sub"))
                    wanted = f"{low} {MISSING} {high}" if low != MISSING else ""
                    assert interval == wanted
                    seen.append((*place, metric))
                balanced = rows.loc[(*place, "balanced_accuracy")]
                p_value = write_p(balanced["p_value"])
                assert text_of(cells[8]).startswith(p_value)
                if p_value:
                    assert f"({balanced['p_kind']})" in text_of(cells[8])
                    corrected = f"corrected {write_p(balanced['p_corrected'])}"
                    assert text_of(cells[8]).endswith(corrected)
                else:
                    assert text_of(cells[8]) == ""
    assert len(seen) == len(set(seen)) == len(scores)


def test_a_prior_stands_once_under_a_protocol_unless_stream_sets_have_other_rows(page):
    """Subject 07 has no video, so sets with faces have fewer trials."""
    rows = [row for row in find(page, "tr.score") if "prior" in row.get("class")]

    said = {text_of(find(row, "td")[0]) for row in rows}
    assert said == {"none; rows of bio", "none; rows of face+bio"}


def test_priors_that_coincide_stand_once(tmp_path):
    page = show_small(tmp_path, streams=("eeg", "peripheral"), learners=("network",))

    for table in find(page, "table.scores"):
        rows = find(table, "tr.prior")
        constant = [row for row in rows if row.get("data-learner") == "majority"]
        assert [row.get("data-streams") for row in constant] == ["eeg peripheral"] * 2
        assert {text_of(find(row, "td")[0]) for row in constant} == {"none"}


def test_every_row_that_leaks_says_so(page, scores):
    leaks = scores.groupby(["protocol", "learner"])["leaks"].first()
    rows = find(page, "tr.score")

    assert rows
    for row in rows:
        names = leaks[row.get("data-protocol"), row.get("data-learner")]
        assert text_of(find(row, "td")[2]) == names.replace("+", ", ")
        assert ("leak" in row.get("class").split()) == (names != "none")


def test_long_tables_are_folded_and_the_answer_is_not(page):
    folded = [table for d in find(page, "details") for table in find(d, "table")]

    for table in [*find(page, "table.scores"), *find(page, "table.over")]:
        assert table in folded
    answer = first(page, "section.answer")
    assert find(answer, "details") == []
    elements = list(page.iter())
    assert elements.index(answer) < elements.index(first(page, ".pair"))


def test_the_answer_says_what_leaks_beside_it(page):
    answer = first(page, "section.answer")

    heads = [text_of(head) for head in find(answer, "h3")]
    assert len(heads) == 1
    assert heads[0].startswith("valence: ")
    assert not re.search(r"paper|reference", heads[0])
    leaking = text_of(first(answer, ".leaking"))
    assert "paper leaks (trial): " in leaking
    assert "reference leaks (trial, epoch): " in leaking
    verdicts = [text_of(first(item, "code")) for item in find(answer, "li")]
    assert verdicts == ["subject", "trial"]


ONE_FIGURE = ("bars", "paired", "confusion", "calibration", "curves", "faces")


@pytest.mark.slow
def test_a_protocol_that_is_called_like_a_column_is_drawn(tmp_path):
    run = write_run(tmp_path / "run", protocol_names=("paper-pooled", "subject"))

    write_report([run], tmp_path / "report")

    paired = pd.read_csv(next((tmp_path / "report").rglob("paired-*.csv")))
    assert {"subject", "protocol subject", "paper-pooled"} <= set(paired)


def test_every_figure_of_a_leaking_protocol_says_so(report):
    paths = sorted((report / "figures").glob("*.svg"))

    kinds = Counter(path.name.partition("-")[0] for path in paths)
    assert kinds == {"subjects": 2, **dict.fromkeys(ONE_FIGURE, 1)}
    for path in paths:
        texts = [text_of(text) for text in find(parse(path), "text")]
        if path.name.startswith(("bars", "paired")):
            assert any("paper, leaks: trial" in text for text in texts)
            assert any("trial, leaks: none" in text for text in texts)
        elif not path.name.startswith("faces"):
            assert texts.count("paper") == 1
            assert texts.count("leaks: trial") == 1
            assert texts.count("leaks: trial+") == 1
            assert texts.count("leaks: none") == 2
            assert "url(#" in path.read_text()  # the hatch


def test_figures_are_legible_and_on_the_page(report, page):
    paths = sorted((report / "figures").glob("*.svg"))

    for path in paths:
        sizes = re.findall(r"font-size: ([\d.]+)px", path.read_text())
        assert sizes
        assert min(map(float, sizes)) >= 8
        assert "pt" in re.search(r'<svg [^>]*width="([^"]+)"', path.read_text())[1]
    plotted = find(page, ".plot")
    assert len(plotted) == len(find(page, "svg")) == len(paths)
    assert all(figure.get("aria-label") for figure in plotted)


def test_what_leaked_is_counted_from_the_rows(page):
    rows = [
        [text_of(cell) for cell in row]
        for row in find(first(page, "table.leaks"), "tr")
        if row[0].get("scope") == "row"
    ]

    protocols = [row[0] for row in rows]
    assert protocols == ["paper", "reference", "reference", "trial", "subject"]
    assert rows[0][1].startswith("leaks: trial")
    assert rows[1][1].startswith("leaks: trial, epoch")
    shared_trials, shared_subjects = [row[4] for row in rows], [row[5] for row in rows]
    assert "0" not in shared_trials[:3]
    assert shared_trials[3:] == ["0", "0"]
    assert shared_subjects == ["1", "1", "1", "1", "0"]


def test_what_could_not_be_treated_alike_is_counted(page):
    counted = text_of(first(page, "#leaked-1"))

    assert "valence labels are all equal" in counted
    assert "1 of 7 (05)" in counted
    assert "training part held one class" in counted
    assert "so that the last epoch was used" in counted
    assert "1 subject without video: 07" in text_of(first(page, "#faces-1"))


@pytest.mark.slow
def test_same_run_gives_the_same_bytes_whatever_the_style(run, report, tmp_path):
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        before = dict(mpl.rcParams)
        write_report([run], tmp_path)
        assert dict(mpl.rcParams) == before

    written = sorted(p.relative_to(report) for p in report.rglob("*") if p.is_file())
    # page, scores, coverage, tables in three forms, figures in two with their numbers
    assert len(written) == 3 + 3 * 2 + 3 * 8
    for name in written:
        assert (tmp_path / name).read_bytes() == (report / name).read_bytes(), name


def test_names_from_files_stay_text(tmp_path):
    hostile = ("<script>alert(1)</script>", "$\\frac{", "a&b]]>\"'")

    page = report_small(
        tmp_path, subjects=hostile, streams=("face+bio",), one_class=hostile[:1]
    )

    assert find(page, "script") == []
    assert hostile[0] in text_of(first(page, "#leaked-1"))
    ticks = [text_of(text) for text in find(first(page, "#faces-1"), "text")]
    assert {"<script>alert(1)<…", *hostile[1:]} <= set(ticks)


@pytest.mark.parametrize(
    ("protocols", "says"),
    [
        (("trial",), "The published protocol was not run"),
        (("subject-stimulus",), "The published protocol was not run"),
        (("paper",), "No protocol that keeps trials whole was run"),
    ],
)
def test_one_side_of_the_headline_may_be_missing(tmp_path, protocols, says):
    page = show_small(tmp_path, protocol_names=protocols, subjects=SUBJECTS)

    headline = first(page, "#headline-1")
    assert says in text_of(headline)
    assert len(find(headline, ".big")) == 1
    assert "was not run." in text_of(first(headline, ".empty"))


def test_a_protocol_is_one_row_and_stands_in_the_headline_and_every_table(
    tmp_path, monkeypatch
):
    """A row that no list knows, of a unit that the table of units has."""
    row = dataclasses.replace(
        PROTOCOLS["stimulus"], name="recording", unit="recording", shares=SHARES
    )
    monkeypatch.setitem(PROTOCOLS, "recording", row)

    page = report_small(tmp_path, protocol_names=("paper-pooled", "recording"))

    headline = text_of(first(page, "#headline-1"))
    assert "whole recordings held out, one model of all subjects" in headline
    assert "No protocol that keeps trials whole was run" not in headline
    scores = pd.read_csv(tmp_path / "out" / "scores.csv")
    assert set(scores["protocol"]) == {"paper-pooled", "recording"}
    for table in ("#scores-1", "#leaked-1"):
        assert "recording" in text_of(first(page, table))


def test_one_subject_has_no_spread_and_no_interval(tmp_path):
    page = report_small(tmp_path, subjects=("01",))

    assert "mean of 1 subject" in text_of(first(page, ".card"))
    assert "±" not in text_of(first(page, ".scores"))
    assert "they need at least 6 subjects" in text_of(page)


def test_scores_that_are_undefined_are_a_dash(tmp_path):
    page = report_small(tmp_path, subjects=SUBJECTS[:2], one_class=SUBJECTS[:2])

    cells = find(first(page, "tr.score"), "td")
    assert [text_of(cell) for cell in cells[4:8]] == [MISSING] * 4
    assert "2 of 2 (01, 02)" in text_of(page)
    assert not re.search(r"\bnan\b", text_of(page))


def test_priors_alone_have_neither_curves_nor_confusions(tmp_path):
    page = report_small(tmp_path, learners=(), without_video=SUBJECTS)

    assert "nothing was trained by epochs" in text_of(first(page, "#curves-1"))
    assert "only priors were run" in text_of(first(page, "#confusion-1"))
    assert "No trial has a face video" in text_of(first(page, "#faces-1"))
    assert "majority on bio" in text_of(first(page, "#headline-1"))


def test_runs_of_one_recipe_are_shown_together(tmp_path):
    runs = [
        make_small(tmp_path / name, protocol_names=(name,))
        for name in ("paper", "trial")
    ]

    page = show_page(runs)

    cards = find(page, ".card")
    assert [text_of(first(card, "code")) for card in cards] == ["paper", "trial"]


def test_runs_of_other_recipes_get_sections_of_their_own(tmp_path):
    names = ("deap", "mahnob")
    runs = [make_small(tmp_path / name, dataset=name) for name in names]

    page = parse(write_report(runs, tmp_path / "out"))

    assert len(find(page, "#scores-2")) == 1
    assert tuple(pd.read_csv(tmp_path / "out/scores.csv")["dataset"].unique()) == names
    ids = Counter(element.get("id") for element in page.iter() if element.get("id"))
    assert max(ids.values()) == 1


def test_runs_with_the_same_scores_are_refused(run, tmp_path):
    with pytest.raises(UserError, match=r"scores of protocol paper, valence.*too"):
        write_report([run, run], tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_figures_of_an_earlier_report_go_and_other_files_stay(tmp_path):
    folder = tmp_path / "out" / "figures"
    folder.mkdir(parents=True)
    for name in ("curves-valence-lstm.svg", "mine.svg"):
        (folder / name).write_text("old")

    report_small(tmp_path, targets=("valence", "arousal"))

    names = [path.name for path in sorted(folder.iterdir())]
    assert "curves-valence-lstm.svg" not in names
    assert {"curves-valence-network.svg", "curves-arousal-network.svg"} < set(names)
    assert (folder / "mine.svg").read_text() == "old"
    assert not list(tmp_path.rglob(".*"))


def test_output_that_is_a_file_is_refused(run, tmp_path):
    out = tmp_path / "report"
    out.write_text("")

    with pytest.raises(UserError, match=r"out: .*report: is a file, not a folder"):
        write_report([run], out)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="no finished run here"):
        write_report([tmp_path], tmp_path / "out")
    with pytest.raises(UserError, match="no run was named"):
        write_report([], tmp_path / "out")


def test_template_and_style_lie_in_the_package():
    names = {file.name for file in files("deepvanet.reporting").iterdir()}

    assert {"page.html", "page.css"} <= names
