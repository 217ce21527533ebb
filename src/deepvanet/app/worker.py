"""The work on one recording, in a process of its own.

What it says it writes into the recording's folder, whole or not at all:
``progress.json`` while it works, then ``result.json``, ``timeline.csv``,
``report.html`` and the video to show, or ``error.txt``. It ends with its server.
"""

import errno
import json
import logging
import multiprocessing
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from deepvanet.app.example import make_example
from deepvanet.app.limits import Limits
from deepvanet.app.memory import bound_memory
from deepvanet.app.needs import list_lacking, list_missing, name_file
from deepvanet.app.preview import check_video, make_preview
from deepvanet.app.questions import describe, say_heading
from deepvanet.app.report import write_report
from deepvanet.app.series import (
    find_channels,
    measure_bands,
    outline,
    pick_channels,
    read_for_plots,
)
from deepvanet.bundle import Bundle, list_standings, load_bundle
from deepvanet.bundle.standing import explain_choice, fold_standings
from deepvanet.explanation import predict_with_streams
from deepvanet.files import whole_file
from deepvanet.inference import RecordingInput
from deepvanet.inference.anonymising import anonymise_video
from deepvanet.inference.faces import FaceReader
from deepvanet.inference.open_recording import open_recording
from deepvanet.schema import UserError

_log = logging.getLogger(__name__)
_TELL_EVERY_S = 0.3

BLURRED = "preview.mp4"
"""The video that is shown in place of the one that was sent."""
FULL_DISK = "The disk of this machine is full: make room, then send it again."
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT)
"""Of a full disk; the first is the exit status of a worker that met one."""


@dataclass(frozen=True)
class WorkOrder:
    """What a process is to do.

    Attributes
    ----------
    folder : Path
        Where the files of the recording lie, and the results are written.
    is_example : bool
        Whether the built-in example takes the place of the recording's files.
    names : mapping
        How the person calls each file, by field of the form.
    blurs_faces : bool
        Whether the video that is shown, and can be kept, has its faces blurred.
    """

    model: Path
    folder: Path
    recording: RecordingInput
    is_example: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    blurs_faces: bool = False


def work(order: WorkOrder, limits: Limits) -> None:
    """Fill an order; any error becomes a sentence in ``error.txt``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server says when to end
    threading.Thread(target=_end_with_server, daemon=True).start()
    bound_memory(limits)
    try:
        _work(order, limits)
    except UserError as error:
        _say_error(order.folder, _hide_paths(str(error), order))
    except Exception as error:  # noqa: BLE001  a hostile file may raise anything
        _explain(error, order.folder)


def _end_with_server() -> None:
    """End this process when its server has ended, even if that was killed."""
    server = multiprocessing.parent_process()
    if server is not None:
        server.join()
        os.kill(os.getpid(), signal.SIGKILL)


def _explain(error: Exception, folder: Path) -> None:
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        sys.exit(errno.ENOSPC)  # there may be no room for a sentence
    if _lacks_memory(error):
        _say_error(folder, "The recording needs more memory than is allowed.")
        return
    _log.error("a recording could not be worked on", exc_info=error)
    _say_error(folder, "The recording cannot be read: a file is damaged.")
    sys.exit(1)


def _lacks_memory(error: Exception) -> bool:
    """Say whether memory ran out; libraries that load late cannot map themselves."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or "memory" in said or "failed to map" in said


def _work(order: WorkOrder, limits: Limits) -> None:
    progress = _ProgressFile(order.folder)
    bundle = load_bundle(order.model)
    recording = order.recording
    if order.is_example:
        progress.stage("making the example")
        example = make_example(order.folder, bundle)
        recording = replace(example, baseline_s=recording.baseline_s)
    video, bio = recording.video, recording.signals
    progress.stage("reading")
    info = check_video(video, limits) if video else None
    found, room = find_channels(bio, bundle, recording.beside) if bio else ([], 0)
    has = [channel.name for channel in found]
    try:
        opened = open_recording(bundle, recording)
    except UserError as error:
        missing = list_missing(bundle, recording, has, order.names)
        if not missing or "missing" in str(error):
            raise
        raise UserError(f"{error}; {'; '.join(missing)}") from None
    signals = None
    if bio:
        picked = pick_channels(found, room)
        signals = read_for_plots(bio, picked, recording.beside)
    if opened.lasts_s > limits.duration_s:
        raise UserError(f"it lasts more than {limits.duration_s / 60:g} minutes")
    reader = opened.parts[0].open_faces
    faces = None if reader is None else reader()
    progress.stage("predicting")
    timeline, spoke = predict_with_streams(bundle, opened, progress=progress.part)
    timeline.write(order.folder / "timeline.csv")
    shown = None
    if video and order.blurs_faces:
        progress.stage("blurring faces in the video")
        shown = anonymise_video(video, order.folder / BLURRED).path
    elif video and info:
        progress.stage("making a video that browsers play")
        shown = make_preview(video, info, tell=progress.part)
    rows = list_rows(timeline.table)
    result = {
        **describe(bundle, rows),
        "rows": rows,
        "notes": [_hide_paths(note, order) for note in timeline.notes],
        "lacking": list_lacking(bundle, recording, has, order.names),
        "worth": list_worth(bundle, timeline.table["streams"].tolist()),
        "model": order.model.resolve().name,
        "made": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        "files": [name_file(path, order.names) for path in order.recording.files],
        "attributions": list_attributions(spoke, timeline.table["time_s"]),
        "video_span": opened.video_span,
        "segment_s": bundle.grid.length_s,
        "step_s": bundle.grid.step_s,
        "thresholds": list_thresholds(bundle),
        "video": shown.name if shown else None,
        "video_offset_s": opened.video_offset_s,
        "signals": outline(signals) if signals else [],
        "n_channels": len(found),
        "bands": measure_bands(signals) if signals else None,
        "squares": list_squares(faces) if faces and not order.blurs_faces else [],
        "blurs_faces": bool(video and order.blurs_faces),
        "is_example": order.is_example,
    }
    write_report(
        order.folder / "report.html",
        result,
        heading=say_heading(bundle),
    )
    _forget(recording, shown)
    _write_json(order.folder / "result.json", result)


