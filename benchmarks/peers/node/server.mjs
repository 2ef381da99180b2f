// Each event is encoded once, and written to all who follow its channel.
import { createServer } from "node:http";

const followers = new Map();

function follow(channel, request, response) {
  if (!followers.has(channel)) followers.set(channel, new Set());
  const those = followers.get(channel);
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.write(":\n\n");
  those.add(response);
  request.on("close", () => those.delete(response));
}

function publish(lines) {
  for (const line of lines.split("\n")) {
    const space = line.indexOf(" ");
    if (space < 0) continue;
    const block = Buffer.from(`data: ${line.slice(space + 1)}\n\n`);
    for (const response of followers.get(line.slice(0, space)) ?? []) response.write(block);
  }
}

const server = createServer((request, response) => {
  if (request.method === "POST") {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      publish(Buffer.concat(parts).toString());
      response.writeHead(200, { "Content-Length": 0 }).end();
    });
  } else {
    follow(request.url.slice(1), request, response);
  }
});
server.keepAliveTimeout = 600_000;
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
