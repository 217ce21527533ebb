"""What a report says of groups of people, and of sets for new people."""

import re
import subprocess
import sys

import pandas as pd
import pytest

import deepvanet
from deepvanet.config import ReportSettings
from deepvanet.reporting import write_report
from deepvanet.reporting.studies import make_study
from deepvanet.results import open_run
from deepvanet.schema import UserError
from fake_run import write_run

SUBJECTS = tuple(f"{number:02d}" for number in range(1, 19))


def add_columns(run, **columns):
    """Give the trials of a run columns, as a function of the subject's number."""
    file = run / "trials.csv"
    trials = pd.read_csv(file, dtype={"subject": str, "trial": str})
    number = trials["subject"].astype(int)
    trials.assign(**{k: number.map(v) for k, v in columns.items()}).to_csv(
        file, index=False
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = write_run(
        tmp_path_factory.mktemp("people") / "run",
        protocol_names=("trial", "subject"),
        targets=("valence",),
        streams=("bio",),
        learners=("network", "bandpower-nb"),
        subjects=SUBJECTS,
        n_trials=10,
        n_segments=1,
    )
    add_columns(
        run=path,
        sex=lambda n: "f" if n < 9 else "m" if n < 16 else "",
        age=lambda n: 20 + n,
        **{"<b>": lambda n: "<i>a" if n % 2 else "b"},
    )
    return path


@pytest.fixture(scope="module")
def report(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    write_report([run], out, settings=ReportSettings(group=("sex", "<b>")))
    return out


def cut_section(report, name):
    page = (report / "index.html").read_text()
    return re.search(rf'<section id="{name}-1">.*?</section>', page, re.DOTALL)[0]


def test_each_group_has_its_score_and_number_of_subjects_under_each_protocol(report):
    table = pd.read_csv(report / "groups.csv")
    section = cut_section(report, "groups")

    mine = table[(table["column"] == "sex") & (table["metric"] == "balanced_accuracy")]
    assert set(mine["protocol"]) == {"trial", "subject"}
    assert mine.groupby("group")["n_subjects"].unique().map(list).to_dict() == {
        "f": [8],
        "m": [7],
        "not stated": [3],
    }
    (row,) = mine[
        (mine["protocol"] == "trial")
        & (mine["learner"] == "network")
        & (mine["group"] == "f")
    ].to_dict("records")
    assert row["ci_low"] < row["mean"] < row["ci_high"]
    assert f"{100 * row['mean']:.1f}" in section
    assert "Subjects: f 8, m 7, not stated 3." in section


def test_a_group_of_few_people_says_that_nothing_is_known(report):
    section = cut_section(report, "groups")

    assert "nothing is known: 3 scored subjects, 6 are needed" in section


@pytest.mark.slow
def test_scores_of_all_subjects_stay_as_they_were(run, report, tmp_path):
    write_report([run], tmp_path)

    assert not (tmp_path / "groups.csv").exists()
    assert "groups-1" not in (tmp_path / "index.html").read_text()
    plain, grouped = (
        (folder / "scores.csv").read_bytes() for folder in (tmp_path, report)
    )
    assert plain == grouped


def test_names_of_groups_are_text_on_the_page(report):
    section = cut_section(report, "groups")

    assert "&lt;i&gt;a" in section
    assert "<i>a" not in section


def test_sets_are_reported_where_people_are_held_out_and_nowhere_else(report):
    table = pd.read_csv(report / "coverage.csv")
    section = cut_section(report, "coverage")

    assert set(table["protocol"]) == {"subject"}
    (row,) = table[table["learner"] == "network"].to_dict("records")
    assert row["ci_low"] <= row["coverage"] <= row["ci_high"]
    assert f"{100 * row['coverage']:.1f}" in section
    assert "majority" not in section


def test_a_run_without_people_held_out_has_no_sets(tmp_path):
    run = write_run(tmp_path / "run", protocol_names=("trial",), streams=("bio",))

    assert make_study([open_run(run)]).coverage.empty


@pytest.mark.slow
def test_python_takes_the_same_groups(run, report, tmp_path):
    page = deepvanet.report(run, tmp_path / "report", group="sex,<b>")

    groups = (page.parent / "groups.csv").read_bytes()
    assert groups == (report / "groups.csv").read_bytes()


def test_a_column_that_is_no_group_ends_with_a_sentence_and_status_2(run, tmp_path):
    out = tmp_path / "report"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "deepvanet", "report", str(run)),
            *("--group", "age", "--out", str(out)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr == (
        f"deepvanet: --group: column age of run {run} has 18 values; at most 10 groups "
        "are scored, so put them into bands in a column of their own, as age_band\n"
    )
    assert not out.exists()


def test_two_runs_that_say_two_things_of_a_person_are_refused(run, tmp_path):
    other = write_run(
        tmp_path / "other",
        protocol_names=("stimulus",),
        targets=("valence",),
        streams=("bio",),
        subjects=SUBJECTS,
        n_trials=10,
        n_segments=1,
    )
    add_columns(run=other, sex=lambda _: "m")

    study = make_study([open_run(run), open_run(other)], group=["sex"])
    with pytest.raises(UserError, match="subject 01 of run") as refused:
        len(study.groups)

    assert str(refused.value).endswith("has the sex 'm', and in another run 'f'")


def write_people(path, text):
    path.write_text(text)
    return path


def test_a_table_of_people_groups_them_as_a_column_of_trials_does(
    run, report, tmp_path, caplog
):
    rows = [f"{n};{'f' if n < 9 else 'm'};{20 + n}" for n in range(1, 16)]
    people = write_people(
        tmp_path / "questionnaire.csv",
        "\n".join(["Participant_id;Gender;Age", *rows, "99;f;30"]),
    )

    page = deepvanet.report(run, tmp_path / "report", group="Gender", people=people)

    table = pd.read_csv(page.parent / "groups.csv")
    usual = pd.read_csv(report / "groups.csv")
    assert set(table["column"]) == {"Gender"}
    pd.testing.assert_frame_equal(
        table.drop(columns="column"),
        usual[usual["column"] == "sex"].drop(columns="column").reset_index(drop=True),
    )
    assert "3 subjects are not listed: 16, 17, 18" in caplog.text


@pytest.mark.parametrize(
    ("text", "column", "sentence"),
    [
        ("subject,sex\n1,f\n", "", "is read for groups, and none is asked for"),
        ("person\n1\n", "sex", "has no column beside person"),
        ("", "sex", "people.csv: is empty, expected a table of people"),
        ("who,sex\n1,f\n", "sex", "no column names subjects, as subject does; got who"),
        ("subject,sex\n1,f\n1,f\n", "sex", "line 3 has a second row of subject 1"),
        ("subject,sex\n1,f\n,f\n", "sex", "line 3 has no subject"),
        ("subject,sex\nanna,f\n", "sex", "lists none of the subjects 01, 02"),
        ("subject,hand\n1,l\n001,r\n", "hand", "1, 001 are all subject 01"),
        ("subject,sex\n1,m\n", "sex", "has two values of sex, 'f' and 'm'"),
        ("subject,hand\n1,l\n2,r\n", "eye", "one value a subject: sex, <b>, hand"),
    ],
)
def test_a_table_of_people_that_gives_no_groups_is_refused(
    run, tmp_path, text, column, sentence
):
    people = write_people(tmp_path / "people.csv", text)

    with pytest.raises(UserError) as refused:
        deepvanet.report(run, tmp_path / "report", group=column, people=people)

    assert sentence in str(refused.value)
    assert not (tmp_path / "report").exists()
