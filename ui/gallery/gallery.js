// The gallery: photos in a grid that keys, mouse and touch can mark.
//
// Streamlit calls the default export again on every change of data, so the state lives in a
// WeakMap by the element that Streamlit hands over, and listeners are attached once.

const HEADER_PIXELS = 58; // height of Streamlit's header, under which the bar sticks

const QUIET_AFTER_MS = 600;
const TURNS_WITHIN_MS = 10000; // a server that takes longer has lost the wish

class Gallery {
  constructor(parent, store) {
    this.parent = parent;
    this.store = store;
    this.keptKey = `winnow.kept:${store}`;
    this.tiles = [];
    this.nodes = [];
    this.steps = [];
    this.made = {}; // number of an edit of ours -> the journal step it became
    this.acts = []; // what was done here, in order, for `u`
    this.selected = new Set();
    this.gathering = false; // a selection made on purpose, which arrows leave alone
    this.anchor = null;
    this.refusals = new Map();
    this.overlay = new Map();
    this.classes = [];
    this.current = 0;
    this.isNew = true; // it has shown no list yet
    this.heat = true; // whether the large view shows heat maps beside the photo
    this.told = 0; // the last message after which the page was asked to catch up
    this.turned = 0; // pages asked for so far
    this.turning = null; // the wish that is on its way
    this.later = []; // keys pressed meanwhile; they are for the page to come
    this.kept = loadKept(this);
    this.build();
    this.log = new EditLog(store, (value) => this.setStateValue("edits", value));
    this.takeOver(handovers.get(store));
  }

  // Streamlit may take a gallery away and make it anew in the middle of a burst of keys.
  takeOver(before) {
    handovers.delete(this.store);
    if (!before || Date.now() - before.time > TURNS_WITHIN_MS) return;
    this.later = before.later;
    this.turning = before.turning;
    this.reopen = before.large;
    if (this.turning) this.turnTimer = setTimeout(() => this.haveTurned(), TURNS_WITHIN_MS);
  }

  build() {
    this.root = element("div", "gallery");
    this.bar = element("div", "bar");
    this.bar.setAttribute("role", "toolbar");
    this.bar.setAttribute("aria-label", "Mark photos");
    this.status = element("div", "status");
    this.status.setAttribute("role", "status");
    this.spoken = element("div", "spoken");
    this.spoken.setAttribute("aria-live", "polite");
    const top = element("div", "top");
    const line = element("div", "below");
    line.append(this.spoken, this.status);
    top.append(this.bar, line);
    this.grid = element("div", "grid");
    this.grid.setAttribute("role", "listbox");
    this.palette = makePalette(this);
    const edge = element("div", "edge"); // leaves the screen just when the bar begins to stick
    this.observer = new IntersectionObserver(
      ([entry]) => top.classList.toggle("stuck", entry.boundingClientRect.top < HEADER_PIXELS),
      { rootMargin: `-${HEADER_PIXELS}px 0px 0px 0px` },
    );
    this.observer.observe(edge);
    this.root.append(edge, top, this.grid, this.palette);
    // When nothing holds the keyboard, such as after Streamlit's note about a lost connection,
    // keys still mean the photos.
    this.strayKey = (event) => {
      if (!this.autofocus || !this.nodes.length || document.activeElement !== document.body) return;
      this.focusBack();
      onKey(this, event);
    };
    document.addEventListener("keydown", this.strayKey, true);
    for (const type of ["keydown", "keyup", "keypress"]) {
      this.root.addEventListener(type, (event) => onKey(this, event));
    }
    this.grid.addEventListener("click", (event) => onPointer(this, event));
    this.grid.addEventListener("dblclick", (event) => event.target.closest(".tile") && openLarge(this));
    this.parent.append(this.root);
  }

  close() {
    const { later, turning } = this;
    handovers.set(this.store, { later, turning, large: Boolean(this.large?.open), time: Date.now() });
    document.removeEventListener("keydown", this.strayKey, true);
    this.observer.disconnect();
    this.log.close();
    clearTimeout(this.quiet);
    clearTimeout(this.turnTimer);
    this.root.remove();
  }

