// Pictures of the pages, for README and for whoever changes them.
// Usage: VERSIONER_SERVER=PROGRAM node screenshots.mjs FOLDER [PRODUCTS]

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { follow, newPerson, startBrowser, startServer } from "./harness.mjs";

const [folder, count] = [process.argv[2], Number(process.argv[3] ?? 0)];
const ENVIRONMENTS = ["dev", "test", "staging", "production"];
const HOUR = 3600_000;

/** Sends an event that happened some hours ago. */
async function tell(server, path, body, hoursAgo = 0) {
  const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
  if (hoursAgo > 0) headers["versioner-occurred-at"] = new Date(Date.now() - hoursAgo * HOUR).toISOString();
  const answer = await fetch(server.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  return answer.json();
}

const deploy = (server, product, version, environment, status, more = {}) =>
  tell(server, "/deployment-events/", {
    product_name: product, version, environment_name: environment, status, deployed_by: "ci", ...more,
  });

/** A week of a small company. */
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
  for (const [product, versions] of Object.entries(products)) {
    for (const version of [...new Set(versions)].reverse()) {
      await tell(server, "/build-events/", {
        product_name: product, version, status: "completed", built_by: "ci",
        scm_sha: "4f1c2b7e9d3a5f6001234567890abcdef0123456", scm_repository: `https://github.com/acme/${product}`,
      });
    }
    for (const [at, version] of versions.entries()) await deploy(server, product, version, ENVIRONMENTS[at], "completed");
  }
  const rule = (name, type, config, more = {}) =>
    server.post("/deployment-rules/", { name, type, config, environments: ["production"], ...more });
  await rule("Two approvals for production", "release_approval", { required_approvals: 2 }, { products: ["orders-api", "search"] });
  await rule("24 h in staging", "soak_time", { environment: "staging", soak_minutes: 1440 }, { products: ["orders-api"] });
  await rule("Staging before production", "flow", { required_environments: ["staging"] });
  await rule("Friday afternoon freeze", "no_deploy_window", {
    recurrence: "weekly", timezone: "Europe/Berlin", days: ["friday"], start_time: "15:00", end_time: "08:00", end_day: "monday",
  });
  await rule("Security sign-off in staging", "quality_approval", { required_environments: ["staging"], required_approvals: 1 }, { status: "report_only" });
  await deploy(server, "identity", "9.3.2", "production", "completed", { deployed_by: "tomas" });
  await deploy(server, "checkout", "2.31.0", "staging", "failed", { extra_metadata: { vi_exit_code: 1 } });
  await deploy(server, "notifications", "3.7.1", "staging", "started");
  await deploy(server, "notifications", "3.7.1", "staging", "aborted");
  await deploy(server, "orders-api", "1.5.1", "test", "started");
  await deploy(server, "orders-api", "1.4.0", "production", "started", { deployed_by: "jonas", invoke_id: "8812", source_system: "gitlab" });
  await deploy(server, "search", "4.2.0", "production", "started", { deployed_by: "lena", invoke_id: "77" });
  await deploy(server, "payments", "7.0.4", "production", "started", {
    deployed_by: "tomas", skip_preflight_checks: true, extra_metadata: { vi_skip_reason: "card outage" },
  });
  await deploy(server, "payments", "7.0.4", "production", "completed", { deployed_by: "tomas" });
  await deploy(server, "personalised-recommendations-for-returning-customers", "0.1.0", "dev", "started");
  await deploy(server, "<b>statements</b> & more", "0.9.0", "dev", "completed");
}

const server = await startServer();
const browser = await startBrowser();
mkdirSync(folder, { recursive: true });
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

await take("empty", "/manage/");
await fill(server);
for (let number = 0; number < count; number += 1) {
  for (const environment of ENVIRONMENTS) {
    await deploy(server, `product-${String(number).padStart(3, "0")}`, "1.4.0", environment, "completed");
  }
}
const gate = "/manage/gate?product=orders-api&version=1.4.0&environment=production";
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
if (complaints.length > 0) {
  console.error(complaints.join("\n"));
  process.exitCode = 1;
}
