"""A sheet to plot on: sizes in inches, one style, the same bytes every time.

Text stays text and is 8 pt at the plotted size unless a style asks for another one, so
a figure is legible in a column of print. Colours are Okabe and Ito's, which
colour-blind readers can distinguish; a shape, dash or hatch always says the same thing
as the colour.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

BLACK, GREY, PALE = "#1a1a1a", "#6b6b6b", "#d9d9d9"
BLUE, VERMILION, ORANGE = "#0072B2", "#D55E00", "#E69F00"
GREEN, SKY, PURPLE, YELLOW = "#009E73", "#56B4E9", "#CC79A7", "#F0E442"
"""Okabe and Ito's palette."""

PAGE_IN = 7.0
"""Widest figure, in inches: the text width of an A4 page."""

COLUMN_IN = 3.5
"""Width of a figure in one of two columns, in inches."""

FONT_PT = 8.0

_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "deepvanet",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Helvetica", "Arial"],
    "font.size": FONT_PT,
    "axes.titlesize": FONT_PT,
    "axes.labelsize": FONT_PT,
    "xtick.labelsize": FONT_PT,
    "ytick.labelsize": FONT_PT,
    "legend.fontsize": FONT_PT,
    "axes.linewidth": 0.6,
    "axes.edgecolor": GREY,
    "axes.labelcolor": BLACK,
    "text.color": BLACK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": BLACK,
    "ytick.labelcolor": BLACK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "text.parse_math": False,  # names come from files and may hold a dollar sign
    "pdf.fonttype": 42,  # journals refuse fonts of type 3
}
_FONT_SIZES: Any = (
    *("font.size", "axes.titlesize", "axes.labelsize", "xtick.labelsize"),
    *("ytick.labelsize", "legend.fontsize"),
)

_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_NO_PDF_METADATA = dict.fromkeys(("Creator", "Producer", "CreationDate"))

MM_AN_INCH = 25.4


@dataclass(frozen=True)
class PlotStyle:
    """How large figures and their letters are.

    A figure is laid out for letters of 8 pt; with others it is larger or smaller as a
    whole. One that is wider than it may be is made smaller, with its letters.

    Attributes
    ----------
    font_pt : float
        Size of letters, in points.
    width_in : float | None
        Widest that a figure may be, in inches; None: as wide as it needs.
    with_pdf : bool
        Whether PDF is made beside SVG.
    """

    font_pt: float = FONT_PT
    width_in: float | None = None
    with_pdf: bool = False

    @property
    def page_in(self) -> float:
        """Width of a page in the inches of the layout."""
        return PAGE_IN if self.width_in is None else self.width_in / self._scale

    @property
    def column_in(self) -> float:
        """Width of a column in the inches of the layout."""
        return min(COLUMN_IN, self.page_in)

    @property
    def _scale(self) -> float:
        return self.font_pt / FONT_PT

    def find_scale(self, width: float) -> float:
        """Return by what the layout of a figure so wide is multiplied."""
        if self.width_in is None:
            return self._scale
        return min(self._scale, self.width_in / width)


DEFAULT_STYLE = PlotStyle()
_CURRENT: ContextVar[PlotStyle] = ContextVar("figure style", default=DEFAULT_STYLE)


def get_style() -> PlotStyle:
    """Return the style of the block of ``house_style`` that this is in."""
    return _CURRENT.get()


@dataclass(frozen=True)
class Plot:
    """A finished figure.

    Attributes
    ----------
    name : str
        Of its file, without ``.svg``.
    title : str
        What it shows, for a caption and for who cannot see it.
    width_in : float
        As plotted, in inches.
    svg : str
        The whole file.
    numbers : DataFrame
        The numbers behind it, to plot it otherwise.
    pdf : bytes
        The whole file; empty where none was asked for.
    font_pt : float
        Size of its letters.
    alt : str
        The main numbers in words, for who cannot see it.
    """

    name: str
    title: str
    width_in: float
    svg: str
    numbers: pd.DataFrame
    pdf: bytes = b""
    font_pt: float = FONT_PT
    alt: str = ""

    @property
    def inline(self) -> str:
        """The ``<svg>`` element for a page that holds several."""
        start, end = self.svg.index("<svg"), self.svg.rindex("</svg>")
        element = self.svg[start : end + len("</svg>")]
        element = re.sub(r"<style.*?</style>", "", element, flags=re.DOTALL)
        element = re.sub(r'\b(id="|href="#)', rf"\g<1>{self.name}-", element)
        return element.replace("url(#", f"url(#{self.name}-")


