// Pictures of the pages: all of them into a folder, for whoever changes them, and a few that are small
// enough to be kept, for the READMEs. The clock of the server stands where it is put, so that each run
// shows the same ages.
// Usage: VERSIONER_SERVER=PROGRAM node screenshots.mjs FOLDER [PRODUCTS]

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { follow, newPerson, startBrowser, startServer } from "./harness.mjs";

const [folder, count] = [process.argv[2], Number(process.argv[3] ?? 0)];
const KEPT = new URL("../../../docs/pages/assets/pictures/", import.meta.url).pathname;
const ENVIRONMENTS = ["dev", "test", "staging", "production"];
const NOW = Date.parse("2026-11-25T10:42:00Z");
const [MINUTE, HOUR, DAY] = [60_000, 3600_000, 24 * 3600_000];

const clock = mkdtempSync(join(tmpdir(), "versioner-clock-"));

/** Puts the clock of the server to so long before now. */
function turn(ago) {
  const time = new Date(NOW - ago).toISOString();
  writeFileSync(join(clock, "time"), `${time.slice(0, 10)} ${time.slice(11, 19)}\n`);
}

/** The library of Debian's libfaketime. */
function fakeTime() {
  const folders = readdirSync("/usr/lib").map((name) => join("/usr/lib", name, "faketime"));
  for (const path of folders) {
    try {
      if (readdirSync(path).includes("libfaketime.so.1")) return join(path, "libfaketime.so.1");
    } catch {
      // Most folders have none.
    }
  }
  throw new Error("libfaketime is missing: apt-get install libfaketime");
}

async function tell(server, path, body) {
  const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
  const answer = await fetch(server.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  return answer.json();
}

const deploy = (server, product, version, environment, status, more = {}) =>
  tell(server, "/deployment-events/", {
    product_name: product, version, environment_name: environment, status, deployed_by: "ci", ...more,
  });

/** Two weeks of a small company. */
async function fill(server) {
  const products = {
    catalogue: ["5.12.0", "5.12.0", "5.12.0", "5.11.2"],
    checkout: ["2.31.0", "2.31.0", "2.30.1", "2.30.1"],
    identity: ["9.4.0", "9.4.0", "9.4.0", "9.3.3"],
    inventory: ["1.18.0", "1.18.0", "1.18.0", "1.18.0"],
    "mobile-gateway": ["2026.11.25-rc.3+build.20261125083000.4f1c2b7", "2026.11.24", "2026.11.24", "2026.11.12"],
    notifications: ["3.7.1", "3.7.1", "3.7.0", "3.7.0"],
    "orders-api": ["1.5.0", "1.5.0", "1.4.0", "1.3.2"],
    payments: ["7.0.3", "7.0.3", "7.0.3", "7.0.3"],
    search: ["4.2.0", "4.2.0", "4.2.0", "4.1.9"],
  };
  // What happened, by how long ago it was.
  const past = [];
  const before = (ago, act) => past.push([ago, act]);
  for (const [number, [product, versions]] of Object.entries(products).entries()) {
    const newest = versions[0];
    // A version goes from one environment to the next; what is not the newest has been there for long.
    const age = (at) => (versions[at] === newest ? (4 - at) * (5 + number) * HOUR : (9 + at) * DAY - number * 7 * HOUR);
    for (const version of new Set(versions)) {
      const first = Math.max(...versions.map((one, at) => (one === version ? age(at) : 0)));
      before(first + HOUR, () =>
        tell(server, "/build-events/", {
          product_name: product, version, status: "completed", built_by: "ci",
          scm_sha: "4f1c2b7e9d3a5f6001234567890abcdef0123456", scm_repository: `https://github.com/acme/${product}`,
        }),
      );
    }
    for (const [at, version] of versions.entries()) {
      before(age(at), () => deploy(server, product, version, ENVIRONMENTS[at], "completed"));
    }
  }
  for (const [ago, act] of past.sort(([one], [other]) => other - one)) {
    turn(ago);
    await act();
  }
  turn(3 * HOUR);
  const rule = (name, type, config, more = {}) =>
    server.post("/deployment-rules/", { name, type, config, environments: ["production"], ...more });
  await rule("Two approvals for production", "release_approval", { required_approvals: 2 }, { products: ["orders-api", "search"] });
  await rule("24 h in staging", "soak_time", { environment: "staging", soak_minutes: 1440 }, { products: ["orders-api"] });
  await rule("Staging before production", "flow", { required_environments: ["staging"] });
  await rule("Friday afternoon freeze", "no_deploy_window", {
    recurrence: "weekly", timezone: "Europe/Berlin", days: ["friday"], start_time: "15:00", end_time: "08:00", end_day: "monday",
  });
  await rule("Security sign-off in staging", "quality_approval", { required_environments: ["staging"], required_approvals: 1 }, { status: "report_only" });
  turn(2 * HOUR);
  await deploy(server, "identity", "9.3.2", "production", "completed", { deployed_by: "tomas" });
  turn(95 * MINUTE);
  await deploy(server, "checkout", "2.31.0", "staging", "failed", { extra_metadata: { vi_exit_code: 1 } });
  turn(80 * MINUTE);
  await deploy(server, "notifications", "3.7.1", "staging", "started");
  turn(70 * MINUTE);
  await deploy(server, "notifications", "3.7.1", "staging", "aborted");
  turn(52 * MINUTE);
  await deploy(server, "orders-api", "1.4.0", "production", "started", { deployed_by: "jonas", invoke_id: "8812", source_system: "gitlab" });
  turn(38 * MINUTE);
  await deploy(server, "search", "4.2.0", "production", "started", { deployed_by: "lena", invoke_id: "77" });
  turn(21 * MINUTE);
  await deploy(server, "payments", "7.0.4", "production", "started", {
    deployed_by: "tomas", skip_preflight_checks: true, extra_metadata: { vi_skip_reason: "card outage" },
  });
  turn(18 * MINUTE);
  await deploy(server, "payments", "7.0.4", "production", "completed", { deployed_by: "tomas" });
  turn(9 * MINUTE);
  await deploy(server, "personalised-recommendations-for-returning-customers", "0.1.0", "dev", "started");
  turn(3 * MINUTE);
  await deploy(server, "orders-api", "1.5.1", "test", "started");
  turn(0);
}

turn(15 * DAY);
const env = {
  LD_PRELOAD: fakeTime(), FAKETIME_TIMESTAMP_FILE: join(clock, "time"), FAKETIME_NO_CACHE: "1",
  FAKETIME_DONT_FAKE_MONOTONIC: "1", TZ: "UTC",
};
const server = await startServer({ env });
const browser = await startBrowser();
mkdirSync(folder, { recursive: true });
mkdirSync(KEPT, { recursive: true });
const admin = (name) =>
  server.people("add", "--name", name, "--email", `${name.split(" ")[0].toLowerCase()}@example.com`, "--role", "admin");
const link = admin("Mira Okafor");
admin("Tomas Berg");
const { context, page, complaints } = await newPerson(browser, { viewport: { width: 1280, height: 800 } });
await follow(page, link);

async function take(name, path, { width = 1280, scheme = "light" } = {}) {
  await page.setViewportSize({ width, height: width < 600 ? 844 : 800 });
  await page.emulateMedia({ colorScheme: scheme });
  await page.goto(server.url + path);
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

/** A small picture of the top of a page in each theme, for the READMEs. */
async function keep(name, path, height) {
  const session = await context.newCDPSession(page);
  for (const scheme of ["light", "dark"]) {
    await page.setViewportSize({ width: 1200, height });
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto(server.url + path);
    const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 80 });
    writeFileSync(join(KEPT, `${name}-${scheme}.webp`), Buffer.from(data, "base64"));
  }
}

