// One photo large, with heat maps of what the network looked at, and the list of keys.

function makeDialog(gallery, label) {
  const dialog = element("dialog", "dialog");
  dialog.setAttribute("aria-label", label);
  dialog.tabIndex = -1;
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => gallery.focusBack());
  gallery.root.append(dialog);
  return dialog;
}

function openLarge(gallery) {
  if (!gallery.tiles.length) return;
  gallery.large ??= makeDialog(gallery, "Large view");
  // Whoever looks at one photo of a group means that one.
  if (gallery.labelling?.selectAll) letGo(gallery);
  // Whoever looks at one photo of a group means that one.
  if (gallery.labelling?.selectAll) letGo(gallery);
  if (!gallery.large.open) gallery.large.showModal();
  drawLarge(gallery);
}

function closeLarge(gallery) {
  gallery.large.close();
}

// After a mark in the large view: the next photo, or the same one with its new badge.
function refreshLarge(gallery) {
  if (gallery.large?.open) drawLarge(gallery);
}

function figure(url, caption, words, alt) {
  const node = element("figure", "loading");
  const image = element("img");
  const note = element("p", "note", words.loading);
  image.alt = alt;
  image.addEventListener("load", () => {
    node.className = "";
    note.textContent = "";
  });
  image.addEventListener("error", () => {
    node.className = "failed";
    note.textContent = words.failed;
  });
  image.src = url;
  node.append(image, note);
  if (caption) node.append(isolated("figcaption", "", caption));
  return node;
}

function drawLarge(gallery) {
  const tile = gallery.tiles[gallery.current];
  const state = tileState(gallery, tile);
  const maps = heatMaps(gallery, tile);
  const explained = heatWords(gallery, tile, maps);
  const drawn = `${tile.id}:${gallery.heat}:${maps.length}:${explained}`;
  if (gallery.large.shown === drawn) return paintLarge(gallery, tile, state);
  gallery.large.shown = drawn;
  const head = element("div", "head");
  const place = element("span", "place", `${gallery.current + 1} of ${gallery.tiles.length}`);
  const close = element("button", "tool", "Close");
  close.type = "button";
  close.append(element("kbd", "", "Esc"));
  close.addEventListener("click", () => closeLarge(gallery));
  head.append(place, isolated("span", "badge"), close);
  const stage = element("div", "stage");
  stage.append(
    figure(tile.photo, "", { loading: "Loading the photo…", failed: "This photo cannot be shown." }, tile.lines.join(". ")),
  );
  const words = { loading: "Drawing the heat map…", failed: "This heat map could not be drawn." };
  for (const [caption, url] of maps) {
    stage.append(figure(url, caption, words, caption));
  }
  const foot = element("div", "foot");
  const text = element("div", "text");
  [tile.lines.join(" · "), ...tile.more].forEach((line) => text.append(isolated("div", "said", line)));
  foot.append(text, largeTools(gallery, tile));
  gallery.large.replaceChildren(head, stage, element("p", "legend", explained), element("div", "refusal"), foot);
  stage.classList.toggle("several", stage.children.length > 1);
  paintLarge(gallery, tile, state);
  gallery.large.focus({ preventScroll: true });
  fetchAhead(gallery);
}

// The next photo is asked for while people look at this one.
function fetchAhead(gallery) {
  const next = gallery.tiles[gallery.current + 1];
  if (!next) return;
  const maps = heatMaps(gallery, next).map(([, url]) => url);
  for (const url of [next.photo, ...maps]) new Image().src = url;
}

// A removed photo is not where the network would look for it.
function heatMaps(gallery, tile) {
  return gallery.heat && gallery.classOf(tile.id) !== null ? tile.heat : [];
}

function heatWords(gallery, tile, maps) {
  if (maps.length) return "Bright: speaks for this class. Dim: does not. Grey edges of a long photo: not looked at.";
  const wanted = gallery.heat && gallery.tiles.some((one) => one.heat.length);
  return wanted && gallery.classOf(tile.id) === null ? "Removed photos have no heat maps." : "";
}

