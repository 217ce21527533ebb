"""The page to take away: one HTML file that needs nothing else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from deepvanet import __version__
from deepvanet.files import whole_file
from deepvanet.preprocessing.windows import SECONDS, WindowGrid, name_segments

MEANING = "Probability of a high self-rating, learnt from one rating a trial"
_WIDTH, _HEIGHT = 800, 160


def write_report(path: Path, result: dict[str, Any], *, model: str) -> None:
    """Write the report of a result, as ``worker`` makes it."""
    rows = result["rows"]
    grid = WindowGrid(result["segment_s"], result["step_s"])
    environment = Environment(
        loader=PackageLoader("deepvanet.app", "static"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html").render(
        meaning=MEANING,
        version=__version__,
        model=model,
        rows=rows,
        columns=list(rows[0]) if rows else [],
        lines={name: trace_lines(rows, name, grid) for name in result["targets"]},
        thresholds={
            name: trace_lines(
                [{name: above.get(row["streams"])} for row in rows], name, grid
            )
            for name, above in result["thresholds"].items()
        },
        notes=result["notes"],
        means={name: _average(rows, name) for name in result["targets"]},
        n_answered=sum(bool(row["streams"]) for row in rows),
        n_faces=sum(bool(row["face_found"]) for row in rows),
        unit=name_segments(grid),
        lasts_s=find_end(len(rows), grid),
        is_example=result["is_example"],
        width=_WIDTH,
        height=_HEIGHT,
    )
    with whole_file(path) as unfinished:
        unfinished.write_text(page)


def find_end(n_rows: int, grid: WindowGrid) -> float:
    """Return the second at which the last of so many rows' segments ends.

    Examples
    --------
    >>> find_end(20, WindowGrid(length_s=4, step_s=1))
    23
    """
    return max(n_rows - 1, 0) * grid.step_s + grid.length_s


def trace_lines(
    rows: Sequence[dict[str, Any]], name: str, grid: WindowGrid = SECONDS
) -> list[str]:
    """Return the points of unbroken lines through the segments that have a score.

    Examples
    --------
    >>> trace_lines([{"a": 0.5}, {"a": None}, {"a": 1.0}, {"a": 0.0}], "a")
    ['100.0,80.0', '500.0,0.0 700.0,160.0']
    """
    lines: list[list[str]] = [[]]
    for number, row in enumerate(rows):
        if row[name] is None:
            lines.append([])
            continue
        middle_s = number * grid.step_s + grid.length_s / 2
        x = middle_s / find_end(len(rows), grid) * _WIDTH
        lines[-1].append(f"{x:.1f},{(1 - row[name]) * _HEIGHT:.1f}")
    return [" ".join(points) for points in lines if points]


def _average(rows: Sequence[dict[str, Any]], name: str) -> float | None:
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known) / len(known) if known else None
