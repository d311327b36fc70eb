"""Photos of a run as gallery tiles: what the label says, what the model says, and how sure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.dataset.sources import sources_of
from ui import media
from ui.collecting import provenance
from ui.gallery import Tile
from ui.words import shown

if TYPE_CHECKING:
    from core.dataset import Dataset
    from core.dataset.sources import Source
    from core.runs import Predictions, Run


def tiles(
    dataset: Dataset, run: Run, predictions: Predictions, positions: Iterable[int]
) -> list[Tile]:
    """One tile per position in the predictions, in the order given."""
    positions = list(positions)
    ids = [int(predictions.file_id[at]) for at in positions]
    rows, known = dataset.get(ids), sources_of(dataset, ids)
    loss = predictions.loss  # computed for all photos each time it is asked for
    return [
        _tile(dataset, run, predictions, at, float(loss[at]), rows, known.get(file_id))
        for at, file_id in zip(positions, ids, strict=True)
    ]


def sure(probability: float) -> str:
    """A probability as people say it: never quite all, never nothing."""
    if probability >= 0.995:
        return "over 99 %"
    if probability < 0.005:
        return "under 1 %"
    return f"{100 * probability:.0f} %"


def _tile(
    dataset: Dataset,
    run: Run,
    predictions: Predictions,
    at: int,
    loss: float,
    rows: dict,
    source: Source | None,
) -> Tile:
    file_id = int(predictions.file_id[at])
    given = int(predictions.given[at])
    probs = predictions.probs[at]
    predicted = int(predictions.predicted[at])
    label, model = shown(run.classes[given]), shown(run.classes[predicted])
    row = rows.get(file_id)
    says = "Model agrees" if given == predicted else f"Model says {model}"
    cost = f"Loss {loss:.2f}: the model gave {label} {sure(float(probs[given]))}."
    return Tile(
        id=file_id,
        content=predictions.content[at] if row is None else row.content,
        was=run.classes[given],
        lines=(f"Labelled {label}", says, f"{sure(float(probs[predicted]))} sure"),
        more=(
            cost,
            *(() if row is None else (f"File: {shown(row.path)}",)),
            *(() if source is None else provenance.lines(source)),
        ),
        suggested=None if given == predicted else run.classes[predicted],
        # A removed photo is not there to be drawn upon.
        heat=() if row is None else _heat(dataset, run, file_id, {given: label, predicted: model}),
    )


def _heat(
    dataset: Dataset, run: Run, file_id: int, classes: dict[int, str]
) -> tuple[tuple[str, str], ...]:
    return tuple(
        (f"What speaks for {title}", media.heat_url(dataset, run.id, file_id, index))
        for index, title in classes.items()
    )
