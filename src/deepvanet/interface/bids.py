"""A store as a BIDS derivative: ``write_bids``."""

import re
import shutil
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from deepvanet import __version__
from deepvanet.files import make_folder
from deepvanet.interface.asking import PathLike, read_path, say_os_errors
from deepvanet.interface.mne_objects import to_raw
from deepvanet.optional_packages import tell_install
from deepvanet.schema import UserError
from deepvanet.store import TrialStore, open_store

TASK = "affect"
DESCRIPTION = "deepvanet"


def write_bids(
    store: PathLike | TrialStore, root: PathLike, *, streams: str = "all"
) -> list[Path]:
    """Write the signals of a store as a BIDS derivative, a file of BDF a subject.

    Parameters
    ----------
    store : str, Path or TrialStore
        Store of trials.
    root : str or Path
        Folder to write, which must be new or empty.
    streams : str
        A stream set; signals of it are written.

    Returns
    -------
    list of Path
        The files of signals. ``events.tsv`` beside each has stimuli with their trials
        and ratings. A missing sample is 0 there, and an event ``BAD_missing`` says so.

    Raises
    ------
    UserError
        When the folder holds something, a name of a subject cannot stand in BIDS, or
        mne-bids is missing.

    Examples
    --------
    >>> import deepvanet
    >>> files = deepvanet.write_bids("store", "derivatives/deepvanet")  # doctest: +SKIP
    """
    if find_spec("mne_bids") is None:
        raise UserError(f"write_bids: mne-bids is missing: {tell_install('mne-bids')}")
    folder = read_path(root, "root")
    with say_os_errors():
        held = (
            store
            if isinstance(store, TrialStore)
            else open_store(read_path(store, "store"))
        )
        if folder.exists() and any(folder.iterdir()):
            raise UserError(f"{folder}: is not empty; choose another folder")
        subjects = list(dict.fromkeys(held.table["subject"]))
        for subject in subjects:
            if not re.fullmatch("[A-Za-z0-9]+", subject):
                raise UserError(
                    f"subject {subject}: BIDS has letters and digits in names only"
                )
        make_folder(folder)
        try:
            return _write(held, folder, subjects, streams)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _write(
    store: TrialStore, root: Path, subjects: list[str], streams: str
) -> list[Path]:
    from mne_bids import BIDSPath, make_dataset_description, write_raw_bids

    files = []
    for subject in subjects:
        raw = to_raw(store, subject, streams=streams)
        raw._data[:] = np.nan_to_num(raw.get_data(), copy=False)
        raw.set_montage(None)  # positions of a template are no measured ones
        raw.info["line_freq"] = None
        place = BIDSPath(
            subject=subject, task=TASK, datatype="eeg", suffix="eeg", root=root
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what BIDS has no place for
            written = write_raw_bids(
                raw,
                place,
                format="BDF",
                allow_preload=True,
                overwrite=True,
                verbose="error",
            )
        files.append(Path(str(written.fpath)))
    make_dataset_description(
        path=root,
        name=f"{store.manifest.dataset}, as deepvanet prepared it",
        dataset_type="derivative",
        generated_by=[{"Name": "deepvanet", "Version": __version__}],
        overwrite=True,
        verbose="error",
    )
    return files
