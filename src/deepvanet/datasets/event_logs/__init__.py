"""Event logs and ratings of an experiment, joined to a table of trials."""

from deepvanet.datasets.event_logs.choices import MATCHES, JoinChoices
from deepvanet.datasets.event_logs.joining import JoinedTrials, join_trials

__all__ = ["MATCHES", "JoinChoices", "JoinedTrials", "join_trials"]
