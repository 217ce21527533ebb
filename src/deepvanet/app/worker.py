"""The work on one recording, in a process of its own.

What it says it writes into the recording's folder, whole or not at all:
``progress.json`` while it works, then ``result.json``, ``timeline.csv``,
``report.html`` and the video to show, or ``error.txt``.
"""

import json
import logging
import os
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from deepvanet.app.example import make_example
from deepvanet.app.limits import Limits
from deepvanet.app.preview import check_video, make_preview
from deepvanet.app.report import MEANING, write_report
from deepvanet.app.series import outline, read_for_drawing
from deepvanet.app.uploads import Sent
from deepvanet.bundle import Bundle, load_bundle
from deepvanet.explanation import predict_with_streams
from deepvanet.files import whole_file
from deepvanet.inference.opened import open_recording
from deepvanet.schema import UserError

_log = logging.getLogger(__name__)
_TELL_EVERY_S = 0.3


@dataclass(frozen=True)
class Task:
    """What a process is to do.

    Attributes
    ----------
    sent : Sent, optional
        None is the built-in example.
    video_offset_s, baseline_s
        As in ``predict``.
    """

    model: Path
    folder: Path
    sent: Sent | None
    video_offset_s: float | None = None
    baseline_s: tuple[float | None, float | None] = (None, None)


def work(task: Task, limits: Limits) -> None:
    """Do a task; whatever goes wrong ends in a sentence in ``error.txt``."""
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory_bytes,) * 2)
    try:
        _work(task, limits)
    except UserError as error:
        _say_error(task.folder, _hide_paths(str(error), task))
    except Exception as error:  # noqa: BLE001  a hostile file may raise anything
        if _lacks_memory(error):
            _say_error(task.folder, "The recording needs more memory than is allowed.")
            return
        _log.exception("a recording could not be worked on")
        _say_error(task.folder, "The recording cannot be read: a file is damaged.")
        sys.exit(1)


def _lacks_memory(error: Exception) -> bool:
    """Say whether memory ran out; libraries that load late cannot map themselves."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or "memory" in said or "failed to map" in said


def _work(task: Task, limits: Limits) -> None:
    tell = _Teller(task.folder)
    bundle = load_bundle(task.model)
    sent, offset_s = task.sent, task.video_offset_s
    if sent is None:
        tell.stage("making the example")
        sent, offset_s = make_example(task.folder, bundle)
    tell.stage("reading")
    info = check_video(sent.video, limits) if sent.video else None
    signals = read_for_drawing(sent.bio, bundle) if sent.bio else None
    opened = open_recording(
        bundle,
        video=sent.video,
        bio=sent.bio,
        video_offset_s=offset_s,
        baseline_s=task.baseline_s,
    )
    if opened.n_seconds > limits.duration_s:
        raise UserError(f"it lasts more than {limits.duration_s / 60:g} minutes")
    tell.stage("predicting")
    timeline, spoke = predict_with_streams(bundle, opened, progress=tell.part)
    timeline.write(task.folder / "timeline.csv")
    shown = None
    if sent.video and info:
        tell.stage("making a video that browsers play")
        shown = make_preview(sent.video, info, tell=tell.part)
    result = {
        "meaning": MEANING,
        "rows": list_rows(timeline.table),
        "notes": timeline.notes,
        "targets": [str(target) for target in bundle.targets],
        "attributions": list_attributions(spoke, len(timeline.table)),
        "video_span": opened.video_span,
        "thresholds": list_thresholds(bundle),
        "video": shown.name if shown else None,
        "video_offset_s": opened.video_offset_s,
        "signals": outline(signals) if signals else [],
        "is_example": task.sent is None,
    }
    write_report(task.folder / "report.html", result, model=task.model.name)
    _forget(sent, shown)
    _write_json(task.folder / "result.json", result)


def list_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a timeline as plain values, None where nothing is known."""
    return json.loads(table.to_json(orient="records", double_precision=6))  # type: ignore[no-any-return]


def list_attributions(
    table: pd.DataFrame, n_seconds: int
) -> dict[str, dict[str, list[float | None]]]:
    """Return, by target and stream, what the stream added in each second."""
    listed: dict[str, dict[str, list[float | None]]] = {}
    for (target, stream), rows in table.groupby(["target", "stream"]):
        values: list[float | None] = [None] * n_seconds
        for second, value in zip(rows["time_s"], rows["attribution"], strict=True):
            values[int(second)] = float(f"{value:.4g}")
        listed.setdefault(str(target), {})[str(stream)] = values
    return listed


def list_thresholds(bundle: Bundle) -> dict[str, dict[str, float]]:
    """Return, by target and stream set, above which probability a second is high."""
    listed: dict[str, dict[str, float]] = {}
    for answer in bundle.answers:
        threshold = answer.calibrations.segment.threshold
        listed.setdefault(str(answer.target), {})[answer.streams] = threshold
    return listed


def _forget(sent: Sent, shown: Path | None) -> None:
    """Remove what was sent, but for the video that is shown."""
    for path in (sent.video, sent.bio):
        if path and path != shown:
            path.unlink()


class _Teller:
    """Writes down how far the work is, not too often."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "progress.json"
        self._stage = ""
        self._next = 0.0

    def stage(self, name: str) -> None:
        self._stage, self._next = name, 0.0
        _write_json(self._path, {"stage": name, "done": None})

    def part(self, done_s: float, total_s: float) -> None:
        now = time.monotonic()
        if now < self._next or total_s <= 0:
            return
        self._next = now + _TELL_EVERY_S
        done = min(1.0, done_s / total_s)
        _write_json(self._path, {"stage": self._stage, "done": round(done, 3)})


def _write_json(path: Path, value: Any) -> None:
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(value, allow_nan=False))


def _say_error(folder: Path, sentence: str) -> None:
    with whole_file(folder / "error.txt") as unfinished:
        unfinished.write_text(sentence)


def _hide_paths(sentence: str, task: Task) -> str:
    """Leave out where files lie on this machine."""
    for folder, instead in ((task.folder, ""), (task.model.parent, "")):
        sentence = sentence.replace(f"{os.fspath(folder)}{os.sep}", instead)
    return sentence
