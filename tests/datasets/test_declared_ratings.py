"""Tests of further columns of ratings, which recordings.toml declares."""

import numpy as np
import pytest

from deepvanet.cli import main
from deepvanet.config import Execution, PrepareSettings
from deepvanet.datasets.recordings.check import check_recordings
from deepvanet.datasets.recordings.trial_table import read_rows
from deepvanet.findings import Severity, attempt, collect
from deepvanet.preparation.run import prepare
from deepvanet.schema import UserError
from deepvanet.signal_io.declared import Declaration, read_declared
from deepvanet.store import open_store
from small_recordings import write_edf, write_trials

STRESS = Declaration(ratings={"stress": (1.0, 7.0)})


def write(folder, cells, **more):
    """Write a table whose rows have these cells in a column stress."""
    (folder / "a.edf").touch()
    rows = [
        {"subject": "1", "trial": k, "stimulus": f"c{k}", "bio": "a.edf"}
        | {"onset_s": 3 * k, "duration_s": 2, "valence": 5, "stress": cell, **more}
        for k, cell in enumerate(cells)
    ]
    return write_trials(folder / "trials.csv", rows)


def look(path, declared, **options):
    """Return the rows of a table, and what was found."""
    with collect() as found:
        rows = attempt(lambda: read_rows(path, declared, **options))
    return rows or [], found


def declare(folder, text):
    (folder / "recordings.toml").write_text(text)
    with collect() as found:
        declared = read_declared(folder)
    return declared, found


def test_a_declared_column_is_on_the_scale_from_1_to_9(tmp_path):
    rows, found = look(write(tmp_path, [1, "4,0", 7.0, ""]), STRESS)

    assert [row.more["stress"] for row in rows] == ["1", "5", "9", ""]
    assert [finding.code for finding in found] == ["F39"]  # of a decimal comma


def test_a_column_that_is_declared_from_1_to_9_stays_as_it_was_written(tmp_path):
    declared = Declaration(ratings={"stress": (1.0, 9.0)})

    rows, found = look(write(tmp_path, ["4.50", 9]), declared)

    assert [row.more["stress"] for row in rows] == ["4.50", "9"]
    assert found == []


def test_a_value_outside_of_the_scale_is_an_error_as_of_valence(tmp_path):
    rows, found = look(write(tmp_path, [8, 3, "high", 0, 4, 60, 55]), STRESS)

    (finding,) = found
    assert (finding.code, finding.severity) == ("R10", Severity.ERROR)
    assert finding.sentence == "stress must be from 1 to 7, got 8, 'high', 0, 60, 55"
    assert "lines 2, 4, 5, 7" in finding.place
    assert "write stress = [0, 100] under [ratings] in" in finding.cure
    assert [row.more["stress"] for row in rows][:3] == ["", "3.666666667", ""]


def test_a_column_of_numbers_that_is_not_declared_is_named(tmp_path):
    rows, found = look(write(tmp_path, [1, 4], mood="calm", age="31"), Declaration())

    (note,) = found
    assert (note.code, note.severity) == ("R02", Severity.NOTE)
    assert note.sentence == "3 columns are kept, not used: stress, mood, age"
    assert note.assumed.startswith("stress, age hold numbers, but no declared rating")
    assert "under [ratings], as stress = [1, 7]" in note.cure
    assert [row.more["stress"] for row in rows] == ["1", "4"]


def test_a_column_of_texts_needs_no_declaration(tmp_path):
    _, found = look(write(tmp_path, ["calm", "tense"]), Declaration())

    (note,) = found
    assert "numbers" not in note.assumed


def test_a_declared_column_that_is_not_there_is_an_error(tmp_path):
    declared = Declaration(ratings={"stres": (1.0, 7.0)})

    _, found = look(write(tmp_path, [1, 4]), declared)
    _, in_predict = look(tmp_path / "trials.csv", declared, for_training=False)

    assert [finding.code for finding in found] == ["R02", "R15"]
    assert "[ratings] names 'stres', which is no column of trials.csv" in str(found[1])
    assert "did you mean 'stress'?" in found[1].sentence
    assert [finding.code for finding in in_predict] == ["R02"]


