// Drawing: one tile per photo. Names and captions come from folders that anyone may have
// filled, so text is only ever set through textContent and attributes.

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// Text of its own direction: a right-to-left name must not turn the words around it.
function isolated(tag, className, text) {
  const node = element(tag, className, text);
  node.dir = "auto";
  return node;
}

function makeTile(tile) {
  const node = element("div", "tile");
  node.setAttribute("role", "option");
  node.dataset.id = tile.id;
  node.tabIndex = -1;
  const frame = element("div", "frame");
  const image = element("img");
  image.loading = "lazy";
  image.decoding = "async";
  image.draggable = false;
  image.alt = tile.lines.join(". ");
  image.addEventListener("error", () => frame.classList.add("missing"));
  image.src = tile.thumb;
  frame.append(image, element("span", "tick"), element("div", "refusal"));
  node.append(frame, isolated("div", "badge"));
  tile.lines.forEach((line, index) => node.append(isolated("div", index ? "line" : "line first", line)));
  return node;
}

// Captions follow the model while the photo stays where it is.
function retell(node, tile) {
  node.querySelector("img").alt = tile.lines.join(". ");
  node.querySelectorAll(".line").forEach((line) => line.remove());
  tile.lines.forEach((line, index) => node.append(isolated("div", index ? "line" : "line first", line)));
}

// What a tile says about itself now; also the words a screen reader gets.
function tileState(gallery, tile) {
  const now = gallery.classOf(tile.id);
  const refusal = gallery.refusals.get(tile.id);
  if (refusal) {
    const place = now === null ? ", removed" : now === tile.was ? "" : `, now: ${gallery.title(now)}`;
    return { kind: "refused", badge: `not changed${place}`, refusal, now };
  }
  if (now === null) return { kind: "removed", badge: "removed", now };
  if (now !== tile.was) return { kind: "relabelled", badge: `now: ${gallery.title(now)}`, now };
  if (isKept(gallery, tile.id)) return { kind: "kept", badge: "kept", now };
  return { kind: "open", badge: "", now };
}

function paintTile(gallery, index) {
  const tile = gallery.tiles[index];
  const node = gallery.nodes[index];
  const state = tileState(gallery, tile);
  const selected = gallery.selected.has(tile.id);
  node.dataset.state = state.kind;
  node.setAttribute("aria-selected", String(selected));
  node.tabIndex = index === gallery.current ? 0 : -1;
  node.classList.toggle("pending", gallery.overlay.has(tile.id));
  const said = tile.lines.concat(state.badge || [], state.refusal || []).join(". ");
  node.setAttribute("aria-label", said);
  node.title = said;
  node.querySelector(".badge").textContent = state.badge;
  node.querySelector(".refusal").textContent = state.refusal || "";
}

function columnsOf(gallery) {
  return getComputedStyle(gallery.grid).gridTemplateColumns.split(" ").length;
}

// The tile that an arrow leads to, by where tiles stand on the screen.
function neighbour(gallery, key) {
  const last = gallery.tiles.length - 1;
  const columns = columnsOf(gallery);
  const { current } = gallery;
  if (key === "ArrowLeft") return Math.max(0, current - 1);
  if (key === "ArrowRight") return Math.min(last, current + 1);
  if (key === "Home") return 0;
  if (key === "End") return last;
  const rows = Math.max(1, Math.floor((window.innerHeight * 0.8) / gallery.nodes[current].offsetHeight));
  const step = { ArrowUp: -columns, ArrowDown: columns, PageUp: -columns * rows, PageDown: columns * rows }[key];
  const target = current + step;
  if (target < 0) return Math.abs(step) > columns ? current % columns : current;
  if (target <= last) return target;
  // A short last row still lies below: go to its end, not nowhere.
  const below = Math.floor(last / columns) > Math.floor(current / columns);
  return below ? last : current;
}
