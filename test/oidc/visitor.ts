/** A gateway with providers, and a visitor with a cookie jar who goes there and back. */
import type { AccessDecision } from "../../worker/access/decide-access.ts";
import { PRESETS, type PresetName } from "../../worker/config/presets.ts";
import { oidcSignIn } from "../../worker/oidc/oidc-sign-in.ts";
import type { Admit, ProviderSettings } from "../../worker/oidc/provider-settings.ts";
import { CLIENT_ID, CLIENT_SECRET } from "../support/fake-provider.ts";
import { newGateway, type Parts } from "../unit/worker/app.ts";

const NAVIGATION = { "sec-fetch-mode": "navigate", accept: "text/html" };
const EVERYBODY: Admit = ({ email }) => (email === null ? null : { role: "user" });

/** Settings as configuration would expand them; `own` stands for a document's fields. */
export function fromPreset(
  name: PresetName,
  own: Pick<ProviderSettings, "id" | "clientId" | "clientAuth"> & Partial<ProviderSettings>,
): ProviderSettings {
  const { clientSecretMethod: _, issuer, ...preset } = PRESETS[name];
  const nothing = { entraTenants: null, emailDomains: null, acrValues: [], maxAgeSeconds: null };
  return { ...preset, issuer: issuer ?? "", ...nothing, ...own };
}

export function settingsFor(issuer: string, own: Partial<ProviderSettings> = {}): ProviderSettings {
  const clientAuth = { method: "client_secret_basic", secret: CLIENT_SECRET } as const;
  const fake = { id: "fake", label: "Fake", issuer, clientId: CLIENT_ID, clientAuth, groupsClaim: null };
  return fromPreset("oidc", { ...fake, ...own });
}

/** A good configuration; the provider in it is never asked, the test's own stand in. */
export const OIDC_VARIABLES = {
  AUTHSEC_MODE: "oidc",
  STUB_USERS: "",
  OIDC_ISSUER: "https://id.example",
  OIDC_CLIENT_ID: CLIENT_ID,
  OIDC_CLIENT_SECRET: CLIENT_SECRET,
};

export function decideBy(admit: Admit): (...identity: Parameters<Admit>) => AccessDecision {
  return (identity) => {
    const admitted = admit(identity);
    return admitted === null ? { allow: false, reason: "not_listed" } : { allow: true, ...admitted };
  };
}

export interface Trip {
  response: Response;
  text: string;
  code: string | null;
}

export interface VisitorOptions extends Parts {
  /** Instead of whoever has a verified address; "as configured" asks the tenant's own rules. */
  admit?: Admit | "as configured";
  vars?: Record<string, string>;
  /** What the gateway's own requests get instead of the network. */
  fetch?: typeof fetch;
}

export class Visitor {
  readonly gateway: ReturnType<typeof newGateway>;
  readonly cookies = new Map<string, string>();
  readonly logged: Record<string, string | number>[] = [];

  constructor(providers: ProviderSettings[], options: VisitorOptions = {}) {
    const { admit = EVERYBODY, fetch } = options;
    const signIn = oidcSignIn({
      providers,
      ...(admit === "as configured" ? {} : { decide: decideBy(admit) }),
      ...(fetch === undefined ? {} : { fetch }),
    });
    this.gateway = newGateway(
      { ...OIDC_VARIABLES, ...options.vars },
      {
        now: Date.now,
        signIn,
        log: (fields) => this.logged.push(fields),
        ...options,
      },
    );
  }

  get calls() {
    return this.gateway.calls;
  }

  /** Names of the cookies it holds, by what they keep. */
  get sessions(): string[] {
    return [...this.cookies.keys()].filter((name) => name.endsWith("tidegate-default"));
  }

  get attempts(): string[] {
    return [...this.cookies.keys()].filter((name) => name.includes("attempt-"));
  }

  async get(target: string, headers: Record<string, string> = {}): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const init = { headers: { ...NAVIGATION, ...(cookie === "" ? {} : { cookie }), ...headers } };
    const response = await this.gateway.send(target, init);
    this.#keep(response);
    return response;
  }

  /** @returns where the gateway sends the browser to sign in */
  async leave(target = "/_gate/login"): Promise<string> {
    const response = await this.get(target);
    const location = response.headers.get("location");
    if (location === null) throw new Error(`no redirect: ${response.status} ${await response.text()}`);
    return location;
  }

  /** @returns the target on the gateway that the provider sends the browser back to */
  async visitProvider(location: string): Promise<string> {
    const response = await fetch(location, { redirect: "manual" });
    const back = URL.parse(response.headers.get("location") ?? "");
    if (back === null) throw new Error(`the provider answers ${response.status}`);
    return back.pathname + back.search;
  }

  async arrive(target: string): Promise<Trip> {
    const response = await this.get(target);
    return { response, text: await response.clone().text(), code: response.headers.get("x-tidegate-error") };
  }

  /** There and back. */
  async signIn(target?: string): Promise<Trip> {
    return this.arrive(await this.visitProvider(await this.leave(target)));
  }

  #keep(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }
}