def test_a_declaration_is_read_from_recordings_toml(tmp_path):
    declared, found = declare(
        tmp_path, "rating_range = [1, 5]\n[ratings]\nstress = [1, 7]\npain = [0, 100]\n"
    )

    assert found == []
    assert declared.ratings == {"stress": (1.0, 7.0), "pain": (0.0, 100.0)}
    assert declared.rescale(4.0, "stress") == 5.0
    assert declared.rescale(4.0) == 7.0
    assert declared.rescale(25.0, "pain") == 3.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[ratings]\nstress = 7\n", "stress of [ratings] must be the lowest and the"),
        ("[ratings]\nstress = [7, 1]\n", "stress of [ratings] must rise"),
        ("[ratings]\nstress = [1, inf]\n", "must be the lowest and the highest"),
        ("[ratings]\nvalence = [1, 7]\n", "the scale of valence is rating_range"),
        ("ratings = [1, 5]\n", "ratings must be a table, as [ratings], got [1, 5]"),
    ],
)
def test_a_declaration_that_is_none_is_refused(tmp_path, text, said):
    (tmp_path / "recordings.toml").write_text(text)

    with pytest.raises(UserError) as caught:
        read_declared(tmp_path)

    assert said in str(caught.value)


def test_a_column_of_another_meaning_is_no_rating(tmp_path):
    declared = Declaration(ratings={"onset_s": (1.0, 7.0)})

    rows, found = look(write(tmp_path, [1, 4]), declared)

    assert rows == []
    assert [finding.code for finding in found] == ["R26"]
    assert "onset_s of [ratings] is a column of another meaning" in str(found[0])


def test_a_key_that_stands_under_ratings_is_an_error(tmp_path):
    _, found = declare(tmp_path, "[ratings]\nstress = [1, 7]\nrating_range = [1, 5]\n")

    assert [finding.code for finding in found] == ["R15"]
    assert "write 'rating_range' above the first [section]" in found[0].sentence


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Two people whose stress rises from trial to trial, on a scale from 1 to 7."""
    folder = tmp_path_factory.mktemp("declared")
    rows = []
    for number, subject in enumerate("ab"):
        bio = np.random.default_rng(number).normal(0, 10, (2, 30 * 128))
        file = f"{subject}.bdf"
        write_edf(
            folder / file, bio, labels=("Fp1", "Cz"), units=("uV", "uV"), sfreq=128
        )
        rows += [
            {"subject": subject, "trial": k, "stimulus": f"c{k}", "bio": file}
            | {"onset_s": 3 * k, "duration_s": 2, "valence": 3 + k % 2 * 4}
            | {"stress": 1 + k % 7}
            for k in range(8)
        ]
    (folder / "recordings.toml").write_text("[ratings]\nstress = [1, 7]\n")
    return write_trials(folder / "trials.csv", rows)


def test_a_check_says_that_declared_ratings_are_mapped(recordings):
    found = check_recordings(recordings).findings

    (said,) = [finding for finding in found if finding.code == "R12"]
    assert (
        said.sentence == "ratings of stress from 1 to 7 are mapped to 1 to 9, linearly"
    )
    assert "R02" not in {finding.code for finding in found}


def test_a_declared_rating_is_a_target(recordings, tmp_path, capsys):
    settings = PrepareSettings(artefacts="none")
    out = tmp_path / "store"
    prepare("recordings", recordings, out, settings=settings, execution=Execution())

    rated = open_store(out).cut().read_ratings("stress")
    asked = ["train", out, "--out", tmp_path / "m", "--streams", "eeg"]
    asked += ["--target", "stress", "--task", "rating", "--learner", "bandpower-ridge"]
    asked += ["--no-cross-validate", "--baseline", "none"]

    assert main(list(map(str, asked))) == 0
    capsys.readouterr()
    assert (rated.min(), rated.max()) == (1.0, 9.0)
    assert "(1 to 9)" in (tmp_path / "m" / "README.md").read_text()
