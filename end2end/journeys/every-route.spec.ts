// Every route in both themes and three widths: axe, the console, one heading, nothing wider than the screen. A route that is
// neither opened here nor named with a reason fails.
import { readFileSync } from "node:fs";
import type { Browser, Page } from "@playwright/test";
import { comeIn } from "../steps.ts";
import { alive, canary, expect, stranger, test, violations } from "../support.ts";

const PASSWORD = canary("password", "Belfry-demo-1");
// Three hundred pages: a recording of them would cost more than the visits. Failures name the address.
test.use({ trace: "off" });

const WIDTHS = { 1440: 900, 1024: 768, 390: 844 };

/** Addresses of routes, by who opens them. */
const OPENED = {
  nobody: ["/sign-in", "/sign-in/refused?why=denied&with=google", "/register", "/confirm?token=made-up", "/forgot", "/reset?token=made-up", "/invite?token=made-up", "/new-address?token=made-up"],
  "maya@harborpine.example": [
    "/", "/campaigns", "/contacts", "/imports", "/imports/new", "/agents", "/calls", "/suppressions", "/billing", "/events", "/events/proof", "/account", "/account/identities",
    "/account/notices", "/team", "/team/permissions", "/settings", "/settings/gateways/new", "/settings/compliance", "/settings/developers", "/settings/defaults", "/developers/webhooks",
    "/developers/webhook", "/developers/deliveries", "/two-factor", "/welcome", "/find?q=tampa", "/leads", "/orders", "/orders/order",
    "/consents", "/evidence?phone=%2B12125550100", "/settings/company", "/settings/privacy",
    // as a company without clients sees them
    "/clients", "/clients/brand",
  ],
  "robin@belfry.example": ["/admin/clients", "/admin/health", "/admin/letters"],
};
type Who = keyof typeof OPENED;

/** Routes of things: who opens one, the page whose link leads there (one of these leads to further ones), how its address begins. */
const THINGS: [route: string, who: Who, on: string, begins: string][] = [
  ["/campaigns/:id", "maya@harborpine.example", "/campaigns", "/campaigns/cmp_"],
  ["/contacts/:id", "maya@harborpine.example", "/contacts", "/contacts/con_"],
  ["/leads/lead", "maya@harborpine.example", "/contacts/:id", "/leads/lead?"],
  ["/erase", "maya@harborpine.example", "/contacts/:id", "/erase?contact="],
  ["/imports/:id", "maya@harborpine.example", "/imports", "/imports/imp_"],
  ["/agents/:id", "maya@harborpine.example", "/agents", "/agents/agt_"],
  ["/calls/:id", "maya@harborpine.example", "/calls", "/calls/cal_"],
  ["/knowledge", "maya@harborpine.example", "/agents/:id", "/knowledge?agent="],
  ["/settings/gateways/:id", "maya@harborpine.example", "/settings", "/settings/gateways/gwy_"],
  ["/remove-gateway", "maya@harborpine.example", "/settings/gateways/:id", "/remove-gateway?id="],
  ["/team/member", "maya@harborpine.example", "/team", "/team/member?user="],
  ["/admin/features", "robin@belfry.example", "/admin/clients", "/admin/features?"],
  ["/admin/letter", "robin@belfry.example", "/admin/letters", "/admin/letter?kind="],
];

/** Routes that nobody can open without a story; told elsewhere, with axe. */
const TOLD: Record<string, string> = {
  "/sign-in/code": "half signed in: account.spec.ts",
  "/register/with": "known to Google, not to us: identities.spec.ts",
  "/suspended": "of a company that is shut: account.spec.ts",
  "/check-mail": "before the address is confirmed: first-light.spec.ts",
  "/dev/ui": "in development only: looks.spec.ts",
};

/** As in app/src/lib.rs. */
const ROUTES = [...readFileSync(new URL("../../app/src/lib.rs", import.meta.url), "utf8").matchAll(/<Route path=path!\("([^"]+)"\)/g)].map(([, path]) => path!);

/** Whether an address belongs to a route. */
const belongs = (address: string, route: string) => new RegExp(`^${route.replaceAll(/:\w+/g, "[^/]+")}(\\?|$)`).test(address);

test("every route is opened here, or it says where else", () => {
  expect(ROUTES.length).toBeGreaterThan(40);
  const addresses = Object.values(OPENED).flat();
  const known = (route: string) => route in TOLD || THINGS.some(([thing]) => thing === route) || addresses.some((address) => belongs(address, route));
  expect(ROUTES.filter((route) => !known(route)), "routes that nobody opens").toEqual([]);
  const named = [...Object.keys(TOLD), ...THINGS.map(([route]) => route)].filter((route) => !ROUTES.includes(route));
  const lost = addresses.filter((address) => !ROUTES.some((route) => belongs(address, route)));
  expect([...named, ...lost], "what is no route any more").toEqual([]);
});

/** Opens an address and looks at everything that can be wrong with a page. */
async function look(page: Page, address: string): Promise<void> {
  await page.goto(address);
  expect.soft(new URL(page.url()).pathname, "opened, not led elsewhere").toBe(address.split("?")[0]);
  // plain pages bring no code
  if (await page.locator("link[rel=modulepreload]").count()) await alive(page);
  await expect(page.locator("main .skeleton")).toHaveCount(0);
  await expect.soft(page.getByRole("heading", { level: 1 }), `headings of ${address}`).toHaveCount(1);
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect.soft(excess, `pixels by which ${address} is too wide`).toBeLessThanOrEqual(0);
  expect.soft(await violations(page), `accessibility of ${address}`).toEqual([]);
}

/** What a link on a page leads to. */
async function linked(page: Page, on: string, begins: string): Promise<string> {
  await page.goto(on);
  const link = page.locator(`main a[href^="${begins}"]`).first();
  return (await link.getAttribute("href"))!;
}

async function tour(browser: Browser, who: Who, theme: "light" | "dark", width: number, height: number): Promise<void> {
  const { page, done } = await stranger(browser, { colorScheme: theme, reducedMotion: "reduce" });
  // on a phone there is no sidebar that tells that one is in
  if (who !== "nobody") await comeIn(page, { email: who, password: PASSWORD });
  await page.setViewportSize({ width, height });
  const found = new Map<string, string>();
  for (const [route, , on, begins] of THINGS.filter(([, opener]) => opener === who)) found.set(route, await linked(page, found.get(on) ?? on, begins));
  for (const address of [...OPENED[who], ...found.values()]) await test.step(address, () => look(page, address));
  await done();
}

for (const theme of ["light", "dark"] as const) {
  for (const [width, height] of Object.entries(WIDTHS)) {
    test(`every page is whole, in ${theme} at ${width} pixels`, async ({ browser }) => {
      for (const who of Object.keys(OPENED) as Who[]) await test.step(who, () => tour(browser, who, theme, Number(width), height));
    });
  }
}
