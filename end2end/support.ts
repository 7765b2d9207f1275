// What every journey has: a page that fails the test on any error in the console, a check of accessibility, and knowing when
// a page is alive. Journeys import `test` and `expect` from here, never from Playwright.
import { appendFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type Browser, type BrowserContextOptions, type Locator, type Page } from "@playwright/test";

export const gremlinUrl = process.env.GREMLIN_URL ?? "";

declare global {
  interface Window {
    hydrated?: boolean;
  }
}

/** Notes a secret that no program may print: `cargo xtask e2e` searches their output for it afterwards. */
export function canary(kind: string, secret: string): string {
  const file = process.env.CANARIES;
  if (file) appendFileSync(file, `${kind}\t${secret}\n`);
  return secret;
}

/** `page` collects its own complaints: exceptions (a wasm panic is one), console errors, hydration warnings. */
export const test = base.extend({
  page: async ({ page }, use) => {
    const complaints = await watch(page);
    await use(page);
    for (const { name, value } of await page.context().cookies()) if (name === "sid" || name === "half") canary("session", value);
    expect(complaints, "errors in the browser").toEqual([]);
  },
});

/** The same watch for a page that a journey opened itself, for example in a second context. */
export async function watch(page: Page): Promise<string[]> {
  const complaints: string[] = [];
  // a loop may say the same a hundred times
  const note = (text: string) => complaints.includes(text) || complaints.push(text);
  page.on("pageerror", (error) => note(`exception at ${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    // a refused form is an answer, not an error: the browser logs every 4xx of a fetch
    const answered = /Failed to load resource: .* 4(01|02|03|04|09|22|29) /.test(text);
    if ((message.type() === "error" && !answered) || /hydration/i.test(text)) {
      note(`console at ${page.url()}: ${text}`);
    }
  });
  await page.addInitScript(noteHydration);
  return complaints;
}

/** Runs in the browser. Hydration is one task that ends with every listener in place; nothing else listens on elements. */
function noteHydration(): void {
  const add = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (this: EventTarget, ...args: Parameters<typeof add>) {
    if (this instanceof Element && window.hydrated === undefined) {
      window.hydrated = false;
      setTimeout(() => (window.hydrated = true));
    }
    return add.apply(this, args);
  };
}

/** Waits until buttons do something: what is clicked or typed before hydration is lost. A plain page has no scripts to wait for. */
export async function alive(page: Page): Promise<void> {
  await page.waitForFunction(() => window.hydrated === true || (document.readyState === "complete" && !document.querySelector("script[type=module]")));
}

/** Opens an address as if it was typed, and waits until the page is alive. */
export async function visit(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await alive(page);
}

/** A person with a browser of their own. `done` fails on what the browser complained about. */
export async function stranger(browser: Browser, options?: BrowserContextOptions): Promise<{ page: Page; done: () => Promise<void> }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints = await watch(page);
  const done = async () => {
    expect(complaints, "errors in the browser").toEqual([]);
    await context.close();
  };
  return { page, done };
}

/** What axe finds on the page as it is, one line per rule. It runs in the page itself, which has no foreign frames: the other way opens a tab per run. */
export async function violations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).setLegacyMode().analyze();
  return violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`).join("\n  ")}`);
}

/** axe in both themes, on the page as it is. The theme is a class on <html>, so no reload is needed. */
export async function expectAccessible(page: Page): Promise<void> {
  const before = await page.evaluate(() => document.documentElement.className);
  for (const theme of ["light", "dark"]) {
    await page.evaluate((name) => {
      document.documentElement.classList.toggle("dark", name === "dark");
      // a colour in the middle of its transition would be measured
      document.getAnimations().forEach((animation) => {
        if (animation.effect?.getComputedTiming().endTime !== Infinity) animation.finish();
      });
    }, theme);
    expect.soft(await violations(page), `accessibility of ${page.url()} in the ${theme} theme`).toEqual([]);
  }
  await page.evaluate((name) => (document.documentElement.className = name), before);
}

/** The value of a figure, by the name of its strip and its own. */
export function figure(page: Page, strip: string, name: string): Locator {
  const term = page.getByRole("term").filter({ hasText: new RegExp(`^${name}$`) });
  return page.getByRole("region", { name: strip, exact: true }).locator("div").filter({ has: term }).getByRole("definition").first();
}

/** A figure as a number. */
export async function amount(figure: Locator): Promise<number> {
  return Number((await figure.innerText()).replaceAll(",", "").match(/-?[\d.]+/)?.[0]);
}

export { expect };
