"""Tests that README and documentation say what is true."""

import re
import shlex
import subprocess
import tomllib
from importlib import import_module

import pytest
from typer.main import get_command

from deepvanet import cli, results
from deepvanet.config import NetworkSettings
from deepvanet.explanation import CHANNEL_COLUMNS, STREAM_COLUMNS
from deepvanet.inference import TIMELINE_COLUMNS
from deepvanet.learners import LEARNERS
from deepvanet.learners.learner import FittedLearner, Learner
from deepvanet.metrics import (
    METRICS,
    PERMUTATION_COLUMNS,
    SCORE_COLUMNS,
    SEED_COLUMNS,
)
from deepvanet.preprocessing.face import BACKENDS
from deepvanet.protocols import PROTOCOLS
from deepvanet.record_tables import TABLES, fill_tables
from deepvanet.schema import STREAM_SETS, Stream, UserError
from shown_code import PAGES, ROOT, list_lines, name_headings, read_prose
from small_store import take_rows


def read(name):
    return (ROOT / name).read_text()


def list_commands():
    """Yield every ``deepvanet ...`` line of a shell block, with its page."""
    for page, line in list_lines():
        if line.startswith("deepvanet "):
            yield pytest.param(line, id=f"{page.name}: {line}")


def test_the_readme_starts_with_the_two_commands():
    first = re.search(r"```sh\n(.*?)```", read("README.md"), flags=re.S)

    commands = [line.split("#")[0].strip() for line in first[1].splitlines()]
    assert commands == ["make demo", "make test"]


@pytest.mark.parametrize("line", list(list_commands()))
def test_every_command_shown_is_one_that_parses(line):
    name, *arguments = shlex.split(line)[1:]
    command = get_command(cli.app).commands[name]

    context = command.make_context(name, list(arguments))

    assert context.params


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_that_shows_commands_says_once_how_they_become_available(page):
    text = page.read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.S)
    shows = any(re.search("^deepvanet ", block, flags=re.M) for block in blocks)

    assert not shows or "source .venv/bin/activate" in text


def test_make_install_ends_with_the_line_that_makes_the_command_available():
    done = subprocess.run(
        ["make", "--dry-run", "--silent", "install"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    last = done.stdout.strip().splitlines()[-1]
    assert "source .venv/bin/activate" in last
    assert "every extra (2.8 GB, about 90 s" in read("README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_its_heading(page):
    links = re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", read_prose(page))

    for link in links:
        name, _, heading = link.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), link
        assert not heading or heading in name_headings(file), link


def test_headings_are_named_as_github_names_them(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A page, and `code`\n## [Linked](x.md#y) 2\n```sh\n# no heading\n```\n"
        "## Twice\n## Twice\n## Un-like a_b (c)\n"
    )

    assert name_headings(page) == {
        *("a-page-and-code", "linked-2", "twice", "twice-1", "un-like-a_b-c"),
    }


def test_every_page_that_a_message_or_docstring_names_is_there():
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "src").rglob("*.html")]

    named = {
        name
        for file in files
        for name in re.findall(r"\b(docs/[\w/-]+\.\w+)", file.read_text())
    }
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_of_a_page_are_made_from_the_records(page):
    text = page.read_text()

    assert fill_tables(text) == text, (
        "run: python -m deepvanet.record_tables docs/*.md README.md"
    )


def test_each_table_of_records_is_in_a_page():
    marks = re.findall(
        r"<!-- table of ([\w -]+) -->", "".join(p.read_text() for p in PAGES)
    )

    assert sorted(marks) == sorted(TABLES)
    with pytest.raises(UserError, match="no table of clowns; known: protocols"):
        fill_tables("<!-- table of clowns -->\n<!-- end of table -->")


def test_help_names_every_learner_that_reads_signals():
    options = {p.name: p for p in get_command(cli.app).commands["evaluate"].params}

    for name, record in LEARNERS.items():
        rule = name.rpartition(":")[2]
        assert (rule in options["learner"].help) == (record.kind != "prior")


def test_the_table_of_protocols_is_the_protocols():
    page = read("docs/protocols.md").partition("## What is checked")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \|(.*)\|$", page, re.M)

    said = {name: [cell.strip() for cell in rest.split("|")] for name, rest in rows}
    assert list(said) == list(PROTOCOLS)
    for name, (kind, _, unit, _, leaks, shares) in said.items():
        protocol = PROTOCOLS[name]
        assert kind == protocol.kind
        whole = protocol.unit.replace("+", " and ")
        assert unit == ("past and future" if protocol.is_forward else whole)
        assert leaks == (", ".join(protocol.leaks) or "none")
        assert shares == (", ".join(protocol.shares) or "none")


