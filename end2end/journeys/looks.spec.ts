// How things look, kept as pictures in end2end/snapshots: every part of the gallery and ten pages, in both themes. What moves
// with the day or with the demo data is covered. A change of look is accepted by
// `cargo xtask e2e --release-site -- looks --update-snapshots`.
import type { Browser } from "@playwright/test";
import { comeIn, fillSignIn } from "../steps.ts";
import { alive, canary, expect, stranger, test, violations } from "../support.ts";

const PASSWORD = canary("password", "Belfry-demo-1");
/** Nobody changes this company in other journeys. */
const TESSA = { email: "tessa@loomandlarder.example", password: PASSWORD };
const THEMES = ["light", "dark"] as const;
/** Of another version of the browser letters differ by a shade, hardly by more pixels than this: a small button has a thousand. */
const SAME = { maxDiffPixels: 300, threshold: 0.2, scale: "device" } as const;

test.skip(process.platform !== "linux", "letters are drawn otherwise elsewhere");
// Whether the demo looks the same on every day of the year nobody has seen yet: a person looks before it may stop a landing.
test.skip(!!process.env.CI, "compared by hand: cargo xtask e2e --release-site looks");

/** Three fifths of a pixel per pixel: the pictures are kept with the code, and what they are for can still be seen. */
const SMALL = { viewport: { width: 1440, height: 900 }, deviceScaleFactor: 0.6, reducedMotion: "reduce" } as const;

interface Look {
  name: string;
  address: string;
  /** Seen by nobody in particular. */
  outside?: boolean;
  /** What moves with the day and the demo data: a selector inside of main. */
  moving?: string;
}

const PAGES: Look[] = [
  { name: "sign-in", address: "/sign-in", outside: true },
  { name: "register", address: "/register", outside: true },
  { name: "dashboard", address: "/", moving: ".page-head p, .stat dd, .card:not(.chart-card):has(table) .card-head, [aria-label=Legend], .chart-body, .card:not(.chart-card) > :not(.card-head)" },
  { name: "campaigns", address: "/campaigns", moving: "table" },
  { name: "calls", address: "/calls", moving: "table" },
  { name: "import", address: "/imports/new" },
  { name: "defaults", address: "/settings/defaults" },
  { name: "notices", address: "/account/notices" },
  { name: "gateway", address: "/settings/gateways/new" },
  { name: "webhooks", address: "/developers/webhooks" },
];

async function photograph(browser: Browser, theme: (typeof THEMES)[number], pages: Look[], outside: boolean): Promise<void> {
  const { page, done } = await stranger(browser, { ...SMALL, colorScheme: theme });
  if (!outside) await comeIn(page, TESSA);
  for (const { name, address, moving } of pages) {
    await page.goto(address);
    // plain pages bring no code
    if (await page.locator("link[rel=modulepreload]").count()) await alive(page);
    await expect(page.locator("main .skeleton")).toHaveCount(0);
    await expect.soft(page).toHaveScreenshot(`${name}-${theme}.png`, { ...SAME, mask: [page.locator("div:has(> [role=meter])").first(), page.locator("main").locator(moving ?? "time")] });
  }
  await done();
}

for (const theme of THEMES) {
  test(`ten pages look as they did, in ${theme}`, async ({ browser }) => {
    await photograph(browser, theme, PAGES.filter(({ outside }) => outside), true);
    await photograph(browser, theme, PAGES.filter(({ outside }) => !outside), false);
  });

  // The scripts of visitors have no gallery: it is looked at as the server writes it, and they are kept away.
  test(`every part looks as it did, in ${theme}`, async ({ browser }) => {
    const context = await browser.newContext({ ...SMALL, colorScheme: theme });
    const page = await context.newPage();
    await page.goto("/sign-in?next=/dev/ui");
    await page.route("**/pkg/*.js", (route) => route.abort());
    await fillSignIn(page, TESSA);
    await expect(page.getByRole("heading", { level: 1, name: "Components" })).toBeVisible();
    await expect.soft(page.getByRole("main")).toHaveScreenshot(`gallery-${theme}.png`, SAME);
    expect.soft(await violations(page)).toEqual([]);
    await context.close();
  });
}
