"""Tests of what :mod:`deepvanet.reporting` says of cleaned recordings."""

import re

import numpy as np
import pandas as pd
import pytest
from test_report import find, first, make_small, parse, show_page, text_of

from deepvanet.preprocessing.cleaning.ica import ARTEFACT_CLASSES
from deepvanet.reporting import write_report
from deepvanet.reporting.cleaning import CLASSES
from deepvanet.reporting.traces import plot_cleaning
from deepvanet.results import count_removed
from fake_cleaning import CHANNELS, NO_PULSES, TOO_SHORT, write_cleaning

FIGURE = "figures/cleaning-recordings.svg"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report of a run on 24 cleaned recordings: its folder, and their table."""
    folder = tmp_path_factory.mktemp("cleaned")
    run = make_small(folder / "run")
    table = write_cleaning(run)
    write_report([run], folder / "report")
    return folder / "report", table


@pytest.fixture(scope="module")
def section(made):
    return first(parse(made[0] / "index.html"), "#cleaning-1")


def show_cleaning(runs):
    """Return the page of runs, whose one figure is that of cleaning."""
    return show_page(runs, plot_cleaning)


def show_changed(tmp_path, **changes):
    """Return the page of a run whose table of recordings was changed."""
    run = make_small(tmp_path / "run")
    write_cleaning(run, **changes)
    return show_cleaning([run])


def read_sentences(section):
    return [" ".join(text_of(item).split()) for item in find(section, "li")]


def test_sentences_say_what_the_table_holds(made, section):
    table = made[1]
    unmixed = table[table["is_unmixed"] == 1]
    bad = [cell.split("+") for cell in table["bad_channels"] if cell]
    counts = pd.Series([name for names in bad for name in names]).value_counts()
    percent = 100 * unmixed["variance_removed"].to_numpy()

    said = read_sentences(section)

    n_all, n_removed = unmixed["n_components"].sum(), unmixed["n_removed"]
    assert 0 < len(unmixed) < len(table) == 24
    assert said[0].startswith(
        f"Cleaned by ICA: {len(unmixed)} of 24 recordings; the others"
    )
    assert said[1] == (
        f"Components removed: {n_removed.sum()} of {n_all}; the median recording lost "
        f"{n_removed.median():g} ({n_removed.min()} to {n_removed.max()})."
    )
    assert f": {np.median(percent):.1f} % in the median recording" in said[2]
    assert f"({percent.min():.1f} % to {percent.max():.1f} %)" in said[2]
    assert said[3].startswith(f"Recordings with bad channels: {len(bad)} of 24: ")
    assert {f"{name} ({n})" for name, n in counts.items()} == set(
        re.findall(r"\w+ \(\d+\)", said[3])
    )


def test_recordings_that_were_not_unmixed_are_named_and_the_reason_is(made, section):
    table = made[1]
    others = table[table["is_unmixed"] == 0]
    late = table["note"].str.contains(NO_PULSES, regex=False)

    said = read_sentences(section)

    for subject, recording in zip(others["subject"], others["recording"], strict=True):
        assert f"{recording} (subject {subject})" in said[0]
    assert said[-1] == f"{TOO_SHORT} ({len(others)} recordings)"
    assert said[-2] == f"{NO_PULSES} ({late.sum()} recordings)"


def test_classes_are_counted_over_the_recordings_that_were_unmixed(made, section):
    table = made[1]
    unmixed = table.loc[table["is_unmixed"] == 1, "removed"]
    counts = pd.DataFrame(map(count_removed, unmixed)).fillna(0)

    rows = [
        [text_of(cell) for cell in row]
        for row in find(first(section, "table.classes"), "tr")[1:]
    ]

    assert [row[0] for row in rows] == [name for name in CLASSES if name in counts]
    for name, total, median, span, n_recordings in rows:
        mine = counts[name]
        assert total == f"{mine.sum():g}"
        assert median == f"{mine.median():g}"
        assert span == f"{mine.min():g}\N{EN DASH}{mine.max():g}"
        assert n_recordings == str((mine > 0).sum())


def test_the_classes_shown_are_those_that_are_removed():
    assert set(CLASSES) == set(ARTEFACT_CLASSES)


def test_every_recording_has_its_row(made, section):
    rows = find(first(section, "table.recordings"), "tr")[1:]

    assert len(rows) == len(made[1])
    for row, held in zip(rows, made[1].to_dict("records"), strict=True):
        cells = [text_of(cell) for cell in row]
        unmixed = held["is_unmixed"] == 1
        lost = f"{held['n_removed']} of {held['n_components']}" if unmixed else ""
        share = f"{100 * held['variance_removed']:.1f}" if unmixed else "\N{EN DASH}"
        assert cells[:2] == [held["subject"], held["recording"]]
        assert cells[5:7] == ["yes" if unmixed else "no", lost]
        assert cells[8:] == [
            share,
            held["bad_channels"].replace("+", ", "),
            held["note"],
        ]


def test_the_figure_has_units_names_and_the_numbers_of_the_table(made, section):
    report, table = made
    unmixed = table.loc[table["is_unmixed"] == 1, "removed"]
    counts = pd.DataFrame(map(count_removed, unmixed)).sum()
    svg = (report / FIGURE).read_text()

    texts = [text_of(text) for text in find(parse(report / FIGURE), "text")]

    assert {"frequency (Hz)", "(dB re 1 µV²/Hz)", "time in the recording (s)"} < set(
        texts
    )
    assert any(re.fullmatch(r"\d+ µV", text) for text in texts)
    assert {*CHANNELS, "raw", "cleaned", "filtered only"} < set(texts)
    assert "spectra of 24 recordings" in texts
    assert "subject 01, recording 2" in texts
    assert f"components removed (of {table['n_components'].sum()})" in texts
    for name in CLASSES:
        assert f"{counts.get(name, 0):g}" in texts
    assert min(map(float, re.findall(r"font-size: ([\d.]+)px", svg))) >= 8
    assert len(find(section, "svg")) == 1


def test_a_run_without_the_files_says_nothing_of_cleaning(tmp_path):
    page = parse(write_report([make_small(tmp_path / "run")], tmp_path / "out"))

    assert find(page, "#cleaning-1") == []
    assert "What cleaning removed" not in text_of(page)
    assert "#cleaning-1" not in [link.get("href") for link in find(page, "a")]
    assert not (tmp_path / "out" / FIGURE).exists()


RAW_ONLY = {
    "artefacts": "none",
    "is_unmixed": 0,
    "n_components": 0,
    "n_removed": 0,
    "removed": "",
    "variance_removed": np.nan,
}


def test_recordings_that_were_filtered_only_as_asked_say_nothing(tmp_path):
    run = make_small(tmp_path / "run")
    write_cleaning(run, **RAW_ONLY, note="", bad_channels="")

    page = parse(write_report([run], tmp_path / "out"))

    assert find(page, "#cleaning-1") == []
    assert not (tmp_path / "out" / FIGURE).exists()


def test_what_was_noted_of_recordings_that_were_filtered_only_is_said(tmp_path):
    page = show_changed(tmp_path, **RAW_ONLY, note=NO_PULSES)

    section = first(page, "#cleaning-1")
    assert "not cleaned by ICA, as --artefacts none asks for" in text_of(section)
    assert read_sentences(section)[-1] == f"{NO_PULSES} (24 recordings)"
    assert "Components removed:" not in text_of(section)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "says", "never"),
    [
        ({"variance_removed": np.nan}, "Components removed:", "Variance that went"),
        ({"bad_channels": ""}, "Recordings with bad channels: 0 of 24.", "T7 ("),
        ({"note": ""}, "Cleaned by ICA: ", "Noted while reading"),
        ({"removed": "", "n_removed": 0}, "Components removed: 0 of", "with any"),
        ({"removed": "ghost:2"}, "ghost", "muscle:"),
        (
            {"subjects": ("01",), "n_recordings": 1},
            "Cleaned by ICA: 1 of 1 recording.",
            "All 1 ",
        ),
    ],
)
def test_odd_tables_are_shown_as_they_are(tmp_path, changes, says, never):
    section = first(show_changed(tmp_path, **changes), "#cleaning-1")

    text = " ".join(text_of(section).split())
    assert says in text
    assert never not in text
    assert not re.search(r"\bnan\b", text)
    assert len(find(section, "svg")) == 1


@pytest.mark.parametrize("missing", ["spectra.csv", "excerpt.npz"])
def test_what_is_known_is_said_without_the_figure(tmp_path, missing):
    run = make_small(tmp_path / "run")
    write_cleaning(run)
    (run / missing).unlink()

    section = first(show_cleaning([run]), "#cleaning-1")

    assert read_sentences(section)[0].startswith("Cleaned by ICA: ")
    assert find(section, "svg") == []


def test_recordings_without_eeg_have_no_figure(tmp_path):
    run = make_small(tmp_path / "run")
    write_cleaning(run)
    nothing = {"before": np.empty((0, 9)), "after": np.empty((0, 9))}
    arrays = {**np.load(run / "excerpt.npz"), **nothing, "channels": np.array([], str)}
    np.savez(run / "excerpt.npz", **arrays)

    assert find(first(show_cleaning([run]), "#cleaning-1"), "svg") == []


def test_names_from_recordings_stay_text(tmp_path):
    hostile = "<script>alert(1)</script>"

    page = show_changed(
        tmp_path,
        recording=hostile,
        bad_channels="<b>T7</b>",
        note="a < b & c",
        removed="<i>:1",
    )

    assert find(page, "script") == find(page, "b") == find(page, "i") == []
    section = first(page, "#cleaning-1")
    assert {hostile, "<b>T7</b>", "1 <i>"} < {
        text_of(cell) for cell in find(section, "td")
    }
    assert any("a < b & c" in said for said in read_sentences(section))


def test_notes_that_differ_in_their_numbers_are_one(tmp_path):
    run = make_small(tmp_path / "run")
    table = write_cleaning(run, note="")
    table["note"] = [f"needs {60 + place} s, got 30 s" for place in range(len(table))]
    table.to_csv(run / "recordings.csv", index=False)

    said = read_sentences(first(show_cleaning([run]), "#cleaning-1"))

    assert said[-1] == "needs 60 s, got 30 s, or the like (24 recordings)"


def test_recordings_of_several_runs_count_once(tmp_path):
    runs = [
        make_small(tmp_path / name, protocol_names=(name,))
        for name in ("paper", "trial")
    ]
    for run in runs:
        write_cleaning(run)

    section = first(show_cleaning(runs), "#cleaning-1")

    assert "All 24 recordings" in text_of(section)
    assert len(find(first(section, "table.recordings"), "tr")) == 1 + 24


@pytest.fixture(scope="module")
def unmixed(tmp_path_factory):
    """A report of a run whose trials lay in one recording a subject."""
    folder = tmp_path_factory.mktemp("unmixed")
    run = make_small(folder / "run", streams=("face", "bio"), unmixed_whole=True)
    return write_report([run], folder / "report").parent


def test_signals_that_entered_the_unmixing_are_said_wherever_they_leak(unmixed):
    page = parse(unmixed / "index.html")

    sentence = "test signals, without their labels, had a part in training"
    headline = " ".join(text_of(first(page, "#headline-1")).split())
    assert headline.count(sentence) == 1
    assert f"Under both, {sentence}" in headline
    honest = find(page, ".card")[1]
    assert text_of(first(honest, ".badge")) == "leaks: unlabelled"
    assert "leak" in honest.get("class").split()
    assert sentence in " ".join(text_of(first(page, "#words")).split())
    rows = [
        (row.get("data-streams"), row.get("data-learner"), text_of(row))
        for row in find(page, "tr.score")
        if row.get("data-protocol") == "trial"
    ]
    for streams, learner, text in rows:
        leaks = streams == "bio" and learner == "network"
        assert ("unlabelled" in text) == leaks


def test_a_figure_says_what_its_own_streams_leak(unmixed):
    for streams, says in (("face", "leaks: none"), ("bio", "leaks: unlabelled")):
        path = unmixed / f"figures/subjects-valence-{streams}.svg"
        texts = [text_of(text) for text in find(parse(path), "text")]
        assert texts.count(says) == 1


def test_folds_of_an_older_run_did_not_count_recordings(tmp_path):
    run = make_small(tmp_path / "run", protocol_names=("trial",))
    path = run / "leakage.json"
    path.write_text(re.sub(r'\s*"shared_recordings": \d+,', "", path.read_text()))

    table = first(show_page([run]), "table.leaks")

    heads = [text_of(cell) for cell in find(table, "th")]
    assert "subjects" in heads
    assert "recordings" not in heads
