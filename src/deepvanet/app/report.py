"""The page to take away: one HTML file that needs nothing else."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from deepvanet import __version__
from deepvanet.files import whole_file
from deepvanet.preprocessing.windows import SECONDS, WindowGrid, name_segments

_WIDTH, _HEIGHT = 800, 160

SHORT = {
    "better": "better than its prior",
    "not shown": "not shown to be better than its prior",
    "unknown": "not known whether it is better than its prior",
    "never scored": "never scored",
}
"""What stands beside a prediction, by the state of what made it."""


def write_report(path: Path, result: dict[str, Any], *, heading: str) -> None:
    """Write the report of a result, as ``worker`` makes it.

    Parameters
    ----------
    path : Path
        The file.
    result : dict
        What the page shows.
    heading : str
        What the report is called.
    """
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
        heading=heading,
        meaning=result["meaning"],
        hint=result["hint"],
        version=__version__,
        result=result,
        said=result["worth"]["said"],
        choices=result["worth"]["choices"],
        n_rows=len(rows),
        charts=[_plot(question, result, grid) for question in result["questions"]],
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


def _plot(
    question: dict[str, Any], result: dict[str, Any], grid: WindowGrid
) -> dict[str, Any]:
    """Return the chart of a target: its lines, its ticks, and its heading."""
    rows, axis = result["rows"], question["axis"]
    ends = axis["low"], axis["high"]
    above = result["thresholds"].get(question["target"], {})
    limits = [{"limit": above.get(row["streams"])} for row in rows]
    return {
        "name": question["name"],
        "axis": axis["title"],
        "average": _say_average(question, result, name_segments(grid)),
        "states": list(
            dict.fromkeys(
                (standing["state"], SHORT[standing["state"]])
                for standing in result["worth"]["standings"]
                if standing["target"] == question["target"]
            )
        ),
        "curves": [
            {
                "name": curve["name"],
                "style": curve["style"],
                "lines": trace_lines(rows, curve["column"], grid, ends),
            }
            for curve in question["curves"]
        ],
        "thresholds": trace_lines(limits, "limit", grid, ends) if above else [],
        "ticks": [
            (f"{tick:g}", round(_place(tick, ends), 1)) for tick in axis["ticks"]
        ],
    }


def _say_average(question: dict[str, Any], result: dict[str, Any], unit: str) -> str:
    """Say the mean of a number, or the class that was likeliest most often.

    A class is named only where what answered is better than its prior.
    """
    rows = result["rows"]
    if question["kind"] != "classes":
        (curve,) = question["curves"]
        known = [row[curve["column"]] for row in rows]
        known = [value for value in known if value is not None]
        return f"{sum(known) / len(known):.2f} on average" if known else ""
    good = {
        standing["streams"]
        for standing in result["worth"]["standings"]
        if standing["target"] == question["target"] and standing["has_label"]
    }
    labels = [row[question["label"]] for row in rows if row["streams"] in good]
    counts = Counter(label for label in labels if label is not None)
    if not counts:
        return ""
    label, count = counts.most_common(1)[0]
    names = {curve["label"]: curve["name"] for curve in question["curves"]}
    return f"mostly {names[label]}, in {count} of {counts.total()} {unit}"


def find_end(n_rows: int, grid: WindowGrid) -> float:
    """Return the second at which the last of so many rows' segments ends.

    Examples
    --------
    >>> find_end(20, WindowGrid(length_s=4, step_s=1))
    23
    """
    return max(n_rows - 1, 0) * grid.step_s + grid.length_s


def trace_lines(
    rows: Sequence[dict[str, Any]],
    name: str,
    grid: WindowGrid = SECONDS,
    ends: tuple[float, float] = (0.0, 1.0),
) -> list[str]:
    """Return the points of unbroken lines through the segments that have a number.

    Parameters
    ----------
    rows : sequence of dict
        One a segment.
    name : str
        The column that is plotted; None where nothing is known.
    grid : WindowGrid
        Where segments lie.
    ends : (float, float)
        Of the axis.

    Returns
    -------
    list of str
        As the points of SVG.

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
        lines[-1].append(f"{x:.1f},{_place(row[name], ends):.1f}")
    return [" ".join(points) for points in lines if points]


def _place(value: float, ends: tuple[float, float]) -> float:
    """Return how far a number lies below the top of a chart."""
    low, high = ends
    return (high - value) / (high - low) * _HEIGHT
