import { afterEach, expect, test, vi } from "vitest";
import type { Env } from "../../../../worker/env.ts";
import { gateway } from "../../../../worker/gateway.ts";
import { stubSignIn } from "../../../../worker/stub/stub-sign-in.ts";
import { ORIGIN } from "../app.ts";
import { many, stub, tenantsFile } from "./documents.ts";

afterEach(() => void vi.restoreAllMocks());

async function ask(env: Record<string, unknown>, path: string, file?: unknown) {
  const lines: string[] = [];
  vi.spyOn(console, "error").mockImplementation((line: string) => void lines.push(line));
  vi.spyOn(console, "log").mockImplementation(() => undefined);
  const { fetch } = gateway({ signIn: () => stubSignIn }, file);
  const request = new Request(ORIGIN + path, { headers: { host: "localhost:8080" } });
  const bindings = { TENANT: { getByName: () => expect.unreachable("an object was asked") }, ...env } as unknown as Env;
  const answer = () => fetch?.(request as never, bindings, {} as never) as Promise<Response>;
  const [first] = [await answer(), await answer()];
  return { first, lines };
}

test.each(["/", "/_gate/login", "/_gate/healthz", "/assets/app.js"])(
  "with a bad configuration %s is refused",
  async (path) => {
    const { first, lines } = await ask({ ...stub, SESSION_SECRET: "hunter2", OIDC_ISUER: "hunter2" }, path);
    expect([first.status, first.headers.get("x-tidegate-error")]).toEqual([500, "config_invalid"]);
    expect(await first.text()).not.toMatch(/hunter2|SESSION_SECRET/);
    expect(lines).toHaveLength(1);
    const { event, problems } = JSON.parse(lines[0] ?? "{}") as { event: string; problems: { name: string }[] };
    expect([event, problems.map(({ name }) => name)]).toEqual(["config.refused", ["SESSION_SECRET", "OIDC_ISUER"]]);
    expect(lines[0]).not.toContain("hunter2");
  },
);

test("with a good one it answers, under the hosts of its tenants only", async () => {
  expect((await ask(stub, "/_gate/healthz")).first.status).toBe(200);
  const { first } = await ask(many, "/_gate/healthz", tenantsFile());
  expect(first.headers.get("x-tidegate-error")).toBe("unknown_tenant");
});