def list_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a timeline as plain values, None where nothing is known."""
    return json.loads(table.to_json(orient="records", double_precision=6))  # type: ignore[no-any-return]


def list_attributions(
    table: pd.DataFrame, time_s: pd.Series
) -> dict[str, dict[str, list[float | None]]]:
    """Return, by target and stream, what the stream added in each row of a timeline."""
    places = {second: place for place, second in enumerate(time_s)}
    listed: dict[str, dict[str, list[float | None]]] = {}
    for (target, stream), rows in table.groupby(["target", "stream"]):
        values: list[float | None] = [None] * len(places)
        for second, value in zip(rows["time_s"], rows["attribution"], strict=True):
            values[places[second]] = float(f"{value:.4g}")
        listed.setdefault(str(target), {})[str(stream)] = values
    return listed


def list_worth(bundle: Bundle, answered: Sequence[str]) -> dict[str, Any]:
    """Return what each answer that was given is worth, and why it was given.

    Returns
    -------
    dict
        ``standings``, of each target and stream set that answered its ``state``,
        ``sentence`` and whether it ``has_label``; ``said``, states and sentences for
        people; and ``choices``, of each stream set why it answered.
    """
    used = [name for name in dict.fromkeys(answered) if name]
    standings = [s for s in list_standings(bundle) if s.streams in used]
    return {
        "standings": [
            asdict(standing) | {"has_label": standing.has_label}
            for standing in standings
        ],
        "said": fold_standings(standings),
        "choices": [
            {"streams": streams, "why": why}
            for streams in used
            if (why := explain_choice(bundle, streams))
        ],
    }


def list_squares(faces: FaceReader) -> list[list[float]]:
    """Return what was cut out of frames: second of the video, and eight coordinates.

    Coordinates are fractions of the picture: x and y of each corner, clockwise.
    """
    return [
        [
            round(faces.start_s + index / faces.fps, 3),
            *corners.ravel().round(4).tolist(),
        ]
        for index, corners in sorted(faces.squares.items())
    ]


def list_thresholds(bundle: Bundle) -> dict[str, dict[str, float]]:
    """Return, by target and stream set, above which probability a segment is high.

    Of other tasks there are none.
    """
    listed: dict[str, dict[str, float]] = {}
    for answer in bundle.answers:
        if not answer.goal.is_binary:
            continue
        threshold = answer.calibrations.segment.threshold
        listed.setdefault(str(answer.target), {})[answer.streams] = threshold
    return listed


def _forget(recording: RecordingInput, shown: Path | None) -> None:
    """Remove what was sent, but for the video that is shown."""
    for path in recording.files:
        if path != shown:
            path.unlink()


class _ProgressFile:
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


def _hide_paths(sentence: str, order: WorkOrder) -> str:
    """Leave out where files lie on this machine, and name them as the person does."""
    called: dict[str, str] = {}
    for path in order.recording.files:
        inside = os.path.relpath(path, order.folder)
        called |= dict.fromkeys((inside, path.name), name_file(path, order.names))
    if called:
        kept = re.escape(f"{os.fspath(order.folder)}{os.sep}")
        names = "|".join(map(re.escape, sorted(called, key=len, reverse=True)))
        sentence = re.sub(
            rf"(?:{kept})?\b({names})\b", lambda found: called[found[1]], sentence
        )
    for folder, instead in ((order.folder, ""), (order.model.parent, "")):
        sentence = sentence.replace(f"{os.fspath(folder)}{os.sep}", instead)
    return sentence
