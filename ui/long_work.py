"""Jobs that join steps or belong to none: what a worker runs. Never imports Streamlit."""

from pathlib import Path

from core.dataset import Dataset
from core.dataset.copying import copy_dataset
from core.dataset.recent import remember
from core.jobs.progress import JobResult, Task


def index_job(root: str) -> Task[JobResult]:
    """Read a folder into its catalogue; stopping keeps what was read."""
    yield from Dataset.open(Path(root)).reconcile()
    return {"root": root}


def copy_job(source: str, target: str) -> Task[JobResult]:
    """Copy a data set's photos to a new folder."""
    yield from copy_dataset(Path(source), Path(target))
    remember(Path(target))
    return {"root": target}


def sample_job(name: str, root: str) -> Task[JobResult]:
    """Make a sample data set."""
    from core.collect.samples import make_sample

    yield from make_sample(name, Path(root))
    remember(Path(root))
    return {"root": root}


def live_train_job(root: str, backbone: str) -> Task[JobResult]:
    """Learn from the labels as they stand; of the models made this way only the newest stay."""
    from core.runs.in_use import add_live_run
    from core.train.quick import train_quick_job

    result = yield from train_quick_job(root, backbone)
    add_live_run(Dataset.open(Path(root)), result["run"])
    return result
