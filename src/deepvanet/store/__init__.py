"""Segments on disk: memory-mapped arrays a subject, one table row a segment.

The folder::

    STORE/manifest.json              settings and their digest, streams, versions
    STORE/findings.json              what check found in all of its files
    STORE/subjects/01/segments.csv   one row a segment, columns below
                      trials.csv     one row a trial: what its video gave
                      recordings.csv one row a raw recording: what cleaning did,
                      spectra.csv    its spectra before and after,
                      excerpt.npz    and ten seconds of where it did most
                      face.npy       (row with a face, frame, height, width, 3) uint8
                      eeg.npy        (row with EEG, channel, time) float32
                      peripheral.npy
                      findings.json  what was found while it was prepared
                      subject.json   digests of the input files

A stream's array holds a row for each table row whose ``has_<stream>`` is 1, in
the order of the table; a subject without video has no ``face.npy``, one whose
recordings were not raw has nothing on cleaning. A subject's folder appears whole
or not at all.
"""

from deepvanet.store.columns import (
    COLUMNS,
    MISSING_COLUMNS,
    SESSION,
    TEXT_COLUMNS,
    number_trials,
)
from deepvanet.store.findings import read_store_findings
from deepvanet.store.manifest import FORMAT, Manifest, read_manifest
from deepvanet.store.reading import (
    Cleaning,
    SegmentStore,
    digest_store,
    find_digest,
    open_store,
    pick_subjects,
    read_cleaning,
    read_segment_table,
    read_trials,
)
from deepvanet.store.rows import Adjust, Rows, Segments
from deepvanet.store.writing import CleaningRecord, SegmentBlock, write_subject

__all__ = [
    "COLUMNS",
    "FORMAT",
    "MISSING_COLUMNS",
    "SESSION",
    "TEXT_COLUMNS",
    "Adjust",
    "Cleaning",
    "CleaningRecord",
    "Manifest",
    "Rows",
    "SegmentBlock",
    "SegmentStore",
    "Segments",
    "digest_store",
    "find_digest",
    "number_trials",
    "open_store",
    "pick_subjects",
    "read_cleaning",
    "read_manifest",
    "read_segment_table",
    "read_store_findings",
    "read_trials",
    "write_subject",
]
