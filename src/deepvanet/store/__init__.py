"""Trials on disk: memory-mapped arrays a subject; segments are a view of them.

The folder::

    STORE/manifest.json              settings and their digest, streams, versions
    STORE/findings.json              what check found in all of its files
    STORE/subjects/01/trials.csv     one row a trial: names, ratings, what its video
                                     gave, where its samples lie
                      eeg.npy        (sample, channel) float32
                      peripheral.npy
                      gaze.npy       of each further stream that the manifest names;
                                     face-features.npy has a row a step
                      face.npy       (frame, height, width, 3) uint8
                      face-state.npy (frame,) uint8, values of FrameState
                      traces.npy     (sample, target) float32, where ratings move
                      recordings.csv one row a raw recording: what cleaning did,
                      spectra.csv    its spectra before and after,
                      excerpt.npz    and ten seconds of where it did most
                      findings.json  what was found while it was prepared
                      subject.json   digests of the input files

The trials of a subject lie one after the other: of signals the samples of the baseline
before the stimulus, then those of the stimulus, NaN where one is missing; of the face
the frames of the stimulus. A subject without video has no ``face.npy``, one whose
recordings were not raw has nothing on cleaning. Ratings that move with time lie in
``traces.npy``, from the onset of the stimulus to its end, at a rate of their own, NaN
where nothing was said; ``traces`` of the manifest says the rate and what each column
rates, ``first_trace`` and ``length_trace`` of ``trials.csv`` where those of each trial
are. A store without any has neither. A folder appears whole or not at all.
"""

from deepvanet.store.columns import (
    COLUMNS,
    FRAME_COUNTS,
    MISSING_COLUMNS,
    SESSION,
    TEXT_COLUMNS,
    TRACE_COLUMNS,
    TRIAL_COLUMNS,
    number_trials,
)
from deepvanet.store.findings import read_store_findings
from deepvanet.store.manifest import FORMAT, Manifest, read_manifest
from deepvanet.store.reading import (
    Cleaning,
    TrialStore,
    digest_store,
    find_digest,
    open_store,
    pick_subjects,
    read_cleaning,
    read_trials,
)
from deepvanet.store.rows import Adjust, Rows, Segments
from deepvanet.store.segments import SegmentStore, make_grid
from deepvanet.store.writing import CleaningRecord, TrialBlock, write_subject

__all__ = [
    "COLUMNS",
    "FORMAT",
    "FRAME_COUNTS",
    "MISSING_COLUMNS",
    "SESSION",
    "TEXT_COLUMNS",
    "TRACE_COLUMNS",
    "TRIAL_COLUMNS",
    "Adjust",
    "Cleaning",
    "CleaningRecord",
    "Manifest",
    "Rows",
    "SegmentStore",
    "Segments",
    "TrialBlock",
    "TrialStore",
    "digest_store",
    "find_digest",
    "make_grid",
    "number_trials",
    "open_store",
    "pick_subjects",
    "read_cleaning",
    "read_manifest",
    "read_store_findings",
    "read_trials",
    "write_subject",
]
