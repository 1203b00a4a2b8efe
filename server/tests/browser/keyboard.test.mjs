// The pages by the keyboard alone, and enlarged.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PASSWORD, follow, inspect, logIn, newPerson, startBrowser, startServer } from "./harness.mjs";

const PAGES = [
  "/manage/", "/manage/history", "/manage/compare?from=test&to=production", "/manage/approvals",
  "/manage/rules", "/manage/rules/edit", "/manage/rules/calendar", "/manage/rules/import", "/manage/figures",
  "/manage/search?q=api", "/manage/wall",
  "/manage/gate?product=orders-api&version=1.4.0&environment=production",
  "/manage/me", "/manage/people", "/manage/keys", "/manage/webhooks", "/manage/audit",
];
/** More than any page has stops before what is looked for. */
const MOST = 120;
let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
  const link = server.people("add", "--name", "Mira", "--email", "mira@example.com", "--role", "admin");
  const { context, page } = await newPerson(browser);
  await follow(page, link);
  await context.close();
  const deploy = (product, version, environment, status) =>
    server.post("/deployment-events/", {
      product_name: product, version, environment_name: environment, status, deployed_by: "jonas",
    });
  for (const environment of ["test", "staging", "production"]) {
    await deploy("orders-api", "1.3.0", environment, "completed");
    await deploy("a-service-with-a-name-that-is-longer-than-most-of-them", "2026.11.25-rc.3+build.4f1c2b7", environment, "completed");
  }
  await deploy("orders-api", "1.4.0", "staging", "completed");
  await server.post("/deployment-rules/", {
    name: "Two eyes", type: "release_approval", environments: ["production"], config: { required_approvals: 1 },
  });
  // The rule holds it, so that it waits for Mira.
  await assert.rejects(deploy("orders-api", "1.4.0", "production", "started"), /: 428/);
});

after(async () => {
  await browser?.close();
  server?.stop();
});

/** What has the focus: what it is called, and whether one sees that it has it. */
const focused = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const ring = style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2;
    const inView = box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    return {
      name: (element.getAttribute("aria-label") ?? element.labels?.[0]?.innerText ?? element.innerText ?? "").trim(),
      tag: element.localName, seen: ring && inView, html: element.outerHTML.slice(0, 160),
    };
  });

/** Goes on by Tab until something of this name has the focus. Every stop on the way is seen. */
async function tabTo(page, name) {
  for (let stop = 0; stop < MOST; stop += 1) {
    await page.keyboard.press("Tab");
    const now = await focused(page);
    if (now.tag !== "body") assert.ok(now.seen, `nobody sees where the focus is: ${now.html}`);
    if (name instanceof RegExp ? name.test(now.name) : now.name === name) return now;
  }
  return assert.fail(`${name} is not reached by Tab on ${page.url()}`);
}

