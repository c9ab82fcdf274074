/** Stands in for `cloudflare:workers` in Node: the base class only keeps what it is given. */
export class DurableObject<Env> {
  protected ctx: DurableObjectState;
  protected env: Env;

  constructor(ctx: DurableObjectState, env: Env) {
    this.ctx = ctx;
    this.env = env;
  }
}