class Sheet:
    """A figure whose axes are placed in inches from the top left corner.

    Parameters
    ----------
    width, height : float
        In inches, as laid out for letters of 8 pt; the style may make the figure, and
        the letters of all that is put on it next, larger or smaller.
    """

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._scale = get_style().find_scale(width)
        mpl.rcParams.update(dict.fromkeys(_FONT_SIZES, FONT_PT * self._scale))
        self.figure = Figure(figsize=(width * self._scale, height * self._scale))
        FigureCanvasSVG(self.figure)

    def add_axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes; the four numbers are in inches.

        Parameters
        ----------
        left, top : float
            Of the upper left corner, from the left and from the top of the sheet.
        width, height : float
            Of the axes.

        Returns
        -------
        Axes
            They are empty.
        """
        bottom = self.height - top - height
        return self.figure.add_axes(
            (
                left / self.width,
                bottom / self.height,
                width / self.width,
                height / self.height,
            )
        )

    def write(self, left: float, top: float, text: str, **style: Any) -> None:
        """Write text whose upper left corner is given in inches.

        Parameters
        ----------
        left, top : float
            From the left and from the top of the sheet.
        text : str
            May have line breaks.
        **style : Any
            Properties of matplotlib's ``Text``; ``ha`` and ``va`` say which point of
            the text lies there, if not its corner.
        """
        style = {"va": "top", "ha": "left", **style}
        self.figure.text(left / self.width, 1 - top / self.height, text, **style)

    def finish(
        self, name: str, title: str, numbers: pd.DataFrame, *, alt: str = ""
    ) -> Plot:
        """Return the plot of this sheet, with the numbers behind it.

        Parameters
        ----------
        name, title, numbers, alt : str or DataFrame
            As of ``Plot``.

        Returns
        -------
        Plot
            As SVG, and as PDF where the style asks for it.
        """
        file, pdf = io.StringIO(), io.BytesIO()
        self.figure.savefig(file, format="svg", metadata=_NO_METADATA)
        if get_style().with_pdf:
            self.figure.savefig(pdf, format="pdf", metadata=_NO_PDF_METADATA)
        return Plot(
            name,
            title,
            round(self.width * self._scale, 2),
            file.getvalue(),
            numbers,
            pdf.getvalue(),
            round(FONT_PT * self._scale, 2),
            alt,
        )


@contextmanager
def house_style(style: PlotStyle = DEFAULT_STYLE) -> Iterator[None]:
    """Plot in this style inside the block; give back the caller's after it.

    Parameters
    ----------
    style : PlotStyle
        Sizes of figures and letters.
    """
    before = _CURRENT.set(style)
    try:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(_STYLE)
            yield
    finally:
        _CURRENT.reset(before)


def shorten_name(name: str, longest: int = 18) -> str:
    """Return a name that fits beside an axis and holds no control character.

    Examples
    --------
    >>> shorten_name("a-very-long-name-of-a-subject")
    'a-very-long-name-…'
    """
    clean = "".join(letter if letter.isprintable() else "?" for letter in name)
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def make_file_name(*words: str) -> str:
    """Return words as part of a file name.

    Examples
    --------
    >>> make_file_name("subjects", "valence", "face+bio")
    'subjects-valence-face+bio'
    """
    return "-".join(re.sub(r"[^A-Za-z0-9+_.]+", "_", word) for word in words)
