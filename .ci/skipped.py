"""Fail if a test that had to run was skipped: ``python .ci/skipped.py report.xml``.

A reason that begins with "needs" names what .ci/run should have provided: a browser, the networks,
the real photos. Other reasons name what a system cannot have, such as names that are no UTF-8.
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
    if not reason.startswith("needs "):
        return True
    if "WINNOW_TEST_DATA" in reason:
        return not os.environ.get("WINNOW_TEST_DATA")
    return not sys.platform.startswith("linux")  # elsewhere nothing installs Chromium


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
