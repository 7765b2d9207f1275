// One's own account: a second factor, a forgotten password, another company, and a company that is suspended.
import { createHmac } from "node:crypto";
import type { Page } from "@playwright/test";
import { comeIn, confirm, fillSignIn, go, inside, mailed, register, somebody } from "../steps.ts";
import { expect, expectAccessible, stranger, test, visit } from "../support.ts";

const ROOT = { email: "robin@belfry.example", password: "Belfry-demo-1" };
const STEP_MS = 30_000;

/** What an authenticator app shows for a key as it is written on the page (RFC 6238: SHA-1, six digits, half a minute). */
function code(key: string, step: number): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...key.replaceAll(" ", "")].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const secret = Buffer.from(bits.match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac("sha1", secret).update(counter).digest();
  const at = hash[19] & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
const now = () => Math.floor(Date.now() / STEP_MS);

const signOut = async (page: Page) => {
  await page.getByRole("button", { name: "Profile menu" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/sign-in$/);
};

test("a second factor is set up, asked for, and replaced by a recovery code", async ({ page }) => {
  const quinn = somebody("Quinn", "Quick Quays");
  await register(page, quinn);
  await confirm(page, quinn);
  await visit(page, "/account");
  await page.getByRole("link", { name: "Set it up" }).click();
  await expect(page.getByRole("img", { name: "Picture to scan; the key below says the same" })).toBeVisible();
  const key = await page.locator("code").innerText();
  const recovery = await page.locator("ul li").allInnerTexts();
  expect(recovery).toHaveLength(10);
  await page.getByLabel("Code").fill("000000");
  await page.getByLabel("Password").fill(quinn.password);
  await page.getByRole("button", { name: "Turn on" }).click();
  await expect(page.getByText("This code is not right")).toBeVisible();
  await expectAccessible(page);
  // a code of the next step is taken too: the sign-in below need not wait for it
  await page.getByLabel("Code").fill(code(key, now()));
  await page.getByLabel("Password").fill(quinn.password);
  await page.getByRole("button", { name: "Turn on" }).click();
  await expect(page.getByText("On: you sign in with your password and a code of your app.")).toBeVisible();

  await test.step("sign in with a code", async () => {
    await signOut(page);
    await page.goto("/sign-in?next=/contacts");
    await fillSignIn(page, quinn);
    await expect(page.getByRole("heading", { level: 1, name: "Your code" })).toBeVisible();
    await expectAccessible(page);
    await page.goto("/contacts");
    await expect(page, "half is not in").toHaveURL(/\/sign-in\?next=/);
    await fillSignIn(page, quinn);
    await page.getByLabel("Code").fill(code(key, now() + 1));
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL(/\/contacts$/);
    await inside(page);
  });

  await test.step("sign in with a recovery code, once", async () => {
    for (const [typed, right] of [[recovery[4].toUpperCase(), true], [recovery[4], false]] as const) {
      await page.context().clearCookies();
      await page.goto("/sign-in");
      await fillSignIn(page, quinn);
      await page.getByLabel("Code").fill(typed);
      await page.getByRole("button", { name: "Sign in" }).click();
      if (right) await inside(page);
      else await expect(page.getByText("This code is not right")).toBeVisible();
    }
    await page.getByLabel("Code").fill(recovery[0]);
    await page.getByRole("button", { name: "Sign in" }).click();
    await inside(page);
    await page.goto("/two-factor");
    await expect(page.getByText("8 recovery codes are left.")).toBeVisible();
    await expectAccessible(page);
  });
});

test("a forgotten password is chosen anew by mail, and ends what was open", async ({ page, browser }) => {
  const rhea = somebody("Rhea", "Red Roof");
  await register(page, rhea);
  const { page: phone, done } = await stranger(browser);
  await phone.goto("/sign-in");
  await phone.getByRole("link", { name: "Forgotten?" }).click();
  await phone.getByLabel("E-mail").fill(rhea.email);
  await phone.getByRole("button", { name: "Send the link" }).click();
  await expect(phone.getByText("a mail is on its way")).toBeVisible();
  await expectAccessible(phone);
  // a job looks the address up, so that the answer takes as long for everybody
  await expect(async () => {
    await phone.goto("/dev/mail");
    await expect(phone.getByRole("article").filter({ hasText: rhea.email }).filter({ hasText: "new password" })).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 20_000 });
  const link = await mailed(phone, rhea.email, "new password");
  await phone.goto(link);
  await phone.getByLabel("New password").fill("short");
  await phone.getByRole("button", { name: "Set password" }).click();
  await expect(phone.getByText("Use at least 8 characters.")).toBeVisible();
  await expectAccessible(phone);
  await phone.getByLabel("New password").fill("Str0nger-still!");
  await phone.getByRole("button", { name: "Set password" }).click();
  await expect(phone.getByText("Your password is changed.")).toBeVisible();

  await page.goto("/contacts");
  await expect(page, "every session ended").toHaveURL(/\/sign-in\?next=/);
  await fillSignIn(phone, rhea);
  await expect(phone.getByText("E-mail and password do not match.")).toBeVisible();
  await fillSignIn(phone, { ...rhea, password: "Str0nger-still!" });
  await inside(phone);
  await phone.goto(link);
  await phone.getByLabel("New password").fill("An0ther-word!");
  await phone.getByRole("button", { name: "Set password" }).click();
  await expect(phone.getByText("This link was used already.")).toBeVisible();
  await done();
});

test("somebody in two companies goes from one to the other and sees only that one", async ({ page, browser }) => {
  const [sven, tara] = [somebody("Sven", "Silver Sails"), somebody("Tara", "Tall Trees")];
  await register(page, sven);
  await confirm(page, sven);
  const { page: other, done } = await stranger(browser);
  await register(other, tara);
  await confirm(other, tara);
  await go(page, "Team");
  await page.getByLabel("E-mail").fill(tara.email);
  await page.getByLabel("Role", { exact: true }).selectOption("company_admin");
  await page.getByRole("button", { name: "Send invite" }).click();
  await expect(page.getByRole("row", { name: new RegExp(tara.email) })).toBeVisible();
  await other.goto(await mailed(other, tara.email, "invites you"));
  await expectAccessible(other);
  await other.getByRole("button", { name: "Join the team" }).click();
  await inside(other);

  const frame = other.getByRole("complementary", { name: "Sidebar" });
  const switchTo = async (company: string) => {
    await frame.getByRole("button", { name: "Switch company" }).click();
    await expectAccessible(other);
    await other.getByRole("menuitem", { name: new RegExp(company) }).click();
    await expect(frame.getByText(company).first()).toBeVisible();
  };
  await expect(frame.getByText(sven.company).first()).toBeVisible();
  await switchTo(tara.company);
  await inside(other);
  await go(other, "Team");
  await expect(other.getByText(sven.email), "the other team is not here").toHaveCount(0);
  await switchTo(sven.company);
  await inside(other);
  await go(other, "Team");
  await expect(other.getByText(sven.email).first()).toBeVisible();
  await done();
});

test("a suspended company is shut until it is reinstated", async ({ page, browser }) => {
  const uma = somebody("Uma", `Umber ${Date.now()}`);
  await register(page, uma);
  await confirm(page, uma);
  const { page: root, done } = await stranger(browser);
  await comeIn(root, ROOT);
  const client = async () => {
    await visit(root, `/admin/clients?q=${encodeURIComponent(uma.company)}`);
    const row = root.getByRole("row", { name: new RegExp(uma.company) });
    await row.getByText("Manage").click();
    return row;
  };

  await test.step("suspended: the page says why, and nothing else is there", async () => {
    const row = await client();
    await row.getByLabel("Reason").fill("Invoice 17 is open.");
    await expectAccessible(root);
    await row.getByRole("button", { name: "Suspend" }).click();
    await expect(root.getByText("Suspended, and its campaigns paused")).toBeVisible();
    for (const path of ["/contacts", "/campaigns", "/account"]) {
      await page.goto(path);
      await expect(page.getByRole("heading", { level: 1, name: `${uma.company} is suspended` })).toBeVisible();
      await expect(page.getByText("Invoice 17 is open.")).toBeVisible();
    }
    await expectAccessible(page);
    for (const path of ["/fn/app/contacts/list/list_contacts", "/fn/app/account/load_account"]) {
      const answer = await page.request.post(path, { data: { filter: {} }, headers: { "sec-fetch-site": "same-origin" } });
      expect(answer.status(), path).toBe(401);
    }
    await page.context().clearCookies();
    await page.goto("/sign-in");
    await fillSignIn(page, uma);
    await expect(page.getByRole("heading", { level: 1, name: `${uma.company} is suspended` })).toBeVisible();
  });

  await test.step("reinstated: everything is as it was", async () => {
    await (await client()).getByRole("button", { name: "Reinstate" }).click();
    await expect(root.getByText("Reinstated")).toBeVisible();
    await visit(page, "/contacts");
    await expect(page.getByRole("heading", { level: 1, name: "Contacts" })).toBeVisible();
  });
  await done();
});
