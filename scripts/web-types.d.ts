/** Names that the platform of the Workers has and Node's own types lack; configuration is checked here with its code. */
type JsonWebKey = import("node:crypto").JsonWebKey;
