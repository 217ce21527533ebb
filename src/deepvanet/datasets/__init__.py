"""Recordings as they were downloaded, read into trials: a folder for each data set."""

from deepvanet.datasets.checking import check
from deepvanet.datasets.findings import CheckResult, Table
from deepvanet.datasets.records import (
    DATASETS,
    DataSet,
    OpenReader,
    Reader,
    describe_lengths,
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
    "check",
    "describe_lengths",
    "find_data_set",
    "leave_out",
    "list_channels",
    "list_names",
]
