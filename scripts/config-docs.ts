import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import type * as v from "valibot";
import { PRESETS } from "../worker/config/presets.ts";
import { expectation, notesOf, unwrap, type Entries } from "../worker/config/schema.ts";
import { tenant } from "../worker/config/tenant-document.ts";
import { deployment, shorthand } from "../worker/config/variables.ts";
import { rootFolder } from "./paths.ts";

export const CONFIGURATION_PAGE = "docs/configuration.md";

/** The whole page, from the very schema that configuration is read with; a test compares it with the file. */
export function configurationPage(): Promise<string> {
  return format(PAGE, { parser: "markdown", printWidth: 120 });
}

interface Row {
  path: string;
  expects: string;
  fallback: string;
  means: string;
}

/** One row for each entry with notes; an entry that stands in several places is told at the first. */
function rowsOf(entries: Entries, prefix = "", unenforced = false, told = new Set<unknown>()): Row[] {
  return Object.entries(entries).flatMap(([name, entry]) => {
    const schema = entry as v.GenericSchema;
    const notes = notesOf(schema);
    if (notes === undefined || told.has(schema)) return [];
    told.add(schema);
    const { entries: inner, item } = unwrap(schema);
    const itemEntries = item === undefined ? undefined : unwrap(item).entries;
    const path = `${prefix}${name}${itemEntries === undefined ? "" : "[]"}`;
    const late = unenforced || notes.unenforced === true;
    const means = [
      `${notes.means}.`,
      notes.secret ? "**Secret.**" : "",
      notes.example === undefined ? "" : `Example: \`${notes.example}\`.`,
      late ? "**Not enforced yet.**" : "",
    ];
    const row = {
      path,
      expects:
        item === undefined || itemEntries !== undefined
          ? expectation(schema)
          : `${expectation(schema)}; each ${expectation(item)}`,
      fallback: fallbackOf(schema),
      means: means.filter((part) => part !== "").join(" "),
    };
    const below = inner ?? itemEntries;
    return [row, ...(below === undefined ? [] : rowsOf(below, `${path}.`, late, told))];
  });
}

function fallbackOf(schema: v.GenericSchema): string {
  const { type, default: fallback } = schema as unknown as { type: string; default?: unknown };
  if (type !== "optional") return "required";
  const text = JSON.stringify(fallback);
  return text === undefined || text === "{}" || text === '""' ? "none" : `\`${text}\``;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function entriesTable(entries: Entries): string {
  const rows = rowsOf(entries).map(({ path, expects, fallback, means }) => [`\`${path}\``, means, expects, fallback]);
  return table(["name", "meaning", "expected", "default"], rows);
}

function presetsTable(): string {
  const rows = Object.entries(PRESETS).map(([name, preset]) => [
    `\`${name}\``,
    preset.issuer ?? "your own",
    preset.scopes.join(" "),
    preset.algorithms.join(" ") || "–",
    preset.groupsClaim ?? "–",
    preset.clientSecretMethod,
    preset.prompt ?? "–",
  ]);
  return table(["preset", "issuer", "scopes", "algorithms", "groups claim", "client secret", "prompt"], rows);
}

const PAGE = `<!-- Made by \`npm run docs:config\` from worker/config/. Do not edit: a test compares. -->

# Configuration

Three places only. **Secrets** are Cloudflare secrets (\`npx wrangler secret put NAME\`; \`.dev.vars\` locally). **The deployment** is \`[vars]\` in wrangler.toml. **Everything about a tenant** is the tenant document: made of the shorthand variables when there is one tenant, listed in config/tenants.json when there are more, up to 100. No secret stands in a document: it names one.

\`npm run config:check\` judges all three before a deploy and tells every problem at once, by name and never by value (\`-- --json\` for programs, \`-- --without-secrets\` where the secrets are at Cloudflare only). The deployed gateway judges again at its first request; while anything is wrong it refuses every request and its log tells the same list.

Names and keys that nobody reads are errors, except of secrets: a new one has to be there before the document that names it.

## Deployment

${entriesTable(deployment)}

\`SESSION_SECRET\` can be made by \`node -p 'crypto.randomBytes(32).toString("base64url")'\`. To rotate it, put the new one first, and take the old one out when the longest session is over.

## One tenant: shorthand variables

${entriesTable(shorthand)}

## Several tenants: config/tenants.json

\`\`\`json
{
  "tenants": [
    {
      "id": "acme",
      "hosts": ["acme.example.com"],
      "name": "Acme",
      "providers": [
        {
          "preset": "okta",
          "issuer": "https://acme.okta.com",
          "clientId": "0oa1example",
          "clientSecret": "ACME_OKTA_SECRET"
        }
      ],
      "allow": { "domains": ["acme.example"] },
      "admins": { "groups": ["claw-admins"] },
      "agents": [{ "id": "agent-one", "publicKey": "…" }]
    }
  ]
}
\`\`\`

${entriesTable(tenant)}

### Presets

${presetsTable()}

## Who may come in

A person is (tenant, issuer, subject). Nobody comes in by default. \`allow\` and \`admins\` let people in; \`roles\` only says what they are then, and the highest match wins.

- **Addresses** count when the provider says that they are verified, and may speak for their domain. Upper case does not matter; \`alice+x@example.com\` is not \`alice@example.com\`, \`a.example.com\` is not \`example.com\`. An address with letters that only look like Latin ones is another address, or none.
- **Groups and claims** match exactly, as a text or as one of a list. Claims that people write themselves (\`email\`, \`name\`, \`preferred_username\`, \`upn\` and the like) are refused in rules.
- **With two providers**, every provider lists its \`emailDomains\`, and every group and claim names its provider: whoever runs one provider could else create the other's groups.
- **Tenants that share a host** (each with a \`basePath\`) share an origin: scripts of one can act in the other. All of them say \`"sharedOrigin": true\` and have the same \`admins\`.

## How long they stay

- **Verified again.** With a refresh token, a session in use is verified at its provider at least every five minutes: who was removed there, or lost the group that let them in, is out. Entra and Auth0 are asked for one (\`offline_access\`); at others add that to \`scopes\`, or allow the client to use refresh tokens. GitHub gives none. Without one a session lasts until its limits.
- **An outage of the provider** ends no session that was verified within the last 60 minutes.
- **Logout at the provider.** To be registered there: \`<address>/_gate/backchannel-logout\` (with \`sid\`, if there is the choice). \`<address>/_gate/frontchannel-logout\` works only where browsers send cookies into other sites' frames.
- **\`STORAGE_KEY\`** seals refresh tokens: with another one, their sessions end when they should be verified next.
`;

if (import.meta.main) writeFileSync(join(rootFolder, CONFIGURATION_PAGE), await configurationPage());
