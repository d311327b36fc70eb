"""Small drawings for the cards of the ready-made sets."""

_FRAME = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 80" role="img">'
    '<rect width="240" height="80" rx="8" fill="{}"/>{}</svg>'
)


def _at(x: int, y: int, inner: str) -> str:
    return f'<g transform="translate({x} {y})">{inner}</g>'


_PAW = (
    '<ellipse cx="0" cy="9" rx="13" ry="10"/><ellipse cx="-16" cy="-3" rx="5" ry="7"/>'
    '<ellipse cx="-6" cy="-13" rx="5" ry="8"/><ellipse cx="6" cy="-13" rx="5" ry="8"/>'
    '<ellipse cx="16" cy="-3" rx="5" ry="7"/>'
)
_PETS = f'<g fill="#8a5a3c">{_at(62, 44, _PAW)}</g><g fill="#2a6f6b">{_at(122, 40, _PAW)}</g>' + (
    f'<g fill="#c4622d">{_at(182, 44, _PAW)}</g>'
)
_THINGS = (
    '<path d="M40 64V34l14-14 14 14v30z" fill="#3f5f9e"/><path d="M54 8v14M49 13h10" '
    'stroke="#3f5f9e" stroke-width="3"/><circle cx="110" cy="44" r="20" fill="#fff" '
    'stroke="#7b8794" stroke-width="2"/><g fill="#b5bec8"><circle cx="103" cy="38" r="2.4"/>'
    '<circle cx="112" cy="36" r="2.4"/><circle cx="119" cy="43" r="2.4"/>'
    '<circle cx="108" cy="46" r="2.4"/><circle cx="116" cy="52" r="2.4"/></g>'
    '<path d="M156 38a28 24 0 0 1 56 0z" fill="#c4622d"/><path d="M158 38l26 28 26-28M184 38v28" '
    'stroke="#7b8794" stroke-width="2" fill="none"/><circle cx="184" cy="67" r="4" fill="#444"/>'
)


def _flower(x: int, y: int, petals: str, heart: str) -> str:
    around = "".join(
        f'<ellipse cx="0" cy="-14" rx="7" ry="11" fill="{petals}" transform="rotate({72 * n})"/>'
        for n in range(5)
    )
    return _at(x, y, f'{around}<circle r="6.5" fill="{heart}"/>')


_FLOWERS = (
    _flower(60, 42, "#c2477f", "#f2c230")
    + _flower(120, 38, "#e0a526", "#7a4a1e")
    + _flower(180, 42, "#6c5bb0", "#f2e9c0")
)
_FOOD = (
    '<ellipse cx="120" cy="42" rx="52" ry="28" fill="#fff" stroke="#c9bda6" stroke-width="2"/>'
    '<path d="M88 42a32 18 0 0 0 64 0z" fill="#c4622d"/><path d="M92 41q14-16 28-8t28 6z" '
    'fill="#e0a526"/><circle cx="110" cy="37" r="4" fill="#4d8a3c"/><circle cx="128" cy="36" r="4" '
    'fill="#b93a32"/><g stroke="#7b8794" stroke-width="4" stroke-linecap="round">'
    '<path d="M48 18v46M42 18v12M54 18v12M192 18v46"/></g>'
)
_FIELDS = (
    "".join(
        f'<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{fill}"/>'
        for x, y, w, h, fill in (
            (12, 8, 60, 30, "#7fa650"),
            (74, 8, 44, 30, "#b9a45a"),
            (120, 8, 40, 64, "#2f6b46"),
            (12, 40, 38, 32, "#c7b878"),
            (52, 40, 66, 32, "#5d8f4e"),
            (162, 8, 66, 26, "#9aa3ab"),
            (162, 36, 66, 36, "#3f74a8"),
        )
    )
    + '<path d="M8 66Q60 52 96 60T232 30" stroke="#4d8fc4" stroke-width="6" fill="none"/>'
)
_PIXELS = "".join(
    f'<rect x="{60 + 15 * x}" y="{3 + 15 * y}" width="14" height="14" '
    f'fill="{("#b8c9dc", "#3f5f9e", "#c4622d", "#26323f")[int(line[x])]}"/>'
    for y, line in enumerate(("00000000", "00111000", "01111120", "11111122", "03001300"))
    for x in range(8)
)

# By the group of a set.
ICONS = {
    "pets": _FRAME.format("#f6efe2", _PETS),
    "imagenette": _FRAME.format("#eef2f4", _THINGS),
    "flowers": _FRAME.format("#eef4ec", _FLOWERS),
    "food": _FRAME.format("#f7f1e6", _FOOD),
    "eurosat": _FRAME.format("#dfe7d8", _FIELDS),
    "cifar10": _FRAME.format("#e4ebf2", _PIXELS),
}
