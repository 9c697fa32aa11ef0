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

  /** The build's own context, or a named one. */
  context(name?: string): VertexId {
    return name === undefined
      ? this.#source("context", { kind: "context", name: "context" }, "[internal] load build context")
      : this.#source(`context ${name}`, { kind: "context", name: `context:${name}` }, `[context ${name}] load from client`);
  }

  /** The files of a named context as a tree to stand on. */
  contextTree(name: string): VertexId {
    const operation = { kind: "copy", instruction: "COPY", sources: ["."], inline: [], urls: [], destination: "/", unpack: false } as const;
    return this.#source(`tree ${name}`, operation, `[context ${name}] FROM ${name}`, {}, [this.scratch(), this.context(name)]);
  }

  /** The image that a named context stands for. */
  contextImage(name: string, { reference, shown }: { readonly reference: string; readonly shown: string }, platform: Platform): VertexId {
    return this.#source(`context image ${name} ${formatPlatform(platform)}`, { kind: "image", reference, platform }, `[context ${name}] ${shown}`);
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
    inputs: readonly VertexId[] = [],
  ): VertexId {
    const known = this.#sources.get(key);
    if (known !== undefined) {
      return known;
    }
    const id = this.add({ operation, inputs, name, ...owner });
    this.#sources.set(key, id);
    return id;
  }
}
