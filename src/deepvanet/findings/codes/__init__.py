"""The table of codes: families T, C, Q, V, R and F, a module for each."""

from collections.abc import Mapping

from deepvanet.findings.codes.channels import CHANNELS
from deepvanet.findings.codes.files import FILES
from deepvanet.findings.codes.quality import QUALITY
from deepvanet.findings.codes.ratings import RATINGS
from deepvanet.findings.codes.times import TIMES
from deepvanet.findings.codes.videos import VIDEOS
from deepvanet.findings.record import Code

FAMILIES: Mapping[str, tuple[str, tuple[Code, ...]]] = {
    "T": ("Time", TIMES),
    "C": ("Channels and units", CHANNELS),
    "Q": ("Quality and missing data", QUALITY),
    "V": ("Videos and faces", VIDEOS),
    "R": ("Ratings and the table of trials", RATINGS),
    "F": ("Files", FILES),
}
"""Codes by the first letter, with the name of each family."""

CODES: Mapping[str, Code] = {
    code.code: code for _, codes in FAMILIES.values() for code in codes
}
"""All codes, in the order of the documentation."""