function paintLarge(gallery, tile, state) {
  const told = [tile.lines.join(" · "), ...tile.more];
  const text = gallery.large.querySelector(".text");
  if (told.some((line, index) => text.children[index]?.textContent !== line)) {
    text.replaceChildren(...told.map((line) => isolated("div", "said", line)));
  }
  gallery.large.dataset.state = state.kind;
  gallery.large.querySelector(".badge").textContent = state.badge;
  gallery.large.querySelector(".refusal").textContent = state.refusal || "";
  for (const button of gallery.large.querySelectorAll("[data-class]")) {
    button.classList.toggle("current", button.dataset.class === state.now);
  }
}

function largeTools(gallery, tile) {
  const bar = element("div", "tools");
  toolButton(bar, "Back", "←", () => step(gallery, "ArrowLeft"));
  toolButton(bar, "Next", "→", () => step(gallery, "ArrowRight"));
  if (tile.heat.length) {
    const name = gallery.heat ? "Hide heat maps" : "Show heat maps";
    toolButton(bar, name, "Space", () => toggleHeat(gallery));
  }
  if (gallery.editable) {
    gallery.classes.slice(0, 10).forEach((one, index) => {
      toolButton(bar, one.title, DIGITS[index], () => relabel(gallery, one.name)).dataset.class = one.name;
    });
    if (tile.suggested) toolButton(bar, "Model is right", "=", () => accept(gallery));
    toolButton(bar, gallery.keepTitle, ".", () => keep(gallery));
    toolButton(bar, "Remove", "x", () => remove(gallery));
    toolButton(bar, "Undo", "u", () => undo(gallery));
  }
  for (const button of bar.querySelectorAll("button")) button.tabIndex = 0;
  return bar;
}

function step(gallery, key) {
  const offset = key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1;
  const target = gallery.current + offset;
  if (target < 0 || target >= gallery.tiles.length) return gallery.turns && gallery.turn(offset);
  gallery.selected.clear();
  gallery.go(target);
  drawLarge(gallery);
}

function toggleHeat(gallery) {
  gallery.heat = !gallery.heat;
  drawLarge(gallery);
}

const KEYS = [
  ["← ↑ → ↓", "move between photos", false],
  ["Home, End, Page Up, Page Down", "first, last, a screen up or down", false],
  ["1 to 9, 0", "move the photo to that class; its own class means the label is right", true],
  ["letters, or /", "find a class by name; Enter picks, Esc leaves", true],
  ["-", "out of any class: unsorted (on Label)", true],
  ["[ and ]", "the page or group before and after", false],
  ["= (equals sign)", "the model is right: move the photo to its class", true],
  [". (full stop)", "it is right as it is: go on", true],
  ["x or Delete", "remove the photo (it can be restored)", true],
  ["u", "undo the last mark shown here", true],
  ["Space, or Ctrl and click", "add the photo to the selection, or take it out", true],
  ["Shift and arrows, Shift and click", "select a range", true],
  ["Ctrl and A", "select all photos on this page", true],
  ["Enter, or double click", "large view with heat maps; there, Space hides them or brings them back", false],
  ["Esc", "close, or let go of the selection", false],
];

function showKeys(gallery) {
  gallery.help ??= makeDialog(gallery, "Keys");
  gallery.help.classList.add("narrow");
  const table = element("dl", "keys");
  for (const [keys, words, editing] of KEYS) {
    if (editing && !gallery.editable) continue;
    table.append(element("dt", "", keys), element("dd", "", words));
  }
  const close = element("button", "tool", "Close");
  close.type = "button";
  close.append(element("kbd", "", "Esc"));
  close.addEventListener("click", () => gallery.help.close());
  gallery.help.replaceChildren(element("h3", "", "Keys"), table, close);
  gallery.help.showModal();
}
