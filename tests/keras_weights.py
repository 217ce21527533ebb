"""Seeded weights of fer's network, as Keras has them."""

import numpy as np

from deepvanet.models.fer_weights import name_layers
from deepvanet.models.mini_xception import MiniXception


def sample_keras(seed=0):
    """Return seeded arrays of all layers, with the axes of Keras."""
    rng, shapes = np.random.default_rng(seed), MiniXception().state_dict()
    arrays = {}
    for (layer, leaf), name in name_layers().items():
        shape = tuple(shapes[name].shape)
        if len(shape) == 4:
            shape = (*shape[2:], shape[1], shape[0])
            if leaf == "depthwise_kernel":
                shape = (*shape[:2], shape[3], shape[2])
        array = rng.normal(0, 0.3, shape)
        if leaf in ("gamma", "moving_variance"):
            array = 0.5 + np.abs(array)
        arrays[layer, leaf] = array.astype(np.float32)
    return arrays
