// The row of buttons above the photos: everything the keys do, for people without a keyboard.

const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];

function toolButton(bar, name, key, act) {
  const button = element("button", "tool");
  button.type = "button";
  button.append(isolated("span", "name", name));
  if (key) {
    button.append(element("kbd", "", key));
    button.setAttribute("aria-keyshortcuts", key === "Space" ? "Space" : key);
  }
  button.tabIndex = bar.querySelector("button") ? -1 : 0;
  // The photo keeps the focus, so that keys go on working after a click.
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", act);
  bar.append(button);
  return button;
}

function drawToolbar(gallery) {
  const bar = gallery.bar;
  bar.replaceChildren();
  if (gallery.editable) {
    const group = element("div", "group");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Give the photo another class");
    bar.append(group);
    gallery.classes.slice(0, 10).forEach((one, index) => {
      const button = toolButton(group, one.title, DIGITS[index], () => relabel(gallery, one.name));
      button.dataset.class = one.name;
      button.title = `Move to ${one.title} (key ${DIGITS[index]})`;
    });
    if (gallery.classes.length > 10 || gallery.labelling) {
      const name = gallery.labelling ? "Other or new class" : "More classes";
      toolButton(group, name, "/", () => openPaletteHere(gallery, ""));
    }
    if (gallery.labelling) {
      const { unsorted, unsortedTitle } = gallery.labelling;
      toolButton(group, unsortedTitle, "-", () => relabel(gallery, unsorted)).title = "Out of any class";
    }
  }
  const tools = element("div", "group");
  bar.append(tools);
  if (gallery.editable) {
    if (gallery.suggests) toolButton(tools, "Model is right", "=", () => accept(gallery));
    toolButton(tools, gallery.keepTitle, ".", () => keep(gallery));
    toolButton(tools, "Remove", "x", () => remove(gallery));
    gallery.undoButton = toolButton(tools, "Undo", "u", () => undo(gallery));
  }
  toolButton(tools, "Large view", "Enter", () => openLarge(gallery));
  if (gallery.turns) {
    toolButton(tools, "Back", "[", () => gallery.turn(-1)).setAttribute("aria-label", "Previous page");
    toolButton(tools, "Next", "]", () => gallery.turn(1)).setAttribute("aria-label", "Next page");
  }
  toolButton(tools, "Keys", "?", () => showKeys(gallery));
}

// Left and right move between the buttons; Tab leaves the row, as in any toolbar.
function moveInToolbar(gallery, event) {
  const buttons = Array.from(gallery.bar.querySelectorAll("button"));
  const at = buttons.indexOf(event.target);
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (at < 0 || !step) return false;
  const next = buttons[(at + step + buttons.length) % buttons.length];
  buttons.forEach((button) => (button.tabIndex = button === next ? 0 : -1));
  next.focus();
  event.preventDefault();
  return true;
}

function paintStatus(gallery) {
  const waiting = gallery.log.pending;
  const count = gallery.selected.size;
  const parts = [];
  if (gallery.editable && count > 1) parts.push(`${count} photos selected: a mark goes to all of them.`);
  if (gallery.problem) parts.push(gallery.problem);
  else if (waiting) parts.push(waiting === 1 ? "Saving 1 mark…" : `Saving ${waiting} marks…`);
  gallery.status.textContent = parts.join(" ");
  gallery.status.classList.toggle("problem", Boolean(gallery.problem));
  gallery.root.dataset.unsaved = waiting;
  if (gallery.undoButton) gallery.undoButton.disabled = !canUndo(gallery);
}
