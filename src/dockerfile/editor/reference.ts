/** What an editor says of a word: how it is written, and what it does, in a few sentences. */
export interface Entry {
  readonly form: string;
  readonly text: string;
}

type Entries = Readonly<Record<string, Entry>>;

export const INSTRUCTIONS: Entries = {
  FROM: { form: "FROM [--platform=PLATFORM] IMAGE [AS NAME]", text: "Begins a stage on an image, on an earlier stage, or on `scratch`, which is empty. The last stage is what a build makes, unless `--target` names another; stages that nothing needs are not run. Only ARGs before the first FROM can be used in it." },
  ARG: { form: "ARG NAME[=DEFAULT] …", text: "Declares a variable of the build, which `--build-arg NAME=VALUE` sets. It lasts to the end of its stage, RUN sees it in its environment, and it is not in the image; but the history of the image names it, so it is no place for a secret. Before the first FROM it is for FROM alone: a stage declares it again to use it." },
  ENV: { form: "ENV NAME=VALUE …", text: "Sets variables for the rest of the stage, for stages that start from it, and for containers of the image. All values of one ENV see the variables as they were before it." },
  LABEL: { form: "LABEL NAME=VALUE …", text: "Adds names and values that tools read from the image, as `org.opencontainers.image.source`." },
  RUN: { form: "RUN [--mount=…] [--network=…] COMMAND\nRUN [\"PROGRAM\", \"ARGUMENT\", …]", text: "Runs a command in the stage and keeps what it changed in the file system as a layer. The first form goes to the shell of SHELL (`/bin/sh -c`), the JSON form starts the program without one. `RUN <<EOF` runs the lines up to EOF as one script." },
  COPY: { form: "COPY [--from=…] [--chown=…] [--chmod=…] SOURCE … DESTINATION", text: "Copies files of the build context, or with `--from` of a stage, an image or a named context. Sources may have `*`, `?`, `[…]` and `**`. The content of a directory is copied, not the directory itself. Several sources, or a destination that ends in `/`, make the destination a directory; a relative one is below WORKDIR." },
  ADD: { form: "ADD [FLAGS] SOURCE … DESTINATION", text: "Copies like COPY, and besides fetches http(s) URLs and git repositories and unpacks local tar archives. Where neither is wanted, COPY says so." },
  WORKDIR: { form: "WORKDIR DIRECTORY", text: "Sets the directory in which later instructions and containers work, and makes it when it is not there. A relative one is below the WORKDIR before." },
  USER: { form: "USER NAME[:GROUP]", text: "Sets who runs later RUNs and the containers of the image: names that the image knows, or numbers." },
  CMD: { form: 'CMD ["PROGRAM", "ARGUMENT", …]\nCMD COMMAND', text: "What a container of the image runs when it is given no command; with ENTRYPOINT, the arguments of that. Only the last CMD counts. The JSON form starts the program itself, so that it gets signals; the other goes through a shell." },
  ENTRYPOINT: { form: 'ENTRYPOINT ["PROGRAM", "ARGUMENT", …]', text: "The program that a container of the image always starts; CMD, or the words after the image's name in `run`, are its arguments. It forgets a CMD of the base image." },
  EXPOSE: { form: "EXPOSE PORT[/PROTOCOL] …", text: "Says which ports the containers listen on: `8080`, `53/udp`, `8000-8010`. It opens nothing; `run -P` publishes them." },
  VOLUME: { form: 'VOLUME ["/DIRECTORY", …]', text: "Marks directories whose content lies outside the container's own file system. What later steps write there is lost." },
  STOPSIGNAL: { form: "STOPSIGNAL SIGNAL", text: "The signal that asks a container to stop, as `SIGQUIT` or `3`; SIGTERM without it." },
  SHELL: { form: 'SHELL ["PROGRAM", "ARGUMENT", …]', text: 'The shell of later RUN, CMD and ENTRYPOINT that are no JSON: `["/bin/bash", "-o", "pipefail", "-c"]`.' },
  HEALTHCHECK: { form: "HEALTHCHECK [--interval=…] [--timeout=…] CMD COMMAND\nHEALTHCHECK NONE", text: "The command that says whether a container is well: it exits with 0 or 1. NONE takes away that of the base image." },
  ONBUILD: { form: "ONBUILD INSTRUCTION", text: "Keeps an instruction for later: it runs right after the FROM of whoever builds on this image. FROM, MAINTAINER and ONBUILD cannot be kept." },
  MAINTAINER: { form: "MAINTAINER NAME", text: "The author of the image. `LABEL org.opencontainers.image.authors=…` has taken its place." },
};

