// Without a mouse: a file is imported, a campaign made and launched. Every step goes where the Tab key leads, and at every stop
// on the way it can be seen what has the focus.
import type { Locator, Page } from "@playwright/test";
import { csv, ENDINGS, noonZone, phone } from "../people.mjs";
import { confirm, openAllWeek, publishAgent, register, somebody } from "../steps.ts";
import { alive, expect, test } from "../support.ts";

// focus fades in otherwise, and a stop may be shorter than that
test.use({ contextOptions: { reducedMotion: "reduce" } });

/** More stops than any page or dialog has. */
const STOPS_MAX = 150;
const SEGMENT = "By hand";
const PEOPLE = [["Kit", ENDINGS.human], ["Lou", ENDINGS.busy]] as const;

/** Presses Tab until `target` has the focus. Everything that has it on the way must show it. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeAttached();
  for (let stop = 0; stop < STOPS_MAX; stop++) {
    await page.keyboard.press("Tab");
    const { arrived, hidden } = await target.evaluate((wanted) => {
      const focused = document.activeElement;
      if (!focused || focused === document.body) return { arrived: false, hidden: null };
      // an outline, or a ring of two pixels and more: around it, or around the field, choice or drop zone that it is a part of
      const isSeen = (element: Element) => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
        return (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) || [...boxShadow.matchAll(/0px 0px 0px (\d+)px/g)].some(([, spread]) => Number(spread) >= 2);
      };
      let shown = isSeen(focused);
      for (let around = focused.parentElement; around && !shown && around !== document.body; around = around.parentElement) {
        shown = around.matches("label, .drop, .choice") && isSeen(around);
      }
      return { arrived: focused === wanted, hidden: shown ? null : focused.outerHTML.slice(0, 200) };
    });
    expect.soft(hidden, "what has the focus and does not show it").toBeNull();
    if (arrived) return;
  }
  throw new Error(`Tab never led to ${target}`);
}

/** Goes there and presses it. */
async function press(page: Page, target: Locator): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press("Enter");
}

/** Goes there and replaces what it says; in a list, that letter by letter chooses. */
async function type(page: Page, target: Locator, text: string): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.type(text);
}

/** Of a group Tab reaches the one that is chosen; arrows lead to the others. */
async function choose(page: Page, group: Locator, name: string): Promise<void> {
  await tabTo(page, group.locator(":checked"));
  const wanted = group.page().getByRole("radio", { name });
  for (let step = 0; step < 10 && !(await wanted.isChecked()); step++) await page.keyboard.press("ArrowDown");
  await expect(wanted).toBeChecked();
}

/** Follows a link of the sidebar. */
async function follow(page: Page, name: string): Promise<void> {
  await press(page, page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: new RegExp(`^${name}`) }));
  await expect(page.getByRole("heading", { level: 1, name, exact: true })).toBeVisible();
  await alive(page);
}

async function importFile(page: Page): Promise<void> {
  await follow(page, "Contacts");
  await press(page, page.getByRole("button", { name: "Import", exact: true }));
  const drop = page.getByRole("dialog", { name: "Import contacts" }).getByLabel("Drop a file here");
  await tabTo(page, drop);
  const asked = page.waitForEvent("filechooser");
  await page.keyboard.press("Enter");
  const rows = PEOPLE.map(([name, ending]) => [name, phone(628, 555, ending), noonZone(), SEGMENT]);
  await (await asked).setFiles({ name: "hands.csv", mimeType: "text/csv", buffer: Buffer.from(csv(["Name", "Phone", "Time zone", "Segment"], rows)) });
  await expect(page.getByRole("heading", { level: 1, name: "hands.csv" })).toBeVisible();
  await press(page, page.getByRole("button", { name: "Check file" }));
  await press(page, page.getByRole("button", { name: "Import 2 contacts" }));
  await expect(page.getByText("2 contacts are here.")).toBeVisible({ timeout: 60_000 });
}

async function launchCampaign(page: Page, name: string, agent: string): Promise<void> {
  await follow(page, "Campaigns");
  await press(page, page.getByRole("button", { name: "New campaign" }).first());
  const dialog = page.getByRole("dialog", { name: "New campaign" });
  const next = (to: string) => press(page, dialog.getByRole("button", { name: to }));
  await type(page, dialog.getByLabel("Name", { exact: true }), name);
  await next("Continue to audience");
  await choose(page, dialog.getByRole("radio").first().locator("xpath=ancestor::fieldset"), "A segment");
  await type(page, dialog.getByLabel("Segment", { exact: true }), SEGMENT);
  await expect(dialog.getByText("2 contacts")).toBeVisible();
  await next("Continue to agent");
  await type(page, dialog.getByLabel("Agent", { exact: true }), agent);
  await next("Continue to schedule");
  await next("Continue to calling");
  await type(page, dialog.getByLabel("Budget, credits"), "10");
  await next("Save and review");
  await expect(dialog.getByText("Ready to launch.")).toBeVisible();
  await next("Launch…");
  const question = page.getByRole("dialog", { name: `Launch ${name}?` });
  await press(page, question.getByRole("button", { name: "Launch with 2 contacts" }));
  await expect(page).toHaveURL(/\/campaigns\/cmp_/);
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(page.getByRole("main").getByText(/^(Running|Completed)$/).first()).toBeVisible();
}

test("a file is imported, and a campaign made and launched, by keyboard alone", async ({ page }) => {
  const kim = somebody("Kim", "Ten Fingers");
  await test.step("a company with an agent", async () => {
    await register(page, kim);
    await confirm(page, kim);
    await openAllWeek(page);
    await publishAgent(page, "Nora");
  });
  await test.step("import a file", () => importFile(page));
  await test.step("create and launch a campaign", () => launchCampaign(page, "By keyboard", "Nora"));
});
