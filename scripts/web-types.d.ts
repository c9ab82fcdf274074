/** Names that the platform of the Workers has and Node's own types lack; configuration is checked here with its code. */
type JsonWebKey = import("node:crypto").JsonWebKey;
type HeadersInit = NonNullable<ConstructorParameters<typeof Headers>[0]>;
type BodyInit = NonNullable<ConstructorParameters<typeof Response>[0]>;
