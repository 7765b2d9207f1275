// What a newcomer does, one function per step, by the words on the screen. Journeys put the steps together; `look` is called
// on every page that was opened on the way.
import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { alive, canary, expect, visit } from "./support.ts";

export interface Person {
  name: string;
  email: string;
  password: string;
  company: string;
}

type Look = (page: Page) => Promise<void>;
const pass: Look = async () => {};

/** Somebody nobody has heard of: journeys run side by side on one database. */
export function somebody(name: string, company: string): Person {
  return { name, company, email: `${name.toLowerCase()}.${randomUUID().slice(0, 8)}@mail.example`, password: canary("password", "Str0ng-enough!") };
}

export async function fillRegistration(page: Page, person: Person): Promise<void> {
  await page.getByLabel("Your name").fill(person.name);
  await page.getByLabel("Work e-mail").fill(person.email);
  await page.getByLabel("Password", { exact: true }).fill(person.password);
  await page.getByLabel("Company name").fill(person.company);
}

/** Types into the sign-in page, which is plain HTML, and sends it. */
export async function fillSignIn(page: Page, { email, password }: Pick<Person, "email" | "password">): Promise<void> {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Signs in with a password that is enough. */
export async function comeIn(page: Page, person: Pick<Person, "email" | "password">): Promise<void> {
  await page.goto("/sign-in");
  await fillSignIn(page, person);
  await inside(page);
}

/** Waits until the frame of a page is there and alive. */
export async function inside(page: Page): Promise<void> {
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
  await alive(page);
}

/** The link in the newest mail to somebody that says this. */
export async function mailed(page: Page, email: string, says: string): Promise<string> {
  await page.goto("/dev/mail");
  const mail = page.getByRole("article").filter({ hasText: email }).filter({ hasText: says }).first();
  return (await mail.getByRole("link").first().getAttribute("href"))!;
}

/** From the first page to the mailbox: account, company type, e-mail. */
export async function register(page: Page, person: Person, look = pass): Promise<void> {
  await visit(page, "/register");
  await look(page);
  await fillRegistration(page, person);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("heading", { name: `What does ${person.company} do?` })).toBeVisible();
  await look(page);
  await page.getByRole("radio", { name: "E-commerce" }).check();
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("heading", { name: "Check your mail" })).toBeVisible();
  await look(page);
}

/** Finds the confirmation in the development mailbox and follows its link. */
export async function confirm(page: Page, person: Person, look = pass): Promise<void> {
  await page.getByRole("link", { name: "the mailbox" }).click();
  await expect(page.getByRole("heading", { name: "Mailbox" })).toBeVisible();
  await look(page);
  await page.getByRole("article").filter({ hasText: person.email }).getByRole("link").click();
  await expect(page.getByRole("heading", { name: "Your e-mail is confirmed" })).toBeVisible();
  await look(page);
  await page.getByRole("link", { name: "Open the dashboard" }).click();
  await expect(page.getByRole("heading", { name: `Welcome, ${person.name}` })).toBeVisible();
  await alive(page);
  await look(page);
}

/** Follows a link of the sidebar. */
export async function go(page: Page, name: string): Promise<void> {
  // the count of live calls belongs to the name of its link
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: new RegExp(`^${name}`) }).click();
  await expect(page.getByRole("heading", { level: 1, name, exact: true })).toBeVisible();
  await alive(page);
}

/** New companies call on weekdays; a journey must pass on a Sunday. */
export async function openAllWeek(page: Page, look = pass): Promise<void> {
  await go(page, "Settings");
  for (const day of ["Saturday", "Sunday"]) await page.getByLabel(day, { exact: true }).check();
  await look(page);
  await page.getByRole("button", { name: "Save settings" }).click();
  await expect(page.getByText("Settings saved")).toBeVisible();
}

/** Drops a file into the Import dialog; ends on the import's page with its columns. */
export async function dropFile(page: Page, name: string, text: string, look = pass): Promise<void> {
  await go(page, "Contacts");
  await look(page);
  await page.getByRole("button", { name: "Import", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Import contacts" });
  await expect(dialog).toBeVisible();
  await look(page);
  await dialog.getByLabel("Drop a file here").setInputFiles({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
}

/** Copies a template and publishes the copy. */
export async function publishAgent(page: Page, template: string, look = pass): Promise<string> {
  await go(page, "Agents");
  await look(page);
  await page.getByRole("button", { name: "New agent" }).click();
  const dialog = page.getByRole("dialog", { name: "Agent templates" });
  const use = dialog.getByRole("button", { name: `Use template ${template}` });
  await expect(use).toBeVisible();
  await look(page);
  await use.click();
  await expect(page.getByRole("heading", { level: 1, name: template })).toBeVisible();
  await look(page);
  await page.getByRole("button", { name: "Publish" }).click();
  await expect(page.getByText("Published v1")).toBeVisible();
  return new URL(page.url()).pathname;
}

export interface Plan {
  name: string;
  segment: string;
  agent: string;
  contacts: number;
  budget: number;
}

/** Walks through the campaign dialog up to its review. Waits are a minute, which is a second in the sandbox. */
export async function planCampaign(page: Page, plan: Plan, look = pass): Promise<void> {
  await go(page, "Campaigns");
  await look(page);
  await page.getByRole("button", { name: "New campaign" }).first().click();
  const dialog = page.getByRole("dialog", { name: "New campaign" });
  await dialog.getByLabel("Name", { exact: true }).fill(plan.name);
  await look(page);
  await dialog.getByRole("button", { name: "Continue to audience" }).click();
  await dialog.getByRole("radio", { name: "A segment" }).check();
  await dialog.getByLabel("Segment", { exact: true }).selectOption(plan.segment);
  await expect(dialog.getByText(`${plan.contacts} contacts`)).toBeVisible();
  await look(page);
  await dialog.getByRole("button", { name: "Continue to agent" }).click();
  await dialog.getByLabel("Agent", { exact: true }).selectOption({ label: plan.agent });
  await look(page);
  await dialog.getByRole("button", { name: "Continue to schedule" }).click();
  await look(page);
  await dialog.getByRole("button", { name: "Continue to calling" }).click();
  await dialog.getByLabel("Calls at once").fill("3");
  await dialog.getByLabel("Longest call, minutes").fill("2");
  await dialog.getByLabel("Budget, credits").fill(String(plan.budget));
  for (const outcome of ["Busy", "No answer", "Voicemail"]) await dialog.getByLabel(`Minutes to wait after ${outcome}`).fill("1");
  await dialog.getByLabel("Retries after No answer").fill("1");
  await dialog.getByLabel("Retries after Rejected").fill("0");
  await look(page);
  await dialog.getByRole("button", { name: "Save and review" }).click();
  await expect(dialog.getByText("Ready to launch.")).toBeVisible();
  await expect(dialog.getByText("All passed")).toBeVisible();
  await look(page);
}

/** From the review to the running campaign; returns its address. */
export async function launch(page: Page, plan: Plan, look = pass): Promise<string> {
  await page.getByRole("dialog", { name: "New campaign" }).getByRole("button", { name: "Launch…" }).click();
  const question = page.getByRole("dialog", { name: `Launch ${plan.name}?` });
  const yes = question.getByRole("button", { name: `Launch with ${plan.contacts} contacts` });
  await expect(yes).toBeVisible();
  await look(page);
  await yes.click();
  await expect(page.getByRole("heading", { level: 1, name: plan.name })).toBeVisible();
  await expect(page).toHaveURL(/\/campaigns\/cmp_/);
  return new URL(page.url()).pathname;
}
