// Every page of the demo companies, once typed as an address and once reached by links. What the other journeys never open is
// opened here, so that a page whose code is missing from the wasm, or cannot read its answer, fails.
import type { Page } from "@playwright/test";
import { comeIn } from "../steps.ts";
import { alive, canary, expect, expectAccessible, test, visit } from "../support.ts";

const PASSWORD = canary("password", "Belfry-demo-1");
const LISTS = ["Campaigns", "Contacts", "Imports", "Agents", "Calls", "Suppressions", "Billing", "Events", "Team", "Settings"];

const signIn = (page: Page, email: string) => comeIn(page, { email, password: PASSWORD });

/** A page that came whole: with its heading, without a failure, and nothing is waiting any more. */
async function whole(page: Page): Promise<void> {
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByText(/^(Could not load.*|Something went wrong.*|Nothing here|Not for your role)$/)).toHaveCount(0);
  await expect(page.locator("main .skeleton")).toHaveCount(0);
}

/** The addresses of things that the lists lead to: one of each state a list shows. */
async function things(page: Page, list: string): Promise<string[]> {
  await visit(page, list);
  const links = page.locator(`main a[href^="${list}/"]`);
  const all = await links.evaluateAll((found) => found.map((link) => new URL((link as HTMLAnchorElement).href).pathname));
  return [...new Set(all)].filter((path) => !path.endsWith("/new"));
}

test("every page opens as an address, and every tab of every campaign", async ({ page }) => {
  await signIn(page, "maya@harborpine.example");
  for (const path of ["/", "/campaigns", "/contacts", "/imports", "/imports/new", "/agents", "/calls", "/suppressions", "/billing", "/events", "/team", "/team/permissions", "/account", "/settings", "/settings/compliance", "/settings/developers"]) {
    await visit(page, path);
    await whole(page);
  }
  const campaigns = await things(page, "/campaigns");
  expect(campaigns.length).toBeGreaterThan(2);
  for (const path of campaigns) {
    await visit(page, path);
    await whole(page);
    const tabs = page.getByRole("navigation", { name: "Campaign", exact: true }).getByRole("link");
    for (let i = 0; i < (await tabs.count()); i++) {
      await tabs.nth(i).click();
      await expect(tabs.nth(i)).toHaveAttribute("aria-current", "page");
      await whole(page);
      await page.reload();
      await alive(page);
      await whole(page);
    }
  }
  for (const list of ["/agents", "/contacts", "/calls", "/imports"]) {
    for (const path of (await things(page, list)).slice(0, 3)) {
      await visit(page, path);
      await whole(page);
    }
  }
  await visit(page, (await things(page, "/agents"))[0] ?? "/agents");
  await page.getByRole("link", { name: "Knowledge" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /^What .* knows$/ })).toBeVisible();
  for (const path of ["/developers/webhooks", "/developers/webhook", "/developers/deliveries"]) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expectAccessible(page);
  }
});

test("seldom pages are there for everybody", async ({ page }) => {
  for (const path of ["/sign-in", "/sign-in/refused?why=denied&with=google", "/forgot", "/reset?token=made-up", "/new-address?token=made-up", "/sign-in/code"]) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expectAccessible(page);
  }
  await expect(page, "a code is asked for after a password only").toHaveURL(/\/sign-in$/);
  await signIn(page, "maya@harborpine.example");
  for (const [path, name] of [["/two-factor", "Set up two-factor sign-in"], ["/account/identities", "Google and LinkedIn"]]) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
    await expectAccessible(page);
  }
  await visit(page, "/settings");
  const gateway = await page.locator('main a[href^="/settings/gateways/"]:not([href$="/new"])').first().getAttribute("href");
  for (const path of ["/settings/gateways/new", "/settings/gateways/new?provider=retell", gateway!, "/account", "/team", "/team/permissions"]) {
    await visit(page, path);
    await whole(page);
    await expectAccessible(page);
    const ids = await page.locator("[id]").evaluateAll((all) => all.map((one) => one.id));
    expect(ids.filter((id, i) => ids.indexOf(id) !== i), `ids of ${path}`).toEqual([]);
  }
});

test("rows, keys and the command menu lead to things", async ({ page }) => {
  await signIn(page, "maya@harborpine.example");
  await visit(page, "/campaigns");
  const row = page.getByRole("table", { name: "Campaigns" }).getByRole("row").nth(1);
  const name = (await row.getByRole("link").first().innerText()).trim();
  await row.getByRole("cell").nth(2).click();
  await expect(page.getByRole("heading", { level: 1, name, exact: true })).toBeVisible();
  await visit(page, "/campaigns");
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox").first()).toBeFocused();
  await page.getByRole("region", { name: "Campaigns" }).focus();
  await page.keyboard.press("j");
  await expect(row.getByRole("link").first()).toBeFocused();
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name, exact: true })).toBeVisible();

  await page.keyboard.press("Control+k");
  const menu = page.getByRole("dialog", { name: "Search and go" });
  await expect(menu.getByRole("searchbox")).toBeFocused();
  await expectAccessible(page);
  await page.keyboard.type("supp");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Suppressions" })).toBeVisible();
  await expect(menu).toBeHidden();
  await page.keyboard.press("Control+k");
  await page.keyboard.type(name);
  await expect(menu.getByRole("link", { name: new RegExp("Campaign, ") }).first()).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name, exact: true })).toBeVisible();
});

test("every page is reached by links, without a reload", async ({ page }) => {
  await signIn(page, "maya@harborpine.example");
  await page.evaluate(() => ((window as { kept?: boolean }).kept = true));
  const main = page.getByRole("navigation", { name: "Main" });
  for (const list of [...LISTS, ...LISTS.toReversed()]) {
    await main.getByRole("link", { name: new RegExp(`^${list}`) }).click();
    await expect(page.getByRole("heading", { level: 1, name: list, exact: true })).toBeVisible();
    await whole(page);
  }
  // An import's page is plain HTML, which the browser asks for.
  for (const list of ["Campaigns", "Agents", "Contacts", "Calls"]) {
    await main.getByRole("link", { name: new RegExp(`^${list}`) }).click();
    await expect(page.getByRole("heading", { level: 1, name: list, exact: true })).toBeVisible();
    await page.locator(`main a[href^="/${list.toLowerCase()}/"]:not([href$="/new"])`).first().click();
    await expect(page.getByRole("heading", { level: 1, name: list, exact: true })).toHaveCount(0);
    await whole(page);
  }
  expect(await page.evaluate(() => (window as { kept?: boolean }).kept), "no reload").toBe(true);
});

test("a form is refused and accepted in place, and platform health opens", async ({ page }) => {
  await signIn(page, "robin@belfry.example");
  for (const path of ["/admin/clients", "/admin/health"]) {
    await visit(page, path);
    await whole(page);
  }
  await visit(page, "/suppressions");
  await page.getByRole("button", { name: "Add number" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Add a number" });
  await dialog.getByLabel("Phone").fill("12");
  await dialog.getByLabel("Reason").fill("Asked by mail.");
  await dialog.getByRole("button", { name: "Add number" }).click();
  await expect(dialog.getByLabel("Phone")).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Phone").fill(`+1415555${1000 + Math.floor(Math.random() * 9000)}`);
  await dialog.getByRole("button", { name: "Add number" }).click();
  await expect(page.getByText("The number is never dialed again")).toBeVisible();
});
