/** The product's own object, with a count of its sockets for the chaos harness. Never deployed. */
import { TenantObject as Product } from "../../../durable-objects/tenant-object.ts";

export { default } from "../../../durable-objects/index.ts";

export class TenantObject extends Product {
  /** Sockets by tag: open ones, and ones that never ended their closing handshake. */
  census(): { browsers: number; closing: number; agents: number } {
    const browsers = this.ctx.getWebSockets("browser");
    const open = (sockets: WebSocket[]) => sockets.filter((socket) => socket.readyState === WebSocket.OPEN).length;
    const closing = browsers.length - open(browsers);
    return { browsers: open(browsers), closing, agents: open(this.ctx.getWebSockets("agent")) };
  }
}
