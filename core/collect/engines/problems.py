"""What to tell people about a search that ended badly, and what to try instead."""

from core.collect.engines.terms import Ending, Outcome, Search

# Which endings another time may mend. The rest ask for something else to be done first.
AGAIN: frozenset[Ending] = frozenset(
    {"captcha", "consent", "blocked", "limit", "down", "slow", "network", "crashed"}
)
INSTEAD = {
    "bing": "Try Wikimedia Commons or Openverse, or paste a list of links.",
    "google": "Try Bing, or paste a list of links.",
    "baidu": "Try Bing, or paste a list of links.",
    "flickr": "Try Openverse, which holds many pictures of Flickr, or Bing.",
    "wikimedia": "Try Openverse or Bing, or paste a list of links.",
    "openverse": "Try Wikimedia Commons or Bing, or paste a list of links.",
}


def outcome(
    ending: Ending,
    *,
    name: str,
    title: str,
    wanted: Search,
    found: int,
    status: int | None = None,
    wait_seconds: float | None = None,
) -> Outcome:
    """The last item of a search that ended as given."""
    if ending in ("done", "stopped"):
        return Outcome(found=found, ending=ending)
    what = sentence(ending, title=title, found=found, status=status, wait_seconds=wait_seconds)
    kept = f" {counted(found)} found before that." if found and ending in AGAIN else ""
    return Outcome(
        found=found,
        problem=f"{what}{kept} {advice(ending, name=name, wait_seconds=wait_seconds)}",
        ending=ending,
        again=ending in AGAIN,
        wait_seconds=wait_seconds,
    )


def sentence(
    ending: Ending, *, title: str, found: int, status: int | None, wait_seconds: float | None
) -> str:
    code = f" ({status})" if status else ""
    match ending:
        case "fewer":
            return f"{title} has no more pictures for these words: {counted(found)} found."
        case "nothing":
            return f"{title} has no pictures for these words."
        case "shape":
            return (
                f"{title} sent a page that Winnow cannot read. It may have changed its pages, "
                "or there are no pictures for these words."
            )
        case "captcha":
            return f"{title} asks whether a person is searching, which Winnow cannot answer."
        case "consent":
            return f"{title} wants its cookies agreed to before it searches."
        case "blocked":
            return f"{title} refused to search{code}."
        case "limit":
            asked = f" for {spoken(wait_seconds)}" if wait_seconds else " for a while"
            return f"{title} was asked too often{code} and wants to be left alone{asked}."
        case "down":
            return (
                f"{title} has trouble of its own{code}." if status else f"{title} does not answer."
            )
        case "slow":
            return f"{title} did not answer in time."
        case "network":
            return f"{title} cannot be reached: there is no network, or its name is not known."
        case "private":
            return f"{title} led to a private address, which Winnow does not ask."
        case "key":
            return f"{title} needs a key of yours, and there is none that it accepts."
        case _:
            return f"The search on {title} broke off by itself."


def advice(ending: Ending, *, name: str, wait_seconds: float | None) -> str:
    instead = INSTEAD[name]
    if ending == "fewer":
        return f"For more, try other words. {instead}"
    if ending == "nothing":
        return f"Try other words, or fewer of them, without filters. {instead}"
    if ending == "network":
        return "Check the connection and try again, or upload photos you have."
    if ending == "key":
        return f"Enter a key, which Flickr gives to its members. {instead}"
    if ending in ("limit", "down", "slow", "crashed"):
        later = f"in {spoken(wait_seconds)}" if wait_seconds else "later"
        return f"Try again {later}. {instead}"
    return instead


def counted(number: int) -> str:
    return "1 was" if number == 1 else f"{number:,} were"


def spoken(seconds: float) -> str:
    """A time to wait, in the largest unit that fits."""
    if seconds < 90:
        return "1 second" if seconds <= 1 else f"{seconds:.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours"