  // Ask for another page. Marks made so far go first.
  turn(by) {
    if (this.turning) return;
    if (!(by > 0 ? this.turns.next : this.turns.previous)) {
      say(this, by > 0 ? "This is the last page." : "This is the first page.");
      return;
    }
    if (this.log.soon) this.log.send();
    this.turned += 1;
    this.turning = `${this.log.client}:${this.turned}`;
    this.root.dataset.turning = by;
    this.turnTimer = setTimeout(() => this.haveTurned(), TURNS_WITHIN_MS);
    this.setStateValue("turn", { number: this.turning, by });
  }

  keepForLater(event) {
    const { key, shiftKey, ctrlKey, metaKey, altKey } = event;
    if (["Shift", "Control", "Alt", "Meta"].includes(key)) return;
    this.later.push({ key, shiftKey, ctrlKey, metaKey, altKey });
    event.preventDefault();
  }

  haveTurned() {
    clearTimeout(this.turnTimer);
    this.turning = null;
    delete this.root.dataset.turning;
    while (this.later.length && !this.turning) {
      const event = this.later.shift();
      if (this.palette.hidden) press(this, event);
      else typeInPalette(this, event);
    }
  }

  selectOpen() {
    this.selected = new Set(openTiles(this).map((tile) => tile.id));
    this.gathering = this.selected.size > 0;
    this.refresh();
  }

  title(name) {
    return this.titles.get(name) ?? name;
  }

  classOf(id) {
    return this.overlay.has(id) ? this.overlay.get(id) : this.now.get(id);
  }

  update(data) {
    const listChanged = !sameList(this.tiles, data.tiles);
    const bar = JSON.stringify([data.classes, Boolean(data.turns), data.labelling]);
    const barChanged = this.barDrawn !== bar;
    const before = this.tiles;
    this.barDrawn = bar;
    this.turns = data.turns;
    this.labelling = data.labelling;
    const focused = this.root.contains(this.parent.activeElement ?? document.activeElement);
    this.autofocus = data.autofocus;
    this.tiles = data.tiles;
    this.now = new Map(data.tiles.map((tile) => [tile.id, tile.now]));
    this.classes = data.classes;
    this.titles = new Map(data.classes.map((one) => [one.name, one.title]));
    if (data.labelling) this.titles.set(data.labelling.unsorted, data.labelling.unsortedTitle);
    this.steps = data.steps;
    this.made = data.answers[this.log.client]?.made ?? {};
    this.problem = data.problem;
    this.root.classList.toggle("small", data.small);
    this.keepsOnDisk = Boolean(data.keeps);
    this.keepTitle = data.keeps ?? "Label is right";
    this.takeKept(data);
    for (const { ids, reason } of this.log.settle(data.answers)) {
      say(this, `Not changed. ${reason}`);
      ids.forEach((id) => this.refusals.set(id, reason));
    }
    pruneActs(this);
    this.tellWhenQuiet();
    const suggests = data.tiles.some((tile) => tile.suggested);
    if (barChanged || suggests !== this.suggests || this.editable !== data.editable) {
      this.editable = data.editable;
      this.suggests = suggests;
      this.root.classList.toggle("readonly", !data.editable);
      drawToolbar(this);
    }
    this.grid.setAttribute("aria-label", data.label);
    this.grid.setAttribute("aria-multiselectable", String(data.editable));
    if (listChanged) this.rebuild(focused || (data.autofocus && document.activeElement === document.body));
    else this.retellChanged(before);
    this.refresh();
    refreshLarge(this);
    const asksForLarge = Boolean(data.labelling?.large);
    if (this.reopen || (asksForLarge && asksForLarge !== this.askedForLarge)) openLarge(this);
    this.reopen = false;
    this.askedForLarge = asksForLarge;
    if (this.turning && data.turns?.turned === this.turning) this.haveTurned();
  }

