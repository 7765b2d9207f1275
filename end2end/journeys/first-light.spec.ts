// The main job: from sign-up to a finished campaign, by the words on the screen and nothing else.
import type { Page } from "@playwright/test";
import { csv, ENDINGS, noonZone, phone, shown } from "../people.mjs";
import { confirm, dropFile, go, launch, openAllWeek, planCampaign, publishAgent, register, somebody } from "../steps.ts";
import { amount, expect, expectAccessible, figure, gremlinUrl, test } from "../support.ts";

const AREA = 415;
const SEGMENT = "First light";
/** Granted to a new company. */
const WELCOME = 20;
/** So many rows that the progress of their import can be seen. */
const BYSTANDERS = 20_000;

/** Who is called, what their phone does, and what the campaign must make of it: attempts and state. */
const CALLED = [
  { name: "Hana Picks-up", ending: ENDINGS.human, attempts: 1, state: "Reached" },
  { name: "Bela Busy", ending: ENDINGS.busy, attempts: 3, state: "Not reached" },
  { name: "Noor Away", ending: ENDINGS.noAnswer, attempts: 2, state: "Not reached" },
  { name: "Vera Voicemail", ending: ENDINGS.voicemail, attempts: 2, state: "Not reached" },
  { name: "Rita Refused", ending: ENDINGS.refused, attempts: 1, state: "Not reached" },
  { name: "Nina Presses-nine", ending: ENDINGS.presses9, attempts: 1, state: "Opted out" },
  { name: "Tom Busy-then-home", ending: ENDINGS.busyOnce, attempts: 2, state: "Reached" },
  { name: "Hugo Hangs-up", ending: ENDINGS.hangsUp, attempts: 1, state: "Not reached" },
];

/** "Contact no" is a name that nobody guesses, so that one column has to be mapped by hand. */
function file(): string {
  const called = CALLED.map(({ name, ending }) => [name, phone(AREA, 555, ending), noonZone(), SEGMENT]);
  const twice = [["Hana Again", phone(AREA, 555, ENDINGS.human), noonZone(), SEGMENT]];
  const broken = [["Nobody", "12", noonZone(), SEGMENT]];
  const others = Array.from({ length: BYSTANDERS }, (_, i) => [`Bystander ${i}`, phone(212, 200 + Math.floor(i / 9000), 1000 + (i % 9000)), "", "Later"]);
  return csv(["Name", "Contact no", "Time zone", "Segment"], [...called, ...twice, ...broken, ...others]);
}

const look = expectAccessible;
const plan = { name: "First light", segment: SEGMENT, agent: "Nora", contacts: CALLED.length, budget: 14 };
const calls = CALLED.reduce((sum, { attempts }) => sum + attempts, 0);

async function importContacts(page: Page): Promise<void> {
  await openAllWeek(page, look);
  await dropFile(page, "readers.csv", file(), look);
  await expect(page.getByRole("heading", { level: 1, name: "readers.csv" })).toBeVisible();
  await expect(page.getByText("Choose the column that holds phone.").first()).toBeVisible();
  await look(page);
  await page.getByLabel("Field for column Contact no").selectOption({ label: "Phone (needed)" });
  await page.getByRole("button", { name: "Check file" }).click();
  await expect(page.getByRole("heading", { name: "What would happen" })).toBeVisible({ timeout: 60_000 });
  for (const [name, count] of [["Rows read", "20,010"], ["New contacts", "20,008"], ["Duplicates", "1"], ["Problems", "1"]]) {
    await expect(figure(page, "Counts of the check", name)).toHaveText(count);
  }
  await look(page);
  await page.getByRole("button", { name: "Import 20,008 contacts" }).click();
  await expect(page.getByText(/^\d+% · [\d,]+ rows/)).toBeVisible();
  await expect(page.getByText("20,008 contacts are here.")).toBeVisible({ timeout: 60_000 });
  await look(page);
  await go(page, "Imports");
  await expect(page.getByRole("row", { name: /readers\.csv/ }).getByText("Completed")).toBeVisible();
  await look(page);
}

async function watchToTheEnd(page: Page): Promise<void> {
  await page.evaluate(() => ((window as { kept?: boolean }).kept = true));
  await expect(page.getByRole("main").getByText("Running", { exact: true }).first()).toBeVisible();
  await expect(page.getByText(/^[1-7] of 8 contacts finished$/)).toBeVisible();
  await expect(page.getByText("8 of 8 contacts finished")).toBeVisible({ timeout: 110_000 });
  await expect(page.getByRole("main").getByText("Completed", { exact: true }).first()).toBeVisible();
  expect(await page.evaluate(() => (window as { kept?: boolean }).kept), "no reload").toBe(true);
  await look(page);
}