/** Presses Enter, and waits for the page that follows. */
async function enter(page) {
  const loaded = page.waitForEvent("load");
  await page.keyboard.press("Enter");
  await loaded;
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";
  test(`log in, find a product and look at its versions by the keyboard alone, ${how}`, async () => {
    const { context, page, complaints } = await newPerson(browser, { javaScriptEnabled });
    await page.goto(`${server.url}/manage/login`);
    await tabTo(page, "Name or e-mail");
    await page.keyboard.type("mira@example.com");
    await tabTo(page, "Password");
    await page.keyboard.type(PASSWORD);
    await enter(page);
    assert.equal(page.url(), `${server.url}/manage/`);
    await page.keyboard.press("Tab");
    assert.equal((await focused(page)).name, "Skip to content", "the first stop leads past the navigation");
    await page.keyboard.press("Enter");
    assert.match(page.url(), /#main$/);
    if (javaScriptEnabled) await page.keyboard.press("/");
    else {
      await page.goto(`${server.url}/manage/`);
      await tabTo(page, "Find a commit, version or product");
    }
    await page.keyboard.type("orders-api");
    await enter(page);
    assert.match(await page.locator("main").innerText(), /orders-api/);
    await tabTo(page, /1\.4\.0/);
    await enter(page);
    assert.match(await page.locator("main").innerText(), /1\.4\.0/);
    assert.deepEqual(complaints, []);
    await context.close();
  });
}

test("arrows go from version to version, the keys are shown and closed again", async () => {
  const { context, page, complaints } = await newPerson(browser);
  await logIn(page, server, "mira@example.com");
  await tabTo(page, /^2026\.11\.25/);
  await page.keyboard.press("ArrowRight");
  assert.match((await focused(page)).name, /^2026\.11\.25/, "the next environment");
  await page.keyboard.press("ArrowDown");
  assert.match((await focused(page)).name, /^1\.4\.0/, "the next product");
  assert.ok((await focused(page)).seen);
  await page.keyboard.press("?");
  assert.ok(await page.locator("#help").isVisible());
  await page.keyboard.press("Escape");
  assert.ok(!(await page.locator("#help").isVisible()));
  assert.deepEqual(complaints, []);
  await context.close();
});

test("approve by the keyboard alone", async () => {
  const { context, page, complaints } = await newPerson(browser);
  await logIn(page, server, "mira@example.com");
  await tabTo(page, /^Approvals/);
  await enter(page);
  assert.match(await page.locator("h1").innerText(), /1 waits for you/);
  await tabTo(page, /^Comment/);
  await page.keyboard.type("Looked at by Mira");
  await tabTo(page, "Approve 1.4.0 for production");
  await enter(page);
  assert.match(await page.getByRole("status").first().innerText(), /Your approval is recorded/);
  assert.match(await page.locator("main").innerText(), /Looked at by Mira/);
  assert.deepEqual(complaints, []);
  await context.close();
});

/** What a reader cannot get at: beyond the edge of the page, or hidden by what is around it. */
const cut = (page) =>
  page.evaluate(() => {
    const scrolls = (element) => {
      for (let at = element; at; at = at.parentElement) if (["auto", "scroll"].includes(getComputedStyle(at).overflowX)) return true;
      return false;
    };
    // What is there for the ear alone is clipped to nothing.
    const isHeard = (element) => {
      for (let at = element; at; at = at.parentElement) if (getComputedStyle(at).clipPath === "inset(50%)") return true;
      return false;
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
      if (!element.checkVisibility() || element.closest("svg") || isHeard(element) || scrolls(element)) continue;
      const box = element.getBoundingClientRect();
      const hides = ["hidden", "clip"].includes(getComputedStyle(element).overflowX);
      // What ends with an ellipsis says the rest in its title.
      const isWhole = element.closest("[title]") ?? element.querySelector("[title]");
      const isCut = hides && element.scrollWidth > element.clientWidth + 1 && !isWhole;
      if (isCut || box.right > innerWidth + 1 || box.left < -1) found.push(element.outerHTML.slice(0, 160));
    }
    return found;
  });

/** A window of 1280 pixels, with everything twice as large, or with the text that a reader has set to that. */
const ENLARGED = {
  "everything at 200 %": [{ viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }],
  "the text at 200 %": [{ viewport: { width: 1280, height: 800 } }, "--blink-settings=defaultFontSize=32,defaultFixedFontSize=26"],
};
for (const [how, [options, ...settings]] of Object.entries(ENLARGED)) {
  test(`nothing is cut and nothing scrolls sideways: ${how}`, async () => {
    const enlarged = await startBrowser(settings);
    const { page, complaints } = await newPerson(enlarged, options);
    await logIn(page, server, "mira@example.com");
    for (const path of [...PAGES, ...await server.things(3)]) {
      await page.goto(server.url + path);
      const overflows = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(overflows, false, `${path} scrolls sideways`);
      assert.deepEqual(await cut(page), [], path);
      await inspect(page);
    }
    assert.deepEqual(complaints, []);
    await enlarged.close();
  });
}
