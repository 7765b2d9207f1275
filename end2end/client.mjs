// A company driven over HTTP, through the doors that the pages use: server functions at `/fn/…` and the upload. For scripts
// that need a company and no browser.
import { randomUUID } from "node:crypto";

const PASSWORD = "Str0ng-enough!";

/** `{a: {b: [1]}}` as form fields `a[b][0]=1`. */
function* fields(value, name = "") {
  if (value === null || value === undefined) return;
  if (typeof value !== "object") return void (yield [name, String(value)]);
  for (const [key, inner] of Object.entries(value)) yield* fields(inner, name ? `${name}[${key}]` : key);
}

export class Client {
  #base;
  #cookie = "";

  constructor(base) {
    this.#base = base;
  }

  async #send(path, { headers, ...init } = {}) {
    const response = await fetch(this.#base + path, { ...init, redirect: "manual", headers: { accept: "application/json", cookie: this.#cookie, ...headers } });
    for (const cookie of response.headers.getSetCookie()) this.#cookie = cookie.split(";")[0];
    const text = await response.text();
    if (response.status >= 400) throw new Error(`${path} answered ${response.status}: ${text}`);
    return text;
  }

  /** A server function, by its module and name. */
  async call(name, args = {}) {
    const body = new URLSearchParams([...fields(args)]);
    const text = await this.#send(`/fn/app/${name}`, { method: "POST", body });
    return text ? JSON.parse(text) : null;
  }

  /** The same for those that take JSON. */
  async callJson(name, args) {
    const text = await this.#send(`/fn/app/${name}`, { method: "POST", body: JSON.stringify(args), headers: { "content-type": "application/json" } });
    return text ? JSON.parse(text) : null;
  }

  /** Opens a company and confirms its e-mail from the development mailbox. */
  async register(companyName) {
    const email = `kim.${randomUUID().slice(0, 8)}@mail.example`;
    await this.call("auth/register/open_account", { form: { name: "Kim", email, password: PASSWORD, company_name: companyName } });
    await this.call("auth/welcome/choose_company_type", { company_type: "generic" });
    const mails = await this.#send("/dev/mail");
    const mine = mails.slice(mails.indexOf(email));
    const token = /\/confirm\?token=([^"&\s]+)/.exec(mine)?.[1];
    await this.call("auth/confirm/confirm_email", { token: decodeURIComponent(token) });
  }

  /** Imports a file whose columns explain themselves; returns when everybody is there. */
  async importContacts(name, text) {
    const sent = await this.#send(`/imports/upload?kind=contacts&name=${name}`, { method: "POST", body: text });
    const { id } = JSON.parse(sent);
    const until = async (status) => {
      for (;;) {
        const now = await this.call("imports/detail/load_import", { id });
        if (now.status === status) return now;
        if (now.status === "failed") throw new Error(`the import failed: ${now.failure}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    };
    const { mapping } = await this.call("imports/detail/load_import", { id });
    await this.call("imports/mapper/check_import", { id, columns: mapping.map((field) => field ?? ""), segment: "" });
    await until("checked");
    await this.call("imports/detail/run_import", { id });
    return (await until("completed")).done;
  }
}
