"""Fail if a test that had to run was skipped: ``python .ci/skipped.py report.xml``.

Skips are fine for what this system cannot have: reasons that begin with "only on", the real
photos where the checkout has none, and Chromium where .ci/run cannot install it.
"""

import os
import sys
import xml.etree.ElementTree as ElementTree


def main(report: str) -> int:
    cases = list(ElementTree.parse(report).iter("testcase"))
    refused = [
        f"{case.get('classname')}.{case.get('name')}: {skip.get('message')}"
        for case in cases
        for skip in case.iter("skipped")
        if not is_fine(skip.get("message") or "")
    ]
    if not cases:
        refused = ["no test at all"]
    for line in refused:
        print(f"Had to run, but was skipped: {line}", file=sys.stderr)
    return 1 if refused else 0


def is_fine(reason: str) -> bool:
    """Whether a test may be skipped for this reason."""
    if "WINNOW_TEST_DATA" in reason:
        return not os.environ.get("WINNOW_TEST_DATA")
    if "Chromium" in reason:
        return not sys.platform.startswith("linux")
    return reason.startswith("only on")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
