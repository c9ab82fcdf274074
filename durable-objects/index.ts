/** The tenant script: one class, reached through its binding only. */
export { TenantObject } from "./tenant-object.ts";

/** The script has no address of its own; whoever asks gets nothing. */
export default {
  fetch(): Response {
    return new Response(null, { status: 404 });
  },
};
