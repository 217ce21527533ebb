"""Pretrain the face trunk on AFEW-VA: valence and arousal, frame by frame."""

from deepvanet.pretraining.run import PretrainingSummary, pretrain

__all__ = ["PretrainingSummary", "pretrain"]
