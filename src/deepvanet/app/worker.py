"""The work on one recording, in a process of its own.

What it says it writes into the recording's folder, whole or not at all:
``progress.json`` while it works, then ``result.json``, ``timeline.csv``,
``report.html`` and the video to show, or ``error.txt``.
"""

import inspect
import json
import logging
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from deepvanet.app.example import TRIAL, make_example
from deepvanet.app.limits import Limits
from deepvanet.app.preview import check_video, make_preview
from deepvanet.app.report import write_report
from deepvanet.app.series import outline, read_for_drawing
from deepvanet.app.uploads import Sent
from deepvanet.bundle import load_bundle
from deepvanet.files import whole_file
from deepvanet.inference import Timeline, predict
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
    video_offset_s : float, optional
        As in ``predict``.
    """

    model: Path
    folder: Path
    sent: Sent | None
    trial: str | None = None
    video_offset_s: float | None = None


def work(task: Task, limits: Limits) -> None:
    """Do a task; whatever goes wrong ends in a sentence in ``error.txt``."""
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory_bytes,) * 2)
    try:
        _work(task, limits)
    except UserError as error:
        _say_error(task.folder, _hide_paths(str(error), task))
    except MemoryError:
        _say_error(task.folder, "The recording needs more memory than is allowed.")
    except Exception:
        _log.exception("a recording could not be worked on")
        _say_error(task.folder, "The recording cannot be read: a file is damaged.")
        sys.exit(1)


def _work(task: Task, limits: Limits) -> None:
    tell = _Teller(task.folder)
    bundle = load_bundle(task.model)
    sent, trial = task.sent, task.trial
    if sent is None:
        tell.stage("making the example")
        sent = make_example(task.folder, bundle)
        trial = TRIAL if sent.bio else None
    tell.stage("reading")
    info = check_video(sent.video, limits) if sent.video else None
    recording = read_for_drawing(sent.bio, bundle, trial) if sent.bio else None
    offset_s = task.video_offset_s
    if offset_s is None:
        spans = recording.spans if recording else ()
        offset_s = spans[0].onset_s if spans else 0.0
    tell.stage("predicting")
    timeline = _predict(task.model, sent, trial, offset_s, tell.part)
    timeline.write(task.folder / "timeline.csv")
    shown = None
    if sent.video and info:
        tell.stage("making a video that browsers play")
        shown = make_preview(sent.video, info, tell=tell.part)
    result = {
        "rows": list_rows(timeline.table),
        "targets": [str(target) for target in bundle.targets],
        "video": shown.name if shown else None,
        "video_offset_s": offset_s,
        "signals": outline(recording) if recording else [],
        "is_example": task.sent is None,
    }
    write_report(task.folder / "report.html", result, model=task.model.name)
    _forget(sent, shown)
    _write_json(task.folder / "result.json", result)


def _predict(
    model: Path,
    sent: Sent,
    trial: str | None,
    offset_s: float,
    tell: Callable[[float, float], None],
) -> Timeline:
    further: dict[str, Any] = {}
    if "progress" in inspect.signature(predict).parameters:
        further["progress"] = tell
    return predict(
        model,
        video=sent.video,
        bio=sent.bio,
        trial=trial,
        video_offset_s=offset_s,
        **further,
    )


def list_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a timeline as plain values, None where nothing is known."""
    return json.loads(table.to_json(orient="records", double_precision=6))  # type: ignore[no-any-return]


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
