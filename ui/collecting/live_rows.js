// Rows of classes that fill with photos. What is there already keeps its element: a picture is
// put in once it has loaded and then only moves along, so nothing blinks and nothing jumps.
// Names and search words may hold anything, so text is only ever set through textContent.

const MOST_PICTURES = 16;

function element(tag, className, parent) {
  const node = document.createElement(tag);
  node.className = className;
  parent?.append(node);
  return node;
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

class Strip {
  constructor(node) {
    this.node = node;
    this.known = new Map(); // a photo's number -> its picture, loaded or not
  }

  show(pictures, live) {
    const listed = new Set(pictures.map((picture) => picture.id));
    for (const [id, image] of this.known) {
      // While more arrive faster than pictures load, those that came before fill the line.
      if (listed.has(id) || (live && image.isConnected)) continue;
      image.remove();
      this.known.delete(id);
    }
    for (const picture of pictures) if (!this.known.has(picture.id)) this.load(picture);
  }

  load({ id, url, alt }) {
    const image = element("img", "picture");
    image.decoding = "sync";
    image.alt = alt;
    image.photo = id;
    image.addEventListener("load", () => this.known.has(id) && this.put(image));
    image.addEventListener("error", () => this.known.delete(id)); // another look tries again
    this.known.set(id, image);
    image.src = url;
  }

  put(image) {
    const older = [...this.node.children].find((other) => other.photo < image.photo);
    this.node.insertBefore(image, older ?? null);
    while (this.node.children.length > MOST_PICTURES) {
      this.known.delete(this.node.lastChild.photo);
      this.node.lastChild.remove();
    }
  }
}

class Row {
  constructor(parent) {
    this.node = element("div", "row", parent);
    this.node.setAttribute("role", "listitem");
    const head = element("div", "head", this.node);
    this.name = element("div", "name", head);
    this.words = element("div", "quiet", head);
    this.name.dir = this.words.dir = "auto";
    this.far = element("div", "far", this.node);
    const line = element("div", "line", this.far);
    this.bar = element("div", "bar", line);
    this.bar.setAttribute("role", "progressbar");
    this.fill = element("div", "fill", this.bar);
    this.number = element("div", "number", line);
    this.counts = element("div", "quiet counts", this.far);
    this.strip = new Strip(element("div", "strip", this.node));
  }

  show(row, live) {
    say(this.name, row.name);
    say(this.words, row.words);
    say(this.counts, row.counts);
    const known = row.asked > 0;
    this.bar.hidden = !known;
    this.far.hidden = !known && !row.counts;
    say(this.number, known ? `${row.kept.toLocaleString("en")} of ${row.asked.toLocaleString("en")}` : "");
    this.fill.style.width = `${known ? Math.min(100, (100 * row.kept) / row.asked) : 0}%`;
    this.bar.setAttribute("aria-label", row.name);
    this.bar.setAttribute("aria-valuemax", row.asked);
    this.bar.setAttribute("aria-valuenow", Math.min(row.kept, row.asked));
    this.strip.show(row.pictures, live);
  }
}

const drawn = new WeakMap(); // by the element that Streamlit hands over, again at every change

export default function ({ parentElement, data }) {
  let all = drawn.get(parentElement);
  if (!all) {
    const node = element("div", "rows", parentElement);
    node.setAttribute("role", "list");
    drawn.set(parentElement, (all = { node, rows: [] }));
  }
  while (all.rows.length > data.rows.length) all.rows.pop().node.remove();
  while (all.rows.length < data.rows.length) all.rows.push(new Row(all.node));
  data.rows.forEach((row, index) => all.rows[index].show(row, data.live));
}
