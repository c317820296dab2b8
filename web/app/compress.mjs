// Puts a gzip file beside what is worth compressing, so that the server has nothing to compress.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

function filesIn(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesIn(path) : [path];
  });
}

let total = 0;
for (const path of filesIn("dist")) {
  if (!/\.(html|js|css|svg|json|txt|webmanifest)$/.test(path)) continue;
  const packed = gzipSync(readFileSync(path), { level: 9 });
  writeFileSync(`${path}.gz`, packed);
  total += packed.length;
}
console.log(`dist: ${(total / 1000).toFixed(1)} kB compressed`);
