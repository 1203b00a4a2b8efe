// A server and a browser for the tests, and what is asked of every page.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const program = process.env.VERSIONER_SERVER;
assert.ok(program, "VERSIONER_SERVER names the program that is tested");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const PASSWORD = "correct horse battery";

/** A server of its own in a folder of its own, with further options and variables. */
export async function startServer({ options = [], env = {} } = {}) {
  const data = mkdtempSync(join(tmpdir(), "versioner-browser-"));
  const child = spawn(program, ["--data", data, "--listen", "127.0.0.1:0", ...options], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, ...env },
  });
  const server = { data, child };
  for await (const line of createInterface({ input: child.stdout })) {
    const [, word, rest] = /^(API key \(shown once\): |Set up the pages within an hour: |Listening on )(.*)$/.exec(line) ?? [];
    if (word?.startsWith("API")) server.key = rest;
    if (word?.startsWith("Set")) server.setUp = rest;
    if (word?.startsWith("Listening")) {
      server.url = rest;
      break;
    }
  }
  assert.ok(server.url, "the server ended before it listened");
  server.stop = () => {
    child.kill();
    rmSync(data, { recursive: true, force: true });
  };
  server.people = (...words) => {
    const [command, ...rest] = words;
    const told = execFileSync(program, [
      "people", command, "--data", data, "--account", "local", "--public-url", server.url, ...rest,
    ], { env: { ...process.env, ...env } });
    return /http\S+/.exec(told.toString())[0];
  };
  const call = async (path, more) => {
    const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
    const answer = await fetch(server.url + path, { headers, ...more });
    const text = await answer.text();
    assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  };
  server.post = (path, body) => call(path, { method: "POST", body: JSON.stringify(body) });
  /** The pages of everything that has a page of its own, or of some of each kind. */
  server.things = async (most) => {
    const lists = ["products", "environments", "versions", "deployments"].map(async (kind) => {
      const { items } = await call(`/${kind}/`);
      return items.slice(0, most).map(({ id }) => `/manage/${kind}?view=${id}`);
    });
    return (await Promise.all(lists)).flat();
  };
  return server;
}

/** A browser, with further options of its own. */
export function startBrowser(options = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Root, as in CI, has no sandbox; nothing but the pages is opened.
    args: process.getuid?.() === 0 ? [...options, "--no-sandbox"] : options,
  });
}

/** A browser profile of its own. Whatever a page complains about is an error of the test. */
export async function newPerson(browser, options = {}) {
  const context = await browser.newContext(options);
  const complaints = [];
  await context.exposeBinding("complain", (_, text) => complaints.push(text));
  if (options.javaScriptEnabled !== false) {
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => {
        globalThis.complain(`${event.violatedDirective} forbids ${event.blockedURI}`);
      });
    });
  }
  const page = await context.newPage();
  page.on("console", (message) => {
    // A form that is to be mended is answered 422, which the browser logs as well.
    const expected = /status of (401|403|404|410|422|429)/.test(message.text());
    if (message.type() === "error" && !expected) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return { context, page, complaints };
}

/** Sends the form that has this button. */
export async function send(page, button) {
  const loaded = page.waitForEvent("load");
  await page.getByRole("button", { name: button, exact: true }).click();
  await loaded;
}

/** Logs somebody in by a link, and sets their password there. */
export async function follow(page, link, password = PASSWORD) {
  await page.goto(link);
  await page.getByLabel(/password/i).fill(password);
  await send(page, "Log in");
}

/** Logs somebody in by their password. */
export async function logIn(page, server, name, password = PASSWORD) {
  await page.goto(`${server.url}/manage/login`);
  await page.getByLabel("Name or e-mail").fill(name);
  await page.getByLabel("Password").fill(password);
  await send(page, "Log in with password");
}

/** What WCAG asks for at the level AA. */
export const WCAG = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"];

/** Asks axe what is wrong with a page for people who see, hear or type otherwise. */
export async function inspect(page, rules = [...WCAG, "best-practice"]) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate((runOnly) => globalThis.axe.run(document, { runOnly }), rules);
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
  assert.deepEqual(told, [], page.url());
}
