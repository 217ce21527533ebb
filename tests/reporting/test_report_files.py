"""Tests of what a report writes for a paper: figures of any size, and tables."""

import re

import pandas as pd
import pytest

from deepvanet.cli import main
from deepvanet.config import ReportSettings
from deepvanet.reporting import write_report
from deepvanet.reporting.plotting import PlotStyle, Sheet, house_style
from deepvanet.schema import UserError
from fake_run import write_run

SMALL = {
    "protocol_names": ("paper", "trial"),
    "targets": ("valence",),
    "streams": ("bio",),
    "subjects": tuple(f"{number:02d}" for number in range(1, 8)),
    "n_trials": 8,
    "n_segments": 2,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs") / "run", **SMALL)


@pytest.fixture(scope="module")
def report(run, tmp_path_factory):
    settings = ReportSettings(figure_width=80, font_size=9)
    folder = tmp_path_factory.mktemp("reports") / "report"
    return write_report([run], folder, settings=settings).parent


def read_size_mm(svg):
    return float(re.search(r'<svg [^>]*width="([\d.]+)pt"', svg)[1]) * 25.4 / 72


def test_every_figure_is_there_as_svg_pdf_and_csv_and_linked(report):
    page = (report / "index.html").read_text()
    names = {path.stem for path in (report / "figures").glob("*.svg")}

    assert len(names) > 4
    for name in names:
        for end in ("svg", "pdf", "csv"):
            path = report / "figures" / f"{name}.{end}"
            assert path.stat().st_size > 0
            assert f'href="figures/{path.name}"' in page
        pdf = (report / "figures" / f"{name}.pdf").read_bytes()
        assert pdf.startswith(b"%PDF-")
        assert b"/TrueType" in pdf or b"/Type0" in pdf  # letters stay letters
        assert b"/CreationDate" not in pdf


def test_no_figure_is_wider_than_asked_for(report):
    for path in (report / "figures").glob("*.svg"):
        text = path.read_text()
        assert read_size_mm(text) <= 80.1, path.name
        sizes = {float(n) for n in re.findall(r"font-size: ([\d.]+)px", text)}
        assert max(sizes) <= 9.01
    subjects = (report / "figures" / "subjects-valence-bio.svg").read_text()
    assert read_size_mm(subjects) == pytest.approx(80, abs=0.2)
    assert "font-size: 9px" in subjects


@pytest.mark.parametrize(
    ("style", "size", "width"),
    [
        (PlotStyle(), 8, 3.5),
        (PlotStyle(font_pt=12.0), 12, 5.25),
        (PlotStyle(font_pt=12.0, width_in=3.5), 8, 3.5),
        (PlotStyle(width_in=1.75), 4, 1.75),
    ],
)
def test_a_sheet_is_made_smaller_where_it_does_not_fit(style, size, width):
    with house_style(style):
        sheet = Sheet(3.5, 2)
        sheet.write(0.1, 0.1, "words")
        made = sheet.finish("name", "title", pd.DataFrame())

    assert made.width_in == pytest.approx(width, abs=0.01)
    assert made.font_pt == size
    assert re.search(rf"font-size: {size}(\.0)?px|font: {size}(\.0)?px", made.svg)
    assert made.pdf == b""


def test_tables_are_there_in_three_forms_and_linked(report):
    page = (report / "index.html").read_text()
    scores = pd.read_csv(report / "scores.csv")

    for name in ("verdicts", "scores-valence"):
        files = {
            end: report / "tables" / f"{name}.{end}" for end in ("csv", "md", "tex")
        }
        for path in files.values():
            assert f'href="tables/{path.name}"' in page
        lines = files["md"].read_text().splitlines()
        n_columns = {len(re.findall(r"(?<!\\)\|", line)) for line in lines[2:]}
        assert len(n_columns) == 1
        text = files["tex"].read_text()
        assert text.count("&") % text.count(r"\\") == 0
        assert not re.search(r"(?<!\\)[%#_]", text)
    mine = pd.read_csv(report / "tables" / "scores-valence.csv")
    both = mine.merge(scores, on=list(scores.columns))
    assert len(both) == len(mine) > 0
    assert set(mine["level"]) == {"trial"}


def test_tables_of_an_earlier_report_go_and_other_files_stay(run, tmp_path):
    folder = tmp_path / "out" / "tables"
    folder.mkdir(parents=True)
    for name in ("scores-arousal.tex", "2-verdicts.csv", "mine.tex"):
        (folder / name).write_text("old")

    write_report([run], tmp_path / "out")

    names = {path.name for path in folder.iterdir()}
    assert {"mine.tex", "verdicts.csv"} <= names
    assert not {"scores-arousal.tex", "2-verdicts.csv"} & names


@pytest.mark.parametrize("option", ["--figure-width=20", "--font-size=200"])
def test_a_size_that_nobody_can_read_is_refused(run, tmp_path, option, capsys):
    assert main(["report", str(run), "--out", str(tmp_path / "out"), option]) == 2

    assert option.partition("=")[0] in capsys.readouterr().err
    with pytest.raises(UserError, match="figure_width"):
        ReportSettings(figure_width=20)
