"""Each property of recordings in each format: read right, or reported."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from deepvanet.config import Execution, PrepareSettings
from deepvanet.datasets import check, find_data_set
from deepvanet.findings import CODES, Finding, Severity, attempt, collect
from deepvanet.preparation.run import prepare
from deepvanet.preprocessing.video import sample_frames
from deepvanet.schema import Recording, Target, UserError
from deepvanet.signal_io.units import convert
from field.checklist import render_checklist
from field.properties import CELLS, PROPERTIES, choose_some
from field.recordings import SECONDS, Truth, Written
from field.records import KINDS, Cell
from films import read_number

CHECKLIST = Path(__file__).parents[2] / "docs" / "checklist.md"


def find_all(written: Written) -> tuple[Finding, ...]:
    """Return what ``check`` says, also where it cannot look at all."""
    with collect() as found:
        result = attempt(
            lambda: check(written.data_set, written.root), source=written.root
        )
    return (*found, *(result.findings if result else ()))


def read_all(written: Written) -> list[Recording]:
    """Read as ``prepare`` does; errors go on under what they assume."""
    reader = find_data_set(written.data_set).load_reader()
    with collect():
        read = attempt(lambda: list(reader.read_recordings(written.root, "1")))
    return read or []


def compare_codes(found: Sequence[Finding], cell: Cell) -> None:
    """Hold that codes are those expected, and that no error or warning is not."""
    codes = {f.code for f in found}
    loud = {f.code for f in found if f.severity is not Severity.NOTE}
    expected = set(cell.codes)
    silent = {code for code in expected if CODES[code].severity is Severity.NOTE}
    said = "\n".join(str(f) for f in found)
    assert expected <= codes, f"not found: {expected - codes}\n{said}"
    assert loud - cell.usual == expected - silent, said


def compare_truth(recording: Recording, truth: Truth) -> None:
    """Hold tones, step, onsets and missing data to what was written."""
    rows = {c.name: (c.unit, recording.bio[k].astype(float)) for k, c in
            enumerate(recording.channels)}  # fmt: skip
    assert not set(truth.absent) & set(rows)
    seconds = np.arange(recording.bio.shape[1]) / recording.sfreq
    for name, amplitude in truth.tones.items():
        values = _convert(rows, name, truth.units.get(name, "uV"))
        half = np.ptp(values[np.isfinite(values)]) / 2
        assert half == pytest.approx(amplitude, rel=0.06), name
        _compare_missing(np.isnan(values), seconds, truth, name)
    if truth.step:
        name, at = truth.step
        values = _convert(rows, name, truth.units.get(name, "uS"))
        first, second = truth.levels
        is_late = values > (first + second) / 2
        if first > second:
            is_late = values < (first + second) / 2
        assert seconds[is_late][0] == pytest.approx(at, abs=truth.step_doubt_s)
        assert np.nanmedian(values[seconds < at]) == pytest.approx(first, rel=0.02)
        assert np.nanmedian(values[seconds > at]) == pytest.approx(second, rel=0.02)
    if truth.pictures_hz:
        compare_pictures(recording, truth)
    onsets = [span.onset_s for span in recording.spans]
    assert onsets == pytest.approx(list(truth.onsets), abs=truth.onset_doubt_s)
    for span in recording.spans:
        true = dict(zip(Target, truth.ratings[int(span.trial) - 1], strict=True))
        known = {
            target: rating for target, rating in true.items() if rating is not None
        }
        assert span.ratings == pytest.approx(known), f"trial {span.trial}"


def compare_pictures(recording: Recording, truth: Truth) -> None:
    """Hold that pictures show the number of the moment for which they are taken."""
    video = recording.spans[0].video
    with collect():
        taken = list(sample_frames(video, fps=5.0))
    start, end = truth.unseen_s
    assert len(taken) >= 5 * (SECONDS - (end - start)) - 10
    for frame in taken:
        at = frame.index / 5
        assert not start + 0.2 < at < end - 0.2
        shown = read_number(frame.rgb) / truth.pictures_hz
        assert shown == pytest.approx(at, abs=0.06), f"{shown} s in place of {at} s"


def _convert(rows, name: str, unit: str) -> np.ndarray:
    stored, values = rows[name]
    made = values if stored == unit else convert(values, stored, to=unit)
    assert made is not None, f"{name} is in {stored}, not {unit}"
    return made


def _compare_missing(
    is_missing: np.ndarray, seconds: np.ndarray, truth: Truth, name: str
) -> None:
    start, end = truth.missing_s
    near = 0.05
    inside = (seconds > start + near) & (seconds < end - near)
    outside = (seconds < start - near) | (seconds > end + near)
    assert is_missing[inside].all(), f"{name}: numbers where nothing was recorded"
    assert not is_missing[outside].any(), f"{name}: lacks numbers that were recorded"


QUICK = choose_some()
SETTINGS = PrepareSettings(artefacts="none")


def mark(cell: Cell, number: int) -> object:
    """Return a parameter: one cell a property is quick, one of two others is slow."""
    kind = pytest.mark.slow if number % 2 else pytest.mark.long
    return pytest.param(cell, marks=() if cell in QUICK else kind, id=str(cell))


@pytest.mark.parametrize(
    "cell", [mark(cell, number) for number, cell in enumerate(CELLS)]
)
def test_a_property_is_read_right_or_reported(cell: Cell, tmp_path: Path):
    written = cell.write(tmp_path)

    compare_codes(find_all(written), cell)

    if cell.truth is not None:
        (recording,) = read_all(written)
        compare_truth(recording, cell.truth)
        reader = find_data_set(written.data_set).load_reader()
        with collect():
            files = reader.input_files(written.root, "1")
        assert set(cell.truth.inputs) <= {file.name for file in files}


def prepare_all(written: Written, out: Path, accept: Sequence[str]) -> str:
    """Return why it is refused, empty if there is a store."""
    try:
        prepare(
            written.data_set,
            written.root,
            out,
            settings=SETTINGS,
            execution=Execution(),
            accept=accept,
        )
    except UserError as error:
        return str(error)
    return ""


PREPARED = [cell for cell in QUICK if cell.format != "afew-va"]  # has no signals


@pytest.mark.slow
@pytest.mark.parametrize("cell", PREPARED, ids=str)
def test_prepare_refuses_what_check_calls_an_error(cell: Cell, tmp_path: Path):
    folder = tmp_path / "a"
    folder.mkdir()
    written = cell.write(folder)
    errors = {f.code for f in find_all(written) if f.severity is Severity.ERROR}

    why = prepare_all(written, tmp_path / "store", ())

    assert bool(why) is bool(errors), why
    assert {code for code in CODES if code in why} <= errors, why
    if errors:
        assert any(code in why for code in errors), why
        why = prepare_all(written, tmp_path / "accepted", sorted(errors))
        assert not why or cell.truth is None, why


def test_the_checklist_is_made_from_the_table():
    assert CHECKLIST.read_text() == render_checklist(), (
        "run: PYTHONPATH=tests python -m field.checklist > docs/checklist.md"
    )


def test_the_checklist_has_sixty_properties_each_once():
    names = [owner.name for owner in PROPERTIES]
    assert len(set(names)) == len(names) >= 60
    assert {owner.kind for owner in PROPERTIES} == set(KINDS)
