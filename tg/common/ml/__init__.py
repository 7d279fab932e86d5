"""Training: what a task is made of. Everything here runs where the training runs."""

from .._core.lazy import lazy_names

__all__ = ["dft", "single_frame_training", "training_core"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "dft": ".dft",
        "single_frame_training": ".single_frame_training",
        "training_core": ".training_core",
    },
)
