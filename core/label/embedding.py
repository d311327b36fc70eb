"""Looking at unsorted photos once with the network, so that they can be grouped and judged."""

from pathlib import Path

from core.dataset import Dataset
from core.jobs.progress import JobResult, Task


def look_job(root: str, backbone: str) -> Task[JobResult]:
    """Keep the features of all unsorted photos; those that cannot be read are counted."""
    dataset = Dataset.open(Path(root))
    yield from dataset.refresh()
    from core.networks.embed import embed  # costs a third of a second; only where needed

    done = yield from embed(dataset, backbone, dataset.rows(class_name=None))
    return {"looked": done.embedded, "unreadable": len(done.unreadable)}
