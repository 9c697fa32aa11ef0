const ONE_BUILDER = "there is one builder, this command";
const CLASSIC = "it was for docker's classic builder, and BuildKit ignores it";

/** Flags of docker's `build` that we do not have, and why; each is refused by name. */
export const UNSUPPORTED_BY_BUILD: Readonly<Record<string, string>> = {
  builder: ONE_BUILDER,
  compress: "no context is sent anywhere",
  "disable-content-trust": "images are not signed; name a base image by its digest to be sure of it",
  isolation: "it is for containers of Windows",
  print: "it is --call now",
  "security-opt": `${CLASSIC}; RUN --security=insecure is allowed with --allow security.insecure`,
  squash: `${CLASSIC}; COPY --from of a last stage FROM scratch makes one layer`,
  stream: "no context is sent anywhere",
};
