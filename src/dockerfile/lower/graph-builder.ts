import type { Operation } from "../../graph/operation.ts";
import type { Graph, Vertex, VertexId } from "../../graph/vertex.ts";
import { canonicalReference, parseReference } from "../../oci/reference.ts";
import { formatPlatform, type Platform } from "../../oci/platform.ts";

/** Collects vertices in topological order; sources that several stages use become one vertex. */
export class GraphBuilder {
  readonly #vertices: Vertex[] = [];
  readonly #sources = new Map<string, VertexId>();

  add(vertex: Omit<Vertex, "id">): VertexId {
    return this.#vertices.push({ id: this.#vertices.length, ...vertex }) - 1;
  }

  scratch(): VertexId {
    return this.#source("scratch", { kind: "scratch" }, "[internal] FROM scratch");
  }

  context(): VertexId {
    return this.#source(
      "context",
      { kind: "context", name: "context" },
      "[internal] load build context",
    );
  }

  /** `prefix` is `[build 1/5] `, `owner` the stage that is FROM the image; a COPY --from has neither. */
  image(
    reference: string,
    platform: Platform,
    place: { readonly prefix: string } & Pick<Vertex, "stage" | "origin">,
  ): VertexId {
    const { prefix, ...owner } = place;
    const full = canonicalReference(parseReference(reference));
    return this.#source(
      `image ${full} ${formatPlatform(platform)}`,
      { kind: "image", reference, platform },
      `${prefix}FROM ${full}`,
      owner,
    );
  }

  graph(target: VertexId): Graph {
    return { vertices: this.#vertices, target };
  }

  #source(
    key: string,
    operation: Operation,
    name: string,
    owner: Pick<Vertex, "stage" | "origin"> = {},
  ): VertexId {
    const known = this.#sources.get(key);
    if (known !== undefined) {
      return known;
    }
    const id = this.add({ operation, inputs: [], name, ...owner });
    this.#sources.set(key, id);
    return id;
  }
}
