// The pages in a real browser, with JavaScript and without.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { PASSWORD, follow, inspect, logIn, newPerson, send, startBrowser, startServer } from "./harness.mjs";

const PAGES = [
  "/manage/", "/manage/history", "/manage/compare?from=test&to=production", "/manage/approvals",
  "/manage/rules", "/manage/rules/edit", "/manage/rules/calendar", "/manage/figures",
  "/manage/search?q=api", "/manage/wall", "/manage/catalog", "/manage/gate?product=api&version=1.1&environment=production",
  "/manage/me", "/manage/people", "/manage/keys", "/manage/audit", "/manage/none",
];
let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  server?.stop();
});

test("the first admin sets the pages up", async () => {
  const { context, page, complaints } = await newPerson(browser);
  await page.goto(server.setUp);
  await inspect(page);
  await page.getByLabel("Your name").fill("Root");
  await page.getByLabel(/E-mail/).fill("root@example.com");
  await page.getByLabel(/Password/).fill(PASSWORD);
  await send(page, "Become the first admin");
  assert.equal(page.url(), `${server.url}/manage/`);
  assert.equal(await page.locator(".me").innerText(), "Root");
  await page.goto(server.setUp);
  assert.match(await page.locator("h1").innerText(), /over/);
  assert.deepEqual(complaints, []);
  await context.close();
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";
  const name = javaScriptEnabled ? "Ada" : "Grace";
  test(`a person comes in by a link, then by a password, ${how}`, async () => {
    const link = server.people("add", "--name", name, "--email", `${name}@example.com`);
    const { context, page, complaints } = await newPerson(browser, { javaScriptEnabled });
    await follow(page, link);
    assert.equal(page.url(), `${server.url}/manage/`);
    await page.getByRole("link", { name }).click();
    await send(page, "Log out");
    assert.equal(await page.getByRole("status").innerText(), "You are logged out.");
    await page.goto(`${server.url}/manage/me`);
    assert.match(page.url(), /login\?next=%2Fmanage%2Fme$/);
    await page.getByLabel("Name or e-mail").fill(name);
    await page.getByLabel("Password").fill("a wrong password");
    await send(page, "Log in with password");
    assert.match(await page.getByRole("alert").innerText(), /do not match/);
    assert.equal(await page.getByLabel("Name or e-mail").inputValue(), name, "what was typed stays");
    await page.getByLabel("Password").fill(PASSWORD);
    await send(page, "Log in with password");
    assert.equal(page.url(), `${server.url}/manage/me`, "back where they wanted to go");
    await page.goto(link);
    assert.match(await page.locator("h1").innerText(), /over/, "a link works once");
    assert.deepEqual(complaints, []);
    await context.close();
  });
}

test("a session that is ended in one browser is over in the other", async () => {
  const [here, there] = [await newPerson(browser), await newPerson(browser)];
  await logIn(here.page, server, "root@example.com");
  await logIn(there.page, server, "root@example.com");
  await here.page.goto(`${server.url}/manage/me`);
  const other = here.page.locator("tbody tr").filter({ hasNotText: "this one" }).first();
  await other.getByRole("button").click();
  await here.page.waitForURL(/said=ended/);
  await there.page.goto(`${server.url}/manage/me`);
  assert.match(there.page.url(), /\/manage\/login/);
  assert.deepEqual([...here.complaints, ...there.complaints], []);
  await here.context.close();
  await there.context.close();
});

test("a page of another origin sends no form", async () => {
  const { context, page } = await newPerson(browser);
  await logIn(page, server, "root@example.com");
  // Another port is another origin, but the same site: the browser sends the cookie along.
  const evil = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(`<form id="f" method="post" action="${server.url}/manage/logout"></form><script>f.submit()</script>`);
  });
  await new Promise((listening) => evil.listen(0, "127.0.0.1", listening));
  const refused = page.waitForResponse((answer) => answer.url().endsWith("/manage/logout"));
  await page.goto(`http://127.0.0.1:${evil.address().port}/`);
  assert.equal((await refused).status(), 403);
  await page.goto(`${server.url}/manage/me`);
  assert.equal(page.url(), `${server.url}/manage/me`, "still in");
  evil.close();
  await context.close();
});

test("hostile names run nothing and break nothing", async () => {
  const { context, page, complaints } = await newPerson(browser);
  await logIn(page, server, "root@example.com");
  await page.goto(`${server.url}/manage/`);
  const scripts = await page.evaluate(() => document.scripts.length);
  const hostile = [
    "<script>complain('ran')</script>",
    "\"><img src=x onerror=complain('ran')>",
    "x' autofocus onfocus=complain('ran') y='",
    "{{7*7}}</title></style>",
    "x".repeat(250),
  ];
  // A page that is open would load itself anew in the middle of what follows.
  await page.goto("about:blank");
  for (const name of hostile) {
    await server.post("/people/", { name });
    await server.post("/keys/", { name, products: [name] });
    await server.post("/deployment-events/", {
      product_name: name, version: name, environment_name: name, status: "completed",
      deployed_by: `\u202e\u200b${name}`,
    });
  }
  for (const path of PAGES) {
    await page.goto(server.url + path);
    assert.equal(await page.evaluate(() => document.scripts.length), scripts, path);
    assert.equal(await page.locator("img").count(), 0, path);
  }
  assert.deepEqual(complaints, []);
  await context.close();
});

const MODES = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  "forced colours": { forcedColors: "active" },
  "320 pixels": { viewport: { width: 320, height: 640 } },
};
for (const [mode, options] of Object.entries(MODES)) {
  test(`axe finds nothing: ${mode}`, async () => {
    const { context, page, complaints } = await newPerson(browser, options);
    await page.goto(`${server.url}/manage/login`);
    await inspect(page);
    await logIn(page, server, "root@example.com");
    const person = async () => page.locator("tbody th a").first().getAttribute("href");
    for (const path of PAGES) {
      await page.goto(server.url + path);
      await inspect(page);
      if (path === "/manage/people") {
        await page.goto(server.url + (await person()));
        await inspect(page);
      }
      const overflows = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(overflows, false, `${path} scrolls sideways`);
    }
    assert.deepEqual(complaints, []);
    await context.close();
  });
}
