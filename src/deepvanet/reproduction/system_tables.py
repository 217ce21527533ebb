"""The tables of systems as CSV, Markdown and LaTeX, and the texts of their cells."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from deepvanet.cells import write_csv
from deepvanet.files import whole_file, write_text
from deepvanet.protocols import PROTOCOLS, describe_held_out
from deepvanet.reproduction.given import StoreOfPaper
from deepvanet.reproduction.published import DATASETS
from deepvanet.reproduction.scores import DASH, Cell
from deepvanet.reproduction.system_scores import (
    ACCURACY,
    BALANCED,
    SystemRow,
    SystemScore,
)
from deepvanet.reproduction.systems import AUTHORS, COLUMNS
from deepvanet.reproduction.table2 import TARGETS, Notes, spell_pair


@dataclass(frozen=True)
class TableKind:
    """One of the two tables.

    Attributes
    ----------
    file : str
        Of its files, without a suffix.
    """

    metric: str
    file: str
    letter: str
    title: str
    about: str

    @property
    def has_published(self) -> bool:
        """Whether Table 2 prints this metric."""
        return self.metric == ACCURACY


KINDS = (
    TableKind(
        ACCURACY,
        "systems-accuracy",
        "A",
        "Accuracy of the systems, to compare with print",
        "Accuracy, valence/arousal, in per cent. Counted is what was one example to "
        "the authors: a whole trial, or a segment.",
    ),
    TableKind(
        BALANCED,
        "systems-balanced",
        "B",
        "Balanced accuracy of the systems, to judge them by",
        "Balanced accuracy of whole trials, valence/arousal, in per cent: 50 is chance "
        "and what always answering with one class gets.",
    ),
)

EXPLANATION = (
    "Ours are means over subjects, with the 95 % interval in brackets from six "
    "subjects on. Below each stands the prior that reads no signal and knows what "
    "training and test share: a score says something of the signals only where it is "
    "above its prior. A score that leaks says little about a new recording. `assumed`: "
    "no text or code of the authors says what their protocol was, so the nearest one "
    "is from memory, reasoned or chosen."
)


def write_head(column: str) -> tuple[str, str, str]:
    """Return the head of a column of ours: its name, what is held out, what leaks."""
    if column == AUTHORS:
        return "Ours, authors' protocol", "named in each cell", "see each cell"
    facts = PROTOCOLS[column]
    return (
        f"Ours, `{column}`",
        describe_held_out(facts.unit),
        ", ".join(facts.leaks) or "none",
    )


def spell_score(score: SystemScore, notes: Notes) -> list[str]:
    """Return the lines of a cell, the numbers first."""
    lines = [spell_pair(score.cells)]
    if score.is_empty:
        lines = [DASH]
    reasons = dict.fromkeys(cell.why for cell in score.cells if cell.why)
    if reasons:
        lines[0] += f" ({', '.join(notes.mark(reason) for reason in reasons)})"
    if score.run.column == AUTHORS:
        lines.append(spell_protocol(score))
    if score.is_empty:
        return lines
    if any(np.isfinite(cell.low) for cell in score.cells):
        lines.append("/".join(map(_spell_interval, score.cells)))
    lines.append(f"{score.run.prior} {spell_pair(score.priors)}")
    n_subjects = score.n_subjects
    lines.append(f"{n_subjects} subject{'s' if n_subjects != 1 else ''}")
    if score.run.column == AUTHORS or score.leaks != "none":
        lines.append(f"leaks: {score.leaks.replace('+', ', ')}")
    return lines


def spell_protocol(score: SystemScore) -> str:
    """Say which protocol stands for the authors', and whether that is assumed.

    It has the number of folds, the length of segments and the baseline where these
    are not the usual ones.
    """
    run = score.run
    words = [f"`{run.protocol}`"]
    if run.n_folds is not None:
        words.append(f"{run.n_folds} folds")
    if run.plan is not None:
        length_s = run.plan.settings.segment
        if length_s != run.plan.given.store.segmenting.segment_s:
            words.append(f"segments of {length_s:g} s")
    if run.record.authors_baseline is not None:
        words.append(f"baseline {run.record.authors_baseline}")
    if run.is_assumed:
        words.append("assumed")
    return ", ".join(words)


def _spell_interval(cell: Cell) -> str:
    if not np.isfinite(cell.low):
        return f"[{DASH}]"
    return f"[{cell.low:.1f}, {cell.high:.1f}]"


def spell_published(row: SystemRow, notes: Notes) -> str:
    """Return what is printed, with the letters of its footnote or of its absence."""
    if any(cell.why for cell in row.published):
        return f"{DASH} ({notes.mark(row.published[0].why)})"
    text = spell_pair(row.published)
    return f"{text} ({notes.mark(row.footnote)})" if row.footnote else text


def describe_store(given: StoreOfPaper) -> str:
    """Say whose numbers a block of rows has."""
    name = given.store.manifest.dataset
    if not given.is_real:
        return f"{name}: a synthetic store, whose scores cannot be compared with print"
    return name


def spell_system(row: SystemRow, metric: str) -> list[str]:
    """Return the lines that name a system and say what is counted."""
    record = row.record
    level = row.scores[AUTHORS].level
    share = f"{record.share} % of the method"
    return [
        f"`{record.learner}`",
        record.study,
        f"{record.streams}; {level}s" if metric == ACCURACY else record.streams,
        share,
    ]


def write_system_tables(
    folder: Path,
    tables: Mapping[str, Sequence[SystemRow]],
    given: Mapping[str, StoreOfPaper],
    *,
    small: str = "",
) -> None:
    """Write ``systems-accuracy`` and ``systems-balanced``, each in three formats.

    Parameters
    ----------
    folder : Path
        Where they go.
    tables : mapping
        By metric, the rows.
    given : mapping
        The stores, by data set.
    small : str
        What a small size does to the numbers; empty at the full size.
    """
    for kind in KINDS:
        rows = tables[kind.metric]
        with whole_file(folder / f"{kind.file}.csv") as unfinished:
            frame = pd.DataFrame(list_numbers(rows, kind.metric, given))
            write_csv(frame, unfinished, float_format="%.9g")
        write_text(folder / f"{kind.file}.md", write_markdown(kind, rows, given, small))
        write_text(folder / f"{kind.file}.tex", write_latex(kind, rows, given, small))


def list_numbers(
    rows: Sequence[SystemRow], metric: str, given: Mapping[str, StoreOfPaper]
) -> Iterator[dict[str, object]]:
    """Yield a line of the CSV for each system, store, column and target."""
    for row in rows:
        for column in COLUMNS:
            score = row.scores[column]
            run = score.run
            for place, target in enumerate(TARGETS):
                cell, prior = score.cells[place], score.priors[place]
                printed = row.published[place]
                yield {
                    "data": DATASETS[row.key],
                    "store": given[row.key].store.manifest.dataset,
                    "system": row.record.learner,
                    "study": row.record.study,
                    "share_percent": row.record.share,
                    "streams": row.record.streams,
                    "target": target,
                    "column": column,
                    "protocol": run.protocol,
                    "is_assumed": run.is_assumed,
                    "folds": "usual" if run.n_folds is None else str(run.n_folds),
                    "segment_s": run.plan.settings.segment if run.plan else np.nan,
                    "baseline": str(run.plan.settings.baseline) if run.plan else "",
                    "level": score.level,
                    "metric": metric,
                    "published": printed.percent if metric == ACCURACY else np.nan,
                    "percent": cell.percent,
                    "ci_low": cell.low,
                    "ci_high": cell.high,
                    "prior": run.prior,
                    "prior_percent": prior.percent,
                    "n_subjects": cell.n_subjects,
                    "leaks": cell.leaks,
                    "why": cell.why,
                    "footnote": row.footnote,
                }


def write_markdown(
    kind: TableKind,
    rows: Sequence[SystemRow],
    given: Mapping[str, StoreOfPaper],
    small: str,
) -> str:
    """Return a table in Markdown.

    Parameters
    ----------
    kind : TableKind
        Which of the tables.
    rows : sequence of SystemRow
        Its rows, store after store.
    given : mapping
        The stores, by data set.
    small : str
        What a small size does to the numbers; empty at the full size.

    Returns
    -------
    str
        The table, with a letter for each reason and footnote.
    """
    notes = Notes()
    heads = ["System", *(["Published accuracy"] if kind.has_published else [])]
    for column in COLUMNS:
        name, held_out, leaks = write_head(column)
        heads.append(f"{name}<br>{held_out}<br>leaks: {leaks}")
    lines = [
        f"# Table {kind.letter}. {kind.title}",
        "",
        " ".join(filter(None, [kind.about, EXPLANATION, small])),
        "",
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
    ]
    for key, mine in group_rows(rows):
        head = f"**{DATASETS[key]}**<br>{describe_store(given[key])}"
        lines.append(f"| {head} |{' |' * (len(heads) - 1)}")
        for row in mine:
            cells = list_cells(row, kind, notes)
            lines.append(f"| {' | '.join('<br>'.join(cell) for cell in cells)} |")
    lines += ["", *(f"({letter}) {why}  " for why, letter in notes.letters.items())]
    return "\n".join(lines) + "\n"


def list_cells(row: SystemRow, kind: TableKind, notes: Notes) -> list[list[str]]:
    """Return the lines of each cell of a row."""
    published = [[spell_published(row, notes)]] if kind.has_published else []
    return [
        spell_system(row, kind.metric),
        *published,
        *(spell_score(row.scores[column], notes) for column in COLUMNS),
    ]


def group_rows(rows: Sequence[SystemRow]) -> list[tuple[str, list[SystemRow]]]:
    """Return the rows of each store."""
    keys = dict.fromkeys(row.key for row in rows)
    return [(key, [row for row in rows if row.key == key]) for key in keys]


_ESCAPED = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    DASH: "--",
}


def escape_latex(text: str) -> str:
    r"""Return a text as LaTeX; what stands in backticks is set like code.

    Examples
    --------
    >>> escape_latex("`a_b`: 95 %")
    '\\texttt{a\\_b}: 95 \\%'
    """
    parts = text.split("`")
    for place, part in enumerate(parts):
        made = "".join(_ESCAPED.get(letter, letter) for letter in part)
        parts[place] = f"\\texttt{{{made}}}" if place % 2 else made
    return "".join(parts)


def write_latex(
    kind: TableKind,
    rows: Sequence[SystemRow],
    given: Mapping[str, StoreOfPaper],
    small: str,
) -> str:
    """Return a table in LaTeX that needs no package.

    Parameters
    ----------
    kind : TableKind
        Which of the tables.
    rows : sequence of SystemRow
        Its rows, store after store.
    given : mapping
        The stores, by data set.
    small : str
        What a small size does to the numbers; empty at the full size.

    Returns
    -------
    str
        The table, with a letter for each reason and footnote.
    """
    notes = Notes()
    heads = [["System"], *([["Published", "accuracy"]] if kind.has_published else [])]
    for column in COLUMNS:
        name, held_out, leaks = write_head(column)
        heads.append([name, held_out, f"leaks: {leaks}"])
    about = " ".join(filter(None, [kind.about, EXPLANATION, small]))
    lines = [
        f"% Table {kind.letter}. {kind.title}",
        f"\\begin{{tabular}}{{{'l' * len(heads)}}}",
        "\\hline",
        f"{' & '.join(map(_stack, heads))} \\\\",
        "\\hline",
    ]
    for key, mine in group_rows(rows):
        head = f"{DATASETS[key]} ({describe_store(given[key])})"
        head = f"\\textbf{{{escape_latex(head)}}}"
        lines.append(f"\\multicolumn{{{len(heads)}}}{{l}}{{{head}}} \\\\")
        for row in mine:
            cells = list_cells(row, kind, notes)
            lines.append(f"{' & '.join(map(_stack, cells))} \\\\[2pt]")
        lines.append("\\hline")
    lines += ["\\end{tabular}", "", "\\par\\smallskip\\noindent", escape_latex(about)]
    for why, letter in notes.letters.items():
        lines += ["\\par\\noindent", escape_latex(f"({letter}) {why}")]
    return "\n".join(lines) + "\n"


def _stack(lines: Sequence[str]) -> str:
    """Return the lines of a cell, one below the other."""
    texts = [escape_latex(line) for line in lines]
    # a bracket after a break would be read as a length
    joined = "\\\\ ".join(f"{{}}{t}" if t.startswith("[") else t for t in texts)
    return texts[0] if len(texts) == 1 else f"\\shortstack[l]{{{joined}}}"
