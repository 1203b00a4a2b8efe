// Comforts over pages that work without them. Only what the server has drawn becomes markup.

// What was sent a moment ago is not sent again by a second click.
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (Date.now() - (form.dataset.sent ?? 0) < 5000) event.preventDefault();
  else form.dataset.sent = Date.now();
});
addEventListener("pageshow", () => [...document.forms].forEach((form) => delete form.dataset.sent));

// "/" leads to the search, "?" shows the keys, Escape closes what hangs open; arrows go from version to
// version in the matrix.
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const open = event.key === "Escape" && event.target.closest?.("details.drop[open]");
  if (open) open.querySelector("summary").focus();
  if (open) open.open = false;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  const search = document.getElementById("q");
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
  }
  if (event.key === "?") {
    event.preventDefault();
    document.getElementById("help")?.togglePopover?.();
  }
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  const cell = document.activeElement?.closest?.(".mx td");
  if (!step || !cell) return;
  const rows = [...document.querySelectorAll(".mx tbody tr")];
  let [row, column] = [rows.indexOf(cell.parentElement), cell.cellIndex];
  // Cells without a link are passed over.
  for (;;) {
    row += step[0];
    column += step[1];
    const next = rows[row]?.cells[column];
    if (!next || column < 1) return;
    const link = next.querySelector("a");
    if (!link) continue;
    event.preventDefault();
    link.focus();
    return;
  }
});

// Markup that the server has drawn.
const policy = globalThis.trustedTypes?.createPolicy("versioner", { createHTML: (html) => html });
const parse = (html) => {
  const template = document.createElement("template");
  template.innerHTML = policy ? policy.createHTML(html) : html;
  return template.content;
};

// Times go on by themselves, each minute.
const UNITS = [[172800, 86400, "d"], [3600, 3600, "h"], [60, 60, "min"], [0, 1, "s"]];
const SHORT = /^(\d+)\u00a0(s|min|h|d)( ago)?$/;
setInterval(() => {
  for (const time of document.querySelectorAll("time")) {
    const shown = SHORT.exec(time.textContent);
    if (!shown) continue;
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000));
    const [, unit, word] = UNITS.find(([from]) => seconds >= from);
    time.textContent = `${Math.floor(seconds / unit)}\u00a0${word}${shown[3] ?? ""}`;
  }
}, 60000);

// The matrix shows what happens as it happens.
const isLive = document.querySelector("[data-live]");
const isWall = document.documentElement.classList.contains("wall");
let saidAt = 0;
let lostAt = null;

const show = (text) => {
  const status = document.getElementById("status");
  if (status) status.textContent = text;
};

const say = (text) => {
  // At most one sentence in ten seconds, so that nobody has to listen all day.
  if (Date.now() - saidAt < 10000) return;
  saidAt = Date.now();
  show(text);
};

// What a cell says, whatever the time.
const words = (cell) => {
  const copy = cell.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) time.textContent = "";
  copy.classList.remove("fresh");
  return copy.innerHTML + copy.className;
};

// Whether every count has its badge.
const count = (counts) => {
  const badges = [...document.querySelectorAll(".sum [data-state]")];
  const same = badges.map((badge) => badge.dataset.state).join() === counts.map(([state]) => state).join();
  if (same) badges.forEach((badge, at) => (badge.querySelector("span").textContent = counts[at][1]));
  return same;
};

const replace = (fresh) => {
  const cell = document.getElementById(fresh.id);
  if (!cell) return false;
  if (words(cell) === words(fresh)) return true;
  const put = () => {
    fresh.classList.add("fresh");
    document.getElementById(fresh.id)?.replaceWith(fresh);
  };
  // Nobody loses the place at which they are.
  if (cell.contains(document.activeElement)) cell.addEventListener("focusout", put, { once: true });
  else put();
  return true;
};

// Fetches the page again, and takes over what is another; not all pages at once.
let fetching = null;
const anewSoon = () => (fetching ??= setTimeout(anew, Math.random() * 1000));
const anew = async () => {
  fetching = null;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const page = parse(await answer.text().catch(() => ""));
  const [table, now] = [page.querySelector(".mx"), document.querySelector(".mx")];
  if (isWall && page.getElementById("main")) document.getElementById("main").replaceWith(page.getElementById("main"));
  else if (table && !now) location.reload();
  if (isWall || !table || !now) return;
  const ids = (root) => [...root.querySelectorAll("td[id]")].map((cell) => cell.id).join();
  if (ids(table) !== ids(now)) now.replaceWith(table);
  else for (const cell of table.querySelectorAll("td[id]")) replace(cell);
  document.querySelector(".sum").replaceWith(page.querySelector(".sum"));
};

// The connection says every 15 seconds that it is there; after three times nothing it is not.
let [source, heardAt] = [null, 0];

const lose = () => {
  lostAt ??= new Date();
  show(`Not live since ${lostAt.toISOString().slice(11, 16)} UTC. What stands here may be old.`);
};

const connect = () => {
  source?.close();
  const own = (source = new EventSource("/manage/live"));
  heardAt = Date.now();
  const on = (name, then) =>
    own.addEventListener(name, (event) => {
      heardAt = Date.now();
      then(event);
    });
  on("beat", () => {});
  on("here", () => {
    if (lostAt) anewSoon();
    lostAt = null;
    show("Live.");
  });
  on("anew", anewSoon);
  on("cells", (event) => {
    const { cells, counts, said } = JSON.parse(event.data);
    // On the wall it can be another part that a cell stands in.
    if (isWall) return anewSoon();
    let missing = false;
    const table = parse(`<table><tbody><tr>${cells.join("")}</tr></tbody></table>`);
    for (const cell of table.querySelectorAll("td")) missing = !replace(cell) || missing;
    // What this page has no place for yet, it fetches.
    if (!count(counts) || (missing && isLive.dataset.live === "all")) anewSoon();
    if (said) say(said);
  });
  own.addEventListener("error", () => {
    if (own !== source) return;
    lose();
    // The browser comes back by itself only if nothing answers.
    if (own.readyState === EventSource.CLOSED) setTimeout(again, 2000 + Math.random() * 1000);
  });
};

const again = async () => {
  if (document.hidden) return;
  const answer = await fetch("/manage/live", { method: "HEAD" }).catch(() => null);
  if (answer?.status === 401 || answer?.redirected) show("You are logged out. Load this page again to log in.");
  else if (answer?.ok) connect();
  else setTimeout(again, 2000 + Math.random() * 1000);
};

if (isLive) {
  connect();
  setInterval(() => {
    if (!source || Date.now() - heardAt < 45000) return;
    lose();
    connect();
  }, 5000);
  // A browser has six connections to a server: a page that nobody sees leaves them to the others.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return connect();
    source?.close();
    source = null;
    lostAt ??= new Date();
  });
}
