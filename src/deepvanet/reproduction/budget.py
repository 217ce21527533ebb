"""What a budget of hours leaves in: the cheapest first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from deepvanet.evaluation.estimate import Estimate
from deepvanet.execution import say_hours
from deepvanet.reproduction.fig3 import FeaturePanel
from deepvanet.reproduction.plans import RunPlan


def leave_out(
    plans: Sequence[RunPlan],
    shown: Sequence[FeaturePanel],
    estimates: Mapping[str, Estimate],
    budget_h: float,
) -> tuple[list[RunPlan], list[FeaturePanel], dict[str, Estimate]]:
    """Keep what is finished and, of the rest, the cheapest that fit into a budget.

    Parameters
    ----------
    plans : sequence of RunPlan
        All runs that are needed.
    shown : sequence of FeaturePanel
        All models of Fig. 3.
    estimates : mapping
        Of what is not finished, by the names of runs and of files of features.
    budget_h : float
        Hours of one process.

    Returns
    -------
    tuple
        Runs, the cheapest first, and models, those that are left out with an obstacle
        that says so, and the estimates of what is left in.
    """
    kept: dict[str, Estimate] = {}
    spent_h = 0.0
    for name, estimate in sorted(estimates.items(), key=lambda one: one[1].hours):
        spent_h += estimate.hours
        if spent_h > budget_h:
            break
        kept[name] = estimate
    why = {
        name: f"left out by the budget of {say_hours(budget_h)}: it would take about "
        f"{say_hours(estimate.hours)}"
        for name, estimate in estimates.items()
        if name not in kept
    }
    cost_h = {name: estimate.hours for name, estimate in estimates.items()}
    cheapest = sorted(plans, key=lambda plan: cost_h.get(plan.name, 0.0))
    return (
        [replace(p, obstacle=why[p.name]) if p.name in why else p for p in cheapest],
        [replace(s, obstacle=why[s.file]) if s.file in why else s for s in shown],
        kept,
    )
