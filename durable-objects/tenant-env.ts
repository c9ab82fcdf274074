/** Bindings of the tenant script. It has no configuration of its own: the Worker brings what a call needs. */
export interface TenantEnv {
  /** Secret: gateway keys are derived from it. */
  STORAGE_KEY: string;
}
