/**
 * The way into the Worker on one machine: what Cloudflare's own edge does with static files, and nothing else.
 * Miniflare's routers for it stand between every request and the Worker, and agree to compress WebSockets whatever the Worker says.
 */
import worker from "./index.js";

export * from "./index.js";
export default worker;

/** Each path of `run_worker_first` goes to the Worker; elsewhere a file that is there comes first. */
export const edge = {
  async fetch(request, env, context) {
    if (isForFiles(request, env.RUN_WORKER_FIRST)) {
      const file = await env.ASSETS.fetch(request);
      if (file.status !== 404) return file;
    }
    return worker.fetch(request, env, context);
  },
};

function isForFiles({ method, url }, workerFirst) {
  const { pathname } = new URL(url);
  const matches = (pattern) =>
    pattern.endsWith("/*") ? pathname.startsWith(pattern.slice(0, -1)) : pathname === pattern;
  return (method === "GET" || method === "HEAD") && !workerFirst.some(matches);
}
