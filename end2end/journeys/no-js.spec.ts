// Without scripts: every page reads, and forms are sent as browsers sent them in 1995.
import { csv, ENDINGS, noonZone, phone } from "../people.mjs";
import { fillRegistration, somebody } from "../steps.ts";
import { expect, test } from "../support.ts";

test.use({ javaScriptEnabled: false });

test("a company can be opened, fed and read without scripts", async ({ page }) => {
  const dora = somebody("Dora", "Plain Paper");

  await test.step("register and sign in again", async () => {
    await page.goto("/register");
    await fillRegistration(page, dora);
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByRole("radio", { name: "Something else" }).check();
    await page.getByRole("button", { name: "Continue" }).click();
    await expect(page.getByRole("heading", { name: "Check your mail" })).toBeVisible();
    await page.context().clearCookies();
    await page.goto("/contacts");
    await expect(page).toHaveURL(/\/sign-in\?next=/);
    await page.getByLabel("E-mail").fill(dora.email);
    await page.getByLabel("Password", { exact: true }).fill("not-her-pass1");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByText("do not match")).toBeVisible();
    await page.getByLabel("E-mail").fill(dora.email);
    await page.getByLabel("Password", { exact: true }).fill(dora.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByText("Plain Paper").first()).toBeVisible();
  });

  await test.step("import a file", async () => {
    await page.goto("/imports/new");
    const rows = [["Edna", phone(503, 555, ENDINGS.human), noonZone()], ["Fritz", phone(503, 555, ENDINGS.busy), noonZone()]];
    await page.getByLabel("File", { exact: true }).setInputFiles({ name: "plain.csv", mimeType: "text/csv", buffer: Buffer.from(csv(["name", "phone", "time zone"], rows)) });
    await page.getByRole("button", { name: "Upload file" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "plain.csv" })).toBeVisible();
    await page.getByRole("button", { name: "Check file" }).click();
    const seen = (text: string) => expect(async () => {
      await page.reload();
      await expect(page.getByText(text).first()).toBeVisible({ timeout: 500 });
    }).toPass({ timeout: 15_000 });
    await seen("What would happen");
    await page.getByRole("button", { name: "Import 2 contacts" }).click();
    await seen("2 contacts are here.");
  });

  await test.step("read and search lists", async () => {
    await page.goto("/contacts");
    await expect(page.getByRole("row", { name: /Edna/ })).toBeVisible();
    await page.getByPlaceholder("Start of a name or number").fill("Fri");
    await page.getByRole("button", { name: "Apply" }).click();
    await expect(page.getByRole("row", { name: /Fritz/ })).toBeVisible();
    await expect(page.getByRole("row", { name: /Edna/ })).toHaveCount(0);
    for (const place of ["Dashboard", "Campaigns", "Imports", "Agents", "Calls", "Suppressions", "Billing", "Events", "Settings"]) {
      await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: place }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(place === "Dashboard" ? "Welcome, Dora" : place);
    }
  });

  await test.step("a form that is refused keeps what was typed, except secrets", async () => {
    await page.goto("/settings/gateways/new?provider=retell");
    const form = page.locator("main form").filter({ has: page.getByRole("button", { name: "Connect" }) });
    await expect(form.getByLabel("API key", { exact: true })).toBeHidden();
    await form.getByLabel("Phones").selectOption("real");
    await form.getByLabel("API key", { exact: true }).fill("of-nobody");
    await form.getByLabel("Calls at once").fill("0");
    await form.getByLabel("Name").fill("Typed once");
    await form.getByRole("button", { name: "Connect" }).click();
    await expect(page.getByText("Enter 1 to 1000.")).toBeVisible();
    await expect(form.getByLabel("Name")).toHaveValue("Typed once");
    await expect(form.getByLabel("API key", { exact: true })).toBeVisible();
    await expect(form.getByLabel("API key", { exact: true })).toHaveValue("");
    await page.goto("/forgot/");
    await expect(page.locator("script[src], link[rel=modulepreload]")).toHaveCount(0);
    await page.goto("/sign-in/code");
    await expect(page).not.toHaveURL(/code/);
    await page.goto("/settings");
  });

  await test.step("send a form", async () => {
    await page.getByLabel("Name", { exact: true }).fill("Plainer Paper");
    await page.getByRole("button", { name: "Save settings" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Settings" })).toBeVisible();
    await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Plainer Paper");
  });
});
