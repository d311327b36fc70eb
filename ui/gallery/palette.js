// Find a class by typing: needed with more than ten classes, there for everyone.

function openPalette(gallery, typed) {
  if (!gallery.editable) return;
  const { palette } = gallery;
  palette.hidden = false;
  palette.input.value = typed;
  palette.chosen = 0;
  listMatches(gallery);
  palette.input.focus();
}

function closePalette(gallery) {
  gallery.palette.hidden = true;
  gallery.focusBack();
}

function makePalette(gallery) {
  const box = element("div", "palette");
  box.hidden = true;
  box.input = element("input");
  box.input.type = "text";
  box.input.autocomplete = "off";
  box.input.spellcheck = false;
  box.input.placeholder = "Type a class";
  box.input.setAttribute("role", "combobox");
  box.input.setAttribute("aria-label", "Class to move to");
  box.input.setAttribute("aria-expanded", "true");
  box.input.setAttribute("aria-controls", "winnow-matches");
  box.list = element("div", "matches");
  box.list.id = "winnow-matches";
  box.list.setAttribute("role", "listbox");
  box.list.setAttribute("aria-label", "Classes");
  box.hint = element("div", "hint", "Enter picks, Esc leaves");
  box.append(box.input, box.list, box.hint);
  box.input.addEventListener("input", () => {
    box.chosen = 0;
    listMatches(gallery);
  });
  box.addEventListener("focusout", (event) => {
    if (!box.contains(event.relatedTarget)) box.hidden = true;
  });
  return box;
}

// Names that begin with what was typed first, then names that hold it.
function matching(gallery, typed) {
  const wanted = typed.trim().toLowerCase();
  const named = gallery.classes.map((one, index) => ({ ...one, index, low: one.title.toLowerCase() }));
  const starts = named.filter((one) => one.low.startsWith(wanted));
  const holds = named.filter((one) => !one.low.startsWith(wanted) && one.low.includes(wanted));
  const found = starts.concat(holds);
  const exists = named.some((one) => one.low === wanted);
  if (gallery.labelling && wanted && !exists) {
    const name = typed.trim();
    found.push({ name, title: `New class: ${name}`, index: 10, isNew: true });
  }
  return found;
}

function listMatches(gallery) {
  const { palette } = gallery;
  palette.found = matching(gallery, palette.input.value);
  palette.chosen = Math.max(0, Math.min(palette.chosen, palette.found.length - 1));
  palette.list.replaceChildren();
  palette.found.slice(0, 50).forEach((one, index) => {
    const option = isolated("div", "match", one.title);
    option.id = `winnow-match-${index}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String(index === palette.chosen));
    if (one.index < 10) option.append(element("kbd", "", DIGITS[one.index]));
    option.addEventListener("mousedown", (event) => event.preventDefault());
    option.addEventListener("click", () => pick(gallery, one));
    palette.list.append(option);
  });
  if (!palette.found.length) palette.list.append(element("div", "none", "No class has this name."));
  palette.input.setAttribute("aria-activedescendant", `winnow-match-${palette.chosen}`);
  palette.list.children[palette.chosen]?.scrollIntoView({ block: "nearest" });
}

function pick(gallery, chosen) {
  gallery.palette.hidden = true;
  relabel(gallery, chosen.name, chosen.isNew);
  gallery.focusBack();
}

// A key that was pressed before the palette had opened.
function typeInPalette(gallery, { key }) {
  if (key.length === 1) {
    gallery.palette.input.value += key;
    listMatches(gallery);
  } else keyInPalette(gallery, { key, preventDefault() {} });
}

function keyInPalette(gallery, event) {
  const { palette } = gallery;
  if (event.key === "Escape") closePalette(gallery);
  else if (event.key === "Enter") {
    if (palette.found.length) pick(gallery, palette.found[palette.chosen]);
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    palette.chosen += event.key === "ArrowDown" ? 1 : -1;
    listMatches(gallery);
  } else return;
  event.preventDefault();
}
