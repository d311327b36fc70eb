"""The command line: ``python -m core COMMAND DATASET ... [--json]``."""

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence

from core.commands import cleaning as cleaning_commands
from core.commands import collect as collect_commands
from core.commands import dataset as dataset_commands
from core.commands import learning as learning_commands
from core.commands import photos as photo_commands
from core.commands.shared import printable
from core.errors import WinnowError

DONE, USER_CAN_MEND = 0, 1  # argparse itself exits with 2 on wrong usage


def parser() -> argparse.ArgumentParser:
    """The parser of every command, each with its handler."""
    top = argparse.ArgumentParser(prog="python -m core", description=__doc__)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (
        photo_commands,
        cleaning_commands,
        collect_commands,
        dataset_commands,
        learning_commands,
    ):
        module.add(commands)
    return top


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # A name that the terminal's encoding lacks must not stop a command halfway.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    arguments = parser().parse_args(words)
    try:
        answer = arguments.handler(arguments)
        if arguments.json:
            print(json.dumps(answer))
        if sys.stdout is not None:
            sys.stdout.flush()
    except WinnowError as error:
        print(printable(str(error)), file=sys.stderr)
        return USER_CAN_MEND
    except KeyboardInterrupt:
        print("Stopped. What was finished is kept.", file=sys.stderr)
        return USER_CAN_MEND
    except BrokenPipeError:
        # Whoever read the output has seen enough, such as `head`; the work itself was done.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return DONE


if __name__ == "__main__":
    sys.exit(main())
