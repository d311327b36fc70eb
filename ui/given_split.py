"""Data sets that bring their own split into train, valid and test, in plain words."""

from core.dataset import Dataset
from core.dataset.parts import meaning
from ui.words import count, plain


def sentence(dataset: Dataset) -> str | None:
    """That the folder is divided already, and what that means; None where it is not."""
    sizes = dataset.part_counts()
    if not sizes:
        return None
    kept = [name for name in sizes if meaning(name) != "train"]
    words = f"This folder brings its own split: {_listed(sizes)}."
    if not any(sizes[name] for name in kept):
        return words
    return f"{words} Photos in {_joined(kept)} are never trained on; the model is judged on them."


def learns_from(dataset: Dataset) -> str | None:
    """What is trained on and what is kept back; None where the folder has no split."""
    sizes = dataset.part_counts()
    if not sizes:
        return None
    train = sum(number for name, number in sizes.items() if meaning(name) == "train")
    held = {name: number for name, number in sizes.items() if meaning(name) != "train" and number}
    words = (
        f"Learns from **{count(train, 'photo')}** in train, "
        f"in **{count(len(dataset.counts()), 'class', 'classes')}**."
    )
    return f"{words} Kept back to judge the model: {_listed(held)}." if held else words


def _listed(sizes: dict[str, int]) -> str:
    """``360 photos in train and 120 in valid``; names as they are on disk."""
    parts = list(sizes.items())
    told = [f"{count(parts[0][1], 'photo')} in {plain(parts[0][0])}"]
    return _joined([*told, *(f"{number:,} in {plain(name)}" for name, number in parts[1:])])


def _joined(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
