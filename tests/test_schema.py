"""Tests of :mod:`deepvanet.schema`."""

import pickle

import pytest

from deepvanet.schema import (
    PAPER_STREAMS,
    STREAM_SETS,
    ChannelType,
    Stream,
    UserError,
    name_streams,
    parse_streams,
    pick,
)


def test_a_misspelt_name_is_answered_with_the_nearest_known_one():
    with pytest.raises(UserError, match=r"unknown learner 'netwrk', did you mean 'net"):
        pick("learner", "netwrk", ["majority", "network"])


def test_a_name_unlike_all_others_is_answered_with_the_list():
    with pytest.raises(UserError, match=r"unknown learner 'zzz'\. Known: a, b"):
        pick("learner", "zzz", ["a", "b"])


def test_the_seven_stream_sets_are_all_that_can_be_made_of_the_paper_s_modalities():
    sets = {frozenset(streams) for streams in STREAM_SETS.values()}

    assert len(sets) == len(STREAM_SETS) == 2 ** len(PAPER_STREAMS) - 1


@pytest.mark.parametrize("name", STREAM_SETS)
def test_a_stream_set_is_named_whatever_the_order_of_its_streams(name):
    assert name_streams(reversed(STREAM_SETS[name])) == name


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("gaze", "gaze"),
        ("gaze+bio+face", "face+bio+gaze"),
        ("eeg+peripheral", "bio"),
        ("peripheral + gaze", "peripheral+gaze"),
        ("all", "face+bio"),
    ],
)
def test_a_stream_set_is_any_names_joined_and_has_one_name_of_its_own(asked, name):
    assert name_streams(parse_streams(asked)) == name


def test_all_are_the_streams_that_are_held():
    assert parse_streams("all", [Stream.GAZE, Stream.EEG]) == (Stream.EEG, Stream.GAZE)


def test_an_unknown_stream_of_a_set_is_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"unknown stream 'gase', did you mean 'gaze'"):
        parse_streams("face+gase")


def test_every_type_of_channel_belongs_to_one_stream():
    rows = [kind for stream in Stream for kind in stream.spec.types]

    assert sorted(rows) == sorted(ChannelType)


def test_a_stream_is_the_same_in_another_process():
    assert pickle.loads(pickle.dumps(Stream.GAZE)) is Stream.GAZE


def test_an_error_names_its_field_and_survives_another_process():
    error = UserError("no such file", field="bio")

    again = pickle.loads(pickle.dumps(error))

    assert str(again) == "bio: no such file"
    assert (again.sentence, again.field) == ("no such file", "bio")