def test_the_protocol_option_names_all_protocols():
    options = {p.name: p for p in get_command(cli.app).commands["evaluate"].params}

    assert all(f"{name}" in options["protocol"].help for name in PROTOCOLS)
    assert all(name in options["streams"].help for name in STREAM_SETS)


@pytest.mark.parametrize(
    "columns",
    [
        SCORE_COLUMNS,
        TIMELINE_COLUMNS,
        STREAM_COLUMNS,
        CHANNEL_COLUMNS,
        results.PREDICTION_COLUMNS,
        results.RECORDING_COLUMNS,
        results.SPECTRUM_COLUMNS,
        results.CHOICE_COLUMNS,
        SEED_COLUMNS,
        PERMUTATION_COLUMNS,
    ],
    ids=[
        *(
            "scores.csv",
            "timeline",
            "streams.csv",
            "channels.csv",
            "predictions.csv",
            "recordings.csv",
        ),
        *("spectra.csv", "choices.csv", "seeds.csv"),
        "permutations.csv",
    ],
)
def test_the_page_on_files_lists_the_columns(columns):
    text = " ".join(read("docs/files.md").split())

    assert ", ".join(columns) in text


def test_the_page_on_scores_names_all_metrics():
    text = read("docs/scores.md").lower()

    names = {"macro_f1": "macro-f1", "mcc": "matthews correlation"}
    for metric in METRICS:
        assert names.get(metric, metric.replace("_", " ")) in text


def test_the_page_on_faces_names_all_backends():
    text = read("docs/faces.md")

    assert all(f"`{name}" in text for name in BACKENDS)


def test_the_page_on_learners_names_all_of_them():
    text = read("docs/learners.md")

    for name in LEARNERS:
        rule = name.removeprefix("decision-fusion:")
        assert f"`{rule}`" in text, name


def test_the_learner_of_the_page_on_learners_is_one(tiny_store, tmp_path):
    code = re.search(r"```python\n(.*?)```", read("docs/learners.md"), re.S)[1]
    held = {"__name__": "example"}
    exec(code, held)
    rows = take_rows(tiny_store(tmp_path / "store", effect=2.0), [Stream.FACE])
    learner = held["make"]("brightness", NetworkSettings(), 0)

    fitted = learner.fit(rows)

    assert isinstance(learner, Learner)
    assert isinstance(fitted, FittedLearner)
    assert ((fitted.score(rows) > 0.5) == rows.label).mean() > 0.9
    fitted.save(tmp_path / "fitted")
    loaded = held["load"](tmp_path / "fitted")
    assert loaded.score(rows).tobytes() == fitted.score(rows).tobytes()
    assert len(code.splitlines()) < 60


def test_the_page_on_the_layout_has_the_floors_that_are_checked():
    checked = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]
    floors = [
        sorted(re.split(r"\s*\|\s*", layer))
        for layer in checked["contracts"][0]["layers"]
    ]
    rows = re.findall(r"^\| \d+ \| (.*) \|$", read("docs/layout.md"), re.M)

    written = [sorted(re.findall(r"(?:^|; )`(\w+)`", row)) for row in rows]
    assert written == floors


def test_what_the_page_on_the_layout_names_is_there():
    names = re.findall(r"`((?:[a-z_]+\.)+\w+)`", read("docs/layout.md"))
    files = {".py", ".csv", ".json", ".html"}

    named = [name for name in names if f".{name.rpartition('.')[2]}" not in files]
    missing = [
        name for name in named if not name.startswith("reader.") and not exists(name)
    ]
    assert len(named) > 20
    assert missing == []


def exists(name):
    """Whether a module of the package, or something in one, has a name."""
    name = name.removeprefix("deepvanet.")
    parent, _, leaf = name.rpartition(".")
    try:
        import_module(f"deepvanet.{name}")
    except ModuleNotFoundError:
        return hasattr(import_module(f"deepvanet.{parent}"), leaf)
    return True


def test_make_help_explains_every_verb():
    makefile = read("Makefile")

    verbs = re.findall(r"^\.PHONY: (.*)$", makefile, re.M)[0].split()
    explained = re.findall(r"^([a-z-]+):.*## ", makefile, re.M)
    assert sorted(verbs) == sorted(explained)
    wanted = {"install", "demo", "test", "check", "format", "bench", "docs", "clean"}
    assert wanted <= set(verbs)
