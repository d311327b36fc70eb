// The keyboard and the pointer.

const MOVES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];

function onKey(gallery, event) {
  // Streamlit reruns the app on `r` and offers to clear its caches on `c`.
  event.stopPropagation();
  if (event.type !== "keydown" || event.isComposing) return;
  if (gallery.help?.open) return;
  if (gallery.palette.contains(event.target)) return keyInPalette(gallery, event);
  if (gallery.turning) return gallery.keepForLater(event);
  const onButton = event.target.tagName === "BUTTON";
  if (onButton && moveInToolbar(gallery, event)) return;
  if (onButton && ["Enter", " "].includes(event.key)) return;
  if (press(gallery, event)) event.preventDefault();
}

function press(gallery, event) {
  const large = gallery.large?.open;
  const done = large ? keyInLarge(gallery, event) : keyInGrid(gallery, event);
  return done || markKey(gallery, event);
}

function markKey(gallery, event) {
  const { key } = event;
  if (key === "?") return showKeys(gallery), true;
  if (key === "]" && gallery.turns) return gallery.turn(1), true;
  if (key === "[" && gallery.turns) return gallery.turn(-1), true;
  if (!gallery.editable || event.altKey) return false;
  if (event.ctrlKey || event.metaKey) return key === "z" && (undo(gallery), true);
  const digit = DIGITS.indexOf(key);
  if (digit >= 0) {
    const chosen = gallery.classes[digit];
    if (chosen) relabel(gallery, chosen.name);
    else say(gallery, `There is no class number ${digit + 1}.`);
    return true;
  }
  if (key === "x" || key === "Delete" || key === "Backspace") return remove(gallery), true;
  if (key === "u") return undo(gallery), true;
  if (key === "-" && gallery.labelling) return relabel(gallery, gallery.labelling.unsorted), true;
  if (key === "=") return accept(gallery), true;
  if (key === ".") return keep(gallery), true;
  if (key === "/") return openPaletteHere(gallery, ""), true;
  if (key.length === 1 && /\p{L}/u.test(key)) return openPaletteHere(gallery, key), true;
  return false;
}

// A modal dialog hides what lies outside it, so the palette goes where the user is.
function openPaletteHere(gallery, typed) {
  (gallery.large?.open ? gallery.large : gallery.root).append(gallery.palette);
  openPalette(gallery, typed);
}

function keyInLarge(gallery, event) {
  const { key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (MOVES.slice(0, 4).includes(key)) return step(gallery, key), true;
  if (key === " ") return toggleHeat(gallery), true;
  if (key === "Enter") return closeLarge(gallery), true;
  return false; // Esc closes the dialog by itself
}

function keyInGrid(gallery, event) {
  const { key } = event;
  const control = event.ctrlKey || event.metaKey;
  if (!gallery.tiles.length || event.altKey) return false;
  if (MOVES.includes(key)) return move(gallery, neighbour(gallery, key), event.shiftKey, control), true;
  if (key === "Enter") return openLarge(gallery), true;
  if (key === " ") return toggle(gallery, gallery.current), true;
  if (key === "a" && control) return selectRange(gallery, 0, gallery.tiles.length - 1), true;
  if (key === "Escape") return letGo(gallery), true;
  return false;
}

function move(gallery, target, extend, control) {
  if (extend && gallery.editable) {
    gallery.anchor ??= gallery.current;
    selectRange(gallery, gallery.anchor, target);
  } else if (!gallery.gathering && !control) {
    gallery.anchor = null;
    if (gallery.selected.size) select(gallery, []);
  }
  gallery.go(target);
}

function select(gallery, ids) {
  const before = gallery.selected;
  gallery.selected = new Set(ids);
  gallery.tiles.forEach((tile, index) => {
    if (before.has(tile.id) !== gallery.selected.has(tile.id)) paintTile(gallery, index);
  });
  paintStatus(gallery);
}

function selectRange(gallery, from, to) {
  const [first, last] = from < to ? [from, to] : [to, from];
  select(gallery, gallery.tiles.slice(first, last + 1).map((tile) => tile.id));
  gallery.gathering = gallery.selected.size > 1;
}

// Space and Ctrl-click gather photos; what is gathered stays while the arrows move on.
function toggle(gallery, index) {
  if (!gallery.editable) return;
  const ids = new Set(gallery.gathering ? gallery.selected : []);
  const { id } = gallery.tiles[index];
  if (gallery.selected.has(id)) ids.delete(id);
  else ids.add(id);
  gallery.gathering = ids.size > 0;
  gallery.anchor = index;
  select(gallery, ids);
}

function letGo(gallery) {
  gallery.gathering = false;
  gallery.anchor = null;
  select(gallery, []);
}

function onPointer(gallery, event) {
  const node = event.target.closest?.(".tile");
  if (!node) return;
  const index = gallery.nodes.indexOf(node);
  if (event.shiftKey && gallery.editable) {
    gallery.anchor ??= gallery.current;
    selectRange(gallery, gallery.anchor, index);
  } else if (event.ctrlKey || event.metaKey || event.target.classList.contains("tick")) {
    toggle(gallery, index);
  } else {
    gallery.gathering = false;
    gallery.anchor = index;
    select(gallery, gallery.editable ? [gallery.tiles[index].id] : []);
  }
  gallery.go(index);
}
