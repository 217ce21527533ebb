"""The page that shows the tables and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from deepvanet.learners import PRIORS
from deepvanet.protocols import PROTOCOLS
from deepvanet.reporting.page import mark_code
from deepvanet.reporting.plotting import Plot
from deepvanet.reproduction import table2
from deepvanet.reproduction.features import LEAST_COUNTED, NEIGHBOURS
from deepvanet.reproduction.plans import NETWORK, Size
from deepvanet.reproduction.published import CLAIMS
from deepvanet.reproduction.system_page import SystemContent, describe_systems
from deepvanet.reproduction.table2 import Notes, TableRow


@dataclass
class PageContent:
    """What a page shows.

    Attributes
    ----------
    stores, missing : list of str
        Sentences on what was given, and on what could not be run.
    systems : SystemContent | None
        What is shown of the other studies' systems; None where none was asked for.
    reasons : mapping
        For each figure of Fig. 2, why bars are missing.
    """

    stores: list[str]
    size_name: str
    size: Size
    missing: list[str]
    rows: list[TableRow] = field(default_factory=list)
    fig2: list[Plot] = field(default_factory=list)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    fig3: list[Plot] = field(default_factory=list)
    grid: list[Plot] = field(default_factory=list)
    systems: SystemContent | None = None


def render(made: PageContent) -> str:
    """Return the page as HTML."""
    environment = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("deepvanet.reproduction", "."),
                PackageLoader("deepvanet.reporting", "."),
            ]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = mark_code
    notes = Notes()
    return environment.get_template("page.html").render(
        stores=made.stores,
        is_small=made.size_name == "small",
        size=made.size,
        missing=made.missing,
        table=_list_blocks(made.rows, notes),
        columns=table2.COLUMNS,
        explanation=table2.EXPLANATION,
        ours=mark_code(table2.describe_ours(made.size)),
        published_how=table2.PUBLISHED_HOW,
        notes=notes.letters,
        fig2=[
            {"drawing": _inline(one), "reasons": made.reasons.get(one.name, [])}
            for one in made.fig2
        ],
        fig3=[_inline(one) for one in made.fig3],
        grid=[_inline(one) for one in made.grid],
        systems=describe_systems(made.systems, _inline) if made.systems else None,
        claims=CLAIMS,
        n_neighbours=NEIGHBOURS,
        least_counted=LEAST_COUNTED,
        summaries={n: mark_code(facts.summary) for n, facts in PROTOCOLS.items()},
    )


def _inline(drawing: Plot) -> Mapping[str, Any]:
    return {
        "title": drawing.title,
        "inline": Markup(drawing.inline),
        "width_in": drawing.width_in,
    }


def _list_blocks(rows: Sequence[TableRow], notes: Notes) -> list[dict[str, Any]]:
    return [
        {
            "dataset": dataset,
            "experiment": experiment,
            "rows": [
                {"kind": _class_of(row), "texts": table2.spell_row(row, notes)}
                for row in rows
                if (row.dataset, row.experiment) == (dataset, experiment)
            ],
        }
        for dataset, experiment in table2.list_blocks(list(rows))
    ]


def _class_of(row: TableRow) -> str:
    if row.learner == NETWORK:
        return "ours"
    return "none" if row.learner in PRIORS else "other"
