"""What ``start.py`` asks for before it serves the app: networks ready, a sample to begin with.

``python -m core.commands.welcome`` prints for people on standard error, and one JSON object:
``{"data": the user's data folder, "token": of the data set to show, or null}``.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from core.commands.shared import finish, printable
from core.dataset import Dataset
from core.dataset.recent import recent, remember
from core.errors import WinnowError
from core.networks.backbones import bundled
from core.networks.export import failed_lately, prepared
from core.user_folders import user_data

SAMPLE = "circles"


def main() -> int:
    """Get everything ready; the exit code is 0 even where the sample could not be made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks-only", action="store_true")
    options = parser.parse_args()

    prepare_networks()
    token = None if options.networks_only else _greeted()
    print(json.dumps({"data": str(user_data()), "token": token}))
    return 0


def prepare_networks() -> None:
    """Export the bundled networks that are not yet, in a process that may hold torch."""
    missing = [one.name for one in bundled() if not prepared(one.name) and not failed_lately(one)]
    if missing:
        _say("Preparing the pretrained networks: once, about a minute.")
        # A failure is kept by the export and makes the engine use PyTorch: slower, but it works.
        subprocess.run(
            [sys.executable, "-m", "core.networks.export", *missing], stdout=sys.stderr.fileno()
        )


def greet() -> str | None:
    """The token of the data set to open the app with: the last one, or at first the sample."""
    known = recent()
    if known:
        return next((one.token for one in known if one.root.is_dir()), None)
    root = user_data() / "samples" / SAMPLE
    if greeted_file().is_file():
        return None  # the person has closed every data set, the sample included
    _make(root)
    greeted_file().touch()
    return remember(root)


def greeted_file() -> Path:
    """Stands once the sample was made, so that a person who deletes it gets rid of it."""
    return user_data() / "greeted"


def _make(root: Path) -> None:
    """Make, check and train the sample; what an interrupted start finished is kept."""
    from core.clean.sweep import check
    from core.collect.samples import make_sample
    from core.train.quick import train_quick

    if not root.exists():
        _say("Making a sample to begin with: pictures of counted circles, some labelled wrongly.")
        finish(make_sample(SAMPLE, root))
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    finish(check(dataset))  # so that reviewing is what is left to do
    _say("Training on the sample.")
    finish(train_quick(dataset))


def _greeted() -> str | None:
    try:
        return greet()
    except WinnowError as error:
        _say(f"There is no sample to begin with. {error}")
        return None


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
