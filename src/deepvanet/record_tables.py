"""The tables of the documentation that are made from records.

A page holds a table between two marks::

    <!-- table of protocols -->
    <!-- end of table -->

``python -m deepvanet.record_tables docs/*.md`` writes the tables again; a test compares
them with the pages.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from deepvanet.config import NetworkSettings
from deepvanet.datasets import DATASETS, DataSet
from deepvanet.learners import LEARNERS, LearnerRecord
from deepvanet.learners.making import find_learner
from deepvanet.learners.published_systems import SYSTEMS
from deepvanet.metrics import METRIC_RECORDS, TASK_SCORES, MetricRecord
from deepvanet.protocols import PROTOCOLS, UNITS, Protocol
from deepvanet.recipes import RECIPES, list_recipes
from deepvanet.schema import PRIORS, UserError
from deepvanet.tasks import TASKS

Row = Sequence[str]

_PLACE = re.compile(
    r"(<!-- table of ([\w -]+) -->\n).*?(<!-- end of table -->)", re.DOTALL
)


def fill_tables(page: str) -> str:
    """Return the text of a page with its tables as the records have them.

    Raises
    ------
    UserError
        When it names a table that is none.
    """
    return _PLACE.sub(_fill, page)


def _fill(place: re.Match[str]) -> str:
    if place[2] not in TABLES:
        raise UserError(f"no table of {place[2]}; known: {', '.join(TABLES)}")
    head, *rows = (f"| {' | '.join(row)} |\n" for row in TABLES[place[2]]())
    rule = "|" + "---|" * (head.count("|") - 1) + "\n"
    return "".join([place[1], "\n", head, rule, *rows, "\n", place[3]])


def list_protocols() -> Iterator[Row]:
    """Yield the head of the table of protocols, then a row for each."""
    yield (
        *("name", "kind", "a model for", "never split", "the epoch is chosen on"),
        *("leaks", "shares"),
    )
    for name, row in PROTOCOLS.items():
        yield (
            *(f"`{name}`", row.kind, _SCOPES[row.scope]),
            *(_say_whole(row), _say_choice(row)),
            *(", ".join(row.leaks) or "none", ", ".join(row.shares) or "none"),
        )


_SCOPES = {"subject": "each subject", "all": "all subjects"}


def _say_whole(protocol: Protocol) -> str:
    return "past and future" if protocol.is_forward else " and ".join(protocol.units)


def _say_choice(protocol: Protocol) -> str:
    if protocol.is_forward:
        return "the end of what trains"
    if protocol.chooses_on != "validation":
        return {"last": "last epoch", "test": "the test fold"}[protocol.chooses_on]
    if len(protocol.units) > 1:
        return "both unseen"
    return f"validation {UNITS[protocol.inner_unit].plural}"


def list_learners() -> Iterator[Row]:
    """Yield the head of the table of learners, then a row for each."""
    yield "learner", "reads", "what it does"
    for name, record in LEARNERS.items():
        yield f"`{name}`", _say_streams(record), record.title


def _say_streams(record: LearnerRecord) -> str:
    traits = find_learner(record.name)(NetworkSettings(), 0).traits
    if not traits.reads_streams:
        return "nothing"
    return traits.describe()


def list_tasks() -> Iterator[Row]:
    """Yield the head of the table of tasks, then a row for each."""
    yield "task", "targets at once", "what it does", "learners"
    able = {
        name: find_learner(name)(NetworkSettings(), 0).traits
        for name in LEARNERS
        if name not in PRIORS
    }
    for name, record in TASKS.items():
        named = [
            f"`{name}`"
            for name, traits in able.items()
            if record.goal in traits.goals and (traits.follows_time or not record.moves)
        ]
        joining = [
            f"`{n}`"
            for n, traits in able.items()
            if record.is_joint and traits.joins_targets and record.goal in traits.goals
        ]
        several = f"; any number ({', '.join(joining)})" if joining else ""
        yield (
            *(f"`{name}`", f"{record.n_targets}{several}", record.about),
            "all" if len(named) == len(able) else ", ".join(named),
        )


def list_data_sets() -> Iterator[Row]:
    """Yield the head of the table of data sets, then a row for each."""
    yield "name", "data set", "given as", "commands", "files that `predict` opens"
    for name, record in DATASETS.items():
        yield (
            *(f"`{name}`", record.title, record.root),
            *(_list_commands(record), ", ".join(record.suffixes) or "none"),
        )


def _list_commands(record: DataSet) -> str:
    there = {
        "check": record.check,
        "prepare": record.reader,
        "synth": record.writer,
    }
    return ", ".join(f"`{command}`" for command, part in there.items() if part)


def list_metrics() -> Iterator[Row]:
    """Yield the head of the table of metrics, then a row for each."""
    yield "metric", "tasks", "what it is", "chance"
    for name, record in METRIC_RECORDS.items():
        tasks = [task for task, scores in TASK_SCORES.items() if name in scores.metrics]
        said = [_mark_headline(name, task) for task in tasks]
        yield f"`{name}`", ", ".join(said), record.says, _say_chance(record)


def _mark_headline(metric: str, task: str) -> str:
    """Name a task, in bold letters where the metric is its headline."""
    return f"**{task}**" if TASK_SCORES[task].headline == metric else task


def _say_chance(record: MetricRecord) -> str:
    if record.chance is None:
        return "depends on the ratings"
    return "1 / classes" if record.chance < 0 else f"{record.chance:g}"


def list_forms() -> Iterator[Row]:
    """Yield the head of the table of tasks, then the columns of their predictions."""
    yield "task", "columns of predictions", "headline"
    for task, scores in TASK_SCORES.items():
        yield f"`{task}`", scores.columns, f"`{scores.headline}`"


def _list_recipe_settings() -> Iterator[Row]:
    yield "setting", *(f"`{name}`" for name in RECIPES), "source of published values"
    for row in list_recipes():
        yield *(f"`{row[name]}`" for name in ("setting", *RECIPES)), row["source"]


def list_systems() -> Iterator[Row]:
    """Yield the head of the table of systems, then a row for each."""
    yield (
        *("learner", "study", "share", "reads", "one example", "authors' protocol"),
        *("from", "published number measured on", "what leaks there"),
    )
    for name, record in SYSTEMS.items():
        folds = f", {record.authors_folds} folds" if record.authors_folds else ""
        yield (
            *(f"[`{name}`](#{name})", record.study, f"{record.share} %"),
            *(record.streams, record.authors_unit),
            f"`{record.authors_protocol}`{folds}",
            f"{record.protocol_tag}{' (assumed)' if record.is_assumed else ''}",
            *(record.measured_on, record.leak),
        )


def list_footnotes() -> Iterator[Row]:
    """Yield the head of the table of misprinted rows, then a row for each."""
    yield "study", "learner", "what is wrong"
    for name, record in SYSTEMS.items():
        if record.footnote:
            yield record.study, f"`{name}`", record.footnote


def _list_facts(name: str) -> Iterator[Row]:
    """Yield what is known of a system, and where each fact is from."""
    record = SYSTEMS[name]
    yield "what", "from"
    yield f"{record.reference} In Table 2: {record.study}", "reference"
    for fact in record.facts:
        yield fact.text, fact.tag


TABLES: Mapping[str, Callable[[], Iterator[Row]]] = {
    "protocols": list_protocols,
    "learners": list_learners,
    "tasks": list_tasks,
    "data sets": list_data_sets,
    "recipes": _list_recipe_settings,
    "metrics": list_metrics,
    "forms of predictions": list_forms,
    "systems": list_systems,
    "footnotes": list_footnotes,
    **{f"facts of {name}": partial(_list_facts, name) for name in SYSTEMS},
}
"""What makes each table, head first, by the name in its mark."""


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:]):
        file.write_text(fill_tables(file.read_text("utf-8")), "utf-8")
