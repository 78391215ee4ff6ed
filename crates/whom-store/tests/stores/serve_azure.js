// An Azure Blob server on a free port of this machine, with one container: prints the port, and ends when its input does.
"use strict";

const { spawn } = require("node:child_process");
const { createHmac } = require("node:crypto");
const path = require("node:path");

const [modules, container, account, key] = process.argv.slice(2);
const azurite = path.join(modules, "azurite", "dist", "src", "blob", "main.js");
const server = spawn(process.execPath, [azurite, "--blobPort", "0", "--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry"]);

async function createContainer(port) {
  const date = new Date().toUTCString();
  const version = "2021-10-04";
  const headers = `x-ms-date:${date}\nx-ms-version:${version}`;
  const text = `PUT${"\n".repeat(12)}${headers}\n/${account}/${account}/${container}\nrestype:container`;
  const signature = createHmac("sha256", Buffer.from(key, "base64")).update(text).digest("base64");
  const answer = await fetch(`http://127.0.0.1:${port}/${account}/${container}?restype=container`, {
    method: "PUT",
    headers: { "x-ms-date": date, "x-ms-version": version, Authorization: `SharedKey ${account}:${signature}` },
  });
  if (answer.status !== 201) throw new Error(await answer.text());
}

let said = "";
server.stdout.on("data", async (chunk) => {
  const listening = /listens on http:\/\/127\.0\.0\.1:(\d+)/;
  if (listening.test(said)) return;
  said += chunk;
  const found = listening.exec(said);
  if (!found) return;
  await createContainer(found[1]);
  console.log(found[1]);
});
server.stderr.pipe(process.stderr);
server.on("exit", () => process.exit(1));
process.on("exit", () => server.kill());
process.stdin.on("end", () => process.exit(0)).resume();
