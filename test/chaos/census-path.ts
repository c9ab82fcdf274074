/** Where the chaos edge tells how many sockets its object has. */
export const CENSUS_PATH = "/_chaos/census";