  retellChanged(before) {
    this.tiles.forEach((tile, index) => {
      if (before[index].lines.join("\n") !== tile.lines.join("\n")) retell(this.nodes[index], tile);
    });
  }

  // What the page itself remembers as kept, such as photos that look fine.
  takeKept(data) {
    if (!data.keeps) return;
    for (const tile of data.tiles) {
      if (tile.kept && !this.kept.has(tile.id)) this.kept.set(tile.id, tile.now);
    }
  }

  // Once the marks of a burst are all on disk, the rest of the page may catch up with them.
  tellWhenQuiet() {
    clearTimeout(this.quiet);
    if (this.log.pending || this.log.attempt === this.told) return;
    this.quiet = setTimeout(() => {
      this.told = this.log.attempt;
      this.setStateValue("quiet", `${this.log.client}:${this.told}`);
    }, QUIET_AFTER_MS);
  }

  rebuild(takeFocus) {
    const inLarge = this.large?.open && this.turning && this.tiles.length;
    if (this.large?.open && !inLarge) this.large.close();
    this.nodes = this.tiles.map((tile) => makeTile(tile));
    this.grid.replaceChildren(...this.nodes);
    this.selected.clear();
    this.gathering = false;
    this.anchor = null;
    this.current = this.isNew ? placeOf(this) : 0;
    this.isNew = false;
    this.refusals.clear();
    if (this.labelling?.selectAll && this.editable && !inLarge) this.selectOpen();
    say(this, this.editable ? this.labelling?.hint ?? hint(this) : "");
    // A new page of photos begins at its first one.
    if (this.root.getBoundingClientRect().top < 0) this.root.scrollIntoView({ block: "start" });
    if (inLarge) this.large.focus({ preventScroll: true });
    else if (takeFocus) this.nodes[this.current]?.focus({ preventScroll: true });
  }

  refresh() {
    this.overlay = this.log.overlay(this.steps, this.made);
    this.tiles.forEach((tile, index) => paintTile(this, index));
    paintStatus(this);
  }

  go(index) {
    const before = this.current;
    this.current = index;
    places.set(this.store, this.tiles[index].id);
    if (this.nodes[before]) this.nodes[before].tabIndex = -1;
    this.nodes[index].tabIndex = 0;
    if (this.large?.open) return;
    this.nodes[index].focus({ preventScroll: true });
    this.nodes[index].scrollIntoView({ block: "nearest" });
  }

  focusBack() {
    if (this.help?.open) return;
    if (this.large?.open) this.large.focus({ preventScroll: true });
    else if (this.nodes[this.current]) this.go(this.current);
  }
}

// Where the user was in each list, for a gallery that Streamlit takes away and makes anew.
const places = new Map(); // store -> photo
const handovers = new Map(); // store -> keys and the turn of a page that were on their way

function placeOf(gallery) {
  const index = gallery.tiles.findIndex((tile) => tile.id === places.get(gallery.store));
  return Math.max(0, index);
}

function hint(gallery) {
  const last = DIGITS[Math.min(gallery.classes.length, DIGITS.length) - 1];
  if (!last) return "All keys: ?";
  const digits = { 1: "1", 2: "1 or 2" }[last] ?? `1 to ${last}`;
  return `Press ${digits} to move the outlined photo to that class. All keys: ?`;
}

function sameList(before, after) {
  if (before.length !== after.length) return false;
  return before.every((tile, index) => {
    const other = after[index];
    return tile.id === other.id && tile.thumb === other.thumb;
  });
}

const galleries = new WeakMap();

export default function (component) {
  const { parentElement, data, setStateValue } = component;
  let gallery = galleries.get(parentElement);
  if (gallery && gallery.store !== data.store) {
    gallery.close();
    gallery = undefined;
  }
  gallery ??= new Gallery(parentElement, data.store);
  galleries.set(parentElement, gallery);
  gallery.setStateValue = setStateValue;
  gallery.update(data);
  gallery.log.start();
  return () => {
    galleries.get(parentElement)?.close();
    galleries.delete(parentElement);
  };
}
