"""The frames, layers and training of Yang et al. are those that their code has."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from torch import nn

from deepvanet.config import NetworkSettings
from deepvanet.learners.making import find_learner, load_learner
from deepvanet.schema import STREAM_SETS, Stream, UserError
from deepvanet.systems.frames import (
    CELLS,
    FrameInputs,
    find_cells,
    scale_time_points,
)
from deepvanet.systems.yang2018 import METHOD, ParallelNetwork, ScaledConvolution
from small_store import CHANNELS, hold, take_rows

ALL = np.array(list(CELLS.values()))


@pytest.fixture(scope="module")
def rows(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("yang") / "store"
    store = tiny_store(path, n_subjects=2, n_trials=4, n_segments=3)
    return take_rows(store, STREAM_SETS["eeg"])


def test_the_network_has_592937_weights_beside_scales_and_shifts():
    counts = {
        name: weights.numel()
        for name, weights in ParallelNetwork(ALL, 128, 1).named_parameters()
        if weights.requires_grad
    }

    scaling = [n for n in counts if "scale" in n or "shift" in n]
    assert sum(counts.values()) - sum(counts[n] for n in scaling) == 592_937
    assert len(scaling) == 2 * 4


@pytest.mark.parametrize(("n_outputs", "shape"), [(1, (3,)), (4, (3, 4))])
def test_a_row_has_as_many_outputs_as_are_asked_for(n_outputs, shape):
    network = ParallelNetwork(ALL, 8, n_outputs)

    found = network({Stream.EEG: torch.randn(3, 1, 32, 8)})

    assert found.shape == shape


@pytest.mark.parametrize(
    ("name", "row", "column"),
    [
        *[("Fp1", 1, 4), ("Fp2", 1, 6), ("AF4", 2, 6), ("F7", 3, 1), ("Fz", 3, 5)],
        *[("FC5", 4, 2), ("FC2", 4, 6), ("Cz", 5, 5), ("T8", 5, 9), ("CP6", 6, 8)],
        *[("P8", 7, 9), ("PO3", 8, 4), ("O1", 9, 4), ("Oz", 9, 5), ("O2", 9, 6)],
    ],
)
def test_each_electrode_has_its_cell(name, row, column):
    assert CELLS[name] == 9 * (row - 1) + column - 1


def test_the_32_electrodes_of_deap_have_cells_of_their_own():
    assert len(CELLS) == len(set(CELLS.values())) == 32


def test_electrodes_are_known_by_older_names_and_in_any_case():
    assert find_cells(["T3", "t8", "FP1", "A1"]).tolist() == [36, 44, 3, -1]


def test_a_store_without_a_known_electrode_is_refused(rows):
    named = [replace(c, name=f"E{n}") for n, c in enumerate(CHANNELS)]
    unknown = hold({Stream.EEG: rows.read(Stream.EEG)}, named)

    with pytest.raises(UserError, match="electrodes are placed by their names of the"):
        FrameInputs.fit(unknown)


def test_a_time_point_is_scaled_over_the_electrodes_that_are_there():
    signals = np.random.default_rng(0).normal(40, 9, (2, 5, 7)).astype(np.float32)
    signals[0, 3] = np.nan
    signals[1, :, 2] = 3.0

    found = scale_time_points(torch.from_numpy(signals)).numpy()

    there = np.delete(signals[0], 3, axis=0)
    wanted = (there - there.mean(axis=0)) / there.std(axis=0)
    np.testing.assert_allclose(np.delete(found[0], 3, axis=0), wanted, atol=1e-4)
    assert not found[0, 3].any()
    assert not found[1, :, 2].any()


def test_a_convolution_pads_one_cell_before_and_two_behind():
    convolve = ScaledConvolution(1, 1)
    frame = torch.randn(1, 1, 9, 9)
    with torch.no_grad():
        convolve.weight.normal_()
        convolve.bias.fill_(0.5)
        convolve.scale.fill_(2.0)
        convolve.shift.fill_(0.25)

    found = convolve(frame)[0, 0].detach().numpy()

    padded = np.pad(frame[0, 0].numpy(), ((1, 2), (1, 2)))
    plain = correlate2d(padded, convolve.weight[0, 0].detach().numpy(), "valid") + 0.5
    np.testing.assert_allclose(found, 2 * plain + 0.25, atol=1e-5)


def test_frames_are_read_apart_and_reduced_together():
    cells = ALL[[0, 9, 20]]
    network = ParallelNetwork(cells, 4, 1, maps=(2, 3, 5)).eval()
    signals = torch.randn(2, 3, 4)
    frames = torch.zeros(2, 4, 81)
    frames[:, :, cells] = signals.transpose(1, 2)

    found = network._read_frames(signals)

    stacked = []
    for frame in frames.transpose(0, 1):
        maps = frame.reshape(2, 1, 9, 9)
        for convolve in network.convolutions:
            maps = nn.functional.elu(convolve(maps))
        stacked.append(maps)
    weight = network.reduce.reshape(4 * 5, 13).T[:, :, None, None]
    reduced = nn.functional.conv2d(
        torch.cat(stacked, dim=1), weight, network.reduce_bias
    )
    wanted = nn.functional.elu(reduced).permute(0, 2, 3, 1).reshape(2, -1)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_all_weights_and_biases_are_drawn_to_zero_by_half_of_themselves():
    weights = nn.Parameter(torch.tensor([2.0, -3.0]))
    optimizer = METHOD.schedule.make_optimizer([weights], learning_rate=1e-4)
    loss = (weights * torch.tensor([5.0, 7.0])).sum()

    loss.backward()
    optimizer.step()

    # Adam's mean after a step is a tenth of the slope of loss + 0.5 * sum(w^2) / 2
    mean = optimizer.state[weights]["exp_avg"]
    torch.testing.assert_close(mean, 0.1 * torch.tensor([5 + 1.0, 7 - 1.5]))


def test_weights_start_within_two_deviations_and_biases_at_a_tenth():
    network = ParallelNetwork(ALL, 128, 1, maps=(4, 4, 4), step=8)

    assert network.spread.weight.abs().max() <= 0.2
    assert 0.08 < network.spread.weight.std() < 0.1
    assert (network.first.bias_ih_l0 == 0.1).all()
    assert not network.first.bias_hh_l0.any()
    assert (network.convolutions[0].bias == 0.1).all()


def test_a_row_is_scored_by_itself_and_a_channel_that_is_lost_is_left_out(
    rows, tmp_path
):
    settings = NetworkSettings(epochs=1, size="small")
    learner = find_learner("yang2018")(settings, 0)
    learner.fit(rows).save(tmp_path / "fitted")
    fitted = load_learner("yang2018", tmp_path / "fitted")
    eeg = rows.read(Stream.EEG, np.arange(2))
    eeg[:, 1] = np.nan

    assert learner.traits.find_context([Stream.EEG]) == "segment"
    assert np.isfinite(fitted.score(hold({Stream.EEG: eeg}))).all()
    with pytest.raises(UserError, match="segments of 128 samples, got 64"):
        fitted.score(hold({Stream.EEG: eeg[..., :64]}))
