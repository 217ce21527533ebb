"""Tables of signals as labs and devices write them: read right, or reported."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from deepvanet.findings import FindingError, collect
from deepvanet.schema import ChannelType, UserError
from deepvanet.signal_io import delimited_text
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.open_file import open_signals

N = 1280
RATE = 128
SECONDS = np.arange(N) / RATE
EEG = np.round(20 * np.sin(2 * np.pi * 10 * SECONDS), 3)
GSR = np.where(SECONDS < 5, 2.0, 5.0)
NOVEMBER = 1_700_000_000


def write_table(path, times=None, *, time="time", sep=",", comma=False, **changes):
    """Write a table of ``N`` samples, and return its path.

    ``changes`` are columns in place of, or beside, those of EEG and skin.
    """
    columns = {time: SECONDS if times is None else times}
    columns |= {"Fp1 [µV]": EEG, "GSR [uS]": GSR} | changes.pop("columns", {})
    rows = zip(*columns.values(), strict=True)
    lines = [sep.join(columns), *(sep.join(map(str, row)) for row in rows)]
    text = "\n".join(lines) + "\n"
    if comma:
        text = text.replace(".", ",")
    text = changes.get("above", "") + text
    path.write_bytes(text.encode(changes.get("encoding", "utf-8")))
    return path


def replace_line(path, number, line):
    lines = path.read_text().splitlines()
    lines[number - 1] = line
    path.write_text("\n".join(lines) + "\n")
    return path


def read(path, **declared):
    """Return what a table is opened as, its numbers, and the codes of findings."""
    with collect() as found:
        signals = open_signals(path, Declaration(**declared))
    numbers = dict(
        zip(signals.labels, signals.read(range(len(signals.labels))), strict=True)
    )
    return signals, numbers, found


def list_codes(found):
    return [finding.code for finding in found]


def assert_true(signals, numbers):
    assert (signals.sfreq, signals.n_samples) == (RATE, N)
    assert dict(zip(signals.labels, signals.units, strict=True)) == {
        "Fp1": "uV",
        "GSR": "uS",
    }
    np.testing.assert_allclose(numbers["Fp1"], EEG, atol=1e-6)
    np.testing.assert_allclose(numbers["GSR"], GSR, atol=1e-6)


@pytest.mark.parametrize(
    ("how", "codes"),
    [
        ({}, []),
        ({"encoding": "utf-8-sig"}, []),
        ({"encoding": "utf-16"}, []),
        ({"encoding": "utf-16-le"}, []),
        ({"encoding": "latin-1"}, ["F25"]),
        ({"sep": ";"}, []),
        ({"sep": "\t"}, []),
        ({"sep": "|"}, []),
        ({"sep": " , "}, []),
        ({"sep": ";", "comma": True}, []),
        ({"sep": "\t", "comma": True, "encoding": "utf-16"}, []),
        ({"sep": ";", "above": "sep=;\n"}, []),
        ({"above": "# a device\n% 128 Hz\n\n"}, []),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".txt"])
def test_a_table_is_read_whatever_its_encoding_and_separators(
    tmp_path, suffix, how, codes
):
    path = write_table(tmp_path / f"a{suffix}", **how)

    signals, numbers, found = read(path)

    assert_true(signals, numbers)
    assert list_codes(found) == codes


def test_decimal_commas_beside_whole_milliseconds_keep_all_channels(tmp_path):
    times = np.round(SECONDS * 1000).astype(int)
    path = write_table(tmp_path / "a.csv", times, time="time_ms", sep=";", comma=True)

    signals, numbers, found = read(path)

    assert_true(signals, numbers)
    assert list_codes(found) == ["T05"]


def test_trailing_separators_blank_lines_comments_and_quotes_are_no_cells(tmp_path):
    path = write_table(tmp_path / "a.csv")
    lines = [line + "," for line in path.read_text().splitlines()]
    lines[0] = '"time","Fp1 [µV]","GSR [uS]",'
    lines[100:100] = ["", "# a comment, with commas", "   "]
    lines += [",,,", ""]
    path.write_text("\r\n".join(lines))

    signals, numbers, found = read(path)

    assert_true(signals, numbers)
    assert found == []


def test_a_header_that_numpy_wrote_as_a_comment_names_the_columns(tmp_path):
    path = tmp_path / "a.txt"
    table = np.stack([SECONDS, EEG, GSR], axis=1)
    np.savetxt(path, table, header="time,Fp1 [uV],GSR [uS]", delimiter=",")

    signals, numbers, found = read(path)

    assert_true(signals, numbers)
    assert found == []


def test_a_line_is_found_below_lines_that_are_no_rows(tmp_path):
    path = write_table(tmp_path / "a.csv", above="# one\n\n")
    replace_line(path, 5, "# two")
    replace_line(path, 8, f"{SECONDS[4]},OVF,2.0")

    _, _, found = read(path)

    assert "'OVF' in line 8" in next(f for f in found if f.code == "Q03").sentence


def test_one_word_among_numbers_is_one_missing_sample(tmp_path):
    path = write_table(tmp_path / "a.csv")
    replace_line(path, 700, f"{SECONDS[698]},{EEG[698]},OVF")

    signals, numbers, found = read(path)

    np.testing.assert_allclose(numbers["GSR"], GSR, atol=0.5)
    assert_true(signals, numbers | {"GSR": GSR})
    odd = next(f for f in found if f.code == "Q03")
    assert odd.place == "column GSR [uS]"
    assert odd.sentence == "1 of 1280 cells is no number: 'OVF' in line 700"
    assert set(list_codes(found)) == {"Q03", "Q01"}


def test_a_number_with_an_endless_exponent_does_not_end_the_program(tmp_path):
    for word in ("", "OVF"):
        path = write_table(tmp_path / "a.csv")
        replace_line(path, 600, f"{SECONDS[598]},{EEG[598]},{word}")
        replace_line(path, 700, f"{SECONDS[698]},{EEG[698]},-1e3080000001")

        signals, numbers, _ = read(path)

        np.testing.assert_allclose(numbers["GSR"], GSR, atol=0.5)
        assert_true(signals, numbers | {"GSR": GSR})


def test_a_channel_of_words_throughout_is_missing_and_a_note_is_named(tmp_path):
    words = {"GSR [uS]": ["OVF"] * N, "phase": ["rest"] * N}
    path = write_table(tmp_path / "a.csv", columns=words)

    signals, numbers, found = read(path)

    assert signals.labels == ("Fp1", "GSR")
    assert np.isnan(numbers["GSR"]).all()
    assert {"Q03", "C01"} == set(list_codes(found))
    assert "phase ('rest')" in next(f for f in found if f.code == "C01").sentence


def test_infinite_numbers_are_missing_and_an_empty_column_is_kept(tmp_path):
    odd = {"GSR [uS]": ["inf", *GSR[1:]], "ECG [mV]": [""] * N}
    path = write_table(tmp_path / "a.csv", columns=odd)

    _, numbers, found = read(path)

    assert np.isfinite(numbers["Fp1"]).all()
    assert np.isnan(numbers["ECG"]).all()
    assert "Q03" in list_codes(found)


def test_booleans_are_0_and_1(tmp_path):
    is_high = {"switch": np.where(SECONDS < 1, "True", "False")}
    path = write_table(tmp_path / "a.csv", columns=is_high)

    _, numbers, _ = read(path)

    np.testing.assert_array_equal(numbers["switch"], SECONDS < 1)


def test_two_columns_of_one_name_are_an_error_that_names_their_places(tmp_path):
    path = write_table(tmp_path / "a.csv", columns={"GSR [uS] ": GSR + 1})

    _, numbers, found = read(path)

    assert [(f.code, f.sentence) for f in found] == [
        ("C02", "2 columns are called GSR [uS]: columns 3, 4")
    ]
    np.testing.assert_allclose(numbers["GSR"], GSR)
    with pytest.raises(UserError, match="2 columns are called GSR"):
        open_signals(path, Declaration())


def test_a_column_without_a_name_is_named_by_its_place(tmp_path):
    path = write_table(tmp_path / "a.csv", columns={"": np.arange(N)})

    _, _, found = read(path)

    assert list_codes(found) == ["C01"]
    assert "column 4" in found[0].sentence


def test_sides_in_parentheses_stay_in_labels_and_units_do_not(tmp_path):
    both = {"EMG (left)": EEG, "EMG (right)": EEG, "ECG (mV)": EEG}
    path = write_table(tmp_path / "a.csv", columns=both)

    signals, _, _ = read(path)

    assert signals.labels[2:] == ("EMG (left)", "EMG (right)", "ECG")
    assert signals.units[2:] == ("", "", "mV")


UNIX_NS = NOVEMBER * 10**9 + np.arange(N) * 7_812_500


@pytest.mark.parametrize(
    ("name", "times", "start"),
    [
        ("timestamp", UNIX_NS / 1e9, NOVEMBER),
        ("timestamp", np.round(UNIX_NS / 1e6).astype(np.int64), NOVEMBER),
        ("Timestamp_Unix_CAL", UNIX_NS / 1e6, NOVEMBER),
        ("unix", UNIX_NS // 1000, NOVEMBER),
        ("time_ns", UNIX_NS, NOVEMBER),
        ("time", SECONDS * 1000, None),
        ("t", SECONDS * 1e6, None),
        ("Time [ms]", SECONDS * 1000 + 5e6, None),
        ("time (min)", SECONDS / 60, None),
        ("LSL timestamp", SECONDS + 54321.5, None),
    ],
)
def test_units_and_origins_of_times_are_recognised_and_said(
    tmp_path, name, times, start
):
    path = write_table(tmp_path / "a.csv", times, time=name)

    signals, numbers, found = read(path)

    assert_true(signals, numbers)
    assert list_codes(found) == ["T05"]
    assert found[0].place == f"column {name}"
    if start is None:
        assert signals.start_unix_s is None
    else:
        assert signals.start_unix_s == pytest.approx(start, abs=1e-3)


DATES = pd.to_datetime(UNIX_NS, unit="ns")


@pytest.mark.parametrize(
    ("texts", "start"),
    [
        (DATES.tz_localize("UTC").strftime("%Y-%m-%dT%H:%M:%S.%fZ"), NOVEMBER),
        (DATES.strftime("%Y-%m-%d %H:%M:%S.%f+02:00"), NOVEMBER - 7200),
        (DATES.astype(str), None),
        (DATES.strftime("%d.%m.%Y %H:%M:%S.%f"), None),
        (DATES.strftime("%m/%d/%Y %I:%M:%S.%f %p"), None),
        (DATES.strftime("%H:%M:%S.%f"), None),
        ((DATES + pd.Timedelta(6395, "s")).strftime("%H:%M:%S:%f"), None),
        ([f"{s // 60:.0f}:{s % 60:09.6f}" for s in SECONDS + 55], None),
    ],
    ids=["iso", "zone", "naive", "german", "american", "clock", "midnight", "minutes"],
)
def test_dates_and_clocks_in_text_are_times(tmp_path, texts, start):
    path = write_table(tmp_path / "a.csv", texts)

    signals, numbers, found = read(path)

    assert_true(signals, numbers)
    assert list_codes(found) == ["T05"]
    assert signals.start_unix_s == (start and pytest.approx(start, abs=1e-3))


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_dates_of_parquet_are_times(tmp_path, zone):
    dates = DATES if zone is None else DATES.tz_localize("UTC").tz_convert(zone)
    table = pd.DataFrame({"Fp1 [uV]": EEG, "GSR [uS]": GSR}, index=dates)
    table.rename_axis("datetime").to_parquet(tmp_path / "a.parquet")

    signals, numbers, found = read(tmp_path / "a.parquet")

    assert_true(signals, numbers)
    assert list_codes(found) == ["T05"]
    start = None if zone is None else pytest.approx(NOVEMBER, abs=1e-3)
    assert signals.start_unix_s == start


@pytest.mark.parametrize(
    ("name", "times", "sentence"),
    [
        ("time_ms", SECONDS * 1e6, "is not in ms as its name says: .* in us"),
        ("time_s", SECONDS * 1e3, "is not in s as its name says: .* 0.128 Hz"),
        ("time_ms", UNIX_NS, "is not in ms as its name says: .* in ns"),
        ("unix_s", SECONDS, "is no Unix time as its name says"),
        ("time", np.arange(N), "does not say its unit: .* 1 Hz in s and 1000 Hz in ms"),
    ],
)
def test_a_unit_that_is_contradicted_or_open_is_an_error(
    tmp_path, name, times, sentence
):
    path = write_table(tmp_path / "a.csv", times, time=name)

    with pytest.raises(FindingError, match=sentence) as caught:
        open_signals(path, Declaration())

    assert caught.value.finding.code == "T06"
    assert "name the column time_" in caught.value.finding.cure


def write_steps(path, step, n, label):
    numbers = np.sin(np.arange(n) / 9)
    table = pd.DataFrame({"time": step * np.arange(n), label: numbers})
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("n", "label", "sfreq", "codes"),
    [
        (300, "GSR [uS]", 5, ["T05"]),  # 0.06 s in us
        (10_000, "GSR [uS]", 5, ["T05"]),  # half an hour, or 2 s
        (100_000, "GSR [uS]", 5, ["T06", "T05"]),  # 5.6 hours, or 20 s
        (100_000, "EMG [uV]", 5000, ["T05"]),  # needs 20 Hz
    ],
)
def test_steps_of_200_are_what_length_and_channels_say_or_asked_about(
    tmp_path, n, label, sfreq, codes
):
    path = write_steps(tmp_path / "a.csv", 200, n, label)

    signals, _, found = read(path)

    assert signals.sfreq == sfreq
    assert list_codes(found) == codes
    if "T06" in codes:
        assert "200 are 5 Hz in ms and 5000 Hz in us" in found[0].sentence
        assert found[0].cure == "name the column time_ms or time_us"


def test_a_cell_of_time_that_is_a_word_is_quoted_with_its_line(tmp_path):
    times = [str(second) for second in SECONDS]
    times[699], times[705] = "lost", ""
    path = write_table(tmp_path / "a.csv", times)

    _, _, found = read(path)

    (finding,) = [f for f in found if f.code == "T20"]
    assert "in 2 of" in finding.sentence
    assert finding.sentence.endswith("samples: 'lost' in line 701, and others")


@pytest.mark.parametrize("rate", [4, 10, 32, 500, 2048])
def test_plain_seconds_of_usual_rates_need_no_finding(tmp_path, rate):
    path = write_table(tmp_path / "a.csv", np.arange(N) / rate)

    signals, _, found = read(path)

    assert signals.sfreq == rate
    assert found == []


def test_one_clock_in_two_columns_is_used_and_gives_the_date(tmp_path):
    others = {"timestamp": UNIX_NS // 10**6, "epoch time": np.zeros(N)}
    path = write_table(tmp_path / "a.csv", columns=others)

    signals, numbers, found = read(path)

    assert signals.labels == ("Fp1", "GSR", "epoch time")
    np.testing.assert_allclose(numbers["Fp1"], EEG, atol=1e-6)
    assert signals.start_unix_s == pytest.approx(NOVEMBER, abs=1e-2)
    assert set(list_codes(found)) == {"T05"}


def test_a_counter_beside_a_clock_is_told_from_it_or_asked_about(tmp_path):
    path = write_table(
        tmp_path / "a.csv", np.arange(N), columns={"timestamp": UNIX_NS // 10**6}
    )

    signals, _, found = read(path)

    assert list_codes(found) == ["T05", "T31"]
    assert signals.sfreq == RATE


def test_two_clocks_that_differ_are_an_error_unless_one_is_declared(tmp_path):
    path = write_table(tmp_path / "a.csv", columns={"timestamp": SECONDS * 1.1})

    _, _, found = read(path)
    signals, _, declared = read(path, time="Time")

    assert list_codes(found) == ["T31"]
    assert 'time = "timestamp"' in found[0].cure
    assert signals.sfreq == RATE
    assert "T31" not in list_codes(declared)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_without_a_time_is_refused_with_the_nearest_name(tmp_path, suffix):
    table = pd.DataFrame({"tme_s": SECONDS, "Fp1": EEG})
    path = tmp_path / f"a{suffix}"
    table.to_csv(path) if suffix == ".csv" else table.to_parquet(path)

    with pytest.raises(
        FindingError, match=r"nearest is tme_s.*a column time_s"
    ) as caught:
        open_signals(path, Declaration())

    assert caught.value.finding.code == "T30"


def test_markers_are_texts_or_numbers_of_any_number_of_columns(tmp_path):
    texts, codes = np.full(N, "", object), np.zeros(N, int)
    texts[128:256], codes[384:390], codes[390:400], codes[640] = "film", 7, 9, 7
    path = write_table(
        tmp_path / "a.csv", columns={"marker": texts, "Trigger 2": codes}
    )

    signals, _, found = read(path)

    assert [(m.onset_s, m.text) for m in signals.markers] == [
        *[(1.0, "film"), (3.0, "7"), (390 / 128, "9"), (5.0, "7")]
    ]
    assert signals.labels == ("Fp1", "GSR")
    assert found == []


def test_markers_keep_their_time_after_lost_rows(tmp_path):
    path = write_table(
        tmp_path / "a.csv",
        columns={"event": ["x", *[""] * 899, "y", *[""] * (N - 901)]},
    )
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:400] + lines[500:]) + "\n")

    signals, _, found = read(path)

    assert [(m.onset_s, m.text) for m in signals.markers] == [
        (0.0, "x"),
        (pytest.approx(900 / RATE), "y"),
    ]
    assert list_codes(found) == ["T01"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no line of names"),
        ("0,1,2\n1,2,3\n", r"first line has numbers \(0, 1, 2\), expected names"),
        ("time,Fp1\n0,1\n1,2,3\n", "line 3: .*1 of 2 lines have more cells"),
        ("time,Fp1\n0,0,5\n1,1,5\n", "points in place of decimal commas"),
        ("time,Fp1\n0,1\n1,\x00\n", "zero bytes"),
        ('time,Fp1\n0,"1\n1,2\n', "EOF inside string"),
        ("x" * (delimited_text.LONGEST_LINE + 1), "more than 4194304 characters"),
        ("c," * 20_000 + "\n1,2\n", "20001 columns, at most 10000"),
        ("time\n" + "1," * 20_000, "line 2: .* 20001 cells, at most 10000"),
        ("c," * 9000 + "\n" + "1\n" * 9000, "most of its 9000 lines lack most"),
    ],
)
def test_texts_that_are_no_tables_end_in_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "a.csv"
    path.write_text(text)

    with collect(), pytest.raises(FindingError, match=sentence) as caught:
        open_signals(path, Declaration())

    assert caught.value.finding.code == "F01"


def test_a_last_line_that_is_cut_off_is_left_out(tmp_path):
    path = write_table(tmp_path / "a.csv")
    path.write_text(path.read_text() + "1")

    signals, numbers, found = read(path)

    assert_true(signals, numbers)
    assert [f.sentence for f in found] == ["the last line is cut off: 1 of 3 cells"]
    assert list_codes(found) == ["F26"]


def test_lines_with_fewer_cells_are_counted(tmp_path):
    path = replace_line(write_table(tmp_path / "a.csv"), 9, f"{SECONDS[7]}")

    _, _, found = read(path)

    assert "F26" in list_codes(found)
    assert found[0].place == "line 9"


def test_a_jump_of_the_stamps_takes_no_memory(tmp_path):
    times = SECONDS.copy()
    times[-1] = 1e9

    signals, _, found = read(write_table(tmp_path / "a.csv", times))

    assert list_codes(found) == ["T02"]
    assert signals.n_samples < 2 * N


def test_a_parquet_file_that_claims_more_than_it_can_hold_is_refused(tmp_path):
    ones = pa.array(np.ones(3_000_000))
    table = pa.table({"time": ones, "a": ones, "b": ones})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=1_000_000)

    with pytest.raises(
        FindingError, match="claims 3000000 rows of 3 columns"
    ) as caught:
        open_signals(tmp_path / "a.parquet", Declaration())

    assert caught.value.finding.code == "F01"


def test_numbers_that_do_not_fit_into_the_free_memory_are_refused(
    tmp_path, monkeypatch
):
    path = write_table(tmp_path / "a.csv")
    monkeypatch.setattr("deepvanet.signal_io.free_memory.SHARE", 1e-9)

    with pytest.raises(FindingError, match=r"would take \d+ MiB, \d+ MiB .* are free"):
        open_signals(path, Declaration())


def test_columns_of_parquet_that_hold_no_numbers_are_named(tmp_path):
    table = pa.table(
        {
            "time": SECONDS,
            "Fp1 [uV]": EEG,
            "GSR [uS]": pa.array(["OVF", *map(str, GSR[1:])]),
            "lists": pa.array([[1, 2]] * N),
            "note": ["ok"] * N,
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")

    signals, numbers, found = read(tmp_path / "a.parquet")

    assert signals.labels == ("Fp1", "GSR")
    np.testing.assert_allclose(numbers["GSR"][5:], GSR[5:], atol=0.5)
    assert set(list_codes(found)) == {"Q03", "Q01", "C01"}
    assert (
        "lists (lists), note ('ok')"
        in next(f for f in found if f.code == "C01").sentence
    )


def test_declared_channels_are_kept_though_most_of_their_cells_are_words(tmp_path):
    words = np.where(np.arange(N) % 8 == 0, "1", "busy")
    path = write_table(tmp_path / "a.csv", columns={"X": words})

    signals, _, _ = read(path, peripherals={"X": ChannelType.GSR})

    assert "X" in signals.labels


def test_a_sparse_column_that_is_no_channel_is_no_missing_data(tmp_path):
    sparse = {"score": ["5", *[""] * (N - 1)]}
    path = write_table(tmp_path / "a.csv", columns=sparse)

    signals, _, found = read(path)

    assert signals.labels == ("Fp1", "GSR", "score")
    assert found == []
