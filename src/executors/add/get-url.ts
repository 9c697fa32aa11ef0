import * as http from "node:http";
import * as https from "node:https";
import { hostName, isLoopback } from "../../registry/address.ts";

export interface GetOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Its proxy variables are heeded, as docker does. */
  readonly env: NodeJS.ProcessEnv;
}

const MAX_REDIRECTS = 10;
/** Milliseconds without a byte after which a server is given up. */
const PATIENCE = 60_000;

/**
 * Gets an http(s) URL, redirects followed. Unlike `fetch` it goes to every port and through proxies, and gives the bytes
 * as they are stored, not as a Content-Encoding means them.
 */
export async function getUrl(text: string, options: GetOptions): Promise<http.IncomingMessage> {
  let url = new URL(text);
  for (let redirects = 0; ; redirects += 1) {
    const response = await send(url, options);
    const { location } = response.headers;
    if (location === undefined || ![301, 302, 303, 307, 308].includes(response.statusCode ?? 0)) {
      return response;
    }
    response.destroy();
    if (redirects === MAX_REDIRECTS) {
      throw new Error(`more than ${MAX_REDIRECTS} redirects`);
    }
    url = new URL(location, url);
    if (url.protocol !== "http:" && url.protocol !== "https:") {
      throw new Error(`it leads to ${JSON.stringify(url.href)}, which is neither http nor https`);
    }
  }
}

function send(url: URL, { headers, signal, env }: GetOptions): Promise<http.IncomingMessage> {
  const module = url.protocol === "https:" ? https : http;
  // Go, and so docker, never uses a proxy for loopback.
  const agent = new module.Agent(isLoopback(hostName(url.host)) ? {} : { proxyEnv: env });
  return new Promise((resolve, reject) => {
    const request = module.get(url, { agent, signal, headers: { "user-agent": "laminate", "accept-encoding": "identity", ...headers } }, resolve);
    request.setTimeout(PATIENCE, () => request.destroy(new Error("no answer")));
    request.on("error", reject);
  });
}
