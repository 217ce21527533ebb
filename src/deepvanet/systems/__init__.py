"""The eleven systems of the paper's Table 2, each a learner in a module of its name."""
