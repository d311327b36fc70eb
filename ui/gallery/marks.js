// What a mark does: remember it, repaint at once, move on to the next photo.

function targets(gallery) {
  if (gallery.selected.size) {
    return gallery.tiles.filter((tile) => gallery.selected.has(tile.id)).map((tile) => tile.id);
  }
  return gallery.tiles.length ? [gallery.tiles[gallery.current].id] : [];
}

function shownIn(gallery, ids) {
  return Object.fromEntries(ids.map((id) => [id, gallery.classOf(id)]));
}

function record(gallery, edit) {
  for (const id of edit.ids) gallery.refusals.delete(id);
  const number = gallery.log.add({ ...edit, shown_in: shownIn(gallery, edit.ids) });
  gallery.acts.push({ kind: "edit", number });
}

function relabel(gallery, className, isNew = false) {
  const ids = targets(gallery);
  const there = ids.filter((id) => gallery.classOf(id) !== null);
  if (ids.length && !there.length) return say(gallery, "This photo is removed. Press u to bring it back first.");
  const moved = there.filter((id) => gallery.classOf(id) !== className);
  const same = there.filter((id) => gallery.classOf(id) === className);
  const added = isNew ? { new: true } : {};
  if (moved.length) record(gallery, { op: "relabel", ids: moved, class_name: className, ...added });
  if (same.length) rememberKept(gallery, same);
  finish(gallery, ids, `${photos(ids.length)} now in ${gallery.title(className)}.`);
}

// The model's class for each photo: the commonest mend, one key however many classes there are.
function accept(gallery) {
  const ids = targets(gallery);
  const groups = new Map();
  for (const tile of gallery.tiles) {
    const now = gallery.classOf(tile.id);
    if (!ids.includes(tile.id) || now === null || !tile.suggested || now === tile.suggested) continue;
    groups.set(tile.suggested, (groups.get(tile.suggested) ?? []).concat(tile.id));
  }
  if (!groups.size) return say(gallery, "The model names no other class here.");
  for (const [name, some] of groups) record(gallery, { op: "relabel", ids: some, class_name: name });
  const names = Array.from(groups.keys(), (name) => gallery.title(name)).join(", ");
  finish(gallery, ids, `${photos(ids.length)} now in ${names}.`);
}

function remove(gallery) {
  const ids = targets(gallery).filter((id) => gallery.classOf(id) !== null);
  if (!ids.length) return say(gallery, "This photo is removed already.");
  record(gallery, { op: "remove", ids, class_name: null });
  finish(gallery, ids, `${photos(ids.length)} removed. Press u to undo.`);
}

function keep(gallery) {
  const ids = targets(gallery).filter((id) => gallery.classOf(id) !== null);
  if (!ids.length) return;
  rememberKept(gallery, ids);
  finish(gallery, ids, gallery.keepsOnDisk ? `${gallery.keepTitle}: remembered.` : "Kept as it is.");
}

function photos(count) {
  return count === 1 ? "1 photo" : `${count} photos`;
}

function finish(gallery, ids, words) {
  const marked = new Set(ids);
  let last = gallery.current;
  gallery.tiles.forEach((tile, index) => marked.has(tile.id) && (last = index));
  gallery.selected.clear();
  gallery.gathering = false;
  gallery.anchor = null;
  gallery.refresh();
  if (gallery.turns?.advance && !openTiles(gallery).length) {
    say(gallery, words);
    if (gallery.turns.next) return gallery.turn(1);
  }
  const next = nextOpen(gallery, last) ?? (gallery.turns?.advance ? nextOpen(gallery, -1) : null);
  if (gallery.labelling?.selectAll && !gallery.large?.open) gallery.selectOpen();
  say(gallery, next === null ? `${words} No unmarked photo comes after this one.` : words);
  gallery.go(next === null ? last : next);
  refreshLarge(gallery);
}

function openTiles(gallery) {
  return gallery.tiles.filter((tile) => tileState(gallery, tile).kind === "open");
}

