"""What is written as BDF is read back by MNE, and bit by bit."""

from pathlib import Path

import edfio
import mne
import numpy as np
import pytest

from deepvanet.synthetic.bdf import RANGES, write_bdf

LABELS = ["Fp1", "GSR1", "Temp", "Resp"]
UNITS = ["uV", "Ohm", "degC", ""]
SFREQ = 256.0


def write(path: Path, bio: np.ndarray, **options) -> Path:
    options.setdefault("status", np.zeros(bio.shape[1], dtype=int))
    write_bdf(path, bio, labels=LABELS, units=UNITS, sfreq=SFREQ, **options)
    return path


def draw(*, seconds: int = 3) -> np.ndarray:
    rng = np.random.default_rng(0)
    spread = np.array([[50.0], [2e5], [0.2], [300.0]])
    mean = np.array([[-9000.0], [8e5], [33.0], [0.0]])
    return mean + spread * rng.standard_normal((4, seconds * int(SFREQ)))


def read_bits(path: Path, *, n_channels: int) -> np.ndarray:
    """Return the unsigned 24 bits of each sample, shape (channel, time)."""
    data = np.frombuffer(path.read_bytes()[256 * (n_channels + 1) :], np.uint8)
    bits = data.reshape(-1, 3).astype(int) @ np.array([1, 1 << 8, 1 << 16])
    records = bits.reshape(-1, n_channels, int(SFREQ))
    return records.transpose(1, 0, 2).reshape(n_channels, -1)


def test_mne_reads_what_was_written_to_within_half_a_bit_of_24(tmp_path):
    bio = draw()

    raw = mne.io.read_raw_bdf(write(tmp_path / "a.bdf", bio), verbose="ERROR")

    found = raw.get_data(picks=LABELS) * np.array([[1e6], [1], [1], [1]])
    ranges = np.array([RANGES["uV"], RANGES["Ohm"], RANGES["degC"], RANGES["uV"]])
    half_a_bit = np.diff(ranges, axis=1) / 2**24 / 2
    assert (np.abs(found - bio) <= half_a_bit * 1.001).all()
    assert raw.info["sfreq"] == SFREQ
    assert raw._orig_units["Fp1"] == "µV"


def test_all_24_bits_of_the_status_are_kept(tmp_path):
    status = np.random.default_rng(1).integers(0, 1 << 24, 2 * int(SFREQ))
    status[:3] = 0, (1 << 24) - 1, 1 << 23

    path = write(tmp_path / "a.bdf", draw(seconds=2), status=status)

    assert (read_bits(path, n_channels=5)[-1] == status).all()


def test_of_two_blank_status_channels_the_last_carries_the_codes(tmp_path):
    status = np.full(2 * int(SFREQ), 0x19FF04)

    path = write(
        tmp_path / "a.bdf", draw(seconds=2), status=status, status_labels=("", "")
    )

    assert mne.io.read_raw_bdf(path, verbose="ERROR").ch_names == [*LABELS, "-0", "-1"]
    bits = read_bits(path, n_channels=6)
    assert not bits[4].any()
    assert (bits[5] == status).all()


def test_a_header_may_keep_silent_about_the_length(tmp_path):
    path = write(tmp_path / "a.bdf", draw(), knows_length=False)

    assert path.read_bytes()[236:244] == b"-1      "
    with pytest.warns(RuntimeWarning, match="does not match the file size"):
        raw = mne.io.read_raw_bdf(path)
    assert raw.n_times == 3 * SFREQ


def test_a_header_begins_as_biosemi_writes_it(tmp_path):
    path = write(tmp_path / "a.bdf", draw())

    assert path.read_bytes()[:8] == b"\xffBIOSEMI"
    assert path.read_bytes()[192:197] == b"24BIT"
    bdf = edfio.read_bdf(path)
    assert bdf.num_data_records == 3
    assert [s.physical_dimension for s in bdf.signals] == [*UNITS, "Boolean"]


def test_a_voltage_beyond_the_converter_is_clipped(tmp_path):
    bio = draw()
    bio[0, 5:7] = 1e6, -1e6

    raw = mne.io.read_raw_bdf(write(tmp_path / "a.bdf", bio), verbose="ERROR")

    clipped = raw.get_data(picks="Fp1")[0, 5:7] * 1e6
    assert clipped == pytest.approx(RANGES["uV"][::-1])


def test_the_same_arguments_make_the_same_bytes(tmp_path):
    paths = [write(tmp_path / f"{name}.bdf", draw()) for name in "ab"]

    assert paths[0].read_bytes() == paths[1].read_bytes()
