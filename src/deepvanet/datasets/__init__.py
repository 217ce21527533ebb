"""Recordings as they were downloaded, read into trials: a folder for each data set."""

from deepvanet.datasets.checking import check
from deepvanet.datasets.findings import CheckResult, Table
from deepvanet.datasets.records import (
    DATASETS,
    DataSet,
    OpenReader,
    Reader,
    TraceReader,
    describe_lengths,
    describe_traces,
    find_data_set,
    list_channels,
    list_names,
)
from deepvanet.datasets.subjects import leave_out

__all__ = [
    "DATASETS",
    "CheckResult",
    "DataSet",
    "OpenReader",
    "Reader",
    "Table",
    "TraceReader",
    "check",
    "describe_lengths",
    "describe_traces",
    "find_data_set",
    "leave_out",
    "list_channels",
    "list_names",
]
