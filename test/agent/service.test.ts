/** What service managers are given: paths and values as they are, whatever is in them, and nothing secret where others read. */
import { describe, expect, test } from "vitest";
import { launchd, launchdPlist } from "../../workspace-agent/service/launchd.ts";
import type { CommandResult, ServicePlan } from "../../workspace-agent/service/service-plan.ts";
import { environmentFile, quote, systemd, systemdUnit } from "../../workspace-agent/service/systemd.ts";
import { windowsScript } from "../../workspace-agent/service/windows.ts";

const PLAN: ServicePlan = {
  node: "/usr/bin/node",
  program: "/home/a b/.local/share/tidegate/tidegate-agent.mjs",
  state: "/home/a b/100% $HOME",
  workspaces: ["/home/a b/workspace", "/home/a b/other"],
  variables: { HTTPS_PROXY: 'http://me:pa$$"w\\o`rd@proxy.example:3128' },
  user: "openclaw",
};

describe("systemd", () => {
  test.each([
    ["plain", '"plain"'],
    ["two words", '"two words"'],
    ['a"b', String.raw`"a\"b"`],
    [String.raw`a\b`, String.raw`"a\\b"`],
    ["100%", '"100%%"'],
    ["$HOME", '"$$HOME"'],
  ])("%j is quoted as %s", (word, expected) => {
    expect(quote(word)).toBe(expected);
  });

  test("the unit runs the very words, restarts, and stays down where starting again mends nothing", () => {
    const unit = systemdUnit(PLAN, "user", null);
    expect(unit).toContain(
      'ExecStart="/usr/bin/node" "/home/a b/.local/share/tidegate/tidegate-agent.mjs" "run" "--state" "/home/a b/100%% $$HOME"',
    );
    expect(unit).toContain("RestartPreventExitStatus=2 3 4");
    expect(unit).toContain("NoNewPrivileges=yes");
    expect(unit).not.toContain("User=");
  });

  test("the machine's unit runs as the account, and writes to its state and the workspace only", () => {
    const unit = systemdUnit(PLAN, "system", null);
    expect(unit).toContain("User=openclaw");
    expect(unit).toContain("ProtectSystem=strict");
    expect(unit).toContain('ReadWritePaths="/home/a b/100%% $$HOME" "/home/a b/workspace" "/home/a b/other"');
  });

  test("a proxy's password is in a file for its owner, and not in the unit", () => {
    const files = systemd({ folder: "/u", scope: "user" }, never).files(PLAN);
    expect(files.map(({ path, mode }) => [path, mode])).toEqual([
      ["/home/a b/100% $HOME/agent.env", 0o600],
      ["/u/tidegate-agent.service", 0o644],
    ]);
    expect(files[1]?.content).not.toContain("pa$$");
    expect(files[1]?.content).toContain("EnvironmentFile=/home/a b/100%% $HOME/agent.env");
    expect(environmentFile({ A: 'x"y$z`\\' })).toBe('A="x\\"y\\$z\\`\\\\"\n');
  });

  test("it is enabled and restarted, and a manager that refuses is quoted", () => {
    const asked: string[] = [];
    const answer = (command: string, args: readonly string[]): CommandResult => {
      asked.push([command, ...args].join(" "));
      return args.includes("restart") ? { status: 1, out: "", error: "Unit is masked.\nmore" } : OK;
    };
    const manager = systemd({ folder: "/u", scope: "user" }, answer);
    expect(() => manager.start(PLAN)).toThrow("systemctl restart tidegate-agent.service failed (1): Unit is masked.");
    expect(asked).toEqual([
      "systemctl --user daemon-reload",
      "systemctl --user enable tidegate-agent.service",
      "systemctl --user restart tidegate-agent.service",
    ]);
  });

  test("without lingering the person is told how to let it stay", () => {
    const manager = systemd({ folder: "/u", scope: "user" }, (command) =>
      command === "loginctl" ? { status: 1, out: "", error: "" } : OK,
    );
    expect(manager.start(PLAN)).toEqual([expect.stringContaining("enable-linger")]);
  });

  test.each([
    [{ status: 1, out: "", error: "" }, OK, "absent"],
    [OK, { status: 0, out: "active\n", error: "" }, "running"],
    [OK, { status: 3, out: "failed\n", error: "" }, "stopped"],
  ] as const)("what it says is read", (cat, active, expected) => {
    const manager = systemd({ folder: "/u", scope: "user" }, (_command, args) => (args.includes("cat") ? cat : active));
    expect(manager.state()).toBe(expected);
  });
});

describe("launchd", () => {
  test("every word is escaped, and the file with variables is its owner's", () => {
    const plist = launchdPlist({ ...PLAN, state: "/a<b>&c" }, "/log");
    expect(plist).toContain("<string>/a&lt;b&gt;&amp;c</string>");
    expect(plist).toContain("<key>KeepAlive</key>");
    expect(launchd("/Users/a", 501, never).files(PLAN)[0]).toMatchObject({
      path: "/Users/a/Library/LaunchAgents/dev.tidegate.agent.plist",
      mode: 0o600,
    });
  });
});

test("the Windows script takes no path for code", () => {
  const script = windowsScript({ ...PLAN, node: "C:\\a'; Remove-Item x; '", variables: {} });
  expect(script).toContain("-Execute 'C:\\a''; Remove-Item x; '''");
});

const OK: CommandResult = { status: 0, out: "", error: "" };
function never(): CommandResult {
  throw new Error("nothing is to be run");
}
