// Bundles each widget into artigraph/notebook/static, where Python reads it.
//
// `node build.mjs` writes the bundles, `node build.mjs --check` fails unless the
// committed ones are exactly what would be written. Each is saved with every
// widget in a notebook, so each has a limit.

import { readFile, writeFile, mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const WIDGETS = ["explorer", "viewer"];
const LIMIT = 80_000; // bytes
const LICENCES = "licences.txt";
const target = new URL("../artigraph/notebook/static/", import.meta.url);
const check = process.argv.includes("--check");

await mkdir(target, { recursive: true });
const packages = new Set();
for (const name of WIDGETS) {
  const result = await build({
    absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
    entryPoints: [`src/${name}/index.ts`],
    bundle: true,
    charset: "utf8",
    format: "esm",
    legalComments: "none",
    loader: { ".css": "text" },
    metafile: true,
    minify: true,
    outfile: `${name}.js`,
    target: "es2022",
    write: false,
  });
  const made = Buffer.from(result.outputFiles[0].contents);
  if (made.length >= LIMIT) fail(`${name}.js has ${made.length} bytes; ${LIMIT} are too many.`);
  for (const input of Object.keys(result.metafile.inputs)) {
    const found = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input);
    if (found) packages.add(found[0]);
  }
  await put(`${name}.js`, made);
}
await put(LICENCES, Buffer.from(await licences([...packages].sort())));

// What the packages in the bundles ask of whoever hands them on.
async function licences(folders) {
  const texts = folders.map(async (folder) => {
    const at = (file) => readFile(new URL(`${folder}/${file}`, import.meta.url), "utf8");
    const { name, version, license } = JSON.parse(await at("package.json"));
    return `${name} ${version} (${license})\n\n${(await at("LICENSE")).replace(/\r/g, "").trim()}\n`;
  });
  return `The bundles in this folder hold parts of these packages.\n\n${(await Promise.all(texts)).join("\n\n")}`;
}

async function put(name, made) {
  const file = new URL(name, target);
  if (!check) {
    await writeFile(file, made);
    console.log(`${name} ${made.length} bytes`);
  } else if (!made.equals(await readFile(file).catch(() => Buffer.alloc(0)))) {
    fail(`artigraph/notebook/static/${name} is not what frontend/ makes. Run: make frontend`);
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
