// Coming in by a company account, as somebody does it in a browser.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inspect, newPerson, send, startBrowser, startServer } from "./harness.mjs";
import { startProvider } from "./provider.mjs";

const SECRET = "a-secret-of-both";
const folder = mkdtempSync(join(tmpdir(), "versioner-provider-"));
let provider;
let server;
let browser;

before(async () => {
  const person = { sub: "ada-1", name: "Ada Lovelace", groups: ["builders"] };
  provider = await startProvider(person, "versioner", SECRET);
  const secret = join(folder, "secret");
  writeFileSync(secret, SECRET, { mode: 0o600 });
  const options = [
    "--openid-issuer", provider.url, "--openid-client-id", "versioner",
    "--openid-client-secret-file", secret, "--openid-role", "builders=developer",
  ];
  [server, browser] = await Promise.all([startServer({ options }), startBrowser()]);
  // Nobody comes in by the provider before there is an admin.
  server.people("add", "--name", "Root", "--role", "admin");
});

after(async () => {
  await browser?.close();
  server?.stop();
  provider?.stop();
  rmSync(folder, { recursive: true, force: true });
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";
  test(`somebody comes in by their company account and goes again, ${how}`, async () => {
    const { context, page, complaints } = await newPerson(browser, { javaScriptEnabled });
    await page.goto(`${server.url}/manage/me`);
    if (javaScriptEnabled) await inspect(page);
    await page.getByRole("link", { name: "Continue with company account" }).click();
    await page.getByRole("link", { name: "Continue as Ada Lovelace" }).click();
    await page.waitForURL(`${server.url}/manage/me`);
    assert.equal(await page.locator(".me").innerText(), "Ada Lovelace");
    await page.goto(`${server.url}/manage/keys`);
    assert.equal(await page.locator("h1").innerText(), "API keys", "the group makes a developer");
    await page.goto(`${server.url}/manage/me`);
    await send(page, "Log out");
    assert.match(await page.getByRole("status").innerText(), /You are logged out here/);
    await page.goto(`${server.url}/manage/me`);
    assert.match(page.url(), /\/manage\/login/, "out");
    assert.deepEqual(complaints, []);
    await context.close();
  });
}

test("whoever turns back at the provider reads what happened, and can try again", async () => {
  const { context, page, complaints } = await newPerson(browser);
  await page.goto(`${server.url}/manage/`);
  await page.getByRole("link", { name: "Continue with company account" }).click();
  await page.getByRole("link", { name: "Cancel" }).click();
  await page.waitForURL(/openid\/done/);
  assert.match(await page.locator("main").innerText(), /The provider let nobody in: access_denied/);
  await inspect(page);
  await page.goto(`${server.url}/manage/`);
  assert.match(page.url(), /\/manage\/login/);
  await page.getByRole("link", { name: "Continue with company account" }).click();
  await page.getByRole("link", { name: "Continue as Ada Lovelace" }).click();
  await page.waitForURL(`${server.url}/manage/`);
  assert.deepEqual(complaints, []);
  await context.close();
});
