"""What to tell people about a search that ended badly, and what to try instead."""

from collections.abc import Mapping

from core.collect.engines.asking import Trouble
from core.collect.engines.terms import Ending, Outcome
from core.collect.web.reasons import NO_SUCH_SITE

# Which endings another time may mend. The rest ask for something else to be done first.
AGAIN: frozenset[Ending] = frozenset(
    {"captcha", "consent", "blocked", "limit", "down", "slow", "network", "crashed"}
)
LISTS = "or paste a list of links"
INSTEAD: Mapping[str, str] = {
    "bing": f"Try Wikimedia Commons or Openverse, {LISTS}.",
    "google": f"Try Bing or Wikimedia Commons, {LISTS}.",
    "baidu": f"Try Bing or Wikimedia Commons, {LISTS}.",
    "flickr": "Try Openverse, which holds many photos of Flickr, or Bing.",
    "wikimedia": f"Try Openverse or Bing, {LISTS}.",
    "openverse": f"Try Wikimedia Commons or Bing, {LISTS}.",
}


def outcome(trouble: Trouble, *, name: str, title: str, found: int, has_key: bool) -> Outcome:
    """The last item of a search that ended with this trouble."""
    if trouble.ending in ("done", "stopped"):
        return Outcome(found=found, ending=trouble.ending)
    said = [sentence(trouble, title=title, found=found, has_key=has_key)]
    if found and trouble.ending != "fewer":
        said.append(f"{counted(found)} found before that.")
    said.append(advice(trouble, instead=INSTEAD[name], has_key=has_key))
    return Outcome(
        found=found,
        problem=" ".join(said),
        ending=trouble.ending,
        again=trouble.ending in AGAIN,
        wait_seconds=trouble.wait_seconds,
    )


def sentence(trouble: Trouble, *, title: str, found: int, has_key: bool) -> str:
    code = f" ({trouble.status})" if trouble.status else ""
    wait = f"for {spoken(trouble.wait_seconds)}" if trouble.wait_seconds else "for a while"
    key = "does not accept the key" if has_key else "only searches for those who have a key"
    perhaps = "" if found else ", or there are no pictures for these words"
    sentences: Mapping[Ending, str] = {
        "fewer": f"{title} gives no more pictures for these words: {counted(found)} found.",
        "nothing": f"{title} has no pictures for these words.",
        "shape": f"{title} sent a page that Winnow cannot read. It may have changed its "
        f"pages{perhaps}.",
        "captcha": f"{title} asks whether a person is searching, which Winnow cannot answer.",
        "consent": f"{title} wants its cookies agreed to before it searches.",
        "blocked": f"{title} refused to search{code}.",
        "limit": f"{title} was asked too often{code} and wants to be left alone {wait}.",
        "down": f"{title} has a fault at the moment{code}.",
        "slow": f"{title} did not answer in time.",
        "network": f"{title} cannot be reached. {_why_unreachable(trouble)}",
        "private": f"{title} was not asked. {trouble.reason or ''}".rstrip(),
        "key": f"{title} {key}.",
        "crashed": f"The search on {title} broke off by itself.",
    }
    if trouble.ending == "down" and not trouble.status:
        return f"{title} cannot be asked. {trouble.reason or ''}".rstrip()
    if trouble.ending == "shape" and trouble.status:
        return f"{title} does not know what it is asked{code}. It may have changed its addresses."
    return sentences[trouble.ending]


def _why_unreachable(trouble: Trouble) -> str:
    """An engine's own name is known to exist: where it is not found, there is no network."""
    if trouble.reason in (None, NO_SUCH_SITE):
        return "There seems to be no connection to the internet."
    return trouble.reason


def advice(trouble: Trouble, *, instead: str, has_key: bool) -> str:
    later = f"in {spoken(trouble.wait_seconds)}" if trouble.wait_seconds else "later"
    return {
        "fewer": f"For more, try other words. {instead}",
        "nothing": f"Try other words, or fewer, without filters. {instead}",
        "network": "Check the connection and try again, or upload photos that you have.",
        "key": f"Enter {'another' if has_key else 'your key'}. {instead}",
    }.get(
        trouble.ending,
        f"Try again {later}. {instead}"
        if trouble.ending in ("limit", "down", "slow", "crashed")
        else instead,
    )


def counted(number: int) -> str:
    return "1 was" if number == 1 else f"{number:,} were"


def spoken(seconds: float) -> str:
    """A time to wait, in the largest unit that fits."""
    if seconds < 90:
        return "1 second" if seconds <= 1 else f"{seconds:.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours"
