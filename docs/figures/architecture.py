"""Plot how data flows through the package: ``python docs/figures/architecture.py``.

Writes ``architecture.svg`` beside itself. Each box has the name of what flows there,
and the packages that make it.
"""

from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 960, 400
BOX_W, BOX_H = 166, 62
BOXES = {
    "files": (20, 60, "files as downloaded", "video, BDF, CSV, MAT ..."),
    "recording": (208, 60, "recording + findings", "signal_io, datasets"),
    "store": (396, 60, "store of trials", "preprocessing, preparation"),
    "segments": (584, 60, "segments, a view", "store, tasks"),
    "folds": (772, 60, "folds", "protocols"),
    "fitted": (772, 190, "fitted learner", "learners, models"),
    "predictions": (584, 190, "predictions of a run", "evaluation, results"),
    "report": (396, 190, "scores, report", "metrics, reporting"),
    "audit": (208, 190, "what was shared", "auditing, comparison"),
    "bundle": (772, 320, "bundle", "bundle"),
    "timeline": (584, 320, "timeline", "inference"),
    "explanation": (396, 320, "explanation", "explanation"),
    "page": (208, 320, "page", "app"),
}
ARROWS = (
    *(("files", "recording"), ("recording", "store"), ("store", "segments")),
    *(("segments", "folds"), ("folds", "fitted"), ("fitted", "predictions")),
    *(("predictions", "report"), ("report", "audit"), ("fitted", "bundle")),
    *(("bundle", "timeline"), ("timeline", "explanation"), ("explanation", "page")),
)
COMMANDS = (
    (208, 48, "check"),
    (396, 48, "prepare"),
    (584, 178, "evaluate"),
    (396, 178, "report"),
    (208, 178, "audit, compare"),
    (772, 308, "train"),
    (584, 308, "predict"),
    (396, 308, "explain"),
    (208, 308, "serve"),
)
STYLE = """
text { font-family: sans-serif; font-size: 13px; fill: #1a1a1a; text-anchor: middle }
.made { font-weight: bold }
.by { font-size: 11px; fill: #444 }
.command { font-family: monospace; font-size: 12px; fill: #0a5a94; text-anchor: start }
rect { fill: #eef4fa; stroke: #0a5a94; stroke-width: 1.2 }
line { stroke: #444; stroke-width: 1.4; marker-end: url(#tip) }
"""


def plot() -> str:
    """Return the figure as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title">',
        '<title id="title">Files become recordings, a store of trials, segments, '
        "folds and fitted learners; these give predictions and a report, or a bundle "
        "that predicts new recordings.</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#444"/></marker>'
        "</defs>",
        f'<path d="M0 0H{WIDTH}V{HEIGHT}H0z" fill="#ffffff"/>',
    ]
    for start, end in ARROWS:
        parts.append(plot_arrow(*BOXES[start][:2], *BOXES[end][:2]))
    for x, y, made, by in BOXES.values():
        middle = x + BOX_W / 2
        parts += [
            f'<rect x="{x}" y="{y}" width="{BOX_W}" height="{BOX_H}" rx="6"/>',
            f'<text class="made" x="{middle:g}" y="{y + 27}">{escape(made)}</text>',
            f'<text class="by" x="{middle:g}" y="{y + 46}">{escape(by)}</text>',
        ]
    for x, y, name in COMMANDS:
        parts.append(f'<text class="command" x="{x + 2}" y="{y + 6}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def plot_arrow(x: int, y: int, to_x: int, to_y: int) -> str:
    """Return an arrow from one box to the next, across or down."""
    if y == to_y:
        is_right = to_x > x
        ends = (x + BOX_W, to_x) if is_right else (x, to_x + BOX_W)
        middle = y + BOX_H / 2
        return f'<line x1="{ends[0]}" y1="{middle:g}" x2="{ends[1]}" y2="{middle:g}"/>'
    across = x + BOX_W / 2
    return f'<line x1="{across:g}" y1="{y + BOX_H}" x2="{across:g}" y2="{to_y}"/>'


if __name__ == "__main__":
    Path(__file__).with_name("architecture.svg").write_text(plot())
