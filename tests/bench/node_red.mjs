// SPDX-License-Identifier: Apache-2.0
//
// node_red - Node-RED with the flow that tests/bench/bridge measures, in a process of its own:
// webhook in, answered 202 at once; a function with the rule's condition; an HTTP request with
// the event's data. Nothing is kept on disk and nothing is tried again.
//
//   node node_red.mjs MODULES FOLDER SINK PORTFILE
//
// MODULES holds node_modules with node-red, FOLDER is for its files, SINK is the URL that the
// request goes to. Listens on a free port of 127.0.0.1 and writes its number to PORTFILE once the
// flow runs. Without the editor, as it would be in production; connections to the sink are kept.
import { createRequire } from "node:module";
import { renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, resolve } from "node:path";

const [modules, folder, sink, portFile] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), "package.json"));
const express = require("express");
const RED = require("node-red");

const flow = [
	{ id: "tab", type: "tab", label: "bridge" },
	{ id: "in", z: "tab", type: "http in", url: "/hooks/in", method: "post", wires: [["answer", "when"]] },
	{ id: "answer", z: "tab", type: "http response", statusCode: "202", headers: {}, wires: [] },
	{
		id: "when", z: "tab", type: "function", outputs: 1, wires: [["out"]],
		func: "if (msg.payload.total_in_cents > 0) return { payload: msg.payload };",
	},
	{
		id: "out", z: "tab", type: "http request", method: "POST", url: sink, ret: "txt", persist: true,
		wires: [[]],
	},
];

const app = express();
const server = createServer(app);
RED.init(server, {
	userDir: folder,
	flowFile: "node-red-flows.json",
	httpAdminRoot: false,
	httpNodeRoot: "/",
	disableEditor: true,
	logging: { console: { level: "off" } },
	telemetry: { enabled: false },
});
app.use("/", RED.httpNode);
writeFileSync(join(folder, "node-red-flows.json"), JSON.stringify(flow));

RED.events.once("flows:started", () => {
	server.listen(0, "127.0.0.1", () => {
		// Renamed into place, so that whoever waits for the file never reads half of it.
		writeFileSync(portFile + ".new", `${server.address().port}\n`);
		renameSync(portFile + ".new", portFile);
	});
});
for (const signal of ["SIGTERM", "SIGINT"])
	process.on(signal, () => process.exit(0));
await RED.start();
