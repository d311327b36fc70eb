"""Commands that find what does not belong: duplicates."""

import argparse
from typing import Any

from core.commands.shared import add_dataset_command, finish, opened, say
from core.networks.backbones import DEFAULT

MOST_FILES_TOLD = 4  # of a group


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the commands."""
    about = "find copies of photos, changed ones too, and shots of one scene"
    parser = add_dataset_command(commands, "duplicates", duplicates, about=about)
    parser.add_argument("--backbone", default=DEFAULT, help=f"network; {DEFAULT} if not given")


def duplicates(arguments: argparse.Namespace) -> dict[str, Any]:
    """Compare all photos and list the groups."""
    from core.clean.duplicates import find_duplicates  # loads numpy; other commands start without

    found = finish(find_duplicates(opened(arguments), backbone=arguments.backbone))
    for title, groups in (
        ("Exact copies", found.exact),
        ("Copies, changed ones too", found.near),
        ("Shots of one scene", found.scenes),
    ):
        say(arguments, f"{title}: {len(groups):,}")
        for group in groups:
            more = len(group) - MOST_FILES_TOLD
            told = ", ".join(group[:MOST_FILES_TOLD])
            say(arguments, f"  {told}{f' and {more:,} more' if more > 0 else ''}")
    say(arguments, f"{found.compared:,} photos compared in {found.seconds:.1f} s.")
    return {
        "exact": [list(group) for group in found.exact],
        "near": [list(group) for group in found.near],
        "scenes": [list(group) for group in found.scenes],
        "compared": found.compared,
        "seconds": found.seconds,
    }
