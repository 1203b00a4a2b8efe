// The built site on a phone: nothing to scroll sideways, nothing from elsewhere, no complaint of the browser.
// Usage: DOCS=FOLDER node --test docs/tests   with the packages of server/tests/browser installed

import assert from "node:assert/strict";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { WCAG, inspect, newPerson, startBrowser } from "../../server/tests/browser/harness.mjs";

const site = process.env.DOCS;
const TYPES = { ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".svg": "image/svg+xml" };
// The narrowest phone that is still in use, and one of today.
const WIDTHS = [320, 412];

// What a language's own tool makes is below reference/, one folder deeper.
const pages = readdirSync(site, { recursive: true })
  .filter((name) => name.endsWith(".html") && name.split("/").length <= 2 && name !== "404.html")
  .sort();

let browser, server, address;

before(async () => {
  server = createServer((request, response) => {
    const path = join(site, decodeURIComponent(new URL(request.url, "http://site").pathname));
    const file = statSync(path, { throwIfNoEntry: false })?.isFile();
    response.writeHead(file ? 200 : 404, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" });
    response.end(file ? readFileSync(path) : "");
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  address = `http://127.0.0.1:${server.address().port}`;
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
});

for (const width of WIDTHS) {
  test(`every page fits ${width} pixels`, async () => {
    const { page, complaints } = await newPerson(browser, { viewport: { width, height: 640 } });
    const elsewhere = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(address) && !/^(data|blob):/.test(request.url())) elsewhere.push(request.url());
    });
    for (const name of pages) {
      await page.goto(`${address}/${name}`);
      const wide = await page.evaluate(() => document.scrollingElement.scrollWidth);
      assert.ok(wide <= width, `${name} is ${wide} pixels wide`);
      assert.ok((await page.locator("h1").count()) === 1, `${name} has not one title`);
      if (width === WIDTHS[0]) await inspect(page, WCAG);
    }
    assert.deepEqual(elsewhere, []);
    assert.deepEqual(complaints, []);
  });
}

test("the search finds a kind of error", async () => {
  const { page } = await newPerson(browser, { viewport: { width: 1200, height: 800 } });
  await page.goto(`${address}/index.html`);
  const search = page.getByPlaceholder("Search");
  // It is there once the page listens to its button.
  await search.waitFor({ state: "attached" });
  await page.getByRole("button", { name: "Search" }).first().click();
  await search.fill("insufficient_soak_time");
  await page.getByText(/^\d+ results?$/).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/errors\.html(\?.*)?#insufficient_soak_time$/);
});
