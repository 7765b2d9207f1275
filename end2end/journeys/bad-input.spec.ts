// Mistakes: each is told where it was made and in words that help, and nothing else happens.
import { csv, phone } from "../people.mjs";
import { dropFile, fillRegistration, fillSignIn, register, somebody } from "../steps.ts";
import { expect, expectAccessible, test, visit } from "../support.ts";

test("wrong login, weak password, taken e-mail", async ({ page, context }) => {
  const emil = somebody("Emil", "Second Thoughts");
  await register(page, emil);
  await context.clearCookies();

  await page.goto("/sign-in");
  // the same words for a wrong password and for nobody: who has an account is nobody's business
  for (const [email, password] of [[emil.email, "wrong-pass1!"], ["nobody@mail.example", emil.password]]) {
    await fillSignIn(page, { email, password });
    await expect(page.getByText("E-mail and password do not match.")).toBeVisible();
    await expect(page.getByLabel("Password", { exact: true })).toHaveAttribute("aria-invalid", "true");
  }
  await expectAccessible(page);

  await visit(page, "/register");
  await fillRegistration(page, { ...somebody("Fay", "Weak"), password: "password" });
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByText("Use a letter, a digit and a special character.")).toBeVisible();
  await expect(page).toHaveURL(/\/register/);
  await fillRegistration(page, { ...emil, email: emil.email.toUpperCase() });
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByText("An account with this e-mail exists. Sign in instead.")).toBeVisible();
  await expectAccessible(page);
});

test("files that cannot be imported say why", async ({ page }) => {
  await register(page, somebody("Gus", "Odd Files"));
  await page.getByRole("link", { name: "Open the dashboard" }).click();
  const dialog = page.getByRole("dialog", { name: "Import contacts" });
  const again = async (name: string, text: string, problem: string | RegExp) => {
    await dialog.getByLabel(/Drop a file here|\.csv/).setInputFiles({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
    await expect(dialog.getByText(problem)).toBeVisible();
  };
  await dropFile(page, "empty.csv", "");
  await expect(dialog.getByText("The file is empty.")).toBeVisible();
  await again("twice.csv", csv(["name", "phone", "Name"], [["A", phone(415, 555, "0001"), "B"]]), "Columns 1 and 3 are both called “Name”. Give each its own name.");
  await again("header.csv", csv(["name", "phone"], []), "The file has a header and no rows.");
  await again("book.csv", "PK\u0003\u0004 and the rest of a workbook", /This is a workbook/);
  await expectAccessible(page);
  await visit(page, "/imports");
  await expect(page.getByText("No imports yet")).toBeVisible();
  await visit(page, "/imports/imp_0191d2c4a5b67c8d9e0f112233445566");
  await expect(page.getByText("This import does not exist or is not yours.")).toBeVisible();
  await page.goto("/nowhere");
  await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
});
