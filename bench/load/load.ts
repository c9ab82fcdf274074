/** The load process: does one job at a time and answers with what it measured. */
import { loadDown, loadUp } from "./bulk-load.ts";
import { loadGets } from "./http-load.ts";
import type { Job } from "./job.ts";
import { closeIdle, loadEchoes, openIdle, watchClosings } from "./socket-load.ts";

function perform(job: Job): unknown {
  switch (job.type) {
    case "get":
      return loadGets(job.address, job.connections, job.durationMs);
    case "echo":
      return loadEchoes(job.address, job.bytes, job.inFlight, job.durationMs);
    case "down":
      return loadDown(job.address, job.bytes, job.streams);
    case "up":
      return loadUp(job.address, job.bytes);
    case "open":
      return openIdle(job.address, job.sockets).then((sockets) => ({ sockets }));
    case "watch":
      return watchClosings(job.waitMs);
    case "close":
      return closeIdle().then((sockets) => ({ sockets }));
  }
}

process.on("message", (job: Job) => {
  void Promise.resolve(perform(job)).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
