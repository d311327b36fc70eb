"""The command line, one module a subject; ``core.__main__`` puts them together.

A module's ``add(subparsers)`` registers its commands. Each command's handler takes the parsed
arguments, returns what ``--json`` prints, and prints for people through ``say``.
"""
