"""
Batches for PyTorch
===================

Segments as a data set that reads a batch at once, and a network of your own.
"""

import torch
from small_study import write_study
from torch.utils.data import DataLoader, Subset

import deepvanet

trials = write_study(effect=3)
store = deepvanet.prepare("recordings", trials, trials.with_name("store"))

# %%
# The first fold of ``subject``: all segments of some people are held out.

cv = deepvanet.split_rows(store, "subject", streams="eeg")
train, test = next(cv.split())
data = deepvanet.SegmentDataset(cv.rows)

torch.manual_seed(0)
network = torch.nn.Sequential(
    torch.nn.Conv1d(6, 8, 32),
    torch.nn.BatchNorm1d(8),
    torch.nn.ReLU(),
    torch.nn.AdaptiveAvgPool1d(1),
    torch.nn.Flatten(0),
    torch.nn.Unflatten(0, (-1, 8)),
    torch.nn.Linear(8, 1),
)
optimiser = torch.optim.Adam(network.parameters(), 1e-2)
for epoch in range(5):
    total = 0.0
    for x, y in DataLoader(Subset(data, train), batch_size=32, shuffle=True):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            network(x["eeg"])[:, 0], y
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item() * len(y)
    print(f"epoch {epoch + 1}: loss {total / len(train):.3f}")

# %%

network.eval()
with torch.no_grad():
    x, y = next(iter(DataLoader(Subset(data, test), batch_size=len(test))))
    right = ((network(x["eeg"])[:, 0] > 0) == (y == 1)).float().mean()
print(f"right on people who were not in training: {right:.2f}")
