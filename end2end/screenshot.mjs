// The picture of the README: the dashboard of a demo company, as a visitor sees it first.
//   BASE_URL=http://127.0.0.1:3000 node end2end/screenshot.mjs <e-mail> <password> [file]
import { existsSync, statSync } from "node:fs";
import { chromium } from "@playwright/test";

const BYTES_MAX = 300 * 1024;
const [email, password, file = "docs/screenshot.png"] = process.argv.slice(2);
const { BASE_URL, CHROMIUM = "/usr/bin/chromium" } = process.env;
if (!BASE_URL || !email || !password) throw new Error("BASE_URL, an e-mail and a password are needed");

const browser = await chromium.launch({ executablePath: existsSync(CHROMIUM) ? CHROMIUM : undefined, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: "light", locale: "en-GB", reducedMotion: "reduce" });
await page.goto(`${BASE_URL}/sign-in`);
await page.getByLabel("E-mail").fill(email);
await page.getByLabel("Password", { exact: true }).fill(password);
await page.getByRole("button", { name: "Sign in" }).click();
await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor();
await page.locator(".chart svg path").first().waitFor();
await page.waitForTimeout(1_500);
await page.screenshot({ path: file });
await browser.close();
const { size } = statSync(file);
console.log(`${file}: ${Math.round(size / 1024)} KB`);
if (size > BYTES_MAX) throw new Error("the picture is too large for a README");
