// The pages in a real browser, with JavaScript and without.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { PASSWORD, follow, inspect, logIn, newPerson, send, startBrowser, startServer } from "./harness.mjs";

const PAGES = [
  "/manage/", "/manage/history", "/manage/compare?from=test&to=production", "/manage/approvals",
  "/manage/rules", "/manage/rules/edit", "/manage/rules/calendar", "/manage/rules/import", "/manage/figures", "/manage/slack",
  "/manage/search?q=api", "/manage/wall", "/manage/gate?product=api&version=1.1&environment=production",
  "/manage/me", "/manage/people", "/manage/keys", "/manage/audit", "/manage/sources", "/manage/webhooks", "/manage/buttons",
  "/manage/buttons?product=api", "/manage/none",
];
/** Pages whose list leads to pages of their own kind. */
const LISTS = ["/manage/people", "/manage/sources", "/manage/webhooks"];
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
    await server.post("/sources/", { name, kind: "json", settings: { product: name } });
    await server.post("/webhooks/", { name, url: "https://hooks.example.com/a", products: [name] });
    await server.post("/deployment-events/", {
      product_name: name, version: name, environment_name: name, status: "completed",
      deployed_by: `\u202e\u200b${name}`,
    });
  }
  for (const path of [...PAGES, ...await server.things()]) {
    await page.goto(server.url + path);
    assert.equal(await page.evaluate(() => document.scripts.length), scripts, path);
    assert.equal(await page.locator("img").count(), 0, path);
  }
  assert.deepEqual(complaints, []);
  await context.close();
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";
  test(`an admin makes a source, and sees what became of what it sends, ${how}`, async () => {
    const { context, page, complaints } = await newPerson(browser, { javaScriptEnabled });
    await logIn(page, server, "root@example.com");
    await page.goto(`${server.url}/manage/me`);
    await page.getByRole("link", { name: "Sources" }).click();
    const name = `Our tool, ${how}`;
    await page.getByLabel("Who sends").selectOption("plain");
    await page.getByText("How it is read").click();
    await page.getByLabel("To try: a body").fill("{}");
    await send(page, "Try the pasted");
    assert.match(await page.locator("#tried").innerText(), /could not be read: status is missing/);
    await page.getByLabel("Name, such as").fill(name);
    // A double click sends the form twice; it makes one source, and the page shows its secret.
    await page.getByRole("button", { name: "Make source", exact: true }).dblclick();
    await page.waitForURL(/\/manage\/sources$/);
    await page.getByText("Copy this now").waitFor();
    const command = await page.locator("pre").innerText();
    const [, address] = /(http\S+\/hooks\/\S+)/.exec(command);
    const [, secret] = /Bearer ([^']+)/.exec(command);
    assert.ok(address.startsWith(server.url), command);
    await page.goto(`${server.url}/manage/sources`);
    await page.getByRole("link", { name, exact: true }).click();
    const [shown] = await page.getByRole("heading", { level: 1 }).allInnerTexts();
    assert.equal(shown, name, "one of that name");
    const tell = async (body) => {
      const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
      const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
      assert.equal(answer.status, 202);
    };
    await tell({ product_name: "shop", version: how, environment_name: "test", status: "completed" });
    await tell({ product_name: "shop", version: how });
    const rows = page.locator("tbody tr");
    // What is stored is read a moment later.
    for (let tries = 0; tries < 100; tries += 1) {
      await page.reload();
      const texts = await rows.allInnerTexts();
      if (texts.length === 2 && !texts.some((text) => /waits|is read now/.test(text))) break;
    }
    assert.match(await rows.first().innerText(), /not read/);
    assert.match(await rows.nth(1).innerText(), /told\s+shop/);
    await rows.first().getByRole("button", { name: /^Give up/ }).click();
    await page.waitForURL(/said=dropped/);
    await rows.nth(1).getByRole("link", { name: /shop/ }).click();
    assert.match(page.url(), /\/manage\/deployments\?view=/);
    assert.deepEqual(complaints, []);
    await context.close();
  });
}

test("an admin writes a deployment button, and finds it beside a version", async () => {
  const { context, page, complaints } = await newPerson(browser);
  await logIn(page, server, "root@example.com");
  for (const environment of ["test", "production"]) {
    await server.post("/deployment-events/", {
      product_name: "orders", version: "1", environment_name: environment, status: "completed",
    });
  }
  await page.goto(`${server.url}/manage/buttons`);
  await page.getByLabel("Product", { exact: true }).fill("orders");
  await page.getByRole("button", { name: "Its buttons" }).click();
  await page.getByLabel(/^production/).fill("https://ci.example.com/job/{job}/parambuild?VERSION={vi_version}");
  await page.getByLabel(/^test/).fill("https://ci.example.com/{team}");
  await page.getByLabel(/^Variables/).fill("job=deploy");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText("Missing variable: team").waitFor();
  await page.getByRole("link", { name: "Test URL of production" }).waitFor();
  await inspect(page);
  await page.getByRole("button", { name: "Save" }).dblclick();
  await page.getByText("Saved.").waitFor();
  await page.goto(`${server.url}/manage/versions?product=orders&version=1`);
  await page.getByText("Deploy to …").click();
  const button = page.getByRole("link", { name: "Deploy to production" });
  assert.equal(await button.getAttribute("href"), "https://ci.example.com/job/deploy/parambuild?VERSION=1");
  await inspect(page);
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
    const first = async () => page.locator("tbody th a").first().getAttribute("href");
    for (const path of [...PAGES, ...await server.things(3)]) {
      await page.goto(server.url + path);
      await inspect(page);
      if (LISTS.includes(path)) {
        await page.goto(server.url + (await first()));
        await inspect(page);
        await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
        await inspect(page);
        const overflows = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.equal(overflows, false, `a page of ${path} scrolls sideways`);
        await page.goto(server.url + path);
      }
      const overflows = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(overflows, false, `${path} scrolls sideways`);
    }
    assert.deepEqual(complaints, []);
    await context.close();
  });
}
