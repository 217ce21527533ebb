r"""Tables for a paper: each as CSV, Markdown and LaTeX.

CSV has the numbers as they are, as fractions; the other two have them as the page does,
shares in per cent. LaTeX needs ``\usepackage{booktabs}``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import pandas as pd

from deepvanet.cells import write_csv
from deepvanet.files import whole_file, write_text
from deepvanet.gap import LEVEL
from deepvanet.reporting import verdicts
from deepvanet.reporting.plotting import make_file_name
from deepvanet.reporting.studies import Study
from deepvanet.reporting.tables import ShownRow, list_score_tables
from deepvanet.reporting.wording import Wording, write_p
from deepvanet.schema import KEY_COLUMNS

KINDS = ("verdicts", "scores")
"""First words of the tables' names."""
ENDS = ("csv", "md", "tex")


@dataclass(frozen=True)
class Export:
    """A table for a paper.

    Attributes
    ----------
    name : str
        Of its files, without an end.
    title : str
        Its caption.
    numbers : DataFrame
        As they are.
    head : sequence of str
        Of the columns as they are read.
    rows : sequence of sequence of str
        Cells as they are read.
    n_text : int
        The first so many columns are text, the others numbers.
    """

    name: str
    title: str
    numbers: pd.DataFrame
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    n_text: int


def list_exports(study: Study, *, place: str = "") -> list[Export]:
    """Return the tables of a study: its verdicts, and the scores of each target.

    Parameters
    ----------
    study : Study
        Whose scores they are.
    place : str
        Put before their names.
    """
    words = Wording(study.form)
    answers = verdicts.list_answers(study)
    tables = [_export_verdicts(study, answers, words, place)]
    for table in list_score_tables(study):
        if table.level == LEVEL:
            rows = [row for group in table.groups.values() for row in group]
            tables.append(_export_scores(study, table.target, rows, words, place))
    return [table for table in tables if table.rows]


def _export_verdicts(
    study: Study, answers: Sequence[verdicts.Answer], words: Wording, place: str
) -> Export:
    numbers = verdicts.tabulate_verdicts(study, answers)
    rows = [
        (
            *(str(row[name]) for name in ("target", "protocol", "which")),
            *(str(row[name]) for name in ("streams", "learner", "prior")),
            *(words.write(float(row[name])) for name in ("mean", "mean_prior")),
            words.write_change(float(row["difference"])),
            _write_interval(
                *(words.write_change(float(row[n])) for n in ("ci_low", "ci_high"))
            ),
            write_p(float(row["p_corrected"])),
            str(row["n_subjects"]),
            str(row["call"]),
        )
        for row in numbers.to_dict("records")
    ]
    head = (
        *("Target", "Protocol", "Which", "Streams", "Learner", "Prior", words.head),
        *("Prior's", words.difference, "95 % interval", "p", "Subjects", "Call"),
    )
    title = (
        f"{words.title} of trials beside that of the prior which knows what training "
        "and test share. p is two-sided and corrected for all comparisons."
    )
    return Export(f"{place}verdicts", title, numbers, head, rows, 6)


def _write_interval(low: str, high: str) -> str:
    return f"{low} to {high}" if any(map(str.isdigit, low)) else ""


def _export_scores(
    study: Study, target: str, rows: Sequence[ShownRow], words: Wording, place: str
) -> Export:
    scores = study.scores
    mine = scores[(scores["target"] == target) & (scores["level"] == LEVEL)]
    kept = pd.MultiIndex.from_tuples([tuple(shown.row.part) for shown in rows])
    keys = pd.MultiIndex.from_frame(mine[list(KEY_COLUMNS)].astype(str))
    cells = [
        (
            *(shown.row.part.protocol, shown.row.leaks.replace("+", ", "), shown.said),
            shown.row.part.learner,
            *(_write_spread(shown, name, words) for name, _ in words.columns),
            write_p(shown.row.value.p_corrected),
            str(shown.row.n_subjects),
        )
        for shown in rows
    ]
    head = (
        *("Protocol", "Leaks", "Streams", "Learner"),
        *(name for _, name in words.columns),
        *("p", "Subjects"),
    )
    title = (
        f"{target}: scores of trials, mean ± standard deviation over subjects. p is "
        f"that of {words.metric} against chance, corrected for all tests."
    )
    name = f"{place}{make_file_name('scores', target)}"
    return Export(name, title, mine[keys.isin(kept)], head, cells, 4)


def _write_spread(shown: ShownRow, metric: str, words: Wording) -> str:
    value = shown.row.values[metric]
    text = words.write_metric(metric, value.mean)
    if isfinite(value.sd):
        text += f" ± {words.write_metric(metric, value.sd)}"
    return text


def write_markdown(table: Export) -> str:
    r"""Return a table as Markdown.

    Examples
    --------
    >>> print(write_markdown(Export("t", "A title.", pd.DataFrame(), ["a", "n"],
    ...     [["x|y", "1"]], 1)))
    A title.
    <BLANKLINE>
    | a | n |
    |---|--:|
    | x\|y | 1 |
    <BLANKLINE>
    """
    n_numbers = len(table.head) - table.n_text
    lines = [
        _join_markdown(table.head),
        "|" + "---|" * table.n_text + "--:|" * n_numbers,
        *map(_join_markdown, table.rows),
    ]
    return f"{_escape_markdown(table.title)}\n\n" + "\n".join(lines) + "\n"


def _join_markdown(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escape_markdown, cells))} |"


def _escape_markdown(text: str) -> str:
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", " ".join(text.split()))


_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "\N{MINUS SIGN}": "$-$",
    "\N{EN DASH}": "--",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
}


def write_latex(table: Export) -> str:
    r"""Return a table as LaTeX, for the package ``booktabs``.

    Examples
    --------
    >>> print(write_latex(Export("t", "A & b.", pd.DataFrame(), ["a", "%"],
    ...     [["x_1", "1 ± 2"]], 1)))
    \begin{table}
    \caption{A \& b.}
    \begin{tabular}{lr}
    \toprule
    a & \% \\
    \midrule
    x\_1 & 1 $\pm$ 2 \\
    \bottomrule
    \end{tabular}
    \end{table}
    <BLANKLINE>
    """
    columns = "l" * table.n_text + "r" * (len(table.head) - table.n_text)
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{_escape_latex(table.title)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _join_latex(table.head),
            r"\midrule",
            *map(_join_latex, table.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _join_latex(cells: Sequence[str]) -> str:
    return " & ".join(map(_escape_latex, cells)) + r" \\"


def _escape_latex(text: str) -> str:
    clean = "".join(letter if letter.isprintable() else "?" for letter in text)
    return "".join(_LATEX.get(letter, letter) for letter in clean)


def write_exports(folder: Path, tables: Sequence[Export]) -> None:
    """Write tables, and remove those of an earlier report, nothing else."""
    for table in tables:
        with whole_file(folder / f"{table.name}.csv") as unfinished:
            write_csv(table.numbers, unfinished)
        write_text(folder / f"{table.name}.md", write_markdown(table))
        write_text(folder / f"{table.name}.tex", write_latex(table))
    kept = {f"{table.name}.{end}" for table in tables for end in ENDS}
    ours = re.compile(rf"(\d+-)?({'|'.join(KINDS)})(-.+)?\.({'|'.join(ENDS)})")
    for old in sorted(folder.iterdir()):
        if ours.fullmatch(old.name) and old.name not in kept:
            old.unlink()
