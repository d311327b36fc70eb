"""Search the web: a form with a row for each class, and one button."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from core.collect.engines.found import ENGINES, FILTER_TITLES
from core.collect.keys import keep_key, kept_key
from core.dataset.names import check_class_name
from core.errors import WinnowError
from ui.collecting import arriving
from ui.collecting.target import Target
from ui.words import count, plain

ROWS = "collect_rows"  # session key: numbers of the rows, in order
NEXT_ROW = "collect_next_row"  # session key: a number no row has had
USUAL_ENGINE = "bing"
USUAL_NUMBER = 50
MOST_A_CLASS = 1000
SIDES = {0: "Keep all", 64: "64 pixels", 128: "128 pixels", 224: "224 pixels", 400: "400 pixels"}
USUAL_SIDE = 64

WHOSE = (
    "Photos that a search engine finds belong to other people. Winnow keeps where each came from, "
    "and author and licence where they are known; what you may do with a photo is for you to check."
)

# Words that find photos of one thing, where the class's name alone would find others too.
PRESETS: Mapping[str, Mapping[str, str]] = {
    "cats vs kittens": {"cat": "adult cat", "kitten": "kitten"},
    "chihuahua vs muffin": {"chihuahua": "chihuahua dog", "muffin": "muffin"},
    "black, grizzly and teddy bears": {
        "black": "black bear",
        "grizzly": "grizzly bear",
        "teddy": "teddy bear",
    },
    "impressionist vs modernist paintings": {
        "impressionist": "impressionist painting",
        "modernist": "modernist painting",
    },
}
ANY = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the form as it stands."""

    class_name: str
    query: str
    engine: str
    most: int


@st.fragment  # what is typed draws nothing else anew
def draw(target: Target) -> None:
    """Draw the form; its button starts to collect."""
    st.session_state.setdefault(ROWS, [0, 1])
    st.session_state.setdefault(NEXT_ROW, 2)
    _draw_presets()
    rows = [_draw_row(number) for number in st.session_state[ROWS]]
    st.button(
        "Add a class",
        key="collect_add",
        type="tertiary",
        icon=":material/add:",
        on_click=_add,
    )
    engines = list(dict.fromkeys(row.engine for row in rows))
    filters, min_side = _draw_filters(engines)
    for engine in engines:
        if ENGINES[engine].needs_key:
            _draw_key(engine)
    wanted = [row for row in rows if row.class_name or row.query]
    _draw_button(target, wanted, filters, min_side)
    st.caption(WHOSE)


def _draw_presets() -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("Try", width="content")
        for number, title in enumerate(PRESETS):
            st.button(title, key=f"collect_preset_{number}", on_click=_fill, args=(title,))


def _draw_row(number: int) -> Row:
    is_first = number == st.session_state[ROWS][0]  # the others need no explaining again
    with st.container(border=True, key=f"collect_row_{number}"):
        with st.grid(5, min_column_width=140, vertical_alignment="bottom"):
            typed = st.text_input(
                "Class",
                key=f"collect_name_{number}",
                placeholder="chihuahua" if is_first else None,
                on_change=words_follow,
                args=(number,),
                persist_state="session",
                help="A folder with this name holds its photos." if is_first else None,
            )
            query = st.text_input(
                "Search words",
                key=f"collect_words_{number}",
                placeholder="chihuahua dog" if is_first else None,
                persist_state="session",
            )
            at_most = st.number_input(
                "Photos",
                min_value=1,
                max_value=MOST_A_CLASS,
                value=USUAL_NUMBER,
                step=10,
                key=f"collect_most_{number}",
                persist_state="session",
            )
            chosen = st.selectbox(
                "Engine",
                list(ENGINES),
                index=list(ENGINES).index(USUAL_ENGINE),
                format_func=lambda one: ENGINES[one].title,
                key=f"collect_engine_{number}",
                persist_state="session",
                help=_about_engines() if is_first else None,
            )
            st.button(
                "Remove",
                key=f"collect_away_{number}",
                type="tertiary",
                icon=":material/close:",
                help="Remove this class from the list",
                disabled=len(st.session_state[ROWS]) == 1,
                on_click=_remove,
                args=(number,),
            )
    typed, query = typed.strip(), query.strip()
    return Row(class_name=typed, query=query or typed, engine=chosen, most=int(at_most))


def _about_engines() -> str:
    return "\n".join(f"- **{plain(one.title)}**: {one.sentence}" for one in ENGINES.values())


def _draw_filters(engines: Sequence[str]) -> tuple[dict[str, str], int]:
    """Draw the choices that the engines in use offer; return those made and the least side."""
    chosen: dict[str, str] = {}
    with st.expander("Filters", icon=":material/tune:"), st.grid(4, min_column_width=150):
        for key, title in FILTER_TITLES.items():
            choices = _choices(key, engines)
            if not choices:
                continue
            value = st.selectbox(
                title,
                [ANY, *choices],
                format_func=lambda one, known=choices: known.get(one, "Any"),
                key=f"collect_filter_{key}_{'_'.join(engines)}",
                persist_state="session",
            )
            if value:
                chosen[key] = value
        min_side = st.selectbox(
            "Set aside if smaller than",
            list(SIDES),
            index=list(SIDES).index(USUAL_SIDE),
            format_func=SIDES.__getitem__,
            key="collect_min_side",
            persist_state="session",
            help="The shorter side of the photo. What is set aside can be kept after all.",
        )
    if chosen:  # the choices themselves may be folded away
        titles = [plain(_choices(key, engines)[value]) for key, value in chosen.items()]
        st.caption(f"Only: {', '.join(titles)}")
    return chosen, min_side