async function expectAttempts(page: Page): Promise<void> {
  const tabs = page.getByRole("navigation", { name: "Campaign", exact: true });
  await tabs.getByRole("link", { name: /^Enrollments/ }).click();
  for (const { name, attempts, state } of CALLED) {
    const row = page.getByRole("row", { name: new RegExp(name) });
    await expect(row.getByText(state, { exact: true })).toBeVisible();
    await expect(row.getByText(`${attempts} of 6`)).toBeVisible();
  }
  await look(page);
  for (const [tab, words] of [["Calls", "Tom Busy-then-home"], ["Settings", "Budget"], ["Events", "Campaign completed"]]) {
    await tabs.getByRole("link", { name: new RegExp(`^${tab}`) }).click();
    await expect(page.getByRole("main").getByText(words).first()).toBeVisible();
    await look(page);
  }
}

/** The sum of all movements of one kind, through the filter of the ledger. */
async function moved(page: Page, kind: string, label: string): Promise<number> {
  await page.getByLabel("Kind").selectOption(kind);
  const all = page.getByRole("table", { name: "Movements of credits" }).getByRole("row");
  const rows = all.filter({ hasText: label });
  await expect(rows.first()).toBeVisible();
  // nothing but this kind, and the head
  await expect(async () => expect(await all.count()).toBe((await rows.count()) + 1)).toPass();
  const cells = await Promise.all((await rows.all()).map((row) => row.getByRole("cell").nth(4).innerText()));
  return cells.map((text) => Number(text.replaceAll(/[^\d.]/g, ""))).reduce((sum, amount) => sum + amount, 0);
}

async function expectLedger(page: Page): Promise<void> {
  await go(page, "Billing");
  await expect(figure(page, "Credits", "Reserved")).toHaveText(/^0\.000/);
  await expect(figure(page, "Credits", "On calls")).toHaveText(/^0\.000/);
  const spent = await amount(figure(page, "Credits", "Spent"));
  expect(spent).toBeGreaterThan(0);
  expect((await amount(figure(page, "Credits", "Available"))) + spent).toBeCloseTo(WELCOME, 3);
  await look(page);
  const reserved = await moved(page, "reserve", "Reserved for campaign");
  const held = await moved(page, "hold", "Held for call");
  const captured = await moved(page, "capture", "Spent on call");
  const released = await moved(page, "release", "Released from call");
  const returned = await moved(page, "unreserve", "Returned from campaign");
  expect(captured).toBeCloseTo(spent, 3);
  expect(held).toBeCloseTo(captured + released, 3);
  expect(reserved).toBeCloseTo(captured + returned, 3);
}

async function expectTraces(page: Page): Promise<void> {
  await go(page, "Events");
  await look(page);
  for (const kind of ["Import completed", "Agent published", "Campaign launched", "Campaign completed", "Contact opted out", "Call ended"]) {
    await page.getByLabel("Kind").selectOption({ label: kind });
    await expect(page.getByRole("table", { name: "Events" }).getByRole("row").filter({ hasText: kind }).first()).toBeVisible();
  }
  await go(page, "Suppressions");
  await expect(page.getByRole("row", { name: shown(phone(AREA, 555, ENDINGS.presses9)) }).getByText("Pressed 9", { exact: true })).toBeVisible();
  await look(page);
  await go(page, "Calls");
  await expect(page.getByRole("table", { name: "Calls" }).getByRole("row")).toHaveCount(calls + 1);
  await look(page);
  await page.getByRole("link", { name: "Tom Busy-then-home" }).first().click();
  await expect(page.getByRole("heading", { level: 1, name: "Tom Busy-then-home" })).toBeVisible();
  await look(page);
  await go(page, "Dashboard");
  await expect(figure(page, "Figures of the period", "Calls")).toHaveText(String(calls));
  await look(page);
}

test("from sign-up to a finished campaign", async ({ page }) => {
  test.setTimeout(300_000);
  const ada = somebody("Ada", "Lantern Books");
  await test.step("register, choose a type", () => register(page, ada, look));
  await test.step("confirm the e-mail", () => confirm(page, ada, look));
  await test.step("import contacts", () => importContacts(page));
  await test.step("create an agent from a template and publish it", () => publishAgent(page, plan.agent, look));
  await test.step("create a campaign and see its check", () => planCampaign(page, plan, look));
  await test.step("launch", () => launch(page, plan, look));
  await test.step("watch it without a reload until it is completed", () => watchToTheEnd(page));
  await test.step("everybody was called as often as the plan says", () => expectAttempts(page));
  await test.step("what was not spent is back, and the ledger adds up", () => expectLedger(page));
  await test.step("events, do-not-call list, calls and dashboard know it", () => expectTraces(page));
  await test.step("no phone rang twice for one call", async () => {
    const { twice, by_to } = await (await fetch(`${gremlinUrl}/control/rings`)).json();
    expect(twice).toEqual([]);
    const busyOnce = by_to.find(({ to }: { to: string }) => to === phone(AREA, 555, ENDINGS.busyOnce));
    expect(busyOnce.dialed).toBe(2);
  });
});
