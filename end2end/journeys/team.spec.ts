// Who may come in, and what they see: a viewer who is asked in by mail and sees no button they may not press, a second factor
// from its picture to the next sign-in, and a password that was forgotten.
import { createHmac } from "node:crypto";
import type { Page } from "@playwright/test";
import { confirm, go, register, somebody } from "../steps.ts";
import { expect, expectAccessible, stranger, test, visit } from "../support.ts";

/** The link of the newest mail to somebody. */
async function mailed(page: Page, email: string): Promise<string> {
  await page.goto("/dev/mail");
  const link = page.getByRole("article").filter({ hasText: email }).first().getByRole("link").first();
  return (await link.getAttribute("href"))!;
}

/** What an authenticator app makes of a key, by RFC 6238. */
function code(key: string, at = Date.now()): string {
  const bits = [...key.replaceAll(" ", "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const bytes = Buffer.from(bits.match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac("sha1", bytes).update(step).digest();
  const from = mac[19] & 15;
  return String((mac.readUInt32BE(from) & 0x7fff_ffff) % 1_000_000).padStart(6, "0");
}

test("a viewer is asked in, sees nothing they may not press, forgets the password and signs in with a code", async ({ page, browser }) => {
  const ada = somebody("Ada", "Lighthouse");
  const vic = { ...somebody("Vic", "Lighthouse"), password: "Str0ng-enough!" };
  await register(page, ada);
  await confirm(page, ada);

  await test.step("ask somebody in", async () => {
    await go(page, "Team");
    await page.getByLabel("E-mail").fill(vic.email);
    await page.getByLabel("Role", { exact: true }).selectOption("viewer");
    await page.getByRole("button", { name: "Send invite" }).click();
    await expect(page.getByRole("row", { name: new RegExp(vic.email) })).toBeVisible();
    await expectAccessible(page);
  });

  const { page: other, done } = await stranger(browser);
  await test.step("come in, and see no button that is not for a viewer", async () => {
    await other.goto(await mailed(other, vic.email));
    await other.getByLabel("Your name").fill("Vic");
    await other.getByLabel("Password", { exact: true }).fill(vic.password);
    await other.getByRole("button", { name: "Create account and join" }).click();
    await expect(other.getByRole("navigation", { name: "Main" })).toBeVisible();
    const main = other.getByRole("navigation", { name: "Main" });
    for (const hidden of ["Team", "Billing", "Settings", "Imports"]) {
      await expect(main.getByRole("link", { name: hidden })).toHaveCount(0);
    }
    await visit(other, "/campaigns");
    await expect(other.getByRole("button", { name: /New campaign/ })).toHaveCount(0);
  });

  let key = "";
  await test.step("set up a second factor", async () => {
    await visit(other, "/account");
    await expectAccessible(other);
    await other.getByRole("link", { name: "Set it up" }).click();
    await expect(other.getByRole("img", { name: /Picture to scan/ })).toBeVisible();
    key = (await other.locator("code").innerText()).trim();
    await expectAccessible(other);
    await other.getByLabel("Code").fill("000000");
    await other.getByLabel("Password", { exact: true }).fill(vic.password);
    await other.getByRole("button", { name: "Turn on" }).click();
    await expect(other.getByText("This code is not right")).toBeVisible();
    await other.getByLabel("Code").fill(code(key));
    await other.getByRole("button", { name: "Turn on" }).click();
    await expect(other.getByText("On: you sign in with your password and a code of your app.")).toBeVisible();
  });

  await test.step("forget the password", async () => {
    await other.context().clearCookies();
    await visit(other, "/sign-in");
    await other.getByRole("link", { name: "Forgotten?" }).click();
    await other.getByLabel("E-mail").fill(vic.email);
    await other.getByRole("button", { name: "Send the link" }).click();
    await expect(other.getByText("a mail is on its way")).toBeVisible();
    // The worker writes the mail a moment later.
    await expect(async () => expect(await mailed(other, vic.email)).toContain("/reset?token=")).toPass({ timeout: 15_000 });
    await other.goto(await mailed(other, vic.email));
    await other.getByLabel("New password").fill("Even-str0nger!");
    await other.getByRole("button", { name: "Set password" }).click();
    await expect(other.getByText("Your password is changed.")).toBeVisible();
  });

  await test.step("sign in with the new one and the next code", async () => {
    await other.getByLabel("E-mail").fill(vic.email);
    await other.getByLabel("Password", { exact: true }).fill("Even-str0nger!");
    await other.getByRole("button", { name: "Sign in" }).click();
    await expect(other.getByRole("heading", { name: "Your code" })).toBeVisible();
    // The code that turned it on is used up; a clock may be half a minute ahead.
    await other.getByLabel("Code").fill(code(key, Date.now() + 30_000));
    await other.getByRole("button", { name: "Sign in" }).click();
    await expect(other.getByRole("navigation", { name: "Main" })).toBeVisible();
  });
  await done();

  await test.step("take them out again", async () => {
    await visit(page, "/team");
    const row = page.getByRole("row", { name: new RegExp(vic.email) });
    await row.getByText("Manage").click();
    await row.getByRole("button", { name: "Take out of the team" }).click();
    await expect(page.getByText(vic.email)).toHaveCount(0);
  });
});
