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
  return [...orderProposals(lines, surveyed), ...narrowProposals(lines, surveyed), ...argumentProposals(lines, surveyed), ...ignoreProposals(lines, surveyed), ...cacheMountProposals(lines, surveyed), ...sameRunProposals(lines)];
}
