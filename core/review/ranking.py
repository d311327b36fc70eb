"""Photos by how little a run believes their label, worst first."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.dataset import Dataset
from core.review.listing import UNSURE_LEAD, lead_of_best
from core.runs import Predictions, Run

# "wrong class": the model would put the photo elsewhere. "unsure": it would leave the photo
# where it is, but another class comes close. "fine": neither.
Kind = Literal["wrong class", "unsure", "fine"]
SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """One photo as a run sees it, measured against the class it stands in now."""

    file_id: int
    file: str  # where it lies now, relative to the data set
    given: str  # the class it stands in now
    trained_as: str  # the class it stood in when the run was trained
    predicted: str  # the class the model finds most probable
    suggested: str  # where the model would put it: ``predicted``
    loss: float  # -log of ``probability``
    probability: float  # of the given class, 0 to 1
    label_quality: float  # likewise; low is suspect
    confidence: float  # probability of ``predicted``
    kind: Kind


def ranking(run: Run, predictions: Predictions, dataset: Dataset) -> list[Suspect]:
    """Judged photos, worst first.

    Left out are photos that the run cannot speak of: removed or changed since, or moved to
    ``unsorted`` or to a class that it does not know.
    """
    present = dataset.get(predictions.file_id.tolist())
    index = {name: at for at, name in enumerate(run.classes)}
    lead = lead_of_best(predictions.probs)
    suspects = []
    for at in np.flatnonzero(predictions.judged).tolist():
        row = present.get(int(predictions.file_id[at]))
        if row is None or row.content != predictions.content[at] or row.class_name not in index:
            continue
        probs, predicted = predictions.probs[at], int(predictions.predicted[at])
        given = index[row.class_name]
        agrees: Kind = "unsure" if lead[at] < UNSURE_LEAD else "fine"
        suspects.append(
            Suspect(
                file_id=row.id,
                file=row.path,
                given=row.class_name,
                trained_as=run.classes[predictions.given[at]],
                predicted=run.classes[predicted],
                suggested=run.classes[predicted],
                loss=-math.log(max(float(probs[given]), SMALLEST)),
                probability=float(probs[given]),
                label_quality=float(probs[given]),
                confidence=float(probs[predicted]),
                kind=agrees if predicted == given else "wrong class",
            )
        )
    return sorted(suspects, key=lambda suspect: suspect.label_quality)
