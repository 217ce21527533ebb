"""What the package is held against: the same work without the cleverness.

``LiteralNetwork`` is the paper's network as a textbook would write it. The
convolutional LSTM joins input and hidden state and convolves both at every
step, the first included; images are NCHW; ReLU stands before pooling; the
network ends in a sigmoid, and the loss is BCE of that. It computes what
``deepvanet.models`` computes, which a test holds it to. Its images come out of a
zip of PNGs, five a segment, opened, decoded and resized anew in each epoch. The
*bare* functions are the least that must be done.
"""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import av
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from deepvanet.models.feature_fusion import build_network
from deepvanet.preprocessing.face import FaceBackend
from deepvanet.schema import Stream
from deepvanet.store import Rows

FPS, FACES_PER_S = 50.0, 5.0
N_MAPS, N_FEATURES, N_BIO_FEATURES = 128, 16, 64
STORED_SIDE, SIDE = 150, 64
"""Pixels of an aligned face as dlib cuts it, and as the network reads it."""


class LiteralCell(nn.Module):
    """One step of a convolutional LSTM."""

    def __init__(self, n_maps: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(2 * n_maps, 4 * n_maps, 3, padding=1)

    def forward(
        self, frame: Tensor, hidden: Tensor, cell: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the next hidden state and cell."""
        gates = self.gates(torch.cat([frame, hidden], dim=1))
        write, keep, candidate, show = gates.chunk(4, dim=1)
        cell = torch.sigmoid(keep) * cell + torch.sigmoid(write) * torch.tanh(candidate)
        return torch.sigmoid(show) * torch.tanh(cell), cell


class LiteralNetwork(nn.Module):
    """Face (batch, frame, 3, 64, 64) and bio (batch, channel, 128) to a score."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(64, N_MAPS, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)),
        )
        self.cell = LiteralCell(N_MAPS)
        self.face = nn.Linear(N_MAPS * 6 * 6, N_FEATURES)
        self.signals = nn.Sequential(
            *(nn.Conv1d(n_channels, 24, 5), nn.BatchNorm1d(24), nn.ReLU()),
            *(nn.Conv1d(24, 16, 3), nn.BatchNorm1d(16), nn.ReLU()),
            *(nn.Conv1d(16, 8, 3), nn.BatchNorm1d(8), nn.ReLU()),
        )
        self.bio = nn.Linear(8 * 120, N_BIO_FEATURES)
        self.head = nn.Sequential(
            nn.Linear(N_FEATURES + N_BIO_FEATURES, 20),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(20, 1),
            nn.Sigmoid(),
        )

    def forward(self, face: Tensor, bio: Tensor) -> Tensor:
        """Return the scores of a batch."""
        hidden = face.new_zeros(len(face), N_MAPS, 6, 6)
        cell = torch.zeros_like(hidden)
        for step in range(face.shape[1]):
            hidden, cell = self.cell(self.trunk(face[:, step]), hidden, cell)
        features = [
            self.face(hidden.flatten(1)),
            self.bio(self.signals(bio).flatten(1)),
        ]
        scores: Tensor = self.head(torch.cat(features, dim=1))
        return scores.squeeze(1)


class LiteralTraining:
    """A literal network with its optimiser, trained on one batch in memory.

    Parameters
    ----------
    face, bio, label : Tensor
        Float32, as the network reads them.
    """

    def __init__(self, face: Tensor, bio: Tensor, label: Tensor) -> None:
        self.batch = face.contiguous(), bio.contiguous()
        self.label = label
        self.network = LiteralNetwork(bio.shape[1])
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)

    def step(self) -> float:
        """Train one step, and return the loss."""
        return self.step_on(*self.batch, self.label)

    def step_on(self, face: Tensor, bio: Tensor, label: Tensor) -> float:
        """Train one step on another batch."""
        loss = nn.BCELoss()(self.network(face, bio), label)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.item())


class LiteralSignals(nn.Module):
    """The part for signals alone: bio (batch, channel, 128) to a score."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        whole = LiteralNetwork(n_channels)
        self.encoder = nn.Sequential(whole.signals, nn.Flatten(), whole.bio)
        self.head = nn.Sequential(
            *(nn.Linear(N_BIO_FEATURES, 20), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Linear(20, 1), nn.Sigmoid()),
        )

    def forward(self, bio: Tensor) -> Tensor:
        """Return the scores of a batch."""
        scores: Tensor = self.head(self.encoder(bio))
        return scores.squeeze(1)


def train_signals(bio: Tensor, label: Tensor, *, epochs: int, batch: int = 64) -> None:
    """Fit the literal part for signals, one segment fetched at a time."""
    network = LiteralSignals(bio.shape[1])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(epochs):
        for index in torch.randperm(len(label)).split(batch):
            rows = index.tolist()
            loss = nn.BCELoss()(
                network(torch.stack([bio[i] for i in rows])), label[index]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def write_pictures(file: Path, n_segments: int) -> None:
    """Write a zip with five PNGs a segment, as ``SEGMENT/FRAME.png``."""
    rng = np.random.default_rng(0)
    shape = (STORED_SIDE // 10, STORED_SIDE // 10, 3)
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(n_segments * round(FACES_PER_S)):
            coarse = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8))
            face = coarse.resize((STORED_SIDE, STORED_SIDE), Image.Resampling.BICUBIC)
            name = f"{number // round(FACES_PER_S)}/{number % round(FACES_PER_S)}.png"
            with archive.open(name, "w") as entry:
                face.save(entry, "PNG")


def read_pictures(file: Path, segments: Sequence[int]) -> Tensor:
    """Read segments one PNG at a time: (segment, frame, 3, 64, 64) in [0, 1]."""
    clips = []
    for segment in segments:
        with zipfile.ZipFile(file) as archive:
            frames = []
            for frame in range(round(FACES_PER_S)):
                with archive.open(f"{segment}/{frame}.png") as entry:
                    picture = Image.open(entry).convert("RGB").resize((SIDE, SIDE))
                frames.append(np.asarray(picture, dtype=np.float32) / 255)
        clips.append(np.stack(frames).transpose(0, 3, 1, 2))
    return torch.from_numpy(np.stack(clips))


def train_from_pictures(
    training: LiteralTraining, file: Path, *, batch: int = 64
) -> None:
    """Train an epoch of the literal network, images out of the zip."""
    bio, label = training.batch[1], training.label
    for index in torch.randperm(len(label)).split(batch):
        face = read_pictures(file, index.tolist())
        training.step_on(face, bio[index], label[index])


def train_bare(inputs: Mapping[Stream, Tensor], rows: Rows, *, epochs: int) -> None:
    """Train on tensors in memory with nothing around it."""
    label = torch.from_numpy(rows.label).float()
    network = build_network({s: tuple(x.shape[1:]) for s, x in inputs.items()})
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    for _ in range(epochs):
        for index in torch.randperm(len(label)).split(64):
            logits = network({s: x[index] for s, x in inputs.items()})
            loss = F.binary_cross_entropy_with_logits(logits, label[index])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()


def find_faces_bare(video: Path, backend: FaceBackend | None) -> None:
    """Decode all; with a backend, find landmarks in five pictures a second."""
    with av.open(str(video)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for number, picture in enumerate(container.decode(video=0)):
            if number % round(FPS / FACES_PER_S) or backend is None:
                continue
            rgb = picture.to_ndarray(format="rgb24")
            for face in backend.detect(rgb)[:1]:
                backend.refine(rgb, face)
