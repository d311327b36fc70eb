// What the user marked, numbered, and kept until the server says that it is on disk.
//
// Every mark is appended and the whole unacknowledged log is sent each time: reruns coalesce,
// so a single event could be lost, a cumulative log cannot. The log is also written to
// localStorage before it is sent. A reload starts a new client (two tabs never share numbers)
// and sends what an earlier client left behind under that client's own id; the server skips
// numbers it has seen.

const STALE_AFTER_MS = 30 * 24 * 3600 * 1000;
const RESEND_AFTER_MS = 4000;

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

class EditLog {
  constructor(store, post) {
    this.client = randomId();
    this.prefix = `winnow.edits:${store}:`;
    this.post = post;
    this.last = 0;
    this.attempt = 0;
    this.logs = new Map(); // client -> edits not acknowledged, oldest first
    this.adoptEarlier();
    this.logs.set(this.client, []);
  }

  // Called once the gallery can talk to the server.
  start() {
    if (this.timer) return;
    this.timer = setInterval(() => this.pending && this.send(), RESEND_AFTER_MS);
    if (this.pending) this.send();
  }

  close() {
    clearInterval(this.timer);
    if (this.soon) this.send(); // leaving the page must not hold back the last key
  }

  get pending() {
    let count = 0;
    for (const log of this.logs.values()) count += log.length;
    return count;
  }

  adoptEarlier() {
    try {
      for (const key of Object.keys(localStorage)) {
        if (!key.startsWith(this.prefix)) continue;
        const kept = JSON.parse(localStorage.getItem(key));
        const fresh = Date.now() - kept.time < STALE_AFTER_MS;
        if (fresh && kept.log.length) this.logs.set(key.slice(this.prefix.length), kept.log);
        else localStorage.removeItem(key);
      }
    } catch (error) {
      console.warn("Winnow: marks of an earlier visit could not be read.", error);
    }
  }

  keep(client) {
    const log = this.logs.get(client);
    const key = this.prefix + client;
    try {
      if (log && log.length) localStorage.setItem(key, JSON.stringify({ time: Date.now(), log }));
      else localStorage.removeItem(key);
    } catch (error) {
      // Private windows may refuse storage. The marks still go to the server at once.
      console.warn("Winnow: marks are not kept over a reload.", error);
    }
  }

  add(edit) {
    const numbered = { number: ++this.last, ...edit };
    this.logs.get(this.client).push(numbered);
    this.keep(this.client);
    // Keys pressed in one burst travel together; the delay is below what anyone can see.
    if (!this.soon) this.soon = setTimeout(() => this.send(), 10);
    return numbered.number;
  }

  send() {
    clearTimeout(this.soon);
    this.soon = null;
    const earlier = [];
    for (const [client, log] of this.logs) {
      if (client !== this.client && log.length) earlier.push({ client, log: log.slice() });
    }
    const log = this.logs.get(this.client).slice();
    this.attempt += 1; // an unchanged value would not travel
    this.post({ client: this.client, log, earlier, attempt: this.attempt });
  }

  // Drop what the server has dealt with; return the edits it refused, with its reasons.
  settle(answers) {
    const refused = [];
    for (const [client, answer] of Object.entries(answers)) {
      const log = this.logs.get(client);
      if (!log || !log.length || log[0].number > answer.acknowledged) continue;
      for (const [number, ids, reason] of answer.refused) {
        if (log.some((edit) => edit.number === number)) refused.push({ number, ids, reason });
      }
      this.logs.set(client, log.filter((edit) => edit.number > answer.acknowledged));
      this.keep(client);
      if (client !== this.client && !this.logs.get(client).length) this.logs.delete(client);
    }
    return refused;
  }

  // The classes that unacknowledged marks give to photos: Map(id -> class, null for removed).
  overlay(steps, made) {
    const classes = new Map();
    const undone = new Set();
    for (const [client, log] of this.logs) {
      const numbers = new Set(log.map((edit) => edit.number));
      for (const edit of log) {
        if (edit.op === "undo" && numbers.has(edit.of)) undone.add(`${client}:${edit.of}`);
      }
      for (const edit of log) {
        if (undone.has(`${client}:${edit.number}`) || edit.op.endsWith("keep")) continue;
        if (edit.op === "undo") {
          const id = edit.step ?? made[edit.of];
          const step = steps.find((candidate) => candidate.id === id);
          for (const [photo, source] of step ? step.changes : []) classes.set(photo, source);
        } else {
          for (const id of edit.ids) classes.set(id, edit.op === "remove" ? null : edit.class_name);
        }
      }
    }
    return classes;
  }
}
