"""What a prediction is worth: how the model that made it stands to its prior.

It is said wherever a prediction is shown. A label, such as *high*, is shown only where
the score of the cross-validation exceeds that of the protocol's own prior, with a
p-value that is corrected over all answers of the bundle; and where balanced folds push
that prior below chance, where it exceeds chance too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Literal

from deepvanet.bundle.loading import Answer, Bundle
from deepvanet.bundle.validation import Validation, find_form
from deepvanet.findings import say_count
from deepvanet.metrics import METRIC_RECORDS
from deepvanet.metrics.families import correct_by_holm
from deepvanet.schema import GoalKind

SIGNIFICANT = 0.05
_GUESSING = 0.5

State = Literal["better", "not shown", "unknown", "never scored"]

LABELS: dict[GoalKind, str] = {
    "high-low": "no high or low is named",
    "classes": "no class is named",
    "rating": "",
}
"""What is left out where a model is not better than its prior."""


@dataclass(frozen=True)
class Standing:
    """How one answer of a bundle stands to the prior of its protocol.

    Attributes
    ----------
    sentence : str
        What the card admits, for people.
    """

    target: str
    streams: str
    state: State
    sentence: str

    @property
    def has_label(self) -> bool:
        """Whether what it calls a segment may be shown."""
        return self.state == "better"


def list_standings(bundle: Bundle) -> list[Standing]:
    """Return the standing of each answer of a bundle."""
    return judge_answers(bundle.answers)


def fold_standings(standings: Sequence[Standing]) -> list[tuple[State, str]]:
    """Return states and sentences, all that was never scored in one sentence.

    Examples
    --------
    >>> fold_standings([])
    []
    """
    never = [one for one in standings if one.state == "never scored"]
    folded = [(one.state, one.sentence) for one in standings if one not in never]
    if never:
        what = ", ".join(f"{one.target} from {one.streams}" for one in never)
        folded.insert(
            0, ("never scored", f"{what}:{never[0].sentence.partition(':')[2]}")
        )
    return folded


def judge_answers(answers: Sequence[Answer]) -> list[Standing]:
    """Return the standing of each answer; p is corrected over all of them."""
    corrected = correct_by_holm([_find_p(answer.validation) for answer in answers])
    return [_judge(*pair) for pair in zip(answers, corrected, strict=True)]


def _find_p(made: Validation | None) -> float:
    found = None if made is None or made.prior is None else made.prior.p_value
    return nan if found is None else found


def _judge(answer: Answer, p_corrected: float) -> Standing:
    state = _find_state(answer, p_corrected)
    what = f"{answer.target} from {answer.streams}"
    kept = LABELS[answer.goal.kind] if state != "better" else ""
    said = _say(answer, state, p_corrected)
    sentence = f"{what}: {said}{f'; {kept}' if kept else ''}."
    return Standing(answer.target, answer.streams, state, sentence)


def _find_state(answer: Answer, p_corrected: float) -> State:
    made = answer.validation
    if made is None:
        return "never scored"
    margin = made.prior
    if margin is None or margin.difference is None or p_corrected != p_corrected:
        return "unknown"
    is_better = margin.difference > 0 and p_corrected <= SIGNIFICANT
    return "better" if is_better and _exceeds_chance(made, answer) else "not shown"


def _exceeds_chance(made: Validation, answer: Answer) -> bool:
    """Say whether a score exceeds chance, where its prior lies below that."""
    chance = find_chance(made, answer)
    below = made.prior is not None and (made.prior.score or 0.0) < (chance or 0.0)
    if chance is None or not below:
        return True
    if made.p_value is not None:
        return made.p_value <= SIGNIFICANT
    return made.ci_low is not None and made.ci_low > chance


def find_chance(made: Validation, answer: Answer) -> float | None:
    """Return what luck gives in the headline of an answer."""
    return _GUESSING if answer.goal.kind == "high-low" else made.chance


def _say(answer: Answer, state: State, p_corrected: float) -> str:
    made = answer.validation
    if made is None:
        return "never scored, so it is not known whether it is better than guessing"
    headline = find_form(answer.goal).headline
    score = made.scores[headline]
    mine = "unknown" if score is None else f"{score:.2f}"
    subjects = say_count(made.n_subjects, "subject")
    head = (
        f"{METRIC_RECORDS[headline].title} {mine} in cross-validation (protocol "
        f"{made.protocol}, {subjects})"
    )
    if made.prior is None:
        return f"{head}; its prior is not known: train it again"
    theirs = "unknown" if made.prior.score is None else f"{made.prior.score:.2f}"
    prior = f"{made.prior.name}, which reads no signal ({theirs})"
    if state == "unknown":
        said = "too few subjects or clips to know the difference"
        return f"{head}, beside {prior}: {said}"
    tested = f"p {_write_p(p_corrected)}"
    if state == "better":
        return f"{head}, better than {prior}; {tested}"
    if (made.prior.difference or 0.0) < 0 and p_corrected <= SIGNIFICANT:
        return f"{head}, worse than {prior}; {tested}"
    if not _exceeds_chance(made, answer) and p_corrected <= SIGNIFICANT:
        return f"{head}, not shown to be better than chance"
    return f"{head}, not shown to be better than {prior}; {tested}"


def _write_p(value: float) -> str:
    return "below 0.001" if value < 0.001 else f"{value:.3f}"


def say_worth(bundle: Bundle, answered: Sequence[str]) -> list[str]:
    """Say which answers were given, why these, and what each is worth.

    Parameters
    ----------
    bundle : Bundle
        What was asked.
    answered : sequence of str
        The stream set that answered each segment; empty where none did.
    """
    used = [name for name in dict.fromkeys(answered) if name]
    standings = list_standings(bundle)
    lines = []
    for streams in used:
        why = explain_choice(bundle, streams)
        if why:
            lines.append(f"answered from {streams}: {why}")
    mine = [one for one in standings if one.streams in used]
    return [*(sentence for _, sentence in fold_standings(mine)), *lines]


def explain_choice(bundle: Bundle, streams: str) -> str:
    """Say why a stream set answers, of those whose streams are there.

    Parameters
    ----------
    bundle : Bundle
        What was asked.
    streams : str
        The stream set that answered.

    Returns
    -------
    str
        Nothing where the bundle knows no other.
    """
    if len(bundle.stream_sets) < 2:
        return ""
    score = bundle.find_score(streams)
    if score is None:
        return "the most streams that are there; none of them was scored"
    title = METRIC_RECORDS[find_form(bundle.answers[0].goal).headline].title
    mean = ", mean over targets" if len(bundle.targets) > 1 else ""
    return (
        f"the best cross-validated score of those that have their streams "
        f"({title} {score:.2f}{mean})"
    )
