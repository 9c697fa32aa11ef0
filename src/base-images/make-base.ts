import { canonicalReference, parseReference } from "../oci/reference.ts";
import { goArchitecture } from "../oci/platform.ts";
import type { ContainerConfig, ImageConfig } from "../oci/image-config.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import { putLocalImage } from "../store/images/put-local-image.ts";
import type { Store } from "../store/store.ts";
import { makeBusybox } from "./busybox.ts";
import type { CommandOptions } from "./command.ts";
import { makeSuite, type BaseLayer } from "./debian.ts";
import { parseBaseName, type BaseRequest } from "./suites.ts";

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Makes a base image from the distribution's packages and puts it under its name (`debian:bookworm`) and those given. */
export async function makeBase(store: Store, name: string, names: readonly string[], options: CommandOptions): Promise<ImageRecord> {
  const request = parseBaseName(name);
  const layer = request.kind === "busybox" ? await makeBusybox(store, options) : await makeSuite(store, request, options);
  const config = baseConfig(request, layer);
  const all = names.length > 0 ? names : [name];
  const canonical = all.map((one) => canonicalReference(parseReference(one)));
  return await putLocalImage(store, Buffer.from(JSON.stringify(config)), [layer.diffId], canonical);
}

function baseConfig(request: BaseRequest, layer: BaseLayer): ImageConfig {
  const created = new Date(layer.time * 1000).toISOString().replace(".000Z", "Z");
  const command = request.kind === "busybox" ? ["sh"] : ["bash"];
  const config: ContainerConfig = { Env: [PATH], Cmd: command };
  return {
    architecture: goArchitecture(process.arch),
    os: "linux",
    created,
    config,
    rootfs: { type: "layers", diff_ids: [layer.diffId] },
    history: [
      { created, created_by: "laminate base", comment: layer.comment },
      { created, created_by: `CMD ${JSON.stringify(command)}`, comment: "laminate", empty_layer: true },
    ],
  };
}
