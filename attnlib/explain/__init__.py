"""Explanations that need the encoder: gradients and leave-one-out."""

from attnlib.explain.gradients import gradient_times_embedding
from attnlib.explain.leave_one_out import leave_one_out

__all__ = ["gradient_times_embedding", "leave_one_out"]
