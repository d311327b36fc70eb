"""Training: before it, what can be said; then quick training on kept features."""

from core.train.checks import before_training
from core.train.quick import train_quick, train_quick_job

__all__ = ["before_training", "train_quick", "train_quick_job"]
