// Secrets on all their ways: typed right and wrong, made, used, shown twice, mailed. `cargo xtask e2e` then searches everything
// the programs printed for them; here it is only made sure that each was used.
import { randomUUID } from "node:crypto";
import type { APIRequestContext, APIResponse } from "@playwright/test";
import { somebody } from "../steps.ts";
import { canary, expect, test } from "../support.ts";

/** A server function, by its module and name, as a form. */
async function call(request: APIRequestContext, name: string, form: Record<string, string>, status = 200): Promise<APIResponse> {
  const response = await request.post(`/fn/app/${name}`, { form, headers: { accept: "application/json" }, maxRedirects: 0 });
  expect(response.status(), `${name}: ${await response.text()}`).toBe(status);
  return response;
}

async function keepCookies(request: APIRequestContext): Promise<void> {
  for (const { value } of (await request.storageState()).cookies) if (value.length > 20) canary("session", value);
}

test("secrets that people and programs use", async ({ request }) => {
  const cora = somebody("Cora", "Canary Row");
  const wrong = canary("wrong password", `Wr0ng-${randomUUID()}`);
  cora.password = canary("password", `R1ght-${randomUUID()}`);
  await call(request, "auth/register/open_account", {
    "form[name]": cora.name,
    "form[email]": cora.email,
    "form[password]": cora.password,
    "form[company_name]": cora.company,
  });
  await keepCookies(request);
  await call(request, "auth/welcome/choose_company_type", { company_type: "generic" });
  await call(request, "account/password/change_password", { old: wrong, new: cora.password }, 422);

  // the links of mails
  const mailed = async (page: string): Promise<string> => {
    let token = "";
    await expect(async () => {
      // others get mail meanwhile
      const mails = (await (await request.get("/dev/mail")).text()).split("<article>").filter((mail) => mail.includes(cora.email));
      token = new RegExp(`/${page}\\?token=([\\w-]{20,})`).exec(mails.join())?.[1] ?? "";
      expect(token).not.toBe("");
    }).toPass();
    return canary("link", token);
  };
  const confirmation = await mailed("confirm");
  await request.get(`/confirm?token=${confirmation}`);
  await call(request, "auth/confirm/confirm_email", { token: confirmation });

  // a key of the API, used rightly, wrongly and in the wrong place
  const made = await call(request, "developers/create_key", { "form[name]": "canary", "form[scopes][]": "read", "form[addresses]": "", "form[days]": "" });
  const key = canary("API key", (await made.json()).secret);
  for (const path of ["/api/v1/company", "/api/v1/nowhere", "/api/v1/auth/profile"]) {
    await request.get(path, { headers: { authorization: `Bearer ${key}` } });
  }
  await request.post("/api/v1/contacts", { headers: { authorization: `Bearer ${key}` }, data: `{"name": "broken ${key}` });

  // a program that signs in
  const login = async (password: string) => request.post("/api/v1/auth/login", { data: { email: cora.email, password } });
  expect((await login(wrong)).status()).toBe(401);
  const tokens = (await (await login(cora.password)).json()).data;
  canary("access token", tokens.token);
  canary("refresh token", tokens.refreshToken);
  for (let times = 0; times < 2; times++) await request.post("/api/v1/auth/refresh", { data: { refreshToken: tokens.refreshToken } });

  // an account at a provider, and a callback that lies
  const secret = canary("provider key", randomUUID().replaceAll("-", ""));
  const connected = await call(request, "settings/gateways/create_gateway", {
    "gateway[kind]": "twilio",
    "gateway[phones]": "real",
    "gateway[name]": "Canary",
    "gateway[account]": `AC${"0".repeat(31)}1`,
    "gateway[secret]": secret,
    "gateway[concurrency_max]": "1",
    "gateway[calls_per_second]": "1",
  });
  const gateway = connected.headers().location?.split("/").at(-1);
  const forged = await request.post(`/hooks/twilio/${gateway}`, { form: { CallSid: "CA1" }, headers: { "x-twilio-signature": secret } });
  expect(forged.status()).toBe(403);

  // leaving, and a password that was forgotten
  await call(request, "session/sign_out", {});
  await call(request, "auth/forgot/ask_reset", { email: cora.email });
  const reset = await mailed("reset");
  await request.get(`/reset?token=${reset}`);
  const other = canary("password", `Oth3r-${randomUUID()}`);
  await call(request, "auth/forgot/reset_password", { token: reset, password: other });
  await call(request, "auth/forgot/reset_password", { token: reset, password: other }, 409);
  await call(request, "auth/sign_in/sign_in", { email: cora.email, password: cora.password }, 422);
  await call(request, "auth/sign_in/sign_in", { email: cora.email, password: other });
  await keepCookies(request);
});
