"""A run's settings as a file for other people and other programs."""

import json

from core.runs.notes import Note
from core.runs.run import Run

# Numbers of photos in this data set's catalogue mean nothing outside of it.
OF_THIS_SET = frozenset({"left_out"})


def settings_as_json(run: Run, note: Note) -> str:
    """What was asked for and what came of it, as JSON text in plain ASCII.

    ``settings`` of a deep run hold all that repeats it on the same photos.
    """
    told = {
        "made_by": "Winnow",
        "run": run.id,
        "name": note.name,
        "note": note.text,
        "mode": run.mode,
        "backbone": run.backbone,
        "classes": run.classes,
        "settings": {key: value for key, value in run.settings.items() if key not in OF_THIS_SET},
        "results": {
            "images": run.images,
            "judged": run.judged,
            "wrong": run.wrong,
            "error_rate": run.error_rate,
            "loss": run.loss,
            "kept": run.kept,
            "answers": run.answers,
            "judged_folds": run.judged_folds,
            "split": run.split,
            "seconds": run.seconds,
        },
    }
    return json.dumps(told, indent=2) + "\n"
