/** Tables of a tenant's object, as numbered migrations: additive for one release, never edited once landed. */

const MIGRATIONS: readonly string[] = [
  `CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

   -- A person is (issuer, subject). key is opaque; user_string is assigned once and never reused.
   CREATE TABLE people (
     key TEXT PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL, user_string TEXT NOT NULL UNIQUE,
     email TEXT, name TEXT, role TEXT NOT NULL, signed_in_at INTEGER NOT NULL, UNIQUE (issuer, subject)
   ) WITHOUT ROWID;

   -- One row per signed-in browser; id_hash is SHA-256 of the id in the cookie. An ended row is a tombstone.
   CREATE TABLE sessions (
     id_hash TEXT PRIMARY KEY, person TEXT NOT NULL, issuer TEXT NOT NULL, email TEXT, name TEXT, role TEXT NOT NULL,
     groups_json TEXT NOT NULL, provider_session TEXT, user_agent TEXT NOT NULL, address TEXT NOT NULL,
     created_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
     ended_at INTEGER, ended_reason TEXT
   ) WITHOUT ROWID;
   CREATE INDEX sessions_by_person ON sessions (person);
   CREATE INDEX sessions_by_expiry ON sessions (expires_at);

   -- Highest (boot, attempt) seen of each agent: an older one is a replay or a copy of the key.
   CREATE TABLE agents (agent TEXT PRIMARY KEY, boot INTEGER NOT NULL, attempt INTEGER NOT NULL) WITHOUT ROWID;

   CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, type TEXT NOT NULL, json TEXT NOT NULL);`,

  `-- Links whose connection was lost, until they are resumed or their grace is over (SPEC.md section 3.2).
   CREATE TABLE cut_links (link TEXT PRIMARY KEY, json TEXT NOT NULL, grace_until INTEGER NOT NULL) WITHOUT ROWID;`,

  `-- due_at: when the session ends by itself. refresh_token is sealed (sessions/token-vault.ts); with one, the provider
   -- is asked again from renew_at on, by whoever holds the lease.
   ALTER TABLE sessions ADD COLUMN provider TEXT NOT NULL DEFAULT '';
   ALTER TABLE sessions ADD COLUMN due_at INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE sessions ADD COLUMN refresh_token BLOB;
   ALTER TABLE sessions ADD COLUMN verified_at INTEGER;
   ALTER TABLE sessions ADD COLUMN renew_at INTEGER;
   ALTER TABLE sessions ADD COLUMN lease TEXT;
   ALTER TABLE sessions ADD COLUMN lease_until INTEGER;
   UPDATE sessions SET due_at = MIN(last_seen_at + 28800000, expires_at);
   CREATE INDEX sessions_by_due ON sessions (due_at) WHERE ended_at IS NULL;
   CREATE INDEX sessions_by_provider_session ON sessions (issuer, provider_session) WHERE ended_at IS NULL;
   CREATE INDEX sessions_by_renewal ON sessions (renew_at) WHERE ended_at IS NULL AND renew_at IS NOT NULL;
   CREATE UNIQUE INDEX sessions_by_lease ON sessions (lease) WHERE lease IS NOT NULL;

   -- Refresh tokens of ended sessions, sealed, until the Worker has told their provider.
   CREATE TABLE revocations (
     id INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, issuer TEXT NOT NULL, provider TEXT NOT NULL,
     refresh_token BLOB NOT NULL, at INTEGER NOT NULL
   );

   -- Logout tokens that were used; each is good once.
   CREATE TABLE logout_tokens (
     issuer TEXT NOT NULL, token_id TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (issuer, token_id)
   ) WITHOUT ROWID;
   CREATE INDEX logout_tokens_by_until ON logout_tokens (until);`,

  `-- When the person went on from the notice of the first visit; null: not yet.
   ALTER TABLE people ADD COLUMN noticed_at INTEGER;`,

  `-- What a session opens: the tenant's host (browser), or the console and its API. The indexes are the lists' orders.
   ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'browser';
   CREATE INDEX sessions_by_creation ON sessions (created_at, id_hash) WHERE ended_at IS NULL;
   CREATE INDEX people_by_sign_in ON people (signed_in_at, key);`,

  `-- Agents that an administrator let in, and their keys: two while one replaces the other. What is not active is a tombstone.
   CREATE TABLE enrolled_agents (
     agent TEXT PRIMARY KEY, name TEXT NOT NULL, enrolled_at INTEGER NOT NULL, enrolled_by TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE agent_keys (
     public_key TEXT NOT NULL UNIQUE, agent TEXT NOT NULL, state TEXT NOT NULL, changed_at INTEGER NOT NULL
   );
   CREATE INDEX agent_keys_by_agent ON agent_keys (agent);
   -- Enrolment without a page, each good once.
   CREATE TABLE enrolment_tokens (id TEXT PRIMARY KEY, made_by TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;`,
];

/** Brings the database to the newest schema; a no-op on all but the first run after a deploy. */
export function migrate(storage: DurableObjectStorage): void {
  const { sql } = storage;
  sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
  const row = sql.exec<{ version: number }>("SELECT version FROM schema_version").toArray()[0];
  const current = row?.version ?? 0;
  if (current >= MIGRATIONS.length) return;
  storage.transactionSync(() => {
    for (const migration of MIGRATIONS.slice(current)) sql.exec(migration);
    sql.exec("DELETE FROM schema_version");
    sql.exec("INSERT INTO schema_version (version) VALUES (?)", MIGRATIONS.length);
  });
}
