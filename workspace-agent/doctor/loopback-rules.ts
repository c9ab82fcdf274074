/** Who is let in on loopback. Pure. */
import { explain } from "../openclaw/refusals.ts";
import { fail, ok, skipped, warn } from "./check.ts";
import { because, CONFIGURE, type Rule } from "./rule.ts";

export const LOOPBACK_RULES: Readonly<Record<string, Rule>> = {
  person: {
    title: "A signed-in person",
    judge: ({ probes }) => {
      if (probes === null) return skipped("Not configured.");
      const { status, type } = probes.asPerson;
      if (status === 200) return ok("Is let in from the agent's address.");
      const why = type === null || explain(type) === null ? `answers ${status ?? "nothing"}` : because(type);
      return fail(`OpenClaw lets nobody in through the agent: ${why}`, CONFIGURE);
    },
  },
  nobody: {
    title: "A request without a person",
    judge: ({ probes }) => {
      if (probes === null) return skipped("Not configured.");
      if (probes.asNobody.status === null) return skipped("OpenClaw does not answer.");
      return probes.asNobody.status === 200
        ? fail("Is let in: OpenClaw does not ask who is there.", CONFIGURE)
        : ok("Is refused.");
    },
  },
  forged: {
    title: "Another program of this machine",
    judge: ({ probes }) => {
      if (probes === null) return skipped("Not configured.");
      if (probes.forged === null)
        return warn(
          "The agent has no loopback address of its own here: only the header's secret name tells it from others.",
          "Nothing on this system.",
        );
      if (probes.forged.status === null) return skipped("OpenClaw does not answer.");
      return probes.forged.status === 200
        ? fail("Is believed from 127.0.0.1, whoever it says is there.", CONFIGURE)
        : ok("Is refused at 127.0.0.1, even if it knows the header's name.");
    },
  },
  password: {
    title: "The agent's own way in",
    judge: ({ probes }) => {
      if (probes === null) return skipped("Not configured.");
      return probes.backendError === null
        ? ok("OpenClaw takes the agent's password.")
        : fail(
            `OpenClaw does not let the agent in: ${probes.backendError}. People's profiles cannot be learned.`,
            CONFIGURE,
          );
    },
  },
  profiles: {
    title: "People's profiles",
    judge: ({ probes }) => {
      if (probes === null || probes.backendError !== null) return skipped("They cannot be read.");
      return probes.sharedProfiles === 0
        ? ok("Each is one person's.")
        : warn(
            `${probes.sharedProfiles} of OpenClaw's profiles hold several addresses: whoever speaks from them may count as not verified.`,
            "Split them in OpenClaw: users.unlinkEmail",
          );
    },
  },
};