function nextOpen(gallery, from) {
  for (let index = from + 1; index < gallery.tiles.length; index += 1) {
    if (tileState(gallery, gallery.tiles[index]).kind === "open") return index;
  }
  return null;
}

// "Kept" is a note to oneself and changes no file; it lives in this browser alone, unless the
// page remembers it. It is about the class the photo stood in, and says nothing once the photo
// stands in another.
function rememberKept(gallery, ids) {
  const fresh = ids.filter((id) => !isKept(gallery, id));
  fresh.forEach((id) => gallery.kept.set(id, gallery.classOf(id)));
  if (fresh.length) gallery.acts.push({ kind: "keep", ids: fresh });
  if (fresh.length && gallery.keepsOnDisk) {
    gallery.log.add({ op: "keep", ids: fresh, class_name: null, shown_in: {} });
  }
  saveKept(gallery);
}

function isKept(gallery, id) {
  return gallery.kept.has(id) && gallery.kept.get(id) === gallery.classOf(id);
}

function saveKept(gallery) {
  if (gallery.keepsOnDisk) return;
  try {
    localStorage.setItem(gallery.keptKey, JSON.stringify(Array.from(gallery.kept)));
  } catch (error) {
    console.warn("Winnow: the browser does not keep which photos were found right.", error);
  }
}

function loadKept(gallery) {
  try {
    return new Map(JSON.parse(localStorage.getItem(gallery.keptKey) || "[]"));
  } catch (error) {
    return new Map();
  }
}

// Steps on disk that this gallery shows, minus those already being undone; newest last.
function undoableSteps(gallery) {
  const gone = new Set();
  for (const log of gallery.log.logs.values()) {
    for (const edit of log) if (edit.op === "undo") gone.add(edit.step ?? gallery.made[edit.of]);
  }
  return gallery.steps.filter((step) => !gone.has(step.id));
}

// Forget acts that were undone elsewhere, or refused, so that `u` finds the last one that stands.
function pruneActs(gallery) {
  const waiting = new Set(gallery.log.logs.get(gallery.log.client).map((edit) => edit.number));
  const standing = new Set(gallery.steps.map((step) => step.id));
  gallery.acts = gallery.acts.filter((act) => {
    if (act.kind === "keep") return act.ids.some((id) => gallery.kept.has(id));
    return waiting.has(act.number) || standing.has(gallery.made[act.number]);
  });
}

function canUndo(gallery) {
  return gallery.acts.length > 0 || undoableSteps(gallery).length > 0;
}

function undo(gallery) {
  pruneActs(gallery);
  const act = gallery.acts.pop();
  if (act && act.kind === "keep") {
    act.ids.forEach((id) => gallery.kept.delete(id));
    if (gallery.keepsOnDisk) {
      gallery.log.add({ op: "unkeep", ids: act.ids, class_name: null, shown_in: {} });
    }
    saveKept(gallery);
    return undone(gallery, act.ids, "No longer marked as right.");
  }
  if (act) {
    const own = gallery.log.logs.get(gallery.log.client).find((edit) => edit.number === act.number);
    const step = gallery.steps.find((candidate) => candidate.id === gallery.made[act.number]);
    gallery.log.add({ op: "undo", ids: [], class_name: null, of: act.number, shown_in: {} });
    return undone(gallery, own ? own.ids : step.changes.map(([id]) => id), "Undone.");
  }
  const step = undoableSteps(gallery).at(-1);
  if (!step) return say(gallery, "Nothing to undo here. The sidebar undoes older steps.");
  gallery.log.add({ op: "undo", ids: [], class_name: null, step: step.id, shown_in: {} });
  undone(gallery, step.changes.map(([id]) => id), `Undone: ${step.words}.`);
}

function undone(gallery, ids, words) {
  const back = new Set(ids);
  gallery.refresh();
  const index = gallery.tiles.findIndex((tile) => back.has(tile.id));
  say(gallery, words);
  if (index >= 0) gallery.go(index);
  refreshLarge(gallery);
}

// Said aloud by screen readers; seen by everyone in the status line.
function say(gallery, words) {
  gallery.spoken.textContent = words;
}
