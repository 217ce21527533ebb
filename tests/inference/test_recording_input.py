"""Tests of :class:`deepvanet.inference.RecordingInput` and of how commands take it."""

import inspect
from dataclasses import fields
from pathlib import Path

from deepvanet.cli import model
from deepvanet.datasets.recordings.rows import PeripheralFile
from deepvanet.inference import Model, RecordingInput

OPTIONS = {
    "peripherals": {"inputs"},
    "video_offset_s": {"video_offset"},
    "baseline_s": {"baseline_start", "baseline_end"},
}


def test_predict_and_explain_take_a_recording_by_the_same_options():
    predict, explain = (
        inspect.signature(command).parameters
        for command in (model.predict, model.explain)
    )

    assert [name for name in predict if name not in ("folder", "anonymise")] == list(
        explain
    )
    wanted = {"model", "out"}
    for field in fields(RecordingInput):
        wanted |= OPTIONS.get(field.name, {field.name})
    assert set(explain) == wanted


def test_a_model_takes_a_recording_by_the_names_of_its_fields():
    taken = set(inspect.signature(Model.predict).parameters)

    names = {f.name for f in fields(RecordingInput)} - {"peripherals"}
    assert taken == {"self", "progress", "inputs"} | names


def test_options_become_the_fields_of_a_recording():
    recording = model.recording_input(
        video="face.mp4@1.5",
        bio="s01.dat",
        inputs=["peripheral=gsr.csv@-2"],
        trial="2",
        baseline_end=4.0,
    )

    assert recording == RecordingInput(
        video=Path("face.mp4"),
        bio=Path("s01.dat"),
        peripherals=(PeripheralFile("peripheral", Path("gsr.csv"), -2.0),),
        trial="2",
        video_offset_s=1.5,
        baseline_s=(None, 4.0),
    )
