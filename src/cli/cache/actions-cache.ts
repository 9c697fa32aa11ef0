import { Secret } from "../../registry/secret.ts";
import type { ActionsCache } from "../../transfer/actions/actions-keys.ts";
import type { WrittenCache } from "./written-cache.ts";

/** BuildKit's. */
const TIMEOUT_MS = 10 * 60_000;

/** Reads where a cache of `type=gha` is; a job's address and token come from its environment. */
export function actionsCache(written: WrittenCache<string>): ActionsCache {
  if (isFirstVersion(written)) throw written.bad("version 1 of GitHub's cache service is not supported", "GitHub ended it in 2025; version 2 is at url_v2=URL or ACTIONS_RESULTS_URL, with ACTIONS_CACHE_SERVICE_V2=true");
  const url = written.url("url_v2", written.getOr("url_v2", "ACTIONS_RESULTS_URL"));
  const token = written.getOr("token", "ACTIONS_RUNTIME_TOKEN");
  return { scope: written.get("scope") ?? "laminate", timeout: written.duration("timeout", TIMEOUT_MS), ...(url === undefined || token === undefined ? {} : { address: { url, token: new Secret(token) } }) };
}

/** As BuildKit and GitHub's own toolkit tell it. */
function isFirstVersion(written: WrittenCache<string>): boolean {
  const version = written.choice("version", ["1", "2"]);
  if (version !== undefined || written.get("url_v2") !== undefined) return version === "1";
  return written.getOr("url", "ACTIONS_CACHE_URL") !== undefined && !["1", "true"].includes(written.env["ACTIONS_CACHE_SERVICE_V2"]?.toLowerCase() ?? "");
}
