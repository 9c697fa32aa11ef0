import { readBody } from "./read-body.ts";
import { RegistryFailure } from "./registry-error.ts";
import { pullScope } from "./scope.ts";
import type { Session } from "./session.ts";

const PAGE_BYTES = 4 << 20;
/** Pages that a registry may give; each holds what it likes, a hundred tags or more. */
const MOST_PAGES = 1000;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** All tags of a repository, in the registry's order (distribution-spec, Listing Tags). */
export async function listTags(session: Session, repository: string, signal?: AbortSignal): Promise<readonly string[]> {
  const doing = `list the tags of ${JSON.stringify(`${session.address.registry}/${repository}`)}`;
  const tags: string[] = [];
  let target: string | URL = `/v2/${repository}/tags/list`;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const response = await session.request({ method: "GET", target, scopes: [pullScope(repository)], accepts: [200], doing, signal });
    tags.push(...readPage(await readBody(response, PAGE_BYTES, doing), doing));
    // RFC 8288: `</v2/…?last=x>; rel="next"`.
    const next = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(String(response.headers["link"] ?? ""))?.[1];
    if (next === undefined) return [...new Set(tags)];
    target = await session.locate(next, response.url);
  }
  throw new RegistryFailure("too-large", `${doing}: the registry gives more than ${MOST_PAGES} pages`);
}

function readPage(bytes: Buffer, doing: string): readonly string[] {
  let page: { readonly tags?: unknown };
  try {
    page = Object(JSON.parse(bytes.toString("utf8"))) as typeof page;
  } catch (error) {
    throw new RegistryFailure("bad-response", `${doing}: the registry's answer is not JSON`, { cause: error });
  }
  const tags = page.tags ?? [];
  if (!Array.isArray(tags) || !tags.every((tag): tag is string => typeof tag === "string" && TAG.test(tag))) {
    throw new RegistryFailure("bad-response", `${doing}: the registry's answer is no list of tags`);
  }
  return tags;
}