const COPIED: Entries = {
  chown: { form: "--chown=USER[:GROUP]", text: "Who owns the copied files: names that the image knows, or numbers. Without it root does." },
  chmod: { form: "--chmod=MODE", text: "The permissions of the copied files: octal (`644`), or symbolic (`u=rwX,go=rX`)." },
  link: { form: "--link", text: "Makes the copy a layer of its own that does not look at what lies below: a changed base leaves it cached. A destination that is a symbolic link below is not followed." },
  exclude: { form: "--exclude=PATTERN", text: "Leaves out what matches, with the patterns of .dockerignore. It may be repeated." },
};

export const FLAGS: Readonly<Record<string, Entries>> = {
  FROM: { platform: { form: "--platform=OS/ARCHITECTURE[/VARIANT]", text: "The platform of the image to start from, as `linux/arm64`; `$BUILDPLATFORM` is the one that the build runs on." } },
  RUN: {
    mount: { form: "--mount=type=bind|cache|tmpfs|secret|ssh,target=PATH,…", text: "Shows something in the file system while the command runs, and leaves nothing of it in the image. It may be repeated." },
    network: { form: "--network=default|none|host", text: "The network of the command: one of its own, none at all, or this machine's, which needs `build --allow network.host`." },
    security: { form: "--security=sandbox|insecure", text: "`insecure` runs the command with all capabilities; it needs `build --allow security.insecure`." },
    device: { form: "--device=NAME", text: "A CDI device. There are none here, so it is refused." },
  },
  COPY: {
    from: { form: "--from=STAGE|IMAGE|CONTEXT", text: "Copies from a stage (by name, or by number from 0), from an image, or from a context of `--build-context`. Variables are not replaced in it." },
    ...COPIED,
    parents: { form: "--parents", text: "Keeps the directories of the sources below the destination; what stands before `/./` in a source is left out." },
  },
  ADD: {
    ...COPIED,
    checksum: { form: "--checksum=sha256:…", text: "Refuses a download whose content has another digest." },
    "keep-git-dir": { form: "--keep-git-dir", text: "Keeps the `.git` of a repository." },
    unpack: { form: "--unpack=true|false", text: "Whether archives are unpacked: of their own accord local ones are, and fetched ones are not." },
  },
  HEALTHCHECK: {
    interval: { form: "--interval=30s", text: "The time between two checks." },
    timeout: { form: "--timeout=30s", text: "A check that takes longer has failed." },
    "start-period": { form: "--start-period=0s", text: "The time after the start in which failures do not count." },
    "start-interval": { form: "--start-interval=5s", text: "The time between two checks while the start period lasts." },
    retries: { form: "--retries=3", text: "After so many failures in a row the container is unhealthy." },
  },
};

export const MOUNT_TYPES: Entries = {
  bind: { form: "type=bind", text: "Files of the build context, of a stage or of an image. What is written with `rw` is forgotten." },
  cache: { form: "type=cache", text: "A directory that is kept from build to build, for package managers and compilers. It is not in the image." },
  tmpfs: { form: "type=tmpfs", text: "An empty file system in memory." },
  secret: { form: "type=secret", text: "A secret of `build --secret`, as a file in `/run/secrets` or, with `env`, as a variable. It is nowhere in the image." },
  ssh: { form: "type=ssh", text: "The socket of an ssh agent of `build --ssh`." },
};

export const MOUNT_OPTIONS: Entries = {
  type: { form: "type=bind|cache|tmpfs|secret|ssh", text: "What is shown; without it `bind`." },
  target: { form: "target=PATH", text: "Where the command sees it; also `dst`, `destination`." },
  source: { form: "source=PATH", text: "The path below what `from` names, or of the build context; also `src`." },
  from: { form: "from=STAGE|IMAGE|CONTEXT", text: "Whose files they are, or what a new cache starts with." },
  rw: { form: "rw", text: "The command may write there; also `readwrite`." },
  ro: { form: "ro", text: "The command may not write there; also `readonly`." },
  id: { form: "id=NAME", text: "Names the cache, the secret or the agent; a cache is named by its target otherwise." },
  sharing: { form: "sharing=shared|private|locked", text: "What steps that run at the same time do with a cache: use it together, have one each, or wait for one another." },
  mode: { form: "mode=0755", text: "The permissions, in octal." },
  uid: { form: "uid=NUMBER", text: "The owner, by number." },
  gid: { form: "gid=NUMBER", text: "The group, by number." },
  size: { form: "size=64m", text: "How much a tmpfs may hold." },
  required: { form: "required", text: "The build fails when the secret or the agent was not given." },
  env: { form: "env=NAME", text: "The secret as a variable of the command." },
};

export const SHARINGS = ["shared", "private", "locked"];
