"""
To MNE-Python
=============

Segments as epochs, with the table of the rows as metadata; a subject as a raw.
"""

import matplotlib.pyplot as plt
from small_study import write_study

import deepvanet

trials = write_study(effect=3, n_subjects=2)
store = deepvanet.prepare("recordings", trials, trials.with_name("store"))

# %%
# All trials of a subject, one after the other, in volts. Annotations say what lies where.

raw = deepvanet.to_raw(store, "01", streams="bio")
print(raw)
print(raw.annotations.to_data_frame()[["duration", "description"]].head(4))

# %%
# Spectra of segments that were rated high and low.

epochs = deepvanet.to_epochs(
    deepvanet.select_rows(store, streams="eeg", segment=2, step=2)
)
figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
for name in ("low", "high"):
    spectrum = epochs[name].compute_psd(fmin=4, fmax=30, verbose="error")
    density = spectrum.get_data().mean(axis=(0, 1)) * 1e12
    axis.semilogy(spectrum.freqs, density, label=f"valence {name}")
axis.set(xlabel="Hz", ylabel="uV\N{SUPERSCRIPT TWO}/Hz")
axis.legend()
plt.show()
