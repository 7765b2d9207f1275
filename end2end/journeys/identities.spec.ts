// Signing in with Google and LinkedIn, judged by somebody else's provider: oauth2-mock-server, which knows nothing of Belfry, signs
// the tokens and checks PKCE. It listens where `cargo xtask e2e` has told the server that both of them are.
import type { Page } from "@playwright/test";
import { OAuth2Server } from "oauth2-mock-server";
import { comeIn, confirm, fillSignIn, inside, mailed, register, somebody } from "../steps.ts";
import { expect, expectAccessible, stranger, test, visit } from "../support.ts";

test.describe.configure({ mode: "serial" });

const issuerUrl = process.env.ISSUER_URL!;
const provider = new OAuth2Server();
/** Who is signed in there, and what a browser is sent home with instead of a code. */
let claims: Record<string, unknown> = {};
let refusal: string | undefined;
/** What our server has sent to the token endpoint, without secrets. */
let exchanges: Record<string, unknown>[] = [];

test.beforeAll(async () => {
  const { port, hostname } = new URL(issuerUrl);
  await provider.issuer.keys.generate("RS256");
  await provider.start(Number(port), hostname);
  provider.issuer.url = issuerUrl;
  provider.service.on("beforeTokenSigning", (token) => Object.assign(token.payload, claims));
  provider.service.on("beforeResponse", (_, request) => {
    const { code_verifier, client_id } = request.body as unknown as Record<string, unknown>;
    exchanges.push({ client: client_id, pkce: code_verifier !== undefined, basic: request.headers.authorization !== undefined });
  });
  provider.service.on("beforeAuthorizeRedirect", ({ url }) => {
    if (!refusal) return;
    url.searchParams.delete("code");
    url.searchParams.set("error", refusal);
  });
});
test.beforeEach(() => {
  refusal = undefined;
  exchanges = [];
});
test.afterAll(async () => provider.stop());

const known = (person: { name: string; email: string }, subject: string, verified = true) => {
  claims = { sub: subject, name: person.name, email: person.email, email_verified: verified };
};

async function continueWith(page: Page, name: string, path = "/sign-in"): Promise<void> {
  await page.goto(path);
  await page.getByRole("link", { name: `Continue with ${name}` }).click();
}

test("somebody new registers with Google, and is known by it elsewhere", async ({ page, browser }) => {
  const nora = somebody("Nora", "North Pier");
  known(nora, `g-${nora.email}`);
  await page.goto("/sign-in");
  await expectAccessible(page);
  await continueWith(page, "Google");
  await expect(page.getByRole("heading", { level: 1, name: "Create an account" })).toBeVisible();
  await expect(page.getByLabel("Your name")).toHaveValue("Nora");
  await expect(page.getByLabel("Work e-mail")).toHaveValue(nora.email);
  await expectAccessible(page);
  await page.getByLabel("Company name").fill(nora.company);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("radio", { name: "E-commerce" }).check();
  await page.getByRole("button", { name: "Continue" }).click();
  await inside(page);
  await expect(page.getByText("before your first launch"), "Google has verified the address").toHaveCount(0);
  expect(exchanges).toEqual([{ client: "belfry-at-google", pkce: true, basic: false }]);

  const { page: phone, done } = await stranger(browser);
  await continueWith(phone, "Google", "/sign-in?next=/contacts");
  await expect(phone).toHaveURL(/\/contacts$/);
  await inside(phone);
  await expect(phone.getByText(nora.company).first()).toBeVisible();
  await done();
});

test("an account is linked to LinkedIn and signed in to by it, until it is unlinked", async ({ page, browser }) => {
  const otto = somebody("Otto", "Old Mill");
  await register(page, otto);
  await confirm(page, otto);
  // another address, and LinkedIn does not say whether anybody has seen it
  claims = { sub: `li-${otto.email}`, name: "Otto", email: `private-${otto.email}` };

  await visit(page, "/account");
  await page.getByRole("link", { name: "Link and unlink" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Google and LinkedIn" })).toBeVisible();
  await page.getByLabel("Password").fill("not-his-pass1");
  await page.getByRole("button", { name: "Link LinkedIn" }).click();
  await expect(page.getByText("This is not your password.")).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel("Password").fill(otto.password);
  await page.getByRole("button", { name: "Link LinkedIn" }).click();
  await expect(page.getByText(`private-${otto.email}`)).toBeVisible();
  await expectAccessible(page);
  expect(exchanges).toEqual([{ client: "belfry-at-linkedin", pkce: false, basic: false }]);
  expect(await mailed(page, otto.email, "Signing in with LinkedIn was linked")).toContain("/account");

  const { page: phone, done } = await stranger(browser);
  await continueWith(phone, "LinkedIn");
  await inside(phone);
  await expect(phone.getByText(otto.company).first()).toBeVisible();

  await page.goto("/account/identities");
  await page.getByRole("button", { name: "Unlink LinkedIn" }).click();
  await expect(page.getByText("Nothing is linked")).toBeVisible();
  await phone.context().clearCookies();
  await continueWith(phone, "LinkedIn");
  await expect(phone.getByRole("heading", { level: 1, name: "Create an account" })).toBeVisible();
  await done();
});

test("an address alone opens no account, and who is refused reads why", async ({ page }) => {
  const pia = somebody("Pia", "Pine Works");
  await register(page, pia);
  await page.context().clearCookies();
  const refused = async (name: string, text: string | RegExp) => {
    await continueWith(page, name);
    await expect(page.getByRole("heading", { level: 1, name: `${name} did not sign you in` })).toBeVisible();
    await expect(page.getByText(text)).toBeVisible();
  };
  // the address here is not confirmed: whoever registered it first may be somebody else
  known(pia, `g-${pia.email}`);
  await refused("Google", /Sign in with your password, then link/);
  await expectAccessible(page);
  await page.getByRole("link", { name: "Back to sign in" }).click();
  await fillSignIn(page, pia);
  await inside(page);
  await page.context().clearCookies();

  refusal = "access_denied";
  await refused("LinkedIn", "You did not let us know who you are there");
  refusal = undefined;
  claims = { ...claims, aud: "somebody-else" };
  await refused("Google", "could not be verified");
  claims = { ...claims, aud: "belfry-at-google", nonce: "of-another-trip" };
  await refused("Google", "could not be verified");
  await page.goto("/sign-in/from/google?code=made-up&state=made-up");
  await expect(page.getByText("was begun elsewhere")).toBeVisible();
  await comeIn(page, pia);
});
