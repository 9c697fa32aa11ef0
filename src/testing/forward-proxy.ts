import { createServer, request as send } from "node:http";
import { connect, type AddressInfo } from "node:net";

/** A web proxy on loopback, as HTTP_PROXY names one. Whatever host it is asked for is reached on loopback, at the same port. */
export interface ForwardProxy extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** `CONNECT host:port` and `METHOD http://host:port/…`, each with the proxy's user where one was given. */
  readonly log: string[];
}

/** With `refuse` it answers every CONNECT with that status. */
export async function forwardProxy({ refuse }: { readonly refuse?: number } = {}): Promise<ForwardProxy> {
  const log: string[] = [];
  const note = (text: string, authorization: string | undefined) => log.push(authorization === undefined ? text : `${text} by ${Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString().replace(/:.*/, "")}`);
  const server = createServer((request, response) => {
    const { "proxy-authorization": authorization, ...headers } = request.headers;
    note(`${request.method} ${request.url}`, authorization);
    const { port, pathname, search } = new URL(request.url!);
    const onward = send({ host: "127.0.0.1", port, method: request.method, path: pathname + search, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  server.on("connect", (request, socket) => {
    note(`CONNECT ${request.url}`, request.headers["proxy-authorization"]);
    if (refuse !== undefined) return void socket.end(`HTTP/1.1 ${refuse} No\r\ncontent-length: 0\r\n\r\n`);
    const onward = connect(Number(/:(\d+)$/.exec(request.url!)![1]), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
    server.once("close", () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    log,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