def _choices(key: str, engines: Sequence[str]) -> dict[str, str]:
    """What at least one engine offers; a search leaves out what its own does not."""
    found: dict[str, str] = {}
    for engine in engines:
        for choice in ENGINES[engine].filters.get(key, ()):
            found.setdefault(choice.value, choice.title)
    return found


def _draw_key(engine: str) -> None:
    title = plain(ENGINES[engine].title)
    field, forget = st.columns([5, 1], vertical_alignment="bottom")
    is_kept = kept_key(engine) is not None
    field.text_input(
        f"{title} key",
        type="password",
        key=f"collect_key_{engine}",
        placeholder="kept on this computer" if is_kept else "paste it here",
        help=f"{title} gives keys to its users on its own site. It is kept in your user folder, "
        "for you alone, never in a data set.",
        on_change=_keep_key,
        args=(engine,),
        autocomplete="off",
    )
    if is_kept:
        forget.button(
            "Forget it", key=f"collect_forget_{engine}", on_click=_forget_key, args=(engine,)
        )


def _draw_button(
    target: Target, wanted: Sequence[Row], filters: Mapping[str, str], min_side: int
) -> None:
    asked = sum(row.most for row in wanted if row.class_name)
    clicked = st.button(
        f"Collect {count(asked, 'photo')}" if asked else "Collect photos",
        key="collect",
        type="secondary" if arriving.leads_on(target.dataset) else "primary",
        icon=":material/download:",
    )
    if not clicked:
        return
    try:
        _check(target, wanted)
        dataset = target.settle([row.class_name for row in wanted])
    except WinnowError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    arriving.begin(
        dataset,
        wanted=[asdict(row) for row in wanted],
        filters=dict(filters),
        min_side=min_side,
        key_name=next((row.engine for row in wanted if ENGINES[row.engine].needs_key), None),
    )
    st.rerun()


def _check(target: Target, wanted: Sequence[Row]) -> None:
    """Refuse what cannot be collected, before anything is made.

    Raises:
        WinnowError: In a sentence.
    """
    if not any(row.class_name for row in wanted):
        raise WinnowError("Type a class first, such as chihuahua, or press one of the examples.")
    nameless = [row.query for row in wanted if not row.class_name]
    if nameless:
        raise WinnowError(f"Name the class for the search words {nameless[0]}.")
    existing = target.dataset.classes() if target.dataset else []
    new = [name for name in dict.fromkeys(row.class_name for row in wanted) if name not in existing]
    unsorted = target.dataset.unsorted if target.dataset else "unsorted"
    for position, name in enumerate(new):
        check_class_name(name, [unsorted, *existing, *new[:position]])
    for row in wanted:
        if ENGINES[row.engine].needs_key and not kept_key(row.engine):
            raise WinnowError(
                f"{ENGINES[row.engine].title} asks for a key. Paste it above, or choose "
                "Wikimedia Commons or Openverse, which ask for none."
            )


def _fill(title: str) -> None:
    first = st.session_state[NEXT_ROW]
    _let_go(st.session_state[ROWS])
    preset = PRESETS[title]
    st.session_state[ROWS] = list(range(first, first + len(preset)))
    st.session_state[NEXT_ROW] = first + len(preset)
    for number, (name, words) in enumerate(preset.items(), first):
        st.session_state[f"collect_name_{number}"] = name
        st.session_state[f"collect_words_{number}"] = words
        st.session_state[f"collect_was_{number}"] = name


def _add() -> None:
    st.session_state[ROWS] = [*st.session_state[ROWS], st.session_state[NEXT_ROW]]
    st.session_state[NEXT_ROW] += 1


def _remove(number: int) -> None:
    others = [one for one in st.session_state[ROWS] if one != number]
    if others:  # pressed twice at once, the last row stays
        st.session_state[ROWS] = others
        _let_go([number])


def _let_go(numbers: Sequence[int]) -> None:
    for number in numbers:
        for part in ("name", "words", "most", "engine", "was"):
            st.session_state.pop(f"collect_{part}_{number}", None)


def words_follow(number: int) -> None:
    """Search for the class's name, unless other words were typed."""
    typed = st.session_state.get(f"collect_name_{number}")
    if typed is None:
        return  # a slow browser still tells of a row that an example has replaced
    name = typed.strip()
    was = st.session_state.get(f"collect_was_{number}", "")
    if st.session_state.get(f"collect_words_{number}", "").strip() in ("", was):
        st.session_state[f"collect_words_{number}"] = name
    st.session_state[f"collect_was_{number}"] = name


def _keep_key(engine: str) -> None:
    typed = st.session_state.pop(f"collect_key_{engine}", "")
    if not typed.strip():
        return
    try:
        keep_key(engine, typed)
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")
    else:
        st.toast("The key is kept on this computer.", icon=":material/key:")


def _forget_key(engine: str) -> None:
    try:
        keep_key(engine, None)
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")
