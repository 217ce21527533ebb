"""A run that is asked for more than before: which of its settings may grow.

A fit does not depend on what else a run holds. So a run may be given more protocols,
targets, stream sets, learners, seeds or subjects, and fits that were finished stay.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepvanet import results

LISTS = ("protocols", "targets", "streams", "learners", "seeds", "subjects")
"""Settings of a run that may grow; subjects to all of them, which are none named."""


def leave_lists(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a run without what may grow: its fits depend on it."""
    asked = described["evaluate"]
    rest = {name: value for name, value in asked.items() if name not in LISTS}
    return {**described, "evaluate": rest}


def read_wider(described: Mapping[str, Any], file: Path) -> Mapping[str, Any]:
    """Read the settings of a run as if its lists had grown to those asked for.

    A list that holds what is not asked for stays, so that the run is refused. Where a
    run grows, its predictions are removed: they are those of the smaller run.

    Parameters
    ----------
    described : mapping
        What is asked for, as ``settings.toml`` would have it.
    file : Path
        ``settings.toml`` of the run.
    """
    there = dict(results.read_run_settings(file))
    if not isinstance(there.get("evaluate"), Mapping):
        return there
    before, asked = dict(there["evaluate"]), described["evaluate"]
    grown = {
        name: asked[name]
        for name in LISTS
        if name in before and _holds(asked[name], before[name], name)
    }
    wider = {**there, "evaluate": {**before, **grown}}
    if before != asked and {name: wider.get(name) for name in described} == described:
        (file.parent / "predictions.csv").unlink(missing_ok=True)
    return wider


def _holds(asked: Any, before: Any, name: str) -> bool:
    """Say whether a list holds all of another; of subjects, none named are all."""
    if name == "subjects" and not (asked and before):
        return not asked
    return {*before} <= {*asked}
