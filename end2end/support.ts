// What every journey has: a page that fails the test on any error in the console, and a check of accessibility.
// Journeys import `test` and `expect` from here, never from Playwright.
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";

export const gremlinUrl = process.env.GREMLIN_URL ?? "";

/** `page` collects its own complaints: exceptions (a wasm panic is one), console errors, hydration warnings. */
export const test = base.extend({
  page: async ({ page }, use) => {
    const complaints = watch(page);
    await use(page);
    expect(complaints, "errors in the browser").toEqual([]);
  },
});

/** The same watch for a page that a journey opened itself, for example in a second context. */
export function watch(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`exception at ${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    // a refused form is an answer, not an error: the browser logs every 4xx of a fetch
    const answered = /Failed to load resource: .* 4(01|02|03|04|09|22|29) /.test(text);
    if ((message.type() === "error" && !answered) || /hydration/i.test(text)) {
      complaints.push(`console at ${page.url()}: ${text}`);
    }
  });
  return complaints;
}

/** axe in both themes, on the page as it is. The theme is a class on <html>, so no reload is needed. */
export async function expectAccessible(page: Page): Promise<void> {
  const before = await page.evaluate(() => document.documentElement.className);
  for (const theme of ["light", "dark"]) {
    await page.evaluate((name) => {
      document.documentElement.classList.toggle("dark", name === "dark");
      // a colour in the middle of its transition would be measured
      document.getAnimations().forEach((animation) => animation.finish());
    }, theme);
    const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze();
    const found = violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => node.target.join(" ")).join("\n  ")}`);
    expect(found, `accessibility of ${page.url()} in the ${theme} theme`).toEqual([]);
  }
  await page.evaluate((name) => (document.documentElement.className = name), before);
}

export { expect };
