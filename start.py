"""Set Winnow up and start it: ``python3 start.py``; set up and test: ``python3 start.py test``.

Needs nothing but Python itself. This file keeps to a syntax that old Pythons can read, so that
they get the sentence below instead of a syntax error; what it does stands in ``launcher/``.
"""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)

if __name__ == "__main__":
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.stderr.write(
            "Winnow needs Python 3.11, 3.12 or 3.13, and this is Python %d.%d. Install one of "
            "them (python.org has them) and start Winnow with it.\n" % sys.version_info[:2]
        )
        sys.exit(2)

    from launcher.commands import main

    sys.exit(main(sys.argv[1:]))