/** Sources with what they have sent. */
async function sources() {
  await take("sources-empty", "/manage/sources");
  const made = [];
  for (const body of [
    { name: "GitHub, acme/shop", kind: "github" },
    { name: "Argo CD of the shop", kind: "json", settings: { ready: "argocd" } },
    { name: "Our tool", kind: "json", settings: { ready: "plain" } },
  ]) {
    made.push(await tell(server, "/sources/", body));
  }
  const plain = made[2];
  for (const body of [
    { product_name: "catalogue", version: "5.12.1", environment_name: "dev", status: "completed" },
    { product_name: "catalogue", version: "5.12.2", environment_name: "dev", status: "retired" },
    { product_name: "catalogue", version: "5.12.2" },
  ]) {
    const headers = { authorization: `Bearer ${plain.secret}`, "content-type": "application/json" };
    await fetch(`${server.url}/hooks/${plain.id}`, { method: "POST", headers, body: JSON.stringify(body) });
  }
  await take("sources", "/manage/sources");
  await take("sources-phone", "/manage/sources", { width: 375 });
  await take("source", `/manage/sources/${plain.id}`);
  await take("source-dark", `/manage/sources/${made[1].id}`, { scheme: "dark" });
  await page.getByText("What to do at the sender").click();
  await page.screenshot({ path: join(folder, "source-steps.png"), fullPage: true });
  await page.goto(`${server.url}/manage/sources/${plain.id}`);
  const delivery = await page.locator("tbody th a").first().getAttribute("href");
  await take("delivered", delivery);
  await take("source-phone", `/manage/sources/${plain.id}`, { width: 375 });
}

await take("empty", "/manage/");
await fill(server);
// Who has not been here for so long is out.
await follow(page, server.people("link", "Mira Okafor"));
for (let number = 0; number < count; number += 1) {
  for (const environment of ENVIRONMENTS) {
    await deploy(server, `product-${String(number).padStart(3, "0")}`, "1.4.0", environment, "completed");
  }
}
const gate = "/manage/gate?product=orders-api&version=1.4.0&environment=production";
await keep("matrix", "/manage/", 640);
await keep("gate", gate, 600);
// What a README need not show.
await deploy(server, "<b>statements</b> & more", "0.9.0", "dev", "completed");
await take("matrix-light", "/manage/");
await take("matrix-dark", "/manage/", { scheme: "dark" });
await take("matrix-phone", "/manage/", { width: 375 });
await take("gate", gate);
await take("gate-phone", gate, { width: 375 });
await take("approvals", "/manage/approvals");
await take("history", "/manage/history");
await take("history-phone", "/manage/history", { width: 375 });
await take("rules", "/manage/rules");
await take("calendar", "/manage/rules/calendar");
await take("figures", "/manage/figures");
await take("compare", "/manage/compare");
await take("wall", "/manage/wall");
await take("search", "/manage/search?q=a");
await sources();
await page.goto(`${server.url}/manage/rules`);
const rule = await page.getByRole("link", { name: "Friday afternoon freeze" }).getAttribute("href");
await take("rule", rule);
await take("rule-dark", rule, { scheme: "dark" });
await page.goto(`${server.url}/manage/`);
const story = await page.getByRole("link", { name: "1.18.0" }).first().getAttribute("href");
await take("deployment", story);
await take("product", "/manage/products?product=orders-api");
await take("version", "/manage/versions?product=orders-api&version=1.4.0");
await context.close();
await browser.close();
server.stop();
rmSync(clock, { recursive: true, force: true });
if (complaints.length > 0) {
  console.error(complaints.join("\n"));
  process.exitCode = 1;
}
