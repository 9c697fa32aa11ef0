import { argumentProposals } from "./arguments.ts";
import { cacheMountProposals } from "./cache-mount.ts";
import { ignoreProposals } from "./ignore-files.ts";
import { Lines } from "./lines.ts";
import { narrowProposals } from "./narrow.ts";
import { orderProposals } from "./order.ts";
import type { Proposal, Surveyed, Texts } from "./proposal.ts";
import { sameRunProposals } from "./same-run.ts";

/** All that may be worth trying on a Dockerfile, those that are likely to save most first. Throws DockerfileError. */
export function proposals({ dockerfile }: Texts, surveyed: Surveyed): readonly Proposal[] {
  const lines = new Lines(dockerfile);
  const narrow = narrowProposals(lines, surveyed);
  // Where a COPY may take just that and no more, there is no rest to come behind.
  const order = orderProposals(lines, surveyed).filter(({ takes }) => !narrow.some((one) => one.takes === takes));
  return [...order, ...narrow, ...argumentProposals(lines, surveyed), ...ignoreProposals(lines, surveyed), ...cacheMountProposals(lines, surveyed), ...sameRunProposals(lines)];
}
