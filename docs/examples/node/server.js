// A service that knows nothing of load reports: node server.js PORT
"use strict";

const http = require("node:http");

const server = http.createServer((request, response) => {
  // Something to wait for, so that there is a latency.
  setTimeout(() => {
    response.setHeader("Content-Type", "text/plain");
    response.end(`node ${request.method} ${request.url}\n`);
  }, 5);
});

server.listen(Number(process.argv[2] || 5000), "127.0.0.1");
process.on("SIGTERM", () => server.close());
