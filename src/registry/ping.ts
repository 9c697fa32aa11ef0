import type { Session } from "./session.ts";
import { discard } from "./response-failure.ts";
import { RegistryFailure } from "./registry-error.ts";

/** Asks whether the registry speaks our protocol and takes our credential (distribution-spec, Determining Support). */
export async function ping(session: Session, signal?: AbortSignal): Promise<void> {
  const { registry } = session.address;
  const doing = `log in to registry ${JSON.stringify(registry)}`;
  const response = await session.request({ method: "GET", target: "/v2/", scopes: [], accepts: [200, 404], doing, signal });
  await discard(response);
  if (response.status === 404) {
    throw new RegistryFailure("bad-response", `${doing}: it does not speak the registry protocol (GET /v2/ was answered with 404)`, { status: 404 });
  }
}
