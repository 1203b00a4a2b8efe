// Takes webhooks, and answers 204 if the library of Standard Webhooks finds their signature good.

import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const secret = new Webhook(process.env.SECRET);

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) {
    parts.push(part);
  }
  try {
    secret.verify(Buffer.concat(parts).toString(), request.headers);
    response.writeHead(204);
  } catch {
    response.writeHead(400);
  }
  response.end();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
