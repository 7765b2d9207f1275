// Who may come in, and what they see: a viewer who is asked in by mail and sees no button they may not press.
import { confirm, go, mailed, register, somebody } from "../steps.ts";
import { expect, expectAccessible, stranger, test, visit } from "../support.ts";

test("a viewer is asked in and sees nothing they may not press", async ({ page, browser }) => {
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
    await expect(page.getByLabel("E-mail")).toHaveValue("");
    await expectAccessible(page);
  });

  const { page: other, done } = await stranger(browser);
  await test.step("come in, and see no button that is not for a viewer", async () => {
    await other.goto(await mailed(other, vic.email, "invites you"));
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

  await done();
});
