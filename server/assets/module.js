// Comforts over pages that work without them. Only what the server has drawn becomes markup.

// "/" leads to the search, unless somebody types.
addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.getElementById("q");
  if (!search) return;
  event.preventDefault();
  search.focus();
});

// Arrows go from version to version in the matrix, "?" shows the keys.
const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");

addEventListener("keydown", (event) => {
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?") {
    document.getElementById("help")?.togglePopover?.();
    event.preventDefault();
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
  cell.classList.remove("fresh");
  if (words(cell) === words(fresh)) return true;
  const put = () => {
    const now = document.getElementById(fresh.id);
    fresh.classList.add("fresh");
    now?.replaceWith(fresh);
  };
  // Nobody loses the place at which they are.
  if (cell.contains(document.activeElement)) {
    cell.addEventListener("focusout", put, { once: true });
  } else {
    put();
  }
  return true;
};

// Fetches the page again, and takes over what is another.
let fetching = null;
const anew = async () => {
  fetching = null;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const page = parse(await answer.text());
  if (isWall) {
    document.getElementById("main").replaceWith(page.getElementById("main"));
    return;
  }
  const [table, now] = [page.querySelector(".mx"), document.querySelector(".mx")];
  if (!table || !now) {
    if (table) location.reload();
    return;
  }
  const ids = (root) => [...root.querySelectorAll("td[id]")].map((cell) => cell.id).join();
  if (ids(table) !== ids(now)) {
    now.replaceWith(table);
  } else {
    for (const cell of table.querySelectorAll("td[id]")) replace(cell);
  }
  document.querySelector(".sum").replaceWith(page.querySelector(".sum"));
};

if (isLive) {
  const source = new EventSource("/manage/live");
  source.addEventListener("here", () => {
    if (lostAt) anew();
    lostAt = null;
    show("Live.");
  });
  source.addEventListener("anew", anew);
  source.addEventListener("cells", (event) => {
    const { cells, counts, said } = JSON.parse(event.data);
    if (isWall) {
      // What stands there, and in which part, can be another.
      fetching ??= setTimeout(anew, 0);
      return;
    }
    let missing = false;
    const table = parse(`<table><tbody><tr>${cells.join("")}</tr></tbody></table>`);
    for (const cell of table.querySelectorAll("td")) missing = !replace(cell) || missing;
    // What this page has no place for yet, it fetches: not all pages at once.
    const isShort = !count(counts) || (missing && isLive.dataset.live === "all");
    if (isShort) fetching ??= setTimeout(anew, Math.random() * 1000);
    if (said) say(said);
  });
  source.addEventListener("error", () => {
    lostAt ??= new Date();
    const time = lostAt.toISOString().slice(11, 16);
    show(`Not live since ${time} UTC.`);
  });
}
