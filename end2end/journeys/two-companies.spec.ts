// Two companies do the main job at the same time, in two browsers; then each looks for what belongs to the other.
import type { Browser, Page } from "@playwright/test";
import { csv, ENDINGS, noonZone, phone } from "../people.mjs";
import { confirm, dropFile, go, launch, openAllWeek, planCampaign, publishAgent, register, somebody, type Person } from "../steps.ts";
import { amount, expect, figure, gremlinUrl, stranger, test, visit } from "../support.ts";

interface Company {
  person: Person;
  /** Stands in the name of everything it has. */
  mark: string;
  area: number;
}

const COMPANIES: Company[] = [
  { person: somebody("Bruno", "Harbor Dental"), mark: "Harbor", area: 206 },
  { person: somebody("Carla", "Cedar Homes"), mark: "Cedar", area: 312 },
];
const PLACES = ["/contacts", "/imports", "/agents", "/campaigns", "/calls", "/suppressions", "/billing", "/events"];
const CALLED = [ENDINGS.human, ENDINGS.busyOnce, ENDINGS.presses9, ENDINGS.voicemail];
const WELCOME = 20;

/** The main job, and the addresses of what came of it. */
async function run(page: Page, { person, mark, area }: Company): Promise<string[]> {
  await register(page, person);
  await confirm(page, person);
  await openAllWeek(page);
  const rows = CALLED.map((ending) => [`${mark} ${ending}`, phone(area, 555, ending), noonZone(), mark]);
  await dropFile(page, `${mark}.csv`, csv(["name", "phone", "time zone", "segment"], rows));
  await page.getByRole("button", { name: "Check file" }).click();
  await page.getByRole("button", { name: `Import ${rows.length} contacts` }).click();
  await expect(page.getByText(`${rows.length} contacts are here.`)).toBeVisible();
  const addresses = [new URL(page.url()).pathname, await publishAgent(page, "Marcus")];
  const plan = { name: `${mark} spring`, segment: mark, agent: "Marcus", contacts: rows.length, budget: 12 };
  await planCampaign(page, plan);
  addresses.push(await launch(page, plan));
  await expect(page.getByText(`${rows.length} of ${rows.length} contacts finished`)).toBeVisible({ timeout: 110_000 });
  await go(page, "Calls");
  await page.getByRole("link", { name: `${mark} ${ENDINGS.human}` }).click();
  await expect(page.getByRole("heading", { level: 1, name: `${mark} ${ENDINGS.human}` })).toBeVisible();
  return [...addresses, new URL(page.url()).pathname];
}

async function join(browser: Browser, company: Company) {
  const { page, done } = await stranger(browser);
  return { company, page, done, addresses: await run(page, company) };
}

test("two companies at once, and neither sees the other", async ({ browser }) => {
  test.setTimeout(240_000);
  const [one, other] = await Promise.all(COMPANIES.map((company) => join(browser, company)));
  for (const [me, them] of [[one, other], [other, one]]) {
    for (const place of PLACES) {
      const html = await (await me.page.request.get(place)).text();
      expect(html, `${place} of ${me.company.mark} shows its own`).toContain(place === "/suppressions" ? String(me.company.area) : me.company.mark);
      expect(html, `${place} of ${me.company.mark}`).not.toContain(them.company.mark);
      expect(html, `${place} of ${me.company.mark}`).not.toMatch(new RegExp(`\\+1 ?${them.company.area}`));
    }
    for (const address of them.addresses) {
      const html = await (await me.page.request.get(address)).text();
      expect(html, `${address} for ${me.company.mark}`).toContain("does not exist or is not yours");
      expect(html, `${address} for ${me.company.mark}`).not.toContain(them.company.mark);
    }
    // and as a person would see it
    await visit(me.page, them.addresses[2]);
    await expect(me.page.getByText("This campaign does not exist or is not yours.")).toBeVisible();
    await go(me.page, "Billing");
    const [available, spent] = [figure(me.page, "Credits", "Available"), figure(me.page, "Credits", "Spent")];
    await expect(figure(me.page, "Credits", "Reserved")).toHaveText(/^0\.000/);
    expect((await amount(available)) + (await amount(spent))).toBeCloseTo(WELCOME, 3);
    await me.done();
  }
  const { twice } = await (await fetch(`${gremlinUrl}/control/rings`)).json();
  expect(twice).toEqual([]);
});
