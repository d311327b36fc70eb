"""What a user can mend, as one family of exceptions.

Each message is one or two plain sentences: which file or folder, what is wrong, what to do.
Pages show ``str(error)``; the command line prints it and exits with 1.
"""


class WinnowError(Exception):
    """Something the user can mend. The message is written for them."""


class DatasetError(WinnowError):
    """The data set, one of its folders or files, or a step on them, is not as needed."""


class ImageError(WinnowError):
    """A file cannot be used as a picture. The message says why and leaves its name to the caller.

    Attributes:
        kind: What is wrong with it, as in ``core.images.verdict.Kind``.
        lasting: Whether the same bytes would fail again; False for a file that was busy or
            that may not be read.
    """

    def __init__(self, reason: str, *, kind: str = "corrupt", lasting: bool = True) -> None:
        super().__init__(reason)
        self.kind = kind
        self.lasting = lasting


class JobError(WinnowError):
    """Long work could not be started, stopped or resumed."""


class NetworkError(WinnowError):
    """A pretrained network is missing or cannot be prepared."""


class TrainingError(WinnowError):
    """There is nothing to learn from as the data set stands, such as a single class."""


class RunError(WinnowError):
    """A finished run is missing, damaged, or does not fit what was asked of it."""


class ArchiveError(WinnowError):
    """An archive cannot be opened, or must not be unpacked."""


class CollectError(WinnowError):
    """What is to be collected cannot be asked for as it stands."""
