"""Networks: tensors in, logits out. They know of no data set."""
